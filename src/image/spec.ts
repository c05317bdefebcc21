import { DETAILS, INSPECT } from '../details.ts'
import { DynedgeError } from '../errors.ts'

/** How a network wants its pictures; travels in the bundle's header. */
export interface InputSpec {
  /** Red, green, blue. */
  channels: 3
  /** Per channel, of values in 0..1: the network sees (byte / 255 - mean) / std. */
  mean: number[]
  /** Per channel, as `mean`. */
  std: number[]
  /** Input size that the network was trained for, pixels. */
  size: [height: number, width: number]
  /** Shorter side of the whole resized picture at that size, pixels; the rest is cropped away, the same on both sides. */
  shorterSide: number
  /** How it is resized: as Pillow does, antialiased. */
  resampling: 'bilinear'
}

/** @internal Throws `bad-input` unless `spec` can be followed. */
export function checkInputSpec(spec: InputSpec): void {
  if (spec.channels !== 3) throw bad(DETAILS && `channels is ${spec.channels}, expected 3`)
  if (spec.resampling !== 'bilinear') throw bad(DETAILS && `resampling is ${spec.resampling}, expected 'bilinear'`)
  for (const name of ['mean', 'std'] as const) {
    const values = spec[name]
    if (!Array.isArray(values) || values.length !== 3 || !values.every(Number.isFinite))
      throw bad(DETAILS && `${name} is ${JSON.stringify(values)}, expected 3 finite numbers`)
  }
  if (!spec.std.every((value) => value > 0))
    throw bad(DETAILS && `std is ${JSON.stringify(spec.std)}, expected 3 positive numbers`)
  if (!Array.isArray(spec.size) || spec.size.length !== 2)
    throw bad(DETAILS && `size is ${JSON.stringify(spec.size)}, expected [height, width]`)
  checkSide('size[0]', spec.size[0])
  checkSide('size[1]', spec.size[1])
  checkSide('shorterSide', spec.shorterSide)
  const least = Math.min(...spec.size)
  if (spec.shorterSide < least)
    throw bad(
      DETAILS &&
        `shorterSide is ${spec.shorterSide}, expected at least ${least}: a crop cannot exceed the resized picture`,
    )
}

/** Throws `bad-input` unless `value` is a length in pixels. */
export function checkSide(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > MAX_SIDE)
    throw bad(DETAILS && `${name} is ${value}, expected an integer from 1 to ${MAX_SIDE}`)
}

/** Beyond 2^24, Pillow's float32 box no longer holds every length. */
export const MAX_SIDE = 1 << 24

function bad(what: string | false): DynedgeError {
  return new DynedgeError('bad-input', `Input spec: ${what || INSPECT}.`)
}
