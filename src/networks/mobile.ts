import type { Graph, Use } from '../graph/graph.ts'
import { Builder, makeDivisible, type NetworkOptions } from './builder.ts'

/** Dy-mobile and Fix-mobile: channels, blocks and stride of each stage of MobileNetV2 (channels before enlarging to multiples of 6). */
const STAGES = [
  [16, 1, 1],
  [24, 2, 2],
  [32, 3, 2],
  [64, 4, 2],
  [96, 3, 1],
  [160, 3, 2],
  [320, 1, 1],
] as const

/** Dy-mobile (DyNet paper, section 3.3); with `kernels` 0 its control Fix-mobile, the same network with ordinary kernels. */
export function mobile(network: string, options: Required<NetworkOptions>): Graph {
  const { width, kernels } = options
  const net = new Builder()
  let x = net.conv('stem', net.image, makeDivisible(32 * width, 8), { kernel: 3, stride: 2, activation: 'relu6' })
  STAGES.forEach(([base, blocks, stageStride], stage) => {
    const channels = Math.ceil((base * width) / 6) * 6
    for (let block = 0; block < blocks; ++block) {
      const stride = block === 0 ? stageStride : 1
      x = dyBlock(net, `s${stage + 1}.${block}`, x, channels, stride, kernels, stage + block === 0)
    }
  })
  x = net.conv('last', x, makeDivisible(1280 * Math.max(1, width), 8), { activation: 'relu6' })
  net.classifier(x, options.classes, 'fc')
  return net.graph(network, options)
}

/** 1x1, 3x3 in groups of six, 1x1, all with `channels` outputs; a 1x1 projection where shapes differ, save in the first block. */
function dyBlock(
  net: Builder,
  name: string,
  input: Use,
  channels: number,
  stride: number,
  kernels: number,
  first: boolean,
): Use {
  const coefficients = kernels ? net.coefficients(`${name}.coef`, input, 3 * channels * kernels) : undefined
  const dynamic = (conv: number) =>
    coefficients && { dynamic: { coefficients, from: conv * channels * kernels, kernels } }
  let x = net.conv(`${name}.pw1`, input, channels, { activation: 'relu6', ...dynamic(0) })
  x = net.conv(`${name}.dw`, x, channels, {
    kernel: 3,
    stride,
    groups: channels / 6,
    activation: 'relu6',
    ...dynamic(1),
  })
  let residual: Use | undefined
  if (input.channels === channels && stride === 1) residual = input
  else if (!first) residual = net.conv(`${name}.proj`, input, channels, { stride })
  return net.conv(`${name}.pw2`, x, channels, { ...(residual && { residual }), ...dynamic(2) })
}

/** MobileNetV2 (Sandler et al. 2018) as torchvision builds it, with its parameter names, so that public weights load. */
export function mobileNetV2(network: string, options: Required<NetworkOptions>): Graph {
  const { width } = options
  const net = new Builder()
  const params = (conv: string, bn: string) => ({ weight: `features.${conv}.weight`, bn: `features.${bn}` })
  let x = net.conv('stem', net.image, makeDivisible(32 * width, 8), {
    kernel: 3,
    stride: 2,
    activation: 'relu6',
    params: params('0.0', '0.1'),
  })
  let feature = 0
  STAGES.forEach(([base, blocks, stageStride], stage) => {
    const channels = makeDivisible(base * width, 8)
    for (let block = 0; block < blocks; ++block) {
      const name = `s${stage + 1}.${block}`
      const input = x
      const at = `${++feature}.conv`
      const expansion = feature === 1 ? 1 : 6
      let layer = 0
      const hidden = input.channels * expansion
      if (expansion > 1) {
        x = net.conv(`${name}.expand`, x, hidden, { activation: 'relu6', params: params(`${at}.0.0`, `${at}.0.1`) })
        layer = 1
      }
      const stride = block === 0 ? stageStride : 1
      const dw = params(`${at}.${layer}.0`, `${at}.${layer}.1`)
      x = net.conv(`${name}.dw`, x, hidden, { kernel: 3, stride, groups: hidden, activation: 'relu6', params: dw })
      const project = params(`${at}.${layer + 1}`, `${at}.${layer + 2}`)
      const residual = stride === 1 && input.channels === channels ? { residual: input } : {}
      x = net.conv(`${name}.project`, x, channels, { params: project, ...residual })
    }
  })
  x = net.conv('last', x, makeDivisible(1280 * Math.max(1, width), 8), {
    activation: 'relu6',
    params: params('18.0', '18.1'),
  })
  net.classifier(x, options.classes, 'classifier.1')
  return net.graph(network, options)
}
