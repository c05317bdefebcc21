import { StyleSheet, Text, View } from 'react-native'
import { useTheme } from '../theme'
import { Button } from './Button'

interface Props {
  text: string
  /** Something went wrong: said at once by screen readers. */
  alarm?: boolean
  action?: { title: string; onPress: () => void }
}

export function Notice({ text, alarm = false, action }: Props) {
  const { quiet, alarm: red } = useTheme()
  return (
    <View style={styles.notice}>
      <Text
        accessibilityRole={alarm ? 'alert' : undefined}
        accessibilityLiveRegion="polite"
        style={[styles.text, { color: alarm ? red : quiet }]}
      >
        {text}
      </Text>
      {action && <Button {...action} />}
    </View>
  )
}

const styles = StyleSheet.create({
  notice: { gap: 12, paddingVertical: 16 },
  text: { fontSize: 16, lineHeight: 22 },
})
