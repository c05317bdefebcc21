// `load(url, { cache: true })` in the worker of a page: a script of its own, as more.ts is.
import { openCached } from '../cache/open.ts'

Object.assign(globalThis, { dynedge_cache: { openCached } })
