// The host record: what a host that reads no JSON must know of a bundle, as little-endian u32 words. docs/bundle.md explains it,
// native/src/bundle.c reads it. A change of any number here is a new HOST_VERSION.

/** Tensor of the bundle that holds the record; the last one. Programs lie before it. */
export const HOST_TENSOR = 'dynedge.host'
export const PROGRAM_TENSOR = 'dynedge.program.'

/** 'DYEH', little-endian. */
export const HOST_MAGIC = 0x48455944
export const HOST_VERSION = 1

/** Words of the record's header. `...At` and names are byte offsets into the record; a name is UTF-8 and ends with a zero byte. */
export const HostWord = {
  Magic: 0,
  Version: 1,
  /** PROGRAM_VERSION of the programs. */
  ProgramVersion: 2,
  /** WEIGHT_LAYOUT of the weights. */
  Layout: 3,
  /** Of the record, without padding. */
  Bytes: 4,
  /** Of the data section's first part, the weights. */
  WeightBytes: 5,
  Tensors: 6,
  TensorsAt: 7,
  Programs: 8,
  ProgramsAt: 9,
  Outputs: 10,
  OutputsAt: 11,
  /** 0 where the bundle names none. */
  Labels: 12,
  LabelsAt: 13,
  /** Of the network. */
  Name: 14,
  Precision: 15,
  /** Input spec: size, shorter side; float32 mean and deviation of the three channels. */
  Height: 16,
  Width: 17,
  ShorterSide: 18,
  Mean: 19,
  Deviation: 22,
  /** Bytes of a value of the input tensor: 4, float32; 1, integers with the float32 scale, zero point and largest value that follow. */
  InputBytes: 25,
  InputScale: 26,
  InputZero: 27,
  InputTop: 28,
  Words: 29,
} as const

/** A tensor of weights: offset in the data section, bytes with padding, their CRC32C, name. */
export const HOST_TENSOR_WORDS = 4

/** A program and its places in the arena. */
export const HostProgram = {
  Height: 0,
  Width: 1,
  /** In the data section. */
  Offset: 2,
  /** Without padding. */
  Bytes: 3,
  Crc32c: 4,
  ArenaBytes: 5,
  Steps: 6,
  /** Byte offset per step: its label. */
  StepNamesAt: 7,
  /** Pixel (0, 0) of the input in the arena; strides in bytes. */
  InputAt: 8,
  InputRow: 9,
  InputPixel: 10,
  /** Per output HOST_PLACE_WORDS words: pixel (0, 0) in the arena, row and pixel stride, height, width. */
  OutputsAt: 11,
  Words: 12,
} as const
export const HOST_PLACE_WORDS = 5

/** An output: name, bytes of a value (4 float32, 2 int16, 1 uint8), channels, lanes, and per lane its channel, -1 for padding. */
export const HOST_OUTPUT_WORDS = 5
