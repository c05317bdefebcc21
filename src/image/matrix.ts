/** Of luma: how much of it is red, and how much blue; ITU-R BT.601, BT.709 and BT.2020 (non-constant luminance). */
const LUMA = { bt601: [0.299, 0.114], bt709: [0.2126, 0.0722], bt2020: [0.2627, 0.0593] }

/** Names of FrameSource. */
export const MATRICES = Object.keys(LUMA) as (keyof typeof LUMA)[]
export const RANGES = ['full', 'limited'] as const

/**
 * What assembly/image/yuv.ts takes: ky, kr, gu, gv, kb in 4096ths, offset in 32nds, from
 *
 *   Y' = a (Y - least)            a = 1, least = 0 of full range, 255 / 219 and 16 of limited
 *   U' = b (U - 128), V' likewise b = 1 or 255 / 224
 *   red = Y' + 2 (1 - Kr) V',  blue = Y' + 2 (1 - Kb) U',  Y' = Kr red + Kg green + Kb blue,  Kg = 1 - Kr - Kb
 */
export function matrixWords(matrix: keyof typeof LUMA, range: (typeof RANGES)[number]): number[] {
  const [red, blue] = LUMA[matrix]
  const green = 1 - red - blue
  const [a, b, least] = range === 'full' ? [1, 1, 0] : [255 / 219, 255 / 224, 16]
  const [kr, kb] = [2 * (1 - red) * b, 2 * (1 - blue) * b]
  const factors = [a, kr, (-blue / green) * kb, (-red / green) * kr, kb]
  // One half more: what is cut off in the end rounds.
  return [...factors.map((factor) => Math.round(factor * 4096)), Math.round((128 - least) * a * 32) + 16]
}
