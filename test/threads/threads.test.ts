import { spawnSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loader } from '../../src/load.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import type { Network } from '../../src/node.ts'
import type { Precision } from '../../src/plan/weights.ts'
import type { Engine } from '../../src/runtime/engine.ts'
import { prepareIn } from '../../src/runtime/threads/node.ts'
import { errorOf } from '../bundle/support.ts'
import { temporary } from '../cli/support.ts'
import { integerBundle, load, seededBundle, seededTensor, smallBundle } from '../helpers/bundles.ts'
import { readWasm } from '../helpers/wasm.ts'

const bytesOf = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)

describe.each(['f32', 'w8', 'int8'] as Precision[])('%s', (precision) => {
  const bundles = ['dy-mobile', 'dy-shuffle', 'mobilenetv2'].map((name) => {
    const graph = buildNetwork(name, { width: 0.5, classes: 10 })
    return precision === 'int8' ? integerBundle(graph) : seededBundle(graph, precision)
  })

  test.each([2, 3])('%i threads give the bits of one, size after size, run after run', async (threads) => {
    for (const bundle of bundles) {
      const one = await load(bundle)
      const many = await load(bundle, { threads })
      expect(many.threads).toBe(threads)
      for (const side of [64, 96, 65, 160, 64])
        for (let run = 0; run < 4; ++run) {
          const tensor = seededTensor(side, side + 3)
          const expected = one.runSync(tensor)
          const found = many.runSync(tensor)
          for (const [name, values] of Object.entries(expected))
            expect(bytesOf(found[name]).equals(bytesOf(values)), `${many.name} ${name} ${side} ${run}`).toBe(true)
        }
      one.dispose()
      many.dispose()
    }
  })
})

describe('a network with threads', () => {
  let net: Network
  const tensor = seededTensor(64, 64)
  beforeAll(async () => {
    net = await load(smallBundle(), { threads: 2 })
  })
  afterAll(() => net.dispose())

  test('says how many it has', async () => {
    expect([net.threads, net.threadsNote, net.describe().threads]).toEqual([2, undefined, 2])
    const auto = await load(smallBundle(), { threads: 'auto' })
    expect(auto.threads).toBeGreaterThanOrEqual(1)
    expect(auto.threads).toBeLessThanOrEqual(4)
    expect(auto.threads > 1 || auto.threadsNote?.includes('core')).toBe(true)
    auto.dispose()
  })

  test.each([0, 17, 1.5, 'all', Number.NaN])('threads: %s is refused', async (threads) => {
    const error = await errorOf(load(smallBundle(), { threads: threads as number }))
    expect([error.code, error.message]).toEqual(['bad-input', expect.stringMatching(/auto or 1 to 16/)])
  })

  test('takes a larger picture than it reserved memory for, sync and async', async () => {
    const small = await load(smallBundle(), { threads: 2, maxInput: [32, 32] })
    const before = small.describe().memoryBytes
    const expected = net.runSync(seededTensor(160, 160)).logits
    expect(small.runSync(seededTensor(160, 160)).logits).toEqual(expected)
    expect(small.describe().memoryBytes).toBeGreaterThan(before)
    expect((await small.run(seededTensor(224, 224))).logits).toEqual(net.runSync(seededTensor(224, 224)).logits)
    expect(small.threads).toBe(2)
    small.dispose()
  })

  test('classifies, profiles and checks integrity as with one', async () => {
    const picture = { data: new Uint8Array(80 * 60 * 3).map((_, i) => i * 7), width: 80, height: 60 }
    const one = await load(smallBundle())
    expect(await net.classify(picture)).toEqual(await one.classify(picture))
    const { steps } = await net.profile({ repetitions: 2 })
    expect(steps.map(({ step }) => step)).toEqual((await one.profile({ repetitions: 1 })).steps.map(({ step }) => step))
    const error = await errorOf(load(smallBundle(), { threads: 2, integrity: `sha256-${'A'.repeat(43)}=` }))
    expect(error.code).toBe('integrity')
  })

  test('throws once it is disposed of', async () => {
    const other = await load(smallBundle(), { threads: 2 })
    other.dispose()
    expect((await errorOf(other.run(tensor))).code).toBe('disposed')
    expect(other.threads).toBe(1)
  })
})

test('threads that cannot start leave one thread and a reason', async () => {
  const { at, clean } = temporary()
  for (const name of ['simd-threads', 'relaxed-threads'])
    copyFileSync(new URL(`../../build/${name}.wasm`, import.meta.url), at(`dynedge.${name}.wasm`))
  const net = await loader({
    wasm: async (binary) => readWasm(binary) as BufferSource,
    threads: async () => prepareIn(pathToFileURL(at('/'))),
  })(smallBundle(), { threads: 2 })
  expect([net.threads, net.threadsNote]).toEqual([1, expect.stringContaining('thread-node.js')])
  expect(net.runSync(seededTensor(64, 64)).logits).toEqual(
    (await load(smallBundle())).runSync(seededTensor(64, 64)).logits,
  )
  net.dispose()
  clean()
})

describe('in a process of its own', () => {
  const { at, clean } = temporary()
  beforeAll(() => writeFileSync(at('net.safetensors'), smallBundle()))
  afterAll(clean)

  /** Runs `body` as a module that knows `load`, `bundle`, `tensor` and the `workers` started so far; what it prints. */
  function printed(name: string, body: string, flags: string[] = []): string[] {
    const file = at(`${name}.mjs`)
    writeFileSync(
      file,
      `import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'
const workers = []
threads.Worker = class extends threads.Worker {
  constructor(...given) { super(...given); workers.push(this) }
  terminate() { this.ended = true; return super.terminate() }
}
syncBuiltinESMExports()
const { load } = await import(${JSON.stringify(new URL('../../dist/node.js', import.meta.url).href)})
const bundle = ${JSON.stringify(at('net.safetensors'))}
const tensor = { data: new Float32Array(64 * 64 * 3).fill(0.5), height: 64, width: 64 }
const later = (ms) => new Promise((done) => setTimeout(done, ms))
${body}`,
    )
    const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, file], {
      encoding: 'utf8',
      timeout: 60_000,
    })
    expect([status, stderr]).toEqual([0, ''])
    return stdout.trim().split('\n')
  }

  test('threads that wait for work keep no program from ending', () => {
    const body = `const net = await load(bundle, { threads: 3 })
net.runSync(tensor)
console.log(net.threads, workers.length)`
    expect(printed('end', body)).toEqual(['3 2'])
  })

  /** Size after size in a network that has memory for 8x8 pixels; how many memories it had, how many workers were started and ended. */
  const sizes = `const of = (side) => ({ data: new Float32Array(side * side * 3).fill(0.5), height: side, width: side })
const one = await load(bundle)
const net = await load(bundle, { threads: 3, maxInput: [8, 8] })
const memories = new Set()
let equal = true
const goThrough = (...sides) => {
  for (const side of sides) {
    equal &&= net.runSync(of(side)).logits.join() === one.runSync(of(side)).logits.join()
    memories.add(net.engine.backend.memory)
  }
}
const say = () => console.log(equal, net.threads, memories.size, workers.length, workers.filter(({ ended }) => ended).length)
`

  test('the same threads go on from size to size, in the same memory while that can grow', () => {
    const body = `${sizes}goThrough(8, 64, 32, 96)
say()
goThrough(640, 656, 64)
say()
net.dispose()
say()`
    expect(printed('sizes', body)).toEqual(['true 3 1 2 0', 'true 3 2 2 0', 'true 1 2 2 2'])
  })

  test('where no memory can be had that grows, the same threads go on from memory to memory', () => {
    const body = `const { Memory } = WebAssembly
WebAssembly.Memory = function (limits) {
  if (limits.maximum > limits.initial) throw new RangeError('could not allocate memory')
  return new Memory(limits)
}
${sizes}goThrough(8, 224, 160, 320)
say()`
    expect(printed('exact', body)).toEqual(['true 3 3 2 0'])
  })

  test('a thread that ended is replaced when the network goes on to another memory', () => {
    const body = `${sizes}await workers[0].terminate()
await later(50)
goThrough(8, 64)
say()
goThrough(640)
say()`
    expect(printed('replaced', body)).toEqual(['true 2 1 2 1', 'true 3 2 3 1'])
  })

  test('a network that is disposed of while it grows ends its threads', () => {
    const body = `${sizes}const growing = net.run(of(512)).catch(({ code }) => console.log(code))
net.dispose()
await growing
console.log(workers.filter(({ ended }) => ended).length)`
    expect(printed('disposed', body)).toEqual(['disposed', '2'])
  })

  test('a network that is forgotten takes its threads along', () => {
    const body = `await (async () => { (await load(bundle, { threads: 3 })).runSync(tensor) })()
const ended = () => workers.filter((worker) => worker.ended).length
for (let i = 0; i < 100 && ended() < 2; ++i) { gc(); await later(20) }
console.log(ended())`
    expect(printed('forget', body, ['--expose-gc'])).toEqual(['2'])
  })

  test('a thread that ends between runs leaves the others at work', () => {
    const body = `const net = await load(bundle, { threads: 3 })
const expected = net.runSync(tensor).logits.join()
await workers[0].terminate()
await later(50)
console.log(net.threads, net.runSync(tensor).logits.join() === expected)
await workers[1].terminate()
await later(50)
console.log(net.threads, net.runSync(tensor).logits.join() === expected)`
    expect(printed('fewer', body)).toEqual(['2 true', '1 true'])
  })

  test('a program that traps fails the call, and the next load works', () => {
    // A tensor is moved out of memory after it was verified.
    const body = `const net = await load(bundle, { threads: 2 })
const expected = net.runSync(tensor).logits.join()
const { backend, places } = net.engine
const words = new Uint32Array(backend.memory.buffer, places.program)
for (let i = 0; i < words[3]; ++i) if (words[8 + i * 4] === 1) words[8 + i * 4 + 1] = 0x7fffff00
await net.run(tensor).catch(({ code }) => console.log(code))
// It may have been this thread's, which leaves the others whole: the program is put in place again.
const again = await net.run(tensor).then(({ logits }) => logits.join() === expected, ({ code }) => code === 'trap')
console.log(again)
net.dispose()
const next = await load(bundle, { threads: 2 })
console.log(next.runSync(tensor).logits.join() === expected, next.threads)
next.dispose()`
    expect(printed('trap', body)).toEqual(['trap', 'true', 'true 2'])
  })
})

test('a thread that vanishes with a part of a step fails the call, and nobody waits for ever', async () => {
  const net = await load(smallBundle(), { threads: 2 })
  const tensor = seededTensor(64, 64)
  net.runSync(tensor)
  const { backend } = (net as unknown as { engine: Engine }).engine
  // Jobs have even numbers: in the second one, unit 0 of the first step is taken, by nobody.
  new BigUint64Array(backend.memory.buffer, backend.exports.ticketAt(0), 1)[0] = (4n << 32n) | 1n
  const error = await errorOf(net.run(tensor))
  expect([error.code, error.message]).toEqual([
    'trap',
    expect.stringMatching(/^A thread was lost in steps 0 to \d+; load/),
  ])
  expect((await errorOf(net.run(tensor))).code).toBe('trap')
  expect((await errorOf(net.run(seededTensor(48, 48)))).code).toBe('trap')
  net.dispose()
  const next = await load(smallBundle(), { threads: 2 })
  expect(next.runSync(tensor).logits).toEqual((await load(smallBundle())).runSync(tensor).logits)
  next.dispose()
}, 60_000)

test('a worker that vanishes while it reads the program does not keep another one from its place for ever', async () => {
  const net = await load(smallBundle(), { threads: 2 })
  net.runSync(seededTensor(64, 64))
  const { backend } = (net as unknown as { engine: Engine }).engine
  Atomics.add(new Uint32Array(backend.memory.buffer, backend.exports.insideAt(), 1), 0, 1)
  const error = await errorOf(net.run(seededTensor(48, 48)))
  expect([error.code, error.message]).toEqual(['trap', expect.stringMatching(/^A thread was lost/)])
  net.dispose()
}, 60_000)
