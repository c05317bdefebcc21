import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkedBundles } from '../api/bundles.ts'
import { LABELS, smallBundle } from '../helpers/bundles.ts'
import { ROOT, temporary } from '../native/support.ts'
import { BUILT, builtPrograms, bundled, ran, SANITIZED } from './host.ts'
import { stressFile } from './stress.ts'

// npm run sanitize:native: React Native's module under AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer. `--write`
// puts what ran into native/RESULTS.md. ONLY=address or ONLY=thread runs one of them.

const ROUNDS = '30'
/** Of the part of native/RESULTS.md. */
const TITLE = "React Native's module under sanitizers"
const folder = temporary()
const env = {
  // JavaScriptCore takes terabytes of addresses, catches signals and keeps what it took until the end.
  ASAN_OPTIONS: 'detect_leaks=0:handle_segv=0:allow_user_segv_handler=1:halt_on_error=1',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  TSAN_OPTIONS: `halt_on_error=1:report_signal_unsafe=0:suppressions=${folder.write('suppressions', 'called_from_lib:libjavascriptcoregtk-4.1.so\n')}`,
}

try {
  const { small, seven, headless, damaged, forged, int8 } = checkedBundles()
  const checked = Object.entries({ small, seven, headless, damaged, forged, int8, labels: JSON.stringify(LABELS) })
  const bundle = folder.write('bundle', smallBundle())
  const read = folder.write('file.bin', new Uint8Array(3_000_000))
  const reading = (first: string) => [
    folder.write(`${first}.json`, JSON.stringify([read, `${read}.not`, dirname(read), first])),
    read,
  ]
  const api = await bundled('app/network.ts', folder, 'android', BUILT)
  const own = (name: string) => bundled(`app/${name}.ts`, folder)
  const teardown = await own('teardown')
  const runs = [
    [await own('module')],
    [await own('later')],
    [await own('turns'), bundle],
    [teardown, bundle, folder.write('module', '')],
    [teardown, bundle, folder.write('runtime', '1')],
    [await own('reading'), ...reading('module')],
    [await own('reading'), ...reading('runtime')],
    [api, ...checked.map(([name, data]) => folder.write(name, data))],
  ]
  const stress = await stressFile(folder)
  const rows = new Map<string, string>()
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim()
  for (const [name, kind] of Object.entries(SANITIZED)) {
    if (process.env.ONLY && process.env.ONLY !== name) continue
    const programs = builtPrograms(kind)
    const started = (program: string, args: string[]) => {
      const start = performance.now()
      const lines = ran(join(programs, program), args, { timeout: 600_000, env })
      const seconds = ((performance.now() - start) / 1000).toFixed(0)
      console.log(`${name}: ${program} ${args[0].replace(/.*\//, '')}, ${seconds} s, ${lines.length} lines`)
      return lines
    }
    const [counts] = started('dynedge-stress', [stress, ROUNDS, '1'])
    const said = Object.entries(JSON.parse(counts)).map(([what, count]) => `${count} ${what}`)
    let lines = 0
    for (const run of runs) lines += started('dynedge-jsc-host', run).length
    rows.set(name, `| ${name} | ${commit} | ${ROUNDS} | ${said.join(', ')} | ${lines} |`)
  }
  if (process.argv.includes('--write')) write(rows)
  else console.log([...rows.values()].join('\n'))
} finally {
  folder.clean()
}

function write(made: Map<string, string>): void {
  const path = join(ROOT, 'native', 'RESULTS.md')
  const [before, ...others] = readFileSync(path, 'utf8')
    .trimEnd()
    .split(/\n+## /)
  const ours = others.findIndex((part) => part.startsWith(TITLE))
  const [last = ''] = ours < 0 ? [] : others.splice(ours, 1)
  // What did not run keeps its row.
  const rows = new Map(Array.from(last.matchAll(/^\| (address|thread) \| .*$/gm), ([row, name]) => [name, row]))
  for (const [name, row] of made) rows.set(name, row)
  const text = `${TITLE}

Made by \`npm run sanitize:native -- --write\`, gcc; all of it ended without a report. Jobs of rounds of test/react-native/host/stress.cpp, the module's
threads without JavaScript, and results of the scripts of test/react-native/app in JavaScriptCore, which is not instrumented itself.

| sanitizer | at | rounds | jobs | results |
| --- | --- | --- | --- | --- |
${[...rows.values()].join('\n')}`
  writeFileSync(path, `${[before, ...others, text].join('\n\n## ')}\n`)
}
