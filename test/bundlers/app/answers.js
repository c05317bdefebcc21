// What every app here does: one network in four ways.
import { load } from 'dynedge'
import { load as loadInline } from 'dynedge/inline'
import url, { info, labels } from 'dynedge-models/dy-mobile-cifar10/int8'

const picture = { data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i) >> 5), width: 64, height: 64 }

async function answer(load, options) {
  const net = await load(url, { integrity: info.integrity, ...options })
  const top = await net.classify(picture)
  const { variant, threads } = net
  const named = `${net.labels}` === `${labels}`
  net.dispose()
  return { top, named, variant, threads }
}

export const answers = async () => ({
  here: await answer(load),
  worker: await answer(load, { worker: true }),
  threads: await answer(load, { threads: 2 }),
})

export const inlineAnswer = () => answer(loadInline)
