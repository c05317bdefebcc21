import type { Variant } from '../interface.ts'
import type { Precision } from '../plan/weights.ts'

// What a bench finds out, as `--json` prints it.

export const DYNEDGE = 'dynedge'

export interface Times {
  min: number
  median: number
  /** Between the first and the third quarter. */
  spread: number
}

/** A network on a runtime, squares of `size` pixels. */
export interface Row {
  runtime: string
  network: string
  precision: Precision
  /** Binary of dynedge or LiteRT.js; null where there is one only. */
  variant: Variant | null
  threads: number
  size: number
  /** How a dynamic network was written for a peer. */
  form?: string
  ms: Times
  runs: number
  /** Bundle or model file. */
  bytes?: number
  /** From these bytes in memory to a network that is ready, in a process that has done it before; least of three. */
  loadMs?: number
  /** Activations, of dynedge. */
  arenaBytes?: number
  agreement?: Agreement
}

/** Logits beside those of our own f32 of the same variant, over the same pictures. */
export interface Agreement {
  pictures: number
  /** Largest difference, as part of the largest logit. */
  difference: number
  /** Mean of the pictures'. */
  correlation: number
  /** Share of pictures with the same best class. */
  same: number
  /** Share of pictures that were given their class; of trained networks. */
  top1?: number
}

/** How many times as fast as `other` the dynedge row is: by minimum and by median. */
export interface Ratio {
  network: string
  precision: Precision
  variant: Variant
  threads: number
  size: number
  other: string
  min: number
  median: number
}

/** Rates of one build on this machine, in 10^9 multiply-adds per second. */
export interface Peaks {
  variant: Variant
  /** 12 independent chains in registers. */
  registers: number
  /** Pointwise kernel, depth x lanes x pixels, by shape. */
  gemm: { shape: string; rate: number }[]
  best: number
}

export interface StepClass {
  does: string
  steps: number
  ms: number
  /** Part of the time of all steps. */
  share: number
  /** Logical multiply-adds: no padding. */
  multiplyAdds: number
  /** 10^9 multiply-adds per second. */
  rate: number
}

/** Where a network's time goes, and how near its arithmetic comes to the best rate of the build; one thread. */
export interface Breakdown {
  network: string
  precision: Precision
  variant: Variant
  size: number
  /** Sum of the steps, each at its minimum. */
  ms: number
  classes: StepClass[]
  /** Parts of the best float32 rate; integers may go beyond. */
  pointwiseOfBest: number
  networkOfBest: number
  /** Part of the time: kernels and biases of dynamic layers. */
  fusion: number
  /** The steps that multiply, one by one; `rate` as above. */
  steps: { step: string; does: string; ms: number; rate: number }[]
}

/**
 * From the bytes of a bundle or model in memory to a network that runs. Of dynedge: header, memory, copy, checksums, compiling the kernels,
 * planning, verifying; of peers: reading their script, compiling their runtime, making a session.
 */
export interface LoadTime {
  runtime: string
  network: string
  precision: Precision
  variant: Variant | null
  size: number
  bundleBytes: number
  /** Fresh processes. */
  cold: Times
  /** Their first run, with code that nobody has optimised yet. */
  firstRun: Times
  /** Both together. */
  toFirstResult: Times
  /** The same process again: kernels compiled. */
  warm: Times
  /** WebAssembly memory after the first run. */
  heapBytes: number
  /** Of dynedge. */
  weightBytes?: number
}

/** Latency reduced ratio of a dynamic network against its fixed one: 1 - dynamic / fixed, of minima. */
export interface Reduction {
  dynamic: string
  fixed: string
  runtime: string
  precision: Precision
  variant: Variant | null
  points: { size: number; dynamicMs: number; fixedMs: number; reduced: number }[]
}

export interface Machine {
  cpu: string
  cores: number
  memoryGiB?: number
  os: string
  arch: string
  /** Load average of the last minute: what else ran here. */
  load?: number
}

export interface Report {
  machine: Machine
  engine: { node?: string; browser?: string; v8?: string; flags: string[]; peers: Record<string, string> }
  commit: string
  date: string
  rows: Row[]
  ratios: Ratio[]
  reductions: Reduction[]
  peaks: Peaks[]
  steps: Breakdown[]
  load: LoadTime[]
}
