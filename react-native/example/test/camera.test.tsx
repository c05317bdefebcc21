import { act, render, screen, userEvent, waitFor } from '@testing-library/react-native'
import { Linking } from 'react-native'
import { App } from '../src/App'
import { phone, requestPermission } from './camera'
import { decoded, frameOf, PHOTO, saidInNode } from './pictures'

const NETWORK = 'dy-mobile-200/dy-mobile-200.int8.safetensors'
const percent = (probability: number) => `${Math.round(probability * 100)} %`

beforeEach(() => {
  Object.assign(phone, { permission: 'authorized', cameras: ['back'], onFrame: undefined })
})

/** The app, with its network loaded. */
async function ready() {
  await render(<App />)
  await waitFor(() => expect(screen.queryByRole('progressbar')).toBeNull())
}

test('a frame is named as dynedge in Node names the photograph', async () => {
  const expected = saidInNode(PHOTO, NETWORK)
  await ready()
  const { frame, dispose } = frameOf(await decoded(PHOTO))
  await act(async () => phone.onFrame!(frame))
  for (const { label, probability } of expected)
    expect(await screen.findByLabelText(`${label}, ${percent(probability)}`)).toBeOnTheScreen()
  expect(screen.getByText(/^\d+\.\d ms, int8$/)).toBeOnTheScreen()
  expect(dispose).toHaveBeenCalledTimes(1)
})

test.each([
  ['left', 270],
  ['down', 180],
  ['right', 90],
] as const)('a frame that is turned %s is seen upright', async (orientation, degrees) => {
  const [{ label, probability }] = saidInNode(PHOTO, NETWORK)
  await ready()
  const { frame } = frameOf(await decoded(PHOTO, degrees), orientation)
  await act(async () => phone.onFrame!(frame))
  expect(await screen.findByLabelText(`${label}, ${percent(probability)}`)).toBeOnTheScreen()
})

test('frames that come while one is at work are dropped, and given back to the camera', async () => {
  await ready()
  const frames = [0, 1, 2].map(() => frameOf({ data: new Uint8Array(64 * 64 * 4).fill(128), width: 64, height: 64 }))
  const copies = frames.map(({ frame }) => jest.spyOn(frame, 'getPixelBuffer'))
  await act(async () => {
    for (const { frame } of frames) phone.onFrame!(frame)
  })
  await screen.findByText(/ ms, int8$/)
  expect(copies.map((copy) => copy.mock.calls.length)).toEqual([1, 0, 0])
  for (const { dispose } of frames) expect(dispose).toHaveBeenCalledTimes(1)
  const next = frameOf({ data: new Uint8Array(64 * 64 * 4), width: 64, height: 64 })
  const copy = jest.spyOn(next.frame, 'getPixelBuffer')
  await act(async () => phone.onFrame!(next.frame))
  expect(copy).toHaveBeenCalledTimes(1)
})

test('a frame that cannot be read does not keep the next from being seen', async () => {
  await ready()
  const broken = frameOf({ data: new Uint8Array(16), width: 2, height: 2 })
  jest.spyOn(broken.frame, 'getPixelBuffer').mockImplementation(() => {
    throw new Error('gone')
  })
  expect(() => phone.onFrame!(broken.frame)).toThrow('gone')
  expect(broken.dispose).toHaveBeenCalledTimes(1)
  const { frame } = frameOf({ data: new Uint8Array(64 * 64 * 4), width: 64, height: 64 })
  await act(async () => phone.onFrame!(frame))
  expect(await screen.findByText(/ ms, int8$/)).toBeOnTheScreen()
})

test('without the permission it asks, and says what to do when it is denied', async () => {
  phone.permission = 'not-determined'
  await render(<App />)
  expect(screen.getByText(/asks whether this app may use the camera/)).toBeOnTheScreen()
  expect(requestPermission).toHaveBeenCalled()
  phone.permission = 'denied'
  await screen.rerender(<App />)
  await screen.unmount()
  await render(<App />)
  expect(screen.getByRole('alert')).toHaveTextContent(/may not use the camera.*settings/)
  const open = jest.spyOn(Linking, 'openSettings').mockResolvedValue()
  await userEvent.press(screen.getByRole('button', { name: 'Open the settings' }))
  expect(open).toHaveBeenCalled()
})

test('a phone without a camera is told to choose a photograph', async () => {
  phone.cameras = []
  await render(<App />)
  expect(await screen.findByText(/There is no camera here/)).toBeOnTheScreen()
  phone.cameras = ['front']
  await screen.rerender(<App />)
})
