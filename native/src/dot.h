// The kernels again, for arm64 processors that multiply and add bytes in one instruction (sdot): most since 2018. Apps run on others too, so
// which copy runs is decided when it runs. A library that is compiled for such processors needs no copy.
#ifndef DYNEDGE_DOT_H
#define DYNEDGE_DOT_H

#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(DYNEDGE_PLAIN_SIMD) && !defined(__ARM_FEATURE_DOTPROD) && \
    (defined(__linux__) || defined(__APPLE__)) && (!defined(__clang__) || __clang_major__ >= 16)
#define DYNEDGE_DOT_COPY
#endif

// dot.c itself must not see the module before it has said what to compile it for.
#if defined(DYNEDGE_DOT_COPY) && !defined(DYNEDGE_DOT)
#include "module.h"
u32 dynedge_dot_run(w2c_dynedge *module, u32 from, u32 to, u32 thread, u32 threads);
u32 dynedge_dot_run_units(w2c_dynedge *module, u32 step, u32 begin, u32 end, u32 thread);
#endif

#endif
