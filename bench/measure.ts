import { reductionsOf } from '../src/bench/figure7.ts'
import { race, timesOf } from '../src/bench/race.ts'
import type { Report, Row } from '../src/bench/report.ts'
import type { TensorInput } from '../src/interface.ts'
import { type Contender, compare, nameOf } from './agreement.ts'
import { contenderOf } from './contenders.ts'
import { calibrationKernels, load } from './kernels.ts'
import { litertVersion } from './litert.ts'
import { measureLoad } from './load.ts'
import { commit, machine } from './machine.ts'
import { type Given, modelsOf, type Subject, subjectOf } from './models.ts'
import type { Options } from './options.ts'
import { ortVersion } from './ort.ts'
import { measurePeaks } from './peaks.ts'
import { LITERT, ORT, TFJS } from './peers.ts'
import { readPictures, readTrained } from './pictures.ts'
import { ratiosOf } from './ratios.ts'
import type { Opened } from './runtimes.ts'
import { breakDown } from './steps.ts'
import { tfjsVersion } from './tfjs.ts'
import { WRITERS } from './writers.ts'

const say = (text: string) => process.stderr.write(`${text}\n`)

/** Measures all that is asked for. */
export async function measure(options: Options): Promise<Report> {
  const versions = { [ORT]: ortVersion, [TFJS]: tfjsVersion, [LITERT]: litertVersion }
  const report: Report = {
    machine: machine(),
    engine: {
      node: process.version,
      v8: process.versions.v8,
      flags: process.execArgv.filter((flag) => flag.includes('vnni')),
      peers: Object.fromEntries(Object.entries(versions).filter(([name]) => options.peers.includes(name))),
    },
    commit: commit(),
    date: new Date().toISOString(),
    rows: [],
    ratios: [],
    reductions: [],
    peaks: [],
    steps: [],
    load: [],
  }
  const given = options.weights ? await readGiven(options) : undefined
  if (given) {
    options.networks = [given.trained.graph.network]
    options.sizes = [given.trained.input.size[0]]
  }
  if (options.latency) for (const size of options.sizes) await benchSize(size, options, report, given)
  report.ratios = ratiosOf(report.rows)
  report.reductions = reductionsOf(report.rows)
  if (options.load)
    for (const name of options.networks)
      for (const size of options.sizes) {
        const subject = await subjectOf(name, size, options, calibrationKernels, given)
        for (const model of modelsOf(subject, { ...options, threads: [1] }, WRITERS)) {
          say(`loading ${nameOf(model)}`)
          report.load.push(await measureLoad(model, pictureOf(subject)))
        }
      }
  return report
}

async function readGiven({ weights, images, calibrate, limit, pictures }: Options): Promise<Given> {
  say('reading pictures')
  const trained = await readTrained(weights!)
  const size = trained.input.size[0]
  const judged = await readPictures(images!, trained, size, limit)
  const calibration = calibrate ? await readPictures(calibrate, trained, size, pictures) : { pictures: [], classes: [] }
  return { trained, images: judged, calibration }
}

const pictureOf = ({ pictures, size }: Subject): TensorInput => ({ data: pictures[0], height: size, width: size })

/** All networks of one size race together, so that they can be compared with each other as well. */
async function benchSize(size: number, options: Options, report: Report, given?: Given): Promise<void> {
  const contenders: (Contender & Opened)[] = []
  for (const name of options.networks) {
    say(`preparing ${name} ${size}`)
    const subject = await subjectOf(name, size, options, calibrationKernels, given)
    const picture = pictureOf(subject)
    const made: (Contender & Opened)[] = []
    for (const model of modelsOf(subject, options, WRITERS)) made.push(await contenderOf(model, picture))
    say(`comparing ${made.length} of ${name} on ${subject.pictures.length} pictures`)
    await compare(made, subject)
    for (const contender of made) await contender.logits(picture)
    contenders.push(...made)
  }
  say(`timing ${contenders.length} contenders at ${size}x${size}, ${options.seconds} s each`)
  const times = await race(
    contenders.map(({ run }) => run),
    options,
  )
  const rows = contenders.map(
    ({ row }, index): Row => ({ ...row, ms: timesOf(times[index]), runs: times[index].length }),
  )
  report.rows.push(...rows)
  if (options.rates) {
    for (const variant of options.variants) {
      if (report.peaks.some((peaks) => peaks.variant === variant)) continue
      say(`best rates of ${variant}`)
      report.peaks.push(await measurePeaks(load, variant))
    }
    for (const [index, { network }] of contenders.entries()) {
      if (!network || network.threads > 1) continue
      const peaks = report.peaks.find(({ variant }) => variant === network.variant)!
      report.steps.push(await breakDown(network, size, rows[index].ms.min, peaks))
    }
  }
  for (const contender of contenders) await contender.release()
}
