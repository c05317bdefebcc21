import type { Network as HereNetwork } from './network.ts'

/** A loaded network, in this thread or in a worker. */
export interface Network extends Pick<HereNetwork, keyof HereNetwork> {}
