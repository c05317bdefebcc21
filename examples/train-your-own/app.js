import { load } from './browser.js'

const BUNDLE = 'photos.w8.safetensors'
const SHOWN = 3
/** Between two looks through the camera, so that the answers can be read and the battery lasts. */
const CAMERA_PAUSE_MS = 150

const [status, progress, file, camera, picture, video, answers] = [
  'status',
  'progress',
  'file',
  'camera',
  'picture',
  'video',
  'answers',
].map((id) => document.getElementById(id))
let stream

const say = (text) => {
  status.textContent = text
}

try {
  const net = await load(BUNDLE, {
    onProgress: ({ loaded, total }) => {
      progress.value = loaded / total
    },
  })
  ready(net)
} catch (error) {
  say(`The network cannot be loaded. ${error.message}`)
}
progress.hidden = true

function ready(net) {
  say(
    `Knows ${net.labels.length} things: ${new Intl.ListFormat('en').format(net.labels.slice(0, 10))}${net.labels.length > 10 ? ', …' : ''}.`,
  )
  file.disabled = camera.disabled = false
  file.addEventListener('change', () => classifyFile(net, file.files[0]))
  camera.addEventListener('click', () => (stream ? stopCamera() : startCamera(net)))
  document.addEventListener('paste', (event) => classifyFile(net, event.clipboardData.files[0]))
  document.addEventListener('dragover', (event) => {
    event.preventDefault()
    document.body.classList.add('dropping')
  })
  document.addEventListener('dragleave', () => document.body.classList.remove('dropping'))
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    document.body.classList.remove('dropping')
    classifyFile(net, event.dataTransfer.files[0])
  })
}

async function classifyFile(net, chosen) {
  if (!chosen) return
  stopCamera()
  URL.revokeObjectURL(picture.src)
  picture.src = URL.createObjectURL(chosen)
  picture.hidden = false
  const start = performance.now()
  try {
    const top = await net.classify(chosen, { topK: SHOWN })
    show(top)
    say(`${top[0].label}, ${percent(top[0].probability)}, in ${Math.round(performance.now() - start)} ms.`)
  } catch (error) {
    picture.hidden = true
    answers.replaceChildren()
    say(`${chosen.name} cannot be classified. ${error.message}`)
  }
  // The same file may be chosen again.
  file.value = ''
}

async function startCamera(net) {
  camera.disabled = true
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
    video.srcObject = stream
    await video.play()
    camera.textContent = 'Stop the camera'
    camera.setAttribute('aria-pressed', 'true')
    picture.hidden = true
    video.hidden = false
    say('Looking through the camera.')
    look(net, stream)
  } catch (error) {
    stopCamera()
    say(`The camera cannot be used. ${error.message}`)
  }
  camera.disabled = false
}

/** Until the camera stops: classify what it shows. A hidden page looks at nothing. */
async function look(net, mine) {
  while (stream === mine) {
    if (!document.hidden && video.videoWidth) {
      const top = await net.classify(video, { topK: SHOWN })
      if (stream === mine) show(top)
    }
    await new Promise((resolve) => setTimeout(resolve, CAMERA_PAUSE_MS))
  }
}

function stopCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop()
  stream = undefined
  video.srcObject = null
  video.hidden = true
  camera.textContent = 'Use the camera'
  camera.setAttribute('aria-pressed', 'false')
}

function show(top) {
  answers.replaceChildren(
    ...top.map(({ label, probability }) => {
      const [item, name, share, meter] = ['li', 'span', 'span', 'meter'].map((tag) => document.createElement(tag))
      name.textContent = label
      share.textContent = percent(probability)
      meter.value = probability
      meter.ariaHidden = 'true'
      item.append(name, share, meter)
      return item
    }),
  )
}

function percent(share) {
  return `${(share * 100).toFixed(share > 0.995 || share < 0.1 ? 1 : 0)} %`
}
