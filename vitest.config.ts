import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores is what a small machine has; a third of the time its tests wait for browsers, compilers and servers.
    maxWorkers: 3,
  },
})
