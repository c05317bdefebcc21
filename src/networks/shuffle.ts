import type { Graph, Use } from '../graph/graph.ts'
import { Builder, type NetworkOptions } from './builder.ts'

/** ShuffleNetV2's published stage widths by multiplier (Ma et al. 2018, table 5). */
const WIDTHS: Record<string, number[]> = {
  '0.5': [48, 96, 192],
  '1': [116, 232, 464],
  '1.5': [176, 352, 704],
  '2': [244, 488, 976],
}
const UNITS = [4, 8, 4]

function stageWidths(width: number, divisor: number): number[] {
  const second = 2 * Math.round(58 * width)
  const widths = WIDTHS[String(width)] ?? [second, 2 * second, 4 * second]
  return widths.map((channels) => Math.floor(channels / divisor) * divisor)
}

const lastChannels = (width: number) => (width >= 2 ? 2048 : 1024)

/**
 * Dy-shuffle (DyNet paper, section 3.3): channels split 3:1, the right quarter goes through dynamic convolutions, shuffle in four
 * groups. With `kernels` 0 its control Fix-shuffle.
 */
export function shuffle(network: string, options: Required<NetworkOptions>): Graph {
  const { width, kernels } = options
  const net = new Builder()
  let x = net.conv('stem', net.image, 24, { kernel: 3, stride: 2, activation: 'relu' })
  x = net.maxpool('maxpool', x, 3, 2)
  stageWidths(width, 8).forEach((channels, stage) => {
    for (let unit = 0; unit < UNITS[stage]; ++unit) {
      const name = `s${stage + 2}.${unit}`
      const stride = unit === 0 ? 2 : 1
      let left: Use = { ...x, from: 0, channels: (channels * 3) / 4 }
      let right: Use = { ...x, from: (channels * 3) / 4, channels: channels / 4 }
      if (unit === 0) {
        left = net.conv(`${name}.L.dw`, x, x.channels, { kernel: 3, stride, groups: x.channels })
        left = net.conv(`${name}.L.pw`, left, channels / 2, { activation: 'relu' })
        right = x
      }
      const branch = unit === 0 ? channels / 2 : channels / 4
      const coefficients = kernels ? net.coefficients(`${name}.coef`, right, 3 * branch * kernels) : undefined
      const dynamic = (conv: number) =>
        coefficients && { dynamic: { coefficients, from: conv * branch * kernels, kernels } }
      right = net.conv(`${name}.R.pw1`, right, branch, { activation: 'relu', ...dynamic(0) })
      right = net.conv(`${name}.R.dw`, right, branch, { kernel: 3, stride, groups: branch / 2, ...dynamic(1) })
      right = net.conv(`${name}.R.pw2`, right, branch, { activation: 'relu', ...dynamic(2) })
      x = net.shuffle(name, left, right, 4)
    }
  })
  x = net.conv('conv5', x, lastChannels(width), { activation: 'relu' })
  net.classifier(x, options.classes, 'fc')
  return net.graph(network, options)
}

/** ShuffleNetV2 as torchvision builds it, with its parameter names, so that public weights load. */
export function shuffleNetV2(network: string, options: Required<NetworkOptions>): Graph {
  const net = new Builder()
  const params = (conv: string, bn: string) => ({ weight: `${conv}.weight`, bn })
  let x = net.conv('stem', net.image, 24, {
    kernel: 3,
    stride: 2,
    activation: 'relu',
    params: params('conv1.0', 'conv1.1'),
  })
  x = net.maxpool('maxpool', x, 3, 2)
  stageWidths(options.width, 2).forEach((channels, stage) => {
    for (let unit = 0; unit < UNITS[stage]; ++unit) {
      const name = `s${stage + 2}.${unit}`
      const at = (branch: number, layer: number) =>
        params(
          `stage${stage + 2}.${unit}.branch${branch}.${layer}`,
          `stage${stage + 2}.${unit}.branch${branch}.${layer + 1}`,
        )
      const half = channels / 2
      const stride = unit === 0 ? 2 : 1
      let left: Use = { ...x, from: 0, channels: half }
      let right: Use = { ...x, from: half, channels: half }
      if (unit === 0) {
        left = net.conv(`${name}.L.dw`, x, x.channels, { kernel: 3, stride, groups: x.channels, params: at(1, 0) })
        left = net.conv(`${name}.L.pw`, left, half, { activation: 'relu', params: at(1, 2) })
        right = x
      }
      right = net.conv(`${name}.R.pw1`, right, half, { activation: 'relu', params: at(2, 0) })
      right = net.conv(`${name}.R.dw`, right, half, { kernel: 3, stride, groups: half, params: at(2, 3) })
      right = net.conv(`${name}.R.pw2`, right, half, { activation: 'relu', params: at(2, 5) })
      x = net.shuffle(name, left, right, 2)
    }
  })
  x = net.conv('conv5', x, lastChannels(options.width), { activation: 'relu', params: params('conv5.0', 'conv5.1') })
  net.classifier(x, options.classes, 'fc')
  return net.graph(network, options)
}
