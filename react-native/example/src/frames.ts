import type { FrameSource } from 'dynedge'
import type { Frame } from 'react-native-vision-camera'

/** A frame that may outlive the camera's: its bytes are copied on the way to JavaScript's thread. */
export interface SeenFrame {
  picture: FrameSource
  /** As in EXIF: how it is turned upright. */
  orientation: number
}

/** Of an upright frame, and of one that is mirrored besides. */
const TURNS = { up: [1, 2], left: [6, 5], down: [3, 4], right: [8, 7] }

/**
 * What dynedge takes of a frame, without copying: planes of an iPhone are Y and UV, those of Android are Y, U and V, of which the latter two
 * may lie in each other.
 */
export function seen(frame: Frame): SeenFrame {
  'worklet'
  const { width, height, pixelFormat } = frame
  const orientation = TURNS[frame.orientation][frame.isMirrored ? 1 : 0]
  if (!frame.isPlanar) {
    const format = pixelFormat === 'rgb-bgra-8-bit' ? 'bgra' : 'rgba'
    const planes = [{ data: frame.getPixelBuffer(), rowBytes: frame.bytesPerRow }]
    return { picture: { format, width, height, planes }, orientation }
  }
  const planes = frame.getPlanes()
  const format = planes.length === 2 ? 'nv12' : 'i420'
  const picture: FrameSource = {
    format,
    width,
    height,
    range: pixelFormat === 'yuv-420-8-bit-video' ? 'limited' : 'full',
    planes: planes.map((plane) => ({
      data: plane.getPixelBuffer(),
      rowBytes: plane.bytesPerRow,
      // Android: VisionCamera says how many samples a row has place for.
      pixelBytes: format === 'i420' ? Math.round(plane.bytesPerRow / plane.width) : undefined,
    })),
  }
  return { picture, orientation }
}
