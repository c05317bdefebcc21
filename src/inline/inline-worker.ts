// The worker of dynedge/inline: one classic script that a blob holds, after a line that has the binary.
import { loader } from '../load.ts'
import { holdLock } from '../worker/holding.ts'
import type { Request } from '../worker/protocol.ts'
import { serve } from '../worker/serve.ts'
import { inlinePlatform } from './platform.ts'

declare const dynedgeWasm: string

const load = loader(inlinePlatform(dynedgeWasm))
const hear = serve(
  (reply, transfer) => postMessage(reply, { transfer }),
  () => load,
)
addEventListener('message', ({ data }: MessageEvent<Request>) => hear(data))
holdLock()
