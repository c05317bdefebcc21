import { useState } from 'react'
import { ScrollView, StatusBar, StyleSheet, Text } from 'react-native'
import { SafeAreaProvider, SafeAreaView } from 'react-native-safe-area-context'
import { Answers } from './components/Answers'
import { CameraView } from './components/CameraView'
import { Choices } from './components/Choices'
import { LoadingBar } from './components/LoadingBar'
import { Notice } from './components/Notice'
import { PhotoView } from './components/PhotoView'
import { NETWORKS } from './networks'
import { useTheme } from './theme'
import { useClassifier } from './useClassifier'

const SOURCES = ['Camera', 'Photograph'] as const

export function App() {
  const { ground, text } = useTheme()
  return (
    <SafeAreaProvider>
      <StatusBar />
      <SafeAreaView style={[styles.screen, { backgroundColor: ground }]}>
        <ScrollView contentContainerStyle={styles.content}>
          <Text accessibilityRole="header" style={[styles.title, { color: text }]}>
            What is this?
          </Text>
          <Classification />
        </ScrollView>
      </SafeAreaView>
    </SafeAreaProvider>
  )
}

function Classification() {
  const [network, setNetwork] = useState(NETWORKS[0])
  const [source, setSource] = useState<(typeof SOURCES)[number]>(SOURCES[0])
  const { loading, answer, fault, classify, forget, retry } = useClassifier(network.bundle)

  const choose = (chosen: (typeof SOURCES)[number]) => {
    setSource(chosen)
    forget()
  }

  return (
    <>
      <Choices
        label="Network"
        items={NETWORKS}
        chosen={network}
        title={({ title, precision }) => `${title}, ${precision}`}
        onChoose={setNetwork}
      />
      <Choices label="Picture from" items={SOURCES} chosen={source} title={(item) => item} onChoose={choose} />
      {loading.state === 'loading' && <LoadingBar label="Loading the network" share={loading.share} />}
      {loading.state === 'failed' && (
        <Notice alarm text={loading.message} action={{ title: 'Try again', onPress: retry }} />
      )}
      {source === 'Camera' ? (
        <CameraView classify={classify} />
      ) : (
        <PhotoView ready={loading.state === 'ready'} classify={classify} />
      )}
      {fault && <Notice alarm text={fault} />}
      {answer && <Answers answer={answer} precision={network.precision} />}
    </>
  )
}

const styles = StyleSheet.create({
  screen: { flex: 1 },
  content: { padding: 16, gap: 12 },
  title: { fontSize: 28, fontWeight: '700' },
})
