export function i8_grouped6_2x12(step: usize, begin: i32, end: i32): void {}
