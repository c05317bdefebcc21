import type { Command } from 'commander'
import { count } from '../graph/counts.ts'
import { buildNetwork, NETWORKS } from '../networks/index.ts'
import { layerTable } from './layers.ts'
import { parseCount, parsePositive, parseSize } from './options.ts'
import { columns, counted, print, printJson } from './output.ts'

interface Options {
  width?: number
  classes?: number
  kernels?: number
  size: [height: number, width: number]
  json?: boolean
}

export function networksCommand(program: Command): void {
  program
    .command('networks')
    .description('parameters and multiply-adds of every network, or the layers of one')
    .argument('[name]', `one of ${NETWORKS.join(', ')}, or another width: dy-mobile-0.5`)
    .option('--width <factor>', 'width multiplier', parsePositive)
    .option('--classes <n>', 'number of classes (default: 1000)', parseCount)
    .option('--kernels <n>', 'g_t, fixed kernels per output channel of a dynamic convolution (default: 6)', parseCount)
    .option('-s, --size <size>', 'input size, N or HEIGHTxWIDTH', parseSize, [224, 224])
    .option('--json', 'print one JSON object')
    .action(networks)
}

function networks(name: string | undefined, options: Options): void {
  const [height, width] = options.size
  // Names with a width of their own take no other.
  const listed = options.width === undefined ? NETWORKS : NETWORKS.filter((name) => !/-\d/.test(name))
  const described = (name ? [name] : listed).map((name) => {
    const graph = buildNetwork(name, options)
    return { name, graph, counts: count(graph, height, width) }
  })
  if (options.json) {
    const rows = described.map(({ name, counts }) => ({
      name,
      parameters: counts.parameters,
      multiply_adds: counts.multiplyAdds,
    }))
    const layers = described[0].counts.layers.map(({ multiplyAdds, ...layer }) => ({
      ...layer,
      multiply_adds: multiplyAdds,
    }))
    printJson({ networks: name ? [{ ...rows[0], layers }] : rows })
    return
  }
  if (name) {
    const { graph, counts } = described[0]
    const lines = layerTable(graph, height, width)
    const rows = counts.layers.map(({ parameters, multiplyAdds }, index) => [
      lines[index],
      `${parameters}`,
      `${multiplyAdds}`,
    ])
    for (const line of columns([['layer', 'parameters', 'multiply-adds'], ...rows], new Set([1, 2]))) print(line)
    print(`\nparameters     ${counted(counts.parameters)}`)
    print(`multiply-adds  ${counted(counts.multiplyAdds)}, input ${height}x${width}`)
    return
  }
  const millions = (value: number) => [(value / (1 << 20)).toFixed(3), (value / 1e6).toFixed(3)]
  const rows = described.map(({ name, counts }) => [
    name,
    ...millions(counts.parameters),
    ...millions(counts.multiplyAdds),
  ])
  const head = ['network', 'parameters, M = 2^20', 'millions', 'multiply-adds, M = 2^20', 'millions']
  for (const line of columns([head, ...rows], new Set([1, 2, 3, 4]))) print(line)
  print(
    `\nInput ${height}x${width}${options.width === undefined ? '' : `, width ${options.width}`}. Layers of one: dynedge networks <name>`,
  )
}
