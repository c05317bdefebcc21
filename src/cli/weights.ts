import { createHash } from 'node:crypto'
import { readStateDict, toFloat32 } from '../bundle/safetensors.ts'
import { DynedgeError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { parameterShapes, type StateDict } from '../graph/parameters.ts'

/** What a safetensors file says about its network in its metadata; all optional. */
export interface Facts {
  network?: string
  name?: string
  width?: number
  classes?: number
  kernels?: number
  size?: [height: number, width: number]
  shorterSide?: number
  mean?: number[]
  std?: number[]
  labels?: string[]
  licence?: string
}

/** Reads the facts that models/dynedge_torch and `dynedge unpack` write. Throws `bad-model`. */
export function factsOf(file: Uint8Array): Facts {
  const { metadata } = readStateDict(file)
  const read = <T>(key: string, convert: (text: string) => T | undefined): T | undefined => {
    const text = metadata.get(key)
    if (text === undefined) return undefined
    const value = convert(text)
    if (value === undefined)
      throw new DynedgeError(
        'bad-model',
        `The metadata of the weights has ${key} = ${JSON.stringify(text.slice(0, 60))}, which cannot be understood.`,
      )
    return value
  }
  return {
    network: metadata.get('network'),
    name: metadata.get('name'),
    width: read('width', asNumber),
    classes: read('classes', asNumber),
    kernels: read('g', asNumber),
    size: read('input_size', asSize),
    shorterSide: read('shorter_side', asNumber) ?? shorterSideIn(metadata.get('resize')),
    mean: read('mean', asThree),
    std: read('std', asThree),
    labels: read('labels', asStrings),
    licence: metadata.get('licence'),
  }
}

/** The training code describes its resizing in words. */
function shorterSideIn(text = ''): number | undefined {
  const match = /shorter side to (\d+)/.exec(text)
  return match ? Number(match[1]) : undefined
}

function asNumber(text: string): number | undefined {
  return text.trim() && Number.isFinite(Number(text)) ? Number(text) : undefined
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function asSize(text: string): [number, number] | undefined {
  const json = asJson(text)
  const size = typeof json === 'number' ? [json, json] : json
  return Array.isArray(size) && size.length === 2 && size.every(Number.isInteger)
    ? (size as [number, number])
    : undefined
}

function asThree(text: string): number[] | undefined {
  const json = asJson(text)
  return Array.isArray(json) && json.length === 3 && json.every(Number.isFinite) ? json : undefined
}

function asStrings(text: string): string[] | undefined {
  const json = asJson(text)
  return Array.isArray(json) && json.every((label) => typeof label === 'string') ? json : undefined
}

/** One label per line, or a JSON list. Throws `usage`. */
export function parseLabels(file: Uint8Array, path: string): string[] {
  const text = new TextDecoder().decode(file)
  if (!text.trimStart().startsWith('[')) return text.trimEnd().split(/\r?\n/)
  const labels = asStrings(text)
  if (!labels) throw new DynedgeError('usage', `${path} is no JSON list of strings.`)
  return labels
}

export function sha256Of(bytes: Uint8Array, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHash('sha256').update(bytes).digest(encoding)
}

/** Names of the classifier's bias in the networks here. */
const CLASSIFIERS = ['fc.bias', 'classifier.1.bias']

/**
 * A state dict by its plain names: without `module.` (DataParallel) and without BN's batch counters. `classes` is the length of the
 * classifier, where there is one; `take` picks what a graph needs and throws `bad-model` when names or shapes differ.
 */
export function readWeights(file: Uint8Array): {
  classes?: number
  take: (graph: Graph, path: string) => StateDict
} {
  const found = new Map(
    [...readStateDict(file).tensors.values()]
      .map((tensor) => [tensor.name.replace(/^module\./, ''), tensor] as const)
      .filter(([name]) => !name.endsWith('num_batches_tracked')),
  )
  const classes = CLASSIFIERS.map((name) => found.get(name)?.shape[0]).find((rows) => rows !== undefined)
  const take = (graph: Graph, path: string): StateDict => {
    const shapes = parameterShapes(graph)
    const missing = [...shapes.keys()].filter((name) => !found.has(name))
    const unknown = [...found.keys()].filter((name) => !shapes.has(name))
    const faults = [
      ...(missing.length ? [`lacks ${some(missing)}`] : []),
      ...(unknown.length ? [`has ${some(unknown)}, which the network does not know`] : []),
    ]
    if (faults.length)
      throw new DynedgeError('bad-model', `${path} does not fit ${graph.network}: it ${faults.join(', and ')}.`)
    const state: StateDict = new Map()
    for (const [name, expected] of shapes) {
      const tensor = found.get(name)!
      if (tensor.shape.length !== expected.length || tensor.shape.some((side, axis) => side !== expected[axis]))
        throw new DynedgeError(
          'bad-model',
          `${path} does not fit ${graph.network}: ${name} is [${tensor.shape}], expected [${expected}]; do --width, --classes and --kernels match?`,
        )
      state.set(name, { shape: expected, data: toFloat32(tensor) })
    }
    return state
  }
  return { classes, take }
}

function some(names: string[]): string {
  return `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more tensors` : ''}`
}
