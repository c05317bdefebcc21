#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "team.h"

typedef struct {
  u32 from, to, status;
} range;

static void run_alone(dynedge_instance *instance, void *context) {
  range *const r = context;
  r->status = dynedge_module_run(&instance->module, r->from, r->to, 0, 1);
}

static dynedge_trap alone(dynedge_instance *instance, u32 from, u32 to, u32 *status) {
  range r = {from, to, 0};
  const dynedge_trap trap = dynedge_guard(instance, run_alone, &r);
  *status = r.status;
  return trap;
}

#ifndef DYNEDGE_THREADS

u32 dynedge_cores(void) { return 1; }
size_t dynedge_team_bytes(u32 threads) {
  (void)threads;
  return 0;
}
dynedge_team *dynedge_team_open(void *place, u32 threads) {
  (void)place, (void)threads;
  return NULL;
}
u32 dynedge_team_threads(const dynedge_team *team) { return team ? 0 : 1; }
dynedge_trap dynedge_team_run(dynedge_instance *instance, u32 from, u32 to, u32 *status) {
  return alone(instance, from, to, status);
}
void dynedge_team_rest(dynedge_team *team) { (void)team; }
void dynedge_team_close(dynedge_team *team) { (void)team; }

#else

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "program.h"

/** Steps of one job; longer programs are several. SPINS: looks before a thread sleeps, some forty microseconds: waking one up costs as much. */
enum { MOST_STEPS = 512, SPINS = 2000, MOST_CORES = 4, LINE = 64 };

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
// `yield` takes no time on most cores.
#define PAUSE() __asm__ volatile("isb")
#else
#define PAUSE() ((void)0)
#endif

/** What threads sleep on, and how many do. */
typedef struct {
  pthread_cond_t rung;
  atomic_uint sleepers;
} bell;

typedef struct {
  /** The job that last touched the step in the high half, the first unit not taken in the low one. */
  _Atomic u64 ticket;
  /** Units that are done. */
  atomic_uint done;
} progress;

typedef struct {
  dynedge_instance instance;
  dynedge_team *team;
  pthread_t thread;
  u32 number;
} worker;

struct dynedge_team {
  /** Written while no worker is inside: how many there are, where the program's steps lie, whether workers know them. */
  u32 threads;
  const u8 *steps;
  int told;
  pthread_mutex_t lock;
  /** Rung for a new job, a step that is done, a worker that is out. */
  bell begun, moved, rested;
  /** Number of the job, even; odd while there is none. Its steps are from .. to - 1. */
  _Alignas(LINE) atomic_uint job;
  atomic_uint from, to, stop;
  /** Not 0: what a thread of this job trapped with. */
  atomic_uint failed;
  /** Workers that read program or places. */
  _Alignas(LINE) atomic_uint inside;
  _Alignas(LINE) progress at[MOST_STEPS];
  worker workers[];
};

/** A thread's part in a job. */
typedef struct {
  dynedge_team *team;
  u32 number, job, from, to;
} turn;

/** What a thread waits for. */
typedef struct {
  const progress *step;
  u32 units, job;
} awaited;
typedef int (*condition)(dynedge_team *team, const awaited *what);

static int has_begun(dynedge_team *team, const awaited *what) {
  const u32 job = team->job;
  return (job != what->job && !(job & 1)) || team->stop;
}
static int has_moved(dynedge_team *team, const awaited *what) { return what->step->done == what->units || team->failed || team->job != what->job; }
static int has_rested(dynedge_team *team, const awaited *what) {
  (void)what;
  return !team->inside;
}

ALWAYS_INLINE void wait_for(dynedge_team *team, bell *on, condition over, const awaited *what) {
  for (int spin = 0; spin < SPINS; ++spin) {
    if (over(team, what)) return;
    PAUSE();
  }
  pthread_mutex_lock(&team->lock);
  // Before the last look, so that who makes it true after that look finds a sleeper.
  ++on->sleepers;
  while (!over(team, what)) pthread_cond_wait(&on->rung, &team->lock);
  --on->sleepers;
  pthread_mutex_unlock(&team->lock);
}

static void ring(dynedge_team *team, bell *on) {
  if (!on->sleepers) return;
  pthread_mutex_lock(&team->lock);
  pthread_cond_broadcast(&on->rung);
  pthread_mutex_unlock(&team->lock);
}

static void fail(dynedge_team *team, dynedge_trap trap) {
  team->failed = trap;
  ring(team, &team->moved);
}

static u32 step_word(const dynedge_team *team, u32 step, u32 field) {
  u32 value;
  memcpy(&value, team->steps + ((size_t)step * STEP_WORDS + field) * 4, sizeof value);
  return value;
}

/** Takes the next units of a step: a part of what is left that gets smaller towards the end. Returns how many; 0: none are left. */
static u32 claim(progress *step, u32 units, u32 grain, u32 job, u32 threads, u32 *first) {
  u64 ticket = step->ticket;
  for (;;) {
    const u32 owner = (u32)(ticket >> 32), next = owner == job ? (u32)ticket : 0;
    // A later job's: this thread is late.
    if ((s32)(owner - job) > 0 || next >= units) return 0;
    const u32 left = units - next, part = left / (threads * 2), even = part - part % grain;
    const u32 least = even > grain ? even : grain, taken = least < left ? least : left;
    if (atomic_compare_exchange_weak(&step->ticket, &ticket, (u64)job << 32 | (next + taken))) {
      *first = next;
      return taken;
    }
  }
}

/** Takes units of a step until none are left to take. */
static void work(dynedge_instance *instance, const turn *t, u32 index) {
  dynedge_team *const team = t->team;
  progress *const step = team->at + (index - t->from);
  const u32 units = step_word(team, index, STEP_UNITS), grain = step_word(team, index, STEP_GRAIN);
  u32 first, taken;
  while ((taken = claim(step, units, grain ? grain : 1, t->job, team->threads, &first))) {
    if (dynedge_module_run_units(&instance->module, index, first, first + taken, t->number)) wasm_rt_trap(WASM_RT_TRAP_UNREACHABLE);
    if (atomic_fetch_add(&step->done, taken) + taken == units) ring(team, &team->moved);
  }
}

/** Takes part in a job until it is over, or a thread failed. */
static void walk(dynedge_instance *instance, void *context) {
  const turn *const t = context;
  dynedge_team *const team = t->team;
  for (u32 i = t->from, next; i < t->to; i = next) {
    for (next = i + 1; next < t->to && step_word(team, next, STEP_BESIDE); ++next) {}
    // Of steps that need not wait for each other half of the threads begin with the last, so that some compute while others fetch weights.
    for (u32 k = 0; k < next - i; ++k) work(instance, t, t->number & 1 ? next - 1 - k : i + k);
    for (u32 k = i; k < next; ++k) {
      const awaited step = {team->at + (k - t->from), step_word(team, k, STEP_UNITS), t->job};
      wait_for(team, &team->moved, has_moved, &step);
      if (step.step->done != step.units) return;
    }
  }
}

static void *serve(void *argument) {
  worker *const own = argument;
  dynedge_team *const team = own->team;
  for (u32 seen = 1;;) {
    const awaited work = {.job = seen};
    wait_for(team, &team->begun, has_begun, &work);
    if (team->stop) return NULL;
    ++team->inside;
    const u32 job = team->job;
    turn t = {team, own->number, job, team->from, team->to};
    // Still the same one: so these are its steps, and dynedge_team_rest waits for this thread.
    if (!(job & 1) && team->job == job) {
      seen = job;
      const dynedge_trap trap = dynedge_guard(&own->instance, walk, &t);
      if (trap) fail(team, trap);
    }
    --team->inside;
    ring(team, &team->rested);
  }
}

/** From now on there is no job. */
static void close_job(dynedge_team *team) {
  if (!(team->job & 1)) ++team->job;
}

u32 dynedge_cores(void) {
#ifdef __linux__
  cpu_set_t cores;
  const long count = sched_getaffinity(0, sizeof cores, &cores) ? sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&cores);
#else
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
#endif
  return count < 1 ? 1 : count < MOST_CORES ? (u32)count : MOST_CORES;
}

size_t dynedge_team_bytes(u32 threads) { return threads < 2 ? 0 : sizeof(dynedge_team) + (threads - 1) * sizeof(worker); }

dynedge_team *dynedge_team_open(void *place, u32 threads) {
  if (threads < 2) return NULL;
  dynedge_team *const team = place;
  team->job = 1;
  // In memory that is there they fail nowhere; if so, one thread will do.
  if (pthread_mutex_init(&team->lock, NULL) | pthread_cond_init(&team->begun.rung, NULL) | pthread_cond_init(&team->moved.rung, NULL) |
      pthread_cond_init(&team->rested.rung, NULL))
    return NULL;
  // Signals are the program's own threads'.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (team->threads = 1; team->threads < threads; ++team->threads) {
    worker *const next = team->workers + team->threads - 1;
    next->team = team;
    next->number = team->threads;
    if (pthread_create(&next->thread, NULL, serve, next)) break;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (team->threads > 1) return team;
  dynedge_team_close(team);
  return NULL;
}

u32 dynedge_team_threads(const dynedge_team *team) { return team ? team->threads : 1; }

void dynedge_team_rest(dynedge_team *team) {
  if (!team) return;
  const awaited nothing = {0};
  close_job(team);
  wait_for(team, &team->rested, has_rested, &nothing);
  team->told = 0;
}

/** Tells the workers, while none is inside, what `instance` knows. */
static void tell(dynedge_team *team, const dynedge_instance *instance) {
  dynedge_team_rest(team);
  const u8 *const at = instance->module.w2c_memory.data + instance->program;
  u32 tensors;
  memcpy(&tensors, at + HEADER_TENSORS * 4, sizeof tensors);
  team->steps = at + (HEADER_WORDS + (size_t)tensors * TENSOR_RECORD_WORDS) * 4;
  for (u32 i = 0; i + 1 < team->threads; ++i) team->workers[i].instance = *instance;
  team->told = 1;
}

dynedge_trap dynedge_team_run(dynedge_instance *instance, u32 from, u32 to, u32 *status) {
  dynedge_team *const team = instance->team;
  if (!team || from >= to) return alone(instance, from, to, status);
  // No step at all: whether there is a program, and it has so many.
  dynedge_trap trap = alone(instance, to, to, status);
  if (trap || *status) return trap;
  if (!team->told) tell(team, instance);
  for (u32 end; from < to && !trap; from = end) {
    end = to - from < MOST_STEPS ? to : from + MOST_STEPS;
    close_job(team);
    for (u32 i = 0; i < end - from; ++i) team->at[i].done = 0;
    team->from = from;
    team->to = end;
    turn t = {team, 0, ++team->job, from, end};
    ring(team, &team->begun);
    trap = dynedge_guard(instance, walk, &t);
    if (trap) fail(team, trap);
    trap = (dynedge_trap)team->failed;
  }
  if (trap) {
    dynedge_team_rest(team);
    team->failed = 0;
  }
  return trap;
}

void dynedge_team_close(dynedge_team *team) {
  if (!team) return;
  team->stop = 1;
  team->job += 2;
  ring(team, &team->begun);
  for (u32 i = 0; i + 1 < team->threads; ++i) pthread_join(team->workers[i].thread, NULL);
  pthread_cond_destroy(&team->begun.rung);
  pthread_cond_destroy(&team->moved.rung);
  pthread_cond_destroy(&team->rested.rung);
  pthread_mutex_destroy(&team->lock);
}

#endif
