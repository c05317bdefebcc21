export function i8_grouped2_2x8(step: usize, begin: i32, end: i32): void {}
