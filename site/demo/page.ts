/** The element with this id; the pages have them all. */
export const by = <E extends HTMLElement = HTMLElement>(id: string): E => document.getElementById(id) as E

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

export const percent = (part: number, digits = 1) => `${(100 * part).toFixed(digits)} %`
export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const fault = by('fault')

/** Says what went wrong, and what to do; nothing takes it away. */
export function complain(text = ''): void {
  fault.textContent = text
  fault.hidden = !text
}

const status = by('status')
let heard = 0

/** Tells those who hear the page; at most every `pause` milliseconds, so that a camera does not talk without end. */
export function announce(text: string, pause = 0): void {
  const now = performance.now()
  if (status.textContent === text || now - heard < pause) return
  heard = now
  status.textContent = text
}
