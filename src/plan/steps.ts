import { Axis, Activation as LinearFunction } from '../../assembly/program/format.ts'
import type { Dequantize, Graph, Node, Quantize, Use } from '../graph/graph.ts'
import { kernelFor } from '../kernels.ts'
import { convolution } from './convolution.ts'
import { Drafting } from './drafting.ts'
import { dtypeOf, type Picture, reading, writing } from './pictures.ts'
import type { PlannedStep } from './program.ts'
import { meanRatio } from './steps-int8.ts'
import { type Precision, usedLanes } from './weights.ts'

/** Scratch and pictures the steps need, by name. */
export interface Draft {
  steps: PlannedStep[]
  pictures: Map<string, Picture>
  /** Bytes of arena tensors that are no pictures: fused and expanded weights. */
  scratch: Map<string, number>
}

/** Turns a graph into steps for one input size; pure. Throws `bad-input` for an input too small, `unsupported-op`. */
export function draftSteps(graph: Graph, precision: Precision, height: number, width: number): Draft {
  return new Drafter(graph, precision, height, width).draft()
}

class Drafter extends Drafting {
  draft(): Draft {
    this.border(this.graph.input)
    this.graph.nodes.forEach((node, index) => {
      this.node = index
      if (node.op === 'conv') convolution(this, node)
      else if (node.op === 'coefficients') this.coefficients(node.input, node.output)
      else if (node.op === 'linear') this.linear(node, node.name, node.input.tensor, node.output, LinearFunction.None)
      else if (node.op === 'globalpool') this.globalPool(node.name, node.input, node.output)
      else if (node.op === 'maxpool') this.maxPool(node.input, node.output, node.kernel, node.stride)
      else if (node.op === 'quantize' || node.op === 'dequantize') this.convert(node)
      else if (node.op === 'softmax') this.softmax(node.input.tensor, node.output)
    })
    return { steps: this.steps, pictures: this.pictures, scratch: this.scratch }
  }

  private coefficients(input: Use, output: string): void {
    const pooled = `${output}.pooled`
    const { shape, lanes, quantization } = this.pictures.get(input.tensor)!
    const view =
      input.from === undefined
        ? lanes
        : Int32Array.from({ length: Math.ceil(input.channels / 4) * 4 }, (_, lane) =>
            lane < input.channels ? lane : -1,
          )
    this.pictures.set(pooled, {
      shape: { height: 1, width: 1, channels: shape.channels },
      lanes: view,
      border: 0,
      bytes: quantization ? 2 : 4,
    })
    this.globalPool(pooled, input, pooled)
    const node = this.graph.nodes[this.node] as Extract<Node, { op: 'coefficients' }>
    this.linear(node, node.name, pooled, output, LinearFunction.Sigmoid)
  }

  private globalPool(label: string, input: Use, output: string): void {
    const picture = this.pictures.get(input.tensor)!
    const { quantization } = picture
    const vector = this.pictures.get(output)!
    if (quantization) vector.bytes = 2
    const lanes = vector.lanes.length
    this.add(
      kernelFor('globalpool', dtypeOf(picture)),
      label,
      { In: input.tensor, Out: output },
      {
        Units: quantization ? Math.ceil(lanes / 8) : lanes / 4,
        Axis: Axis.Quads,
        Lanes: lanes,
        ...reading(picture, input),
        InRows: picture.shape.height,
        InColumns: picture.shape.width,
        InZero: quantization?.zero,
      },
      0,
      quantization && { floats: { Ratio: meanRatio(picture.shape, input.channels, quantization) } },
    )
  }

  private linear(node: Node, name: string, input: string, output: string, activation: LinearFunction): void {
    const layout = this.layouts.get(node)!
    const dtype = layout.integer ? 'i8' : this.precision === 'w8' ? 'w8' : 'f32'
    const scales = { f32: {}, w8: { Scales: `${name}.scale` }, i8: { Factors: `${name}.factor` } }[dtype]
    this.add(
      kernelFor('linear', dtype),
      name,
      { In: input, Out: output, Weights: `${name}.weight`, Bias: `${name}.bias`, ...scales },
      {
        Units: Math.ceil(layout.lanes.length / 8),
        Axis: Axis.Panels,
        Depth: layout.taps.length,
        Lanes: layout.lanes.length,
        Activation: activation,
      },
      layout.taps.length * this.pictures.get(output)!.shape.channels,
    )
  }

  private maxPool(input: Use, output: string, kernel: number, stride: number): void {
    this.border(output)
    const from = this.pictures.get(input.tensor)!
    const to = this.pictures.get(output)!
    this.add(
      kernelFor('maxpool', dtypeOf(from)),
      output,
      { In: input.tensor, Out: output },
      {
        Units: to.shape.height,
        Axis: Axis.Rows,
        Lanes: to.lanes.length,
        Kernel: kernel,
        Stride: stride,
        ...reading(from),
        InRows: from.shape.height,
        InColumns: from.shape.width,
        ...writing(to),
      },
    )
  }

  private convert(node: Quantize | Dequantize): void {
    this.border(node.output)
    const from = this.pictures.get(node.input.tensor)!
    const to = this.pictures.get(node.output)!
    const { scale, zero, bits } = (from.quantization ?? to.quantization)!
    const quantize = node.op === 'quantize'
    this.add(
      kernelFor(node.op, 'i8'),
      node.name,
      { In: node.input.tensor, Out: node.output },
      {
        Units: to.shape.height,
        Axis: Axis.Rows,
        Lanes: to.lanes.length,
        ...reading(from),
        ...writing(to),
        Top: 2 ** bits - 1,
        ...(quantize ? { OutZero: zero } : { InZero: zero }),
      },
      0,
      { floats: quantize ? { OutScale: scale } : { InScale: scale } },
    )
  }

  private softmax(input: string, output: string): void {
    const picture = this.pictures.get(input)!
    const depth = usedLanes({ tensor: input, channels: picture.shape.channels }, picture.lanes).length
    this.add(
      kernelFor('softmax'),
      output,
      { In: input, Out: output },
      { Units: 1, Axis: Axis.Whole, Depth: depth, Lanes: picture.lanes.length },
    )
  }
}
