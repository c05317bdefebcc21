import { html, jsonForScript, Markup } from '../../cli/markup.ts'
import { type Chart, chartsOf } from '../charts.ts'
import type { Report } from '../report.ts'
import { machineLine, stepTables, type Table, tablesOf } from '../tables.ts'

/** A part of a page: a report of its own. */
export interface Section {
  title: string
  /** What one should know before reading it. */
  text?: string
  report: Report
}

/** Style and script of the page, built. */
export interface PageAssets {
  style: string
  script: string
}

/** A page of one file: it asks nothing of any server. Its charts are drawn by its script; everything in them is in its tables as well. */
export function reportPage(title: string, sections: readonly Section[], assets: PageAssets): string {
  const drawn: Chart[] = []
  const parts = sections.map((section, index) => {
    const own = chartsOf(section.report)
    const first = drawn.length
    drawn.push(...own)
    return html`<section id="part-${index}">
<h2>${section.title}</h2>
${section.text ? html`<p>${section.text}</p>` : ''}
<p class="note">${machineLine(section.report)}</p>
${charts(own, first)}
${tables(section.report)}
</section>
`
  })
  const contents =
    sections.length > 1
      ? html`<nav><ul>${sections.map((section, index) => html`<li><a href="#part-${index}">${section.title}</a></li>`)}</ul></nav>`
      : ''
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Markup(assets.style)}</style>
</head>
<body>
<header><h1>${title}</h1></header>
${contents}
<main>
${parts}</main>
<footer><p>Written by <code>dynedge bench</code>.</p></footer>
<script type="application/json" id="charts">${jsonForScript(drawn)}</script>
<script>${new Markup(assets.script.replaceAll('</script', '<\\/script'))}</script>
</body>
</html>
`.text
}

/** Places for charts, which the script of a page fills; their numbers begin at `first`. */
export function charts(drawn: readonly Chart[], first = 0): Markup {
  return html`<div class="charts">${drawn.map((chart, index) => figure(chart, first + index))}</div>`
}

export function tables(report: Report): Markup {
  return html`${[...tablesOf(report), ...stepTables(report)].map(table)}`
}

function figure({ title, note }: Chart, index: number): Markup {
  return html`<figure>
<figcaption><b>${title}</b>${note ? html` <span>${note}</span>` : ''}</figcaption>
<div class="chart"><canvas data-chart="${index}" role="img" aria-label="${title}; its numbers are in the tables"></canvas></div>
</figure>
`
}

const NUMBER = /^[\d.e+-]*( ?[%x])?( .*)?$/

function table({ title, label, open, head, lines }: Table): Markup {
  const right = head.map((_, column) => lines.every((line) => NUMBER.test(line[column])))
  const cell = (name: 'th' | 'td') => (text: string, column: number) =>
    new Markup(
      html`<${new Markup(name)}${new Markup(right[column] ? ' class="number"' : '')}>${text}</${new Markup(name)}>`
        .text,
    )
  return html`<details${new Markup(open ? ' open' : '')}>
<summary>${title ?? label}, ${lines.length} ${lines.length > 1 ? 'rows' : 'row'}</summary>
<div class="scroll"><table><thead><tr>${head.map(cell('th'))}</tr></thead><tbody>
${lines.map((line) => html`<tr>${line.map(cell('td'))}</tr>\n`)}</tbody></table></div>
</details>
`
}
