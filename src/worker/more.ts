// What few ask of the worker of a page: a script of its own, which the worker imports where its code imports one of these files (see
// tools/build.mjs). It is also what the workers of a team run: a thread that takes part.
import * as held from '../bundle/held.ts'
import * as integrity from '../bundle/integrity.ts'
import * as unreachable from '../bundle/unreachable.ts'
import * as careful from '../image/careful.ts'
import * as bands from '../plan/bands.ts'
import * as keep from '../plan/keep.ts'
import * as refusal from '../runtime/cannot-run.ts'
import * as kernels from '../runtime/kernels.ts'
import * as profile from '../runtime/profile.ts'
import * as threads from '../runtime/threads/page.ts'
import { takePart } from '../runtime/threads/take-part.ts'
import type { ThreadStart } from '../runtime/threads/team.ts'

Object.assign(globalThis, {
  dynedge_more: {
    ...held,
    ...integrity,
    ...unreachable,
    ...careful,
    ...bands,
    ...keep,
    ...kernels,
    ...profile,
    ...refusal,
    ...threads,
  },
})

addEventListener('message', ({ data }: MessageEvent<Partial<ThreadStart>>) => {
  if (data.memory) takePart(data as ThreadStart, () => postMessage('ready'))
})
