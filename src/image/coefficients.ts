/** Fixed point of both passes: 22 fraction bits. */
export const ONE = 1 << 22

/** Filter taps of consecutive output samples along one axis. */
export interface Taps {
  /** Source index of each sample's first tap; never decreases. */
  first: Int32Array
  /** Taps per sample, 1 or more. */
  count: Int32Array
  /** All weights in fixed point, one sample after another. */
  weights: Int32Array
  /** The largest count. */
  most: number
}

/**
 * Pillow's antialiased bilinear filter (libImaging/Resample.c: precompute_coeffs and
 * normalize_coeffs_8bpc), in float64 as there, so the integers are the same:
 *
 *   scale = sourceSize / resizedSize,  s = max(scale, 1),  centre(i) = (i + 0.5) * scale
 *   weight(i, j) = max(0, 1 - |j + 0.5 - centre(i)| / s), normalised over j, times 2^22, rounded
 *
 * for output samples i = from .. to - 1 and source samples j within s of the centre.
 */
export function bilinearTaps(sourceSize: number, resizedSize: number, from: number, to: number): Taps {
  const scale = sourceSize / resizedSize
  const support = Math.max(scale, 1)
  const inverse = 1 / support
  const samples = to - from
  const first = new Int32Array(samples)
  const count = new Int32Array(samples)
  const weights = new Int32Array(samples * (Math.ceil(support) * 2 + 1))
  const raw = new Float64Array(Math.ceil(support) * 2 + 1)
  let used = 0
  let most = 0
  for (let i = 0; i < samples; i++) {
    const centre = (from + i + 0.5) * scale
    const begin = Math.max(0, Math.trunc(centre - support + 0.5))
    const end = Math.min(sourceSize, Math.trunc(centre + support + 0.5))
    let sum = 0
    for (let j = begin; j < end; j++) {
      const distance = Math.abs((j - centre + 0.5) * inverse)
      const weight = distance < 1 ? 1 - distance : 0
      raw[j - begin] = weight
      sum += weight
    }
    for (let j = 0; j < end - begin; j++) weights[used++] = Math.trunc(0.5 + (raw[j] / sum) * ONE)
    first[i] = begin
    count[i] = end - begin
    most = Math.max(most, end - begin)
  }
  return { first, count, weights: weights.subarray(0, used), most }
}
