import { Step } from '../program/format'
import { word } from '../program/operands'

// What one output of an int8 pointwise or full convolution sums: `segments` runs of `quads` quads. After a run the input's pointers skip
// `runGap` bytes, after each `runs`-th `rowGap`. Set once per step, read by every tile.
export let quads: i32 = 0
export let segments: i32 = 0
export let runs: i32 = 0
export let runGap: usize = 0
export let rowGap: usize = 0

/** One run: the lanes of a pixel. */
export function pointwiseWindow(step: usize): void {
  quads = <i32>word(step, Step.Depth) + 3 >> 2
  segments = 1
  runs = 1
}

/** A kernel's row is one run where its taps lie side by side, else each tap is one. */
export function fullWindow(step: usize): void {
  const kernel = <i32>word(step, Step.Kernel)
  const inPixel: usize = word(step, Step.InPixel)
  const tap = <usize>word(step, Step.Depth) / <usize>(kernel * kernel)
  const joined = tap == inPixel
  runs = joined ? 1 : kernel
  segments = kernel * runs
  quads = <i32>(joined ? <usize>kernel * tap : tap) >> 2
  runGap = inPixel - tap
  rowGap = <usize>word(step, Step.InRow) - <usize>(kernel - 1) * inPixel - tap
}
