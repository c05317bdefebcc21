// Written by build.ts from the files beside; npm run catalogue writes it again.
/**
 * A trained network: where it lies, what it is, and what it tells apart.
 * @module dynedge-models/dy-shuffle-200
 */
import type { NetworkInfo } from '../types.js'

/** Address of the bundle, for `load`. */
declare const url: string
export default url
/** What this bundle is: its input, its size, how well it does. */
export declare const info: NetworkInfo
/** Names of the classes, by index. */
export declare const labels: readonly string[]
