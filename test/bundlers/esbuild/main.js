import { answers, inlineAnswer } from './answers.js'

globalThis.answers = { ...(await answers()), inline: await inlineAnswer() }
