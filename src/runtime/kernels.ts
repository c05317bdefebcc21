import type { DynedgeError } from '../errors.ts'
import type { Conv, Graph } from '../graph/graph.ts'
import type { DynamicLayer, Floats, KernelsOptions } from '../interface.ts'
import type { PlannedStep } from '../plan/program.ts'
import type { WeightLayout } from '../plan/weights.ts'
import type { Engine } from './engine.ts'

// What one picture makes of the dynamic layers. A page fetches this file when it asks for it: it imports types only.

/** Runs the selected plan, whose picture is in place, and looks at every fusion before later steps take its memory. */
export function kernelsOf(engine: Engine, ...rest: Rest): DynamicLayer[] {
  const runs = kernelRuns(engine, ...rest)
  let next = runs.next()
  for (; !next.done; next = runs.next()) engine.run(...next.value)
  return next.value
}

type Rest = [
  graph: Graph,
  layoutsOf: (graph: Graph) => WeightLayout[],
  options: KernelsOptions,
  Failure: typeof DynedgeError,
]
/** Asks whoever iterates over it to run steps from .. to - 1 before it goes on. */
type Runs<R> = Generator<[from: number, to: number], R, void>

/** The same for an engine that somebody else runs. */
export function* kernelRuns(
  engine: Engine,
  ...[graph, layoutsOf, { layers = [], fixed = false }, Failure]: Rest
): Runs<DynamicLayer[]> {
  const layouts = layoutsOf(graph).filter(({ kernels }) => kernels)
  for (const name of layers)
    if (!layouts.some(({ node }) => node.name === name))
      throw new Failure(
        'bad-input',
        `${name} is no dynamic layer of ${graph.network}, which has ${layouts.length ? layouts.map(({ node }) => node.name).join(', ') : 'none'}.`,
      )
  const plan = engine.current!
  const found: DynamicLayer[] = []
  let next = 0
  for (const [index, step] of plan.steps.entries()) {
    if (step.kernel.does !== 'fuse') continue
    yield [next, index + 1]
    next = index + 1
    const layout = layouts.find(({ node }) => node === graph.nodes[step.node])!
    const { name, channels, kernel, groups, input, dynamic } = layout.node as Conv
    const { coefficients, from, kernels } = dynamic!
    const layer: DynamicLayer = {
      name,
      shape: [channels, input.channels / groups, kernel, kernel],
      kernels,
      coefficients: engine.read(plan.pictures.get(coefficients)!).slice(from, from + channels * kernels),
    }
    found.push(layer)
    if (!layers.includes(name)) continue
    layer.fused = fusedOf(engine, step, layout)
    if (fixed) layer.fixed = yield* fixedOf(engine, step, layout, layer, index)
  }
  yield [next, plan.steps.length]
  return found
}

/** The kernel that a fusion has just written. */
function fusedOf(engine: Engine, step: PlannedStep, layout: WeightLayout): Floats {
  const { lanes, taps, integer, kind, block } = layout
  const { Out, Factors } = step.operands
  const { buffer } = engine.backend.memory
  const at = placeOf(engine, Out!)
  const factors = Factors ? new Float32Array(buffer, placeOf(engine, Factors), lanes.length) : undefined
  const memory = integer ? new Int8Array(buffer) : new Float32Array(buffer)
  const start = integer ? at : at / 4
  const length = taps.filter((tap) => tap >= 0).length
  const fused = new Float32Array(lanes.filter((channel) => channel >= 0).length * length)
  const quads = lanes.length / 4
  lanes.forEach((channel, lane) => {
    if (channel < 0) return
    const scale = factors ? (factors[lane] * step.floats!.OutScale!) / step.floats!.InScale! : 1
    taps.forEach((tap, k) => {
      if (tap < 0) return
      fused[channel * length + tap] = scale * memory[start + placeIn(lane, k)]
    })
  })
  return fused

  /** docs/layouts.md, docs/quantization.md: where weight `k` of a lane lies in a block. */
  function placeIn(lane: number, k: number): number {
    if (!integer) {
      const quad = lane >> 2
      const first = quad - (quad % block)
      return (first * taps.length + k * Math.min(block, quads - first) + quad - first) * 4 + (lane & 3)
    }
    const inner = lane % block
    const before = (lane - inner) * taps.length
    return before + (kind === 'depthwise' ? k * block + inner : ((k >> 2) * block + inner) * 4 + (k & 3))
  }
}

/** The fixed kernels: what is fused with one coefficient of 1 and the others 0. Leaves the run as it was. */
function* fixedOf(
  engine: Engine,
  step: PlannedStep,
  layout: WeightLayout,
  { kernels, coefficients }: DynamicLayer,
  index: number,
): Runs<Floats> {
  const picture = engine.current!.pictures.get(step.operands.Coefficients!)!
  const { from } = (layout.node as Conv).dynamic!
  const vector = new Float32Array(engine.backend.memory.buffer, placeOf(engine, picture), picture.lanes.length)
  const own = vector.slice()
  const bytesOf = (operand?: string) => {
    const tensor = engine.current!.tensors.find(({ name }) => name === operand)
    return new Uint8Array(engine.backend.memory.buffer, tensor && placeOf(engine, tensor), tensor?.bytes ?? 0)
  }
  const { Out, Side, Factors, Kept } = step.operands
  const made = [Out, Side, Factors, Kept].map(bytesOf)
  const saved = made.map((bytes) => bytes.slice())
  const size = layout.lanes.filter((channel) => channel >= 0).length * layout.taps.filter((tap) => tap >= 0).length
  const fixed = new Float32Array(kernels * size)
  for (let i = 0; i < kernels; ++i) {
    // Else one that is kept could stand for it.
    made[3].fill(0)
    picture.lanes.forEach((place, lane) => {
      if (place >= from && place < from + coefficients.length) vector[lane] = (place - from) % kernels === i ? 1 : 0
    })
    yield [index, index + 1]
    fixed.set(fusedOf(engine, step, layout), i * size)
  }
  vector.set(own)
  made.forEach((bytes, i) => {
    bytes.set(saved[i])
  })
  return fixed
}

/** Address of a tensor of the arena. */
function placeOf({ current, places }: Engine, tensor: string | { offset: number }): number {
  const { offset } = typeof tensor === 'string' ? current!.tensors.find(({ name }) => name === tensor)! : tensor
  return places.arena + offset
}
