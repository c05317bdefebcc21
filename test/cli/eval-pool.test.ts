import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runPool } from '../../src/cli/eval/pool.ts'
import { temporary } from './support.ts'

const { at, clean } = temporary()
const script = pathToFileURL(at('worker.mjs'))
afterAll(clean)

// Squares numbers; does something worse for words.
beforeAll(() => {
  writeFileSync(
    at('worker.mjs'),
    `import { parentPort, workerData, threadId } from 'node:worker_threads'
let held = 0
let begun = false
const { together } = workerData
parentPort.on('message', ({ id, task }) => {
  held += 1
  const most = held
  if (together && !begun) Atomics.add(together.begun, 0, 1)
  begun = true
  setTimeout(function answer() {
    // A machine that is busy brings the last worker up when the others could have done all.
    if (together && Atomics.load(together.begun, 0) < together.workers) return setTimeout(answer, 2)
    held -= 1
    if (task === 'exit') process.exit(3)
    if (task === 'throw') throw new Error('out of luck')
    parentPort.postMessage({ id, result: { square: task * task, most, threadId } })
  }, workerData.ms)
})
if (workerData.broken === 'throw') throw new Error('no such module')
if (workerData.broken === 'say') parentPort.postMessage({ failed: { message: 'damaged', code: 'damaged-bundle' } })
else parentPort.postMessage({ ready: true })
`,
  )
})

interface Found {
  square: number
  most: number
  threadId: number
}

interface Data {
  ms?: number
  broken?: string
  /** No worker answers before all have a task. */
  together?: { begun: Int32Array; workers: number }
}

async function run(tasks: (number | string)[], workers: number, data: Data = {}) {
  const results = new Map<number, Found>()
  const lost = new Map<number, string>()
  await runPool<number | string, Found>({
    script,
    data: { ms: 2, ...data },
    tasks,
    workers,
    onResult: (id, result) => {
      expect(results.has(id)).toBe(false)
      results.set(id, result)
    },
    onLost: (id, reason) => lost.set(id, reason),
  })
  return { results, lost }
}

const numbers = Array.from({ length: 60 }, (_, i) => i)

test('Every task is done once, by all workers, few at a time in each', async () => {
  const together = { begun: new Int32Array(new SharedArrayBuffer(4)), workers: 3 }
  const { results, lost } = await run(numbers, 3, { together })
  expect([...results].sort(([a], [b]) => a - b).map(([, { square }]) => square)).toEqual(numbers.map((n) => n * n))
  expect(lost.size).toBe(0)
  expect(new Set([...results.values()].map(({ threadId }) => threadId)).size).toBe(3)
  const most = Math.max(...[...results.values()].map(({ most }) => most))
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
})

test('No tasks', async () => {
  expect((await run([], 2)).results.size).toBe(0)
})

test.each(['exit', 'throw'])('A task that kills its worker (%s) is lost, and no other', async (word) => {
  const tasks = numbers.map((n) => (n === 5 || n === 6 || n === 40 ? word : n))
  const { results, lost } = await run(tasks, 2)
  expect([...lost.keys()].sort((a, b) => a - b)).toEqual([5, 6, 40])
  for (const reason of lost.values())
    expect(reason).toBe(`the worker died of it: ${word === 'exit' ? 'it ended with exit code 3' : 'out of luck'}`)
  expect(results.size).toBe(numbers.length - 3)
})

test('Workers that die again and again end the run', async () => {
  await expect(
    run(
      numbers.map(() => 'exit'),
      2,
    ),
  ).rejects.toThrow(/17 workers died, the last because: it ended with exit code 3\. Try fewer \(--workers 1\)/)
})

test('A worker that cannot start ends the run, with its reason', async () => {
  await expect(run(numbers, 2, { broken: 'throw' })).rejects.toThrow('A worker could not start: no such module')
  await expect(run(numbers, 2, { broken: 'say' })).rejects.toMatchObject({ message: 'damaged', code: 'damaged-bundle' })
})

test('An error in the receiver ends the run', async () => {
  const options = { script, data: { ms: 1 }, tasks: numbers, workers: 2, onLost: () => {} }
  await expect(
    runPool({
      ...options,
      onResult: () => {
        throw new Error('disk full')
      },
    }),
  ).rejects.toThrow('disk full')
})
