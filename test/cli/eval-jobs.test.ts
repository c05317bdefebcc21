import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeClasses } from './eval-support.ts'
import { ROOT, temporary, writeBundleFile } from './support.ts'

/** A minute on a busy machine is soon over with so many starts of the command line. */
const PATIENCE = 180_000

// Runs the commands of examples/jobs/ as a scheduler would, with a `dynedge` on the PATH.
const { at, folder, clean } = temporary()
const job = (name: string) => join(ROOT, 'examples/jobs', name)
const read = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'))

beforeAll(async () => {
  writeBundleFile(at('net.safetensors'), 'fix-mobile', 'w8')
  await writeClasses(at('val'), { cat: 3, dog: 3, ship: 2, frog: 2 })
  writeFileSync(at('dynedge'), `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'dist/cli.js')}" "$@"\n`)
  chmodSync(at('dynedge'), 0o755)
})
afterAll(clean)

function run(command: string, args: string[], env: Record<string, string> = {}) {
  const path = `${folder}:${process.env.PATH}`
  const options = { cwd: folder, encoding: 'utf8' as const, env: { ...process.env, PATH: path, ...env } }
  const { status, stderr } = spawnSync(command, args, options)
  return { status, stderr }
}

test(
  'slurm.sh: an array of two, and the merging job of its head',
  () => {
    const slurm = { SLURM_ARRAY_TASK_COUNT: '2', SLURM_CPUS_PER_TASK: '1' }
    for (const id of ['1', '2'])
      expect(
        run('bash', [job('slurm.sh'), 'net.safetensors', 'val', 'slurm'], { ...slurm, SLURM_ARRAY_TASK_ID: id }).status,
      ).toBe(0)
    const wrapped = /--wrap "(.*)"/.exec(readFileSync(job('slurm.sh'), 'utf8'))![1].replaceAll('results/', 'slurm/')
    expect(run('sh', ['-c', wrapped])).toMatchObject({ status: 0 })
    expect(readFileSync(at('slurm/page.html'), 'utf8')).toContain('Worst mistakes')
    expect(read('slurm/eval-2.json').shards).toEqual({ of: 2, have: [2] })
  },
  PATIENCE,
)

test(
  'kubernetes.yaml: the first and the last part; merging misses the others',
  () => {
    const yaml = readFileSync(job('kubernetes.yaml'), 'utf8')
    const here = (script: string) => script.replaceAll('/images/', './').replaceAll('/results/', './')
    const part = here(/args:\n +- \|\n((?: {14}.*\n)+)/.exec(yaml)![1])
    for (const index of ['0', '7']) expect(run('sh', ['-c', part], { JOB_COMPLETION_INDEX: index }).status).toBe(0)
    expect(yaml).toMatch(/completions: 8\n/)
    expect(read('eval-1-of-8.json').shards).toEqual({ of: 8, have: [1] })
    expect(read('eval-8-of-8.json').shards).toEqual({ of: 8, have: [8] })
    const merged = run('sh', ['-c', here(/- (exec .*--merge.*)\n/.exec(yaml)![1])])
    expect(merged.status).toBe(1)
    expect(merged.stderr).toContain('6 of 8 parts are missing: 2/8, 3/8, 4/8, 5/8, 6/8, 7/8')
  },
  PATIENCE,
)

const hasPython = spawnSync('python3', ['--version']).status === 0

/** What the script uses of Ray, done at once. */
const RAY = `
init = lambda: None
get = lambda values: values
def remote(num_cpus, max_retries):
    assert num_cpus > 0 and max_retries > 0
    class Task:
        def __init__(self, function): self.remote = function
    return Task
`

test.skipIf(!hasPython)(
  'ray_eval.py: all parts, and the page',
  () => {
    writeFileSync(at('ray.py'), RAY)
    const env = { PYTHONPATH: folder }
    expect(run('python3', [job('ray_eval.py'), 'net.safetensors', 'val', 'ray', '--parts', '2'], env)).toMatchObject({
      status: 0,
    })
    expect(existsSync(at('ray/page.html'))).toBe(true)
    const wrong = run('python3', [job('ray_eval.py'), 'net.safetensors', 'none', 'ray', '--parts', '2'], env)
    expect(wrong.status).toBe(1)
    expect(wrong.stderr).toMatch(/RuntimeError: dynedge eval .*none: no such folder/)
  },
  PATIENCE,
)
