// The worker of a page: one classic script, so that it runs as it is wherever a server or bundler puts it.
import { loader } from '../load.ts'
import { pagePlatform } from '../runtime/page-platform.ts'
import { holdLock } from './holding.ts'
import type { Request } from './protocol.ts'
import { serve } from './serve.ts'

const hear = serve(
  (reply, transfer) => postMessage(reply, { transfer }),
  ({ wasm: files }) => {
    // Where the rest of it lies, src/worker/more.ts and cache.ts.
    Object.assign(globalThis, { dynedge_at: files })
    return loader({
      ...pagePlatform(files!),
      async threads() {
        return (await import('../runtime/threads/page.ts')).threadsOfPage(this.wasm, files!.more)
      },
    })
  },
)
addEventListener('message', ({ data }: MessageEvent<Request>) => hear(data))
holdLock()
