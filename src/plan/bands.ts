import { Axis } from '../../assembly/program/format.ts'
import type { Graph } from '../graph/graph.ts'
import type { Picture } from './pictures.ts'
import type { PlannedStep, Word } from './program.ts'
import type { Draft } from './steps.ts'

// Depth first. A page fetches this file with a network that may gain from it; an import of anything but types and constants would
// break what every page fetches into two files.

/** Rearranges a draft; `bytesOf` is how much memory a picture takes. */
export type Bands = (draft: Draft, graph: Graph, bytesOf: (picture: Picture) => number) => void

/** Of both pictures of a band. MobileNetV2 at 224 and 448 takes as long with 2 to 4 MB, and longer with less than 1. */
const BAND_BYTES = 2 * 1024 * 1024
/** Fewer would leave threads without work. */
const LEAST_ROWS = 8

/**
 * The middle of a block: a 1x1 convolution, the 3x3 one that alone reads it, the 1x1 one that alone reads that. Where the two pictures
 * between them have more than `most` bytes, they are made and used up in bands of rows, and have memory for one band; unless that
 * saves less than it costs for all around the block to last together. Rows at the edge of a band that the band before made are
 * made again, so no byte passes from band to band; results are the same to the bit.
 */
export function inBands(
  { steps, pictures, scratch }: Draft,
  graph: Graph,
  bytesOf: (picture: Picture) => number,
  most = BAND_BYTES,
  least = LEAST_ROWS,
): void {
  const outputs = Object.values(graph.outputs)
  const users = (name?: string) => steps.filter(({ operands }) => Object.values(operands).includes(name!))
  const byPixels = (step?: PlannedStep) => step?.words.Axis === Axis.Pixels
  for (const spatial of [...steps]) {
    const { In, Out } = spatial.operands
    const [wide, narrow] = [pictures.get(In!), pictures.get(Out!)]
    const { Kernel, Stride = 1, InAt } = spatial.words
    if (!wide || !narrow || wide.border !== 1 || Kernel !== 3 || InAt) continue
    const [border, expand, reader, ...others] = users(In)
    const [maker, project, ...readers] = users(Out)
    if (reader !== spatial || maker !== spatial || others.length || readers.length) continue
    if (!byPixels(expand) || !byPixels(project) || outputs.includes(In!) || outputs.includes(Out!)) continue
    const { height } = narrow.shape
    const high = (picture: Picture, height: number) => bytesOf({ ...picture, shape: { ...picture.shape, height } })
    const wideBytes = (rows: number) => high(wide, (rows - 1) * Stride + 1)
    const bytes = (rows: number) => wideBytes(rows) + high(narrow, rows)
    let rows = height
    for (let bands = 1; bytes(rows) > most && rows > least; rows = Math.max(least, Math.ceil(height / ++bands)));
    const around = [expand.operands.In!, project.operands.Out!].map((name) => bytesOf(pictures.get(name)!))
    if (rows >= height || around[0] + around[1] + bytes(rows) >= bytes(height)) continue
    const made: PlannedStep[] = []
    for (let first = 0; first < height; first += rows) {
      const last = Math.min(first + rows, height)
      const part = (step: PlannedStep, words: Partial<Record<Word, number>>) =>
        made.push({
          ...step,
          label: `${step.label} ${first}-${last - 1}`,
          multiplyAdds: (step.multiplyAdds * (last - first)) / height,
          words: { ...step.words, ...words },
        })
      // The buffer begins with the row above the first window's centre: in the first band one of the frame.
      const top = first * Stride - 1
      const windows = (last - first - 1) * Stride + 3
      const begin = Math.max(top, 0)
      const { OutRow = 0, OutPixel = 0 } = expand.words
      part(border, { Rows: windows, Units: windows })
      part(expand, {
        ...rowsOf(expand, wide, begin, Math.min(top + windows, wide.shape.height)),
        OutAt: (begin - top) * OutRow + OutPixel,
      })
      part(spatial, { Rows: last - first, Units: last - first })
      part(project, { ...rowsOf(project, narrow, first, last), InAt: 0 })
    }
    for (const step of [border, expand, spatial]) steps.splice(steps.indexOf(step), 1)
    steps.splice(steps.indexOf(project), 1, ...made)
    scratch.set(In!, wideBytes(rows))
    scratch.set(Out!, high(narrow, rows))
    pictures.delete(In!)
    pictures.delete(Out!)
  }
}

/** Words of rows `first` to `last` - 1 of a 1x1 convolution whose pixels are those of `picture`. */
function rowsOf(
  { words }: PlannedStep,
  { shape }: Picture,
  first: number,
  last: number,
): Partial<Record<Word, number>> {
  const { width } = shape
  const flat = words.Columns !== width
  const moved = (at = 0, row = 0, pixel = 0) => at + first * (flat ? width * pixel : row)
  const [Rows, Columns] = flat ? [1, (last - first) * width] : [last - first, width]
  const Units = Math.ceil((Rows * Columns) / 8)
  return {
    InAt: moved(words.InAt, words.InRow, words.InPixel),
    OutAt: moved(words.OutAt, words.OutRow, words.OutPixel),
    SideAt: moved(words.SideAt, words.SideRow, words.SidePixel),
    Rows,
    Columns,
    Units,
  }
}
