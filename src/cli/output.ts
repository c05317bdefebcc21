/** One JSON object on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** One line on standard error, whatever the message has in it. */
export function complain(message: string): void {
  process.stderr.write(`dynedge: ${oneLine(message)}\n`)
}

export function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, '; ').trim()
}

/** Aligned columns, two spaces apart; those in `right` end at the same place. */
export function columns(rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): string[] {
  const widths: number[] = []
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    })
  return rows.map((row) =>
    row
      .map((cell, column) => (right.has(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd(),
  )
}

/** A bar of eighths of a cell; `share` is 0 to 1. */
export function bar(share: number, cells = 24): string {
  const eighths = Math.round(share * cells * 8)
  return '█'.repeat(eighths >> 3) + ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths & 7]
}

export const percent = (share: number) => `${(share * 100).toFixed(1)} %`
export const milliseconds = (ms: number) => `${ms.toFixed(2)} ms`

export function byteSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / (1 << 20)).toFixed(2)} MiB`
}

/** Counts as in the papers (M = 2^20), and in millions. */
export function counted(value: number): string {
  return `${(value / (1 << 20)).toFixed(3)} M (2^20), ${(value / 1e6).toFixed(3)} million`
}
