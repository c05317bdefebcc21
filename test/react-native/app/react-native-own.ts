// `react-native` as apps get it, as far as dynedge takes it: made of React Native's own scripts, upon phone.ts.
import { emitter, phone } from './phone.ts'
import 'rn/Libraries/Core/setUpXHR'
import RCTDeviceEventEmitter from 'rn/Libraries/EventEmitter/RCTDeviceEventEmitter'
import resolveAssetSource from 'rn/Libraries/Image/resolveAssetSource'
import * as TurboModuleRegistry from 'rn/Libraries/TurboModule/TurboModuleRegistry'
import Platform from 'rn/Libraries/Utilities/Platform'
import { AssetRegistry } from 'rn/src/private/assets/AssetRegistry'

phone.os = Platform.OS
emitter.emit = (event, body) => RCTDeviceEventEmitter.emit(event, body)

export const Image = { resolveAssetSource }
export { AssetRegistry, TurboModuleRegistry }
