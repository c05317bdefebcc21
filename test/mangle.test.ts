import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { INTERNAL_NAMES } from '../tools/internal-names.mjs'
import { smallBundle } from './helpers/bundles.ts'

// Names that the build shortens in a page's scripts (tools/internal-names.mjs) must be nobody else's.

const root = fileURLToPath(new URL('../', import.meta.url))
const PAGE = [
  'src/browser.ts',
  'src/worker/page-worker.ts',
  'src/worker/more.ts',
  'src/inline.ts',
  'src/inline/inline-worker.ts',
]
const config = ts.parseJsonConfigFileContent(
  ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config,
  ts.sys,
  root,
)
const program = ts.createProgram(
  PAGE.map((file) => root + file),
  config.options,
)
const checker = program.getTypeChecker()
const own = program
  .getSourceFiles()
  .filter(({ fileName }) => /\/(src|assembly)\//.test(fileName.slice(root.length - 1)))

const visit = (node: ts.Node, see: (node: ts.Node) => void): void => {
  see(node)
  ts.forEachChild(node, (child) => visit(child, see))
}
const shared = (names: Iterable<string>) => [...new Set(names)].filter((name) => INTERNAL_NAMES.includes(name))

/** Names of all properties that a type has, and the types of those, as far as they are declared here. */
function reachable(type: ts.Type, names: Set<string>, seen = new Set<ts.Type>()): void {
  if (seen.has(type)) return
  seen.add(type)
  if (type.isUnionOrIntersection()) for (const part of type.types) reachable(part, names, seen)
  for (const argument of checker.getTypeArguments(type as ts.TypeReference)) reachable(argument, names, seen)
  for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) {
    reachable(signature.getReturnType(), names, seen)
    for (const parameter of signature.parameters) reachable(checker.getTypeOfSymbol(parameter), names, seen)
  }
  for (const property of checker.getPropertiesOfType(type)) {
    const declaration = property.declarations?.[0]
    const hidden = declaration && ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private
    if (!declaration || hidden || !own.includes(declaration.getSourceFile())) continue
    names.add(property.name)
    reachable(checker.getTypeOfSymbol(property), names, seen)
  }
}

function exportsOf(file: string): ts.Symbol[] {
  return checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(root + file)!)!)
}

function typeOf(symbol: ts.Symbol): ts.Type {
  const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  return real.flags & ts.SymbolFlags.Value ? checker.getTypeOfSymbol(real) : checker.getDeclaredTypeOfSymbol(real)
}

test.each([
  ['the public API', 'src/browser.ts', 40],
  ['messages to a worker', 'src/worker/protocol.ts', 40],
  ['messages to a thread', 'src/runtime/threads/team.ts', 3],
])('no name of %s is shortened', (_, file, least) => {
  const names = new Set<string>()
  for (const symbol of exportsOf(file))
    if (!['Host', 'Link', 'Sendable', 'Hand', 'teamOpener'].includes(symbol.name)) reachable(typeOf(symbol), names)
  expect(names.size).toBeGreaterThan(least)
  expect(shared(names)).toEqual([])
})

test('no name of the platform is shortened', () => {
  const names = new Set<string>()
  for (const file of program.getSourceFiles())
    if (/\/lib\.[\w.]+\.d\.ts$/.test(file.fileName))
      visit(file, (node) => {
        const { name } = node as ts.NamedDeclaration
        const member = ts.isTypeElement(node) || ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node)
        if (member && name && ts.isIdentifier(name)) names.add(name.text)
      })
  expect(names.size).toBeGreaterThan(5000)
  expect(shared(names)).toEqual([])
})

test('no name of a bundle or of a binary is shortened', () => {
  const names: string[] = []
  const collect = (value: unknown): unknown =>
    JSON.stringify(value, (key, inner) => {
      names.push(key)
      // Whatever its author wrote; nothing reads it.
      return key === 'provenance' ? undefined : inner
    })
  for (const precision of ['f32', 'w8'] as const) {
    const bundle = smallBundle(precision)
    const length = new DataView(bundle.buffer, bundle.byteOffset).getUint32(0, true)
    const header = JSON.parse(new TextDecoder().decode(bundle.subarray(8, 8 + length)))
    collect(header)
    collect(JSON.parse(header.__metadata__.dynedge))
  }
  const wasm = new WebAssembly.Module(readFileSync(`${root}dist/dynedge.simd.wasm`))
  names.push(...WebAssembly.Module.exports(wasm).map(({ name }) => name))
  expect(names).toEqual(expect.arrayContaining(['provenance', 'crc32c', 'heapBase', 'data_offsets']))
  expect(shared(names)).toEqual([])
})

test('no name that a chunk exports, or that the sources write as a string, is shortened', () => {
  const chunks: string[] = []
  const quoted: string[] = []
  for (const file of own)
    visit(file, (node) => {
      if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
        const symbol = checker.getSymbolAtLocation(node.arguments[0])
        chunks.push(...checker.getExportsOfModule(symbol!).map(({ name }) => name))
      }
      const written =
        (ts.isElementAccessExpression(node) && node.argumentExpression) ||
        (ts.isPropertyAssignment(node) && ts.isStringLiteral(node.name) && node.name) ||
        (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InKeyword && node.left)
      if (!written) return
      if (ts.isTemplateExpression(written)) quoted.push(...INTERNAL_NAMES.filter((name) => matches(written, name)))
      else if (ts.isStringLiteralLike(written)) quoted.push(written.text)
    })
  expect(chunks).toContain('inBands')
  expect(quoted).toContain('videoWidth')
  expect(shared([...chunks, ...quoted])).toEqual([])
})

function matches({ head, templateSpans }: ts.TemplateExpression, name: string): boolean {
  const rest = templateSpans.map(({ literal }) => literal.text)
  return name.startsWith(head.text) && name.endsWith(rest.at(-1)!)
}

test('every internal name is one of the sources, and is in no script that a page gets', () => {
  const used = new Set<string>()
  for (const file of own) visit(file, (node) => ts.isIdentifier(node) && used.add(node.text))
  expect(INTERNAL_NAMES.filter((name) => !used.has(name))).toEqual([])
  const scripts = readdirSync(`${root}dist`).filter((name) => /^(browser|inline)\..*js$/.test(name))
  expect(scripts.length).toBeGreaterThan(5)
  for (const name of scripts) {
    const code = readFileSync(`${root}dist/${name}`, 'utf8').replaceAll(/"\.\/[^"]*"/g, '')
    const found = code.match(/(?<=\.)[A-Za-z_]\w*\b|(?<=[{,])[A-Za-z_]\w*(?=:)/g)
    // Of two letters, any local name may be in a script that is one.
    expect(
      shared(found ?? []).filter((word) => word.length > 2 || name.startsWith('browser')),
      name,
    ).toEqual([])
  }
})
