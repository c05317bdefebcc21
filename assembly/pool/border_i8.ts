export function i8_border(step: usize, begin: i32, end: i32): void {}
