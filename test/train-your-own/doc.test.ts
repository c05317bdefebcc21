import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { ElementHandle } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readStateDict } from '../../src/bundle/safetensors.ts'
import { openBrowser } from '../browser/page.ts'
import { json, ROOT, temporary } from '../cli/support.ts'
import { serveFolder } from '../models-package/serve.ts'
import { CLASSES, writePictures } from './pictures.ts'

// Runs docs/train-your-own.md from its first `sh` block to its last, on coloured shapes.
const doc = readFileSync(join(ROOT, 'docs', 'train-your-own.md'), 'utf8')
const blocks = (language: string) =>
  [...doc.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, code]) => code)
const commands = blocks('sh')
/** The page's recipe is for photographs; shapes need fewer epochs. `batched` needs no compiler. */
const TOY = ' --set train.epochs=3 --set train.batch=16 --form batched --threads 1 --device cpu'

/** What a configuration that does not say it means. */
const IMAGENET: Record<string, number[]> = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
const toml = (key: string): number[] | undefined => {
  const found = new RegExp(`^${key} = (\\[.*?\\])`, 'm').exec(blocks('toml')[0])
  return found ? JSON.parse(found[1]) : undefined
}

const probe = 'import matplotlib, numpy, PIL, safetensors, torch, tqdm'
const hasPython = spawnSync('python', ['-c', probe], { stdio: 'ignore' }).status === 0
if (!hasPython)
  console.warn(
    'docs/train-your-own.md is NOT tested: python lacks what models/requirements.txt lists (.ci/run --python).',
  )

const { folder, at, clean } = temporary()
let unseen: Map<string, string[]>

/** Runs a block of the page as a reader would, in a folder that looks like a checkout. */
function run(block: string): string {
  const command = block.replace(/(?<=-m dynedge_train .*)$/m, TOY)
  const env = { ...process.env, OMP_NUM_THREADS: '1' }
  return execFileSync('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: folder,
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

beforeAll(async () => {
  for (const name of ['dist', 'examples', 'models', 'node_modules', 'package.json'])
    symlinkSync(join(ROOT, name), at(name), 'junction')
  await writePictures(at('photos/train'), 32, 1)
  await writePictures(at('photos/val'), 8, 2)
  unseen = await writePictures(at('unseen'), 4, 3)
})
afterAll(clean)

test("The configuration that the page shows is the example's", () => {
  const plain = (text: string) => text.replace(/ *#.*/g, '').trim()
  const example = readFileSync(join(ROOT, 'examples', 'train-your-own', 'photos.toml'), 'utf8')
  expect(plain(blocks('toml')[0])).toBe(plain(example))
})

describe.skipIf(!hasPython)('docs/train-your-own.md on coloured shapes (wants Python packages)', () => {
  test('Every command works: weights, training, bundle, evaluation, page', () => {
    const [unpack, train, pack, classify, copy, ...more] = commands
    expect(more).toEqual([])
    run(unpack)
    // Weights go on from what they have seen only if pictures are normalised as before.
    const { metadata } = readStateDict(readFileSync(at('start.safetensors')))
    for (const key of ['mean', 'std']) expect(toml(key) ?? IMAGENET[key], key).toEqual(JSON.parse(metadata.get(key)!))
    run(train)
    const result = JSON.parse(readFileSync(at('run/result.json'), 'utf8'))
    expect(result.n).toBe(24)
    expect(result.correct).toBeGreaterThanOrEqual(23)
    expect(run(pack)).toMatch(/photos w8/)
    expect(run(classify)).toMatch(/val\/red circle\/0\.jpg/)
    run(copy)
  }, 600_000)

  test('Node names pictures that training never saw', () => {
    const model = ['--model', at('photos.w8.safetensors')]
    for (const [name, files] of unseen) {
      const { results } = json(['run', ...files, ...model])
      for (const { file, top } of results) {
        expect(top.map(({ label }: { label: string }) => label).sort()).toEqual(CLASSES)
        expect(`${file}: ${top[0].label}`).toBe(`${file}: ${name}`)
      }
    }
  }, 180_000)

  test('So does the page, by the same probabilities', async () => {
    const server = await serveFolder(at('page'))
    const { page, complaints, close } = await openBrowser()
    try {
      await page.goto(`${server.origin}/`)
      await page.waitForSelector('#file:enabled')
      for (const [name, [file]] of unseen) {
        await page.$eval('#answers', (answers) => answers.replaceChildren())
        const input = (await page.$('#file')) as ElementHandle<HTMLInputElement>
        await input.uploadFile(file)
        await page.waitForSelector('#answers li')
        expect(await page.$eval('#answers li', (item) => item.firstChild!.textContent)).toBe(name)
        const [{ top }] = json(['run', file, '--model', at('photos.w8.safetensors')]).results
        // JPEG decoders differ by a level here and there.
        expect(await page.$eval('meter', (meter) => meter.value)).toBeCloseTo(top[0].probability, 1)
      }
      expect(complaints).toEqual([])
    } finally {
      await close()
      server.close()
    }
  }, 180_000)
})
