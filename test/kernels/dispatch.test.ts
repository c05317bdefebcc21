import { expect, test } from 'vitest'
import { buildNetwork, NETWORKS } from '../../src/networks/index.ts'
import { draftSteps } from '../../src/plan/steps.ts'

/** One line per block (the name up to its last dot), kernels in order without their dtype and tile. */
function dispatch(name: string): string {
  const lines = new Map<string, string[]>()
  for (const { label, kernel } of draftSteps(buildNetwork(name), 'w8', 224, 224).steps) {
    if (kernel.does === 'border' || kernel.does === 'fuse' || kernel.does === 'expand') continue
    const block = /^(s\d\.\d+|conv\d|\w+)/.exec(label)![0]
    lines.set(block, [...(lines.get(block) ?? []), kernel.does])
  }
  return [...lines].map(([block, kernels]) => `${block}: ${kernels.join(' ')}`).join('\n')
}

test.each(NETWORKS)('%s: which kernel each layer gets', (name) => {
  expect(dispatch(name)).toMatchSnapshot()
})
