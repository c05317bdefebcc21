'use client'
import { useEffect, useState } from 'react'
import { answers, inlineAnswer } from './answers.js'

export default function Page() {
  const [label, setLabel] = useState('...')
  useEffect(() => {
    const run = async () => {
      const found = { ...(await answers()), inline: await inlineAnswer() }
      setLabel(found.here.top[0].label)
      globalThis.answers = found
    }
    run().catch((error) => setLabel(`${error}`))
  }, [])
  return <p>{label}</p>
}
