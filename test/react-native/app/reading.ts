import type { NativeFile } from '../../../src/native/module.ts'
import { base64 } from './base64.ts'
import { host, toldOf } from './engine.ts'

// The methods of the module that read, with right and wrong arguments, a line of JSON for each: what was called, and what came of it.

const native = host.__turboModuleProxy('Dynedge')!
type Call = (...args: unknown[]) => unknown
const methods = native as unknown as Record<'openFile' | 'decodeBase64' | 'packageName', Call>
const [path, missing, folder, first]: string[] = JSON.parse(String.fromCharCode(...new Uint8Array(host.files[0])))
const expected = new Uint8Array(host.files[1])

const tell = async (what: string, call: () => unknown) => host.print(JSON.stringify({ what, ...(await toldOf(call)) }))

const WRONG: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['true', true],
  ['5', 5],
  ['NaN', Number.NaN],
  ['an object', {}],
  ['an array', [path]],
  ['a function', () => path],
  ['an ArrayBuffer', new ArrayBuffer(8)],
  ['a symbol', Symbol(path)],
  ['a String', Object(path)],
]

async function wrong() {
  for (const name of ['openFile', 'decodeBase64'] as const) {
    await tell(`${name}()`, () => methods[name]())
    await tell(`${name}(two)`, () => methods[name](path, path))
    for (const [kind, value] of WRONG) await tell(`${name}(${kind})`, () => methods[name](value))
  }
  for (const [kind, text] of Object.entries({ empty: '', relative: 'a', NUL: `${path}\0.txt` }))
    await tell(`openFile(${kind})`, () => native.openFile(text))
  await tell('packageName(one)', () => methods.packageName(1))
  const file = (await native.openFile(path)) as NativeFile & Record<'read', Call>
  await tell('read(one)', () => file.read(1))
  file.close()
}

/** All of it, and how many bytes came at a time. */
async function all(file: NativeFile) {
  const steps: number[] = []
  let same = true
  for (let at = 0; ; ) {
    const bytes = await file.read()
    steps.push(bytes)
    if (!bytes) return { steps, same: same && at === expected.length }
    const chunk = new Uint8Array(file.buffer, 0, bytes)
    same &&= chunk.every((byte, index) => byte === expected[at + index])
    at += bytes
  }
}

async function right() {
  const before = host.openDescriptors()
  const file = await native.openFile(path)
  await tell('size', () => file.size)
  const { buffer } = file
  await tell('buffer', () => buffer.byteLength)
  await tell('all of it', () => all(file))
  await tell('past the end', () => file.read())
  await tell('the same buffer', () => file.buffer === buffer)
  file.close()
  file.close()
  await tell('read after close', () => file.read())
  await tell('descriptors', () => host.openDescriptors() - before)

  const busy = await native.openFile(path)
  const reading = busy.read()
  await tell('read beside a read', () => busy.read())
  busy.close()
  await tell('the read that was under way when it was closed', () => reading)
  await tell('descriptors of both', () => host.openDescriptors() - before)
  await tell('a missing file', () => native.openFile(missing))
  await tell('a folder', () => native.openFile(folder))
  await tell('twenty at once', async () => {
    const files = await Promise.all(Array.from({ length: 20 }, () => native.openFile(path)))
    const found = await Promise.all(files.map(all))
    for (const one of files) one.close()
    return found.every(({ same }) => same)
  })
  await tell('JavaScript goes on meanwhile', async () => {
    const order: string[] = []
    const opened = native.openFile(path).then(() => order.push('opened'))
    order.push('called')
    await opened
    return order
  })
}

async function digits() {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => (i * i * 31) >> 3)
  await tell('base64 of every length', () => {
    const wrong: number[] = []
    for (let length = 0; length <= bytes.length; ++length) {
      const found = new Uint8Array(native.decodeBase64(base64(bytes.subarray(0, length))))
      if (found.length !== length || found.some((byte, at) => byte !== bytes[at])) wrong.push(length)
    }
    return wrong
  })
  await tell('base64 of every byte', () => {
    const every = Uint8Array.from({ length: 256 * 3 }, (_, i) => (i / 3) | 0)
    return new Uint8Array(native.decodeBase64(base64(every))).every((byte, at) => byte === every[at])
  })
  for (const text of [
    'A',
    'AB',
    'ABC',
    'ABCDE',
    'AB=',
    '=',
    '====',
    'A===',
    'AB=C',
    'AB==ABCD',
    'AB C',
    'AB-_',
    'ABC\n',
    'äbc',
  ])
    await tell(`no base64: ${JSON.stringify(text)}`, () => native.decodeBase64(text))
  await tell('package', () => native.packageName())
}

async function every() {
  await wrong()
  await right()
  await digits()
  // Whoever waits for this file is not told any more, and nothing breaks.
  const file = await native.openFile(path)
  file.read()
  native.openFile(path)
  if (first === 'runtime') host.end(first)
  else host.end()
}
every()
