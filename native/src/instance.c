#include "instance.h"

#include <setjmp.h>
#include <stdlib.h>

// One for each thread that runs a network; a machine without threads may say -DDYNEDGE_THREAD_LOCAL=
#ifndef DYNEDGE_THREAD_LOCAL
#define DYNEDGE_THREAD_LOCAL _Thread_local
#endif
static DYNEDGE_THREAD_LOCAL jmp_buf *landing;
static DYNEDGE_THREAD_LOCAL wasm_rt_trap_t trapped;

void wasm_rt_trap(wasm_rt_trap_t code) {
  if (!landing) abort();
  trapped = code;
  longjmp(*landing, 1);
}

dynedge_trap dynedge_guard(dynedge_instance *instance, void (*body)(dynedge_instance *, void *), void *context) {
  jmp_buf here;
  jmp_buf *const before = landing;
  trapped = WASM_RT_TRAP_NONE;
  landing = &here;
  if (setjmp(here) == 0) body(instance, context);
  landing = before;
  return trapped;
}

u32 dynedge_heap_base(u32 threads) {
  // It looks at nothing else.
  return w2c_dynedge_heapBase(NULL, threads);
}

static void instantiate(dynedge_instance *instance, void *nothing) {
  (void)nothing;
  wasm2c_dynedge_instantiate(&instance->module);
}

dynedge_trap dynedge_instantiate(dynedge_instance *instance, u8 *data, u64 bytes) {
  memset(instance, 0, sizeof *instance);
  instance->module.w2c_memory = (wasm_rt_memory_t){data, bytes, (u32)(bytes >> 16)};
  return dynedge_guard(instance, instantiate, NULL);
}

const char *dynedge_trap_name(dynedge_trap trap) {
  static const char *const names[] = {"none", "access outside its memory", "division by zero", "integer overflow", "unreachable"};
  return (unsigned)trap < sizeof names / sizeof *names ? names[trap] : "unknown";
}
