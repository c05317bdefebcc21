import { host } from './engine.ts'

/** Looks modules up where React Native's TurboModuleRegistry does. */
export const TurboModuleRegistry = { get: (name: string) => host.__turboModuleProxy(name) }

/** No script that has this one has assets. */
export const Image = { resolveAssetSource: () => null }
