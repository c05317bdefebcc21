import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import sharp from 'sharp'

/** What Chromium's camera is shown: pictures of 4:3. */
export const CLIP_SIZE = { width: 320, height: 240 }
/** Pictures a second of a `.mjpeg` in Chromium. */
export const CLIP_RATE = 30

/** A film of photographs, `frames` of each, as JPEGs one after the other; returns each one's RGB pixels by name. */
export async function writeClip(path: string, photographs: URL[], frames: number) {
  const pictures: Record<string, { data: Uint8Array; width: number; height: number }> = {}
  const film: Buffer[] = []
  for (const photograph of photographs) {
    const jpeg = await sharp(photograph.pathname)
      .resize({ ...CLIP_SIZE, fit: 'cover' })
      .jpeg({ quality: 95 })
      .toBuffer()
    for (let i = 0; i < frames; ++i) film.push(jpeg)
    const data = await sharp(jpeg).raw().toBuffer()
    pictures[basename(photograph.pathname, '.jpg')] = { data, ...CLIP_SIZE }
  }
  writeFileSync(path, Buffer.concat(film))
  return pictures
}
