import { base64 } from './base64.ts'
import { host, sleep } from './engine.ts'

// What a phone offers React Native's own scripts: modules that do what its Kotlin and Objective-C do (0.88.1: NetworkingModule.kt,
// BlobModule.kt, FileReaderModule.kt, RCTNetworking.mm, RCTBlobManager.mm), with answers that a script has written down instead of a network.

/** What an address gives. */
export interface Answer {
  bytes: Uint8Array
  /** Default 200. Only on the web. */
  status?: number
  headers?: Record<string, string>
  /** After how many bytes progress is told; default after all. */
  steps?: number[]
  /** The length is not known before. */
  unknownLength?: boolean
  /** What goes wrong after those bytes; without `steps` instead of an answer. */
  fault?: string
  timedOut?: boolean
  /** Never comes to an end. */
  hangs?: boolean
}

export const phone = {
  os: 'android' as 'android' | 'ios',
  /** Where the app's JavaScript was loaded from. */
  scriptURL: 'http://localhost:8081/index.bundle?platform=android',
  answers: new Map<string, Answer>(),
  /** Addresses that were asked for, and of those the aborted ones. */
  asked: [] as string[],
  aborted: [] as string[],
  /** What Blobs hold. */
  blobs: new Map<string, Uint8Array>(),
  /** Bytes of the largest part of a Blob that went to JavaScript at once. */
  largestRead: 0,
}

/** Set by React Native's scripts, which have to be loaded after this one. */
export const emitter: { emit?: (event: string, body: unknown[]) => void } = {}

interface BlobPart {
  blobId: string
  offset: number
  size: number
  type?: string
}

let blobCount = 0
function store(bytes: Uint8Array): BlobPart {
  const blobId = `blob-${++blobCount}`
  phone.blobs.set(blobId, bytes)
  return { blobId, offset: 0, size: bytes.length }
}

function resolve({ blobId, offset, size }: BlobPart): Uint8Array | undefined {
  return phone.blobs.get(blobId)?.slice(offset, offset + size)
}

const BlobModule = {
  getConstants: () => (phone.os === 'ios' ? { BLOB_URI_SCHEME: 'blob', BLOB_URI_HOST: null } : {}),
  addNetworkingHandler() {},
  createFromParts(parts: { type: string; data: BlobPart | string }[], blobId: string) {
    const pieces = parts.map(({ type, data }) =>
      type === 'blob' ? resolve(data as BlobPart)! : Uint8Array.from(data as string, (letter) => letter.charCodeAt(0)),
    )
    const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
    pieces.reduce((at, piece) => {
      bytes.set(piece, at)
      return at + piece.length
    }, 0)
    phone.blobs.set(blobId, bytes)
  },
  release: (blobId: string) => void phone.blobs.delete(blobId),
}

const FileReaderModule = {
  async readAsDataURL(blob: BlobPart) {
    const bytes = resolve(blob)
    if (!bytes) throw new Error('The specified blob is invalid')
    phone.largestRead = Math.max(phone.largestRead, bytes.length)
    return `data:${blob.type || 'application/octet-stream'};base64,${base64(bytes)}`
  },
}

/** One request, as both systems tell of it. */
async function request(id: number, url: string, responseType: string, tellsProgress: boolean): Promise<void> {
  phone.asked.push(url)
  const tell = (event: string, ...body: unknown[]) => emitter.emit!(event, [id, ...body])
  const gone = () => phone.aborted.includes(`${id}`)
  const pause = () => sleep(0)
  await pause()
  const answer = phone.answers.get(url)
  const fail = (message: string, timedOut?: boolean) => tell('didCompleteNetworkResponse', message, timedOut)
  if (responseType !== 'blob') throw new Error(`${url} is asked for as ${responseType}`)
  const web = /^https?:/.test(url)
  if (!answer || (answer.fault && !answer.steps && !answer.hangs))
    return gone() ? undefined : fail(answer?.fault ?? 'No answer', answer?.timedOut)
  const { bytes, status = 200, headers = {}, steps = [bytes.length], unknownLength, fault, timedOut } = answer
  // Android reads what is not of the web at once.
  const isRead = !web && phone.os === 'android'
  tell('didReceiveNetworkResponse', status, web ? headers : {}, url)
  if (tellsProgress && !isRead)
    for (const step of steps) {
      await pause()
      if (gone()) return
      tell('didReceiveNetworkDataProgress', step, unknownLength || !web ? -1 : bytes.length)
    }
  await pause()
  if (answer.hangs || gone()) return
  if (fault) return fail(fault, timedOut)
  tell('didReceiveNetworkData', { ...store(bytes), ...(isRead && { type: '', name: 'name', lastModified: 0 }) })
  tell('didCompleteNetworkResponse', null, false)
}

const listening = { addListener() {}, removeListeners() {} }
let requests = 0
const abortRequest = (id: number) => void phone.aborted.push(`${id}`)
const Android = {
  ...listening,
  abortRequest,
  sendRequest(_: string, url: string, id: number, ...rest: unknown[]) {
    request(id, url, rest[2] as string, rest[3] as boolean)
  },
}
interface Query {
  url: string
  responseType: string
  incrementalUpdates: boolean
}
const Ios = {
  ...listening,
  abortRequest,
  sendRequest({ url, responseType, incrementalUpdates }: Query, callback: (id: number) => void) {
    const id = ++requests
    callback(id)
    request(id, url, responseType, incrementalUpdates)
  },
}

const screen = { width: 400, height: 800, scale: 3, fontScale: 1 }
const MODULES: Record<string, () => object> = {
  BlobModule: () => BlobModule,
  FileReaderModule: () => FileReaderModule,
  Networking: () => (phone.os === 'ios' ? Ios : Android),
  PlatformConstants: () => ({ getConstants: () => ({ isTesting: true }) }),
  SourceCode: () => ({ getConstants: () => ({ scriptURL: phone.scriptURL }) }),
  DeviceInfo: () => ({ getConstants: () => ({ Dimensions: { screen, window: screen } }) }),
}

const ofHost = host.__turboModuleProxy
Object.assign(globalThis, {
  __turboModuleProxy: (name: string) => MODULES[name]?.() ?? ofHost(name),
  nativeModuleProxy: {},
  RN$Bridgeless: true,
  console: { log() {}, warn: host.print, error: host.print },
  // There since JavaScriptCore has no pages; React Native has it of its own.
  performance: { now: host.now },
})
