export function i8_full_4x8(step: usize, begin: i32, end: i32): void {}
