#!/usr/bin/env node
import { constants } from 'node:fs'
import { access, copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { load } from 'dynedge'
import sharp from 'sharp'

const HELP = `node sort.js FOLDER [options]

Moves the photographs of a folder into folders by what is in them: FOLDER/goldfish/IMG_1.jpg. What the network is not sure of
stays where it is. Nothing is ever overwritten.

  --to FOLDER      where the folders go (default: FOLDER itself)
  --at-least N     how sure the network must be, 0 to 1 (default: 0.5)
  --copy           copy instead of moving
  --dry-run        only say what would be done
  --model NAME     network of dynedge-models, or path of a bundle (default: dy-mobile-200/int8)
  --help`

const PICTURE = /\.(jpe?g|png|webp|avif|gif|tiff?)$/i
const percent = (share) => `${Math.round(share * 100)} %`
/** What every file system takes for a name. */
const folderName = (label) => label.replace(/[^\p{L}\p{N} '._-]/gu, '_').replace(/[. ]+$/, '_')
const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  )

process.exitCode = await main().catch((error) => {
  console.error(`sort: ${error.message}`)
  return 1
})

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      to: { type: 'string' },
      'at-least': { type: 'string', default: '0.5' },
      copy: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      model: { type: 'string', default: 'dy-mobile-200/int8' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void console.log(HELP)
  if (positionals.length !== 1) throw new Error(`expected one folder, got ${positionals.length}\n\n${HELP}`)
  const [folder] = positionals
  const atLeast = Number(values['at-least'])
  if (!(atLeast >= 0 && atLeast <= 1)) throw new Error(`--at-least is ${values['at-least']}, expected 0 to 1`)
  const files = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && PICTURE.test(entry.name))
    .map(({ name }) => name)
    .sort()
  if (!files.length) return void console.log(`No photographs in ${folder}.`)

  const net = await load(await addressOf(values.model))
  const place = { folder, to: values.to ?? folder, copy: values.copy, dryRun: values['dry-run'], taken: new Set() }
  const counts = { sorted: 0, unsure: 0, unreadable: 0 }
  const width = Math.max(...files.map(({ length }) => length))
  for (const file of files) {
    const { outcome, text } = await sort(net, file, atLeast, place)
    ++counts[outcome]
    console.log(`${file.padEnd(width)}  ${text}`)
  }
  net.dispose()
  const done = place.dryRun ? `would be ${place.copy ? 'copied' : 'moved'}` : place.copy ? 'copied' : 'moved'
  console.log(`\n${counts.sorted} ${done}, ${counts.unsure} unsure, ${counts.unreadable} unreadable`)
  return counts.unreadable ? 1 : 0
}

/** Address of a network of dynedge-models; a path as it is. */
async function addressOf(model) {
  if (model.endsWith('.safetensors')) return model
  try {
    return (await import(`dynedge-models/${model}`)).default
  } catch (cause) {
    const { networks } = await import('dynedge-models')
    const names = networks.map(({ name }) => name).join(', ')
    throw new Error(`--model is ${model}, expected a path or one of ${names}`, { cause })
  }
}

async function sort(net, file, atLeast, { folder, to, copy, dryRun, taken }) {
  const from = join(folder, file)
  let label, probability
  try {
    ;[{ label, probability }] = await net.classify(await pixelsOf(from), { topK: 1 })
  } catch ({ message }) {
    return { outcome: 'unreadable', text: `cannot be read: ${message}` }
  }
  const sure = `${percent(probability).padStart(5)}  ${label}`
  if (probability < atLeast) return { outcome: 'unsure', text: `${sure}, not sure enough` }
  const target = await freePath(join(to, folderName(label)), file, taken)
  if (!dryRun) {
    await mkdir(join(to, folderName(label)), { recursive: true })
    // Also to another disk, where a file cannot be renamed to.
    await copyFile(from, target, constants.COPYFILE_EXCL)
    if (!copy) await rm(from)
  }
  return { outcome: 'sorted', text: `${sure}  ->  ${relative(to, target)}` }
}

/** Upright RGB bytes. */
async function pixelsOf(path) {
  const upright = sharp(path).autoOrient().toColourspace('srgb').flatten({ background: 'white' })
  const { data, info } = await upright.raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height, channels: info.channels }
}

/** `folder/file`, with a number where another file has that name. */
async function freePath(folder, file, taken) {
  const kind = extname(file)
  for (let number = 1; ; ++number) {
    const name = number === 1 ? file : `${file.slice(0, -kind.length)} (${number})${kind}`
    const path = join(folder, name)
    if (taken.has(path) || (await exists(path))) continue
    taken.add(path)
    return path
  }
}
