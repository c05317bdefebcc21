// Written by build.ts from the files beside; npm run catalogue writes it again.
/**
 * The trained networks, before any is loaded.
 * @module dynedge-models
 */
import type { NetworkInfo } from './types.js'

export type { Accuracy, NetworkInfo } from './types.js'
/** The w8 bundle of every network, by name; `dynedge-models/<name>` has its address. */
export declare const networks: readonly NetworkInfo[]
