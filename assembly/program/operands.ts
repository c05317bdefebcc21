import { Base, Header, SCRATCH_BYTES, Step, Tensor } from './format'

/** Where the host put things: set by `place` and `verify`, read by every kernel. One set per instance, so per thread. */
export let weights: usize = 0
export let weightBytes: u32 = 0
export let arena: usize = 0
export let arenaBytes: u32 = 0
export let program: usize = 0
export let tensors: usize = 0
export let steps: usize = 0
export let stepCount: u32 = 0
/** This thread's private scratch. */
export let scratch: usize = 0

export function place(weightsAt: usize, weightsSize: u32, arenaAt: usize, arenaSize: u32): void {
  weights = weightsAt
  weightBytes = weightsSize
  arena = arenaAt
  arenaBytes = arenaSize
  steps = 0
}

export function select(programAt: usize): void {
  program = programAt
  tensors = program + (Header.Words << 2)
  steps = tensors + load<u32>(program, Header.Tensors << 2) * (Tensor.Words << 2)
  stepCount = load<u32>(program, Header.Steps << 2)
}

export function unselect(): void {
  steps = 0
}

export function useScratch(thread: i32): void {
  scratch = heapBase(0) + <usize>thread * SCRATCH_BYTES
}

// @ts-ignore: decorator
@inline
export function word(step: usize, field: i32): u32 {
  return load<u32>(step + (<usize>field << 2))
}

/** Address of tensor number `index`. */
export function address(index: u32): usize {
  const record = tensors + <usize>index * (Tensor.Words << 2)
  const base = load<u32>(record, Tensor.Base << 2) == Base.Weights ? weights : arena
  return base + load<u32>(record, Tensor.Offset << 2)
}

// @ts-ignore: decorator
@inline
export function operand(step: usize, field: i32): usize {
  return address(word(step, field))
}

export function input(step: usize): usize {
  return operand(step, Step.In) + word(step, Step.InAt)
}

export function output(step: usize): usize {
  return operand(step, Step.Out) + word(step, Step.OutAt)
}

export function side(step: usize): usize {
  return operand(step, Step.Side) + word(step, Step.SideAt)
}

// @ts-ignore: decorator
@inline
export function splatWord(step: usize, field: i32): v128 {
  return v128.load32_splat(step + (<usize>field << 2))
}

/** First byte that the module does not use itself where `threads` threads share it, 64-aligned: their scratch lies before it. */
export function heapBase(threads: i32): usize {
  return ((__heap_base + 63) & ~63) + <usize>threads * SCRATCH_BYTES
}
