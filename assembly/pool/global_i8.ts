export function i8_global_pool(step: usize, begin: i32, end: i32): void {}
