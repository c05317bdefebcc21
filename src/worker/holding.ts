/** Nothing tells a page of a worker that ended without an error, but a lock that the worker holds is free then. */
export function holdLock(): void {
  const lock = `dynedge ${performance.timeOrigin} ${Math.random()}`
  navigator.locks
    ?.request(lock, () => {
      postMessage({ lock })
      return new Promise(() => {})
    })
    .catch(() => {})
}
