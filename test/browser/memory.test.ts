import type { Server } from 'node:http'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endure } from '../../bench/camera/memory.ts'
import { heaps } from '../../bench/camera/page.ts'
import { smallBundle } from '../helpers/bundles.ts'
import { openBrowser, serve } from './page.ts'

// What stays after many calls. Only Chromium can be asked for a collection of garbage, and for what is left by it.

const MODEL = new URL('../../models/dynedge-models/dy-mobile-200/dy-mobile-200.int8.safetensors', import.meta.url)

let server: Server
let page: Page
let close: () => Promise<void>

beforeAll(async () => {
  const files = { '/net.safetensors': { type: 'application/octet-stream', bytes: smallBundle('w8') } }
  const served = await serve(files)
  server = served.server
  ;({ page, close } = await openBrowser())
  await page.goto(`${served.origin}/`)
})

afterAll(async () => {
  await close?.()
  server?.close()
})

const PREPARE = `import('/dist/browser.js').then(async ({ load }) => {
  const net = await load('/net.safetensors', { worker: true })
  const data = Uint8Array.from({ length: 60 * 80 * 4 }, (_, i) => i)
  const tensor = { data: Float32Array.from({ length: 64 * 48 * 3 }, (_, i) => ((i * i) % 97) / 24 - 2), height: 64, width: 48 }
  globalThis.runs = async (count) => {
    for (let i = 0; i < count; ++i) await (i % 2 ? net.run(tensor) : net.classify({ data, width: 60, height: 80 }))
    return net.describe().memoryBytes
  }
})`

test('200 runs in a worker: memory stays where it was', async () => {
  await page.evaluate(PREPARE)
  const wasm = await page.evaluate('runs(40)')
  const session = await page.createCDPSession()
  const before = await heaps(page, session)
  expect(await page.evaluate('runs(200)')).toBe(wasm)
  const after = await heaps(page, session)
  for (const side of ['page', 'worker'] as const)
    expect(after[side], `${side}: ${before[side]} bytes before`).toBeLessThan(before[side] * 1.05)
})

test('a camera at full speed for some seconds: every call is answered, memory of wasm stays', async () => {
  // Ten minutes of it: npm run measure:page -- memory
  const { asked, answered, failed, frames, samples } = await endure(MODEL, 4, 2)
  expect({ answered, failed }).toEqual({ answered: asked, failed: 0 })
  expect(frames).toBeGreaterThan(10)
  expect(asked).toBeGreaterThan(2 * frames)
  expect(samples.length).toBeGreaterThanOrEqual(2)
  expect(new Set(samples.map(({ wasmBytes }) => wasmBytes)).size).toBe(1)
})
