// Threads that share the steps of one instance's program, by tickets as assembly/threads/share.ts does. POSIX threads, where the library is
// built with DYNEDGE_THREADS; else every team is NULL, and one thread runs all.
#ifndef DYNEDGE_TEAM_H
#define DYNEDGE_TEAM_H

#include "instance.h"

/** As assembly/program/format.ts says. */
enum { MAX_THREADS = 16 };

typedef struct dynedge_team dynedge_team;

/** Processors that this process may use, at most 4: more are seldom alike on a phone, and the networks are small. */
u32 dynedge_cores(void);
/** Memory of a team of so many threads, the caller's among them; 0 where one is all there can be. */
size_t dynedge_team_bytes(u32 threads);
/**
 * Starts `threads` - 1 threads beside the caller's; fewer where the system gives no more. `place`: dynedge_team_bytes zeros, 64-aligned, the
 * caller's, which stay until dynedge_team_close. NULL: there is one thread.
 */
dynedge_team *dynedge_team_open(void *place, u32 threads);
/** How many there are, the caller's among them. */
u32 dynedge_team_threads(const dynedge_team *team);
/**
 * Runs steps from .. to - 1 of the instance's verified program, in order, in all threads of its team, whose scratch its memory has
 * (dynedge_heap_base), or in the caller's alone. `status` gets the module's. After a trap no thread is at work any more, and the team is as
 * before. A team serves one instance.
 */
dynedge_trap dynedge_team_run(dynedge_instance *instance, u32 from, u32 to, u32 *status);
/** Returns when no thread reads program or places: they may change until the next run. */
void dynedge_team_rest(dynedge_team *team);
/** Ends the threads. */
void dynedge_team_close(dynedge_team *team);

#endif
