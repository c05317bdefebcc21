// The bench in a page: everyone runs here, in one tab, by turns.

import * as litert from '@litertjs/core'
import * as tfWasm from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import type * as Ort from 'onnxruntime-web'
import { chartsOf } from '../../src/bench/charts.ts'
import { reductionsOf } from '../../src/bench/figure7.ts'
import { drawAll } from '../../src/bench/page/draw.ts'
import { charts, tables } from '../../src/bench/page/page.ts'
import { race, timesOf } from '../../src/bench/race.ts'
import { DYNEDGE, type Report, type Row } from '../../src/bench/report.ts'
import type { load as Load } from '../../src/browser.ts'
import type { TensorInput } from '../../src/interface.ts'
import type { Variant } from '../../src/interface.ts'
import { type Contender, compare } from '../agreement.ts'
import { ORT, type Runtime, TFJS } from '../peers.ts'
import { ratiosOf } from '../ratios.ts'
import { litertSession, ortSession, type PeerSession, tfjsSession } from '../sessions.ts'

export interface PageOptions {
  networks: string[]
  sizes: number[]
  precisions: string[]
  variants: string[]
  threads: number
  peers: string[]
  seconds: number
}

type Listed = Contender['row'] & { path: string }
interface Racer extends Contender {
  run(): unknown
  release(): Promise<void>
}

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

async function openPeer(
  runtime: Runtime,
  variant: Variant | null,
  file: Uint8Array,
  picture: TensorInput,
): Promise<PeerSession> {
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

async function racerOf({ path, ...row }: Listed, picture: TensorInput): Promise<Racer> {
  const file = await bytesOf(path)
  const { runtime, variant, threads } = row
  const start = performance.now()
  if (runtime !== DYNEDGE) {
    const session = await openPeer(runtime as Runtime, variant, file, picture)
    const loadMs = performance.now() - start
    const logits = (other: TensorInput) => {
      session.show(other)
      return session.run()
    }
    return { run: session.run, logits, release: session.release, row: { ...row, bytes: file.length, loadMs } }
  }
  const { load } = await ours()
  const network = await load(new Blob([file as BlobPart]), { variant: variant!, threads })
  const loadMs = performance.now() - start
  const { arenaBytes } = network.describe()
  return {
    run: threads === 1 ? () => network.runSync(picture) : () => network.run(picture),
    logits: async (other) => (await network.run(other)).logits,
    release: async () => network.dispose(),
    row: { ...row, bytes: file.length, loadMs, arenaBytes },
  }
}

/** Races all that is asked for; the outputs are compared before. */
export async function bench(asked: PageOptions, say: (text: string) => unknown): Promise<Report> {
  const { machine, commit, peers } = await (await fetch('/about')).json()
  if (begun && begun !== asked.threads) throw new Error('Load the page again for another number of threads.')
  begun = asked.threads
  const rows: Row[] = []
  for (const size of asked.sizes) {
    const racers: Racer[] = []
    for (const network of asked.networks) {
      await say(`preparing ${network} ${size}`)
      const query = new URLSearchParams({ networks: network, size: `${size}`, threads: `${asked.threads}` })
      for (const name of ['precisions', 'variants', 'peers'] as const) query.set(name, asked[name].join(','))
      const { models, pictures } = JSON.parse(new TextDecoder().decode(await bytesOf(`/models?${query}`)))
      const seen: Float32Array[] = []
      for (const path of pictures) seen.push(new Float32Array((await bytesOf(path)).buffer))
      const made: Racer[] = []
      for (const model of models) made.push(await racerOf(model, { data: seen[0], height: size, width: size }))
      await say(`comparing ${made.length} of ${network}`)
      await compare(made, { pictures: seen, size })
      for (const racer of made) await racer.logits({ data: seen[0], height: size, width: size })
      racers.push(...made)
    }
    await say(`timing ${racers.length} contenders at ${size} x ${size}, ${asked.seconds} s each`)
    const times = await race(
      racers.map(({ run }) => run),
      asked,
    )
    racers.forEach(({ row }, index) => {
      rows.push({ ...row, ms: timesOf(times[index]), runs: times[index].length })
    })
    for (const { release } of racers) await release()
  }
  return {
    machine,
    engine: {
      browser: browserName(),
      flags: [],
      peers: Object.fromEntries(asked.peers.map((name) => [name, peers[name]])),
    },
    commit,
    date: new Date().toISOString(),
    rows,
    ratios: ratiosOf(rows),
    reductions: reductionsOf(rows),
    peaks: [],
    steps: [],
    load: [],
  }
}

const browserName = () => /(Firefox|Edg|Chrome|Version)\/[\d.]+/.exec(navigator.userAgent)?.[0] ?? navigator.userAgent

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
