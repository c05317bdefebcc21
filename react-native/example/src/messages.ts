import { DynedgeError, type ErrorCode } from 'dynedge'

/** What a person is told, and can do, for each code of dynedge's errors. */
const MESSAGES: Record<ErrorCode, string> = {
  'not-linked':
    'This build of the app is without the native part of dynedge. Build it again: npm run android, or npm run ios.',
  'not-found': 'The network is not there. Install the app again.',
  network: 'The network could not be downloaded. Look at the connection and try again.',
  'bad-bundle': 'The file of the network is none that dynedge reads.',
  'damaged-bundle': 'The file of the network is damaged. Install the app again.',
  'truncated-bundle': 'The file of the network ends too early. Install the app again.',
  'oversized-bundle': 'The file of the network is longer than it says. Install the app again.',
  'unsupported-version': 'The network was made for another version of dynedge. Update the app.',
  'unsupported-layout': 'The network was made for another version of dynedge. Update the app.',
  'unsupported-op': 'The network has a layer that dynedge does not know. Update the app.',
  'unsupported-engine': 'This phone cannot run the network that way.',
  integrity: 'The file of the network is not the one that the app expects. Install the app again.',
  'bad-image': 'This picture cannot be read. Take another.',
  'bad-input': 'The app asked for something that dynedge does not do.',
  'bad-model': 'The network cannot be used.',
  'bad-program': 'The network cannot be used: its program is wrong.',
  'out-of-memory': 'There is too little memory. Close other apps and try again.',
  disposed: 'The network was put away. Try again.',
  aborted: 'It was ended before it was done. Try again.',
  trap: 'The network broke off. Try again.',
  worker: 'The network broke off. Try again.',
  usage: 'The app asked for something that dynedge does not do here.',
}

/** For people; the error's own message follows, for those who ask for help. */
export function readable(error: unknown): string {
  if (error instanceof DynedgeError) return `${MESSAGES[error.code]}\n\n${error.code}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
