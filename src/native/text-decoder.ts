/** Puts itself where the engine has no TextDecoder: UTF-8 that is checked, which is all that bundles need. */
class Utf8Decoder {
  decode(bytes: Uint8Array): string {
    let text = ''
    for (const byte of bytes)
      text += byte < 128 && byte !== 37 ? String.fromCharCode(byte) : `%${(byte + 256).toString(16).slice(1)}`
    return decodeURIComponent(text)
  }
}

const Chosen = globalThis.TextDecoder ?? Utf8Decoder

export { Chosen as TextDecoder }
