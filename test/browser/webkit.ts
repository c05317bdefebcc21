import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { asJson, type OpenOptions, parsed, type Session } from './browsers.ts'

const DRIVER = process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver'
const DISPLAYS = ['/usr/bin/Xvfb', '/usr/local/bin/Xvfb']
/** With a camera that shows shapes and numbers. */
const FLAGS = ['--automation', '--enable-media-stream=true', '--enable-mock-capture-devices=true']
/** WebKitGTK has shared memory, as Safari does, but behind this. */
const SHARED_MEMORY = { JSC_useSharedArrayBuffer: '1' }

/** WebDriver tells nothing of the console: from the first expression on, the page keeps what its own scripts write there. */
const LISTENING = `const complaints = globalThis.complaints ??= (() => {
  const kept = []
  for (const level of ['error', 'warn']) {
    const write = console[level]
    console[level] = (...words) => { kept.push(words.join(' ')); write.apply(console, words) }
  }
  addEventListener('error', ({ message }) => kept.push(message))
  addEventListener('unhandledrejection', ({ reason }) => kept.push(String(reason)))
  return kept
})()`

interface Answer {
  text?: string
  error?: string
  complaints: string[]
}

/** WebKitGTK's MiniBrowser on a display of its own that nobody sees, driven by W3C WebDriver. */
export async function openWebKit({ sharedMemory = true }: OpenOptions = {}): Promise<Session> {
  if (!existsSync(DRIVER))
    throw new Error(
      'There is no WebKit here: apt-get update && apt-get install -y webkit2gtk-driver (or WEBKIT_DRIVER=<path>).',
    )
  const xvfb = DISPLAYS.find(existsSync)
  if (!process.env.DISPLAY && !xvfb)
    throw new Error('WebKit needs a display, and there is no Xvfb here: apt-get update && apt-get install -y xvfb.')
  const started: ChildProcess[] = []
  try {
    const display = xvfb ? await startDisplay(xvfb, started) : process.env.DISPLAY!
    const port = await freePort()
    const driver = spawn(DRIVER, [`--port=${port}`], {
      env: { ...process.env, ...(sharedMemory && SHARED_MEMORY), DISPLAY: display },
      stdio: 'ignore',
    })
    started.push(driver)
    return await openSession(`http://127.0.0.1:${port}`, () => end(started))
  } catch (error) {
    await end(started)
    throw error
  }
}

async function openSession(driver: string, ended: () => Promise<void>): Promise<Session> {
  const ask = async (method: 'POST' | 'DELETE', path: string, body?: object) => {
    const response = await fetch(`${driver}${path}`, { method, body: body && JSON.stringify(body) })
    const { value } = (await response.json()) as { value: { error?: string; message?: string } | null }
    if (!response.ok) throw new Error(`WebKit: ${value?.error}: ${value?.message}`)
    return value as unknown
  }
  await answering(`${driver}/status`)
  const asked = { alwaysMatch: { 'webkitgtk:browserOptions': { args: FLAGS } } }
  const { sessionId, capabilities } = (await ask('POST', '/session', { capabilities: asked })) as {
    sessionId: string
    capabilities: { browserName: string; browserVersion: string }
  }
  const at = `/session/${sessionId}`
  await ask('POST', `${at}/timeouts`, { script: 60_000 })
  const complaints: string[] = []
  return {
    version: `WebKitGTK/${capabilities.browserVersion}`,
    complaints,
    hearsBrowser: false,
    goto: async (url) => void (await ask('POST', `${at}/url`, { url })),
    async evaluate(expression) {
      const script = `const done = arguments[0]
        ${LISTENING}
        const say = (answer) => done({ ...answer, complaints: complaints.splice(0) })
        ${asJson(expression)}.then((text) => say({ text }), (error) => say({ error: \`\${error}\\n\${error.stack}\` }))`
      const answer = (await ask('POST', `${at}/execute/async`, { script, args: [] })) as Answer
      complaints.push(...answer.complaints)
      if (answer.error !== undefined) throw new Error(answer.error)
      return parsed(answer.text)
    },
    async close() {
      await ask('DELETE', at).catch(() => {})
      await ended()
    },
  }
}

async function startDisplay(xvfb: string, started: ChildProcess[]): Promise<string> {
  const display = spawn(xvfb, ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  started.push(display)
  const number = await new Promise<string>((resolve, reject) => {
    display.stdio[3]!.once('data', (data) => resolve(`${data}`.trim()))
    display.once('exit', (code) => reject(new Error(`${xvfb} ended with ${code}.`)))
  })
  return `:${number}`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function answering(address: string): Promise<void> {
  for (let attempt = 0; ; ++attempt)
    try {
      await fetch(address)
      return
    } catch (cause) {
      if (attempt > 200) throw new Error(`${DRIVER} does not answer.`, { cause })
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
}

async function end(processes: ChildProcess[]): Promise<void> {
  for (const child of processes.splice(0).reverse()) {
    if (child.exitCode !== null || child.signalCode) continue
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    await gone
  }
}
