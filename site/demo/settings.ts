import type { LoadOptions, Variant } from '../../src/browser.ts'
import { type Listed, networks } from './catalogue.ts'
import { by, make } from './page.ts'

type Precision = 'f32' | 'w8' | 'int8'

/** What to load, and at which input size to run it. */
export interface Choice {
  network: Listed
  precision: Precision
  variant?: Variant
  threads: LoadOptions['threads']
  /** Side of a square; undefined: the network's own. */
  size?: number
}

const PRECISIONS: [Precision, string][] = [
  ['int8', 'integers throughout: fastest, the same bits everywhere'],
  ['w8', 'weights in 8 bits, float32 arithmetic'],
  ['f32', 'float32 throughout'],
]
const SIZES = [32, 48, 64, 96, 128, 160, 192, 224, 320, 448]

const form = by<HTMLFormElement>('settings')
const select = (id: string) => by<HTMLSelectElement>(id)

/** Fills the settings from the address of the page, and calls `changed` whenever one is another. */
export function openSettings(changed: (choice: Choice) => void): Choice {
  const asked = new URLSearchParams(location.hash.slice(1))
  const groups = [true, false].map((dynamic) =>
    Object.assign(
      make(
        'optgroup',
        {},
        ...networks
          .filter((network) => network.dynamic === dynamic)
          .map(({ name, title }) => make('option', { value: name }, title)),
      ),
      { label: dynamic ? 'Kernels made anew for each picture' : 'Fixed kernels, to compare' },
    ),
  )
  select('network').append(...groups)
  select('size').append(
    ...options([['', 'its own'], ...SIZES.map((size) => [`${size}`, `${size} × ${size}`] as const)]),
  )
  const cores = navigator.hardwareConcurrency || 1
  const counts = [1, 2, 3, 4, 6, 8].filter((count) => count <= Math.max(2, cores))
  select('threads').append(...options([...counts.map((n) => [`${n}`, `${n}`] as const), ['auto', 'auto']]))
  select('variant').append(
    ...options([
      ['', 'fastest'],
      ['relaxed', 'relaxed'],
      ['simd', 'plain SIMD'],
    ]),
  )
  by('precision').append(
    ...PRECISIONS.map(([value, title]) =>
      make('label', { title }, make('input', { type: 'radio', name: 'precision', value }), make('span', {}, value)),
    ),
  )
  for (const id of ['network', 'size', 'threads', 'variant']) {
    const field = select(id)
    const value = asked.get(id)
    if (value !== null && [...field.options].some((option) => option.value === value)) field.value = value
  }
  offer(asked.get('precision'))
  form.addEventListener('change', ({ target }) => {
    if ((target as HTMLElement).id === 'network') offer(chosenPrecision())
    const choice = chosen()
    remember(choice)
    changed(choice)
  })
  return chosen()
}

const options = (pairs: readonly (readonly [value: string, text: string])[]) =>
  pairs.map(([value, text]) => make('option', { value }, text))

const networkOf = () => networks.find(({ name }) => name === select('network').value)!
const radios = () => [...by('precision').querySelectorAll('input')]
const chosenPrecision = () => radios().find(({ checked }) => checked)?.value ?? null

/** Only what the network was published in; the one asked for, if it is among them. */
function offer(asked: string | null): void {
  const { files } = networkOf()
  for (const radio of radios()) {
    radio.disabled = !(radio.value in files)
    radio.parentElement!.title = radio.disabled
      ? 'Not published for this network'
      : PRECISIONS.find(([value]) => value === radio.value)![1]
  }
  const able = radios().filter(({ disabled }) => !disabled)
  ;(able.find(({ value }) => value === asked) ?? able[0]).checked = true
}

function chosen(): Choice {
  const threads = select('threads').value
  return {
    network: networkOf(),
    precision: chosenPrecision() as Precision,
    variant: (select('variant').value || undefined) as Variant | undefined,
    threads: threads === 'auto' ? 'auto' : Number(threads),
    size: Number(select('size').value) || undefined,
  }
}

/** In the address, so that a link shows the same. */
function remember({ network, precision, variant, threads, size }: Choice): void {
  const said = new URLSearchParams({ network: network.name, precision })
  if (size) said.set('size', `${size}`)
  if (threads !== 1) said.set('threads', `${threads}`)
  if (variant) said.set('variant', variant)
  history.replaceState(null, '', `#${said}`)
}
