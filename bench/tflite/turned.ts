/** The picture turned by 180 degrees, height x width x 3. */
export function turned(data: Float32Array): Float32Array {
  const pixels = data.length / 3
  const result = new Float32Array(data.length)
  for (let i = 0; i < pixels; ++i) result.set(data.subarray(i * 3, i * 3 + 3), (pixels - 1 - i) * 3)
  return result
}
