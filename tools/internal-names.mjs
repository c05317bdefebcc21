// Properties that a page's scripts keep to themselves: the build gives them short names, the same in all of them (tools/build.mjs).
// None may be a name of the public API, of a bundle's JSON, of a binary's exports, of a message between threads, of the platform, of what
// a chunk exports, or one that the sources also write as a string: test/mangle.test.ts looks.

/** Words of a step (src/plan/program.ts). */
const WORDS =
  'Activation Axis Beside Bias Block Coefficients CoefficientsAt Columns Depth Factors Grain Group Holes In InAt InColumns InPixel InRow InRows InScale InZero Keeps Kept Kernel Lanes Out OutAt OutPixel OutRow OutScale OutZero Planar Ratio Rows Scales Side SideAt SideGroup SideMode SidePixel SideRow SideZero Stride Tolerance Top Units Weights'

const BUNDLE = 'crc current dataStart leftover openOwn tensors'
const PLAN =
  'adapt arena bands by coefficientsAt convert draft fit floats globalPool keep keeps lanes last layouts maxPool offsets operands pictures placeCoefficients places planFor planTensor plans program scratch taps weavable weights words woven'
const IMAGE = 'across crop down pixelStride resized rowAt rowStride verticalFirst'
const CACHE = 'begin blobs folder fresh refuse sizeOf'
const RUNTIME = 'adopt alive backend binary bytesFor engine execute note openSync opened pointer rest team'
const WORKER = 'ask askOf giveUp hear hold layouts onEnd post settle unlisten'

export const INTERNAL_NAMES = [
  ...new Set([WORDS, BUNDLE, PLAN, IMAGE, CACHE, RUNTIME, WORKER].flatMap((names) => names.split(' '))),
]
