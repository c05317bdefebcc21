// The bench of the site in a worker, so that the page never waits: models are made here, of random weights, and everyone runs here.
import type * as Ort from 'onnxruntime-web'
import { contest, type PageOptions, type Place } from '../../bench/browser/contest.ts'
import { type Asked, modelsOf, subjectOf } from '../../bench/models.ts'
import { onnxWriter } from '../../bench/onnx/writer.ts'
import { ORT } from '../../bench/peers.ts'
import { ortSession } from '../../bench/sessions.ts'
import type { Report } from '../../src/bench/report.ts'
import { load } from '../../src/browser.ts'

declare const ABOUT: { commit: string; ort: string }

export type Said = { text: string } | { report: Report } | { fault: string }

const beside = (path: string) => new URL(path, import.meta.url).href
const kernels = () => WebAssembly.compileStreaming(fetch(beside('dynedge/dynedge.simd.wasm')))

let library: Promise<typeof Ort> | undefined
/** Fetched only by those who want the comparison: 3.7 MB where servers compress, else 14. */
function ort(): Promise<typeof Ort> {
  library ??= import(beside('ort/ort.wasm.min.mjs')).then((found: typeof Ort) => {
    found.env.wasm.wasmPaths = beside('ort/')
    return found
  })
  return library
}

const here: Place = {
  async about() {
    const machine = { cpu: 'this device', cores: navigator.hardwareConcurrency, os: navigator.platform, arch: '' }
    return { machine, commit: ABOUT.commit, peers: { [ORT]: ABOUT.ort } }
  },
  async offer(network, size, options) {
    const { threads, ...rest } = options
    const asked = { ...rest, networks: [network], sizes: [size], threads: [threads], forms: false } as Asked
    const subject = await subjectOf(network, size, asked, kernels)
    const models = modelsOf(subject, asked, { [ORT]: onnxWriter }).map(({ file, ...model }) => ({
      ...model,
      file: async () => file,
    }))
    return { models, pictures: [...subject.pictures] }
  },
  load: async () => load,
  openPeer: async (_, __, file, picture, threads) => ortSession(await ort(), file, picture, threads),
}

const say = (said: Said) => postMessage(said)

addEventListener('message', async ({ data }: MessageEvent<PageOptions>) => {
  try {
    say({ report: await contest(here, data, (text) => say({ text })) })
  } catch (error) {
    say({ fault: error instanceof Error ? error.message : String(error) })
  }
})
