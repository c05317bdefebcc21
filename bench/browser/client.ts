// The bench in a page: everyone runs here, in one tab, by turns.

import * as litert from '@litertjs/core'
import * as tfWasm from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import type * as Ort from 'onnxruntime-web'
import { chartsOf } from '../../src/bench/charts.ts'
import { drawAll } from '../../src/bench/page/draw.ts'
import { charts, tables } from '../../src/bench/page/page.ts'
import type { Report } from '../../src/bench/report.ts'
import type { load as Load } from '../../src/browser.ts'
import { ORT, TFJS } from '../peers.ts'
import { litertSession, ortSession, tfjsSession } from '../sessions.ts'
import { contest, type Offered, type PageOptions, type Place } from './contest.ts'

export type { PageOptions } from './contest.ts'

type Listed = Omit<Offered, 'file'> & { path: string }

const once = <T>(make: () => Promise<T>) => {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
const bytesOf = async (path: string) => {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
  return new Uint8Array(await response.arrayBuffer())
}

const ours = once(async () => {
  // Written apart, so that the bundler leaves it to the page.
  const path = '/dist/browser.js'
  return (await import(path)) as { load: typeof Load }
})
const ort = once(async () => {
  const path = '/ort/ort.wasm.min.mjs'
  const library: typeof Ort = await import(path)
  library.env.wasm.wasmPaths = `${location.origin}/ort/`
  return library
})

let begun = 0
/** Peers keep their number of threads: another one wants another page. */
const tensorflow = once(async () => {
  tfWasm.setWasmPaths('/tfjs/')
  tfWasm.setThreadsCount(begun)
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', begun > 1)
  await tf.setBackend('wasm')
  await tf.ready()
})
const lite = new Map<string, Promise<unknown>>()

const openPeer: Place['openPeer'] = async (runtime, variant, file, picture) => {
  if (runtime === ORT) return ortSession(await ort(), file, picture, begun)
  if (runtime === TFJS) {
    await tensorflow()
    return tfjsSession(tf, () => {}, file, picture)
  }
  const builds = { relaxed: 'litert_wasm_internal.js', simd: 'litert_wasm_compat_internal.js' }
  const build = begun > 1 ? 'litert_wasm_threaded_internal.js' : builds[variant!]
  if (!lite.has(build)) {
    if (lite.size) litert.unloadLiteRt()
    lite.clear()
    lite.set(build, litert.loadLiteRt(`/litert/${build}`))
  }
  await lite.get(build)
  return litertSession(litert, file, picture, begun)
}

/** The server makes the models. */
const served: Place = {
  about: async () => (await fetch('/about')).json(),
  async offer(network, size, asked) {
    const query = new URLSearchParams({ networks: network, size: `${size}`, threads: `${asked.threads}` })
    for (const name of ['precisions', 'variants', 'peers'] as const) query.set(name, asked[name].join(','))
    const { models, pictures } = JSON.parse(new TextDecoder().decode(await bytesOf(`/models?${query}`)))
    const seen: Float32Array[] = []
    for (const path of pictures) seen.push(new Float32Array((await bytesOf(path)).buffer))
    return {
      models: models.map(({ path, ...model }: Listed) => ({ ...model, file: () => bytesOf(path) })),
      pictures: seen,
    }
  },
  load: async () => (await ours()).load,
  openPeer,
}

/** Races all that is asked for. */
export async function bench(asked: PageOptions, say: (text: string) => unknown): Promise<Report> {
  if (begun && begun !== asked.threads) throw new Error('Load the page again for another number of threads.')
  begun = asked.threads
  return contest(served, asked, say)
}

const form = document.querySelector('form')!
const status = document.querySelector<HTMLElement>('#status')!
const results = document.querySelector<HTMLElement>('#results')!
const copy = document.querySelector<HTMLButtonElement>('#copy')!
let last: Report | undefined

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const data = new FormData(form)
  const chosen = (name: string) => data.getAll(name).map(String)
  const sizes = chosen('sizes').map(Number)
  const button = form.querySelector('button')!
  button.disabled = true
  const say = (text: string) => {
    status.textContent = text
    // Lets the page show it.
    return new Promise((resolve) => setTimeout(resolve))
  }
  try {
    const [threads, seconds] = [Number(data.get('threads')), Number(data.get('seconds'))]
    const named = { networks: chosen('networks'), precisions: chosen('precisions'), peers: chosen('peers') }
    last = await bench({ ...named, sizes, variants: chosen('variants'), threads, seconds }, say)
    show(last)
    status.textContent = 'Done.'
  } catch (error) {
    status.textContent = error instanceof Error ? error.message : String(error)
  } finally {
    button.disabled = false
  }
})

copy.addEventListener('click', async () => {
  await navigator.clipboard.writeText(JSON.stringify(last))
  status.textContent = 'Copied.'
})

function show(report: Report): void {
  const drawn = chartsOf(report)
  results.innerHTML = charts(drawn).text + tables(report).text
  copy.hidden = false
  drawAll(drawn, results)
}

Object.assign(globalThis, { dynedgeBench: bench, showReport: show })
