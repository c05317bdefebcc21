// Numbers as colours. The style sheet has the colours, for light and dark.

type Colour = [red: number, green: number, blue: number]

const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!

function colour(name: string): Colour {
  probe.canvas.width = 1
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  probe.fillRect(0, 0, 1, 1)
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data
  return [red, green, blue]
}

const between = (a: Colour, b: Colour, part: number): string =>
  `rgb(${a.map((value, i) => Math.round(value + (b[i] - value) * part)).join(' ')})`

/** A number as a colour; beyond the ends it stays at the end's. */
export type Scale = (value: number) => string

/** 0 to `most`. */
export function rising(most: number): Scale {
  const [from, to] = [colour('--zero'), colour('--high')]
  return (value) => between(from, to, Math.min(Math.max(value / most, 0), 1))
}

/** -`most` to `most`. */
export function diverging(most: number): Scale {
  const [low, zero, high] = [colour('--low'), colour('--zero'), colour('--high')]
  return (value) => between(zero, value < 0 ? low : high, Math.min(Math.abs(value) / (most || 1), 1))
}

/** Makes a canvas `height` CSS pixels high and as wide as its place, sharp on this screen; returns what draws in CSS pixels. */
export function sheet(canvas: HTMLCanvasElement, height: number, width = canvas.parentElement!.clientWidth) {
  const dense = devicePixelRatio || 1
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  canvas.width = Math.round(width * dense)
  canvas.height = Math.round(height * dense)
  const context = canvas.getContext('2d')!
  context.scale(dense, dense)
  return { context, width }
}

/** A 3 x 3 kernel, or one of another size, as a tile with its corner at (x, y). */
export function tile(
  context: CanvasRenderingContext2D,
  values: ArrayLike<number>,
  columns: number,
  [x, y, side]: readonly [x: number, y: number, side: number],
  scale: Scale,
): void {
  const cell = side / columns
  for (let i = 0; i < values.length; ++i) {
    context.fillStyle = scale(values[i])
    const [column, row] = [i % columns, Math.floor(i / columns)]
    context.fillRect(x + column * cell, y + row * cell, cell - 1, cell - 1)
  }
}
