import { DynedgeError } from '../errors.ts'
import type { PixelSource } from '../image/pixels.ts'
import { readWhole } from './files.ts'

/**
 * Pixels of a picture file: upright by its EXIF orientation, converted to sRGB, 8 bits, alpha dropped; of an animation the first frame.
 * @throws DynedgeError `not-found` or `bad-image`, without the path in it for what the decoder finds
 */
export async function decode(path: string): Promise<PixelSource> {
  const bytes = await readWhole(path, 'a picture', 'bad-image')
  if (bytes.length === 0) throw new DynedgeError('bad-image', 'the file is empty')
  const { default: sharp } = await import('sharp')
  try {
    // Warnings (odd metadata, say) are no reason to refuse; missing pixels are.
    const { data, info } = await sharp(bytes, { failOn: 'error' })
      .autoOrient()
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return { data, width: info.width, height: info.height, channels: info.channels as 1 | 3 }
  } catch (cause) {
    throw new DynedgeError('bad-image', `not a picture that can be read: ${(cause as Error).message}`, { cause })
  }
}
