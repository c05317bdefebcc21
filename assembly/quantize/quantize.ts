export function i8_quantize(step: usize, begin: i32, end: i32): void {}
