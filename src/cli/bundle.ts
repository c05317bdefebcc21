import { createHash } from 'node:crypto'
import { crc32c } from '../bundle/checksum.ts'
import { openLocal } from '../bundle/file-source.ts'
import { type BundleHeader, checkFileSize } from '../bundle/header.ts'
import { readHeader } from '../bundle/load.ts'
import { openSource } from '../bundle/source.ts'
import { modelAddress } from './models.ts'

export interface OpenBundle {
  header: BundleHeader
  data: Uint8Array
  /** Names of tensors whose CRC32C differs. */
  damaged: string[]
  /** Is the SHA-256 of the data what the header says? */
  sha256: boolean
}

/**
 * Reads a bundle, by path, URL or name in dynedge-models, and computes its checksums; they are for the caller to judge. Throws what
 * the header's checks throw.
 */
export async function openBundle(model: string): Promise<OpenBundle> {
  const { header, rest } = await readHeader(await openSource(await modelAddress(model), { openOwn: openLocal }))
  const data = new Uint8Array(header.dataBytes)
  let at = 0
  for await (const chunk of rest.stream) {
    if (at + chunk.length <= data.length) data.set(chunk, at)
    at += chunk.length
  }
  checkFileSize(header.dataStart + at, header.dataStart + header.dataBytes)
  const damaged: string[] = []
  for (const { name, offset, bytes, crc32c: expected } of header.tensors.values())
    if (crc32c(data.subarray(offset, offset + bytes)) !== expected) damaged.push(name)
  const sha256 = createHash('sha256').update(data).digest('hex') === header.metadata.sha256
  return { header, data, damaged, sha256 }
}
