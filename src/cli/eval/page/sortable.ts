/** Gives every head of `table` a button that sorts by its column: numbers from the largest, names from A. */
export function makeSortable(table: HTMLTableElement): void {
  const heads = [...table.tHead!.rows[0].cells]
  for (const [column, head] of heads.entries()) {
    const button = document.createElement('button')
    button.type = 'button'
    button.append(...head.childNodes)
    head.append(button)
    button.addEventListener('click', () => {
      const before = head.getAttribute('aria-sort')
      const first = head.classList.contains('text') ? 'ascending' : 'descending'
      const order = before === null ? first : before === 'ascending' ? 'descending' : 'ascending'
      for (const other of heads) other.removeAttribute('aria-sort')
      head.setAttribute('aria-sort', order)
      sort(table, column, order === 'ascending' ? 1 : -1)
    })
  }
}

function sort(table: HTMLTableElement, column: number, sign: number): void {
  const body = table.tBodies[0]
  const rows = [...body.rows].map((row) => {
    const { dataset, textContent } = row.cells[column]
    return { row, value: dataset.value === undefined ? undefined : Number(dataset.value), text: textContent!.trim() }
  })
  const compare = new Intl.Collator().compare
  rows.sort((a, b) => sign * (a.value === undefined ? compare(a.text, b.text) : a.value - b.value!))
  body.append(...rows.map(({ row }) => row))
}
