import { useEffect, useState } from 'react'
import { Image, StyleSheet, View } from 'react-native'
import { readable } from '../messages'
import { type Photo, pickPhoto } from '../photos'
import type { Classifier } from '../useClassifier'
import { Button } from './Button'
import { Notice } from './Notice'

interface Props {
  /** Is there a network? */
  ready: boolean
  classify: Classifier['classify']
}

/** Lets a person choose a photograph, shows it and hands it to `classify`; once more to every other network. */
export function PhotoView({ ready, classify }: Props) {
  const [photo, setPhoto] = useState<Photo>()
  const [fault, setFault] = useState<string>()

  useEffect(() => {
    if (photo && ready) classify(photo.picture, { orientation: photo.orientation })
  }, [photo, ready, classify])

  const pick = async () => {
    try {
      const picked = await pickPhoto()
      setFault(undefined)
      if (picked) setPhoto(picked)
    } catch (error) {
      setFault(readable(error))
    }
  }

  return (
    <View style={styles.view}>
      {photo && (
        <Image
          accessible
          accessibilityLabel="Your photograph"
          source={{ uri: photo.uri }}
          style={styles.photo}
          resizeMode="contain"
        />
      )}
      <Button title="Choose a photograph" onPress={pick} />
      {fault && <Notice alarm text={fault} />}
    </View>
  )
}

const styles = StyleSheet.create({
  view: { gap: 12 },
  photo: { width: '100%', aspectRatio: 1, maxHeight: 480, borderRadius: 12 },
})
