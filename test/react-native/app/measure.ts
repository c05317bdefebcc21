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
const module = host.__turboModuleProxy('Dynedge')!
const loadHere: Load = loader({ opener: nativeOpener(module), wasm: none, threads: noThreads })
const PICTURES: [string, { data: Uint8Array; width: number; height: number }][] = [
  [640, 480, 3],
  [1280, 720, 4],
].map(([width, height, channels]) => [
  `${width}x${height} ${channels === 3 ? 'RGB' : 'RGBA'}`,
  { data: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7) ^ (i >> 9)), width, height },
])
const leastAndMiddle = (values: number[]) => {
  values.sort((a, b) => a - b)
  return [values[0], values[values.length >> 1]].map((ms) => Number(ms.toFixed(2)))
}

/** The longest time without a turn of a timer; timers that always turn keep a core, which a run has to itself otherwise. */
async function longestGap(call: () => Promise<unknown>): Promise<number> {
  let [last, gap, running] = [host.now(), 0, true]
  const ticking = (async () => {
    while (running) {
      await sleep(0)
      const now = host.now()
      gap = Math.max(gap, now - last)
      last = now
    }
  })()
  await call()
  running = false
  await ticking
  return gap
}

async function everything() {
  for (const [where, load] of [
    ['in the thread that calls', loadHere],
    ['on another', loadLater],
  ] as [string, Load][]) {
    const net = await load(bundle, { maxInput: SIZE })
    for (const [picture, image] of PICTURES) {
      const calling: number[] = []
      const longest: number[] = []
      const all: number[] = []
      for (let call = -5; call < CALLS; ++call) {
        await sleep(1)
        const start = host.now()
        const answer = net.classify(image, { size: SIZE })
        const called = host.now() - start
        await answer
        const ms = host.now() - start
        const gap = await longestGap(() => net.classify(image, { size: SIZE }))
        if (call < 0) continue
        calling.push(called)
        longest.push(gap)
        all.push(ms)
      }
      const found = Object.entries({ calling, longest, all }).map(([what, ms]) => [what, leastAndMiddle(ms)])
      host.print(JSON.stringify({ where, picture, ...Object.fromEntries(found) }))
    }
    net.dispose()
  }
  const instance = module!.instantiate(1_000_000)
  const starting: number[] = []
  const answering: number[] = []
  for (let i = 0; i < 5000; ++i) {
    const start = host.now()
    const answer = instance.runLater(0, 0)
    starting.push((host.now() - start) * 1000)
    await answer
    answering.push((host.now() - start) * 1000)
  }
  host.print(
    JSON.stringify({ microseconds: { starting: leastAndMiddle(starting), answering: leastAndMiddle(answering) } }),
  )
}

ending(everything())
