import { reductionsOf } from '../../src/bench/figure7.ts'
import { race, timesOf } from '../../src/bench/race.ts'
import { DYNEDGE, type Machine, type Report, type Row } from '../../src/bench/report.ts'
import type { TensorInput, Variant } from '../../src/interface.ts'
import type { Load } from '../../src/load.ts'
import { type Contender, compare } from '../agreement.ts'
import type { Runtime } from '../peers.ts'
import { ratiosOf } from '../ratios.ts'
import type { PeerSession } from '../sessions.ts'

export interface PageOptions {
  networks: string[]
  sizes: number[]
  precisions: string[]
  variants: string[]
  threads: number
  peers: string[]
  seconds: number
}

export type Offered = Contender['row'] & { file(): Promise<Uint8Array> }

/** What a page or its worker has: models, libraries, and what it knows of itself. */
export interface Place {
  about(): Promise<{ machine: Machine; commit: string; peers: Record<string, string> }>
  /** Everyone's models of one network, and the pictures that they are compared on. */
  offer(network: string, size: number, asked: PageOptions): Promise<{ models: Offered[]; pictures: Float32Array[] }>
  load(): Promise<Load>
  openPeer(
    runtime: Runtime,
    variant: Variant | null,
    file: Uint8Array,
    picture: TensorInput,
    threads: number,
  ): Promise<PeerSession>
}

interface Racer extends Contender {
  run(): unknown
  release(): Promise<void>
}

async function racerOf(place: Place, { file: fileOf, ...row }: Offered, picture: TensorInput): Promise<Racer> {
  const file = await fileOf()
  const { runtime, variant, threads } = row
  const start = performance.now()
  if (runtime !== DYNEDGE) {
    const session = await place.openPeer(runtime as Runtime, variant, file, picture, threads)
    const loadMs = performance.now() - start
    const logits = (other: TensorInput) => {
      session.show(other)
      return session.run()
    }
    return { run: session.run, logits, release: session.release, row: { ...row, bytes: file.length, loadMs } }
  }
  const load = await place.load()
  const network = await load(new Blob([file as BlobPart]), { variant: variant!, threads })
  const loadMs = performance.now() - start
  const { arenaBytes } = network.describe()
  return {
    run: threads === 1 ? () => network.runSync(picture) : () => network.run(picture),
    logits: async (other) => (await network.run(other)).logits,
    release: async () => network.dispose(),
    row: { ...row, bytes: file.length, loadMs, arenaBytes },
  }
}

/** Races all that is asked for; the outputs are compared before. */
export async function contest(place: Place, asked: PageOptions, say: (text: string) => unknown): Promise<Report> {
  const { machine, commit, peers } = await place.about()
  const rows: Row[] = []
  for (const size of asked.sizes) {
    const racers: Racer[] = []
    for (const network of asked.networks) {
      await say(`preparing ${network} ${size}`)
      const { models, pictures } = await place.offer(network, size, asked)
      const made: Racer[] = []
      for (const model of models)
        made.push(await racerOf(place, model, { data: pictures[0], height: size, width: size }))
      await say(`comparing ${made.length} of ${network}`)
      await compare(made, { pictures, size })
      for (const racer of made) await racer.logits({ data: pictures[0], height: size, width: size })
      racers.push(...made)
    }
    await say(`timing ${racers.length} contenders at ${size} x ${size}, ${asked.seconds} s each`)
    const times = await race(
      racers.map(({ run }) => run),
      asked,
    )
    racers.forEach(({ row }, index) => {
      rows.push({ ...row, ms: timesOf(times[index]), runs: times[index].length })
    })
    for (const { release } of racers) await release()
  }
  return {
    machine,
    engine: {
      browser: browserName(),
      flags: [],
      peers: Object.fromEntries(asked.peers.map((name) => [name, peers[name]])),
    },
    commit,
    date: new Date().toISOString(),
    rows,
    ratios: ratiosOf(rows),
    reductions: reductionsOf(rows),
    peaks: [],
    steps: [],
    load: [],
  }
}

const browserName = () => /(Firefox|Edg|Chrome|Version)\/[\d.]+/.exec(navigator.userAgent)?.[0] ?? navigator.userAgent
