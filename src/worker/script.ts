/**
 * What `new Worker` may be given for the classic script at `address`. A page may only start workers from its own origin; one of a blob is,
 * and fetches what it likes.
 */
export function workerScript(address: URL): string | URL {
  if (address.origin === location.origin) return address
  const script = `importScripts(${JSON.stringify(address.href)})`
  return URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))
}
