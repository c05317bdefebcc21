import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seed } from '../helpers/wasm.ts'
import { temporary } from '../native/support.ts'
import { builtPrograms, ran } from './host.ts'
import { stressFile } from './stress.ts'

// With sanitizers: npm run sanitize:native.

const folder = temporary()
let programs: string
beforeAll(() => {
  programs = builtPrograms()
}, 600_000)
afterAll(() => folder.clean())

test('instances that are started, cancelled, disposed of and forgotten at random', async () => {
  const args = [await stressFile(folder), '9', String(seed)]
  const [line] = ran(join(programs, 'dynedge-stress'), args)
  const { runs, times, digests, aborted, disposed, dropped } = JSON.parse(line)
  expect(runs + times, `SEED=${seed}`).toBeGreaterThan(0)
  expect(digests, `SEED=${seed}`).toBeGreaterThan(0)
  expect(aborted + disposed + dropped, `SEED=${seed}`).toBeGreaterThan(0)
})
