// The worker of a page: one self-contained script, so that it runs as it is wherever a server or bundler puts it.
import { loader } from '../load.ts'
import { pagePlatform } from '../runtime/page-platform.ts'
import type { Request } from './protocol.ts'
import { serve } from './serve.ts'

const hear = serve(
  (reply, transfer) => postMessage(reply, { transfer }),
  ({ wasm }) => loader(pagePlatform(wasm!)),
)
/** Closes with this thread, which the page hears; a port that nobody holds might be collected before. */
const lives: MessagePort[] = []
addEventListener('message', ({ data }: MessageEvent<Request | { life: MessagePort }>) => {
  if ('life' in data) lives.push(data.life)
  else hear(data)
})
