import { type Sample, samples } from './catalogue.ts'
import { by, complain, make, messageOf } from './page.ts'

/** What is looked at: a photograph, or the camera's picture for as long as `signal` says. */
export type Seen = { photo: Blob; name: string } | { video: HTMLVideoElement; signal: AbortSignal }

const [photo, video] = [by<HTMLImageElement>('photo'), by<HTMLVideoElement>('video')]
const [camera, flip, file] = [
  by<HTMLButtonElement>('camera'),
  by<HTMLButtonElement>('flip'),
  by<HTMLInputElement>('file'),
]
const frame = by('frame')
const strip = by('samples')

let running: { stream: MediaStream; control: AbortController } | undefined
let facing: 'environment' | 'user' = 'environment'
let chosenSample = -1
/** Rises with everything that is asked for, so that a slow answer does not take the place of a later one. */
let turn = 0

/** Opens all ways to a picture; `look` is called with every new one. */
export function openSources(look: (seen: Seen) => void): void {
  strip.append(...samples.map((sample, index) => sampleButton(sample, () => showSample(index, look))))
  camera.addEventListener('click', () => (running ? freeze(look) : startCamera(look)))
  flip.addEventListener('click', () => {
    facing = facing === 'user' ? 'environment' : 'user'
    startCamera(look)
  })
  by('choose').addEventListener('click', () => file.click())
  file.addEventListener('change', () => {
    if (file.files?.[0]) showPhoto(file.files[0], file.files[0].name, look)
    // The same file may be chosen again.
    file.value = ''
  })
  document.addEventListener('paste', ({ clipboardData }) => {
    const [picture] = clipboardData?.files ?? []
    if (picture) showPhoto(picture, picture.name, look)
  })
  openDrop(look)
}

/** What a visit begins with. */
export const firstSample = () => strip.querySelector<HTMLElement>('[title=koala]')!.click()

/** The sample after the one that is shown, or before it. */
export function nextSample(step: 1 | -1): void {
  const buttons = strip.querySelectorAll('button')
  const next = (Math.max(chosenSample, step < 0 ? 0 : -1) + step + buttons.length) % buttons.length
  buttons[next].click()
}

function sampleButton({ file, label }: Sample, onclick: () => void): HTMLButtonElement {
  const picture = make('img', { src: `samples/small/${file}`, alt: label, width: 56, height: 56, loading: 'lazy' })
  const button = make('button', { type: 'button', title: label, onclick }, picture)
  button.setAttribute('aria-pressed', 'false')
  return button
}

async function showSample(index: number, look: (seen: Seen) => void): Promise<void> {
  const mine = ++turn
  const { file, label } = samples[index]
  try {
    const response = await fetch(`samples/${file}`)
    if (!response.ok) throw new Error(`the server answers ${response.status}`)
    const blob = await response.blob()
    if (mine === turn) showPhoto(blob, label, look, index)
  } catch (error) {
    if (mine === turn) complain(`The sample cannot be had: ${messageOf(error)}.`)
  }
}

function showPhoto(blob: Blob, name: string, look: (seen: Seen) => void, sample = -1): void {
  ++turn
  stopCamera()
  complain()
  URL.revokeObjectURL(photo.src)
  photo.src = URL.createObjectURL(blob)
  photo.alt = sample < 0 ? name : `Sample: ${name}`
  mark(sample)
  show(photo)
  look({ photo: blob, name })
}

/** Presses the button of the sample that is shown. */
function mark(sample: number): void {
  chosenSample = sample
  strip.querySelectorAll('button').forEach((button, index) => {
    button.setAttribute('aria-pressed', `${index === sample}`)
    // Its strip is scrolled, never the page.
    if (index === sample)
      strip.scrollLeft = button.offsetLeft - strip.offsetLeft - (strip.clientWidth - button.clientWidth) / 2
  })
}

function show(what: HTMLElement): void {
  for (const element of [photo, video, by('empty')]) element.hidden = element !== what
}

/** What a picture that cannot be read leaves behind. */
export function showNothing(): void {
  show(by('empty'))
}

async function startCamera(look: (seen: Seen) => void): Promise<void> {
  const mine = ++turn
  stopCamera()
  complain()
  if (!navigator.mediaDevices) {
    complain('There is no camera for this page: browsers give one only to pages from https: or localhost.')
    return
  }
  camera.disabled = true
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, width: { ideal: 640 } } })
    if (mine !== turn) return end(stream)
    const control = new AbortController()
    running = { stream, control }
    video.srcObject = stream
    await video.play()
    stream.getVideoTracks()[0].addEventListener('ended', () => {
      if (running?.stream === stream) stopCamera()
      complain('The camera was switched off.')
    })
    video.classList.toggle('mirrored', facingOf(stream) === 'user')
    camera.textContent = 'Stop the camera'
    camera.setAttribute('aria-pressed', 'true')
    mark(-1)
    show(video)
    look({ video, signal: control.signal })
    const devices = await navigator.mediaDevices.enumerateDevices()
    flip.hidden = devices.filter(({ kind }) => kind === 'videoinput').length < 2
  } catch (error) {
    if (mine === turn) complain(refusal(error as DOMException))
  } finally {
    camera.disabled = false
  }
}

const end = (stream: MediaStream) => {
  for (const track of stream.getTracks()) track.stop()
}
const facingOf = (stream: MediaStream) => stream.getVideoTracks()[0].getSettings().facingMode

function refusal({ name, message }: DOMException): string {
  if (name === 'NotAllowedError')
    return 'The camera was not allowed. Allow it for this page in the browser, by the sign beside the address, and start it again; photos work without.'
  if (name === 'NotFoundError' || name === 'OverconstrainedError')
    return 'No camera was found. Photos work without: choose, drop or paste one.'
  if (name === 'NotReadableError') return 'The camera does not start: another program may be using it.'
  return `The camera cannot be used: ${message}`
}

/** Stops the camera; its last frame stays, as a photograph. */
function freeze(look: (seen: Seen) => void): void {
  const canvas = make('canvas', { width: video.videoWidth, height: video.videoHeight })
  canvas.getContext('2d')!.drawImage(video, 0, 0)
  stopCamera()
  const mine = turn
  canvas.toBlob((blob) => {
    if (blob && mine === turn) showPhoto(blob, 'The last frame', look)
  })
}

function stopCamera(): void {
  if (!running) return
  const { stream, control } = running
  running = undefined
  control.abort()
  end(stream)
  video.srcObject = null
  camera.textContent = 'Start the camera'
  camera.setAttribute('aria-pressed', 'false')
  flip.hidden = true
  if (!video.hidden) show(by('empty'))
}

function openDrop(look: (seen: Seen) => void): void {
  const over = (on: boolean) => frame.classList.toggle('dropping', on)
  document.addEventListener('dragover', (event) => {
    event.preventDefault()
    over(true)
  })
  document.addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) over(false)
  })
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    over(false)
    const [dropped] = event.dataTransfer?.files ?? []
    if (dropped) showPhoto(dropped, dropped.name, look)
    else complain('That was no file. Save the picture first, or copy it and paste it here.')
  })
}
