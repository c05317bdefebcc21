import { DynedgeError } from '../errors.ts'
import { type Conv, type Graph, inferShapes, type Node, nodeInputs, type Quantization } from '../graph/graph.ts'
import { checkQuantization, roundEven } from '../graph/integer.ts'

/** Smallest and largest value of a tensor that its integers should reach. */
export interface Range {
  low: number
  high: number
}

/** What training fixed already: taken as it is, where a `Range` is adjusted to the layer's activation. */
export type StoredRange = Pick<Quantization, 'scale' | 'zero'>

export type Ranges = ReadonlyMap<string, Range | StoredRange>

export interface QuantizeOptions {
  /** Layers that stay float32: names of convolutions, coefficient modules, linear layers, of blocks (`s1.0`), or `head`, the classifier. */
  keep?: readonly string[]
  /** Of activations; default 7. */
  bits?: 7 | 8
}

/** Narrower ranges are those of a dead tensor, wider ones of a broken network: factors between layers must stay float32 numbers. */
const NARROWEST = 1e-9
const WIDEST = 1e9
/** Of a tensor that is always zero: should it ever be otherwise, its integers say so. */
const DEAD: Range = { low: 0, high: 1 }

/**
 * The same network with integers: a quantization for every picture that an integer layer reads or writes, and quantize / dequantize nodes
 * (`<tensor>.quantize` makes `<tensor>.int8`, `<tensor>.dequantize` makes `<tensor>.float`) around layers that stay float32.
 *
 * Tensors that docs/quantization.md ties (parts of a shuffle, the sides of a max pool) get the union of their ranges. A range is widened to
 * contain 0; relu starts at 0, relu6 ends at 6; one narrower than 1e-9 belongs to a dead tensor and becomes 0..1.
 * @throws DynedgeError `usage` for an unknown name in `keep`; `bad-model` for a range that is missing, not finite, inverted or wider than 1e9
 */
export function quantizeGraph(graph: Graph, ranges: Ranges, options: QuantizeOptions = {}): Graph {
  const { keep = [], bits = 7 } = options
  const kinds = new Kinds(graph, keep)
  const quantization: Record<string, Quantization> = {}
  for (const group of kinds.groups()) {
    const stored = quantizationOf(graph, group, ranges, bits)
    for (const tensor of group) quantization[kinds.integerName(tensor)] = { ...stored }
  }
  const quantized: Graph = { ...graph, ...kinds.rewritten(), quantization }
  inferShapes(quantized, SIDE, SIDE)
  checkQuantization(quantized)
  return quantized
}

/** Shapes are only checked against each other here; larger than any network's smallest picture. */
const SIDE = 512

/** Tensors that need ranges, in groups that share one, in the order of the graph. Throws `usage` as `quantizeGraph` does. */
export function rangeGroups(graph: Graph, keep: readonly string[] = []): string[][] {
  return new Kinds(graph, keep).groups()
}

/** The layers that `keep` names, in the order of the graph. Throws `usage`. */
export function keptLayers(graph: Graph, keep: readonly string[]): Set<Node> {
  const layers = graph.nodes.filter((node) => node.op === 'conv' || node.op === 'linear' || node.op === 'coefficients')
  const kept = new Set<Node>()
  for (const name of keep) {
    let named = layers.filter((node) => node.name === name || node.name.startsWith(`${name}.`))
    if (named.length === 0 && name === 'head') named = layers.filter(({ op }) => op === 'linear')
    if (named.length === 0)
      throw new DynedgeError(
        'usage',
        `${graph.network} has no layer called ${JSON.stringify(name)} to keep in float32; expected head or some of ${layers.map((node) => node.name).join(', ')}.`,
      )
    for (const node of named) kept.add(node)
  }
  return new Set(layers.filter((node) => kept.has(node)))
}

/** Which nodes compute in integers, and how their tensors are made. */
class Kinds {
  private readonly integer = new Set<Node>()
  /** Tensors that are integers as they are made. */
  private readonly born = new Set<string>()
  /** Tensors of which some node wants integers. */
  private readonly wanted = new Set<string>()
  private readonly tied = new Map<string, string>()

  constructor(
    private readonly graph: Graph,
    keep: readonly string[],
  ) {
    const kept = keptLayers(graph, keep)
    const readers = (tensor: string) =>
      graph.nodes.filter((node) => nodeInputs(node).some((use) => use.tensor === tensor))
    // A layer in float32 should see the picture as it is.
    if (!readers(graph.input).some((node) => kept.has(node))) this.born.add(graph.input)
    for (const node of graph.nodes) {
      if (!this.computesIntegers(node, kept, readers)) continue
      this.integer.add(node)
      if (node.op !== 'globalpool' && node.op !== 'coefficients' && node.op !== 'linear') this.born.add(node.output)
      if (node.op === 'linear') continue
      for (const use of nodeInputs(node)) this.wanted.add(use.tensor)
      if (node.op === 'shuffle') for (const part of [node.left, node.right]) this.tie(part.tensor, node.output)
      if (node.op === 'maxpool') this.tie(node.input.tensor, node.output)
    }
    if (!this.wanted.has(graph.input)) this.born.delete(graph.input)
  }

  /** Convolutions and coefficient modules do unless they are kept; the others follow what makes, or reads, their tensors. */
  private computesIntegers(node: Node, kept: ReadonlySet<Node>, readers: (tensor: string) => Node[]): boolean {
    if (node.op === 'conv' || node.op === 'coefficients') return !kept.has(node)
    // The convolution that makes the right half writes the whole.
    if (node.op === 'shuffle') return this.born.has(node.right.tensor)
    if (node.op === 'maxpool') return this.born.has(node.input.tensor)
    if (node.op === 'globalpool') {
      const isOutput = Object.values(this.graph.outputs).includes(node.output)
      return !isOutput && readers(node.output).every((reader) => reader.op === 'linear' && !kept.has(reader))
    }
    return false
  }

  private root(tensor: string): string {
    let root = tensor
    while (this.tied.has(root)) root = this.tied.get(root)!
    return root
  }

  private tie(a: string, b: string): void {
    const [from, to] = [this.root(a), this.root(b)]
    if (from !== to) this.tied.set(from, to)
  }

  groups(): string[][] {
    const groups = new Map<string, string[]>()
    for (const tensor of [this.graph.input, ...this.graph.nodes.map((node) => node.output)]) {
      if (!this.born.has(tensor) && !this.wanted.has(tensor)) continue
      const root = this.root(tensor)
      const group = groups.get(root)
      if (group) group.push(tensor)
      else groups.set(root, [tensor])
    }
    return [...groups.values()]
  }

  integerName(tensor: string): string {
    return this.born.has(tensor) ? tensor : `${tensor}.int8`
  }

  /** Nodes with conversions where one wants what the other does not make, each before its first reader. */
  rewritten(): Pick<Graph, 'nodes' | 'outputs'> {
    const { graph } = this
    const nodes: Node[] = []
    const converted = new Map<string, string>()
    const channels = channelsOf(graph)
    const as = (tensor: string, integer: boolean): string => {
      if (this.born.has(tensor) === integer) return tensor
      const known = converted.get(tensor)
      if (known) return known
      const output = integer ? `${tensor}.int8` : `${tensor}.float`
      const op = integer ? 'quantize' : 'dequantize'
      nodes.push({ op, name: `${tensor}.${op}`, input: { tensor, channels: channels.get(tensor)! }, output })
      converted.set(tensor, output)
      return output
    }
    for (const node of graph.nodes) {
      // What an integer linear layer reads is no picture.
      const integer = this.integer.has(node) && node.op !== 'linear'
      if (node.op === 'shuffle') {
        const [left, right] = [node.left, node.right].map((use) => ({ ...use, tensor: as(use.tensor, integer) }))
        nodes.push({ ...node, left, right })
      } else {
        const input = { ...node.input, tensor: as(node.input.tensor, integer) }
        const residual = node.op === 'conv' && node.residual !== undefined && as(node.residual, integer)
        nodes.push({ ...node, input, ...(residual && { residual }) } as Node)
      }
    }
    const outputs = Object.fromEntries(Object.entries(graph.outputs).map(([name, tensor]) => [name, as(tensor, false)]))
    return { nodes, outputs }
  }
}

function channelsOf(graph: Graph): Map<string, number> {
  return new Map([...inferShapes(graph, SIDE, SIDE)].map(([tensor, { channels }]) => [tensor, channels]))
}

function quantizationOf(graph: Graph, group: readonly string[], ranges: Ranges, bits: 7 | 8): Quantization {
  const top = 2 ** bits - 1
  let fixed: StoredRange | undefined
  let low = 0
  let high = 0
  let found = false
  for (const tensor of group) {
    const range = ranges.get(tensor)
    if (!range) continue
    found = true
    if ('scale' in range) {
      if (fixed && (fixed.scale !== range.scale || fixed.zero !== range.zero))
        throw bad(
          `${tensor} has scale ${range.scale} and zero ${range.zero}, others of ${some(group)} have ${fixed.scale} and ${fixed.zero}; they must be the same`,
        )
      fixed = checkedStored(tensor, range, top)
      continue
    }
    checkRange(tensor, range)
    const bounded = bound(graph, tensor, range)
    low = Math.min(low, bounded.low)
    high = Math.max(high, bounded.high)
  }
  if (!found) throw bad(`there is no range for ${some(group)}; calibrate on pictures, or give ranges for all layers`)
  if (fixed) return { scale: fixed.scale, zero: fixed.zero, bits }
  if (high - low < NARROWEST) ({ low, high } = DEAD)
  const scale = Math.fround((high - low) / top)
  const zero = Math.min(Math.max(roundEven(-low / scale), 0), top)
  return { scale, zero, bits }
}

/** What the activation lets through. */
function bound(graph: Graph, tensor: string, { low, high }: Range): Range {
  const activation = graph.nodes.find((node): node is Conv => node.op === 'conv' && node.output === tensor)?.activation
  if (activation === 'relu') return { low: 0, high }
  if (activation === 'relu6') return { low: 0, high: Math.min(high, 6) }
  return { low, high }
}

function checkRange(tensor: string, { low, high }: Range): void {
  if (!Number.isFinite(low) || !Number.isFinite(high))
    throw bad(`${tensor} ranges from ${low} to ${high}, expected finite numbers; are the weights damaged?`)
  if (low > high) throw bad(`${tensor} ranges from ${low} to ${high}, expected the smaller number first`)
  if (Math.max(high, 0) - Math.min(low, 0) > WIDEST)
    throw bad(`${tensor} ranges from ${low} to ${high}, expected values within ${WIDEST}; the network overflows`)
}

function checkedStored(tensor: string, range: StoredRange, top: number): StoredRange {
  const { scale, zero } = range
  if (!(scale * top >= NARROWEST && scale * top <= WIDEST) || !Number.isInteger(zero) || zero < 0 || zero > top)
    throw bad(
      `${tensor} has scale ${scale} and zero ${zero}, expected a scale from ${NARROWEST / top} to ${WIDEST / top} and an integer from 0 to ${top}`,
    )
  return { scale: Math.fround(scale), zero }
}

function some(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}

function bad(what: string): DynedgeError {
  return new DynedgeError('bad-model', `The network cannot be quantized: ${what}.`)
}
