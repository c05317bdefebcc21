import { type Load, loader } from './load.ts'
import { pagePlatform, type WasmAddresses } from './runtime/page-platform.ts'

/** `load` into the thread of a page that calls it. */
export const loadWith = (wasm: WasmAddresses): Load => loader(pagePlatform(wasm))
