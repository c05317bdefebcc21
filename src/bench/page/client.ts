// The script of a report: draws its charts, in the colours that the style sheet has for light and dark.
import type { Chart as Drawn } from '../charts.ts'
import { drawAll } from './draw.ts'

const charts: Drawn[] = JSON.parse(document.getElementById('charts')!.textContent!)
drawAll(charts, document)
