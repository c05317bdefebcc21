import { act, render, screen, userEvent, waitFor } from '@testing-library/react-native'
import * as dynedge from 'dynedge'
import { NativeModules } from 'react-native'
import { launchImageLibrary } from 'react-native-image-picker'
import { loadImage } from 'react-native-nitro-image'
import { App } from '../src/App'
import { NETWORKS } from '../src/networks'
import { decoded, OTHER_PHOTO, PHOTO, saidInNode } from './pictures'

jest.mock('dynedge', () => ({ __esModule: true, ...jest.requireActual('dynedge') }))

const pick = launchImageLibrary as jest.Mock
const decode = loadImage as jest.Mock
const percent = (probability: number) => `${Math.round(probability * 100)} %`

beforeEach(() => {
  jest.restoreAllMocks()
  decode.mockImplementation(async ({ filePath }: { filePath: string }) => {
    const { data, ...size } = await decoded(filePath)
    const toRawPixelDataAsync = async () => ({ buffer: data.buffer, ...size, pixelFormat: 'RGBA' })
    return { toRawPixelDataAsync, dispose() {} }
  })
  globalThis.fetch = jest.fn(async () => ({ blob: async () => new Blob([]) })) as jest.Mock
})

async function ready() {
  await render(<App />)
  await waitFor(() => expect(screen.queryByRole('progressbar')).toBeNull())
  await userEvent.press(screen.getByRole('radio', { name: 'Photograph' }))
}
const press = (name: string) => userEvent.press(screen.getByRole('button', { name }))

test('a photograph is shown and named, by every network, as in Node', async () => {
  await ready()
  pick.mockResolvedValue({ assets: [{ uri: PHOTO }] })
  await press('Choose a photograph')
  expect(await screen.findByLabelText('Your photograph')).toHaveProp('source', { uri: PHOTO })
  const files = [
    'dy-mobile-200/dy-mobile-200.int8.safetensors',
    'dy-mobile-cifar10/dy-mobile-cifar10.int8.safetensors',
    'dy-mobile-0.5-cifar10/dy-mobile-0.5-cifar10.f32.safetensors',
  ]
  expect(files).toHaveLength(NETWORKS.length)
  for (const [index, { title, precision }] of NETWORKS.entries()) {
    await userEvent.press(screen.getByRole('radio', { name: `${title}, ${precision}` }))
    for (const { label, probability } of saidInNode(PHOTO, files[index]))
      expect(await screen.findByLabelText(`${label}, ${percent(probability)}`)).toBeOnTheScreen()
    expect(screen.getByText(new RegExp(` ms, ${precision}$`))).toBeOnTheScreen()
  }
})

test('a photograph that is not chosen after all, and another', async () => {
  await ready()
  pick.mockResolvedValueOnce({ didCancel: true })
  await press('Choose a photograph')
  expect(screen.queryByLabelText('Your photograph')).toBeNull()
  pick.mockResolvedValueOnce({ assets: [{ uri: OTHER_PHOTO }] })
  await press('Choose a photograph')
  const [{ label, probability }] = saidInNode(OTHER_PHOTO, 'dy-mobile-200/dy-mobile-200.int8.safetensors')
  expect(await screen.findByLabelText(`${label}, ${percent(probability)}`)).toBeOnTheScreen()
})

test.each([
  [{ errorCode: 'permission' }, /may not see the photographs.*settings/],
  [{ errorCode: 'others', errorMessage: 'No space left' }, /No photograph could be had. No space left/],
])('the phone has no photograph: %j', async (answer, message) => {
  await ready()
  pick.mockResolvedValue(answer)
  await press('Choose a photograph')
  expect(screen.getByRole('alert')).toHaveTextContent(message)
})

test('a photograph of a kind that cannot be read', async () => {
  await ready()
  pick.mockResolvedValue({ assets: [{ uri: PHOTO }] })
  decode.mockResolvedValue({
    toRawPixelDataAsync: async () => ({ buffer: new ArrayBuffer(8), width: 1, height: 1, pixelFormat: 'unknown' }),
    dispose() {},
  })
  await press('Choose a photograph')
  expect(await screen.findByRole('alert')).toHaveTextContent(/of this kind \(unknown\) cannot be read/)
})

test('loading says how far it is', async () => {
  let tell: (progress: dynedge.Progress) => void = () => {}
  const load = jest.spyOn(dynedge, 'load').mockImplementation((_, options) => {
    tell = options!.onProgress!
    return new Promise(() => {})
  })
  await render(<App />)
  expect(screen.getByRole('progressbar')).toHaveAccessibilityValue({ min: 0, max: 100, now: 0 })
  await act(async () => tell({ loaded: 25, total: 100 }))
  expect(screen.getByText('Loading the network 25 %')).toBeOnTheScreen()
  expect(screen.getByRole('progressbar')).toHaveAccessibilityValue({ now: 25 })
  const { signal } = load.mock.calls[0][1]!
  await screen.unmount()
  expect(signal!.aborted).toBe(true)
})

test('an app without the native part says what to do, and tries again', async () => {
  const { Dynedge } = NativeModules
  NativeModules.Dynedge = undefined
  await render(<App />)
  const alert = await screen.findByText(/Build it again: npm run android, or npm run ios/)
  expect(alert).toHaveTextContent(/not-linked: .*Expo Go/)
  NativeModules.Dynedge = Dynedge
  await press('Try again')
  await waitFor(() => expect(screen.queryByRole('progressbar')).toBeNull())
  expect(screen.queryByText(/not-linked/)).toBeNull()
})

test('a picture that the network fails at', async () => {
  const failing = {
    classify: async () => Promise.reject(new dynedge.DynedgeError('trap', 'It trapped.')),
    dispose() {},
  }
  jest.spyOn(dynedge, 'load').mockResolvedValue(failing as unknown as dynedge.Network)
  await ready()
  pick.mockResolvedValue({ assets: [{ uri: PHOTO }] })
  await press('Choose a photograph')
  expect(await screen.findByText(/The network broke off. Try again.\s+trap: It trapped./)).toBeOnTheScreen()
})
