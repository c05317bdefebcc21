import { Image, NativeModules } from 'react-native'
import { kernels } from './kernels'

NativeModules.Dynedge = kernels

// Assets lie where they are in this repository.
interface Located {
  asset: { fileSystemLocation: string; name: string; type: string }
}
const { resolveAssetSource } = Image as unknown as {
  resolveAssetSource: { setCustomSourceTransformer(transform: (located: Located) => object): void }
}
resolveAssetSource.setCustomSourceTransformer((located) => {
  const { fileSystemLocation, name, type } = located.asset
  return { uri: `file://${fileSystemLocation}/${name}.${type}` }
})

jest.mock('react-native-safe-area-context', () => require('react-native-safe-area-context/jest/mock').default)
jest.mock('react-native-vision-camera', () => require('./camera'))
jest.mock('react-native-worklets', () => require('react-native-worklets/src/mock'))
jest.mock('react-native-image-picker', () => ({ launchImageLibrary: jest.fn() }))
jest.mock('react-native-nitro-image', () => ({ loadImage: jest.fn() }))
