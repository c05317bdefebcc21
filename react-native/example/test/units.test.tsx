import { act, renderHook, waitFor } from '@testing-library/react-native'
import * as dynedge from 'dynedge'
import type { Frame } from 'react-native-vision-camera'
import sharp from 'sharp'
import { orientationIn } from '../src/exif'
import { seen } from '../src/frames'
import { readable } from '../src/messages'
import { NETWORKS } from '../src/networks'
import { useClassifier } from '../src/useClassifier'

jest.mock('dynedge', () => ({ __esModule: true, ...jest.requireActual('dynedge') }))

test.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i of a JPEG file', async (orientation) => {
  const blank = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
  const file = Uint8Array.from(await blank.jpeg().withMetadata({ orientation }).toBuffer())
  expect(orientationIn(file.buffer)).toBe(orientation)
  // Whatever it is cut off at.
  for (const bytes of [0, 1, 3, 9, 20, 30]) expect(orientationIn(file.slice(0, bytes).buffer)).toBe(1)
})

test('an orientation that nobody tells of', async () => {
  const blank = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
  for (const file of [await blank.jpeg().toBuffer(), await blank.png().toBuffer()])
    expect(orientationIn(Uint8Array.from(file).buffer)).toBe(1)
})

test('planes of an iPhone and of Android become those of dynedge', () => {
  const plane = (width: number, bytesPerRow: number, bytes: number) => ({
    width,
    bytesPerRow,
    getPixelBuffer: () => new ArrayBuffer(bytes),
  })
  const frame = { width: 640, height: 480, orientation: 'left', isMirrored: false, isPlanar: true }
  const iPhone = {
    ...frame,
    pixelFormat: 'yuv-420-8-bit-video',
    getPlanes: () => [plane(640, 704, 704 * 480), plane(320, 704, 704 * 240)],
  }
  expect(seen(iPhone as unknown as Frame)).toMatchObject({
    orientation: 6,
    picture: {
      format: 'nv12',
      width: 640,
      height: 480,
      range: 'limited',
      planes: [{ rowBytes: 704 }, { rowBytes: 704 }],
    },
  })
  const android = {
    ...frame,
    isMirrored: true,
    pixelFormat: 'yuv-420-8-bit-full',
    getPlanes: () => [plane(704, 704, 704 * 480), plane(352, 704, 704 * 240 - 1), plane(352, 704, 704 * 240 - 1)],
  }
  expect(seen(android as unknown as Frame)).toMatchObject({
    orientation: 5,
    picture: {
      format: 'i420',
      range: 'full',
      planes: [
        { rowBytes: 704, pixelBytes: 1 },
        { rowBytes: 704, pixelBytes: 2 },
        { rowBytes: 704, pixelBytes: 2 },
      ],
    },
  })
})

test('an error of another kind is shown as it is', () => {
  expect(readable(new Error('Something else.'))).toBe('Something else.')
  expect(readable('thrown')).toBe('thrown')
})

test('a network that nobody wants any more is put away, also one that comes too late', async () => {
  const disposed: string[] = []
  const late: ((net: dynedge.Network) => void)[] = []
  const networkOf = (name: string) =>
    ({ classify: async () => [], dispose: () => disposed.push(name) }) as unknown as dynedge.Network
  jest.spyOn(dynedge, 'load').mockImplementation(() => new Promise((resolve) => late.push(resolve)))
  const [first, second] = NETWORKS
  const { result, rerender, unmount } = await renderHook(({ bundle }: { bundle: number }) => useClassifier(bundle), {
    initialProps: { bundle: first.bundle },
  })
  await rerender({ bundle: second.bundle })
  await act(async () => late[0](networkOf('too late')))
  expect(disposed).toEqual(['too late'])
  await act(async () => late[1](networkOf('wanted')))
  await waitFor(() => expect(result.current.loading).toEqual({ state: 'ready' }))
  expect(await result.current.classify({ data: new Uint8Array(3), width: 1, height: 1 })).toBe(true)
  await unmount()
  expect(disposed).toEqual(['too late', 'wanted'])
})
