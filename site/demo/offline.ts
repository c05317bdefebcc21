import { by } from './page.ts'

/** Keeps the site for the next visit, also without a network, where the browser has service workers. */
export async function openOffline(): Promise<void> {
  const note = by('offline')
  if (!('serviceWorker' in navigator)) {
    note.textContent = 'This page cannot be kept for offline use: it is not from https: or localhost'
    return
  }
  try {
    await navigator.serviceWorker.register('offline.js')
    await navigator.serviceWorker.ready
    note.textContent = 'Works offline, with the networks that you have looked at'
  } catch {
    note.textContent = 'This browser does not keep the page for offline use'
  }
}
