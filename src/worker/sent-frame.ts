import type { FramePlane, FrameSource } from '../image/frame-source.ts'
import type { Sendable } from './protocol.ts'

// Frames of cameras, as they go to a worker. A page fetches this file for them; it imports types only.

/** A frame as it can be sent, its bytes by `sentArray`; what is none is refused where the network is. */
export function sentFrame(
  { format, width, height, planes, data, rowBytes, matrix, range }: FrameSource,
  sentArray: (data: unknown, transfer?: boolean) => Sendable,
  transfer?: boolean,
): Sendable {
  const given: Transferable[] = []
  const sent = (bytes: unknown) => {
    // What was given away cannot be sent; that it was is said where the network is.
    if (Object(bytes).byteLength === 0) return new Uint8Array()
    // Planes may lie in one buffer, which can be given away once.
    const { buffer = bytes } = Object(bytes) as { buffer?: unknown }
    const { message, transfer: own } = sentArray(bytes, transfer && !given.includes(buffer as Transferable))
    given.push(...own)
    return message
  }
  const message = {
    format,
    width,
    height,
    planes: Array.isArray(planes)
      ? planes.map((plane: FramePlane) => {
          if (Object(plane) !== plane) return plane
          const { data, rowBytes, pixelBytes } = plane
          return { data: sent(data), rowBytes, pixelBytes }
        })
      : planes,
    data: data && sent(data),
    rowBytes,
    matrix,
    range,
  }
  return { message, transfer: given }
}
