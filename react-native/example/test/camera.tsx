import { View, type ViewProps } from 'react-native'
import type { Frame } from 'react-native-vision-camera'

// Stands for react-native-vision-camera.

interface Phone {
  permission: 'authorized' | 'denied' | 'not-determined'
  cameras: ('back' | 'front')[]
  /** What the app does with a frame, in the camera's thread. */
  onFrame?: (frame: Frame) => void
}

export const phone: Phone = { permission: 'authorized', cameras: ['back'] }

export const Camera = (props: ViewProps) => <View {...props} />
export const CommonResolutions = { VGA_4_3: { width: 480, height: 640 } }
export const VisionCamera = { createDeviceFactory: async () => ({}) }
export const requestPermission = jest.fn(async () => false)

export const useCameraPermission = () => ({
  hasPermission: phone.permission === 'authorized',
  canRequestPermission: phone.permission === 'not-determined',
  requestPermission,
})

export const useCameraDevice = (position: 'back' | 'front') =>
  phone.cameras.includes(position) ? { id: position, position } : undefined

export function useFrameOutput({ onFrame }: { onFrame: Phone['onFrame'] }) {
  phone.onFrame = onFrame
  return { thread: {} }
}
