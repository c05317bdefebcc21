export function i8_dequantize(step: usize, begin: i32, end: i32): void {}
