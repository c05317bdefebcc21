// Words of a program: assembly/program/format.ts.
#ifndef DYNEDGE_PROGRAM_H
#define DYNEDGE_PROGRAM_H

enum {
  HEADER_BYTES = 2,
  HEADER_TENSORS = 3,
  HEADER_WORDS = 8,
  TENSOR_RECORD_WORDS = 4,
  STEP_UNITS = 1,
  STEP_OUT_AT = 11,
  STEP_GRAIN = 49,
  STEP_BESIDE = 50,
  STEP_WORDS = 51,
};

#endif
