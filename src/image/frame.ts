// Frames of cameras. Fetched on demand: imports types only, and its neighbour.
import type { DynedgeError } from '../errors.ts'
import type { FrameFormat, FramePlane, FrameSource } from './frame-source.ts'
import { MATRICES, matrixWords, RANGES } from './matrix.ts'
import type { Pixels, Plane } from './pixels.ts'

type Failure = typeof DynedgeError

/** What lies together in a plane: bytes, how many of its pixels share them (as shifts), and whether other gaps are allowed. */
interface Kind {
  name: string
  least: number
  across: number
  down: number
  fixed?: boolean
}

const Y: Kind = { name: 'Y', least: 1, across: 0, down: 0 }
const QUARTER = { across: 1, down: 1 }
const U: Kind = { name: 'U', least: 1, ...QUARTER }
const V: Kind = { name: 'V', least: 1, ...QUARTER }
const PIXEL: Kind = { name: 'pixel', least: 4, across: 0, down: 0, fixed: true }
const PAIR: Kind = { name: 'pair', least: 4, across: 1, down: 0, fixed: true }

/** Planes of a format; of Y, U and V, number of the plane and byte in its sample. */
const FORMATS: Record<FrameFormat, { planes: Kind[]; y?: number; u?: [number, number]; v?: [number, number] }> = {
  rgba: { planes: [PIXEL] },
  bgra: { planes: [PIXEL] },
  i420: { planes: [Y, U, V], u: [1, 0], v: [2, 0] },
  yv12: { planes: [Y, V, U], u: [2, 0], v: [1, 0] },
  nv12: { planes: [Y, { name: 'UV', least: 2, ...QUARTER }], u: [1, 0], v: [1, 1] },
  nv21: { planes: [Y, { name: 'VU', least: 2, ...QUARTER }], u: [1, 1], v: [1, 0] },
  yuyv: { planes: [PAIR], y: 0, u: [0, 1], v: [0, 3] },
  uyvy: { planes: [PAIR], y: 1, u: [0, 0], v: [0, 2] },
}

/** As MAX_SIDE of spec.ts. */
const MAX_SIDE = 2 ** 24

/** Is it a frame as FrameSource says? VideoFrames have a format too. */
export const isFrame = (image: unknown): image is FrameSource =>
  typeof image === 'object' && image !== null && 'format' in image && !('codedWidth' in image)

/** Checks a frame; its bytes are not copied. Throws `bad-image` where its fields contradict each other. */
export function checkFrame(source: FrameSource, Failure: Failure): Pixels {
  const bad = (what: string) => new Failure('bad-image', `Frame: ${what}.`)
  const { format, width, height, matrix = 'bt601', range = 'full' } = source
  const among = (name: string, value: unknown, names: readonly unknown[]) => {
    if (!names.includes(value)) throw bad(`${name} is ${shown(value)}, expected one of ${names.join(', ')}`)
  }
  among('format', format, Object.keys(FORMATS))
  for (const [name, side] of Object.entries({ width, height }))
    if (!Number.isSafeInteger(side) || side < 1 || side > MAX_SIDE)
      throw bad(`${name} is ${shown(side)}, expected an integer from 1 to ${MAX_SIDE}`)
  among('matrix', matrix, MATRICES)
  among('range', range, RANGES)

  const { planes: kinds, y = 0, u, v } = FORMATS[format]
  const planes = given(source, kinds, bad).map((plane, index) =>
    checkPlane(plane, kinds[index], width, height, source.planes ? `planes[${index}].` : '', bad),
  )
  const picture = { width, height, channels: 4 as const, planes }
  if (!u || !v) return format === 'bgra' ? { ...picture, frame: [0, 1] } : picture
  const step = (plane: number) => planes[plane].pixelBytes
  const samples = [...[0, y, kinds[0] === PAIR ? 2 : step(0)], ...[...u, step(u[0])], ...[...v, step(v[0])]]
  return { ...picture, frame: [1, 0, kinds[u[0]].down, ...samples, ...matrixWords(matrix, range)] }
}

type Bad = (what: string) => DynedgeError

/** The planes of a frame, of `data` cut out of it. */
function given({ planes, data, rowBytes, width, height }: FrameSource, kinds: Kind[], bad: Bad): FramePlane[] {
  if ((planes === undefined) === (data === undefined))
    throw bad(`it has ${planes ? 'both planes and data' : 'neither planes nor data'}, expected one of them`)
  const names = kinds.map(({ name }) => name).join(', ')
  if (planes) {
    if (!Array.isArray(planes) || planes.length !== kinds.length || planes.some((plane) => Object(plane) !== plane))
      throw bad(`planes is ${shown(planes)}, expected an array of ${kinds.length}: ${names}`)
    if (rowBytes !== undefined) throw bad('rowBytes is given beside planes; give each plane its own')
    return planes as FramePlane[]
  }
  const bytes = bytesOf(data, '', bad)
  const least = samplesOf(kinds[0], width) * kinds[0].least
  if (rowBytes !== undefined && !(Number.isSafeInteger(rowBytes) && rowBytes >= least))
    throw bad(`rowBytes is ${shown(rowBytes)}, expected an integer of at least ${least}`)
  let at = 0
  const cut = kinds.map((kind) => {
    const tight = samplesOf(kind, width) * kind.least
    const stride =
      rowBytes === undefined ? tight : Math.max(tight, kind === U || kind === V ? (rowBytes + 1) >> 1 : rowBytes)
    const rows = rowsOf(kind, height)
    const plane = { data: bytes.subarray(at, at + stride * rows), rowBytes: stride }
    at += stride * rows
    return { plane, needed: at - stride + tight }
  })
  const { needed } = cut[cut.length - 1]
  if (rowBytes === undefined ? bytes.length !== needed : bytes.length < needed)
    throw bad(
      `data has ${bytes.length} bytes, expected ${needed} for ${width} x ${height} pixels (${names})` +
        (rowBytes === undefined ? '; give rowBytes or planes if there are gaps' : ` in rows of ${rowBytes}`),
    )
  return cut.map(({ plane }) => plane)
}

function checkPlane(plane: FramePlane, kind: Kind, width: number, height: number, where: string, bad: Bad): Plane {
  const { least, across, down, fixed } = kind
  const columns = samplesOf(kind, width)
  const rows = rowsOf(kind, height)
  const { pixelBytes = least } = plane
  if (!Number.isSafeInteger(pixelBytes) || pixelBytes < least || (fixed && pixelBytes > least))
    throw bad(`${where}pixelBytes is ${shown(pixelBytes)}, expected ${fixed ? '' : 'an integer of at least '}${least}`)
  const row = (columns - 1) * pixelBytes + least
  const { rowBytes = columns * pixelBytes } = plane
  if (!Number.isSafeInteger(rowBytes) || rowBytes < row)
    throw bad(`${where}rowBytes is ${shown(rowBytes)}, expected an integer of at least ${row}`)
  const data = bytesOf(plane.data, where, bad)
  // The last row may end where its samples end.
  const needed = (rows - 1) * rowBytes + row
  if (data.length < needed)
    throw bad(
      `${where}data has ${data.length} bytes, expected ${needed} for ${columns} x ${rows} samples (${kind.name}) of ${pixelBytes} in rows of ${rowBytes}`,
    )
  return { data, rowBytes, pixelBytes, across, down }
}

const samplesOf = ({ across }: Kind, width: number) => (width + across) >> across
const rowsOf = ({ down }: Kind, height: number) => (height + down) >> down

function bytesOf(data: unknown, where: string, bad: Bad): Uint8Array {
  const tag = Object.prototype.toString.call(data).slice(8, -1)
  if (tag !== 'Uint8Array' && tag !== 'Uint8ClampedArray' && tag !== 'ArrayBuffer')
    throw bad(`${where}data is ${tag}, expected Uint8Array, Uint8ClampedArray or ArrayBuffer`)
  const bytes = data as Uint8Array | ArrayBuffer
  if (!bytes.byteLength) throw bad(`${where}data is empty, or was given away`)
  return 'buffer' in bytes ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes)
}

const shown = (value: unknown) =>
  typeof value === 'object' ? (Array.isArray(value) ? `an array of ${value.length}` : 'an object') : String(value)
