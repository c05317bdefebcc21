export type { Progress } from './bundle/load.ts'
export type { BundleInput } from './bundle/source.ts'
export type { ErrorCode } from './errors.ts'
export { DynedgeError } from './errors.ts'
export type { FrameBytes, FrameFormat, FramePlane, FrameSource } from './image/frame-source.ts'
export type { ImageInput, PageClass, PageImage } from './image/input.ts'
export type { PixelSource } from './image/pixels.ts'
export type { InputSpec } from './image/spec.ts'
export type {
  BundleCache,
  CachedBundle,
  ClassifyOptions,
  Description,
  DynamicLayer,
  Floats,
  KernelsOptions,
  Network,
  Outputs,
  Precision,
  Prediction,
  Profile,
  ProfileOptions,
  RunOptions,
  StepTime,
  TensorInput,
  Variant,
} from './interface.ts'
export type { Load, LoadOptions } from './load.ts'
