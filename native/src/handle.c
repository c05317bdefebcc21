#include "handle.h"

#include <stdlib.h>

#include "exports.h"

struct dynedge_handle {
  dynedge_instance instance;
};

uint64_t dynedge_handle_least(void) { return dynedge_heap_base(1); }

dynedge_handle *dynedge_handle_open(uint8_t *memory, uint64_t bytes) {
  if (bytes < dynedge_heap_base(1)) return NULL;
  dynedge_handle *const handle = malloc(sizeof *handle);
  if (handle && dynedge_instantiate(&handle->instance, memory, bytes)) {
    free(handle);
    return NULL;
  }
  return handle;
}

void dynedge_handle_close(dynedge_handle *handle) { free(handle); }

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
