// The script of the page: an entry point of its own, put into the page by page.ts. Everything it shows is in the page's tables as
// well, or in its data.
import { openDrawing } from './drawing.ts'
import type { PageData } from './page.ts'
import { makeSortable } from './sortable.ts'

const { labels, cells }: PageData = JSON.parse(document.getElementById('data')!.textContent!)
const counts = new Map(cells.map(([label, predicted, images]) => [label * labels.length + predicted, images]))
const totals = labels.map(() => 0)
for (const [label, , images] of cells) totals[label] += images

document.documentElement.classList.add('scripted')
for (const table of document.querySelectorAll<HTMLTableElement>('table.sortable')) makeSortable(table)

const readout = document.getElementById('readout')
const choice = document.querySelector<HTMLSelectElement>('#class-choice')

/** Says what a cell is. */
function tell(row: number, column: number): void {
  const images = counts.get(row * labels.length + column) ?? 0
  const share = totals[row] ? ` (${((images / totals[row]) * 100).toFixed(1)}\u00a0%)` : ''
  const number = document.createElement('b')
  number.textContent = `${images} of ${totals[row]}${share}`
  const what = row === column ? `${labels[row]}, named right: ` : `${labels[row]}, taken for ${labels[column]}: `
  readout?.replaceChildren(what, number)
}

/** Lists the mistakes of and about a class. */
function choose(index: number): void {
  if (choice) choice.value = `${index}`
  list('taken-for', ([label, predicted]) => (label === index && predicted !== index ? predicted : undefined))
  list('taken-for-it', ([label, predicted]) => (predicted === index && label !== index ? label : undefined))
}

const LISTED = 8

function list(id: string, otherOf: (cell: PageData['cells'][number]) => number | undefined): void {
  const found = cells.flatMap((cell) => {
    const other = otherOf(cell)
    return other === undefined ? [] : [{ label: labels[other], images: cell[2] }]
  })
  const items = found
    .sort((a, b) => b.images - a.images)
    .slice(0, LISTED)
    .map(({ label, images }) => {
      const item = document.createElement('li')
      const name = document.createElement('span')
      name.textContent = label
      const count = document.createElement('b')
      count.textContent = `${images}`
      item.append(name, count)
      return item
    })
  if (items.length === 0) {
    const none = document.createElement('li')
    none.textContent = 'nothing'
    items.push(none)
  }
  document.getElementById(id)?.replaceChildren(...items)
}

/** The matrix as a table: one cell can be reached by Tab, the others from it by arrow keys. */
function openTable(table: HTMLTableElement): (row: number, column: number) => void {
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll('td')])
  let current = rows[0][0]
  current.tabIndex = 0
  const place = (cell: EventTarget | null) => {
    const td = (cell as Element | null)?.closest('td')
    const row = td ? (td.parentElement as HTMLTableRowElement).sectionRowIndex : -1
    const column = row < 0 ? -1 : (rows[row]?.indexOf(td as HTMLTableCellElement) ?? -1)
    return column < 0 ? undefined : ([row, column] as const)
  }
  const enter = (row: number, column: number) => {
    current.tabIndex = -1
    current = rows[row][column]
    current.tabIndex = 0
  }
  const body = table.tBodies[0]
  body.addEventListener('pointerover', ({ target }) => {
    const at = place(target)
    if (at) tell(...at)
  })
  body.addEventListener('focusin', ({ target }) => {
    const at = place(target)
    if (at) tell(...at)
  })
  body.addEventListener('click', ({ target }) => {
    const at = place(target)
    if (!at) return
    enter(...at)
    current.focus()
    choose(at[0])
  })
  body.addEventListener('keydown', (event) => {
    const at = place(event.target)
    const step = STEPS[event.key]
    if (!at) return
    if (event.key === 'Enter') choose(at[0])
    if (!step) return
    event.preventDefault()
    enter(clamp(at[0] + step[0]), clamp(at[1] + step[1]))
    current.focus()
  })
  return tell
}

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
}
const clamp = (index: number) => Math.min(labels.length - 1, Math.max(0, index))

const table = document.querySelector<HTMLTableElement>('#heat-table')
const canvas = document.querySelector<HTMLCanvasElement>('#heat-canvas')
const show = table
  ? openTable(table)
  : canvas
    ? openDrawing(canvas, { labels, cells, totals, tell, choose })
    : undefined
if (choice && show) {
  choice.addEventListener('change', () => {
    choose(Number(choice.value))
    show(Number(choice.value), Number(choice.value))
  })
  const first = totals.findIndex((total) => total > 0)
  choose(first)
  show(first, first)
}
