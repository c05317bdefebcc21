import { DynedgeError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import type { NetworkOptions } from './builder.ts'
import { mobile, mobileNetV2 } from './mobile.ts'
import { shuffle, shuffleNetV2 } from './shuffle.ts'

type Build = (network: string, options: Required<NetworkOptions>) => Graph

/** Every network by its name; `dynamic` ones take `kernels` (g_t). */
const FAMILIES: Record<string, { build: Build; dynamic: boolean }> = {
  'dy-mobile': { build: mobile, dynamic: true },
  'fix-mobile': { build: mobile, dynamic: false },
  mobilenetv2: { build: mobileNetV2, dynamic: false },
  'dy-shuffle': { build: shuffle, dynamic: true },
  'fix-shuffle': { build: shuffle, dynamic: false },
  shufflenetv2: { build: shuffleNetV2, dynamic: false },
}

/** Names as users type them, the sizes that the papers publish. */
export const NETWORKS = [
  'dy-mobile',
  'fix-mobile',
  'mobilenetv2',
  'dy-shuffle',
  'dy-shuffle-1.5',
  'fix-shuffle',
  'fix-shuffle-1.5',
  'shufflenetv2',
]

/**
 * The graph of a network by name: `dy-mobile`, or with a width multiplier `dy-shuffle-1.5`. `options.width` multiplies nothing
 * when the name has one: then the two must agree. Throws `usage` for unknown names and impossible options.
 */
export function buildNetwork(name: string, options: NetworkOptions = {}): Graph {
  const match = /^(.*?)(?:-(\d+(?:\.\d+)?))?$/.exec(name)!
  const family = Object.hasOwn(FAMILIES, match[1]) ? FAMILIES[match[1]] : undefined
  if (!family)
    throw new DynedgeError('usage', `No network is called ${JSON.stringify(name)}; there are ${NETWORKS.join(', ')}.`)
  const width = match[2] ? Number(match[2]) : (options.width ?? 1)
  if (options.width !== undefined && options.width !== width)
    throw new DynedgeError('usage', `${name} has width ${width}, but width ${options.width} was asked for.`)
  const { classes = 1000, kernels = 6 } = options
  check('width', width, width >= 0.1 && width <= 8, '0.1 to 8')
  check(
    'classes',
    classes,
    Number.isInteger(classes) && classes >= 1 && classes <= 100_000,
    'an integer from 1 to 100000',
  )
  check('kernels (g_t)', kernels, Number.isInteger(kernels) && kernels >= 1 && kernels <= 64, 'an integer from 1 to 64')
  return family.build(match[1], { width, classes, kernels: family.dynamic ? kernels : 0 })
}

function check(name: string, value: number, good: boolean, expected: string): void {
  if (!good) throw new DynedgeError('usage', `${name} is ${value}, expected ${expected}.`)
}
