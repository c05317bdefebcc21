import type { InputSpec } from './spec.ts'

/** Where the network's picture comes from: resize the whole source, then cut a window out of it. */
export interface Geometry {
  /** The whole source after resizing; it is never made whole. */
  resized: { height: number; width: number }
  /** The part the network sees, in resized pixels. */
  crop: { top: number; left: number; height: number; width: number }
  verticalFirst: boolean
}

/**
 * Cover rule. With m = min(spec.size), the resized picture just covers a box of
 *
 *   int(height * shorterSide / m)  x  int(width * shorterSide / m)
 *
 * keeping its aspect: one side equals the box's, the other is int(side * long / short) and no
 * smaller. For a square input this is torchvision's Resize(shorterSide) with CenterCrop.
 */
export function imageGeometry(
  source: { height: number; width: number },
  spec: InputSpec,
  height: number,
  width: number,
): Geometry {
  const least = Math.min(spec.size[0], spec.size[1])
  const boxHeight = Math.trunc((height * spec.shorterSide) / least)
  const boxWidth = Math.trunc((width * spec.shorterSide) / least)
  const widthDecides = source.width * boxHeight <= source.height * boxWidth
  const resized = widthDecides
    ? { height: Math.trunc((boxWidth * source.height) / source.width), width: boxWidth }
    : { height: boxHeight, width: Math.trunc((boxHeight * source.width) / source.height) }
  return {
    resized,
    crop: {
      top: roundHalfEven((resized.height - height) / 2),
      left: roundHalfEven((resized.width - width) / 2),
      height,
      width,
    },
    verticalFirst: verticalFirst(source, resized),
  }
}

/**
 * Which pass Pillow 13 runs first: the vertical one where the height shrinks by more than twice
 * as many pixels as the width (for a whole picture: portraits longer than 1:2, when shrinking).
 * The order shows in the last bit, since the picture between the passes has 8 bits. Pillow before
 * 13 ran the horizontal pass first. Found by probing Pillow 13.0.0; test/fixtures/image pins it.
 */
export function verticalFirst(
  source: { height: number; width: number },
  resized: { height: number; width: number },
): boolean {
  const heightLost = source.height - resized.height
  return heightLost > 0 && heightLost > 2 * (source.width - resized.width)
}

/** Python's round(): halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
