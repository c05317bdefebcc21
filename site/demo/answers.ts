import type { Prediction } from '../../src/browser.ts'
import { by, make, percent } from './page.ts'

const SHOWN = 5
const list = by<HTMLOListElement>('answers')
const rows = Array.from({ length: SHOWN }, () => {
  const [label, share, bar] = [make('span', { className: 'label' }), make('span', { className: 'share' }), make('i')]
  const item = make('li', {}, label, share, make('span', { className: 'bar', ariaHidden: 'true' }, bar))
  return { item, label, share, bar }
})
list.append(...rows.map(({ item }) => item))

/** The likeliest classes as bars; nothing: an empty place for each. */
export function showAnswers(top: readonly Prediction[] = []): void {
  rows.forEach(({ item, label, share, bar }, place) => {
    const answer = top[place]
    item.classList.toggle('without', !answer)
    item.ariaHidden = answer ? null : 'true'
    label.textContent = answer?.label ?? ''
    share.textContent = answer ? percent(answer.probability) : ''
    bar.style.transform = `scaleX(${answer?.probability ?? 0})`
  })
}

/** How long a picture takes, how many a second, how many frames went by unseen. */
export function showFacts({ ms, fps, dropped }: { ms?: number; fps?: number; dropped?: number } = {}): void {
  by('fact-ms').textContent = ms === undefined ? '–' : `${ms.toFixed(1)} ms`
  by('fact-fps').textContent = fps === undefined ? '–' : fps.toFixed(fps < 10 ? 1 : 0)
  by('fact-dropped').textContent = dropped === undefined ? '–' : percent(dropped, 0)
}

/** Answers of the last two seconds. */
export class Rate {
  private readonly seen: { at: number; dropped: number }[] = []

  add(at: number, dropped: number): { fps?: number; dropped?: number } {
    this.seen.push({ at, dropped })
    while (this.seen[0].at < at - 2000) this.seen.shift()
    const [first, ...others] = this.seen
    if (others.length < 4) return {}
    const lost = others.reduce((sum, frame) => sum + frame.dropped, 0)
    return { fps: (others.length * 1000) / (at - first.at), dropped: lost / (lost + others.length) }
  }
}
