import { DynedgeError } from '../errors.ts'
import { bilinearTaps, type Taps } from './coefficients.ts'
import { type Geometry, imageGeometry } from './geometry.ts'
import { normaliseTables } from './normalise.ts'
import { checkInputSpec, checkSide, type InputSpec } from './spec.ts'

/** Everything that follows from sizes alone: pure, printable, good for every picture of that size. */
export interface ImagePlan {
  source: { height: number; width: number; channels: 1 | 3 | 4 }
  geometry: Geometry
  /** Vertical taps of the cropped rows, in source rows. */
  rows: Taps
  /** float32 [3][256]. */
  tables: Float32Array
  /** Parts of the crop, side by side, each small enough for the staging memory. */
  blocks: Block[]
  /** Staging memory used, bytes. */
  bytes: number
}

/** Some columns of the crop, resized from top to bottom before the next block. */
export interface Block {
  /** Columns of the crop. */
  left: number
  width: number
  /** Source columns that they need. */
  sourceLeft: number
  sourceWidth: number
  /** Per column, padded with 0 to whole fours: byte offset of its first tap in the source row. */
  windows: Int32Array
  /** Horizontal weights, `taps` a column, padded with 0. */
  weights: Int32Array
  /** The same for all columns: a multiple of 2, for gray of 4. */
  taps: number
  layout: Layout
}

/** Places in staging memory: byte offsets, 16-aligned. Strides of ring rows are multiples of 16. */
export interface Layout {
  tables: number
  rowWeights: number
  windows: number
  weights: number
  /** Rows between the passes; horizontal first: resized rows; vertical first: source rows. */
  ring: number
  ringStride: number
  ringRows: number
  /** Input of the horizontal pass: a source row, or what the vertical pass made of several. */
  wideRow: number
  /** Finished 8-bit row, 4 bytes per pixel. */
  row: number
  /** End of all. */
  bytes: number
}

/**
 * Plans resize, crop and normalise for one source size and one network input of height x width.
 * Splits the crop into as few blocks of columns as fit into `staging` bytes.
 * Throws `bad-input` for a bad spec or size, or when one column does not fit.
 */
export function planImage(
  source: { height: number; width: number; channels: 1 | 3 | 4 },
  spec: InputSpec,
  height: number,
  width: number,
  staging: number,
): ImagePlan {
  ASSERT: checkSizes(spec, height, width)
  const geometry = imageGeometry(source, spec, height, width)
  const { crop, resized } = geometry
  const rows = bilinearTaps(source.height, resized.height, crop.top, crop.top + height)
  const columns = bilinearTaps(source.width, resized.width, crop.left, crop.left + width)
  for (let parts = 1; ; parts++) {
    const step = Math.ceil(width / parts)
    const blocks: Block[] = []
    for (let left = 0; left < width; left += step)
      blocks.push(planBlock(source.channels, geometry, rows, columns, left, Math.min(step, width - left)))
    const bytes = Math.max(...blocks.map((block) => block.layout.bytes))
    if (bytes <= staging)
      return {
        source: { height: source.height, width: source.width, channels: source.channels },
        geometry,
        rows,
        tables: normaliseTables(spec),
        blocks,
        bytes,
      }
    if (step === 1)
      throw new DynedgeError(
        'bad-input',
        `Staging memory has ${staging} bytes, expected at least ${bytes} for a ${source.width} x ${source.height} picture at ` +
          `${width} x ${height}: shrink the picture first.`,
      )
  }
}

function checkSizes(spec: InputSpec, height: number, width: number): void {
  checkInputSpec(spec)
  checkSide('height', height)
  checkSide('width', width)
}

/** Staging bytes with which a picture of this size is resized in one block, whatever its channels. */
export function stagingBytes(
  sourceWidth: number,
  sourceHeight: number,
  spec: InputSpec,
  height: number,
  width: number,
): number {
  const source = { height: sourceHeight, width: sourceWidth, channels: 4 } as const
  return planImage(source, spec, height, width, Number.MAX_SAFE_INTEGER).bytes
}

function planBlock(
  channels: number,
  geometry: Geometry,
  rows: Taps,
  columns: Taps,
  left: number,
  width: number,
): Block {
  const last = left + width - 1
  const sourceLeft = columns.first[left]
  // Edge windows are cut, so the last column's window ends last.
  const sourceWidth = columns.first[last] + columns.count[last] - sourceLeft
  const { windows, weights, taps } = evenTaps(columns, left, width, sourceLeft, channels)
  const wideBytes = align16(sourceWidth * channels)
  const ringStride = geometry.verticalFirst ? wideBytes : align16(width * 4)
  let bytes = 0
  const take = (size: number): number => {
    const offset = bytes
    bytes += align16(size)
    return offset
  }
  const layout = {
    tables: take(3 * 256 * 4),
    rowWeights: take(rows.weights.byteLength),
    windows: take(windows.byteLength),
    weights: take(weights.byteLength),
    ring: take(rows.most * ringStride),
    ringStride,
    ringRows: rows.most,
    wideRow: take(wideBytes + taps * channels + OVERREAD),
    row: take(align16(width * 4)),
    bytes,
  }
  return { left, width, sourceLeft, sourceWidth, windows, weights, taps, layout }
}

/** The row kernels read up to this many bytes past the taps of a column, with weight 0. */
const OVERREAD = 16

function evenTaps(
  columns: Taps,
  left: number,
  width: number,
  sourceLeft: number,
  channels: number,
): { windows: Int32Array; weights: Int32Array; taps: number } {
  const unit = channels === 1 ? 4 : 2
  const taps = Math.ceil(columns.most / unit) * unit
  const windows = new Int32Array(align16(width * 4) / 4)
  const weights = new Int32Array(windows.length * taps)
  let from = 0
  for (let x = 0; x < left + width; x++) {
    const to = from + columns.count[x]
    if (x >= left) {
      windows[x - left] = (columns.first[x] - sourceLeft) * channels
      weights.set(columns.weights.subarray(from, to), (x - left) * taps)
    }
    from = to
  }
  return { windows, weights, taps }
}

function align16(bytes: number): number {
  return Math.ceil(bytes / 16) * 16
}
