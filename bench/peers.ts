import type { DYNEDGE } from '../src/bench/report.ts'

export const ORT = 'onnxruntime-web'
export const LITERT = 'litert.js'
export const TFJS = 'tensorflow.js'
export const PEERS = [ORT, TFJS, LITERT] as const
export type Runtime = typeof DYNEDGE | (typeof PEERS)[number]
