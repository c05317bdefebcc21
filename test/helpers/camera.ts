import { writeFileSync } from 'node:fs'
import sharp from 'sharp'

/** Flags by which Chromium's fake camera shows `photo`, again and again; `file` (a path that ends in .mjpeg) is written for it. */
export async function cameraOf(photo: string, file: string): Promise<string[]> {
  const frame = await sharp(photo).resize(640, 480, { fit: 'cover' }).jpeg({ quality: 95 }).toBuffer()
  writeFileSync(file, Buffer.concat([frame, frame]))
  return [`--use-file-for-fake-video-capture=${file}`]
}
