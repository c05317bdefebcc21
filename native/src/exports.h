// The module's exports by name, for a host that has a planner and a loader of its own and wants { memory, exports } as src/backend.ts says:
// numbers in, a number out, traps as a status.
#ifndef DYNEDGE_EXPORTS_H
#define DYNEDGE_EXPORTS_H

#include "instance.h"

typedef struct {
  const char *name;
  /** How many numbers it takes. All are integers of 32 bits, but for one float32: number `real`, -1 where there is none. */
  int arguments, real;
  /** Whether it gives an integer of 32 bits. */
  int gives;
} dynedge_export;

enum { DYNEDGE_MOST_ARGUMENTS = 7 };

/** Export number `index`, from 0 on; NULL behind the last. */
const dynedge_export *dynedge_export_at(u32 index);
/** Calls it with as many `numbers` as it takes; a run of thread 0 of 1 is shared by the instance's team, where it has one. Integers are taken modulo 2^32, as JavaScript's calls do. NaN and infinities count as 0. */
dynedge_trap dynedge_call(dynedge_instance *instance, u32 index, const double *numbers, u32 *result);

#endif
