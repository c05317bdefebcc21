import { Pressable, StyleSheet, Text, View } from 'react-native'
import { useTheme } from '../theme'

interface Props<T> {
  label: string
  items: readonly T[]
  chosen: T
  title: (item: T) => string
  onChoose: (item: T) => void
}

/** One of several, side by side; they wrap on small screens. */
export function Choices<T>({ label, items, chosen, title, onChoose }: Props<T>) {
  const { accent, onAccent, text, line } = useTheme()
  return (
    <View accessibilityRole="radiogroup" accessibilityLabel={label} style={styles.row}>
      {items.map((item) => {
        const checked = item === chosen
        return (
          <Pressable
            key={title(item)}
            accessibilityRole="radio"
            accessibilityState={{ checked }}
            onPress={() => onChoose(item)}
            style={[
              styles.item,
              { borderColor: checked ? accent : line, backgroundColor: checked ? accent : undefined },
            ]}
          >
            <Text style={{ color: checked ? onAccent : text }}>{title(item)}</Text>
          </Pressable>
        )
      })}
    </View>
  )
}

const styles = StyleSheet.create({
  row: { flexDirection: 'row', flexWrap: 'wrap', gap: 8 },
  item: { minHeight: 44, paddingHorizontal: 14, borderRadius: 22, borderWidth: 1, justifyContent: 'center' },
})
