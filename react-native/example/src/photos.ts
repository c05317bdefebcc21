import type { FrameFormat, FrameSource } from 'dynedge'
import { type ImagePickerResponse, launchImageLibrary } from 'react-native-image-picker'
import { loadImage } from 'react-native-nitro-image'
import { orientationIn } from './exif'

/** A photograph, decoded. */
export interface Photo {
  /** Where the file lies, for showing it. */
  uri: string
  picture: FrameSource
  /** As in EXIF: how it is turned upright. */
  orientation: number
}

/** What may go wrong, in words for people. */
export class PhotoError extends Error {}

/** Asks for a photograph of the phone's; undefined when the person would rather not. */
export async function pickPhoto(): Promise<Photo | undefined> {
  const uri = chosen(await launchImageLibrary({ mediaType: 'photo', assetRepresentationMode: 'compatible' }))
  return uri === undefined ? undefined : readPhoto(uri)
}

function chosen({ didCancel, errorCode, errorMessage, assets }: ImagePickerResponse): string | undefined {
  if (errorCode === 'permission')
    throw new PhotoError('This app may not see the photographs. Allow it in the settings and try again.')
  if (errorCode) throw new PhotoError(`No photograph could be had. ${errorMessage ?? ''}`.trim())
  return didCancel ? undefined : assets?.[0]?.uri
}

const FORMATS: Record<string, FrameFormat> = { RGBA: 'rgba', RGBX: 'rgba', BGRA: 'bgra', BGRX: 'bgra' }

/** Decoded by the phone, which leaves it as it was stored: how it is turned is read beside. */
async function readPhoto(uri: string): Promise<Photo> {
  const [image, orientation] = await Promise.all([loadImage({ filePath: uri }), storedOrientation(uri)])
  const { buffer, width, height, pixelFormat } = await image.toRawPixelDataAsync()
  image.dispose()
  const format = FORMATS[pixelFormat]
  if (!format) throw new PhotoError(`Photographs of this kind (${pixelFormat}) cannot be read. Choose another.`)
  return { uri, picture: { format, width, height, data: buffer }, orientation }
}

/** EXIF stands before the picture itself. */
const BEGINNING_BYTES = 2 ** 17

async function storedOrientation(uri: string): Promise<number> {
  const file = await (await fetch(uri)).blob()
  return orientationIn(await new Response(file.slice(0, BEGINNING_BYTES)).arrayBuffer())
}
