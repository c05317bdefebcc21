#include "handle.h"

#include <stdlib.h>

#include "exports.h"
#include "team.h"

struct dynedge_handle {
  dynedge_instance instance;
};

enum { ALIGNMENT = 64 };

uint32_t dynedge_handle_most(uint32_t asked) {
  const u32 threads = asked ? asked : dynedge_cores();
  return dynedge_team_bytes(threads) ? threads : 1;
}

uint64_t dynedge_handle_least(uint32_t threads) { return dynedge_heap_base(threads); }

dynedge_handle *dynedge_handle_open(uint8_t *memory, uint64_t bytes, uint32_t threads) {
  if (threads < 1 || threads > MAX_THREADS || bytes < dynedge_heap_base(threads)) return NULL;
  dynedge_handle *const handle = calloc(1, sizeof *handle + ALIGNMENT + dynedge_team_bytes(threads));
  if (!handle) return NULL;
  if (dynedge_instantiate(&handle->instance, memory, bytes)) {
    free(handle);
    return NULL;
  }
  const uintptr_t behind = (uintptr_t)(handle + 1);
  handle->instance.team = dynedge_team_open((void *)((behind + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1)), threads);
  return handle;
}

uint32_t dynedge_handle_threads(const dynedge_handle *handle) { return dynedge_team_threads(handle->instance.team); }

void dynedge_handle_close(dynedge_handle *handle) {
  if (!handle) return;
  dynedge_team_close(handle->instance.team);
  free(handle);
}

int dynedge_handle_export(uint32_t index, const char **name, int *arguments, int *real, int *gives) {
  const dynedge_export *const described = dynedge_export_at(index);
  if (!described) return 0;
  *name = described->name;
  *arguments = described->arguments;
  *real = described->real;
  *gives = described->gives;
  return 1;
}

const char *dynedge_handle_call(dynedge_handle *handle, uint32_t index, const double *numbers, int32_t *result) {
  u32 given = 0;
  const dynedge_trap trap = dynedge_call(&handle->instance, index, numbers, &given);
  *result = (int32_t)given;
  return trap ? dynedge_trap_name(trap) : NULL;
}
