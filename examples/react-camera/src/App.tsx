import { useState } from 'react'
import { CameraView } from './CameraView.tsx'
import { useNetwork } from './useNetwork.ts'

export function App() {
  const { network, retry } = useNetwork()
  const [open, setOpen] = useState(false)

  return (
    <main>
      <h1>What is this?</h1>
      {network.state === 'loading' && (
        <>
          <p role="status">Loading the network …</p>
          <progress value={network.share} aria-label="Loading the network" />
        </>
      )}
      {network.state === 'failed' && (
        <>
          <p role="alert">The network cannot be loaded. {network.message}</p>
          <button type="button" onClick={retry}>
            Try again
          </button>
        </>
      )}
      {network.state === 'ready' && (
        <>
          <button type="button" aria-pressed={open} onClick={() => setOpen(!open)}>
            {open ? 'Close the camera' : 'Open the camera'}
          </button>
          {open ? (
            <CameraView net={network.net} />
          ) : (
            <p className="note">
              Knows {network.net.labels.length} things. Nothing that the camera sees leaves this device.
            </p>
          )}
        </>
      )}
    </main>
  )
}
