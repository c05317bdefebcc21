import { expect, test } from 'vitest'
import { firstLabels, ownWork } from '../../bench/camera/first-label.ts'
import { mainThreads } from '../../bench/camera/main-thread.ts'
import { resultsText } from '../../bench/camera/results.ts'
import { machine } from '../../bench/machine.ts'

// The measurements of `npm run measure:page` measure what they say; how long anything takes is for bench/camera/RESULTS.md.
// Of memory: test/browser/memory.test.ts.

const MODEL = new URL('../../models/dynedge-models/dy-mobile-200/dy-mobile-200.int8.safetensors', import.meta.url)
const origin = { machine: machine(), browser: 'a browser', commit: 'a commit', date: 'today', model: 'a model' }

test.each([false, true])(
  'first-label: stages follow each other, and the bundle is fetched once, cache: %s',
  async (cache) => {
    const measured = await firstLabels(MODEL, 2, cache)
    expect(measured.cached).toHaveLength(2)
    expect(measured.fetchesOfBundle).toBe(1)
    for (const visit of [measured.cold, ...measured.cached]) {
      const { script, import: imported, weights, read, loaded, camera, asked, answered, label } = visit
      const stages = [0, script, imported, weights, read, loaded, asked, answered, label]
      expect(stages).toEqual([...stages].sort((a, b) => a - b))
      expect(camera).toBeGreaterThan(script)
      expect(camera).toBeLessThanOrEqual(asked)
      expect(ownWork(visit)).toBeGreaterThan(loaded)
      expect(ownWork(visit)).toBeLessThanOrEqual(label)
    }
    expect(resultsText({ firstLabel: { ...origin, browserCache: measured, cache: measured } })).toMatch(
      /\*\*our own work\*\* \| \d/,
    )
  },
)

test('main-thread: sees the tasks of both pages, and scripts of dynedge in one', async () => {
  const { dynedge, control } = await mainThreads(MODEL, 2)
  expect(dynedge.frames).toBeGreaterThan(0)
  expect(control.frames).toBe(0)
  expect(control.longestOfDynedge).toBeUndefined()
  for (const { tasks, longest, frameGap, messageGap } of [dynedge, control]) {
    expect(tasks).toBeGreaterThan(100)
    expect(Math.min(longest.clock, longest.processor, frameGap, messageGap)).toBeGreaterThan(0)
  }
  // The answers of the worker are heard in such.
  expect(dynedge.longestOfDynedge!.while).toMatch(/\w/)
  expect(dynedge.longestOfDynedge!.processor).toBeLessThanOrEqual(dynedge.longest.processor)
  expect(resultsText({ mainThread: { ...origin, dynedge, control } })).toMatch(
    /tasks of dynedge over 16 ms \| \d+ \| 0/,
  )
})
