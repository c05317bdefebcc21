// Graph of a network as JSON, for the tests to compare with dynedge_torch/graph.py: npx tsx models/network_graph.ts name width classes g
import { buildNetwork } from '../src/networks/index.ts'

const [name, width, classes, kernels] = process.argv.slice(2)
console.log(
  JSON.stringify(buildNetwork(name, { width: Number(width), classes: Number(classes), kernels: Number(kernels) })),
)
