import { Plane as PlaneWord, Word } from '../../assembly/image/words.ts'
import type { Backend } from '../backend.ts'
import { DynedgeError } from '../errors.ts'
import type { Quantization } from '../graph/graph.ts'
import { imageGeometry } from './geometry.ts'
import { checkPixels, type PixelSource, type Pixels } from './pixels.ts'
import { checkInputSpec, checkSide, type InputSpec } from './spec.ts'

/** Scratch in the backend's memory: 16-aligned address, size in bytes. */
export interface Staging {
  pointer: number
  bytes: number
}

/**
 * Where float32 pixels go: address of the first; strides in bytes; pixelStride 12, or >= 16 (a fourth lane gets 0). Pixels stored as
 * integers of `quantization` have a byte a lane, pixelStride >= 4.
 */
export interface ImageTarget {
  pointer: number
  rowStride: number
  pixelStride: number
  height: number
  width: number
  quantization?: Quantization
}

/** Staging that resizes photographs up to 8000 x 6000 at 224 x 224 in one block. */
export const DEFAULT_STAGING_BYTES = 256 * 1024

/**
 * Resizes, crops and normalises `source` into `target`, as Pillow, torchvision and PyTorch would. Only the source rows that the crop needs are
 * read, a band of them at a time; where staging memory is too small for the whole width, some columns after the others.
 * Throws `bad-input` for a bad spec or size, or when one column does not fit.
 */
export function preprocess(
  backend: Backend,
  source: PixelSource | Pixels,
  spec: InputSpec,
  { pointer, bytes }: Staging,
  target: ImageTarget,
): void {
  const pixels = checkPixels(source)
  const { orientation = 1, planes, frame = [] } = pixels
  const turned = orientation > 4
  ASSERT: checkRun(spec, { pointer, bytes }, target, turned, backend.memory.buffer.byteLength)
  const upright = turned ? { height: pixels.width, width: pixels.height } : pixels
  const { resized, crop, verticalFirst } = imageGeometry(upright, spec, target.height, target.width)
  const down = [upright.height, resized.height, crop.top]
  const across = [upright.width, resized.width, crop.left]
  const axes = new Float64Array(turned ? [...across, ...down] : [...down, ...across])
  const [height, width] = turned ? [target.width, target.height] : [target.height, target.width]
  const [rowStep, columnStep] = turned ? [target.pixelStride, target.rowStride] : [target.rowStride, target.pixelStride]

  const memory = new Uint8Array(backend.memory.buffer)
  const words = new Int32Array(memory.buffer, pointer, Word.Words)
  const floats = new Float32Array(memory.buffer, pointer, Word.Words)
  words.fill(0)
  words[Word.Channels] = pixels.channels
  words[Word.VerticalFirst] = +(verticalFirst !== turned)
  words[Word.FromRight] = +'2378'.includes(`${orientation}`)
  words[Word.Up] = +'3467'.includes(`${orientation}`)
  words[Word.Height] = height
  floats.set(spec.mean, Word.Mean)
  floats.set(spec.std, Word.Deviation)
  if (target.quantization) {
    const { scale, zero, bits } = target.quantization
    words[Word.Integers] = 1
    floats[Word.Scale] = scale
    words[Word.Zero] = zero
    words[Word.Top] = 2 ** bits - 1
  }
  words[Word.ColumnStep] = columnStep
  words[Word.RowStep] = rowStep
  planes.forEach(({ pixelBytes, across, down, rowBytes }, index) => {
    words.set([pixelBytes, across, down, Math.min(rowBytes, 2 ** 30)], Word.Planes + index * PlaneWord.Words)
  })
  words.set(frame, Word.Planar)

  const first = axes[5]
  for (let parts = 1, left = 0; left < width; ) {
    const step = Math.ceil(width / parts)
    axes[5] = first + left
    words.set(new Int32Array(axes.buffer), Word.Rows)
    words[Word.Width] = Math.min(step, width - left)
    words[Word.Output] = target.pointer + left * columnStep
    const most = backend.exports.u8_plan_block(pointer, bytes)
    if (most > 0) {
      runBlock(backend, pixels, memory, pointer, words, most)
      left += step
    } else if (step > 1) {
      parts++
      left = 0
    } else
      throw new DynedgeError(
        'bad-input',
        `Staging memory has ${bytes} bytes, expected at least ${-most} for a ${pixels.width} x ${pixels.height} picture at ` +
          `${target.width} x ${target.height}: shrink the picture first.`,
      )
  }
}

/** Copies the source rows that the block needs into staging memory, `most` at a time, and has the module use them. */
function runBlock(
  backend: Backend,
  { planes, part, height }: Pixels,
  memory: Uint8Array,
  staging: number,
  words: Int32Array,
  most: number,
): void {
  const left = words[Word.SourceLeft]
  const end = words[Word.EndRow]
  for (let taken = words[Word.FirstRow]; taken < end; taken += most) {
    const count = Math.min(most, end - taken)
    const top = words[Word.Up] ? height - taken - count : taken
    planes.forEach((plane, index) => {
      const { across, down, pixelBytes } = plane
      const [at, stride, bytes] = words.subarray(Word.Planes + index * PlaneWord.Words + PlaneWord.At)
      const first = top >> down
      const rows = ((top + count - 1) >> down) - first + 1
      const { data, rowBytes } = part ? part(left, top, words[Word.SourceColumns], count) : plane
      let from = part ? 0 : first * rowBytes + (left >> across) * pixelBytes
      const together = stride === rowBytes ? rows : 1
      for (let row = 0; row < rows; row += together) {
        memory.set(data.subarray(from, from + (together - 1) * rowBytes + bytes), staging + at + row * stride)
        from += together * rowBytes
      }
    })
    backend.exports.u8_resize_band(staging, top, count)
  }
}

function checkRun(
  spec: InputSpec,
  staging: Staging,
  { pointer, rowStride, pixelStride, height, width, quantization }: ImageTarget,
  turned: boolean,
  memoryBytes: number,
): void {
  checkInputSpec(spec)
  checkSide('height', height)
  checkSide('width', width)
  if (staging.pointer % 16 !== 0) throw badInput(`staging starts at ${staging.pointer}, expected a multiple of 16`)
  if (staging.bytes < Word.Words * 4)
    throw badInput(`staging has ${staging.bytes} bytes, expected at least ${Word.Words * 4}`)
  if (pointer % 4 !== 0) throw badInput(`target starts at ${pointer}, expected a multiple of 4`)
  // A fourth lane that is written beside a turned row's last pixel would be another row's.
  const least = quantization ? 4 : turned ? 16 : 12
  if (pixelStride < least || pixelStride % 4 !== 0)
    throw badInput(`pixelStride is ${pixelStride}, expected a multiple of 4 from ${least} on`)
  if (rowStride < width * pixelStride)
    throw badInput(`rowStride is ${rowStride}, expected at least width x pixelStride = ${width * pixelStride}`)
  checkPlace('staging', staging.pointer, staging.bytes, memoryBytes)
  checkPlace('target', pointer, (height - 1) * rowStride + width * pixelStride, memoryBytes)
}

function checkPlace(name: string, pointer: number, bytes: number, memoryBytes: number): void {
  if (pointer < 0 || pointer + bytes > memoryBytes)
    throw badInput(`${name} ends at ${pointer + bytes}, expected at most ${memoryBytes}, the size of the memory`)
}

function badInput(what: string): DynedgeError {
  return new DynedgeError('bad-input', `Image preprocessing: ${what}.`)
}
