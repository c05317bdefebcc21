import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataStartOf, isObject, LENGTH_BYTES } from '../../src/bundle/container.ts'
import { parseHeader } from '../../src/bundle/header.ts'
import { DynedgeError } from '../../src/errors.ts'
import { count } from '../../src/graph/counts.ts'
import type { InputSpec } from '../../src/image/spec.ts'
import { checkHeader } from '../../src/load.ts'
import type { NetworkInfo } from './types.d.ts'

export type Precision = NetworkInfo['precision']

/** A folder of this package: one network with its card, and a bundle per precision. */
export interface Model {
  readonly name: string
  /** Part of the npm package? Controls of an experiment are not worth a download. */
  readonly npm: boolean
  readonly labels: readonly string[]
  readonly bundles: readonly Bundle[]
}

export interface Bundle {
  /** Relative to the network's folder. */
  readonly file: string
  readonly info: NetworkInfo
}

/** What a bundle cannot say of itself: `model.json`. */
interface Facts {
  npm: boolean
  evaluated: {
    /** Which pictures, for people. */
    data: string
    images: number
    /** How many were answered rightly, by precision of the bundle. */
    top1: Partial<Record<Precision, number>>
    top5?: Partial<Record<Precision, number>>
  }
}

/** Files that a published network comes with, besides its w8 bundle. */
const COMPANIONS = ['README.md', 'model.json', 'config.toml', 'log.csv', 'curve.png']

/**
 * Reads and checks `root/name/`.
 * @throws DynedgeError for a missing file, a bundle that is damaged or not this network's, or numbers that cannot be
 */
export function readModel(root: string, name: string): Model {
  const folder = join(root, name)
  for (const file of COMPANIONS)
    if (!existsSync(join(folder, file)))
      throw new DynedgeError(
        'not-found',
        `${name}/${file} is missing: a published network has ${COMPANIONS.join(', ')}`,
      )
  const facts = readFacts(folder, name)
  const found = (['w8', 'int8', 'f32'] as const).filter((precision) =>
    existsSync(join(folder, bundleName(name, precision))),
  )
  if (found[0] !== 'w8') throw new DynedgeError('not-found', `${name}/${bundleName(name, 'w8')} is missing`)
  const read = found.map((precision) => readBundle(folder, name, precision, facts))
  if (read.some(({ labels }) => `${labels}` !== `${read[0].labels}`))
    throw new DynedgeError('bad-bundle', `${name}: the labels of its bundles differ`)
  const bundles = read.map(({ file, info }) => ({ file, info }))
  return { name, npm: facts.npm, labels: read[0].labels, bundles }
}

const bundleName = (name: string, precision: Precision) => `${name}.${precision}.safetensors`

function readBundle(folder: string, name: string, precision: Precision, facts: Facts) {
  const file = bundleName(name, precision)
  const bytes = new Uint8Array(readFileSync(join(folder, file)))
  const dataStart = dataStartOf(bytes.subarray(0, LENGTH_BYTES), 'bad-bundle')
  const header = parseHeader(bytes.subarray(0, dataStart), bytes.length)
  const graph = checkHeader(header)
  const { metadata } = header
  const sha256 = createHash('sha256').update(bytes.subarray(dataStart)).digest()
  const claims = {
    'its precision': [metadata.precision, precision],
    'SHA-256 of its data': [sha256.toString('hex'), metadata.sha256],
  }
  for (const [what, [got, expected]] of Object.entries(claims))
    if (got !== expected)
      throw new DynedgeError('bad-bundle', `${name}/${file}: ${what} is ${got}, expected ${expected}`)
  if (!metadata.labels || !metadata.licence)
    throw new DynedgeError('bad-bundle', `${name}/${file} has no labels or no licence; pack it with both`)
  const { size } = metadata.input as unknown as InputSpec
  const { parameters, multiplyAdds } = count(graph, ...size)
  const info: NetworkInfo = {
    name,
    network: graph.network,
    width: graph.width,
    kernels: graph.kernels,
    precision,
    classes: graph.classes,
    input: size,
    parameters,
    multiplyAdds,
    bytes: bytes.length,
    integrity: `sha256-${sha256.toString('base64')}`,
    accuracy: accuracyOf(name, precision, facts),
    licence: metadata.licence,
  }
  return { file, info, labels: metadata.labels }
}

function accuracyOf(name: string, precision: Precision, { evaluated }: Facts): NetworkInfo['accuracy'] {
  const { data, images, top1, top5 } = evaluated
  const right = top1[precision]
  const among = top5?.[precision]
  for (const hits of [right, among])
    if (hits !== undefined && !(Number.isInteger(hits) && hits >= 0 && hits <= images))
      throw new DynedgeError('bad-input', `${name}/model.json: ${hits} right answers for ${images} pictures`)
  if (right === undefined)
    throw new DynedgeError('bad-input', `${name}/model.json does not say how many the ${precision} bundle has right`)
  return {
    top1: right / images,
    ...(among !== undefined && { top5: among / images }),
    interval: wilson(right, images),
    images,
    data,
  }
}

/** 95 % interval of a share, by Wilson's score. */
export function wilson(hits: number, of: number): [low: number, high: number] {
  const z = 1.959964
  const centre = (hits + (z * z) / 2) / (of + z * z)
  const half = (z / (of + z * z)) * Math.sqrt((hits * (of - hits)) / of + (z * z) / 4)
  return [centre - half, centre + half].map((share) => Number(share.toFixed(4))) as [number, number]
}

function readFacts(folder: string, name: string): Facts {
  const refuse = (what: string) => new DynedgeError('bad-input', `${name}/model.json: ${what}`)
  let json: unknown
  try {
    json = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'))
  } catch (cause) {
    throw new DynedgeError('bad-input', `${name}/model.json is not JSON`, { cause })
  }
  if (!isObject(json) || typeof json.npm !== 'boolean') throw refuse('expected "npm": true or false')
  const { evaluated } = json
  const { data, images, top1, top5 } = isObject(evaluated) ? evaluated : {}
  if (typeof data !== 'string' || !Number.isInteger(images) || Number(images) < 1 || !isObject(top1))
    throw refuse('expected "evaluated": { "data": "...", "images": 10000, "top1": { "w8": 8345 } }')
  if (top5 !== undefined && !isObject(top5)) throw refuse('expected "top5" as { "w8": 9900 }')
  return json as unknown as Facts
}
