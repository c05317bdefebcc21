// React Native's own scripts, of build/react-native-*; their types are Flow's.
declare module 'rn/Libraries/Core/setUpXHR'
declare module 'rn/Libraries/EventEmitter/RCTDeviceEventEmitter' {
  const emitter: { emit(event: string, ...body: unknown[]): void }
  export default emitter
}
declare module 'rn/Libraries/Image/resolveAssetSource' {
  const resolve: (asset: number) => { uri: string } | null
  export default resolve
}
declare module 'rn/Libraries/TurboModule/TurboModuleRegistry' {
  export const get: (name: string) => import('../../../src/native/module.ts').NativeModule | null
}
declare module 'rn/Libraries/Utilities/Platform' {
  const Platform: { OS: 'android' | 'ios' }
  export default Platform
}
declare module 'rn/src/private/assets/AssetRegistry' {
  export const AssetRegistry: { registerAsset(asset: object): number }
}
