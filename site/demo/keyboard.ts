import { nextLayer } from './kernels.ts'
import { by } from './page.ts'
import { nextSample } from './source.ts'

const STORED = 'dynedge single keys'
const dialog = by<HTMLDialogElement>('keys')
const single = by<HTMLInputElement>('single-keys')

const ACTIONS: Record<string, () => void> = {
  c: () => by('camera').click(),
  o: () => by('choose').click(),
  j: () => nextSample(1),
  k: () => nextSample(-1),
  l: nextLayer,
  '?': () => dialog.showModal(),
}

/** Single letters as shortcuts, which whoever speaks or mistypes letters can switch off. */
export function openKeyboard(): void {
  try {
    single.checked = localStorage.getItem(STORED) !== 'off'
    single.addEventListener('change', () => localStorage.setItem(STORED, single.checked ? 'on' : 'off'))
  } catch {
    // Where nothing may be stored they stay on.
  }
  by('help').addEventListener('click', () => dialog.showModal())
  document.addEventListener('keydown', (event) => {
    const { key, target, ctrlKey, metaKey, altKey } = event
    const typing =
      target instanceof Element && target.closest('select, input:not([type=radio], [type=checkbox], [type=range])')
    if (!single.checked || typing || dialog.open || ctrlKey || metaKey || altKey) return
    const action = Object.hasOwn(ACTIONS, key) ? ACTIONS[key] : undefined
    if (!action) return
    event.preventDefault()
    action()
  })
}
