import type { Server } from 'node:http'
import sharp from 'sharp'
import type * as Dynedge from '../../src/browser.ts'
import type { PixelSource } from '../../src/index.ts'
import { load, smallBundle } from '../helpers/bundles.ts'
import { type Browser, runnerIn, type Session } from './browsers.ts'
import { serve } from './page.ts'

type Picture = Parameters<Dynedge.Network['classify']>[0]

/** What a page that has been prepared has. */
export interface Globals {
  sdk: typeof Dynedge
  /** The same network, in the page's own thread and in a worker. */
  nets: Dynedge.Network[]
  /** The answers of both. `make` is asked twice, so that a picture may be given away. */
  answers(make: () => Picture | Promise<Picture>, options?: Dynedge.ClassifyOptions): Promise<Dynedge.Prediction[][]>
  /** The errors of both. */
  failures(make: () => Picture | Promise<Picture>, options?: Dynedge.ClassifyOptions): Promise<Failure[]>
  file(path: string): Promise<Blob>
  img(path: string, set?: (img: HTMLImageElement) => void): Promise<HTMLImageElement>
  /** A canvas with pixels of RGBA. */
  canvas(data: Uint8ClampedArray, width: number, height: number): HTMLCanvasElement
}

export interface Failure {
  code: string
  message: string
  typed: boolean
}

const PREPARE = `import('/dist/browser.js').then(async (sdk) => {
  const options = { variant: 'simd' }
  const nets = [await sdk.load('/net.safetensors', options), await sdk.load('/net.safetensors', { ...options, worker: true })]
  const each = async (ask) => [await ask(nets[0]), await ask(nets[1])]
  Object.assign(globalThis, {
    sdk,
    nets,
    answers: (make, options) => each(async (net) => net.classify(await make(), { topK: 10, ...options })),
    failures: (make, options) => each(async (net) => {
      const answer = await net.classify(await make(), options).catch((error) => error)
      return { code: answer.code, message: answer.message, typed: answer instanceof sdk.DynedgeError }
    }),
    file: async (path) => (await fetch(path)).blob(),
    img: async (path, set) => {
      const img = new Image()
      set?.(img)
      if (path) img.src = path
      await img.decode()
      return img
    },
    canvas: (data, width, height) => {
      const canvas = document.createElement('canvas')
      Object.assign(canvas, { width, height })
      canvas.getContext('2d').putImageData(new ImageData(data, width, height), 0, 0)
      return canvas
    },
  })
})`

export type Files = Record<string, { type: string; bytes: Uint8Array | string } | null>

/** A browser with a prepared page, `files` beside it. */
export async function prepared(browser: Browser, files: Files, options?: Parameters<Browser['open']>[0]) {
  const bytes = smallBundle('f32')
  const { server, origin } = await serve({ ...files, '/net.safetensors': { type: 'application/octet-stream', bytes } })
  let session: Session | undefined
  const close = async () => {
    await session?.close()
    server.close()
  }
  try {
    session = await browser.open(options)
    await session.goto(`${origin}/`)
    await session.evaluate(PREPARE)
    return { session, origin, close, inPage: runnerIn<Globals>(() => session!) }
  } catch (error) {
    await close()
    throw error
  }
}

export type Prepared = Awaited<ReturnType<typeof prepared>>

const node = load(smallBundle('f32'), { variant: 'simd' })

/** What Node says to raw pixels. */
export async function nodeAnswer(
  pixels: PixelSource,
  options?: Dynedge.ClassifyOptions,
): Promise<Dynedge.Prediction[]> {
  return (await node).classify(pixels, { topK: 10, ...options })
}

/** How far apart two answers are: the largest difference of a class's probability. */
export function apart(one: Dynedge.Prediction[], other: Dynedge.Prediction[]): number {
  const of = new Map(other.map(({ index, probability }) => [index, probability]))
  return Math.max(...one.map(({ index, probability }) => Math.abs(probability - of.get(index)!)))
}

/** RGBA with structure at every scale; opaque, or each alpha of 0, 1, 64, 128, 200 and 255 with any colour. */
export function pattern(width: number, height: number, opaque = true): Uint8ClampedArray<ArrayBuffer> {
  return Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => {
    const [x, y] = [(i >> 2) % width, Math.floor((i >> 2) / width)]
    if (i % 4 === 3) return opaque ? 255 : [0, 1, 64, 128, 200, 255][(x + (y >> 3)) % 6]
    return (x * (3 + (i % 4)) + ((y * y) >> (i % 4)) + (x * y) / 7) & 255
  })
}

export const sharpOf = (data: Uint8Array | Uint8ClampedArray, width: number, height: number) =>
  sharp(data, { raw: { width, height, channels: (data.length / width / height) as 3 | 4 } })

export type { Server }
