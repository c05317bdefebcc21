import type { BundleCache } from '../interface.ts'

/** Nothing: only browsers keep bundles. */
export const bundleCache: BundleCache = { list: async () => [], delete: async () => 0 }
