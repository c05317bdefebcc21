import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Prediction } from 'dynedge'
import type { CameraOrientation, Frame } from 'react-native-vision-camera'
import sharp from 'sharp'

const ROOT = join(__dirname, '../../..')
export const PHOTO = join(ROOT, 'samples/goldfish-1.jpg')
export const OTHER_PHOTO = join(ROOT, 'samples/koala-1.jpg')

/** What dynedge in Node says to a photograph. */
export function saidInNode(photo: string, network: string): Prediction[] {
  const command = [join(ROOT, 'dist/cli.js'), 'run', photo, '--json', '--variant', 'simd', '--model']
  const said = execFileSync(process.execPath, [...command, join(ROOT, 'models/dynedge-models', network)])
  return JSON.parse(said.toString()).results[0].top
}

export interface Pixels {
  data: Uint8Array
  width: number
  height: number
}

/** A photograph, RGBA, turned clockwise by `degrees`. */
export async function decoded(photo: string, degrees = 0): Promise<Pixels> {
  const raw = sharp(photo).rotate(degrees).ensureAlpha().raw()
  const { data, info } = await raw.toBuffer({ resolveWithObject: true })
  // Of this realm's arrays, of which Node's own are none.
  return { data: Uint8Array.from(data), width: info.width, height: info.height }
}

/** A frame of an iPhone's camera that sees `pixels`: BGRA, in rows that are longer than they need be. */
export function frameOf({ data, width, height }: Pixels, orientation: CameraOrientation = 'up') {
  const bytesPerRow = width * 4 + 64
  const bytes = new Uint8Array(height * bytesPerRow)
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) {
      const [from, to] = [(y * width + x) * 4, y * bytesPerRow + x * 4]
      bytes.set([data[from + 2], data[from + 1], data[from], 255], to)
    }
  const dispose = jest.fn()
  const frame = {
    width,
    height,
    bytesPerRow,
    orientation,
    isMirrored: false,
    isPlanar: false,
    pixelFormat: 'rgb-bgra-8-bit',
    getPixelBuffer: () => bytes.buffer,
    dispose,
  } as unknown as Frame
  return { frame, dispose }
}
