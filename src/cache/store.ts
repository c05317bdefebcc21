import type { BundleHeader } from '../bundle/header.ts'

// Finished bundles in the Cache API, each under its digest: an address of no server, so that nothing that a service worker of the page looks
// for is ever found here. What else is known of a bundle stands in the address too.

const ADDRESS = 'https://dynedge.invalid/'

/** A kept bundle. */
export interface Kept {
  key: string
  url: string
  /** The server's name for this version of the file. */
  tag: string
  integrity: string
  network: string
  bytes: string
  time: string
}

export const openStore = () => caches.open('dynedge')

/** What is kept; nothing where there is no Cache API, or it may not be used. */
export async function keptBundles(): Promise<Kept[]> {
  try {
    const keys = await (await openStore()).keys()
    return keys.map(({ url: key }) => ({ ...Object.fromEntries(new URL(key).searchParams), key }) as Kept)
  } catch {
    return []
  }
}

/** Keeps a checked bundle in place of the one that `url` had before. Never fails: without room it is fetched again next time. */
export async function keepBundle(url: string, tag: string, { metadata }: BundleHeader, file: Blob): Promise<void> {
  const { sha256, network } = metadata
  const digest = sha256.replaceAll(/../g, (digits) => String.fromCharCode(Number.parseInt(digits, 16)))
  const about = { url, tag, integrity: `sha256-${btoa(digest)}`, network, bytes: `${file.size}`, time: `${Date.now()}` }
  const old = (await keptBundles()).filter((kept) => kept.url === url)
  try {
    const store = await openStore()
    const put = () => store.put(`${ADDRESS}${sha256}?${new URLSearchParams(about)}`, new Response(file))
    const dropOld = () => Promise.all(old.map(({ key }) => store.delete(key)))
    // Without room for both versions, the old one goes first.
    await put().catch(() => dropOld().then(put))
    await dropOld()
  } catch {}
}
