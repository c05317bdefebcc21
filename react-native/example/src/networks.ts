/** A network that the app has with it. */
export interface Choice {
  title: string
  /** What its numbers are: float32, or integers of 8 bits. */
  precision: 'f32' | 'int8'
  /** What Metro made of the file: a number that `load` takes. */
  bundle: number
}

export const NETWORKS: readonly [Choice, ...Choice[]] = [
  {
    title: '200 things',
    precision: 'int8',
    bundle: require('dynedge-models/dy-mobile-200/dy-mobile-200.int8.safetensors'),
  },
  {
    title: '10 things',
    precision: 'int8',
    bundle: require('dynedge-models/dy-mobile-cifar10/dy-mobile-cifar10.int8.safetensors'),
  },
  {
    title: '10 things',
    precision: 'f32',
    bundle: require('dynedge-models/dy-mobile-0.5-cifar10/dy-mobile-0.5-cifar10.f32.safetensors'),
  },
]
