import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

/** Of node:crypto what writing a bundle asks for, where there is no Node. */
export function createHash(_: 'sha256') {
  const hash = sha256.create()
  const self = {
    update(bytes: Uint8Array) {
      hash.update(bytes)
      return self
    },
    digest: (_: 'hex') => bytesToHex(hash.digest()),
  }
  return self
}
