/**
 * What `new Worker` may be given for the classic script at `address`; bundlers may give a path only. A page may only start workers from its own
 * origin; one of a blob is, and fetches what it likes.
 */
export function workerScript(address: URL | string): string {
  const { href, origin } = new URL(address, location.href)
  if (origin === location.origin) return href
  const script = `importScripts(${JSON.stringify(href)})`
  return URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))
}
