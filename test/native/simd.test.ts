import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { translate, wabt } from '../../tools/native/translate.mjs'
import { readWasm } from '../helpers/wasm.ts'
import { NATIVE, require, started, TARGETS, type Target, temporary } from './support.ts'

// Every operation of native/src/simd.h, and what is risky of wasm-rt.h, against this Node's WebAssembly: a module of one function for each,
// translated to C as the module of kernels is.

const folder = temporary()
afterAll(folder.clean)

const BINARY =
  `i16x8.add i16x8.mul i32x4.add i32x4.sub i32x4.mul f32x4.add f32x4.sub f32x4.mul f32x4.div v128.and v128.andnot v128.or
  v128.xor f32x4.eq f32x4.gt f32x4.ge f32x4.le i32x4.lt_s f32x4.pmin f32x4.pmax i16x8.min_s i16x8.max_s i32x4.max_s i8x16.min_u
  i8x16.max_u i32x4.dot_i16x8_s i16x8.narrow_i32x4_s i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u i8x16.swizzle
  i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s`.split(/\s+/)
const UNARY =
  `f32x4.abs f32x4.neg f32x4.nearest f32x4.convert_i32x4_s i32x4.trunc_sat_f32x4_s i16x8.abs i32x4.extadd_pairwise_i16x8_s
  i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u i32x4.extend_low_i16x8_s
  i32x4.extend_high_i16x8_s i32x4.extend_low_i16x8_u i32x4.extend_high_i16x8_u i64x2.extend_low_i32x4_u
  i64x2.extend_high_i32x4_u`.split(/\s+/)
const SHUFFLES = [
  '0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27',
  '0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23',
  '31 0 30 1 29 2 28 3 27 4 26 5 25 6 24 7',
]
/** Relaxed operations, of the operands for which they are used, and what they then are in operations that every engine has. */
const SEVEN_BITS =
  '(v128.and (v128.load (local.get $b)) (v128.const i8x16 127 127 127 127 127 127 127 127 127 127 127 127 127 127 127 127))'
const FACTOR =
  '(i16x8.max_s (v128.load (local.get $b)) (v128.const i16x8 -32767 -32767 -32767 -32767 -32767 -32767 -32767 -32767))'
const PRODUCTS = ['low', 'high'].map(
  (half) => `(i16x8.extmul_${half}_i8x16_s (v128.load (local.get $a)) ${SEVEN_BITS})`,
)
const [EVEN, ODD] = ['0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29', '2 3 6 7 10 11 14 15 18 19 22 23 26 27 30 31']
const PAIRS_OF_PRODUCTS = `(i16x8.add ${[EVEN, ODD].map((lanes) => `(i8x16.shuffle ${lanes} ${PRODUCTS.join(' ')})`).join(' ')})`
const load = (at: string) => `(v128.load (local.get ${at}))`
const [A, B] = [load('$a'), load('$b')]
const NEXT = '(v128.load offset=16 (local.get $b))'
/** Stores the value of type i32, f32 or v128 as the result. */
const store = (type: string, value: string) => `(${type}.store (local.get $to) ${value})`
const scalar = (value: string) => store('i32', value)
const floats = ['f32.load (local.get $a)', 'f32.load (local.get $b)'].map((value) => `(${value})`).join(' ')

/** Name -> body of a function that reads at $a and $b (vectors) and writes at $to. */
const OPERATIONS: Record<string, string> = {
  ...Object.fromEntries(BINARY.map((name) => [name, store('v128', `(${name} ${A} ${B})`)])),
  ...Object.fromEntries(UNARY.map((name) => [name, store('v128', `(${name} ${A})`)])),
  ...Object.fromEntries(
    SHUFFLES.map((lanes, i) => [`i8x16.shuffle${i}`, store('v128', `(i8x16.shuffle ${lanes} ${A} ${B})`)]),
  ),
  ...Object.fromEntries(
    ['i16x8.shr_s', 'i32x4.shl', 'i32x4.shr_s'].map((name) => [
      name,
      store('v128', `(${name} ${A} (i32.load (local.get $b)))`),
    ]),
  ),
  'v128.bitselect': store('v128', `(v128.bitselect ${A} ${B} (v128.load offset=16 (local.get $b)))`),
  'v128.const': store('v128', `(v128.xor ${A} (v128.const i32x4 0x80000000 1 -1 0x3f800000))`),
  'v128.any_true': scalar(`(v128.any_true ${A})`),
  'i32x4.all_true': scalar(`(i32x4.all_true ${A})`),
  'i32x4.bitmask': scalar(`(i32x4.bitmask ${A})`),
  'i16x8.extract_lane_s': scalar(`(i16x8.extract_lane_s 5 ${A})`),
  'i32x4.extract_lane': scalar(`(i32x4.extract_lane 3 ${A})`),
  'i64x2.extract_lane': store('i64', `(i64x2.extract_lane 1 ${A})`),
  'f32x4.extract_lane': store('f32', `(f32x4.extract_lane 2 ${A})`),
  ...Object.fromEntries(
    ['i8x16', 'i16x8', 'i32x4'].map((type) => [
      `${type}.splat`,
      store('v128', `(${type}.splat (i32.load (local.get $a)))`),
    ]),
  ),
  'f32x4.splat': store('v128', '(f32x4.splat (f32.load (local.get $a)))'),
  ...Object.fromEntries(
    'load8_splat load16_splat load32_splat load64_splat load32_zero load64_zero load8x8_s load8x8_u'
      .split(' ')
      .map((name) => [`v128.${name}`, store('v128', `(v128.${name} offset=3 (local.get $a))`)]),
  ),
  ...Object.fromEntries(
    [
      ['load8_lane', 13],
      ['load16_lane', 6],
      ['load32_lane', 1],
      ['load64_lane', 1],
    ].map(([name, lane]) => [`v128.${name}`, store('v128', `(v128.${name} ${lane} (local.get $b) ${A})`)]),
  ),
  ...Object.fromEntries(
    [
      ['store8_lane', 15],
      ['store16_lane', 7],
      ['store32_lane', 2],
      ['store64_lane', 1],
    ].map(([name, lane]) => [`v128.${name}`, `(v128.${name} ${lane} (local.get $to) ${A})`]),
  ),
  ...Object.fromEntries(['min', 'max'].map((name) => [`f32.${name}`, store('f32', `(f32.${name} ${floats})`)])),
  ...Object.fromEntries(
    ['floor', 'nearest', 'abs'].map((name) => [`f32.${name}`, store('f32', `(f32.${name} (f32.load (local.get $a)))`)]),
  ),
  'i32.trunc_sat_f32_s': scalar('(i32.trunc_sat_f32_s (f32.load (local.get $a)))'),
  ...Object.fromEntries(
    ['clz', 'ctz', 'popcnt'].map((name) => [`i32.${name}`, scalar(`(i32.${name} (i32.load (local.get $a)))`)]),
  ),
  ...Object.fromEntries(
    ['rotl', 'rotr', 'shr_s', 'shr_u', 'shl'].map((name) => [
      `i32.${name}`,
      scalar(`(i32.${name} (i32.load (local.get $a)) (i32.load (local.get $b)))`),
    ]),
  ),
  // Divisors of neither 0 nor -1: those trap, which test/native/api.test.ts looks at.
  ...Object.fromEntries(
    ['div_s', 'div_u', 'rem_s', 'rem_u'].map((name) => [
      `i32.${name}`,
      scalar(
        `(i32.${name} (i32.load (local.get $a)) (i32.or (i32.and (i32.load (local.get $b)) (i32.const 0x7ffffffe)) (i32.const 2)))`,
      ),
    ]),
  ),
}
/** Name -> body with the operation, body with its meaning. A product is added in one rounding or in two: `madd` is looked at apart. */
const RELAXED: Record<string, [asked: string, means: string]> = {
  'f32x4.relaxed_madd': [`(f32x4.relaxed_madd ${A} ${B} ${NEXT})`, `(f32x4.add (f32x4.mul ${A} ${B}) ${NEXT})`],
  'i16x8.relaxed_q15mulr_s': [`(i16x8.relaxed_q15mulr_s ${A} ${FACTOR})`, `(i16x8.q15mulr_sat_s ${A} ${FACTOR})`],
  'i16x8.relaxed_dot_i8x16_i7x16_s': [`(i16x8.relaxed_dot_i8x16_i7x16_s ${A} ${SEVEN_BITS})`, PAIRS_OF_PRODUCTS],
  'i32x4.relaxed_dot_i8x16_i7x16_add_s': [
    `(i32x4.relaxed_dot_i8x16_i7x16_add_s ${A} ${SEVEN_BITS} ${NEXT})`,
    `(i32x4.add (i32x4.extadd_pairwise_i16x8_s ${PAIRS_OF_PRODUCTS}) ${NEXT})`,
  ],
}
const NAMES = [...Object.keys(OPERATIONS), ...Object.keys(RELAXED)]
const bodyOf = (name: string, relaxed: boolean) => OPERATIONS[name] ?? store('v128', RELAXED[name][relaxed ? 0 : 1])
const FLOATS = NAMES.filter((name) =>
  /^f32(x4)?\.(add|sub|mul|relaxed_madd|div|pmin|pmax|abs|neg|nearest|min|max|floor|splat|extract)/.test(name),
)

/** Words with everything that goes wrong: NaN, -0, ties, the ends of every integer. */
const WORDS = [
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x3f000000, 0xbf000000, 0x3fc00000, 0x40200000, 0xc0200000, 0x7f800000,
  0xff800000, 0x7fc00000, 0xffc00001, 0x00000001, 0x80000001, 0x7f7fffff, 0x4f000000, 0xcf000000, 0x4effffff,
  0x4f7fffff, 0xcf000001, 0x4b000001, 0xffffffff, 0x7fffffff, 0x80008000, 0x7fff7fff, 0x80807f7f, 0x00ff00ff,
  0xff00ff00, 0x12345678, 0x0f1f2f3f, 0x01020304, 0x80018001, 0xc0000001,
]
const VECTORS = 72
const [IN, OUT] = [1024, 8192]
const vectors = Uint32Array.from({ length: VECTORS * 4 }, (_, i) => {
  // The first are one word in all lanes, the others mixed.
  const index = i < WORDS.length * 4 ? i >> 2 : (i * 7 + (i >> 3) * 5) % WORDS.length
  return i < WORDS.length * 4 || i % 5 ? WORDS[index] : Math.imul(i + 1, 0x9e3779b1)
})

/** A function for each operation; of relaxed ones themselves, or what they mean. */
function moduleOf(relaxed: boolean): Uint8Array {
  const functions = NAMES.map(
    (name, i) => `(func (export "op${i}") (param $a i32) (param $b i32) (param $to i32) ${bodyOf(name, relaxed)})`,
  )
  const text = folder.write('ops.wat', `(module (memory (export "memory") 3) ${functions.join('\n')})`)
  wabt('wat2wasm', [text, '--enable-relaxed-simd', '-o', folder.at('ops.wasm')])
  return new Uint8Array(readFileSync(folder.at('ops.wasm')))
}

/** The results of each operation, for every pair of neighbours within reach: 16 bytes each. */
const PAIRS = [0, 1, 3, 11, 29]
const RESULTS = NAMES.length * VECTORS * PAIRS.length * 16

function expectedOf(wasm: Uint8Array): Uint8Array {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource))
  const { buffer } = exports.memory as WebAssembly.Memory
  new Uint32Array(buffer, IN, vectors.length).set(vectors)
  const results = new Uint8Array(RESULTS)
  let at = 0
  NAMES.forEach((_, i) => {
    const operation = exports[`op${i}`] as (a: number, b: number, to: number) => void
    for (let a = 0; a < VECTORS; ++a)
      for (const step of PAIRS) {
        new Uint8Array(buffer, OUT, 16).fill(0)
        operation(IN + a * 16, IN + ((a + step) % (VECTORS - 1)) * 16, OUT)
        results.set(new Uint8Array(buffer, OUT, 16), at)
        at += 16
      }
  })
  return results
}

function program(): string {
  return `#include "module.h"
#include <stdio.h>
#include <stdlib.h>
void wasm_rt_trap(wasm_rt_trap_t code) { printf("trap %d", code); exit(1); }
static void (*const operations[])(w2c_ops *, u32, u32, u32) = {${NAMES.map((_, i) => `w2c_ops_op${i}`).join(', ')}};
static const u32 steps[] = {${PAIRS.join(', ')}};
static _Alignas(64) u8 memory[1 << 16];
int main(int count, char **words) {
  w2c_ops ops = {.w2c_memory = {memory, sizeof memory, 1}};
  FILE *in = fopen(words[1], "rb"), *out = fopen(words[2], "wb");
  if (count != 3 || !in || !out || fread(memory + ${IN}, 16, ${VECTORS}, in) != ${VECTORS}) return 1;
  for (u32 i = 0; i < sizeof operations / sizeof *operations; ++i)
    for (u32 a = 0; a < ${VECTORS}; ++a)
      for (u32 step = 0; step < ${PAIRS.length}; ++step) {
        memset(memory + ${OUT}, 0, 16);
        operations[i](&ops, ${IN} + a * 16, ${IN} + (a + steps[step]) % ${VECTORS - 1} * 16, ${OUT});
        fwrite(memory + ${OUT}, 1, 16, out);
      }
  return fclose(out);
}
`
}

/** NaN is NaN: which one a sum gives, WebAssembly leaves open. */
function plainNaN(word: number): number {
  return (word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word
}

/** a * b + c, rounded once: exact in float64 but for its last rounding, which none of these words meets halfway. */
function fused(found: Uint32Array): Uint32Array {
  const values = new Float32Array(vectors.buffer)
  let at = 0
  const results = new Float32Array(found.length)
  for (let a = 0; a < VECTORS; ++a)
    for (const step of PAIRS) {
      const b = (a + step) % (VECTORS - 1)
      for (let lane = 0; lane < 4; ++lane)
        results[at++] = values[a * 4 + lane] * values[b * 4 + lane] + values[(b + 1) * 4 + lane]
    }
  return new Uint32Array(results.buffer)
}

let expected: Uint8Array
beforeAll(() => {
  expected = expectedOf(moduleOf(false))
  const { header, source } = translate(moduleOf(true), 'ops')
  folder.write('module.h', header)
  folder.write('module.c', source)
  folder.write('main.c', program())
})

const TARGETS_WITH_FLAGS: [string, Target, string[]][] = [
  ['SSE4.1', TARGETS['x86-64'], []],
  ['AVX2', TARGETS['x86-64'], ['-march=x86-64-v3']],
  ['vector extensions alone', TARGETS['x86-64'], ['-DDYNEDGE_PLAIN_SIMD', '-march=x86-64']],
  ['NEON', TARGETS.arm64, []],
  ['NEON with sdot', TARGETS.arm64, ['-march=armv8.2-a+dotprod']],
  ['vector extensions alone on arm64', TARGETS.arm64, ['-DDYNEDGE_PLAIN_SIMD']],
]
describe.each(TARGETS_WITH_FLAGS)('%s', (name, target, flags) => {
  test.each([
    ['checked', []],
    ['unchecked', ['-DDYNEDGE_UNCHECKED']],
  ])('every operation gives what WebAssembly gives, %s', (kind, more) => {
    require(target)
    const binary = folder.at(`ops-${name.replaceAll(' ', '-')}-${kind}`)
    const [compiler, ...first] = target.compiler
    const options = ['-std=gnu11', '-O2', '-ffp-contract=off', `-I${join(NATIVE, 'src')}`, `-I${folder.at('.')}`]
    const sources = [folder.at('module.c'), folder.at('main.c')]
    execFileSync(compiler, [...first, ...options, ...flags, ...more, ...sources, '-lm', '-o', binary], {
      stdio: 'pipe',
    })
    started(target, binary, [folder.write('vectors', vectors), folder.at('results')])
    const found = new Uint8Array(readFileSync(folder.at('results')))
    expect(found.length).toBe(RESULTS)
    const wrong = NAMES.filter((operation, i) => {
      const words = [expected, found].map((all) => {
        const size = RESULTS / NAMES.length
        return new Uint32Array(all.slice(i * size, (i + 1) * size).buffer).map(
          FLOATS.includes(operation) ? plainNaN : (x) => x,
        )
      })
      const differ = (others: Uint32Array) => words[1].some((word, at) => word !== others[at])
      return differ(words[0]) && !(operation === 'f32x4.relaxed_madd' && !differ(fused(words[1]).map(plainNaN)))
    })
    expect(wrong).toEqual([])
  })
})

test('every operation that the module of kernels asks for is among these', () => {
  const { source } = translate(readWasm('relaxed'), 'dynedge')
  const used = new Set(source.match(/\bv128_[a-z0-9_]+(?=\()/g))
  const { source: tested } = translate(new Uint8Array(readFileSync(folder.at('ops.wasm'))), 'ops')
  const covered = new Set(tested.match(/\bv128_[a-z0-9_]+(?=\()/g))
  const lanes = (name: string) => name.replace(/lane\d+$/, 'lane')
  const known = new Set([...covered].map(lanes))
  expect([...used].filter((name) => !known.has(lanes(name)) && name !== 'v128_i64x2_make')).toEqual([])
})
