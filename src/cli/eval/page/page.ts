import { readFile } from 'node:fs/promises'
import { metricsOf } from '../metrics.ts'
import type { Evaluation } from '../result.ts'
import { exact } from '../show.ts'
import { confusion } from './confusion.ts'
import { html, jsonForScript, Markup } from './html.ts'
import { classTable, confusedTable, skippedList, tiles, worstPictures } from './parts.ts'
import { reliabilityDiagram } from './reliability.ts'

/** What the page's script gets. */
export interface PageData {
  labels: string[]
  /** [label, predicted, images] of the cells that are not 0. */
  cells: [number, number, number][]
}

const built = async (name: string) => new Markup(await readFile(new URL(`./${name}`, import.meta.url), 'utf8'))

/** A page of one file: it asks nothing of any server, and its script and pictures are in it. */
export async function pageOf(evaluation: Evaluation): Promise<string> {
  const { bundle, labels, sums, folder, input, variants, matching, shards } = evaluation
  const [style, script] = await Promise.all([built('eval-page.css'), built('eval-page.js')])
  const data: PageData = { labels, cells: sums.confusion }
  const metrics = sums.images ? metricsOf(sums, labels) : null
  const title = metrics ? `${bundle.network}: ${exact(metrics.top1.share)} top-1` : `${bundle.network}: no pictures`
  const partial =
    shards.have.length < shards.of ? html`<p class="note">Part ${shards.have.join(', ')} of ${shards.of} only.</p>` : ''
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${bundle.network} <small>${bundle.precision}</small></h1>
<p><code>${bundle.file}</code> on <code>${folder}</code>, input ${input.join(' × ')}, variant ${variants.join(' and ')}; folders matched ${matching}.</p>
${partial}
</header>
<main>
${
  metrics
    ? [
        tiles(evaluation, metrics),
        confusion(evaluation, metrics),
        confusedTable(metrics),
        worstPictures(evaluation),
        reliabilityDiagram(evaluation, metrics),
        classTable(metrics),
      ]
    : html`<p>There was no picture to evaluate.</p>`
}
${skippedList(evaluation)}
</main>
<footer><p>Written by <code>dynedge eval</code>. Bundle SHA-256 <code>${bundle.sha256}</code>.</p></footer>
<script type="application/json" id="data">${jsonForScript(data)}</script>
<script>${script}</script>
</body>
</html>
`
  return page.text
}
