export function i8_fuse(step: usize, begin: i32, end: i32): void {}
