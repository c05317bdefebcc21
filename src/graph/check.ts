import { DETAILS } from '../details.ts'
import { DynedgeError } from '../errors.ts'
import { badGraph, type Graph, type Node } from './graph.ts'

type Field = 'string' | 'count' | 'use' | 'params'

/** Fields that a node of each operation must have; optional ones are checked where they stand. */
const FIELDS: Record<Node['op'], Record<string, Field>> = {
  conv: { input: 'use', channels: 'count', kernel: 'count', stride: 'count', groups: 'count', params: 'params' },
  coefficients: { input: 'use', length: 'count', params: 'params' },
  maxpool: { input: 'use', kernel: 'count', stride: 'count' },
  shuffle: { left: 'use', right: 'use', groups: 'count' },
  globalpool: { input: 'use' },
  linear: { input: 'use', channels: 'count', params: 'params' },
  softmax: { input: 'use' },
  quantize: { input: 'use' },
  dequantize: { input: 'use' },
}
const MOST_CHANNELS = 1 << 20
const MOST_NODES = 10_000
/** Of a window's side, its stride and its padding; also of fixed kernels per channel: the verifier's bounds. */
const MOST_WINDOW = 64
const WINDOW = ['kernel', 'stride', 'padding', 'kernels']

/** Checks the types of a graph that came as JSON; what the numbers mean is for `inferShapes` and the planner. Throws `bad-bundle`. */
export function checkGraph(json: unknown): Graph {
  const graph = record(json, 'graph')
  for (const field of ['network', 'input']) text(graph[field], field)
  for (const field of ['classes', 'kernels']) count(graph[field], field, 0)
  if (typeof graph.width !== 'number' || !(graph.width > 0)) throw bad('width', graph.width, 'a positive number')
  for (const [name, tensor] of Object.entries(record(graph.outputs, 'outputs'))) text(tensor, `outputs.${name}`)
  const { nodes } = graph
  if (!Array.isArray(nodes) || nodes.length === 0 || nodes.length > MOST_NODES)
    throw bad('nodes', nodes, `a list of 1 to ${MOST_NODES} nodes`)
  if (graph.quantization !== undefined)
    for (const [tensor, stored] of Object.entries(record(graph.quantization, 'quantization')))
      record(stored, `quantization.${tensor}`)
  for (const [index, node] of nodes.entries()) checkNode(record(node, `nodes[${index}]`), `nodes[${index}]`)
  return graph as unknown as Graph
}

function checkNode(node: Record<string, unknown>, at: string): void {
  for (const field of ['op', 'name', 'output']) text(node[field], `${at}.${field}`)
  const op = node.op as Node['op']
  if (!Object.hasOwn(FIELDS, op))
    throw new DynedgeError(
      'unsupported-op',
      `${at} is a ${JSON.stringify(op)}; this version knows ${Object.keys(FIELDS).join(', ')}.`,
    )
  for (const [field, kind] of Object.entries(FIELDS[op])) checkField(node[field], `${at}.${field}`, kind)
  if (op !== 'conv') return
  count(node.padding, `${at}.padding`, 0)
  if (!['none', 'relu', 'relu6'].includes(node.activation as string))
    throw bad(`${at}.activation`, node.activation, 'none, relu or relu6')
  if (node.residual !== undefined) text(node.residual, `${at}.residual`)
  if (node.dynamic === undefined) return
  const dynamic = record(node.dynamic, `${at}.dynamic`)
  text(dynamic.coefficients, `${at}.dynamic.coefficients`)
  count(dynamic.from, `${at}.dynamic.from`, 0)
  count(dynamic.kernels, `${at}.dynamic.kernels`)
}

function checkField(value: unknown, at: string, kind: Field): void {
  if (kind === 'string') text(value, at)
  else if (kind === 'count') count(value, at)
  else {
    const fields = record(value, at)
    if (kind === 'params') {
      text(fields.weight, `${at}.weight`)
      return
    }
    text(fields.tensor, `${at}.tensor`)
    count(fields.channels, `${at}.channels`)
    if (fields.from !== undefined) count(fields.from, `${at}.from`, 0)
  }
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(at, value, 'an object')
  return value as Record<string, unknown>
}

function text(value: unknown, at: string): void {
  if (typeof value !== 'string' || value.length === 0 || value.length > 256) throw bad(at, value, 'a name')
}

function count(value: unknown, at: string, least = 1): void {
  const most = WINDOW.includes(at.slice(at.lastIndexOf('.') + 1)) ? MOST_WINDOW : MOST_CHANNELS
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
    throw bad(at, value, `an integer from ${least} to ${most}`)
}

function bad(at: string, got: unknown, expected: string): DynedgeError {
  return badGraph(DETAILS && `${at} is ${String(JSON.stringify(got)).slice(0, 60)}, expected ${expected}`)
}
