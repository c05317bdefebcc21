import type { PageOptions } from '../../bench/browser/contest.ts'
import { ORT } from '../../bench/peers.ts'
import { chartsOf } from '../../src/bench/charts.ts'
import { drawAll } from '../../src/bench/page/draw.ts'
import { charts, tables } from '../../src/bench/page/page.ts'
import type { Report } from '../../src/bench/report.ts'
import { machineLine } from '../../src/bench/tables.ts'
import { by, complain, make, messageOf } from '../demo/page.ts'
import type { Said } from './worker.ts'

const form = by<HTMLFormElement>('choices')
const [run, stop, copy] = ['run', 'stop', 'copy'].map((id) => by<HTMLButtonElement>(id))
const [state, results, estimate] = ['state', 'results', 'estimate'].map((id) => by(id))
/** Making, comparing and warming up, of each contender: some seconds here and there. */
const BESIDE_SECONDS = 1.5

let worker: Worker | undefined
let last: Report | undefined

function asked(): PageOptions {
  const data = new FormData(form)
  const chosen = (name: string) => data.getAll(name).map(String)
  return {
    networks: chosen('networks'),
    sizes: chosen('sizes').map(Number),
    precisions: chosen('precisions'),
    variants: chosen('variants'),
    threads: Number(data.get('threads')),
    peers: chosen('peers'),
    seconds: Number(data.get('seconds')),
  }
}

/** What is missing, or how long it will take. */
function check(): void {
  const { networks, sizes, precisions, peers, seconds } = asked()
  const missing = [
    networks.length ? '' : 'a network',
    precisions.length ? '' : 'a precision',
    sizes.length ? '' : 'an input size',
  ].filter(Boolean)
  const contenders = networks.length * precisions.length * sizes.length * (1 + peers.length)
  const least = Math.ceil((contenders * (seconds + BESIDE_SECONDS)) / 5) * 5
  estimate.textContent = missing.length
    ? `Choose ${new Intl.ListFormat('en').format(missing)}.`
    : `${contenders} ${contenders > 1 ? 'contenders' : 'contender'}, about ${least < 90 ? `${least} seconds` : `${Math.round(least / 60)} minutes`} on a laptop.`
  run.disabled = missing.length > 0 || !!worker
}

function busy(on: boolean): void {
  stop.hidden = !on
  run.hidden = on
  by('busy').hidden = !on
  for (const field of form.querySelectorAll('fieldset')) field.disabled = on
  check()
}

function end(text: string): void {
  worker?.terminate()
  worker = undefined
  state.textContent = text
  busy(false)
}

form.addEventListener('change', check)
form.addEventListener('submit', (event) => {
  event.preventDefault()
  const wanted = asked()
  complain()
  worker = new Worker(new URL('bench-worker.js', import.meta.url), { type: 'module', name: 'bench' })
  worker.onmessage = ({ data }: MessageEvent<Said>) => {
    if ('text' in data) state.textContent = `${data.text[0].toUpperCase()}${data.text.slice(1)} …`
    else if ('report' in data) {
      show(data.report)
      end('Done.')
    } else {
      complain(data.fault)
      end('Stopped by a fault.')
    }
  }
  worker.onerror = ({ message }) => {
    complain(`The bench ended: ${message || 'its script cannot be had'}`)
    end('Stopped by a fault.')
  }
  worker.postMessage(wanted)
  state.textContent = 'Starting …'
  busy(true)
  stop.focus()
})
stop.addEventListener('click', () => {
  end('Stopped.')
  run.focus()
})

copy.addEventListener('click', async () => {
  const text = JSON.stringify(last, null, 2)
  try {
    await navigator.clipboard.writeText(text)
    state.textContent = 'Copied.'
  } catch (error) {
    // A page that may not write to the clipboard shows what is to be copied.
    const field = make('textarea', { value: text, readOnly: true, rows: 8, ariaLabel: 'Results as JSON' })
    by('copied').replaceChildren(field)
    field.select()
    state.textContent = `The browser does not let the page copy (${messageOf(error)}): the text is below, selected.`
  }
})

function show(report: Report): void {
  last = report
  const drawn = chartsOf(report)
  const note = make('p', { className: 'note' }, machineLine(report))
  const found = document.createElement('div')
  found.innerHTML = charts(drawn).text + tables(report).text
  for (const region of found.querySelectorAll<HTMLElement>('.scroll')) {
    region.tabIndex = 0
    region.role = 'region'
    region.ariaLabel = region.parentElement!.querySelector('summary')!.textContent
  }
  results.replaceChildren(note, ...found.childNodes)
  by('results-bar').hidden = false
  drawAll(drawn, results)
}

const threads = crossOriginIsolated
  ? ''
  : 'One thread: this page is not isolated from other origins (its server sends no Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy), and threads need that.'
by('threads-note').textContent = threads
by('threads-note').hidden = !threads
if (threads)
  for (const field of form.querySelectorAll<HTMLInputElement>('[name=threads]')) field.disabled = field.value !== '1'
by('peer').title = ORT
check()
