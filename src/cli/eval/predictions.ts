import type { Answer } from './tally.ts'

/** Rows of --predictions: CSV (RFC 4180), or JSON lines where the file is called .jsonl. */
export class Predictions {
  private readonly rows: string[] = []
  private readonly isJson: boolean

  constructor(
    path: string,
    private readonly labels: readonly string[],
  ) {
    this.isJson = /\.(jsonl|ndjson)$/i.test(path)
  }

  add(position: number, file: string, label: number, { top }: Answer): void {
    const name = this.labels[label]
    const named = top.map(([index, probability]) => ({ label: this.labels[index], probability }))
    this.rows[position] = this.isJson
      ? JSON.stringify({ file, label: name, predicted: named[0].label, top: named })
      : [file, name, named[0].label, ...named.flatMap(({ label, probability }) => [label, `${probability}`])]
          .map(csv)
          .join(',')
  }

  /** In the order of the set, one row for each picture that was evaluated. */
  text(): string {
    const ranks = Array.from(
      { length: Math.min(5, this.labels.length) },
      (_, i) => `label_${i + 1},probability_${i + 1}`,
    )
    const head = this.isJson ? [] : [['file', 'label', 'predicted', ...ranks].join(',')]
    return [...head, ...this.rows.filter((row) => row !== undefined), ''].join('\n')
  }
}

function csv(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
