const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Puts itself where the engine has no btoa: characters are bytes, as those of a digest. */
function encode(bytes: string): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const three = [0, 1, 2].reduce((word, place) => word * 256 + (bytes.charCodeAt(at + place) || 0), 0)
    text += [18, 12, 6, 0].map((shift) => DIGITS[(three >> shift) & 63]).join('')
  }
  const missing = (3 - (bytes.length % 3)) % 3
  return text.slice(0, text.length - missing) + '='.repeat(missing)
}

const chosen = globalThis.btoa ?? encode

export { chosen as btoa }
