// Written by build.ts from the files beside; npm run catalogue writes it again.
import type { NetworkInfo } from '../types.js'

/** Address of the bundle, for `load`. */
declare const url: string
export default url
export declare const info: NetworkInfo
/** Names of the classes, by index. */
export declare const labels: readonly string[]
