/** What is no number that a method takes. */
export const WRONG: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['true', true],
  ['text', '5'],
  ['an object', {}],
  ['an array', [5]],
  ['a function', () => 5],
  ['an ArrayBuffer', new ArrayBuffer(8)],
  ['a symbol', Symbol('five')],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]
export const NO_INTEGER: [string, unknown][] = [
  ['a fraction', 1.5],
  ['2^32', 2 ** 32],
  ['-2^31-1', -(2 ** 31) - 1],
  ['1e300', 1e300],
]
