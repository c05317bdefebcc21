#define DYNEDGE_DOT
#include "dot.h"

#ifdef DYNEDGE_DOT_COPY
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#define MODULE_FUNCTION static
#include "../generated/module.c"

u32 dynedge_dot_run(w2c_dynedge *module, u32 from, u32 to, u32 thread, u32 threads) {
  return w2c_dynedge_run(module, from, to, thread, threads);
}

u32 dynedge_dot_run_units(w2c_dynedge *module, u32 step, u32 begin, u32 end, u32 thread) {
  return w2c_dynedge_runUnits(module, step, begin, end, thread);
}
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int dynedge_no_copy;
#endif
