import type { StepTime } from '../interface.ts'
import type { Operation } from '../kernels.ts'

export interface Kind {
  kind: string
  steps: number
  ms: number
  share: number
}

export interface Profile {
  ms: number
  kinds: Kind[]
  steps: StepTime[]
}

/** What people call the operations of the kernel table. */
export const KINDS: Record<Operation, string> = {
  pointwise: '1x1 convolution',
  full: '3x3 convolution',
  depthwise: 'depthwise 3x3',
  grouped6: 'grouped 3x3, 6 per group',
  grouped2: 'grouped 3x3, 2 per group',
  fuse: 'kernel fusion',
  expand: 'int8 weights to float32',
  linear: 'fully connected',
  globalpool: 'global average pool',
  maxpool: 'max pool',
  softmax: 'softmax',
  border: 'zero borders',
  quantize: 'float32 to integers',
  dequantize: 'integers to float32',
}

/** Steps summed by kind, the largest first. */
export function profileOf({ ms, steps }: { ms: number; steps: StepTime[] }): Profile {
  const kinds = new Map<string, Kind>()
  for (const step of steps) {
    const kind = KINDS[step.does as Operation] ?? step.does
    const sum = kinds.get(kind) ?? { kind, steps: 0, ms: 0, share: 0 }
    kinds.set(kind, { kind, steps: sum.steps + 1, ms: sum.ms + step.ms, share: sum.share + step.share })
  }
  return { ms, kinds: [...kinds.values()].sort((a, b) => b.ms - a.ms), steps }
}
