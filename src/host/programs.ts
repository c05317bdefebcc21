import { crc32c, hex32 } from '../bundle/checksum.ts'
import { dataStartOf } from '../bundle/container.ts'
import { type BundleTensor, parseHeader } from '../bundle/header.ts'
import { type TensorToWrite, writeBundle } from '../bundle/write.ts'
import { DynedgeError } from '../errors.ts'
import { checkHeader } from '../load.ts'
import { checkInputSize } from '../network.ts'
import { aligned } from '../plan/arena.ts'
import { inBands } from '../plan/bands.ts'
import { planNetwork } from '../plan/plan.ts'
import { HOST_TENSOR, PROGRAM_TENSOR } from './format.ts'
import { hostRecord, type PlacedProgram } from './record.ts'

/** Most programs of a bundle. */
export const MAX_PROGRAMS = 64

/**
 * The same bundle with a program for each of `sizes`, [height, width] in pixels, and the record by which a host without a planner or JSON
 * runs them (docs/bundle.md, Programs); programs that it had go. Weights stay the bytes they are; where a JavaScript host loads it, the
 * programs are bytes among others. `threads`: for hosts that run a picture in several; with one it takes some more memory for nothing.
 * @throws DynedgeError `bad-bundle` and its relatives, `usage` for no sizes or too many, `bad-input` for one that cannot be
 */
export function addPrograms(
  bundle: Uint8Array,
  sizes: readonly (readonly [height: number, width: number])[],
  { threads }: { threads?: boolean } = {},
): Uint8Array {
  const dataStart = dataStartOf(bundle, 'bad-bundle')
  const header = parseHeader(bundle.subarray(0, dataStart), bundle.length)
  const graph = checkHeader(header)
  const wanted = [...new Map(sizes.map((size) => [size.join('x'), size])).values()]
  if (wanted.length < 1 || wanted.length > MAX_PROGRAMS)
    throw new DynedgeError('usage', `There are ${wanted.length} sizes to plan for, expected 1 to ${MAX_PROGRAMS}`)
  const weights = [...header.tensors.values()].filter(
    ({ name }) => name !== HOST_TENSOR && !name.startsWith(PROGRAM_TENSOR),
  )
  const tensors = weights.map((tensor) => checked(tensor, bundle.subarray(dataStart)))
  let end = weights.reduce((sum, { bytes }) => sum + bytes, 0)
  if (weights.some(({ offset, bytes }) => offset + bytes > end))
    throw new DynedgeError('bad-bundle', 'Weights lie behind a program, expected programs at the end')
  const weightBytes = end
  const programs = wanted.map(([height, width]): PlacedProgram => {
    checkInputSize(height, width)
    const { precision } = header.metadata
    const bands = graph.kernels ? undefined : inBands
    const plan = planNetwork(graph, precision, header.tensors, weightBytes, height, width, { bands, threads })
    const offset = end
    end += aligned(plan.program.length)
    tensors.push({ name: `${PROGRAM_TENSOR}${height}x${width}`, dtype: 'U8', data: plan.program })
    return { plan, offset }
  })
  tensors.push({ name: HOST_TENSOR, dtype: 'U8', data: hostRecord(graph, header.metadata, weights, programs) })
  return writeBundle({ tensors, metadata: header.metadata, weightBytes: header.metadata.weightBytes })
}

function checked(tensor: BundleTensor, section: Uint8Array): TensorToWrite {
  const data = section.subarray(tensor.offset, tensor.offset + tensor.bytes)
  const found = crc32c(data)
  if (found !== tensor.crc32c)
    throw new DynedgeError(
      'damaged-bundle',
      `Tensor ${tensor.name} is damaged: CRC32C ${hex32(found)}, expected ${hex32(tensor.crc32c)}; fetch the bundle again`,
    )
  return { name: tensor.name, dtype: tensor.dtype, data }
}
