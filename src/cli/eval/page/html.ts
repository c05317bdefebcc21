import * as output from '../../output.ts'
import * as show from '../show.ts'

export { html, jsonForScript, Markup } from '../../markup.ts'

// A number and its unit stay on one line.
const tied = (text: string) => text.replaceAll(' ', '\u00a0')
export const percent = (share: number) => tied(output.percent(share))
export const exact = (share: number) => tied(show.exact(share))
export const whole = (count: number) => count.toLocaleString('en')
