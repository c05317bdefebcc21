// What the threads of a network share besides weights, arena and program: one block of words, and for every step of the job
// which of its units are taken and how many are done. All access is atomic.

/** Words of the control block. */
export const enum Control {
  /** Number of the current job, even; odd while there is none, so that program and job may change. Workers wait for it to change. */
  Job,
  /** Its steps, From .. To - 1, and for how many threads they are cut. */
  From,
  To,
  Threads,
  /** Nonzero: a thread failed, with this status; nobody waits any longer. */
  Abort,
  /** Workers that read the program. */
  Inside,
  /** Threads that sleep until a step is done, and the word that they sleep on. */
  Waiters,
  Event,
  /** Nonzero: workers return. */
  Stop,
  /** Number of the program, and what an instance needs to run it. */
  Selection,
  Program,
  Weights,
  WeightBytes,
  Arena,
  ArenaBytes,
  Words = 16,
}

/** Steps of one job; longer programs are several. */
export const MAX_STEPS: u32 = 1024

const control = memory.data(64, 64)
const tickets = memory.data(8 * 1024, 64)
const dones = memory.data(4 * 1024, 64)

// @ts-ignore: decorator
@inline
export function get(field: i32): u32 {
  return atomic.load<u32>(control + (<usize>field << 2))
}

// @ts-ignore: decorator
@inline
export function set(field: i32, value: u32): void {
  atomic.store<u32>(control + (<usize>field << 2), value)
}

/** Returns the value before. */
// @ts-ignore: decorator
@inline
export function add(field: i32, value: u32): u32 {
  return atomic.add<u32>(control + (<usize>field << 2), value)
}

/** Sleeps while the word is `value`, at most `timeout` nanoseconds, -1 for ever. Returns 2 when the time is over. */
export function sleep(field: i32, value: u32, timeout: i64): i32 {
  return atomic.wait<i32>(control + (<usize>field << 2), <i32>value, timeout)
}

/** For tests, which play a lost thread. */
export function insideAt(): usize {
  return control + (<usize>Control.Inside << 2)
}

export function wake(field: i32): void {
  atomic.notify(control + (<usize>field << 2), -1)
}

/** Where a step's ticket lies: the job that last touched it in the high half, the first unit not taken in the low one. */
export function ticketAt(index: u32): usize {
  return tickets + (<usize>index << 3)
}

/** Where the number of a step's finished units lies. */
// @ts-ignore: decorator
@inline
export function doneAt(index: u32): usize {
  return dones + (<usize>index << 2)
}
