import { useColorScheme } from 'react-native'

export interface Theme {
  ground: string
  text: string
  quiet: string
  line: string
  accent: string
  onAccent: string
  alarm: string
}

const LIGHT: Theme = {
  ground: '#ffffff',
  text: '#1a1c1e',
  quiet: '#5b6168',
  line: '#d9dde1',
  accent: '#0b57d0',
  onAccent: '#ffffff',
  alarm: '#b3261e',
}

const DARK: Theme = {
  ground: '#111315',
  text: '#f1f3f4',
  quiet: '#a8b0b8',
  line: '#33383d',
  accent: '#a8c7fa',
  onAccent: '#062e6f',
  alarm: '#f2b8b5',
}

/** Colours of the phone's light or dark mode; text on its ground has a contrast of at least 4.5. */
export const useTheme = (): Theme => (useColorScheme() === 'dark' ? DARK : LIGHT)
