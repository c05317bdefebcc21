import { readFile, writeFile } from 'node:fs/promises'
import { reportPage, type Section } from '../src/bench/page/page.ts'

/** Style and script are those of `npm run build`. */
export async function writePage(path: string, sections: Section[]): Promise<void> {
  const built = (name: string) => readFile(new URL(`../dist/${name}`, import.meta.url), 'utf8')
  const [style, script] = await Promise.all([built('bench-page.css'), built('bench-page.js')])
  await writeFile(path, reportPage('dynedge bench', sections, { style, script }))
}
