/** What dynedge takes of React Native, which is installed only where it runs. */
declare module 'react-native' {
  export const TurboModuleRegistry: {
    get(name: string): import('./module.ts').NativeModule | null
  }
  export const Image: {
    /** Where a file lies that was required; nothing for another number. */
    resolveAssetSource(asset: number): { uri: string } | null | undefined
  }
}
