import type { DynedgeError, LoadOptions, Network, Progress } from '../../../src/index.ts'
import { load } from '../../../src/native.ts'
import { base64 } from './base64.ts'
import { ending, host } from './engine.ts'
import { phone } from './phone.ts'
import { AssetRegistry, Image } from './react-native-own.ts'

// Everything that `load` takes in React Native, a line of JSON for each: what came of it. Files are those of load.test.ts.

interface Config {
  scriptURL: string
  /** Nothing but assets. */
  assetsOnly?: boolean
  paths: Record<'bundle' | 'odd' | 'missing' | 'below' | 'folder' | 'empty' | 'cut' | 'shrinks' | 'pipe', string>
}

/** The first file of the command line; the others are bundles. */
const { scriptURL, assetsOnly, paths }: Config = JSON.parse(new TextDecoder().decode(new Uint8Array(host.files[0])))
phone.scriptURL = scriptURL
const bundle = new Uint8Array(host.files[1])
const other = new Uint8Array(host.files[2])
Reflect.deleteProperty(globalThis, 'WebAssembly')

const tensor = {
  data: Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => ((i * 7919) % 255) / 64 - 2),
  height: 32,
  width: 32,
}
const logitsOf = async (net: Network) => {
  const { logits } = await net.run(tensor)
  net.dispose()
  return Array.from(logits)
}

async function tell(name: string, call: () => Promise<unknown>): Promise<void> {
  // Those of the engine itself come and go.
  const before = host.openDescriptors()
  const held = phone.blobs.size
  let told: object
  try {
    told = { gave: await call() }
  } catch (error) {
    const { name: kind, code, message } = error as DynedgeError
    told = { kind, code, message }
  }
  host.print(JSON.stringify({ name, ...told, leaked: host.openDescriptors() - before, kept: phone.blobs.size - held }))
}

/** Logits, the progress that was told, and the most that went to JavaScript at once. */
async function loaded(input: Parameters<typeof load>[0], options: LoadOptions = {}) {
  const progress: number[][] = []
  phone.largestRead = 0
  const net = await load(input, {
    ...options,
    onProgress(step: Progress) {
      progress.push([step.loaded, step.total])
      options.onProgress?.(step)
    },
  })
  return { logits: await logitsOf(net), progress, largestRead: phone.largestRead }
}

const WEB = 'https://example.com/'
let served = 0
/** An address of its own for an answer. */
function at(answer: Partial<Parameters<typeof phone.answers.set>[1]> = {}, origin = WEB): string {
  const address = `${origin}${++served}`
  phone.answers.set(address, { bytes: bundle, ...answer })
  return address
}

const HALF = bundle.length >> 1
const STEPS = [1000, HALF, bundle.length]

/** Aborted by the given call of onProgress. */
function abortedBy(which: number, input: () => Parameters<typeof load>[0]) {
  return async () => {
    const controller = new AbortController()
    let calls = 0
    return loaded(input(), {
      signal: controller.signal,
      onProgress: () => void (++calls === which && controller.abort()),
    })
  }
}

async function files() {
  await tell('bytes', () => loaded(bundle))
  await tell('path', () => loaded(paths.bundle))
  await tell('file: address', () => loaded(`file://${paths.bundle}`))
  await tell('file: address of this machine', () => loaded(`FILE://localhost${paths.bundle}?query#hash`))
  await tell('file: address with one slash', () => loaded(`file:${paths.bundle}`))
  await tell('URL', () => loaded(new URL(`file://${paths.bundle}`)))
  await tell('odd path', () => loaded(paths.odd))
  await tell('odd file: address', () =>
    loaded(`file://${encodeURI(paths.odd).replace('#', '%23').replace('?', '%3F')}`),
  )
  for (const name of ['missing', 'below', 'folder', 'empty', 'cut', 'pipe'] as const)
    await tell(`a file that is: ${name}`, () => loaded(paths[name]))
  await tell('a missing file: address', () => loaded(`file://${paths.missing}`))
  await tell('a file that cannot be read', () => loaded('/proc/self/mem'))
  for (const address of [
    'model.safetensors',
    './a',
    '',
    'file://server/share',
    'file:///a%zz',
    'file:///a%00',
    'file:',
    '/a\0b',
  ])
    await tell(`an address that is wrong: ${JSON.stringify(address)}`, () => loaded(address))
  await tell('a file that shrinks', () =>
    loaded(paths.shrinks, { onProgress: () => host.truncate(paths.shrinks, 1 << 20) }),
  )
  await tell(
    'a file, aborted midway',
    abortedBy(2, () => paths.bundle),
  )
  await tell('a file, aborted before', () => load(paths.bundle, { signal: { aborted: true } as AbortSignal }))
  await tell('a file whose progress throws', () =>
    loaded(paths.bundle, {
      onProgress() {
        throw new Error('of the app')
      },
    }),
  )
  await tell('two at once', () => Promise.all([loaded(paths.bundle), loaded(paths.bundle)]))
  await tell('ten at once', async () => {
    const nets = await Promise.all(Array.from({ length: 10 }, () => load(paths.bundle, { maxInput: [32, 32] })))
    return Promise.all(nets.map(logitsOf))
  })
}

async function downloads() {
  await tell('an address', () => loaded(at({ steps: STEPS })))
  await tell('an address as URL', () => loaded(new URL(at())))
  await tell('without a known length', () => loaded(at({ steps: STEPS, unknownLength: true })))
  await tell('a length of fewer bytes than come', () => loaded(at({ steps: [...STEPS, bundle.length * 2] })))
  await tell('without progress', async () => logitsOf(await load(at({ steps: STEPS }))))
  for (const status of [404, 410, 500, 403]) await tell(`status ${status}`, () => loaded(at({ status })))
  const html = { headers: { 'Content-Type': 'text/html; charset=utf-8' } }
  await tell('an HTML page', () => loaded(at(html)))
  await tell('an HTML page is not waited for', async () => {
    const address = at({ ...html, hangs: true })
    const fault = await load(address).catch(({ code }) => code)
    return { fault, aborted: phone.aborted.length > 0 }
  })
  await tell('no answer', () => loaded(`${WEB}nothing`))
  await tell('no answer without TLS', () => loaded('http://example.com/nothing'))
  await tell('no answer in time', () => loaded(at({ fault: 'timeout', timedOut: true })))
  await tell('a broken connection', () =>
    loaded(at({ steps: [1000, HALF], fault: 'Software caused connection abort' })),
  )
  await tell('a broken connection of unknown length', () =>
    loaded(at({ steps: [1000, HALF], unknownLength: true, fault: 'reset' })),
  )
  await tell('an empty answer', () => loaded(at({ bytes: new Uint8Array(0) })))
  await tell('a cut answer', () => loaded(at({ bytes: bundle.slice(0, -64) })))
  await tell('another thing', () => loaded(at({ bytes: new Uint8Array(5000) })))
  await tell(
    'a download, aborted midway',
    abortedBy(2, () => at({ steps: STEPS, hangs: true })),
  )
  await tell('a download, aborted before it is answered', async () => {
    const controller = new AbortController()
    const address = at({ hangs: true, steps: [] })
    host.setTimeout(() => controller.abort(), 5)
    const before = phone.aborted.length
    const code = await load(address, { signal: controller.signal }).catch((error) => error.code)
    return { code, aborted: phone.aborted.length - before }
  })
  await tell(
    'a download, aborted while it is read',
    abortedBy(2, () => at({ unknownLength: true })),
  )
  await tell('a download whose progress throws', () =>
    loaded(at({ steps: STEPS }), {
      onProgress({ loaded: bytes }) {
        if (bytes) throw new Error('of the app')
      },
    }),
  )
  await tell('two downloads at once', () => Promise.all([loaded(at()), loaded(at({ bytes: other }))]))
}

async function otherAddresses() {
  for (const address of ['content://com.example/7', 'android.resource://com.example/raw/net', 'blob:12-34']) {
    phone.answers.set(address, { bytes: bundle })
    await tell(address, () => loaded(address))
    await tell(`missing ${address}`, () => loaded(`${address}0`))
  }
  const address = `data:application/octet-stream;base64,${base64(bundle)}`
  await tell('a data: address', () => loaded(address))
  for (const [kind, wrong] of Object.entries({ text: 'data:,text', none: 'data:', digits: 'data:;base64,AAA*' }))
    await tell(`a wrong data: address: ${kind}`, () => loaded(wrong))
}

/** The address that an app's JavaScript would have been loaded from decides where its assets are; the first one asked for is kept. */
async function assets() {
  const model = {
    __packager_asset: true,
    httpServerLocation: '/assets/models',
    scales: [1],
    hash: 'abc',
    name: 'My-Net',
    type: 'safetensors',
  }
  const asset = AssetRegistry.registerAsset(model)
  const { uri } = Image.resolveAssetSource(asset)!
  phone.answers.set(
    /:/.test(uri) ? uri : `android.resource://${host.__turboModuleProxy('Dynedge')!.packageName()}/raw/${uri}`,
    {
      bytes: bundle,
    },
  )
  await tell('an asset', async () => ({ ...(await loaded(asset)), uri, asked: phone.asked[phone.asked.length - 1] }))
  phone.answers.clear()
  await tell('an asset that the app lacks', () => loaded(AssetRegistry.registerAsset({ ...model, name: 'another' })))
  for (const number of [0, -1, 1.5, 1000, Number.NaN]) await tell(`no asset: ${number}`, () => loaded(number))
}

async function polyfills() {
  const fetched = () => fetch(at())
  await tell('a Response', async () => loaded(await fetched()))
  await tell('a Response of bytes', () => loaded(new Response(bundle)))
  await tell('a Response of status 404', async () => loaded(await fetch(at({ status: 404 }))))
  await tell('a Response of an HTML page', async () =>
    loaded(await fetch(at({ headers: { 'content-type': 'text/html' } }))),
  )
  await tell('a Response that was read', async () => {
    const response = await fetched()
    await response.blob()
    return loaded(response)
  })
  await tell('a Response twice', async () => {
    const response = await fetched()
    await loaded(response)
    return loaded(response)
  })
  await tell('a Blob', async () => loaded(await (await fetched()).blob()))
  await tell('a Blob twice', async () => {
    const blob = await (await fetched()).blob()
    return [await loaded(blob), await loaded(blob)]
  })
  await tell('a part of a Blob', async () => {
    const long = new Uint8Array(bundle.length + 20)
    long.set(bundle, 10)
    return loaded((await (await fetch(at({ bytes: long }))).blob()).slice(10, -10))
  })
  await tell('an empty Blob', () => loaded(new Blob([])))
  await tell('a Blob of text', () => loaded(new Blob(['no bundle, but some letters'])))
  type Closable = Blob & { close(): void }
  await tell('a Blob that was closed', async () => {
    const blob = (await (await fetched()).blob()) as Closable
    blob.close()
    return loaded(blob)
  })
  await tell('a Blob that is closed meanwhile', async () => {
    const blob = (await (await fetched()).blob()) as Closable
    const read = loaded(blob)
    blob.close()
    return read
  })
  await tell('a Blob, aborted midway', async () => {
    const blob = await (await fetched()).blob()
    return abortedBy(2, () => blob)()
  })
  for (const wrong of [{}, [], { size: 5 }, { status: 200 }, true, Symbol('five'), () => 5, null, undefined])
    await tell(`no bundle: ${String(wrong)} ${JSON.stringify(wrong)}`, () => loaded(wrong as never))
}

/** Of an app that brings streams. */
class Stream {
  locked = false
  constructor(
    private readonly bytes: Uint8Array,
    private readonly step = 100_000,
  ) {}
  getReader() {
    this.locked = true
    let at = 0
    return {
      cancel: async () => {},
      read: async () => {
        const value = this.bytes.subarray(at, at + this.step)
        at += this.step
        return value.length ? { done: false, value } : { done: true }
      },
    }
  }
}

async function streams() {
  class StreamingResponse {
    readonly status = 200
    readonly ok = true
    readonly bodyUsed = false
    readonly type = 'default'
    readonly headers = { get: (name: string) => (name === 'content-length' ? `${bundle.length}` : null) }
    readonly stream = new Stream(bundle)
    get body() {
      return this.stream
    }
  }
  await tell('a streaming Response', () => loaded(new StreamingResponse() as unknown as Response))
  await tell('a streaming Blob', () =>
    loaded({ size: bundle.length, type: '', slice() {}, stream: () => new Stream(bundle) } as unknown as Blob),
  )
  const own = { Response, fetch }
  const asked: string[] = []
  const streaming = async (address: string) => {
    asked.push(address)
    return new StreamingResponse()
  }
  Object.assign(globalThis, { Response: StreamingResponse, fetch: streaming })
  await tell('a streaming fetch', async () => ({ ...(await loaded(`${WEB}streams`)), asked }))
  await tell('a content: address beside a streaming fetch', () => loaded('content://com.example/7'))
  Object.assign(globalThis, own)
}

async function all() {
  // React Native makes a Blob when it first does, to see whether it can.
  new Response()
  await assets()
  if (assetsOnly) return
  await files()
  await downloads()
  await otherAddresses()
  await streams()
  await polyfills()
}

ending(all())
