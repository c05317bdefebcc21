import type { Graph, Use } from '../../src/graph/graph.ts'
import { Builder, type ConvOptions } from '../../src/networks/builder.ts'

/** The smallest graphs in which a kernel stands where networks have it; every tensor that `outputs` names stays in the arena. */
export function graphOf(build: (net: Builder) => Record<string, Use>): Graph {
  const net = new Builder()
  const outputs = build(net)
  const graph = net.graph('test', { width: 1, classes: 1, kernels: 1 })
  graph.outputs = Object.fromEntries(Object.entries(outputs).map(([name, use]) => [name, use.tensor]))
  return graph
}

/** A pointwise convolution lifts the three channels of the picture to `channels`; its values are of both signs. */
export const lift = (net: Builder, channels: number, name = 'lift'): Use => net.conv(name, net.image, channels)

/** `lift`, then one convolution; dynamic with g kernels when asked, its coefficients taken from its own input. */
export function single(cin: number, cout: number, options: ConvOptions, kernels = 0): Graph {
  return graphOf((net) => {
    const x = cin === 3 ? net.image : lift(net, cin)
    if (!kernels) return { out: net.conv('out', x, cout, options) } as Record<string, Use>
    const coefficients = net.coefficients('out.coef', x, cout * kernels)
    return { out: net.conv('out', x, cout, { ...options, dynamic: { coefficients, from: 0, kernels } }), coefficients }
  })
}

/** A grouped convolution as networks have it: between two pointwise ones, whose weights take its order of channels. */
export function between(channels: number, options: ConvOptions, kernels: number) {
  return graphOf((net) => {
    const x = lift(net, channels)
    const coefficients = kernels ? net.coefficients('c.coef', x, channels * kernels) : undefined
    const y = net.conv('mid', x, channels, {
      ...options,
      ...(coefficients && { dynamic: { coefficients, from: 0, kernels } }),
    })
    return { mid: y, out: net.conv('out', y, 7) }
  })
}

/** Every kernel on a few pixels: fast to run, so that thousands of wrong programs can be. */
export const tiny = graphOf((net) => {
  let x = net.conv('stem', net.image, 12, { kernel: 3, stride: 2, activation: 'relu6' })
  x = net.maxpool('max', x, 3, 2)
  const coefficients = net.coefficients('c.coef', x, 2 * 12 * 3)
  let y = net.conv('a', x, 12, { dynamic: { coefficients, from: 0, kernels: 3 } })
  y = net.conv('b', y, 12, { kernel: 3, groups: 2, dynamic: { coefficients, from: 36, kernels: 3 } })
  y = net.conv('c', y, 12, { residual: x })
  const right = net.conv('r2', net.conv('r1', lift(net, 8), 8, { kernel: 3, stride: 2, groups: 4 }), 8)
  const left = net.conv('l2', net.conv('l1', net.image, 3, { kernel: 3, stride: 2, groups: 3 }), 24)
  const z = net.shuffle('z', left, right, 4)
  net.classifier(z, 10, 'fc')
  return { y, probabilities: { tensor: 'probabilities', channels: 10 } }
})
