import type { Network } from '../../src/network.ts'
import { load, seededTensor, smallBundle } from '../helpers/bundles.ts'
import type { Folder } from '../native/support.ts'

/** A network as host/stress.cpp reads it: where things lie in an instance, then the program and the weights. */
export async function stressFile(folder: Folder): Promise<string> {
  const net = (await load(smallBundle(), { variant: 'simd' })) as Network
  net.runSync(seededTensor(64, 64))
  const { backend, places, weightBytes, arenaBytes, current } = net.engine!
  const output = current!.pictures.get(net.graph.outputs.logits)!
  const head = new Uint32Array([
    backend.memory.buffer.byteLength,
    places.program,
    current!.program.length,
    places.weights,
    weightBytes,
    places.arena,
    arenaBytes,
    current!.steps.length,
    places.arena + output.offset,
    output.shape.channels * output.bytes,
  ])
  const weights = new Uint8Array(backend.memory.buffer, places.weights, weightBytes)
  return folder.write('stress', Buffer.concat([Buffer.from(head.buffer), current!.program, weights]))
}
