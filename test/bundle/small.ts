import { createHash } from 'node:crypto'
import type { Backend } from '../../src/backend.ts'
import type { BundleHeader } from '../../src/bundle/header.ts'
import { readHeader } from '../../src/bundle/load.ts'
import { openSource } from '../../src/bundle/source.ts'
import { compileChecksum, instantiate, POINTER, smallBundle } from './support.ts'

// The small bundle that the loading tests share, and a memory to load it into.
const module = await compileChecksum(true)

export const takeMemory = (header: BundleHeader) => instantiate(module, header.dataBytes)
export const bundle = smallBundle()
export const { header } = await readHeader(await openSource(bundle))
export const data = bundle.subarray(header.dataStart)
/** `integrity` of the bundle. */
export const sri = `sha256-${createHash('sha256').update(data).digest('base64')}`

/** The data section as it lies in a memory. */
export const placed = (backend: Backend) => new Uint8Array(backend.memory.buffer, POINTER, header.dataBytes)
