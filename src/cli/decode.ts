import type { Metadata } from 'sharp'
import { DynedgeError } from '../errors.ts'
import type { PixelArray } from '../image/pixels.ts'
import { readWhole } from './files.ts'

/** A decoded picture. */
export interface Decoded {
  pixels: PixelArray
  /** What of the file had to be changed or left out, such as `CMYK, converted to RGB`; empty for an ordinary picture. */
  changes: string[]
}

/**
 * Pixels of a picture file: upright by its EXIF orientation, converted to sRGB, 8 bits, alpha dropped; of an animation the first frame.
 * @throws DynedgeError `not-found` or `bad-image`, without the path in it for what the decoder finds
 */
export async function decode(path: string): Promise<PixelArray> {
  return (await decodeFully(path)).pixels
}

/** As `decode`, and what that changed. */
export async function decodeFully(path: string): Promise<Decoded> {
  const bytes = await readWhole(path, 'a picture', 'bad-image')
  if (bytes.length === 0) throw new DynedgeError('bad-image', 'the file is empty')
  const { default: sharp } = await import('sharp')
  try {
    // Warnings (odd metadata, say) are no reason to refuse; missing pixels are.
    const picture = sharp(bytes, { failOn: 'error' })
    const changes = changesOf(await picture.metadata())
    const { data, info } = await picture
      .autoOrient()
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return { pixels: { data, width: info.width, height: info.height, channels: info.channels as 1 | 3 }, changes }
  } catch (cause) {
    // Decoders of several threads share one place for their reasons, which another thread may have cleared.
    const reason = (cause as Error).message.replace(/^Unknown error$/, 'damaged or cut off')
    throw new DynedgeError('bad-image', `not a picture that can be read: ${reason}`, { cause })
  }
}

function changesOf({ space, depth, pages = 1 }: Metadata): string[] {
  return [
    ...(space === 'cmyk' ? ['CMYK, converted to RGB'] : []),
    ...(depth && depth !== 'uchar' ? [`${BITS[depth] ?? depth} a channel, reduced to 8`] : []),
    ...(pages > 1 ? [`${pages} frames or pages, the first taken`] : []),
  ]
}

const BITS: Record<string, string> = { ushort: '16 bits', short: '16 bits', float: '32-bit floats' }
