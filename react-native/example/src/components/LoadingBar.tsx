import { StyleSheet, Text, View } from 'react-native'
import { useTheme } from '../theme'

/** `share` of something that is there already, 0 to 1. */
export function LoadingBar({ label, share }: { label: string; share: number }) {
  const { text, line, accent } = useTheme()
  const percent = Math.round(share * 100)
  return (
    <View
      accessible
      accessibilityRole="progressbar"
      accessibilityLabel={label}
      accessibilityValue={{ min: 0, max: 100, now: percent }}
      style={styles.loading}
    >
      <Text style={[styles.label, { color: text }]}>{`${label} ${percent} %`}</Text>
      <View style={[styles.bar, { backgroundColor: line }]}>
        <View style={[styles.bar, { backgroundColor: accent, width: `${percent}%` }]} />
      </View>
    </View>
  )
}

const styles = StyleSheet.create({
  loading: { gap: 8, paddingVertical: 16 },
  label: { fontSize: 16 },
  bar: { height: 6, borderRadius: 3, overflow: 'hidden' },
})
