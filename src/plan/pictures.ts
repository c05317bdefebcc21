import type { Quantization, Shape, Use } from '../graph/graph.ts'
import type { Lanes } from './lanes.ts'
import type { Word } from './program.ts'

/** An activation in the arena: NHWC, `border` pixels of padding around it, every pixel `lanes` values long. */
export interface Picture {
  shape: Shape
  lanes: Lanes
  border: number
  /** Of a value: 4 float32, 1 an integer of `quantization`, 2 a pooled mean of integers. */
  bytes: 1 | 2 | 4
  quantization?: Quantization
}

/** Vectors read up to their end, a pass-through up to 12 bytes past its channels, integers 16 past a range that is filled up to a quad. */
export const OVER_READ = 32
export const pixelBytes = (picture: Picture) => picture.lanes.length * picture.bytes
export const rowBytes = (picture: Picture) => (picture.shape.width + 2 * picture.border) * pixelBytes(picture)
export const pictureBytes = (picture: Picture) =>
  (picture.shape.height + 2 * picture.border) * rowBytes(picture) + OVER_READ
/** Byte offset of pixel (-reach, -reach). */
export const pixelAt = (picture: Picture, reach: number) =>
  (picture.border - reach) * (rowBytes(picture) + pixelBytes(picture))

type Words = Partial<Record<Word, number>>

/** Words of a step that reads `use` of a picture: from pixel (-reach, -reach) on. */
export const reading = (picture: Picture, use?: Use, reach = 0): Words => ({
  InAt: pixelAt(picture, reach) + (use?.from ?? 0) * picture.bytes,
  InRow: rowBytes(picture),
  InPixel: pixelBytes(picture),
})
/** Of one that writes all of it. */
export const writing = (picture: Picture): Words => ({
  OutAt: pixelAt(picture, 0),
  OutRow: rowBytes(picture),
  OutPixel: pixelBytes(picture),
  Rows: picture.shape.height,
  Columns: picture.shape.width,
})
/** Of one that takes it, from channel `from` on, beside its input. */
export const beside = (picture: Picture, from = 0): Words => ({
  SideAt: pixelAt(picture, 0) + from * picture.bytes,
  SideRow: rowBytes(picture),
  SidePixel: pixelBytes(picture),
})

/** Of the kernels that read a picture. */
export const dtypeOf = (picture: Picture) => (picture.quantization ? 'i8' : 'f32')
/** Largest integer that is stored. */
export const topOf = ({ bits }: Quantization) => 2 ** bits - 1
