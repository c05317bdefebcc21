// Sub-resource integrity of a bundle. A page loads it only when it gives one; it shares no code with the rest.

/** What is wrong, as an error's code and message. */
export type Fault = [code: 'usage' | 'integrity', message: string]

/** Does the header say what `integrity` says? `digest`: SHA-256 of the data section in hex. */
export function promiseFault(integrity: string, digest: string): Fault | undefined {
  if (!hashesOf(integrity).length || /sha256-(?![A-Za-z0-9+/]{43}=(\?|\s|$))/.test(integrity))
    return ['usage', `integrity is ${JSON.stringify(integrity)}, expected sha256- and 44 characters of base64`]
  return otherFault(
    integrity,
    digest.match(/../g)!.map((digits) => Number.parseInt(digits, 16)),
    'its header says',
  )
}

/** SHA-256 of bytes in a memory, where something other than crypto.subtle works it out. */
export const digesters = new WeakMap<ArrayBufferLike, (data: Uint8Array) => Promise<Iterable<number>>>()

/** Is it the SHA-256 of `data`? */
export async function dataFault(integrity: string, data: Uint8Array): Promise<Fault | undefined> {
  const digester = digesters.get(data.buffer)
  if (digester) return otherFault(integrity, await digester(data), 'its data has')
  const subtle = globalThis.crypto?.subtle
  if (!subtle) return ['integrity', 'SHA-256 needs crypto.subtle: a page must come by https or from localhost']
  // crypto.subtle refuses shared memory.
  const own = data.buffer instanceof ArrayBuffer ? (data as Uint8Array<ArrayBuffer>) : data.slice()
  return otherFault(integrity, new Uint8Array(await subtle.digest('SHA-256', own)), 'its data has')
}

/** As in SRI: one of several may be the right one; options behind a question mark, and other algorithms, are passed over. */
const hashesOf = (integrity: string): string[] => integrity.match(/sha256-[^\s?]+/g) ?? []

function otherFault(expected: string, digest: Iterable<number>, whose: string): Fault | undefined {
  const found = `sha256-${btoa(String.fromCharCode(...digest))}`
  if (hashesOf(expected).includes(found)) return undefined
  return ['integrity', `This is another bundle: ${whose} ${found}, expected ${expected}`]
}
