import { buildNetwork } from '../../src/networks/index.ts'
import { integerBundle, seededBundle } from '../helpers/bundles.ts'
import { temporary } from '../native/support.ts'
import { builtHost, bundled, ran } from './host.ts'

// npm run measure:react-native: for how long one classify() of Dy-mobile at 224 keeps JavaScript's thread, in JavaScriptCore. Least and median
// of 40 calls, milliseconds: until the call returns, the longest time without a turn of a timer of 0 ms, and until the answer; and what a call
// of runLater(0, 0), which runs nothing, takes in microseconds. docs/react-native.md

const folder = temporary()
try {
  const host = builtHost()
  const script = await bundled('app/measure.ts', folder)
  const graph = buildNetwork('dy-mobile', { classes: 1000 })
  const bundles = { f32: seededBundle(graph, 'f32', null), int8: integerBundle(graph, null) }
  for (const [name, bundle] of Object.entries(bundles))
    for (const line of ran(host, [script, folder.write(name, bundle)])) console.log(name, line)
} finally {
  folder.clean()
}
