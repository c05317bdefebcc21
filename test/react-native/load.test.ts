import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { smallBundle } from '../helpers/bundles.ts'
import { temporary } from '../native/support.ts'
import { builtHost, bundled, ran, type System } from './host.ts'

// `load` in React Native: its own XMLHttpRequest, fetch, Blobs and assets, upon models of what Android and iOS do (app/phone.ts).

interface Line {
  name: string
  gave?: unknown
  kind?: string
  code?: string
  message?: string
  leaked: number
  kept: number
}
interface Loaded {
  logits: number[]
  progress: number[][]
  largestRead: number
}

const MEGABYTE = 1 << 20
const folder = temporary()
const bundle = smallBundle()
const other = smallBundle('w8', { classes: 7 })
const SIZE = bundle.length
/** Behind 8 bytes that say how long the header is, and the header. */
const DATA = SIZE - 8 - Number(new DataView(bundle.buffer, bundle.byteOffset).getBigUint64(0, true))
let host: string
const scripts = {} as Record<System, string>

beforeAll(async () => {
  host = builtHost()
  for (const system of ['android', 'ios'] as const) scripts[system] = await bundled('app/load.ts', folder, system)
}, 600_000)

afterAll(() => folder.clean())

/** What app/load.ts tells in an app whose JavaScript was loaded from `scriptURL`. */
class Told {
  private readonly lines: Line[]

  constructor(system: System, scriptURL: string, assetsOnly = false) {
    const shrinks = folder.write(`shrinks-${system}`, bundle)
    const paths = {
      bundle: folder.write('bundle', bundle),
      odd: folder.write('ä b#c?d%41.safetensors', bundle),
      missing: folder.at('missing'),
      below: folder.at('bundle/below'),
      folder: folder.at(''),
      empty: folder.write('empty', new Uint8Array(0)),
      cut: folder.write('cut', bundle.subarray(0, -64)),
      shrinks,
      pipe: `${shrinks}.pipe`,
    }
    if (!assetsOnly) execFileSync('mkfifo', [paths.pipe])
    const config = folder.write(`${system}.json`, JSON.stringify({ scriptURL, assetsOnly, paths }))
    this.lines = ran(host, [scripts[system], config, paths.bundle, folder.write('other', other)]).map((text) =>
      JSON.parse(text),
    )
  }

  of(what: string): Line {
    const found = this.lines.find(({ name }) => name === what)
    if (!found) throw new Error(`Nothing was told of ${what}: ${this.lines.map(({ name }) => name).join(', ')}`)
    return found
  }

  /** What was loaded, which left nothing open. */
  whole(what: string, logits: number[]): Loaded {
    const { gave, message, leaked, kept } = this.of(what)
    expect(message, what).toBeUndefined()
    const loaded = gave as Loaded
    expect([loaded.logits, leaked, kept], what).toEqual([logits, 0, 0])
    return loaded
  }

  refused(what: string): [code: string | undefined, message: string | undefined] {
    const { kind, code, message, gave, leaked, kept } = this.of(what)
    expect([gave, kind, leaked, kept], what).toEqual([undefined, 'DynedgeError', 0, 0])
    return [code, message]
  }
}

const says = (text: string | RegExp) => expect.stringMatching(text)
/** Of weights that come in pieces of a size. */
function inChunks(bytes: number): number[][] {
  const ends = [0]
  for (let at = bytes; at < SIZE; at += bytes) ends.push(at - (SIZE - DATA))
  return [...ends, DATA].map((loaded) => [loaded, DATA])
}
const AT_ONCE = [
  [0, DATA],
  [DATA, DATA],
]
const METRO = 'http://10.0.2.2:8081/'

describe.each(['android', 'ios'] as const)('load on %s', (system) => {
  let told: Told
  let logits: number[]

  beforeAll(() => {
    told = new Told(system, `${METRO}index.bundle?platform=${system}&dev=true`)
    logits = (told.of('bytes').gave as Loaded).logits
  })

  test('bytes', () => {
    expect(logits).toHaveLength(10)
    expect(new Set(logits).size).toBe(10)
    expect(told.whole('bytes', logits).progress).toEqual(AT_ONCE)
  })

  test.each([
    'path',
    'file: address',
    'file: address of this machine',
    'file: address with one slash',
    'URL',
    'odd path',
    'odd file: address',
  ])('a file by %s comes in chunks of a megabyte', (name) => {
    expect(told.whole(name, logits).progress).toEqual(inChunks(MEGABYTE))
  })

  test('files that cannot be had say why', () => {
    const missing = `${folder.at('missing')}: no such file`
    expect(told.refused('a file that is: missing')).toEqual(['not-found', missing])
    expect(told.refused('a missing file: address')).toEqual(['not-found', `file://${missing}`])
    expect(told.refused('a file that is: below')[0]).toBe('not-found')
    const folderFault = `${folder.at('')}: a directory, expected a bundle file`
    expect(told.refused('a file that is: folder')).toEqual(['bad-input', folderFault])
    expect(told.refused('a file that is: pipe')).toEqual(['bad-input', says(/: no file, expected a bundle/)])
    const fault = '/proc/self/mem: cannot be read (Input/output error)'
    expect(told.refused('a file that cannot be read')).toEqual(['bad-input', fault])
  })

  test('files that are cut off say so, whenever that happens', () => {
    expect(told.refused('a file that is: empty')).toEqual(['truncated-bundle', says(/ends early: 0 bytes/)])
    expect(told.refused('a file that is: cut')).toEqual(['truncated-bundle', says(`${SIZE - 64} bytes`)])
    expect(told.refused('a file that shrinks')).toEqual(['truncated-bundle', says(`${MEGABYTE} bytes`)])
  })

  test.each(['model.safetensors', './a', '', 'file://server/share', 'file:///a%zz', 'file:///a%00', 'file:', '/a\0b'])(
    'the address %j is refused',
    (address) => {
      const [code, message] = told.refused(`an address that is wrong: ${JSON.stringify(address)}`)
      expect([code, message]).toEqual(['bad-input', says(/relative path|expected file:|absolute path/)])
    },
  )

  test('a load that is given up leaves nothing open', () => {
    for (const what of ['a file, aborted midway', 'a file, aborted before'])
      expect(told.refused(what)[0], what).toBe('aborted')
    expect(told.of('a file whose progress throws')).toMatchObject({ kind: 'Error', message: 'of the app', leaked: 0 })
  })

  test('several at once', () => {
    const two = told.of('two at once')
    expect((two.gave as Loaded[]).map((one) => one.logits)).toEqual([logits, logits])
    const ten = told.of('ten at once')
    expect(ten.gave).toEqual(Array.from({ length: 10 }, () => logits))
    expect([two.leaked, ten.leaked]).toEqual([0, 0])
  })

  test('an address: one progress in bytes of the file, which ends when the weights are in memory', () => {
    const { progress, largestRead } = told.whole('an address', logits)
    const half = SIZE >> 1
    expect(progress).toEqual([0, 1000, half, SIZE].map((loaded) => [loaded, SIZE]))
    expect(largestRead).toBe(MEGABYTE)
    for (const name of ['an address as URL', 'a length of fewer bytes than come']) {
      const { progress } = told.whole(name, logits)
      expect([progress[0], progress[progress.length - 1]], name).toEqual([
        [0, SIZE],
        [SIZE, SIZE],
      ])
    }
    expect(told.of('without progress').gave).toEqual(logits)
  })

  test('an address that does not say how much will come: the progress of the weights', () => {
    expect(told.whole('without a known length', logits).progress).toEqual(inChunks(MEGABYTE))
  })

  test.each([
    [404, 'not-found'],
    [410, 'not-found'],
    [500, 'network'],
    [403, 'network'],
  ])('a server that answers %i', (status, code) => {
    expect(told.refused(`status ${status}`)).toEqual([code, says(`: the server answered ${status}$`)])
  })

  test('what is no bundle is not waited for', () => {
    expect(told.refused('an HTML page')).toEqual(['bad-bundle', says(/HTML page/)])
    expect(told.of('an HTML page is not waited for').gave).toEqual({ fault: 'bad-bundle', aborted: true })
  })

  test('a network that fails', () => {
    expect(told.refused('no answer')).toEqual(['network', says(/no answer; check the address and the network$/)])
    expect(told.refused('no answer without TLS')).toEqual(['network', says(/usesCleartextTraffic/)])
    expect(told.refused('no answer in time')).toEqual(['network', says(/no answer in time;/)])
    const broke = `broke after ${SIZE >> 1}`
    expect(told.refused('a broken connection')).toEqual(['network', says(`${broke} of ${SIZE} bytes`)])
    expect(told.refused('a broken connection of unknown length')).toEqual(['network', says(`${broke} bytes`)])
  })

  test('an answer that is no whole bundle', () => {
    expect(told.refused('an empty answer')[0]).toBe('truncated-bundle')
    expect(told.refused('a cut answer')[0]).toBe('truncated-bundle')
    expect(told.refused('another thing')[0]).toBe('bad-bundle')
  })

  test('a download that is given up', () => {
    for (const what of ['a download, aborted midway', 'a download, aborted while it is read'])
      expect(told.refused(what)[0], what).toBe('aborted')
    const early = told.of('a download, aborted before it is answered')
    expect([early.gave, early.kept]).toEqual([{ code: 'aborted', aborted: 1 }, 0])
    const thrown = told.of('a download whose progress throws')
    expect([thrown.kind, thrown.message, thrown.kept]).toEqual(['Error', 'of the app', 0])
  })

  test('two downloads at once', () => {
    const { gave, kept } = told.of('two downloads at once')
    const [one, two] = gave as Loaded[]
    expect([one.logits, two.logits.length, kept]).toEqual([logits, 7, 0])
  })

  test.each(['content://com.example/7', 'android.resource://com.example/raw/net', 'blob:12-34'])('%s', (address) => {
    expect(told.whole(address, logits).progress).toEqual(inChunks(MEGABYTE))
    expect(told.refused(`missing ${address}`)).toEqual(['not-found', says(/nothing that this app may read/)])
  })

  test('data: addresses', () => {
    expect(told.whole('a data: address', logits).progress).toEqual(AT_ONCE)
    expect(told.refused('a wrong data: address: text')).toEqual(['bad-input', says(/expected data:;base64,/)])
    expect(told.refused('a wrong data: address: none')[0]).toBe('bad-input')
    expect(told.refused('a wrong data: address: digits')).toEqual(['bad-input', says(/character 3 on/)])
  })

  test('streams of an app that has some', () => {
    for (const name of ['a streaming Response', 'a streaming Blob', 'a streaming fetch'])
      expect(told.whole(name, logits).progress, name).toEqual(inChunks(100_000))
    expect(told.of('a streaming fetch').gave).toMatchObject({ asked: ['https://example.com/streams'] })
    told.whole('a content: address beside a streaming fetch', logits)
  })

  // What an app has of Blobs and Responses it keeps itself.
  const logitsOf = (name: string) => (told.of(name).gave as Loaded | undefined)?.logits ?? told.of(name).message

  test('Responses of its own fetch', () => {
    for (const name of ['a Response', 'a Response of bytes']) expect(logitsOf(name), name).toEqual(logits)
    expect(told.of('a Response').gave).toMatchObject({ progress: inChunks(MEGABYTE), largestRead: MEGABYTE })
    expect(told.of('a Response of status 404')).toMatchObject({ code: 'not-found', message: says(/answered 404$/) })
    expect(told.of('a Response of an HTML page').code).toBe('bad-bundle')
    for (const name of ['a Response that was read', 'a Response twice'])
      expect(told.of(name), name).toMatchObject({ code: 'usage', message: says(/has been read already/) })
  })

  test('its own Blobs', () => {
    for (const name of ['a Blob', 'a part of a Blob']) expect(logitsOf(name), name).toEqual(logits)
    const twice = told.of('a Blob twice').gave as Loaded[]
    expect(twice.map((one) => one.logits)).toEqual([logits, logits])
    expect(told.of('an empty Blob').code).toBe('truncated-bundle')
    expect(told.of('a Blob of text').code).toBe('bad-bundle')
    expect(told.of('a Blob that was closed')).toMatchObject({ code: 'bad-input', message: says(/has been closed/) })
    expect(told.of('a Blob that is closed meanwhile')).toMatchObject({ code: 'bad-input', message: says(/cannot be/) })
    expect(told.of('a Blob, aborted midway').code).toBe('aborted')
  })

  test('what is no bundle', () => {
    for (const wrong of [{}, [], { size: 5 }, { status: 200 }, true, null, undefined]) {
      const name = `no bundle: ${String(wrong)} ${JSON.stringify(wrong)}`
      expect(told.refused(name)).toEqual(['bad-input', says(/^Expected an address.*got \w+$/)])
    }
    expect(told.refused('no bundle: Symbol(five) undefined')[0]).toBe('bad-input')
  })

  test('assets while the app is developed come from Metro', () => {
    const uri = `${METRO}assets/models/My-Net.safetensors?platform=${system}&hash=abc`
    expect(told.whole('an asset', logits)).toMatchObject({
      uri,
      asked: uri,
      progress: [
        [0, SIZE],
        [SIZE, SIZE],
      ],
    })
    expect(told.refused('an asset that the app lacks')).toEqual(['network', says(/no answer/)])
    for (const number of [0, -1, 1.5, 1000, Number.NaN])
      expect(told.refused(`no asset: ${number}`)).toEqual(['bad-input', says(/is no asset, expected what require/)])
  })

  test('assets of a bundle beside them are files', () => {
    const path =
      system === 'ios' ? 'My App.app/assets/models/My-Net.safetensors' : 'My App.app/raw/models_mynet.safetensors'
    mkdirSync(dirname(folder.at(path)), { recursive: true })
    folder.write(path, bundle)
    const main = pathToFileURL(folder.at('My App.app/main.jsbundle')).href
    const beside = new Told(system, main, true)
    expect(beside.whole('an asset', logits).progress).toEqual(inChunks(MEGABYTE))
    expect(beside.of('an asset').gave).toMatchObject({ uri: pathToFileURL(folder.at(path)).href })
    expect(beside.refused('an asset that the app lacks')).toEqual(['not-found', says(/no such file/)])
  })
})

test('assets of an Android app are resources, which it has by the name of its package', () => {
  const told = new Told('android', 'assets://index.android.bundle', true)
  const address = `android.resource://${host}/raw/models_mynet`
  expect(told.of('an asset').gave).toMatchObject({ uri: 'models_mynet', asked: address, progress: inChunks(MEGABYTE) })
  expect(told.of('an asset')).toMatchObject({ leaked: 0, kept: 0 })
  expect(told.refused('an asset that the app lacks')).toEqual([
    'not-found',
    says(/android\.resource:.*another cannot be/),
  ])
})
