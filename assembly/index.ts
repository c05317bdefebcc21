// Everything the module exports: flat functions of integers.
export { PROGRAM_VERSION } from './program/format'
export { place } from './program/operands'
export { verify } from './program/verify'
export { run } from './program/run'
export { crc32c } from './checksum/crc32c'
export { u8_resize_row_gray, u8_resize_row_rgb, u8_resize_row_rgba } from './image/rows'
export { u8_resize_columns } from './image/columns'
export { f32_normalise_row } from './image/normalise'
