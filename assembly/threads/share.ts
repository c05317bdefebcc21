import { MAX_THREADS, Status, Step } from '../program/format'
import * as placed from '../program/operands'
import { word } from '../program/operands'
import { dispatch } from '../program/run'
import { add, Control, doneAt, get, MAX_STEPS, set, sleep, ticketAt, wake } from './control'

// Threads share a step by tickets, not by fixed parts: whoever is free takes the next units. A thread that the machine does not
// schedule takes none, and nobody waits for it; only units that it holds are waited for. So late workers join, and missing ones
// cost their share and nothing else.

/** Looks at a word before a thread goes to sleep, some forty microseconds: waking one up costs as much. */
const SPINS = 6000
/** How long the caller sleeps between looks at whether anything moves, and how often it looks before it gives up. */
const PATIENCE: i64 = 1_000_000_000
const LOOKS = 10

/** Number of the program that this instance knows. */
let selection: u32 = 0
/** The caller's: the program it last told the workers of. */
let told: usize = 0
/** First unit that `claim` took. */
let first: u32 = 0

/**
 * As `run(from, to, 0, 1)`, with every worker that is in `serve` taking part; `threads` is how many to count on. Only for the one
 * thread that called `verify`. Returns Status.Ok, or why the steps were not run; after Status.Lost the memory is of no use any more.
 */
export function share(from: u32, to: u32, threads: i32): u32 {
  if (!placed.steps) return Status.NotVerified
  if (from > to || to > placed.stepCount || threads < 1 || threads > MAX_THREADS) return Status.BadRange
  placed.useScratch(0)
  for (let begin = from; begin < to; begin += MAX_STEPS) {
    const end = min(begin + MAX_STEPS, to)
    close()
    for (let i: u32 = 0; i < end - begin; ++i) atomic.store<u32>(doneAt(i), 0)
    set(Control.From, begin)
    set(Control.To, end)
    set(Control.Threads, threads)
    if (told != placed.steps) tell()
    const job = add(Control.Job, 1) + 1
    wake(Control.Job)
    walk(begin, end, job, threads, 0)
    const status = get(Control.Abort)
    if (status) return status
  }
  return Status.Ok
}

/** Returns when no worker reads the program any more; it, weights and arena may then change until the next `share`. */
export function quiesce(): void {
  close()
  told = 0
  // After a job that failed, workers may still wait for the end of a step.
  add(Control.Event, 1)
  wake(Control.Event)
  let looks = LOOKS
  while (get(Control.Abort) == 0) {
    const inside = get(Control.Inside)
    if (inside == 0) return
    if (sleep(Control.Inside, inside, PATIENCE) == 2 && --looks == 0) stop(Status.Lost)
  }
}

/**
 * What a worker does until `stop`: takes part in every job of `share`. `thread` is its own number from 1 on. The instance needs
 * nothing else: program and places are told through the shared memory. Returns Status.Ok, or the status that ended all.
 */
export function serve(thread: i32): u32 {
  if (thread < 1 || thread >= MAX_THREADS) return Status.BadRange
  placed.useScratch(thread)
  let seen: u32 = 0
  while (true) {
    for (let spin = 0; spin < SPINS && idle(get(Control.Job), seen); ++spin) {}
    for (let job = get(Control.Job); idle(job, seen); job = get(Control.Job)) sleep(Control.Job, job, -1)
    if (get(Control.Stop)) return get(Control.Abort)
    add(Control.Inside, 1)
    const job = get(Control.Job)
    const from = get(Control.From)
    const to = get(Control.To)
    const threads = get(Control.Threads)
    // Still the same one: so these are its words, and `quiesce` waits for this thread.
    if ((job & 1) == 0 && get(Control.Job) == job) {
      seen = job
      if (selection != get(Control.Selection)) adopt()
      walk(from, to, job, threads, thread)
    }
    add(Control.Inside, -1)
    // `quiesce` may be waiting for it.
    if (get(Control.Job) & 1) wake(Control.Inside)
  }
}

/** Is there nothing to do while the job is `job`, and `seen` is done? */
// @ts-ignore: decorator
@inline
function idle(job: u32, seen: u32): bool {
  return (job == seen || (job & 1) != 0) && get(Control.Stop) == 0
}

/** From now on there is no job. */
function close(): void {
  if ((get(Control.Job) & 1) == 0) add(Control.Job, 1)
}

/** Ends the workers, now or after the job that they are in: with a status other than Ok also the job, as failed. */
export function stop(status: u32): void {
  if (status) set(Control.Abort, status)
  set(Control.Stop, 1)
  // Whoever is about to sleep on it must see a change.
  add(Control.Job, 2)
  wake(Control.Job)
  add(Control.Event, 1)
  wake(Control.Event)
}

function tell(): void {
  set(Control.Program, <u32>placed.program)
  set(Control.Weights, <u32>placed.weights)
  set(Control.WeightBytes, placed.weightBytes)
  set(Control.Arena, <u32>placed.arena)
  set(Control.ArenaBytes, placed.arenaBytes)
  add(Control.Selection, 1)
  told = placed.steps
}

/** The caller has verified what lies there, and `quiesce` keeps it from changing while a worker reads it. */
function adopt(): void {
  selection = get(Control.Selection)
  placed.place(get(Control.Weights), get(Control.WeightBytes), get(Control.Arena), get(Control.ArenaBytes))
  placed.select(get(Control.Program))
}

/** `thread` 0 is the caller. */
function walk(from: u32, to: u32, job: u32, threads: u32, thread: i32): void {
  for (let i = from, next: u32 = 0; i < to; i = next) {
    for (next = i + 1; next < to && word(stepAt(next), Step.Beside); ++next) {}
    // Of steps that need not wait for each other half of the threads begin with the last, so that some compute while others fetch weights.
    for (let k: u32 = 0; k < next - i; ++k) work(thread & 1 ? next - 1 - k : i + k, from, job, threads)
    for (let k = i; k < next; ++k) if (!finished(k - from, word(stepAt(k), Step.Units), job, thread == 0)) return
  }
}

/** Takes units of a step until none are left to take. */
function work(i: u32, from: u32, job: u32, threads: u32): void {
  const step = stepAt(i)
  const units = word(step, Step.Units)
  const grain = max<u32>(word(step, Step.Grain), 1)
  const index = i - from
  for (let taken = claim(index, units, grain, job, threads); taken; taken = claim(index, units, grain, job, threads)) {
    dispatch(step, first, first + taken)
    const done = atomic.add<u32>(doneAt(index), taken) + taken
    if (done == units && get(Control.Waiters)) {
      add(Control.Event, 1)
      wake(Control.Event)
    }
  }
}

// @ts-ignore: decorator
@inline
function stepAt(i: u32): usize {
  return placed.steps + <usize>i * (Step.Words << 2)
}

/** Takes the next units of a step: a part of what is left that gets smaller towards the end, in multiples of `grain`. Returns how many; 0: none are left. */
function claim(index: u32, units: u32, grain: u32, job: u32, threads: u32): u32 {
  const at = ticketAt(index)
  let ticket = atomic.load<u64>(at)
  while (true) {
    const owner = <u32>(ticket >> 32)
    if (<i32>(owner - job) > 0) return 0
    const next = owner == job ? <u32>ticket : 0
    if (next >= units) return 0
    const left = units - next
    const part = max(grain, left / (threads << 1))
    const taken = min(left, part - part % grain)
    const found = atomic.cmpxchg<u64>(at, ticket, <u64>job << 32 | (next + taken))
    if (found == ticket) {
      first = next
      return taken
    }
    ticket = found
  }
}

/** Waits until all units of a step are done. False: a thread failed, or the job is over and another one runs. */
function finished(index: u32, units: u32, job: u32, caller: bool): bool {
  const at = doneAt(index)
  for (let spin = 0; spin < SPINS; ++spin) {
    if (atomic.load<u32>(at) == units) return true
    if (get(Control.Abort) || get(Control.Job) != job) return false
  }
  add(Control.Waiters, 1)
  const over = sleepUntilDone(at, units, job, caller)
  add(Control.Waiters, -1)
  return over
}

function sleepUntilDone(at: usize, units: u32, job: u32, caller: bool): bool {
  let before: u32 = 0
  let looks = LOOKS
  while (true) {
    const event = get(Control.Event)
    const done = atomic.load<u32>(at)
    if (done == units) return true
    if (get(Control.Abort) || get(Control.Job) != job) return false
    if (sleep(Control.Event, event, PATIENCE) != 2) continue
    if (done != before) { before = done; looks = LOOKS; continue }
    // A thread that was ended from outside cannot tell: what it held never gets done.
    if (caller && --looks == 0) { stop(Status.Lost); return false }
  }
}
