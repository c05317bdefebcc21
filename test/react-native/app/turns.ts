import type { NativeNetwork } from '../../../src/native/network.ts'
import { load } from '../../../src/native.ts'
import { ending, furnish, host, sleep, type Told, toldOf } from './engine.ts'
import { Controller } from './signal.ts'

// Calls of a network that overlap, a line of JSON for each: what was tried, and what came of it.

const bundle = new Uint8Array(host.files[0])
Reflect.deleteProperty(globalThis, 'WebAssembly')
furnish()

const tell = (what: string, told: unknown) => host.print(JSON.stringify({ what, told }))
const told = async (what: string, call: () => unknown) => tell(what, await toldOf(call))
const opened = async (maxInput: [number, number] = [64, 64], more = {}) =>
  (await load(bundle, { maxInput, ...more })) as NativeNetwork

function tensorOf(height: number, width: number, seed = 1) {
  let state = seed * 7919 + height * 8192 + width
  const data = Float32Array.from({ length: height * width * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state / 2 ** 32) * 4 - 2
  })
  return { data, height, width }
}
const pictureOf = (seed: number) => ({
  data: Uint8Array.from({ length: 50 * 40 * 3 }, (_, i) => (i * i * seed) >> 4),
  width: 50,
  height: 40,
})
const text = (value: unknown) =>
  JSON.stringify(value, (_, part) => (ArrayBuffer.isView(part) ? Array.from(part as Float32Array) : part))
/** Long enough for what follows at once to find it under way. */
const LARGE = tensorOf(320, 320)

const PARTS: Record<string, () => Promise<void>> = {
  async 'calls that overlap take turns, and each gives its own'() {
    const net = await opened()
    const calls: [string, () => Promise<unknown>][] = [
      ['run', () => net.run(tensorOf(64, 64, 2))],
      ['classify', () => net.classify(pictureOf(3))],
      ['kernels', () => net.kernels(pictureOf(5))],
      ['wrong', () => net.run({ data: new Float32Array(5), height: 1, width: 1 })],
      ['run', () => net.run(tensorOf(32, 48, 7))],
      ['larger', () => net.run(tensorOf(150, 100, 3))],
      ['classify', () => net.classify(pictureOf(9), { size: [32, 32], topK: 3 })],
      ['fully', async () => (await net.classifyFully(pictureOf(3))).outputs],
      ['run', () => net.run(tensorOf(64, 64, 2))],
    ]
    const alone: Told[] = []
    for (const [, call] of calls) alone.push(await toldOf(call))
    const order: number[] = []
    const fresh = await opened()
    const profile = fresh.profile({ repetitions: 2 })
    const both = calls.map(async ([, call], index) => {
      const found = await toldOf(call)
      order.push(index)
      return found
    })
    tell('order', await Promise.all(both).then(() => order))
    const found = await Promise.all(both)
    tell(
      'own',
      found.map((one, index) => text(one) === text(alone[index])),
    )
    tell(
      'codes',
      found.map(({ code }) => code ?? null),
    )
    tell('profile', (await profile).steps.length)
    const { ms } = await net.classifyFully(pictureOf(3))
    tell('ms', ms)
  },

  async 'the bytes of a call are its own as soon as it is made'() {
    const net = await opened()
    const [first, second, third] = [tensorOf(64, 64, 1), tensorOf(64, 64, 2), pictureOf(4)]
    const expected = [await net.run(first), await net.run(second), await net.classify(third)]
    const calls = [net.run(first), net.run(second), net.classify(third)]
    for (const { data } of [first, second, third]) data.fill(0)
    tell('own', text(await Promise.all(calls)) === text(expected))
    for (const options of [{}, { orientation: 6 }]) {
      const [picture, same] = [pictureOf(4), pictureOf(4)]
      const call = net.classify(picture, options)
      picture.data.fill(0)
      tell('own', text(await call) === text(await net.classify(same, options)))
    }
  },

  async 'runSync beside other calls'() {
    const net = await opened()
    const small = tensorOf(64, 64)
    const expected = text(net.runSync(small))
    const first = net.run(LARGE)
    const second = net.run(small)
    await told('meanwhile', () => net.runSync(small))
    await told('describe', () => net.describe().network)
    await told('kept', () => net.kept)
    await first
    await told('still', () => net.runSync(small))
    await second
    tell('afterwards', text(net.runSync(small)) === expected)
  },

  async 'JavaScript goes on while a picture runs'() {
    const net = await opened([320, 320])
    let [turns, running] = [0, true]
    const ticking = (async () => {
      for (; running; ++turns) await sleep(0)
    })()
    for (let i = 0; i < 5; ++i) await net.run(LARGE)
    running = false
    await ticking
    tell('turns', turns)
  },

  async 'dispose while calls wait and run'() {
    const net = await opened([320, 320])
    const calls = [net.run(LARGE), net.classify(pictureOf(1)), net.profile(), net.kernels(pictureOf(2))]
    let settled = 0
    const all = calls.map((call) => toldOf(() => call).finally(() => ++settled))
    net.dispose()
    net.dispose()
    // Promises alone, no turn of the thread: nobody waits for the run.
    for (let i = 0; i < 20; ++i) await undefined
    tell('settled at once', settled)
    tell(
      'codes',
      (await Promise.all(all)).map(({ code }) => code ?? null),
    )
    for (const call of [() => net.run(LARGE), () => net.runSync(LARGE), () => net.profile(), () => net.describe()])
      await told('afterwards', call)
  },

  async 'a hundred networks disposed of at work'() {
    const codes: (string | undefined)[] = []
    for (let i = 0; i < 100; ++i) {
      const net = await opened([96, 96])
      const call = net.run(tensorOf(96, 96, i))
      if (i % 3) await sleep(0)
      net.dispose()
      codes.push((await toldOf(() => call)).code)
    }
    tell(
      'codes',
      [...new Set(codes)].map((code) => code ?? 'none'),
    )
    tell('disposed', codes.filter((code) => code === 'disposed').length)
  },

  async signals() {
    const net = await opened([320, 320])
    const expected = text(await net.run(tensorOf(64, 64)))
    const [now, waiting, late] = [new Controller(), new Controller(), new Controller()]
    const calls = [
      net.run(LARGE, { signal: now.signal }),
      net.classify(pictureOf(1), { signal: waiting.signal }),
      net.run(tensorOf(64, 64), { signal: late.signal }),
    ].map((call: Promise<unknown>) => toldOf(() => call))
    waiting.abort()
    await sleep(0)
    now.abort()
    const [first, second, third] = await Promise.all(calls)
    tell('first', first.code)
    tell('second', second.code)
    tell('third', text(third.gave) === expected)
    tell(
      'listeners',
      [now, waiting, late].map(({ heard }) => heard),
    )
    await told('before', () => net.run(LARGE, { signal: now.signal }))
    tell('last', text(await net.run(tensorOf(64, 64))) === expected)
    // After all of it, the end of a call is no end of the network.
    late.abort()
    tell('unmoved', text(await net.run(tensorOf(64, 64))) === expected)
    const kernels = new Controller()
    const seen = toldOf(() => net.kernels(pictureOf(2), { signal: kernels.signal }))
    await sleep(0)
    kernels.abort()
    const { code } = await seen
    tell('kernels', code ?? 'none')
    tell('the very last', text(await net.run(tensorOf(64, 64))) === expected)
  },

  async 'a trap'() {
    const net = await opened()
    const tensor = tensorOf(64, 64)
    const expected = text(await net.run(tensor))
    const { backend, places } = net.engine!
    const calls: (() => Promise<unknown>)[] = [
      () => net.run(tensor),
      () => net.profile({ size: [64, 64], repetitions: 1 }),
    ]
    for (const call of calls) {
      await net.run(tensor)
      // The first step's first operand, far beyond memory; the program counts as verified.
      const words = new Uint32Array(backend.memory.buffer, places.program)
      words[8 + words[3] * 4 + 11] = 0xeeeeeeee
      const [trapped, next] = [toldOf(call), net.run(tensor)]
      tell('trapped', await trapped)
      tell('next', text(await next) === expected)
    }
  },

  async 'larger pictures between others'() {
    const [net, wide] = [await opened([32, 32]), await opened([256, 256])]
    const sizes: [number, number][] = [
      [32, 32],
      [64, 64],
      [20, 20],
      [200, 150],
      [33, 65],
      [256, 256],
    ]
    const before = net.describe().memoryBytes
    const found = await Promise.all(sizes.map(([height, width]) => net.run(tensorOf(height, width))))
    const expected: unknown[] = []
    for (const [height, width] of sizes) expected.push(await wide.run(tensorOf(height, width)))
    tell('own', text(found) === text(expected))
    tell('more memory', net.describe().memoryBytes > before)
  },

  async 'kernels that stand'() {
    const open = () => load(bundle, { keepKernels: 0.01 })
    const [net, other] = [await open(), await open()]
    const frames = [1, 1, 2, 1, 1].map(pictureOf)
    const one: unknown[] = []
    const kept: number[] = []
    for (const frame of frames) {
      one.push(await other.classify(frame))
      kept.push(other.kept)
    }
    const calls = frames.map((frame) => net.classify(frame))
    const meanwhile = net.kept
    tell('own', text(await Promise.all(calls)) === text(one))
    tell('kept', [...kept, meanwhile, net.kept])
  },
}

async function everything() {
  for (const [name, part] of Object.entries(PARTS)) {
    host.print(JSON.stringify({ what: 'part', told: name }))
    await part()
  }
}

ending(everything())
