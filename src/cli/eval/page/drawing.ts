export interface Matrix {
  labels: readonly string[]
  /** [label, predicted, images] of the cells that are not 0. */
  cells: readonly [number, number, number][]
  /** Pictures of each class. */
  totals: readonly number[]
  /** Says what a cell is. */
  tell(row: number, column: number): void
  /** Takes a class as the chosen one. */
  choose(row: number): void
}

/**
 * Draws a matrix of many classes, with a cross at the cell under the pointer or the cursor.
 * @returns moves the cursor
 */
export function openDrawing(canvas: HTMLCanvasElement, matrix: Matrix): (row: number, column: number) => void {
  const classes = matrix.labels.length
  let cursor: [row: number, column: number] = [0, 0]
  let picture: HTMLCanvasElement | undefined
  const clamp = (index: number) => Math.min(classes - 1, Math.max(0, Math.floor(index)))

  const redraw = () => {
    const side = Math.round(canvas.clientWidth * devicePixelRatio)
    if (side === 0) return
    if (picture?.width !== side) picture = paint(side, matrix, getComputedStyle(canvas))
    canvas.width = side
    canvas.height = side
    const context = canvas.getContext('2d')!
    context.drawImage(picture, 0, 0)
    drawCross(context, cursor, side / classes, getComputedStyle(canvas).getPropertyValue('--ink'))
  }
  const move = (row: number, column: number) => {
    cursor = [clamp(row), clamp(column)]
    redraw()
    matrix.tell(...cursor)
  }
  const under = (event: MouseEvent) => {
    const box = canvas.getBoundingClientRect()
    const cell = (at: number, length: number) => clamp((at / length) * classes)
    return [cell(event.clientY - box.top, box.height), cell(event.clientX - box.left, box.width)] as const
  }

  canvas.addEventListener('pointermove', (event) => move(...under(event)))
  canvas.addEventListener('click', (event) => {
    move(...under(event))
    matrix.choose(cursor[0])
  })
  canvas.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') matrix.choose(cursor[0])
    const step = STEPS[event.key]
    if (!step) return
    event.preventDefault()
    move(
      ...(event.shiftKey ? nextMistake(matrix, cursor, step) : ([cursor[0] + step[0], cursor[1] + step[1]] as const)),
    )
  })
  const repaint = () => {
    picture = undefined
    redraw()
  }
  new ResizeObserver(repaint).observe(canvas)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint)
  return move
}

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
}

/** The nearest cell in the row or column, in the direction of `step`, that has a mistake; else the same cell. */
function nextMistake(
  { cells }: Matrix,
  [row, column]: readonly [number, number],
  [down, right]: readonly [number, number],
): readonly [number, number] {
  let best: readonly [number, number] = [row, column]
  let nearest = Number.POSITIVE_INFINITY
  for (const [label, predicted] of cells) {
    const isOnLine = down ? predicted === column : label === row
    const distance = down ? (label - row) * down : (predicted - column) * right
    if (!isOnLine || label === predicted || distance <= 0 || distance >= nearest) continue
    nearest = distance
    best = [label, predicted]
  }
  return best
}

function paint(side: number, { labels, cells, totals }: Matrix, style: CSSStyleDeclaration): HTMLCanvasElement {
  const picture = document.createElement('canvas')
  picture.width = side
  picture.height = side
  const context = picture.getContext('2d')!
  const size = side / labels.length
  for (const [label, predicted, images] of cells) {
    context.fillStyle = style.getPropertyValue(label === predicted ? '--hit' : '--miss')
    // A single mistake must still be seen, hence the floor and the root.
    context.globalAlpha = 0.15 + 0.85 * Math.sqrt(images / totals[label])
    const [left, top] = [Math.floor(predicted * size), Math.floor(label * size)]
    context.fillRect(left, top, Math.ceil((predicted + 1) * size) - left, Math.ceil((label + 1) * size) - top)
  }
  return picture
}

function drawCross(
  context: CanvasRenderingContext2D,
  [row, column]: [number, number],
  size: number,
  ink: string,
): void {
  const { width } = context.canvas
  const thick = Math.max(size, 3 * devicePixelRatio)
  const [x, y] = [(column + 0.5) * size - thick / 2, (row + 0.5) * size - thick / 2]
  context.fillStyle = ink
  context.globalAlpha = 0.14
  context.fillRect(0, y, width, thick)
  context.fillRect(x, 0, thick, width)
  context.globalAlpha = 1
  context.strokeStyle = ink
  context.lineWidth = devicePixelRatio
  context.strokeRect(x - 1, y - 1, thick + 2, thick + 2)
}
