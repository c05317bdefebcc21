import { beforeAll, describe, expect, test } from 'vitest'
import { Base, Header, PROGRAM_MAGIC, Status, Step, Tensor } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { seededState } from '../../src/graph/parameters.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { quantized } from '../helpers/quantized.ts'
import { Placed } from '../helpers/run.ts'
import { instantiate, randomFrom, seed, variants } from '../helpers/wasm.ts'
import { tiny } from '../kernels/graphs.ts'

const NAMES = Object.entries({
  Op: Step.Op,
  Units: Step.Units,
  In: Step.In,
  InAt: Step.InAt,
  Out: Step.Out,
  Rows: Step.Rows,
})
const nameOf = (word: number) => NAMES.find(([, at]) => at === word)?.[0] ?? `word ${word}`

describe.each(variants())('$name', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  /** `mixed`: integers, but for two layers, so that there are conversions. With `tolerance` kernels are kept from run to run. */
  const place = (graph: Graph, precision: Precision | 'mixed', side: number, tolerance?: number) => {
    const state = seededState(graph, seed)
    if (precision === 'f32' || precision === 'w8')
      return new Placed(backend, graph, state, precision, side, side, tolerance)
    const keep = precision === 'mixed' ? ['a', 'l1'] : []
    return new Placed(backend, quantized(graph, state, side, seed, { keep }), state, 'int8', side, side, tolerance)
  }

  /** The program in memory, as words; `verify` of its first `length` bytes. */
  function opened(placed: Placed) {
    const { program } = placed.engine.places
    const bytes = placed.plan.program.length
    const words = new Uint32Array(backend.memory.buffer, program, bytes / 4)
    return {
      words,
      verify: (length = bytes, at = program) => backend.exports.verify(at, length),
      first: Header.Words + placed.plan.tensors.length * Tensor.Words,
    }
  }

  test('accepts what the planner makes and then runs it', () => {
    for (const network of ['dy-mobile-0.5', 'dy-shuffle', 'shufflenetv2']) {
      const placed = place(buildNetwork(network, { classes: 10, kernels: 2 }), 'w8', 32)
      placed.run(new Float32Array(32 * 32 * 3).fill(0.5))
      expect(placed.read('logits').every(Number.isFinite)).toBe(true)
    }
  })

  test('refuses what is no program, another version, another length, other bases', () => {
    const placed = place(tiny, 'w8', 12)
    const { words, verify } = opened(placed)
    const bytes = placed.plan.program.length
    const statusWith = (word: number, value: number) => {
      const kept = words[word]
      words[word] = value
      const status = verify()
      words[word] = kept
      return status
    }
    expect(verify()).toBe(Status.Ok)
    expect(statusWith(Header.Magic, PROGRAM_MAGIC + 1)).toBe(Status.NotAProgram)
    expect(statusWith(Header.Version, words[Header.Version] + 1)).toBe(Status.WrongVersion)
    for (const word of [Header.Bytes, Header.Tensors, Header.Steps])
      for (const by of [-1, 1, 2 ** 31]) expect(statusWith(word, words[word] + by), `${word}`).toBe(Status.WrongLength)
    for (const word of [Header.WeightBytes, Header.ArenaBytes])
      expect(statusWith(word, words[word] + 1)).toBe(Status.WrongBases)
    for (let length = 0; length < bytes; length += 4) expect(verify(length), `${length} bytes`).toBe(Status.WrongLength)
    expect(verify(bytes, placed.engine.places.program + 2)).toBe(Status.WrongLength)
    expect(verify(bytes, backend.memory.buffer.byteLength - 64)).toBe(Status.WrongLength)
    expect(verify(bytes, backend.memory.buffer.byteLength)).toBe(Status.WrongLength)
    const tensor = Header.Words
    expect(statusWith(tensor + Tensor.Base, Base.Arena + 1)).toBe(Status.BadTensor)
    expect(statusWith(tensor + Tensor.Offset, words[tensor + Tensor.Offset] + 4)).toBe(Status.BadTensor)
    expect(statusWith(tensor + Tensor.Bytes, 0xffffffff)).toBe(Status.BadTensor)
  })

  test('runs nothing before verify, nor after a refusal, nor a range that is none', () => {
    const placed = place(tiny, 'f32', 12)
    const { words, verify } = opened(placed)
    const { run, place: placeBases } = backend.exports
    const steps = placed.plan.steps.length
    const { places, weightBytes, arenaBytes } = placed.engine
    expect(run(0, steps, 0, 1)).toBe(Status.Ok)
    for (const [from, to, thread, threads] of [
      [0, steps + 1, 0, 1],
      [2, 1, 0, 1],
      [-1, 1, 0, 1],
      [0, 1, 1, 1],
      [0, 1, -1, 1],
      [0, 1, 0, 0],
      [0, 1, 0, 17],
      [0, 1, 16, 17],
    ])
      expect(run(from, to, thread, threads), `${from} ${to} ${thread} ${threads}`).toBe(Status.BadRange)
    placeBases(places.weights, weightBytes, places.arena, arenaBytes)
    expect(run(0, steps, 0, 1)).toBe(Status.NotVerified)
    placeBases(places.weights, weightBytes - 64, places.arena, arenaBytes)
    expect(verify()).toBe(Status.WrongBases)
    placeBases(places.weights, weightBytes, places.arena, arenaBytes - 64)
    expect(verify()).toBe(Status.WrongBases)
    expect(run(0, 1, 0, 1)).toBe(Status.NotVerified)
    placeBases(places.weights, weightBytes, places.arena, arenaBytes)
    expect(verify()).toBe(Status.Ok)
    words[Header.Magic] += 1
    expect(verify()).toBe(Status.NotAProgram)
    expect(run(0, 1, 0, 1)).toBe(Status.NotVerified)
  })

  test.each(['f32', 'w8', 'int8'] as const)('%s: a fusion notes what it keeps apart from its operands', (precision) => {
    const placed = place(tiny, precision, 12, 0.01)
    const { words, verify, first } = opened(placed)
    const { steps, tensors } = placed.plan
    let seen = 0
    for (const [index, { operands }] of steps.entries()) {
      if (!operands.Kept) continue
      const at = first + index * Step.Words
      const statusWith = (word: number, value: number) => {
        const kept = words[at + word]
        words[at + word] = value
        const status = verify()
        words[at + word] = kept
        return status && status & 255
      }
      const { Out, Side, Coefficients, Factors, Kept } = operands
      const needed = tensors.find(({ name }) => name === Kept)!.bytes
      const own = tensors.filter(({ name }) => [Out, Side, Coefficients, Factors].includes(name))
      for (const [number, { name, base, offset, bytes }] of tensors.entries()) {
        const outside = base === 'weights' || bytes < needed
        const shares = own.some((other) => offset < other.offset + other.bytes && other.offset < offset + bytes)
        const expected = outside ? Status.WritesOutside : shares ? Status.Overlaps : Status.Ok
        expect(statusWith(Step.Kept, number), `${name} ${needed}`).toBe(expected)
        if (expected === Status.Overlaps) ++seen
      }
      for (const number of [tensors.length, 2 ** 31, 2 ** 32 - 1])
        expect(statusWith(Step.Kept, number)).toBe(Status.WritesOutside)
      for (const bits of [0, 0x7f800000, 0x7fc00000, 2 ** 32 - 1])
        expect(statusWith(Step.Tolerance, bits)).toBe(Status.Ok)
      expect(statusWith(Step.Keeps, 0)).toBe(Status.Ok)
    }
    expect(seen).toBeGreaterThan(0)
    expect(verify()).toBe(Status.Ok)
  })

  test.each([
    ['tiny', 'f32', 10000],
    ['tiny', 'w8', 20000],
    ['tiny', 'int8', 20000],
    ['tiny', 'mixed', 10000],
    ['dy-shuffle', 'w8', 8000],
    ['dy-mobile-0.5', 'w8', 8000],
    ['dy-mobile-0.5', 'int8', 8000],
    ['tiny', 'f32', 10000, 0.01],
    ['tiny', 'w8', 10000, 0.01],
    ['tiny', 'int8', 10000, 0.01],
  ] as const)(
    '%s %s: a mutated program is refused, or stays inside (%i mutations)',
    (network, precision, count, tolerance?: number) => {
      const random = randomFrom(seed)
      const graph = network === 'tiny' ? tiny : buildNetwork(network, { classes: 10, kernels: 2 })
      const placed = place(graph, precision, network === 'tiny' ? 12 : 32, tolerance)
      const { words, verify, first } = opened(placed)
      const kept = words.slice()
      const steps = placed.plan.steps.length
      let [accepted, refused] = [0, 0]
      // Every word of every step and tensor gets its turn, then they are drawn.
      for (let round = 0; round < count; ++round) {
        const word =
          Header.Words +
          (round < kept.length - Header.Words ? round : Math.floor(random() * (kept.length - Header.Words)))
        const changes = random() < 0.4 ? 2 : 1
        let at = word
        const what: string[] = []
        for (let change = 0; change < changes; ++change) {
          words[at] = mutated(kept[at], random)
          what.push(
            at < first
              ? `tensor word ${at - Header.Words}`
              : `step ${Math.floor((at - first) / Step.Words)} ${nameOf((at - first) % Step.Words)} ${kept[at]} -> ${words[at]}`,
          )
          // A second one in the same record: pairs that must agree.
          at =
            at < first
              ? at ^ 1
              : first + Math.floor((at - first) / Step.Words) * Step.Words + Math.floor(random() * Step.Words)
        }
        const context = `SEED=${seed} round ${round}: ${what.join(', ')}`
        let status: number
        try {
          status = verify()
        } catch (cause) {
          throw new Error(`verify: ${(cause as Error).message}; ${context}`, { cause })
        }
        if (status === Status.Ok) {
          ++accepted
          const step = word < first ? -1 : Math.floor((word - first) / Step.Words)
          try {
            expect(step < 0 ? backend.exports.run(0, steps, 0, 1) : backend.exports.run(step, step + 1, 0, 1)).toBe(
              Status.Ok,
            )
            placed.checkGuards()
          } catch (cause) {
            throw new Error(`verified, but ${(cause as Error).message}; ${context}`, { cause })
          }
        } else {
          ++refused
          if (status >>> 8 >= steps || (status & 255) > Status.BadRange) throw new Error(`status ${status}; ${context}`)
        }
        words.set(kept)
      }
      expect(verify()).toBe(Status.Ok)
      // Both must happen, or the test says nothing.
      expect(accepted).toBeGreaterThan(count / 20)
      expect(refused).toBeGreaterThan(count / 20)
    },
  )
})

function mutated(value: number, random: () => number): number {
  const choices = [
    0,
    value + 1,
    value - 1,
    value + 4,
    value - 4,
    value * 2,
    value >>> 1,
    value + 16,
    2 ** 24,
    2 ** 31,
    2 ** 32 - 1,
    random() * 64,
    random() * 2 ** 20,
    random() * 2 ** 32,
  ]
  return choices[Math.floor(random() * choices.length)] >>> 0
}
