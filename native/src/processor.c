#include "processor.h"

#include "dot.h"

#ifdef DYNEDGE_DOT_COPY
#ifdef __APPLE__
#include <sys/sysctl.h>
static int find_dot(void) {
  int has = 0;
  size_t bytes = sizeof has;
  return sysctlbyname("hw.optional.arm.FEAT_DotProd", &has, &bytes, NULL, 0) == 0 && has;
}
#else
#include <sys/auxv.h>
/** HWCAP_ASIMDDP, which older headers lack. */
static int find_dot(void) { return (getauxval(AT_HWCAP) >> 20 & 1) != 0; }
#endif

/** Asked of the system once; two threads that ask at the same time hear the same. */
static int has_dot(void) {
  static int known;
  int found = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (!found) {
    found = find_dot() ? 2 : 1;
    __atomic_store_n(&known, found, __ATOMIC_RELAXED);
  }
  return found == 2;
}
#endif

u32 dynedge_module_run(w2c_dynedge *module, u32 from, u32 to, u32 thread, u32 threads) {
#ifdef DYNEDGE_DOT_COPY
  if (has_dot()) return dynedge_dot_run(module, from, to, thread, threads);
#endif
  return w2c_dynedge_run(module, from, to, thread, threads);
}

u32 dynedge_module_run_units(w2c_dynedge *module, u32 step, u32 begin, u32 end, u32 thread) {
#ifdef DYNEDGE_DOT_COPY
  if (has_dot()) return dynedge_dot_run_units(module, step, begin, end, thread);
#endif
  return w2c_dynedge_runUnits(module, step, begin, end, thread);
}

const char *dynedge_instructions(void) {
#ifdef DYNEDGE_DOT_COPY
  return has_dot() ? "NEON, sdot" : "NEON";
#elif defined(DYNEDGE_NEON)
#ifdef __ARM_FEATURE_DOTPROD
  return "NEON, sdot";
#else
  return "NEON";
#endif
#elif defined(DYNEDGE_SSE)
#if defined(__AVXVNNI__) || (defined(__AVX512VNNI__) && defined(__AVX512VL__))
  return "FMA, VNNI";
#elif defined(__FMA__)
  return "FMA";
#else
  return "SSE4.1";
#endif
#else
  return "vectors of the compiler";
#endif
}
