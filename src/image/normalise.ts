import type { Quantization } from '../graph/graph.ts'
import { quantised } from '../graph/integer.ts'
import type { InputSpec } from './spec.ts'

/**
 * Table [3][256]: value of every byte in every channel, each operation rounded to float32 as
 * PyTorch does in ToTensor and Normalize: ((byte / 255) - mean) / std.
 */
export function normaliseTables(spec: InputSpec): Float32Array {
  const tables = new Float32Array(3 * 256)
  for (let channel = 0; channel < 3; channel++) {
    const mean = Math.fround(spec.mean[channel])
    const std = Math.fround(spec.std[channel])
    for (let byte = 0; byte < 256; byte++)
      tables[channel * 256 + byte] = Math.fround(Math.fround(byte / 255) - mean) / std
  }
  return tables
}

/** The same tables as the integers that `quantization` stores for them. */
export function quantisedTables(tables: Float32Array, quantization: Quantization): Uint8Array {
  return new Uint8Array(tables.map((value) => quantised(value, quantization)))
}
