import type { Backend } from '../backend.ts'
import { DynedgeError } from '../errors.ts'
import type { Quantization } from '../graph/graph.ts'
import { quantisedTables } from './normalise.ts'
import { checkPixels, type PixelSource, type Pixels } from './pixels.ts'
import { type Block, type ImagePlan, planImage } from './plan.ts'
import type { InputSpec } from './spec.ts'

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

/** Resizes, crops and normalises `source` into `target`, as Pillow, torchvision and PyTorch would. */
export function preprocess(
  backend: Backend,
  source: PixelSource | Pixels,
  spec: InputSpec,
  staging: Staging,
  target: ImageTarget,
): void {
  const pixels = checkPixels(source)
  runImagePlan(backend, planImage(pixels, spec, target.height, target.width, staging.bytes), pixels, staging, target)
}

/**
 * Runs a plan on a picture of the planned size (frames of a video share one plan).
 * Only the source rows and columns that the crop needs are read, one row at a time.
 */
export function runImagePlan(
  backend: Backend,
  plan: ImagePlan,
  source: PixelSource | Pixels,
  staging: Staging,
  target: ImageTarget,
): void {
  const pixels = checkPixels(source)
  ASSERT: checkRun(plan, pixels, staging, target, backend.memory.buffer.byteLength)
  const tables = target.quantization ? quantisedTables(plan.tables, target.quantization) : plan.tables
  for (const block of plan.blocks) {
    writeTables(backend, plan, block, tables, staging.pointer)
    runBlock(backend, plan, block, pixels, staging.pointer, target)
  }
}

/**
 *   horizontal first:  source row -> wideRow -> [row kernel] -> ring -> [columns] -> row -> target
 *   vertical first:    source row -> ring -> [columns] -> wideRow -> [row kernel] -> row -> target
 */
function runBlock(
  backend: Backend,
  plan: ImagePlan,
  block: Block,
  pixels: Pixels,
  staging: number,
  target: ImageTarget,
): void {
  const { rows, geometry } = plan
  const { layout, width, taps } = block
  const { ringStride, ringRows } = layout
  const { u8_resize_columns: resizeColumns } = backend.exports
  const normaliseRow = backend.exports[target.quantization ? 'u8_normalise_row' : 'f32_normalise_row']
  const resizeRow = backend.exports[ROW_KERNELS[pixels.channels]]
  const memory = new Uint8Array(backend.memory.buffer)
  const ring = staging + layout.ring
  const wideRow = staging + layout.wideRow
  const row = staging + layout.row
  const windows = staging + layout.windows
  const weights = staging + layout.weights
  const tables = staging + layout.tables
  let rowWeights = staging + layout.rowWeights
  let output = target.pointer + block.left * target.pixelStride
  let next = rows.first[0]

  for (let y = 0; y < geometry.crop.height; y++) {
    const first = rows.first[y]
    const count = rows.count[y]
    for (; next < first + count; next++) {
      const slot = ring + (next % ringRows) * ringStride
      memory.set(rowOf(pixels, next, block), geometry.verticalFirst ? slot : wideRow)
      if (!geometry.verticalFirst) resizeRow(slot, wideRow, windows, weights, width, taps)
    }
    const resizedRows = geometry.verticalFirst ? wideRow : row
    resizeColumns(resizedRows, ring, ringStride, ringRows, first % ringRows, rowWeights, count)
    if (geometry.verticalFirst) resizeRow(row, wideRow, windows, weights, width, taps)
    normaliseRow(output, row, tables, width, target.pixelStride)
    rowWeights += count * 4
    output += target.rowStride
  }
}

function rowOf(pixels: Pixels, y: number, { sourceLeft, sourceWidth }: Block): Uint8Array {
  if (pixels.row) return pixels.row(y, sourceLeft, sourceWidth)
  const from = y * pixels.rowBytes + sourceLeft * pixels.channels
  return pixels.data.subarray(from, from + sourceWidth * pixels.channels)
}

const ROW_KERNELS = { 1: 'u8_resize_row_gray', 3: 'u8_resize_row_rgb', 4: 'u8_resize_row_rgba' } as const

function writeTables(
  backend: Backend,
  plan: ImagePlan,
  block: Block,
  tables: Float32Array | Uint8Array,
  staging: number,
): void {
  const { layout, windows, weights } = block
  const write = (words: Int32Array | Float32Array | Uint8Array, offset: number): void =>
    new Uint8Array(backend.memory.buffer, staging + offset, words.byteLength).set(
      new Uint8Array(words.buffer, words.byteOffset, words.byteLength),
    )
  write(tables, layout.tables)
  write(plan.rows.weights, layout.rowWeights)
  write(windows, layout.windows)
  write(weights, layout.weights)
}

function checkRun(plan: ImagePlan, pixels: Pixels, staging: Staging, target: ImageTarget, memoryBytes: number): void {
  const { source, geometry } = plan
  if (pixels.width !== source.width || pixels.height !== source.height || pixels.channels !== source.channels)
    throw new DynedgeError(
      'bad-image',
      `Picture is ${pixels.width} x ${pixels.height} with ${pixels.channels} channels, expected ` +
        `${source.width} x ${source.height} with ${source.channels}.`,
    )
  const { height, width } = geometry.crop
  if (target.height !== height || target.width !== width)
    throw badInput(`target is ${target.width} x ${target.height}, expected ${width} x ${height}; plan again`)
  if (staging.bytes < plan.bytes)
    throw badInput(`staging has ${staging.bytes} bytes, expected ${plan.bytes}; plan again with that size`)
  if (staging.pointer % 16 !== 0) throw badInput(`staging starts at ${staging.pointer}, expected a multiple of 16`)
  if (target.pointer % 4 !== 0) throw badInput(`target starts at ${target.pointer}, expected a multiple of 4`)
  const { pixelStride, rowStride } = target
  const least = target.quantization ? 4 : 12
  if (pixelStride < least || pixelStride % 4 !== 0)
    throw badInput(`pixelStride is ${pixelStride}, expected a multiple of 4 from ${least} on`)
  if (rowStride < width * pixelStride)
    throw badInput(`rowStride is ${rowStride}, expected at least width x pixelStride = ${width * pixelStride}`)
  checkPlace('staging', staging.pointer, plan.bytes, memoryBytes)
  checkPlace('target', target.pointer, (height - 1) * rowStride + width * pixelStride, memoryBytes)
}

function checkPlace(name: string, pointer: number, bytes: number, memoryBytes: number): void {
  if (pointer < 0 || pointer + bytes > memoryBytes)
    throw badInput(`${name} ends at ${pointer + bytes}, expected at most ${memoryBytes}, the size of the memory`)
}

function badInput(what: string): DynedgeError {
  return new DynedgeError('bad-input', `Image preprocessing: ${what}.`)
}
