import { load } from 'dynedge'
import url, { info } from 'dynedge-models/dy-mobile-200/int8.js'

const [status, progress, file, picture, answers] = ['status', 'progress', 'file', 'picture', 'answers'].map((id) =>
  document.getElementById(id),
)

try {
  // From a worker, so that the page never waits for it.
  const net = await load(url, {
    worker: true,
    integrity: info.integrity,
    onProgress: ({ loaded, total }) => {
      progress.value = loaded / total
    },
  })
  status.textContent = `Knows ${net.labels.length} things.`
  file.disabled = false
  file.addEventListener('change', () => name(net, file.files[0]))
  document.addEventListener('dragover', (event) => event.preventDefault())
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    name(net, event.dataTransfer.files[0])
  })
} catch (error) {
  status.textContent = `The network cannot be loaded. ${error.message}`
}
progress.hidden = true

async function name(net, photograph) {
  if (!photograph) return
  answers.replaceChildren()
  try {
    const top = await net.classify(photograph)
    URL.revokeObjectURL(picture.src)
    picture.src = URL.createObjectURL(photograph)
    picture.hidden = false
    status.textContent = `${photograph.name}: ${top[0].label}.`
    answers.append(...top.map(answer))
  } catch (error) {
    picture.hidden = true
    status.textContent = `${photograph.name} cannot be classified. ${error.message}`
  }
}

function answer({ label, probability }) {
  const item = document.createElement('li')
  const meter = document.createElement('meter')
  meter.value = probability
  meter.ariaHidden = 'true'
  item.append(`${label}, ${Math.round(probability * 100)} %`, meter)
  return item
}
