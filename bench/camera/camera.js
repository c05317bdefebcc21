// A camera page as people write it. With ?control it shows the camera and leaves dynedge out; ?options= goes to `load`.
performance.mark('script')
const parameters = new URLSearchParams(location.search)
const video = document.querySelector('video')
const label = document.querySelector('p')

const camera = navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } }).then(async (stream) => {
  video.srcObject = stream
  await video.play()
  performance.mark('camera')
})

if (parameters.has('control')) {
  await camera
  const show = (_, { mediaTime }) => {
    label.textContent = mediaTime
    video.requestVideoFrameCallback(show)
  }
  video.requestVideoFrameCallback(show)
} else {
  const { load } = await import('./dist/browser.js')
  performance.mark('import')
  const once = (name) => performance.getEntriesByName(name).length || performance.mark(name)
  const net = await load('./model.safetensors', {
    ...JSON.parse(parameters.get('options') ?? '{}'),
    worker: true,
    onProgress: ({ loaded, total }) => {
      once('weights')
      if (loaded === total) once('read')
    },
  })
  performance.mark('loaded')
  await camera
  // Counted, so that no promise is lost unseen.
  const counts = { asked: 0, answered: 0, failed: 0, frames: 0, dropped: 0 }
  const classify = net.classify
  net.classify = async (...given) => {
    ++counts.asked
    once('asked')
    try {
      const top = await classify.apply(net, given)
      once('answered')
      ++counts.answered
      return top
    } catch (error) {
      ++counts.failed
      throw error
    }
  }
  Object.assign(globalThis, { net, counts, classes: new Set() })
  for await (const { top, dropped } of net.stream(video, { topK: 1 })) {
    label.textContent = top[0].label
    once('label')
    classes.add(top[0].label)
    ++counts.frames
    counts.dropped += dropped
  }
}
