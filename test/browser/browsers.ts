import { openFirefox } from './firefox.ts'
import { openBrowser } from './page.ts'
import { openWebKit } from './webkit.ts'

/** A browser that runs, with one page. */
export interface Session {
  /** As the browser names itself. */
  readonly version: string
  /** What page and browser have written to the console: errors and warnings. */
  readonly complaints: string[]
  /** Whether they have the browser's own words too: of policies, of files that are missing. */
  readonly hearsBrowser: boolean
  goto(address: string): Promise<void>
  /** What an expression of JavaScript gives in the page, as JSON; a promise is waited for. */
  evaluate<R>(expression: string): Promise<R>
  /** How many workers the page has, where the browser tells. */
  workers?(): number
  close(): Promise<void>
}

export interface OpenOptions {
  /** A file of JPEGs one after the other (.mjpeg), which Chromium's camera shows again and again. */
  clip?: string
  /** False: WebKitGTK as it is shipped, which keeps shared memory from pages even if they are isolated. */
  sharedMemory?: boolean
}

/** What a browser can do of what dynedge uses where it is there. */
export interface Abilities {
  relaxedSimd: boolean
  /** In a page that is cross-origin isolated. */
  sharedMemory: boolean
  /** Streams go to a worker as they are. */
  givesStreamsAway: boolean
}

/** A row of the table of browsers that every test of this folder runs through. */
export interface Browser {
  name: string
  has: Abilities
  /** @throws Error with the way to install it, where it is missing */
  open(options?: OpenOptions): Promise<Session>
}

export const BROWSERS: Browser[] = [
  {
    name: 'Chromium',
    has: { relaxedSimd: true, sharedMemory: true, givesStreamsAway: true },
    open: openChromium,
  },
  {
    name: 'Firefox',
    has: { relaxedSimd: true, sharedMemory: true, givesStreamsAway: true },
    open: () => openFirefox(),
  },
  {
    name: 'WebKit',
    has: { relaxedSimd: false, sharedMemory: true, givesStreamsAway: false },
    open: openWebKit,
  },
]

async function openChromium({ clip }: OpenOptions = {}): Promise<Session> {
  const { page, complaints, close } = await openBrowser(clip ? [`--use-file-for-fake-video-capture=${clip}`] : [])
  return {
    version: await page.browser().version(),
    complaints,
    hearsBrowser: true,
    goto: async (address) => void (await page.goto(address)),
    evaluate: async (expression) => parsed(await page.evaluate(asJson(expression))),
    workers: () => page.workers().length,
    close,
  }
}

/** The value of an expression as text, which every protocol carries alike. */
export const asJson = (expression: string): string =>
  `Promise.resolve(${expression}).then((value) => JSON.stringify(value))`

export const parsed = (text: unknown) => (typeof text === 'string' ? JSON.parse(text) : undefined)

/** Runs a function in the page, given its globals and `argument`; tsx and esbuild must leave it self-contained. */
export const runnerIn =
  <Globals>(session: () => Session) =>
  <A, R>(run: (globals: Globals, argument: A) => Promise<R> | R, argument?: A): Promise<R> =>
    session().evaluate(`(${run})(globalThis, ${JSON.stringify(argument ?? null)})`)
