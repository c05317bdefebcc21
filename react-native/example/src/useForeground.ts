import { useEffect, useState } from 'react'
import { AppState } from 'react-native'

/** Is this app the one that is seen? */
export function useForeground(): boolean {
  const [state, setState] = useState(AppState.currentState)
  useEffect(() => {
    const listening = AppState.addEventListener('change', setState)
    return () => listening.remove()
  }, [])
  return state === 'active'
}
