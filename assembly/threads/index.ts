// What the binaries for shared memory export besides assembly/index.ts.
export { quiesce, serve, share, stop } from './share'
export { insideAt, ticketAt } from './control'
