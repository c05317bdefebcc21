import { type Load, loader } from '../../../src/load.ts'
import { nativeOpener } from '../../../src/native/module.ts'
import { load as loadLater } from '../../../src/native.ts'
import { ending, furnish, host, sleep } from './engine.ts'

// For how long a call keeps JavaScript's thread, beside a network that computes in that thread. Lines of JSON.

const [bundle] = host.files.map((bytes) => new Uint8Array(bytes))
furnish()
const SIZE: [number, number] = [224, 224]
const CALLS = 40
const noThreads = async () => async () => ({})
const none = async () => {
  throw new Error('There is no WebAssembly.')
}
const module = host.__turboModuleProxy('Dynedge')
const loadHere: Load = loader({ opener: nativeOpener(module), wasm: none, threads: noThreads })
const PICTURES: [string, { data: Uint8Array; width: number; height: number }][] = [
  [640, 480, 3],
  [1280, 720, 4],
].map(([width, height, channels]) => [
  `${width}x${height} ${channels === 3 ? 'RGB' : 'RGBA'}`,
  { data: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7) ^ (i >> 9)), width, height },
])
const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]

async function everything() {
  for (const [where, load] of [
    ['in the thread that calls', loadHere],
    ['on another', loadLater],
  ] as [string, Load][]) {
    const net = await load(bundle, { maxInput: SIZE })
    for (const [picture, image] of PICTURES) {
      const longest: number[] = []
      const all: number[] = []
      for (let call = -5; call < CALLS; ++call) {
        await sleep(1)
        let [last, gap, running] = [host.now(), 0, true]
        const tick = () => {
          const now = host.now()
          gap = Math.max(gap, now - last)
          last = now
        }
        const ticking = (async () => {
          while (running) {
            await sleep(0)
            tick()
          }
        })()
        const start = host.now()
        await net.classify(image, { size: SIZE })
        const ms = host.now() - start
        running = false
        await ticking
        if (call < 0) continue
        longest.push(gap)
        all.push(ms)
      }
      host.print(JSON.stringify({ where, picture, longest: middle(longest), all: middle(all) }))
    }
    net.dispose()
  }
  const instance = module!.instantiate(1_000_000)
  let starting = 0
  const started = host.now()
  for (let i = 0; i < 2000; ++i) {
    const before = host.now()
    const answer = instance.runLater(0, 0)
    starting += host.now() - before
    await answer
  }
  const answered = host.now() - started
  host.print(JSON.stringify({ microseconds: { start: starting / 2, answer: answered / 2 } }))
}

ending(everything())
