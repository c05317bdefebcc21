import type { CachedBundle } from '../interface.ts'
import { removeParts } from './parts.ts'
import { keptBundles, openStore } from './store.ts'

/** What `bundleCache.list` answers. */
export async function listBundles(): Promise<CachedBundle[]> {
  const found = await keptBundles()
  return found
    .map(({ url, integrity, network, bytes, time }) => ({
      url,
      integrity,
      network,
      bytes: Number(bytes),
      date: new Date(Number(time)),
    }))
    .sort((a, b) => b.date.getTime() - a.date.getTime())
}

/** What `bundleCache.delete` does. */
export async function deleteBundles(which?: string): Promise<number> {
  const all = which === undefined
  const found = (await keptBundles()).filter(({ url, integrity }) => all || which === integrity || which === url)
  for (const { key } of found) await (await openStore()).delete(key)
  if (all) await removeParts()
  return found.length
}
