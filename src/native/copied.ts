/** Levels of objects in a picture: itself, its planes, what they are made of. */
const DEEPEST = 3

/** `value` with copies of the bytes in it, as far as it is made of plain objects and arrays. */
export function copied<T>(value: T, levels = DEEPEST): T {
  const given: unknown = value
  if (given instanceof ArrayBuffer) return given.slice(0) as T
  if (ArrayBuffer.isView(given)) return 'slice' in given ? ((given as Uint8Array).slice() as T) : value
  if (!levels || typeof given !== 'object' || given === null) return value
  if (Array.isArray(given)) return given.map((part) => copied(part, levels - 1)) as T
  if (Object.getPrototypeOf(given) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(given).map(([name, part]) => [name, copied(part, levels - 1)])) as T
}
