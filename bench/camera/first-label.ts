import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { openCameraPage } from './page.ts'

/** One visit of the camera page, milliseconds since its navigation began. */
export interface Visit {
  /** The page's own script begins. */
  script: number
  /** dynedge's first script is there. */
  import: number
  /** The worker runs, the kernels are compiled, the bundle's header is read and the network planned: weights can come. */
  weights: number
  /** The weights are in their place and checked. */
  read: number
  loaded: number
  /** The camera shows its first picture; not our work. */
  camera: number
  /** The first picture is given to `classify`, and its answer is there. */
  asked: number
  answered: number
  label: number
}

/**
 * Our own part of the way from navigation to label: everything until the network is loaded, and classifying the first picture. What
 * is left is waiting for the camera and for a frame of it.
 */
export const ownWork = ({ loaded, asked, answered, label }: Visit) => loaded + (answered - asked) + (label - answered)

export interface FirstLabel {
  /** The first visit of a browser that has nothing. */
  cold: Visit
  /** Later ones, in pages of their own. */
  cached: Visit[]
  /** How often the bundle was fetched from the server in all of them. */
  fetchesOfBundle: number
}

/**
 * Visits the camera page `times` + 1 times in one browser, which keeps the bundle in its own cache; with `cache` dynedge keeps it, by the
 * option of that name and `integrity`, and the browser does not.
 */
export async function firstLabels(model: URL, times: number, cache = false): Promise<FirstLabel> {
  const { page, origin, fetched, complaints, close } = await openCameraPage(model, !cache)
  const options = cache ? { cache, integrity: integrityOf(model) } : {}
  try {
    const visits: Visit[] = []
    while (visits.length <= times) {
      await page.goto(`${origin}/?options=${encodeURIComponent(JSON.stringify(options))}`)
      await page.waitForFunction(`performance.getEntriesByName('label').length`, { timeout: 60_000 })
      visits.push(
        (await page.evaluate(
          `Object.fromEntries(performance.getEntriesByType('mark').map(({ name, startTime }) => [name, startTime]))`,
        )) as Visit,
      )
      await page.goto('about:blank')
      // Ends of the page before must not take time from the next.
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    if (complaints.length) throw new Error(`The page complains: ${complaints.join('; ')}`)
    const [cold, ...cached] = visits
    return { cold, cached, fetchesOfBundle: fetched.get('/model.safetensors') ?? 0 }
  } finally {
    await close()
  }
}

/** SHA-256 of a bundle's data section, as `load` takes it. */
function integrityOf(model: URL): string {
  const bytes = readFileSync(model)
  const data = bytes.subarray(8 + Number(bytes.readBigUInt64LE()))
  return `sha256-${createHash('sha256').update(data).digest('base64')}`
}
