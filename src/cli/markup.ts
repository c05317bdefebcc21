/** Markup that needs no escaping any more. */
export class Markup {
  constructor(readonly text: string) {}
}

type Piece = Markup | string | number | null | undefined | readonly Piece[]

/** Markup of a template; whatever is put in is escaped unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...pieces: Piece[]): Markup {
  return new Markup(strings.reduce((text, string, i) => text + piece(pieces[i - 1]) + string))
}

function piece(value: Piece): string {
  if (value instanceof Markup) return value.text
  if (Array.isArray(value)) return value.map(piece).join('')
  return value === null || value === undefined ? '' : escaped(`${value}`)
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character])
}

/** JSON for a script element: nothing in it can end the element. */
export function jsonForScript(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'))
}
