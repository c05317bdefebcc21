import { useCallback, useEffect, useMemo, useState } from 'react'
import { Linking, StyleSheet, View } from 'react-native'
import { Camera, useCameraDevice, useCameraPermission, VisionCamera } from 'react-native-vision-camera'
import type { SeenFrame } from '../frames'
import type { Classifier } from '../useClassifier'
import { useForeground } from '../useForeground'
import { useFrames } from '../useFrames'
import { Notice } from './Notice'

interface Props {
  classify: Classifier['classify']
}

/** Asks for the camera, shows what it sees and hands that to `classify`. */
export function CameraView({ classify }: Props) {
  const { hasPermission, canRequestPermission, requestPermission } = useCameraPermission()

  useEffect(() => {
    if (canRequestPermission) requestPermission()
  }, [canRequestPermission, requestPermission])

  if (hasPermission) return <LiveCamera classify={classify} />
  if (canRequestPermission) return <Notice text="The phone asks whether this app may use the camera." />
  return (
    <Notice
      alarm
      text="This app may not use the camera. Allow it in the settings, or choose a photograph."
      action={{ title: 'Open the settings', onPress: () => Linking.openSettings() }}
    />
  )
}

function LiveCamera({ classify }: Props) {
  const back = useCameraDevice('back')
  const front = useCameraDevice('front')
  const camera = back ?? front
  const isSearched = useSearched()
  const isForeground = useForeground()
  const [fault, setFault] = useState<string>()
  const look = useCallback(({ picture, orientation }: SeenFrame) => classify(picture, { orientation }), [classify])
  const frames = useFrames(look)
  const outputs = useMemo(() => [frames], [frames])

  if (!camera)
    return isSearched ? (
      <Notice alarm text="There is no camera here. Choose a photograph instead." />
    ) : (
      <Notice text="Looking for a camera …" />
    )
  return (
    <>
      <View accessible accessibilityLabel="Camera" style={styles.camera}>
        <Camera
          style={StyleSheet.absoluteFill}
          device={camera}
          isActive={isForeground}
          outputs={outputs}
          onStarted={() => setFault(undefined)}
          onError={({ message }) => setFault(message)}
        />
      </View>
      {fault && <Notice alarm text={`The camera cannot be used. ${fault}`} />}
    </>
  )
}

/** Cameras are found a moment after the first look. */
function useSearched(): boolean {
  const [isSearched, setSearched] = useState(false)
  useEffect(() => {
    let mounted = true
    const found = () => {
      if (mounted) setSearched(true)
    }
    VisionCamera.createDeviceFactory().then(found, found)
    return () => {
      mounted = false
    }
  }, [])
  return isSearched
}

const styles = StyleSheet.create({
  camera: { width: '100%', aspectRatio: 3 / 4, maxHeight: 480, borderRadius: 12, overflow: 'hidden' },
})
