import { ending, host, sleep, toldOf } from './engine.ts'
import { NO_INTEGER, WRONG } from './wrong.ts'

// What an instance does on another thread, a line of JSON for each: what was called, and what came of it.

const module = host.__turboModuleProxy('Dynedge')!
type Call = (...args: unknown[]) => unknown

const tell = async (what: string, call: () => unknown) => host.print(JSON.stringify({ what, ...(await toldOf(call)) }))

const MEGABYTES = 2 ** 20
const AT = 500_000
/** A digest of so many bytes takes so long that what follows at once finds it under way. */
const LONG = 64 * MEGABYTES
const LENGTHS = [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 262_143, 262_144, 262_145, 400_000]

const bytesOf = (instance: { memory: { buffer: ArrayBufferLike } }) => new Uint8Array(instance.memory.buffer)
/** As the test makes them too. */
const pattern = (bytes: Uint8Array) => bytes.set(bytes.map((_, index) => (index * 31 + (index >> 8)) & 255))

async function wrongArguments() {
  const instance = module.instantiate(1_000_000)
  const methods = {
    runLater: instance.runLater as Call,
    timesLater: instance.timesLater as Call,
    digestLater: instance.digestLater as Call,
  }
  for (const [name, call] of Object.entries(methods)) {
    await tell(`length ${name}`, () => call.length)
    for (const args of [[], [0], [0, 0, 0]]) await tell(`wrong ${name} ${args.length} arguments`, () => call(...args))
    for (const index of [0, 1])
      for (const [kind, value] of [...WRONG, ...NO_INTEGER])
        await tell(`wrong ${name} ${index} ${kind}`, () => call(...(index ? [0, value] : [value, 0])))
  }
  const { byteLength } = instance.memory.buffer
  for (const [at, bytes] of [
    [byteLength, 1],
    [0, byteLength + 1],
    [byteLength + 1, 0],
    [1, -1],
    [-1, 2],
    [2 ** 32 - 1, 2 ** 32 - 1],
  ])
    await tell(`wrong digestLater(${at}, ${bytes})`, () => instance.digestLater(at, bytes))
  await tell('wrong cancel 1 arguments', () => (instance.cancel as Call)(1))
  await tell('cancel of nothing', () => instance.cancel())
  await tell('no program', () => instance.runLater(0, 1))
  await tell('no times', () => instance.timesLater(0, 1))
  // Neither ends up within four billion steps.
  await tell('a turned range', () => instance.runLater(5, 1))
  await tell('a negative one', () => instance.runLater(-5, -1))
  await tell('is right after all that', () => instance.digestLater(0, 0))
}

async function digests() {
  const instance = module.instantiate(MEGABYTES)
  pattern(bytesOf(instance).subarray(AT))
  for (const length of LENGTHS) await tell(`digest ${length}`, () => instance.digestLater(AT, length))
  await tell('digest to the end', () => instance.digestLater(AT, MEGABYTES - AT))
}

async function busy() {
  const instance = module.instantiate(LONG)
  const { crc32c, run } = instance.exports
  let settled = false
  const first = instance.digestLater(0, LONG)
  first.then(() => {
    settled = true
  })
  for (const [name, call] of Object.entries({
    crc32c: () => crc32c(AT, 1, 0),
    run: () => run(0, 0, 0, 1),
    runLater: () => instance.runLater(0, 1),
    timesLater: () => instance.timesLater(0, 1),
    digestLater: () => instance.digestLater(0, 1),
  }))
    await tell(`busy ${name}`, call)
  await tell('still under way', () => !settled)
  let turns = 0
  while (!settled) {
    await sleep(1)
    ++turns
  }
  await tell('JavaScript goes on meanwhile', () => turns > 3)
  await tell('the first one', () => first)
  await tell('free again', () => crc32c(AT, 1, 0) >>> 0)
}

async function ends() {
  const instance = module.instantiate(LONG)
  const first = instance.digestLater(0, LONG)
  instance.cancel()
  instance.cancel()
  await tell('cancelled', () => first)
  await tell('after cancel', () => instance.digestLater(0, 1))
  bytesOf(instance)[AT] = 7
  const second = instance.digestLater(0, LONG)
  instance.dispose()
  instance.dispose()
  await tell('a call after dispose', () => instance.exports.crc32c(AT, 1, 0))
  await tell('a job after dispose', () => instance.digestLater(0, 1))
  await tell('cancel after dispose', () => instance.cancel())
  await tell('disposed of meanwhile', () => second)
  await tell('memory after dispose', () => bytesOf(instance)[AT])
}

/** Nobody holds the instances but what is under way. */
async function forgotten() {
  const answers: Promise<number[]>[] = []
  for (let i = 0; i < 50; ++i) answers.push(module.instantiate(4 * MEGABYTES).digestLater(0, 4 * MEGABYTES))
  // Garbage, for the collector to come.
  let garbage: unknown[] = []
  for (let i = 0; i < 200; ++i) {
    garbage = [garbage.length, new ArrayBuffer(MEGABYTES)]
    if (i % 20 === 0) await sleep(0)
  }
  const digests = await Promise.all(answers)
  await tell('instances that nobody holds', () => new Set(digests.map(String)).size)
}

async function many() {
  const all = Array.from({ length: 100 }, () => module.instantiate(MEGABYTES))
  for (const [index, one] of all.entries()) bytesOf(one)[AT] = index
  const found = await Promise.all(all.map((one) => one.digestLater(AT, 100_000)))
  const again = await Promise.all(all.map((one) => one.digestLater(AT, 100_000)))
  await tell('100 instances at once', () => new Set(found.map(String)).size)
  await tell('and again', () => String(again) === String(found))
  // Every third is left, every third disposed of, every third cancelled, all at work.
  const work = all.map((one) => one.digestLater(0, MEGABYTES))
  for (const [index, one] of all.entries()) if (index % 3) [one.cancel, one.dispose][index % 2]()
  const told = await Promise.all(work.map((one) => toldOf(() => one)))
  await tell('how they ended', () =>
    [...new Set(told.map(({ code }, index) => `${index % 3 && (index % 2) + 1} ${code}`))].sort(),
  )
}

async function timed() {
  const instance = module.instantiate(MEGABYTES)
  const CALLS = 2000
  await instance.runLater(0, 0)
  let calling = 0
  const start = host.now()
  for (let i = 0; i < CALLS; ++i) {
    const before = host.now()
    const answer = instance.runLater(0, 0)
    calling += host.now() - before
    await answer
  }
  const all = host.now() - start
  await tell('microseconds to start, and until it is answered', () => [calling, all].map((ms) => (ms * 1000) / CALLS))
}

async function everything() {
  for (const part of [wrongArguments, digests, busy, ends, forgotten, many, timed]) await part()
}

ending(everything())
