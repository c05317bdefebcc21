import { Pressable, StyleSheet, Text } from 'react-native'
import { useTheme } from '../theme'

export function Button({ title, onPress }: { title: string; onPress: () => void }) {
  const { accent, onAccent } = useTheme()
  return (
    <Pressable
      accessibilityRole="button"
      onPress={onPress}
      style={({ pressed }) => [styles.button, { backgroundColor: accent, opacity: pressed ? 0.7 : 1 }]}
    >
      <Text style={[styles.title, { color: onAccent }]}>{title}</Text>
    </Pressable>
  )
}

const styles = StyleSheet.create({
  button: { minHeight: 48, paddingHorizontal: 20, borderRadius: 24, justifyContent: 'center', alignItems: 'center' },
  title: { fontSize: 16, fontWeight: '600', textAlign: 'center' },
})
