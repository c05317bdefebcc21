import { load, type PageNetwork } from '../../src/browser.ts'
import { Rate, showAnswers, showFacts } from './answers.ts'
import { kernelsOfNetwork, lookAtKernels, openKernels } from './kernels.ts'
import { openKeyboard } from './keyboard.ts'
import { openOffline } from './offline.ts'
import { announce, by, complain, megabytes, messageOf, percent } from './page.ts'
import { type Choice, openSettings } from './settings.ts'
import { firstSample, openSources, type Seen, showNothing } from './source.ts'
import { showSteps } from './steps.ts'

/** Between two looks at a camera's kernels. */
const KERNELS_MS = 200
/** Between two answers of a camera that are spoken. */
const SPOKEN_MS = 4000
/** Between two frames of a camera that are timed. */
const TIMED_MS = 1000
/** Shown is the least of so many. */
const REPETITIONS = 8

let choice: Choice
let net: PageNetwork | undefined
let loading: AbortController | undefined
let seen: Seen | undefined
/** Ends what looks at the picture before. */
let looking: AbortController | undefined
/** Panels on the screen; those that nobody sees cost nothing. */
const visible = new Set<Element>()

const square = () => (choice.size ? ([choice.size, choice.size] as [number, number]) : undefined)

async function open(wanted: Choice): Promise<void> {
  const other =
    !net ||
    !choice ||
    (['network', 'precision', 'variant', 'threads'] as const).some((key) => wanted[key] !== choice[key])
  choice = wanted
  if (!other) return again()
  loading?.abort()
  looking?.abort()
  loading = new AbortController()
  const { signal } = loading
  net?.dispose()
  net = undefined
  complain()
  showFacts()
  waitFor('Loading')
  const { file, integrity } = wanted.network.files[wanted.precision]!
  try {
    const made = await load(`networks/${file}`, {
      worker: true,
      integrity,
      variant: wanted.variant,
      threads: wanted.threads,
      signal,
      onProgress: ({ loaded, total }) => waitFor(`${megabytes(loaded)} of ${megabytes(total)}`, loaded / total),
    })
    if (signal.aborted) return made.dispose()
    net = made
    describe(made)
    await kernelsOfNetwork(made)
    waitFor()
    if (signal.aborted) return
    if (seen) again()
    else firstSample()
    if (visible.has(by('time'))) measure()
    else measured = false
  } catch (error) {
    if (signal.aborted) return
    waitFor()
    showAnswers()
    complain(`The network cannot be loaded. ${messageOf(error)} Choose another, or this one again to try once more.`)
  }
}

/** What is loaded; why there are fewer threads than were asked for. */
function describe(net: PageNetwork): void {
  const { threads, threadsNote } = net
  const { variant } = net.describe()
  const { network, precision } = choice
  by('running').textContent = `${threads} ${threads > 1 ? 'threads' : 'thread'}, ${variant}`
  by('about').textContent =
    `${network.title}, ${precision}, ${megabytes(network.files[precision]!.bytes)}: names ${network.classes} things in pictures of ${network.input.join(' × ')}, ${percent(network.top1)} of ${network.data} right at the first guess.`
  by('threads-note').textContent = threadsNote ? `${threadsNote} ${isolationSoon()}` : ''
  by('threads-note').hidden = !threadsNote
}

/** The service worker isolates the page where its server does not: from the next visit on. */
const isolationSoon = () =>
  !crossOriginIsolated && 'serviceWorker' in navigator ? 'Load this page again: it then isolates itself.' : ''

function waitFor(text = '', part = 0): void {
  by('loading').hidden = !text
  by('loaded').textContent = text
  by<HTMLProgressElement>('progress').value = part
  if (!text) return
  by('running').textContent = ''
}

/** Looks at what is shown, with what is loaded. */
function again(): void {
  if (!net || !seen) return
  looking?.abort()
  looking = new AbortController()
  showFacts()
  const signal = 'video' in seen ? AbortSignal.any([looking.signal, seen.signal]) : looking.signal
  const run = 'video' in seen ? watch(net, seen.video, signal) : read(net, seen, signal)
  run.catch((error) => {
    if (signal.aborted) return
    complain(
      `${'photo' in seen! ? `${seen.name} cannot be classified` : 'The camera cannot be watched'}. ${messageOf(error)}`,
    )
    showAnswers()
    if ('photo' in seen!) showNothing()
  })
}

async function read(net: PageNetwork, seen: Seen & { photo: Blob }, signal: AbortSignal): Promise<void> {
  const options = { size: square(), signal }
  const top = await net.classify(seen.photo, options)
  showAnswers(top)
  announce(`${top[0].label}, ${percent(top[0].probability, 0)}`)
  await lookAtKernels(seen, choice.size)
  // Decoded once, as a camera's frame is: resizing, the network, and the way to the worker and back.
  const bitmap = await createImageBitmap(seen.photo)
  const times: number[] = []
  while (times.length < REPETITIONS) times.push(await timed(net, bitmap, signal))
  bitmap.close()
  showFacts({ ms: Math.min(...times) })
}

/** Milliseconds from a picture to its names. */
async function timed(net: PageNetwork, picture: ImageBitmap, signal: AbortSignal): Promise<number> {
  const start = performance.now()
  await net.classify(picture, { size: square(), signal })
  return performance.now() - start
}

async function watch(net: PageNetwork, video: HTMLVideoElement, signal: AbortSignal): Promise<void> {
  const rate = new Rate()
  const times: number[] = []
  let kernelsAt = 0
  let timedAt = 0
  for await (const { top, dropped } of net.stream(video, { size: square(), signal })) {
    const now = performance.now()
    showAnswers(top)
    showFacts({ ...rate.add(now, dropped), ms: times.length ? Math.min(...times) : undefined })
    announce(top[0].label, SPOKEN_MS)
    if (now - timedAt > TIMED_MS) {
      timedAt = now
      const bitmap = await createImageBitmap(video)
      times.push(await timed(net, bitmap, signal))
      bitmap.close()
      if (times.length > REPETITIONS) times.shift()
    }
    if (!visible.has(by('kernels')) || now - kernelsAt < KERNELS_MS) continue
    kernelsAt = now
    await lookAtKernels({ video, signal }, choice.size)
  }
}

let measured = false

async function measure(): Promise<void> {
  const mine = net
  if (!mine) return
  measured = true
  const button = by<HTMLButtonElement>('measure')
  button.disabled = true
  try {
    await showSteps(mine, choice.size)
  } catch (error) {
    if (mine === net) complain(`The steps cannot be measured. ${messageOf(error)}`)
  }
  button.disabled = false
}

function watchPanels(): void {
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) visible.add(target)
      else visible.delete(target)
    }
    if (visible.has(by('time')) && !measured) measure()
  })
  for (const id of ['kernels', 'time']) observer.observe(by(id))
}

showAnswers()
openKeyboard()
openKernels(() => {
  if (seen && 'photo' in seen) lookAtKernels(seen, choice.size).catch((error) => complain(messageOf(error)))
})
openSources((picture) => {
  seen = picture
  again()
})
by('measure').addEventListener('click', measure)
watchPanels()
open(
  openSettings((wanted) => {
    measured = false
    open(wanted).then(() => {
      if (visible.has(by('time')) && !measured) measure()
    })
  }),
)
openOffline()
