const START_OF_IMAGE = 0xffd8
const APP1 = 0xffe1
const START_OF_SCAN = 0xffda
const EXIF = 0x45786966
const LITTLE_ENDIAN = 0x4949
const ORIENTATION = 0x0112

/** The orientation, 1 to 8, that the beginning of a JPEG file tells of; 1 where it tells none. */
export function orientationIn(file: ArrayBuffer): number {
  const view = new DataView(file)
  try {
    if (view.getUint16(0) !== START_OF_IMAGE) return 1
    for (let at = 2; view.getUint16(at) !== START_OF_SCAN; at += 2 + view.getUint16(at + 2))
      if (view.getUint16(at) === APP1 && view.getUint32(at + 4) === EXIF) return orientationOf(view, at + 10)
  } catch {
    // It ends before it should.
  }
  return 1
}

/** Of the TIFF header at `tiff`, the tag in its first directory. */
function orientationOf(view: DataView, tiff: number): number {
  const little = view.getUint16(tiff) === LITTLE_ENDIAN
  const directory = tiff + view.getUint32(tiff + 4, little)
  const tags = view.getUint16(directory, little)
  for (let tag = directory + 2; tag < directory + 2 + 12 * tags; tag += 12) {
    if (view.getUint16(tag, little) !== ORIENTATION) continue
    const value = view.getUint16(tag + 8, little)
    return value >= 1 && value <= 8 ? value : 1
  }
  return 1
}
