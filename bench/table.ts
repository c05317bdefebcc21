import type { Report } from '../src/bench/report.ts'
import { machineLine, type Table, tablesOf } from '../src/bench/tables.ts'

/** A report for people: Markdown tables, as bench/RESULTS.md has them. */
export function markdown(report: Report): string {
  return `${[machineLine(report), ...tablesOf(report).map(tableText)].join('\n\n')}\n`
}

export function tableText({ title, head, lines }: Table): string {
  const cells = [head, head.map(() => '---'), ...lines]
  const text = cells.map((line) => `| ${line.join(' | ')} |`).join('\n')
  return title ? `**${title}**\n\n${text}` : text
}
