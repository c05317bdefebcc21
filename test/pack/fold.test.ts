import { expect, test } from 'vitest'
import type { Conv } from '../../src/graph/graph.ts'
import { type StateDict, seededState } from '../../src/graph/parameters.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { BN_EPSILON, foldLayer } from '../../src/pack/fold.ts'

const graph = buildNetwork('dy-mobile', { width: 0.25, classes: 5, kernels: 3 })
const conv = (name: string) => graph.nodes.find((node): node is Conv => node.op === 'conv' && node.name === name)!
const values = (state: StateDict, name: string) => state.get(name)!.data

test('A fixed layer: BN(w x) = folded w x + folded b', () => {
  const state = seededState(graph, 7)
  const { weight, bias, constant } = foldLayer(conv('stem'), state)
  const w = values(state, 'stem.conv.weight')
  const x = w.slice(0, 27).map((_, i) => Math.sin(i + 1))
  for (let channel = 0; channel < constant.length; ++channel) {
    let plain = 0
    let folded = bias[channel]
    for (let k = 0; k < 27; ++k) {
      plain += w[channel * 27 + k] * x[k]
      folded += weight[channel * 27 + k] * x[k]
    }
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
      (part) => values(state, `stem.bn.${part}`)[channel],
    )
    expect(folded).toBeCloseTo((gamma * (plain - mean)) / Math.sqrt(variance + BN_EPSILON) + beta, 12)
  }
})

test('A dynamic layer: BN of the fused convolution = fused folded convolution + constant', () => {
  const state = seededState(graph, 8)
  const node = conv('s2.1.pw1')
  const { kernels } = node.dynamic!
  const { weight, bias, constant, rows } = foldLayer(node, state)
  const depth = node.input.channels
  const w = values(state, 's2.1.pw1.conv.weight')
  const b = values(state, 's2.1.pw1.conv.bias')
  expect(rows).toBe(node.channels * kernels)
  for (let channel = 0; channel < node.channels; ++channel) {
    let plain = 0
    let folded = constant[channel]
    for (let i = 0; i < kernels; ++i) {
      const row = channel * kernels + i
      const eta = 0.5 + 0.4 * Math.cos(row)
      plain += eta * b[row]
      folded += eta * bias[row]
      for (let k = 0; k < depth; ++k) {
        plain += eta * w[row * depth + k] * Math.sin(k)
        folded += eta * weight[row * depth + k] * Math.sin(k)
      }
    }
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
      (part) => values(state, `s2.1.pw1.bn.${part}`)[channel],
    )
    expect(folded).toBeCloseTo((gamma * (plain - mean)) / Math.sqrt(variance + BN_EPSILON) + beta, 12)
  }
})

const broken: [what: string, change: (state: StateDict) => void, words: RegExp][] = [
  [
    'missing',
    (state) => state.delete('stem.conv.weight'),
    /stem\.conv\.weight is missing, expected a tensor \[8,3,3,3\]/,
  ],
  ['missing BN', (state) => state.delete('stem.bn.running_var'), /stem\.bn\.running_var is missing/],
  [
    'wrong shape',
    (state) => state.set('stem.bn.bias', { shape: [9], data: new Float32Array(9) }),
    /stem\.bn\.bias is \[9\], expected \[8\]/,
  ],
  [
    'wrong rank',
    (state) => {
      state.get('stem.conv.weight')!.shape = [8, 27]
    },
    /stem\.conv\.weight is \[8,27\]/,
  ],
  [
    'NaN',
    (state) => {
      values(state, 'stem.conv.weight')[3] = Number.NaN
    },
    /stem\.conv\.weight has NaN at 3/,
  ],
  [
    'infinity',
    (state) => {
      values(state, 'stem.bn.weight')[1] = Number.POSITIVE_INFINITY
    },
    /stem\.bn\.weight has Infinity at 1/,
  ],
  [
    'negative variance',
    (state) => {
      values(state, 'stem.bn.running_var')[2] = -1
    },
    /stem\.bn\.running_var\[2\] is -1/,
  ],
]

test.each(broken)('%s: bad-model', (_, change, words) => {
  const state = seededState(graph, 1)
  change(state)
  expect(() => foldLayer(conv('stem'), state)).toThrow(
    expect.objectContaining({ code: 'bad-model', message: expect.stringMatching(words) }),
  )
})
