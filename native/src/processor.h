// What the processor has beyond what the library was compiled for.
#ifndef DYNEDGE_PROCESSOR_H
#define DYNEDGE_PROCESSOR_H

#include "instance.h"

/** The module's run and runUnits, in the copy of the module (dot.c) that suits this processor best. */
u32 dynedge_module_run(w2c_dynedge *module, u32 from, u32 to, u32 thread, u32 threads);
u32 dynedge_module_run_units(w2c_dynedge *module, u32 step, u32 begin, u32 end, u32 thread);
/** Words for those instructions that make kernels faster and that they use here: "NEON, sdot". */
const char *dynedge_instructions(void);

#endif
