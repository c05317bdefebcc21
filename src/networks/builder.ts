import type { Activation, Graph, Node, Params, Use } from '../graph/graph.ts'

export interface NetworkOptions {
  /** Width multiplier. */
  width?: number
  classes?: number
  /** g_t, fixed kernels per output channel of a dynamic convolution. */
  kernels?: number
}

export interface ConvOptions {
  kernel?: number
  stride?: number
  groups?: number
  activation?: Activation
  residual?: Use
  dynamic?: { coefficients: Use; from: number; kernels: number }
  params?: Params
}

/** Adds nodes one by one; every method returns the tensor it made. */
export class Builder {
  private readonly nodes: Node[] = []
  readonly image: Use = { tensor: 'image', channels: 3 }

  /** A convolution with BN, padded so that stride 1 keeps the size. Parameters are `<name>.conv`, `<name>.bn` unless given. */
  conv(name: string, input: Use, channels: number, options: ConvOptions = {}): Use {
    const { kernel = 1, stride = 1, groups = 1, activation = 'none', residual, dynamic } = options
    const params = options.params ?? {
      weight: `${name}.conv.weight`,
      ...(dynamic && { bias: `${name}.conv.bias` }),
      bn: `${name}.bn`,
    }
    this.nodes.push({
      op: 'conv',
      name,
      input,
      output: name,
      channels,
      kernel,
      stride,
      padding: (kernel - 1) >> 1,
      groups,
      activation,
      ...(residual && { residual: residual.tensor }),
      ...(dynamic && { dynamic: { ...dynamic, coefficients: dynamic.coefficients.tensor } }),
      params,
    })
    return { tensor: name, channels }
  }

  /** Coefficient module of a block whose convolutions have `channels` outputs each. */
  coefficients(name: string, input: Use, length: number): Use {
    this.nodes.push({
      op: 'coefficients',
      name,
      input,
      output: name,
      length,
      params: { weight: `${name}.fc.weight`, bias: `${name}.fc.bias` },
    })
    return { tensor: name, channels: length }
  }

  maxpool(name: string, input: Use, kernel: number, stride: number): Use {
    this.nodes.push({ op: 'maxpool', name, input, output: name, kernel, stride })
    return { tensor: name, channels: input.channels }
  }

  shuffle(name: string, left: Use, right: Use, groups: number): Use {
    this.nodes.push({ op: 'shuffle', name, left, right, output: name, groups })
    return { tensor: name, channels: left.channels + right.channels }
  }

  /** Global average pool, classifier, softmax: the end of every classification network here. */
  classifier(input: Use, classes: number, prefix: string): void {
    this.nodes.push({ op: 'globalpool', name: 'pool', input, output: 'pool' })
    const params = { weight: `${prefix}.weight`, bias: `${prefix}.bias` }
    const pool = { tensor: 'pool', channels: input.channels }
    this.nodes.push({ op: 'linear', name: 'fc', input: pool, output: 'logits', channels: classes, params })
    this.nodes.push({
      op: 'softmax',
      name: 'softmax',
      input: { tensor: 'logits', channels: classes },
      output: 'probabilities',
    })
  }

  graph(network: string, options: Required<NetworkOptions>): Graph {
    return {
      network,
      width: options.width,
      classes: options.classes,
      kernels: options.kernels,
      input: 'image',
      outputs: { logits: 'logits', probabilities: 'probabilities' },
      nodes: this.nodes,
    }
  }
}

/** The nearest multiple of `divisor`, not more than 10 % below `value` (MobileNetV2's rule). */
export function makeDivisible(value: number, divisor: number): number {
  const rounded = Math.max(divisor, Math.floor((value + divisor / 2) / divisor) * divisor)
  return rounded < 0.9 * value ? rounded + divisor : rounded
}
