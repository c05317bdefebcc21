import { Image } from 'react-native'
import { DynedgeError } from '../errors.ts'
import type { NativeModule } from './module.ts'

/** Where the file lies that `require` gave a number for: on Metro's server, beside the app's JavaScript, or among Android's resources. */
export function addressOf(asset: number, native: NativeModule): string {
  const uri = Image.resolveAssetSource(asset)?.uri
  if (!uri)
    throw new DynedgeError('bad-input', `${asset} is no asset, expected what require('./model.safetensors') gives.`)
  // Of an Android app's own resources React Native knows the name alone.
  return /^[a-z][a-z\d+.-]*:|^\//i.test(uri) ? uri : `android.resource://${native.packageName()}/raw/${uri}`
}
