import {
  DynedgeError,
  type FrameSource,
  type Load,
  type Network,
  type TensorInput,
  type Variant,
} from '../../src/index.ts'

// What a network must do wherever it runs: in Node on WebAssembly (network.test.ts), on React Native's backend in a JavaScript engine that has
// neither Node nor a test runner (test/react-native). Hence nothing is imported but the SDK.

/** Bundles of test/api/bundles.ts, by name. */
export interface Bundles {
  /** Half a Dy-mobile for 64x64, w8, ten classes. */
  small: Uint8Array
  /** The same in float32 for seven classes. */
  seven: Uint8Array
  /** `small` without probabilities. */
  headless: Uint8Array
  /** `small` with a changed weight. */
  damaged: Uint8Array
  /** `small` whose header has a digest of zeros. */
  forged: Uint8Array
  /** A ShuffleNetV2 in integers. */
  int8: Uint8Array
}

/** Where the checks run. */
export interface Place {
  load: Load
  bundles: Bundles
  labels: readonly string[]
  /** Of the kernels when `simd` is asked for: React Native has one. */
  variant: Variant
  /** Serves `small`; others are not found. */
  address: string
}

/** Numbers that must be the same everywhere: to the bit those of `exact`, within 1e-5 those of `near`. */
export interface Found {
  exact?: number[]
  near?: number[]
}

/** Throws, or gives what it found. */
export type Check = (place: Place) => Promise<Found>

function same(got: unknown, expected: unknown, what: string): void {
  const text = (value: unknown) =>
    JSON.stringify(value, (_, part) => (ArrayBuffer.isView(part) ? Array.from(part as Float32Array) : part))
  if (text(got) !== text(expected)) throw new Error(`${what}: got ${text(got)}, expected ${text(expected)}`)
}

async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    if (error instanceof DynedgeError) return error.code
    throw error
  }
  return 'nothing was thrown'
}

/** Numbers from -2 to 2, from a generator that is whole numbers only. */
function tensorOf(height: number, width: number): TensorInput {
  let state = height * 8192 + width
  const data = Float32Array.from({ length: height * width * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state / 2 ** 32) * 4 - 2
  })
  return { data, height, width }
}

const PICTURE = { data: Uint8Array.from({ length: 50 * 40 * 3 }, (_, i) => (i * i) >> 4), width: 50, height: 40 }
const PIXEL = { data: new Uint8Array(3), width: 1, height: 1 }
const tensor = tensorOf(64, 64)
const small = ({ load, bundles }: Place) => load(bundles.small, { variant: 'simd' })

export const CHECKS: Record<string, Check> = {
  async 'loads bytes, an ArrayBuffer and an address, and says how far it is'({ load, bundles, address }) {
    const found: number[][] = []
    for (const input of [bundles.small, bundles.small.slice().buffer, address]) {
      const steps: number[][] = []
      const net = await load(input, {
        variant: 'simd',
        onProgress: ({ loaded, total }) => steps.push([loaded, total]),
      })
      found.push(Array.from((await net.run(tensor)).logits))
      same(steps[0][0], 0, 'first progress')
      same(steps[steps.length - 1][0], steps[0][1], 'last progress')
      net.dispose()
    }
    same(found[1], found[0], 'an ArrayBuffer')
    same(found[2], found[0], 'an address')
    return { near: found[0] }
  },

  async 'refuses with a code what is no bundle, cut off, changed, not there or asked for wrongly'({
    load,
    bundles,
    address,
  }) {
    const cases: [string, () => unknown][] = [
      ['bad-bundle', () => load(new Uint8Array(1000))],
      ['bad-input', () => load(42 as never)],
      ['bad-input', () => load(null as never)],
      ['truncated-bundle', () => load(bundles.small.slice(0, -64))],
      ['damaged-bundle', () => load(bundles.damaged)],
      ['not-found', () => load(`${address}.not`)],
      ['bad-input', () => load(bundles.small, { threads: 0 })],
      ['bad-input', () => load(bundles.small, { maxInput: [0, 0] })],
      ['aborted', () => load(bundles.small, { signal: { aborted: true } as AbortSignal })],
    ]
    for (const [index, [code, call]] of cases.entries()) same(await codeOf(call), code, `case ${index}`)
    return {}
  },

  async 'compares the SHA-256 of its data with what is asked for'({ load, bundles, address }) {
    const zeros = `sha256-${'A'.repeat(43)}=`
    const refusal = async (bundle: Uint8Array, integrity: string) => {
      try {
        await load(bundle, { integrity })
      } catch (error) {
        if (error instanceof DynedgeError) return error
      }
      throw new Error(`${integrity} was not refused`)
    }
    const { code, message } = await refusal(bundles.small, zeros)
    same(code, 'integrity', message)
    const [, digest] = /header says (sha256-.{44}), expected/.exec(message)!
    for (const input of [bundles.small, bundles.small.slice().buffer, address])
      (await load(input, { integrity: `${zeros} ${digest}` })).dispose()
    const forged = await refusal(bundles.forged, zeros)
    same([forged.code, forged.message.includes(`its data has ${digest}`)], ['integrity', true], forged.message)
    same((await refusal(bundles.seven, digest)).code, 'integrity', 'another bundle')
    same((await refusal(bundles.damaged, digest)).code, 'damaged-bundle', 'a damaged one')
    same((await refusal(bundles.small, 'sha256-abc')).code, 'usage', 'no digest')
    return { exact: Array.from(digest, (character) => character.charCodeAt(0)) }
  },

  async 'says what it is'(place) {
    const net = await small(place)
    same([net.name, net.precision, net.variant, net.threads], ['dy-mobile', 'w8', place.variant, 1], 'properties')
    same(net.labels, place.labels, 'labels')
    const { network, precision, classes, licence, memoryBytes, weightBytes, arenaBytes } = net.describe()
    same([network, precision, classes, licence], ['dy-mobile', 'w8', 10, null], 'description')
    same(memoryBytes < weightBytes + arenaBytes + 2 ** 20, true, `memory of ${memoryBytes} bytes`)
    return {}
  },

  async 'gives the bits of one thread with several'({ load, bundles }) {
    for (const bundle of [bundles.small, bundles.int8]) {
      const one = await load(bundle)
      const three = await load(bundle, { threads: 3 })
      same([three.threads, three.threadsNote], [3, undefined], 'threads')
      for (const side of [32, 64, 40, 64]) {
        const input = {
          data: new Float32Array(side * side * 3).map((_, i) => (i % 37) / 20 - 1),
          height: side,
          width: side,
        }
        const expected = Array.from((await one.run(input)).logits)
        same(Array.from((await three.run(input)).logits), expected, `run at ${side}`)
        same(Array.from(three.runSync(input).logits), expected, `runSync at ${side}`)
      }
      one.dispose()
      three.dispose()
    }
    const each = await load(bundles.small, { threads: 'auto' })
    same(each.threads >= 1 && each.threads <= 4, true, `${each.threads} threads`)
    each.dispose()
    return {}
  },

  async 'refuses wrong tensors and stays usable'(place) {
    const net = await small(place)
    const expected = (await net.run(tensor)).logits
    const wrong = [
      { data: new Float32Array(10), height: 64, width: 64 },
      { data: [1, 2, 3] as never, height: 1, width: 1 },
      { data: new Float32Array(0), height: 0, width: 64 },
      { data: new Float32Array(3 * 8193), height: 1, width: 8193 },
      { data: new Float32Array(36), height: 1.5, width: 8 },
      { data: new Float32Array(12), height: -2, width: -2 },
    ]
    for (const input of wrong) {
      same(await codeOf(() => net.run(input)), 'bad-input', `run ${input.height}x${input.width}`)
      same(await codeOf(() => net.runSync(input)), 'bad-input', `runSync ${input.height}x${input.width}`)
    }
    const signal = { aborted: true } as AbortSignal
    same(await codeOf(() => net.run(tensor, { signal })), 'aborted', 'aborted')
    same((await net.run(tensor)).logits, expected, 'run afterwards')
    same(net.runSync(tensor).logits, expected, 'runSync afterwards')
    return {}
  },

  async 'refuses wrong pictures and options'(place) {
    const net = await small(place)
    const picture = { data: new Uint8Array(48), width: 4, height: 4 }
    for (const image of [{ ...picture, width: 5 }, null, 'photo.jpg'])
      same(await codeOf(() => net.classify(image as never)), 'bad-image', JSON.stringify(image))
    for (const topK of [0, -1, 1.5, Number.NaN])
      same(await codeOf(() => net.classify(picture, { topK })), 'bad-input', `topK ${topK}`)
    same(await codeOf(() => net.classify(picture, { size: [0, 64] })), 'bad-input', 'size')
    return {}
  },

  async 'runs, but does not classify, without probabilities'(place) {
    const net = await place.load(place.bundles.headless, { variant: 'simd' })
    same(await net.run(tensor), { logits: (await (await small(place)).run(tensor)).logits }, 'outputs')
    same(await codeOf(() => net.classify(PIXEL)), 'bad-input', 'classify')
    return {}
  },

  async 'takes frames of cameras: planes as buffers, with gaps, turned'(place) {
    const net = await small(place)
    const [width, height, rowBytes] = [91, 51, 96]
    const bytes = (count: number, seed: number) =>
      Uint8Array.from({ length: count }, (_, i) => ((i + seed) * (i + seed)) >> 5)
    const y = bytes(50 * rowBytes + width, 1)
    const [u, v] = [bytes(25 * rowBytes + 91, 2), bytes(25 * rowBytes + 91, 3)]
    const uv = bytes(25 * rowBytes + 92, 2)
    const plane = (data: Uint8Array<ArrayBuffer>, pixelBytes: number) => ({ data: data.buffer, rowBytes, pixelBytes })
    const frames: FrameSource[] = [
      { format: 'i420', width, height, planes: [plane(y, 1), plane(u, 2), plane(v, 2)] },
      { format: 'nv12', width, height, planes: [plane(y, 1), plane(uv, 2)], range: 'limited', matrix: 'bt709' },
      { format: 'nv21', width, height, data: new Uint8Array([...bytes(91 * 51, 4), ...bytes(92 * 26, 5)]) },
      { format: 'uyvy', width, height, data: bytes(51 * 184, 6).buffer },
      { format: 'bgra', width, height, data: bytes(51 * 400, 7), rowBytes: 400 },
    ]
    const near: number[] = []
    for (const [index, frame] of frames.entries()) {
      const seen = await net.classify(frame, { orientation: index + 4, topK: 10 })
      near.push(...seen.map(({ index, probability }) => index + probability))
    }
    same((await net.kernels(frames[0])).length > 0, true, 'kernels')
    for (const change of [{ format: 'p010' }, { width: 92 }, { planes: [] }, { range: 'tv' }, { data: y }])
      same(await codeOf(() => net.classify({ ...frames[0], ...change } as never)), 'bad-image', JSON.stringify(change))
    return { near }
  },

  async 'classifies, the best first'(place) {
    const net = await small(place)
    const all = await net.classify(PICTURE, { topK: 99 })
    const probabilities = all.map(({ probability }) => probability)
    same(all.length, 10, 'classes')
    same(
      probabilities,
      [...probabilities].sort((a, b) => b - a),
      'order',
    )
    const sum = probabilities.reduce((total, probability) => total + probability, 0)
    same(Math.abs(sum - 1) < 1e-5, true, `sum ${sum}`)
    for (const { index, label } of all) same(label, place.labels[index], 'label')
    same(await net.classify(PICTURE), all.slice(0, 5), 'five')
    same(await net.classify(PICTURE, { topK: 1 }), all.slice(0, 1), 'one')
    return { exact: all.map(({ index }) => index), near: probabilities }
  },

  async 'changes sizes, beyond maxInput too'(place) {
    const net = await small(place)
    const narrow = await place.load(place.bundles.small, { variant: 'simd', maxInput: [32, 32] })
    const before = narrow.describe().memoryBytes
    const first = (await narrow.run(tensorOf(32, 32))).logits
    const kept = first.slice()
    same((await narrow.run(tensor)).logits, (await net.run(tensor)).logits, '64x64')
    narrow.runSync(tensorOf(200, 150))
    same(narrow.describe().memoryBytes > before, true, 'more memory')
    const near: number[] = []
    for (const [height, width] of [
      [1, 1],
      [33, 65],
      [200, 150],
      [64, 64],
    ]) {
      const input = tensorOf(height, width)
      const { logits } = await net.run(input)
      same(narrow.runSync(input).logits, logits, `${height}x${width}`)
      near.push(...logits)
    }
    same(first, kept, 'outputs are copies')
    same((await narrow.run(tensorOf(32, 32))).logits, kept, '32x32 again')
    return { near }
  },

  async 'lives beside another; dispose ends one'(place) {
    const net = await small(place)
    const expected = (await net.run(tensor)).logits
    const other = await place.load(place.bundles.seven, { variant: 'simd' })
    const theirs = (await other.run(tensor)).logits
    same(theirs.length, 7, 'classes')
    const both = await Promise.all([net.run(tensor), other.run(tensor), net.run(tensor)])
    same(
      both.map(({ logits }) => logits),
      [expected, theirs, expected],
      'side by side',
    )
    other.dispose()
    other.dispose()
    for (const call of [
      () => other.run(tensor),
      () => other.runSync(tensor),
      () => other.classify(PIXEL),
      () => other.profile(),
      () => other.describe(),
    ])
      same(await codeOf(call), 'disposed', `${call}`)
    same((await net.run(tensor)).logits, expected, 'the other one')
    return { near: Array.from(theirs) }
  },

  async 'answers calls that overlap in their order, each with its own'(place) {
    const net = await small(place)
    const calls: (() => Promise<unknown>)[] = [
      () => net.run(tensor),
      () => net.classify(PICTURE),
      () => net.run(tensorOf(32, 40)),
      () => net.run(tensorOf(100, 90)),
      () => net.kernels(PICTURE),
      () => net.classify(PIXEL, { size: [32, 32] }),
      () => net.run(tensor),
    ]
    const alone: unknown[] = []
    for (const call of calls) alone.push(await call())
    same(await Promise.all(calls.map((call) => call())), alone, 'side by side')
    const waiting = calls.map((call) => codeOf(call))
    net.dispose()
    const ends = await Promise.all(waiting)
    for (const end of ends) same(['disposed', 'nothing was thrown'].includes(end), true, end)
    same(ends[ends.length - 1], 'disposed', 'the last one')
    return {}
  },

  async 'profiles every step'(place) {
    const net = await small(place)
    const { ms, steps } = await net.profile({ size: [32, 32], repetitions: 2 })
    same(ms > 0, true, `${ms} ms`)
    const shares = steps.reduce((sum, { share }) => sum + share, 0)
    same(Math.abs(shares - 1) < 1e-5, true, `shares sum up to ${shares}`)
    const does = 'border expand full fuse globalpool grouped6 linear pointwise softmax'.split(' ')
    same([...new Set(steps.map(({ does }) => does))].sort(), does, 'kinds')
    return { exact: [steps.length] }
  },

  async 'shows and keeps dynamic kernels'(place) {
    const net = await small(place)
    const layers = await net.kernels(PICTURE)
    const keeping = await place.load(place.bundles.small, { variant: 'simd', keepKernels: 0 })
    same(await keeping.classify(PICTURE), await net.classify(PICTURE), 'first frame')
    same(await keeping.classify(PICTURE), await net.classify(PICTURE), 'second frame')
    same(layers.length > 0, true, 'layers')
    return { near: layers.flatMap(({ coefficients }) => Array.from(coefficients)) }
  },

  async 'computes in integers, the same everywhere'({ load, bundles }) {
    const net = await load(bundles.int8, { variant: 'simd' })
    const exact: number[] = []
    for (const [height, width] of [
      [64, 64],
      [37, 70],
      [96, 33],
    ])
      exact.push(...(await net.run(tensorOf(height, width))).logits)
    const best = await net.classify(PICTURE)
    return { exact: [...exact, ...best.map(({ index }) => index)], near: best.map(({ probability }) => probability) }
  },

  async 'a hundred networks, and their memory given back'(place) {
    const nets: Network[] = []
    for (let i = 0; i < 100; ++i)
      nets.push(await place.load(place.bundles.small, { variant: 'simd', maxInput: [8, 8] }))
    const logits = nets.map((net) => Array.from(net.runSync(tensorOf(8, 8)).logits))
    for (const found of logits) same(found, logits[0], 'one of a hundred')
    for (const net of nets) net.dispose()
    return { near: logits[0] }
  },
}
