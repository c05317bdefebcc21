/** What dynedge takes of React Native, which is installed only where it runs. */
declare module 'react-native' {
  export const TurboModuleRegistry: {
    get(name: string): import('./module.ts').NativeModule | null
  }
}
