// An instance of the module: its memory, and its functions behind a guard that turns traps into a status. Where a host has a planner and a
// loader of its own (the TypeScript SDK), this is all it needs: { memory, exports } of src/backend.ts.
#ifndef DYNEDGE_INSTANCE_H
#define DYNEDGE_INSTANCE_H

#include "module.h"

/** Not one of wasm-rt.h's others: 0 where nothing trapped. */
typedef wasm_rt_trap_t dynedge_trap;

typedef struct {
  w2c_dynedge module;
  /** Threads that share its runs (team.h); NULL: there is one. Its program, which they read: the address that was verified. */
  struct dynedge_team *team;
  u32 program;
} dynedge_instance;

/** Bytes from 0 on that the module uses itself where so many threads share it: what a host puts into memory lies behind. */
u32 dynedge_heap_base(u32 threads);
/** Memory of `bytes` zeros at `data`, 64-aligned, which is the caller's and must stay. */
dynedge_trap dynedge_instantiate(dynedge_instance *instance, u8 *data, u64 bytes);
/** Calls `body(instance, context)`; a trap in it ends it at once. */
dynedge_trap dynedge_guard(dynedge_instance *instance, void (*body)(dynedge_instance *, void *), void *context);
const char *dynedge_trap_name(dynedge_trap trap);

#endif
