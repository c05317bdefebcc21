export function i8_linear(step: usize, begin: i32, end: i32): void {}
