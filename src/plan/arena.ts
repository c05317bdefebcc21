/** A tensor's life: bytes, and the first and last step that touches it. */
export interface Life {
  bytes: number
  first: number
  last: number
}

export const ARENA_ALIGNMENT = 64

/**
 * Offsets for tensors whose lives overlap never to share a byte: largest first, each at the lowest free place. Returns offsets in
 * the order of `lives` and the arena's size.
 */
export function placeTensors(lives: Life[]): { offsets: number[]; bytes: number } {
  const offsets = new Array<number>(lives.length).fill(0)
  const order = lives.map((_, index) => index).sort((a, b) => lives[b].bytes - lives[a].bytes || a - b)
  const placed: number[] = []
  let total = 0
  for (const index of order) {
    const life = lives[index]
    const busy = placed
      .filter((other) => lives[other].first <= life.last && life.first <= lives[other].last)
      .map((other) => [offsets[other], offsets[other] + aligned(lives[other].bytes)])
      .sort((a, b) => a[0] - b[0])
    let at = 0
    for (const [begin, end] of busy) {
      if (at + life.bytes <= begin) break
      at = Math.max(at, end)
    }
    offsets[index] = at
    placed.push(index)
    total = Math.max(total, at + aligned(life.bytes))
  }
  return { offsets, bytes: total }
}

export function aligned(bytes: number, alignment = ARENA_ALIGNMENT): number {
  return Math.ceil(bytes / alignment) * alignment
}
