import { StyleSheet, Text, View } from 'react-native'
import { useTheme } from '../theme'
import type { Answer } from '../useClassifier'

const percent = (probability: number) => `${Math.round(probability * 100)} %`

/** The best classes of a picture, the best first, and how long they took. */
export function Answers({ answer, precision }: { answer: Answer; precision: string }) {
  const { text, quiet, line, accent } = useTheme()
  return (
    <View style={styles.list}>
      {answer.top.map(({ index, label, probability }, place) => (
        <View key={index} accessible accessibilityLabel={`${label}, ${percent(probability)}`}>
          <View style={styles.row}>
            <Text numberOfLines={2} style={[styles.label, place === 0 && styles.best, { color: text }]}>
              {label}
            </Text>
            <Text style={[styles.share, place === 0 && styles.best, { color: text }]}>{percent(probability)}</Text>
          </View>
          <View style={[styles.bar, { backgroundColor: line }]}>
            <View style={[styles.bar, { backgroundColor: accent, width: `${probability * 100}%` }]} />
          </View>
        </View>
      ))}
      <Text style={{ color: quiet }}>{`${answer.ms.toFixed(1)} ms, ${precision}`}</Text>
    </View>
  )
}

const styles = StyleSheet.create({
  list: { gap: 8, paddingVertical: 12 },
  row: { flexDirection: 'row', gap: 12 },
  label: { flex: 1, fontSize: 16 },
  share: { fontSize: 16, fontVariant: ['tabular-nums'] },
  best: { fontSize: 20, fontWeight: '600' },
  bar: { height: 4, borderRadius: 2, overflow: 'hidden' },
})
