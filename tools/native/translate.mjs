// WebAssembly -> C, by wasm2c of wabt, without what a module of our kind does not need: tables, exceptions, growing memory.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from '../engines.mjs'

const folder = dirname(fileURLToPath(import.meta.url))

/** Runs a program of wabt: wasm2c, wat2wasm. Installs it the first time. */
export function wabt(program, parameters) {
  install(folder)
  execFileSync(process.execPath, [join(folder, 'node_modules', 'wabt', 'bin', program), ...parameters])
}

/** Operations of relaxed SIMD, which wasm2c refuses: what each takes, after its vectors gives one. native/src/simd.h has them. */
const RELAXED = {
  'f32x4.relaxed_madd': 3,
  'i32x4.relaxed_dot_i8x16_i7x16_add_s': 3,
  'i16x8.relaxed_dot_i8x16_i7x16_s': 2,
  'i16x8.relaxed_q15mulr_s': 2,
}

/** The same module with calls of imported functions, `relaxed.<operation>`, in place of relaxed SIMD. */
function withoutRelaxed(place) {
  const [from, text, to] = ['relaxed.wasm', 'module.wat', 'module.wasm'].map((file) => join(place, file))
  wabt('wasm2wat', [from, '--enable-relaxed-simd', '--generate-names', '-o', text])
  const name = (operation) => operation.replace('.', '_')
  const imports = Object.entries(RELAXED).map(
    ([operation, vectors]) =>
      `(import "relaxed" "${name(operation)}" (func $${name(operation)} (param${' v128'.repeat(vectors)}) (result v128)))`,
  )
  const module = readFileSync(text, 'utf8')
    .replace('(module', `(module\n${imports.join('\n')}`)
    .replaceAll(/\b\w+\.relaxed_\w+/g, (operation) => {
      if (!RELAXED[operation])
        throw new Error(`The module has ${operation}, which tools/native/translate.mjs does not know`)
      return `call $${name(operation)}`
    })
  writeFileSync(text, module)
  wabt('wat2wasm', [text, '-o', to])
}

/**
 * C of a module without imports of its own, over native/src/wasm-rt.h: `{ header, source }`. Its functions are named w2c_<name>_...; equal modules give
 * equal text.
 */
export function translate(wasm, name) {
  const place = mkdtempSync(join(tmpdir(), 'dynedge-w2c-'))
  try {
    writeFileSync(join(place, 'relaxed.wasm'), wasm)
    withoutRelaxed(place)
    wabt('wasm2c', [join(place, 'module.wasm'), '--module-name', name, '-o', join(place, 'module.c')])
    const [header, source] = ['module.h', 'module.c'].map((file) => readFileSync(join(place, file), 'utf8'))
    return { header: ownHeader(header, name), source: ownSource(source, name) }
  } finally {
    rmSync(place, { recursive: true })
  }
}

const NOTE =
  '/* Made by npm run build:native, with wasm2c of wabt (https://github.com/WebAssembly/wabt, Apache-2.0). */\n'

function ownHeader(text, name) {
  const struct = between(text, `typedef struct w2c_${name} {`, `} w2c_${name};\n`).replace(
    /^ *struct w2c_relaxed\b.*\n/m,
    '',
  )
  const functions = text.match(new RegExp(`^[\\w*]+ w2c_${name}_\\w+\\(.*\\);$`, 'gm'))
  const guard = `DYNEDGE_MODULE_${name.toUpperCase()}_H`
  const declared = [`void wasm2c_${name}_instantiate(w2c_${name}*);`, ...functions].map(
    (line) => `MODULE_FUNCTION ${line}`,
  )
  // `static` where a file includes the module, to have it all a second time.
  const linkage = '#ifndef MODULE_FUNCTION\n#define MODULE_FUNCTION\n#endif\n'
  return `${NOTE}#ifndef ${guard}\n#define ${guard}\n#include "wasm-rt.h"\n\n${struct}\n${linkage}${declared.join('\n')}\n\n#endif\n`
}

function ownSource(text, name) {
  const start = text.lastIndexOf('// clang-format on\n')
  if (start < 0) throw new Error('wasm2c wrote another file than that of wabt 1.0.39')
  let body = text
    .slice(start)
    .replace('// clang-format on\n', '')
    .replaceAll(/^FUNC_TYPE_T\(.*\n/gm, '')
    .replaceAll(/^#if WASM_RT_USE_SEGUE_FOR_THIS_MODULE\n#if [\s\S]*?\n#endif\n[\s\S]*?#endif\n/gm, '')
    .replaceAll(/^#if WASM_RT_USE_SEGUE_FOR_THIS_MODULE &&[\s\S]*?#endif\n/gm, '')
    .replace(/^ *assert\(wasm_rt_is_initialized\(\)\);\n/m, '')
    .replace(/^ *wasm_rt_allocate_memory\(.*\n/m, '')
  for (const [from, to] of [
    [`wasm_rt_func_type_t wasm2c_${name}_get_func_type(`, '\n}\n'],
    [`void wasm2c_${name}_free(`, '\n}\n'],
    ['static void init_instance_import(', '\n}\n'],
  ])
    body = body.replace(between(body, from, to), '')
  body = body
    .replace(', struct w2c_relaxed* w2c_relaxed_instance', '')
    .replace(/^ *init_instance_import\(.*\n/m, '')
    .replaceAll(/\bw2c_relaxed_(\w+)\(instance->w2c_relaxed_instance, /g, 'v128_$1(')
    .replaceAll('simde_wasm_v128_', 'v128_')
    .replaceAll('simde_wasm_', 'v128_')
    .replaceAll(/^ *FUNC_EPILOGUE;\n/gm, '')
  const parts = body.split(/^ *FUNC_PROLOGUE;\n/m)
  // A copy in registers: through `instance` every store would make the compiler read address and size again.
  const functions = parts.slice(1).map((part) => {
    const own = part.replaceAll('&instance->w2c_memory', '&memory')
    return own === part ? part : `const wasm_rt_memory_t memory = instance->w2c_memory;\n${own}`
  })
  const lines = [parts[0], ...functions]
    .join('')
    .replaceAll(/^ +/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
  const foreign = lines.match(/\b(simde_\w*|FUNC_\w+|wasm_rt_(?!memory_t)\w+|segue\w*|w2c_relaxed\w*)/)
  if (foreign) throw new Error(`The translation still has ${foreign[0]}, which native/src has not`)
  return `${NOTE}#include "module.h"\n\n${lines.trim()}\n`
}

function between(text, from, to) {
  const start = text.indexOf(from)
  const end = text.indexOf(to, start)
  if (start < 0 || end < 0) throw new Error(`wasm2c wrote no ${from}`)
  return text.slice(start, end + to.length)
}
