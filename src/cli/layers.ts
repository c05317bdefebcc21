import { type Graph, inferShapes, type Shape } from '../graph/graph.ts'

/** One line per layer with weights, in the columns of the papers' layer tables; the order is that of `count`. */
export function layerTable(graph: Graph, height: number, width: number): string[] {
  const shapes = inferShapes(graph, height, width)
  const lines: string[] = []
  for (const node of graph.nodes) {
    if (node.op !== 'conv' && node.op !== 'linear' && node.op !== 'coefficients') continue
    const from = shapes.get(node.input.tensor)!
    const to = shapes.get(node.output)!
    const name = node.name.padEnd(10)
    const cin = String(node.input.channels).padStart(4)
    if (node.op !== 'conv') {
      lines.push(`${name} ${node.op === 'linear' ? 'fc' : 'coef'} ${cin}->${to.channels}`)
      continue
    }
    const window = `k${node.kernel} s${node.stride} g${String(node.groups).padEnd(3)}`
    const spatial = `${side(from).padStart(4)}->${side(to).padStart(3)}`
    lines.push(
      `${name} conv ${cin}->${String(to.channels).padStart(4)} ${window} ${spatial} ${node.dynamic ? 'DYN' : 'fixed'}`,
    )
  }
  return lines
}

function side({ height, width }: Shape): string {
  return height === width ? String(height) : `${height}x${width}`
}
