import { load } from '../../../src/native.ts'
import { ending, host } from './engine.ts'
import { NO_INTEGER, WRONG } from './wrong.ts'

// Every method of the module with right and wrong arguments, a line of JSON for each: what was called, and what came of it.

const module = host.__turboModuleProxy('Dynedge')!
type Call = (...args: unknown[]) => unknown
const instantiate = module.instantiate as unknown as Call

function tell(what: string, call: () => unknown): void {
  try {
    host.print(JSON.stringify({ what, gave: call() ?? null }))
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    host.print(JSON.stringify({ what, code, message, isError: error instanceof Error }))
  }
}

tell('instantiate()', () => instantiate())
tell('instantiate(1e6, 1e6)', () => instantiate(1e6, 1e6))
tell('instantiate(1e6, 1, 1)', () => instantiate(1e6, 1, 1))
for (const [name, value] of [...WRONG, ...NO_INTEGER, ['-1', -1], ['17', 17]])
  tell(`instantiate(1e6, ${name})`, () => instantiate(1e6, value))
tell('instantiate(50000, 3), of which 3 take more', () => instantiate(50_000, 3))
tell('threads', () =>
  [[], [1], [3], [16]].map((threads) => {
    const instance = module.instantiate(1e6, ...threads)
    instance.dispose()
    return instance.threads
  }),
)

for (const [name, value] of [...WRONG, ...NO_INTEGER, ['0', 0], ['-1', -1], ['too little', 30_000]])
  tell(`instantiate(${name})`, () => instantiate(value))

const instance = module.instantiate(1_000_000)
const exports = instance.exports as unknown as Record<string, Call>
const { buffer } = instance.memory
tell('pages', () => buffer.byteLength)
tell('the same buffer', () => instance.memory.buffer === buffer)
tell('names', () => Object.keys(exports))

const counts: Record<string, number> = {}
for (const [name, call] of Object.entries(exports)) {
  counts[name] = call.length
  const zeros = new Array(call.length).fill(0)
  tell(`count ${name} +1`, () => call(...zeros, 0))
  if (zeros.length) tell(`count ${name} -1`, () => call(...zeros.slice(1)))
  zeros.forEach((_, index) => {
    const real = name === 'f32_quantise_row' && index === 3
    for (const [kind, value] of real ? [...WRONG, ['1e300', 1e300]] : [...WRONG, ...NO_INTEGER])
      tell(`argument ${name} ${index} ${kind}`, () => call(...zeros.slice(0, index), value, ...zeros.slice(index + 1)))
  })
}
tell('counts', () => counts)

const AT = 500_000
const CHECKED = new Uint8Array([49, 50, 51, 52, 53, 54, 55, 56, 57])
const checksum = () => (instance.exports.crc32c(AT, 9, 0) >>> 0).toString(16)
new Uint8Array(buffer as ArrayBuffer).set(CHECKED, AT)
tell('checksum', checksum)
tell('trap', () => instance.exports.crc32c(2 ** 32 - 100, 50, 0))
tell('trap by a negative address', () => instance.exports.crc32c(-100, 50, 0))
tell('checksum after the trap', checksum)
tell('a wrong program', () => instance.exports.verify(AT, 64) !== 0)

const held = instance.exports.crc32c
instance.dispose()
instance.dispose()
tell('a call after dispose', () => held(AT, 9, 0))
tell('memory after dispose', () => new Uint8Array(buffer as ArrayBuffer)[AT])

// Dirty pages of all of them at once would be 6 GB.
tell('100 instances of 64 MB', () => {
  for (let i = 0; i < 100; ++i) {
    const one = module.instantiate(2 ** 26)
    new Uint8Array(one.memory.buffer).fill(i)
    one.dispose()
  }
  return 'done'
})
tell('100 instances at once', () => {
  const all = Array.from({ length: 100 }, () => module.instantiate(2 ** 20))
  all.forEach((one, index) => {
    new Uint8Array(one.memory.buffer).set([index], AT)
  })
  return (
    all.every((one, index) => one.exports.crc32c(AT, 1, 0) === all[index].exports.crc32c(AT, 1, 0)) &&
    new Set(all.map((one) => one.exports.crc32c(AT, 1, 0))).size === 100
  )
})
tell('a module of another name', () => host.__turboModuleProxy('Another'))

const timed = module.instantiate(1_000_000)
const CALLS = 100_000
tell('microseconds a call', () => {
  const start = host.now()
  for (let i = 0; i < CALLS; ++i) timed.exports.crc32c(AT, 0, 0)
  return ((host.now() - start) * 1000) / CALLS
})

async function unlinked() {
  host.__turboModuleProxy = () => null
  let told: unknown
  try {
    await load(new Uint8Array(8))
  } catch (error) {
    told = error
  }
  tell('load without the native part', () => {
    throw told
  })
}
ending(unlinked())
