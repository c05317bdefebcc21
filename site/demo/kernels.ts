import type { DynamicLayer, PageNetwork } from '../../src/browser.ts'
import { diverging, rising, sheet, tile } from './drawing.ts'
import { by, make, percent } from './page.ts'
import type { Seen } from './source.ts'

// What dynamic convolution means, seen: the coefficients of one layer and the kernels fused from them, beside those of the picture before.

/** Coefficients lie between 0 and 1; half of that is a large change. */
const LARGE_CHANGE = 0.5
const TILE = 40
const GAP = 6
const ROW_TITLES = ['now', 'before', 'change']
const TITLE_PIXELS = 58
/** Changes are drawn so many times as large. */
const ZOOM = 3

const layerField = by<HTMLSelectElement>('layer')
const channelField = by<HTMLInputElement>('channel')
const canvas = (id: string) => by<HTMLCanvasElement>(id)
const text = (id: string, words: string) => {
  by(id).textContent = words
}
const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** All layers as a picture made them, the chosen one with its kernels. */
interface Made {
  layers: DynamicLayer[]
  layer: DynamicLayer
}

let net: PageNetwork | undefined
let now: Made | undefined
let before: Made | undefined
let fixed: { layer: string; kernels: Float32Array } | undefined
let again: (() => void) | undefined

/** Draws what `redo` will look at again when another layer is chosen. */
export function openKernels(redo: () => void): void {
  again = redo
  layerField.addEventListener('change', () => {
    now = before = fixed = undefined
    again?.()
  })
  channelField.addEventListener('input', draw)
  canvas('tiles').addEventListener('click', ({ offsetX }) => {
    const place = Math.floor((offsetX - TITLE_PIXELS) / (TILE + GAP))
    if (place < 0 || place >= shownTiles()) return
    channelField.value = `${firstTile() + place}`
    draw()
  })
  new ResizeObserver(draw).observe(by('kernels-body'))
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
}

/** Another network: its dynamic layers with kernels of 3 x 3, by a first look at a small gray picture. */
export async function kernelsOfNetwork(loaded: PageNetwork): Promise<void> {
  net = undefined
  now = before = fixed = undefined
  const gray = { data: new Uint8Array(32 * 32 * 3).fill(128), width: 32, height: 32 }
  const layers = (await loaded.kernels(gray)).filter(({ shape }) => shape[2] === 3)
  const was = layerField.value
  layerField.replaceChildren(
    ...layers.map(({ name, shape }) =>
      make(
        'option',
        { value: name },
        `${name}: ${shape[0]} channels, 3×3, ${shape[1] > 1 ? `${shape[1]} a group` : 'depthwise'}`,
      ),
    ),
  )
  layerField.disabled = !layers.length
  const middle = layers[Math.floor(layers.length * 0.6)]
  if (middle) layerField.value = layers.some(({ name }) => name === was) ? was : middle.name
  by('kernels-body').hidden = true
  text(
    'kernels-text',
    layers.length
      ? `A dynamic layer keeps ${layers[0].kernels} fixed kernels for every channel. The picture itself decides how much of each goes into the kernel that it is then seen with: eta, a number from 0 to 1. Show another picture, and watch them change.`
      : 'This network has fixed kernels only: every picture is seen with the same ones, so there is nothing to watch here. Choose a network whose kernels are made anew.',
  )
  if (layers.length) net = loaded
}

/** The layer after the one that is shown. */
export function nextLayer(): void {
  if (!layerField.length) return
  layerField.selectedIndex = (layerField.selectedIndex + 1) % layerField.length
  layerField.dispatchEvent(new Event('change'))
}

/** Looks at a picture once more, for its kernels. Throws as `net.kernels` does. */
export async function lookAtKernels(seen: Seen, size?: number): Promise<void> {
  const mine = net
  if (!mine) return
  const name = layerField.value
  const wantsFixed = fixed?.layer !== name
  const image = 'photo' in seen ? seen.photo : seen.video
  const square = size ? ([size, size] as [number, number]) : undefined
  const layers = await mine.kernels(image, { layers: [name], fixed: wantsFixed, size: square })
  if (mine !== net || name !== layerField.value) return
  const layer = layers.find((each) => each.name === name)!
  if (layer.fixed) fixed = { layer: name, kernels: layer.fixed }
  if (!now) channelField.value = `${strongest(layer)}`
  before = now
  now = { layers, layer }
  by('kernels-body').hidden = false
  draw()
}

function draw(): void {
  if (!now || !fixed || by('kernels-body').hidden) return
  const { layer } = now
  channelField.max = `${layer.shape[0] - 1}`
  text('channel-value', channelField.value)
  drawCoefficients(layer)
  drawTiles(layer)
  drawSum(layer)
  drawDepth(now)
}

function drawCoefficients({ shape, kernels, coefficients }: DynamicLayer): void {
  const old = before?.layer.coefficients
  heat(canvas('eta'), shape[0], kernels, (at) => coefficients[at], rising(1))
  heat(
    canvas('eta-difference'),
    shape[0],
    kernels,
    (at) => (old ? coefficients[at] - old[at] : 0),
    diverging(LARGE_CHANGE),
  )
  const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length
  const change = old && mean(coefficients.map((eta, at) => Math.abs(eta - old[at])))
  const said = change === undefined ? 'nothing to compare with yet' : `by ${change.toFixed(3)} on average`
  text('eta-change', said)
  const words = `Coefficients of ${shape[0]} channels and ${kernels} fixed kernels, ${mean(coefficients).toFixed(2)} on average`
  canvas('eta').ariaLabel = words
  canvas('eta-difference').ariaLabel = `Change of the coefficients: ${said}`
}

/** Channels from left to right, in as many lines as they need, fixed kernels from top to bottom. */
function heat(
  target: HTMLCanvasElement,
  channels: number,
  kernels: number,
  value: (at: number) => number,
  scale: (value: number) => string,
): void {
  const room = target.parentElement!.clientWidth
  const lines = Math.ceil((channels * 4) / room)
  const columns = Math.ceil(channels / lines)
  const cell = Math.min(room / columns, 14)
  const high = Math.max(cell, 9)
  const { context } = sheet(target, lines * (kernels * high + 6) - 6, columns * cell)
  for (let channel = 0; channel < channels; ++channel)
    for (let kernel = 0; kernel < kernels; ++kernel) {
      const [x, line] = [channel % columns, Math.floor(channel / columns)]
      context.fillStyle = scale(value(channel * kernels + kernel))
      context.fillRect(x * cell, line * (kernels * high + 6) + kernel * high, cell - 0.5, high - 0.5)
    }
}

const shownTiles = () =>
  Math.max(
    1,
    Math.min(now!.layer.shape[0], Math.floor((by('kernels-body').clientWidth - TITLE_PIXELS + GAP) / (TILE + GAP))),
  )

/** The chosen channel is among those that are shown. */
function firstTile(): number {
  const most = now!.layer.shape[0] - shownTiles()
  return Math.max(0, Math.min(most, Number(channelField.value) - Math.floor(shownTiles() / 2)))
}

/** The 3 x 3 weights with which a channel looks at the first channel of its group. */
function kernelOf({ shape }: DynamicLayer, weights: Float32Array, channel: number, kernel = 0): Float32Array {
  const [channels, inputs, rows, columns] = shape
  const from = (kernel * channels + channel) * inputs * rows * columns
  return weights.subarray(from, from + rows * columns)
}

/** The channel with the largest weight, to begin with one in which there is something to see. */
function strongest(layer: DynamicLayer): number {
  const all = Array.from({ length: layer.shape[0] }, (_, channel) => largest(kernelOf(layer, layer.fused!, channel)))
  channelField.max = `${all.length - 1}`
  return all.indexOf(Math.max(...all))
}

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)

function drawTiles(layer: DynamicLayer): void {
  const [first, count] = [firstTile(), shownTiles()]
  const { context } = sheet(canvas('tiles'), 3 * (TILE + GAP) + 2, TITLE_PIXELS + count * (TILE + GAP) - GAP)
  const old = before?.layer.fused
  const fused = layer.fused!
  const most = largest(
    fused.subarray((first * fused.length) / layer.shape[0], ((first + count) * fused.length) / layer.shape[0]),
  )
  const scale = diverging(most)
  context.textBaseline = 'middle'
  context.font = '13px system-ui, sans-serif'
  ROW_TITLES.forEach((title, row) => {
    context.fillStyle = style('--soft')
    context.fillText(title, 0, row * (TILE + GAP) + TILE / 2 + (row === 2 ? -4 : 4))
    if (row === 2) context.fillText(`× ${ZOOM}`, 0, row * (TILE + GAP) + TILE / 2 + 13)
    if (row > 0 && !old) return
    for (let place = 0; place < count; ++place) {
      const channel = first + place
      const [mine, other] = [kernelOf(layer, fused, channel), old && kernelOf(layer, old, channel)]
      const values = row === 0 ? mine : row === 1 ? other! : mine.map((value, i) => ZOOM * (value - other![i]))
      tile(context, values, layer.shape[3], [TITLE_PIXELS + place * (TILE + GAP), row * (TILE + GAP) + 4, TILE], scale)
    }
  })
  context.strokeStyle = style('--focus')
  context.lineWidth = 2
  const x = TITLE_PIXELS + (Number(channelField.value) - first) * (TILE + GAP)
  context.strokeRect(x - 3, 1, TILE + 5, 3 * (TILE + GAP) - 2)
  const change = old && largest(fused.map((value, i) => value - old[i])) / largest(fused)
  const inputs = layer.shape[1]
  const which = inputs > 1 ? `3×3, one a channel (of its ${inputs} inputs, the first)` : '3×3, one a channel'
  const moved = change === undefined ? '' : `; the largest change is ${percent(change, 0)} of the largest weight`
  text('tiles-text', which + moved)
  canvas('tiles').ariaLabel = `Fused kernels of channels ${first} to ${first + count - 1}${moved}`
}

/** eta 1 x kernel 1 + ... = fused kernel. */
function drawSum(layer: DynamicLayer): void {
  const channel = Number(channelField.value)
  const { kernels, coefficients, shape } = layer
  const terms = Array.from({ length: kernels }, (_, i) => kernelOf(layer, fixed!.kernels, channel, i))
  const fused = kernelOf(layer, layer.fused!, channel)
  const scale = diverging(Math.max(largest(fused), ...terms.map(largest)))
  const place = by('sum')
  if (place.childElementCount !== kernels + 1)
    place.replaceChildren(
      ...Array.from({ length: kernels + 1 }, (_, i) =>
        make('div', { className: i === kernels ? 'term fused' : 'term' }, make('span'), make('canvas'), make('i')),
      ),
    )
  ;[...place.children].forEach((term, i) => {
    const [words, picture, meter] = term.children as unknown as [HTMLElement, HTMLCanvasElement, HTMLElement]
    const eta = i < kernels ? coefficients[channel * kernels + i] : 1
    words.textContent = i < kernels ? `${i ? '+' : ''} ${eta.toFixed(2)} ×` : '='
    picture.ariaHidden = 'true'
    const { context } = sheet(picture, 54, 54)
    tile(context, i < kernels ? terms[i] : fused, shape[3], [0, 0, 54], scale)
    meter.style.transform = `scaleX(${eta})`
  })
  place.ariaLabel = `Channel ${channel}: eta ${terms.map((_, i) => coefficients[channel * kernels + i].toFixed(2)).join(', ')}`
  place.role = 'img'
}

/** One bar a layer: how far its coefficients moved. */
function drawDepth({ layers, layer }: Made): void {
  const target = canvas('depth')
  const changes = layers.map(({ coefficients }, index) => {
    const old = before?.layers[index].coefficients
    return old ? coefficients.reduce((sum, eta, i) => sum + Math.abs(eta - old[i]), 0) / coefficients.length : 0
  })
  const most = Math.max(0.05, ...changes)
  const { context, width } = sheet(target, 64)
  const step = width / layers.length
  layers.forEach(({ name }, index) => {
    const high = (60 * changes[index]) / most
    context.fillStyle = style(name === layer.name ? '--focus' : '--fusion')
    context.fillRect(index * step, 62 - high, Math.max(1, step - 2), high + 2)
  })
  target.ariaLabel = before
    ? `Mean change of eta in ${layers.length} dynamic layers: largest ${most.toFixed(3)}, in ${layers[changes.indexOf(Math.max(...changes))].name}`
    : `${layers.length} dynamic layers; nothing to compare with yet`
}
