/** What an app wants to know of a network before it fetches the weights. */
export interface NetworkInfo {
  /** Name in this package: `dynedge-models/<name>`. */
  readonly name: string
  /** Architecture, as `dynedge networks` knows it. */
  readonly network: string
  /** Width multiplier of the architecture. */
  readonly width: number
  /** Fixed kernels that a dynamic convolution mixes per output channel (g_t); 0 for a network without. */
  readonly kernels: number
  /** `int8`: weights and arithmetic in integers; `w8`: weights stored as int8, arithmetic in float32; `f32`: both float32. */
  readonly precision: 'w8' | 'int8' | 'f32'
  /** Number of classes; `labels` names them. */
  readonly classes: number
  /** Height and width in pixels that it was trained for. `classify` resizes to them unless it is told otherwise. */
  readonly input: readonly [height: number, width: number]
  /** Trained values: weights, biases, normalisation. */
  readonly parameters: number
  /** Of one picture at the size `input`. */
  readonly multiplyAdds: number
  /** Size of the file at the address, in bytes. */
  readonly bytes: number
  /** For the option `integrity` of `load`: `sha256-<base64>` of the bundle's data section. */
  readonly integrity: string
  /** Measured with the SDK on this very bundle. */
  readonly accuracy: Accuracy
  /** Of the weights, an SPDX identifier. */
  readonly licence: string
}

/** How often a network is right. */
export interface Accuracy {
  /** Share of pictures whose first answer is right, 0 to 1. */
  readonly top1: number
  /** Share of pictures with the right answer among the first five; only where it was counted. */
  readonly top5?: number
  /** Wilson's 95 % interval of `top1`. */
  readonly interval: readonly [low: number, high: number]
  /** Number of pictures. */
  readonly images: number
  /** Which pictures. */
  readonly data: string
}
