#include "exports.h"

#include "processor.h"
#include "team.h"

enum {
  PLACE,
  VERIFY,
  RUN,
  RUN_UNITS,
  CRC32C,
  GRAY,
  RGB,
  RGBA,
  COLUMNS,
  PLAN,
  BAND,
  PICK,
  YUV,
  NORMALISE,
  SPREAD,
  QUANTISE,
  NORMALISE_BYTES,
  HEAP_BASE,
  USE_LOOP,
  USE_PIXELS,
  COUNT
};

static const dynedge_export EXPORTS[COUNT] = {
    [PLACE] = {"place", 4, -1, 0},
    [VERIFY] = {"verify", 2, -1, 1},
    [RUN] = {"run", 4, -1, 1},
    [RUN_UNITS] = {"runUnits", 4, -1, 1},
    [CRC32C] = {"crc32c", 3, -1, 1},
    [GRAY] = {"u8_resize_row_gray", 6, -1, 0},
    [RGB] = {"u8_resize_row_rgb", 6, -1, 0},
    [RGBA] = {"u8_resize_row_rgba", 6, -1, 0},
    [COLUMNS] = {"u8_resize_columns", 7, -1, 0},
    [PLAN] = {"u8_plan_block", 2, -1, 1},
    [BAND] = {"u8_resize_band", 3, -1, 0},
    [PICK] = {"u8_pick_row", 4, -1, 0},
    [YUV] = {"u8_yuv_row", 6, -1, 0},
    [NORMALISE] = {"f32_normalise_row", 5, -1, 0},
    [SPREAD] = {"f32_spread_rows", 6, -1, 0},
    [QUANTISE] = {"f32_quantise_row", 7, 3, 0},
    [NORMALISE_BYTES] = {"u8_normalise_row", 5, -1, 0},
    [HEAP_BASE] = {"heapBase", 1, -1, 1},
    [USE_LOOP] = {"useLoop", 1, -1, 0},
    [USE_PIXELS] = {"usePixels", 1, -1, 0},
};

const dynedge_export *dynedge_export_at(u32 index) { return index < COUNT ? EXPORTS + index : NULL; }

typedef struct {
  u32 index, result;
  u32 a[DYNEDGE_MOST_ARGUMENTS];
  f32 real;
} call;

/** A host's whole run is shared; afterwards it may change program and places at once. */
static u32 run(dynedge_instance *instance, u32 from, u32 to, u32 thread, u32 threads) {
  if (!instance->team || thread || threads != 1) return dynedge_module_run(&instance->module, from, to, thread, threads);
  u32 status = 0;
  const dynedge_trap trap = dynedge_team_run(instance, from, to, &status);
  dynedge_team_rest(instance->team);
  if (trap) wasm_rt_trap(trap);
  return status;
}

static void make(dynedge_instance *instance, void *context) {
  call *const c = context;
  const u32 *const a = c->a;
  w2c_dynedge *const module = &instance->module;
  switch (c->index) {
    case PLACE: w2c_dynedge_place(module, a[0], a[1], a[2], a[3]); break;
    case VERIFY:
      instance->program = a[0];
      c->result = w2c_dynedge_verify(module, a[0], a[1]);
      break;
    case RUN: c->result = run(instance, a[0], a[1], a[2], a[3]); break;
    case RUN_UNITS: c->result = dynedge_module_run_units(module, a[0], a[1], a[2], a[3]); break;
    case CRC32C: c->result = w2c_dynedge_crc32c(module, a[0], a[1], a[2]); break;
    case GRAY: w2c_dynedge_u8_resize_row_gray(module, a[0], a[1], a[2], a[3], a[4], a[5]); break;
    case RGB: w2c_dynedge_u8_resize_row_rgb(module, a[0], a[1], a[2], a[3], a[4], a[5]); break;
    case RGBA: w2c_dynedge_u8_resize_row_rgba(module, a[0], a[1], a[2], a[3], a[4], a[5]); break;
    case COLUMNS: w2c_dynedge_u8_resize_columns(module, a[0], a[1], a[2], a[3], a[4], a[5], a[6]); break;
    case PLAN: c->result = w2c_dynedge_u8_plan_block(module, a[0], a[1]); break;
    case BAND: w2c_dynedge_u8_resize_band(module, a[0], a[1], a[2]); break;
    case PICK: w2c_dynedge_u8_pick_row(module, a[0], a[1], a[2], a[3]); break;
    case YUV: w2c_dynedge_u8_yuv_row(module, a[0], a[1], a[2], a[3], a[4], a[5]); break;
    case NORMALISE: w2c_dynedge_f32_normalise_row(module, a[0], a[1], a[2], a[3], a[4]); break;
    case SPREAD: w2c_dynedge_f32_spread_rows(module, a[0], a[1], a[2], a[3], a[4], a[5]); break;
    case QUANTISE: w2c_dynedge_f32_quantise_row(module, a[0], a[1], a[2], c->real, a[4], a[5], a[6]); break;
    case NORMALISE_BYTES: w2c_dynedge_u8_normalise_row(module, a[0], a[1], a[2], a[3], a[4]); break;
    case HEAP_BASE: c->result = w2c_dynedge_heapBase(module, a[0]); break;
    case USE_LOOP: w2c_dynedge_useLoop(module, a[0]); break;
    case USE_PIXELS: w2c_dynedge_usePixels(module, a[0]); break;
  }
}

/** As JavaScript's ToInt32. */
static u32 integer(double number) {
  if (!(number - number == 0)) return 0;
  const double whole = __builtin_trunc(number), rest = whole - __builtin_floor(whole / 4294967296.0) * 4294967296.0;
  return (u32)rest;
}

dynedge_trap dynedge_call(dynedge_instance *instance, u32 index, const double *numbers, u32 *result) {
  const dynedge_export *const called = dynedge_export_at(index);
  if (!called) return WASM_RT_TRAP_UNREACHABLE;
  call c = {.index = index};
  for (int i = 0; i < called->arguments; ++i) {
    if (i == called->real) c.real = (f32)numbers[i];
    else c.a[i] = integer(numbers[i]);
  }
  const dynedge_trap trap = dynedge_guard(instance, make, &c);
  *result = c.result;
  return trap;
}
