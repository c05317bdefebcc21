import { InvalidArgumentError } from 'commander'
import { MAX_THREADS } from '../../assembly/program/format.ts'
import { MAX_INPUT } from '../network.ts'

/** `64` or `224x192`, height first. */
export function parseSize(text: string): [height: number, width: number] {
  const match = /^(\d{1,6})(?:x(\d{1,6}))?$/.exec(text)
  const size = match && [Number(match[1]), Number(match[2] ?? match[1])]
  if (!size || size.some((side) => side < 1 || side > MAX_INPUT))
    throw new InvalidArgumentError(`Expected N or HEIGHTxWIDTH, each from 1 to ${MAX_INPUT}.`)
  return size as [number, number]
}

/** Sizes as in `parseSize`, separated by commas. */
export function parseSizes(text: string): [height: number, width: number][] {
  return text.split(',').map(parseSize)
}

export function parseCount(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > 1_000_000)
    throw new InvalidArgumentError('Expected an integer from 1 to 1000000.')
  return value
}

/** `auto`, or an integer from 1 to 16. */
export function parseThreads(text: string): number | 'auto' {
  if (text === 'auto') return text
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > MAX_THREADS)
    throw new InvalidArgumentError(`Expected auto or an integer from 1 to ${MAX_THREADS}.`)
  return value
}

export function parsePositive(text: string): number {
  const value = Number(text)
  if (!(text.trim() && value > 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('Expected a positive number.')
  return value
}

/** `0.5` for all channels, or `0.485,0.456,0.406`. */
export function parseChannels(text: string): number[] {
  const values = text.split(',').map((part) => (part.trim() ? Number(part) : Number.NaN))
  if (!values.every(Number.isFinite) || (values.length !== 1 && values.length !== 3))
    throw new InvalidArgumentError('Expected one number, or three separated by commas.')
  return values.length === 1 ? [values[0], values[0], values[0]] : values
}
