// src/image/preprocess.ts, plan.ts, coefficients.ts and geometry.ts in C: the same kernels of the module over the same numbers, in float64,
// so the same bytes. Nothing is allocated: what TypeScript keeps in arrays is computed where it is needed.
#include "internal.h"

/** One axis of the resize: Pillow's antialiased bilinear filter. */
typedef struct {
  double source, scale, support, inverse;
  /** First output sample of the crop. */
  double from;
} axis;

/** Source samples first .. end - 1 make output sample `index` of the crop. */
typedef struct {
  u32 first, end;
  double centre;
} window;

static axis axis_of(double source, double resized, double from) {
  const double scale = source / resized, support = scale > 1 ? scale : 1;
  return (axis){source, scale, support, 1 / support, from};
}

static window window_of(const axis *a, u32 index) {
  const double centre = (a->from + index + 0.5) * a->scale;
  const double begin = __builtin_trunc(centre - a->support + 0.5), end = __builtin_trunc(centre + a->support + 0.5);
  return (window){begin > 0 ? (u32)begin : 0, (u32)(end < a->source ? end : a->source), centre};
}

static double weight_of(const axis *a, const window *w, u32 tap) {
  const double distance = __builtin_fabs((tap - w->centre + 0.5) * a->inverse);
  return distance < 1 ? 1 - distance : 0;
}

/** Fixed point weights of one sample, 22 fraction bits. */
static void write_weights(const axis *a, u32 index, u8 *target) {
  const window w = window_of(a, index);
  double sum = 0;
  for (u32 tap = w.first; tap < w.end; ++tap) sum += weight_of(a, &w, tap);
  for (u32 tap = w.first; tap < w.end; ++tap, target += 4) {
    const s32 weight = (s32)(0.5 + weight_of(a, &w, tap) / sum * 4194304.0);
    memcpy(target, &weight, 4);
  }
}

/** Python's round(): halves go to the even neighbour. */
static double round_half_even(double value) {
  const double floor = __builtin_floor(value), rest = value - floor;
  if (rest != 0.5) return __builtin_floor(value + 0.5);
  return __builtin_floor(floor / 2) * 2 == floor ? floor : floor + 1;
}

typedef struct {
  axis rows, columns;
  u32 height, width;
  int vertical_first;
  u32 channels, taps;
  /** Largest count of rows that a row of the crop needs, and their sum. */
  u32 most_rows;
  u64 row_taps;
  /** Side of the box that the resized picture covers. */
  double largest;
} geometry;

static u64 align16(u64 bytes) { return (bytes + 15) & ~(u64)15; }

static geometry plan(const dynedge_network *network, u32 width, u32 height, u32 channels) {
  const bundle_view *const bundle = &network->bundle;
  const double size_height = dynedge_word(bundle, 0, HOST_HEIGHT), size_width = dynedge_word(bundle, 0, HOST_WIDTH);
  const double shorter = dynedge_word(bundle, 0, HOST_SHORTER_SIDE), least = size_height < size_width ? size_height : size_width;
  const double box_height = __builtin_trunc(network->height * shorter / least);
  const double box_width = __builtin_trunc(network->width * shorter / least);
  const int width_decides = width * box_height <= height * box_width;
  const double resized_height = width_decides ? __builtin_trunc(box_width * height / width) : box_height;
  const double resized_width = width_decides ? box_width : __builtin_trunc(box_height * width / height);
  const double lost = (double)height - resized_height;
  geometry g = {.height = network->height, .width = network->width, .channels = channels};
  g.rows = axis_of(height, resized_height, round_half_even((resized_height - g.height) / 2));
  g.columns = axis_of(width, resized_width, round_half_even((resized_width - g.width) / 2));
  g.largest = box_height > box_width ? box_height : box_width;
  if (g.largest > 1 << 28) return g;
  // Which pass Pillow runs first; src/image/geometry.ts.
  g.vertical_first = lost > 0 && lost > 2 * ((double)width - resized_width);
  for (u32 y = 0; y < g.height; ++y) {
    const window w = window_of(&g.rows, y);
    const u32 count = w.end - w.first;
    g.row_taps += count;
    if (count > g.most_rows) g.most_rows = count;
  }
  u32 most = 0;
  for (u32 x = 0; x < g.width; ++x) {
    const window w = window_of(&g.columns, x);
    if (w.end - w.first > most) most = w.end - w.first;
  }
  const u32 unit = channels == 1 ? 4 : 2;
  g.taps = (most + unit - 1) / unit * unit;
  return g;
}

/** Columns left .. left + width - 1 of the crop, and places in staging memory for them. */
typedef struct {
  u32 left, width, source_left, source_width;
  u64 tables, row_weights, windows, weights, ring, ring_stride, wide_row, row, bytes;
} block;

static block block_of(const geometry *g, u32 left, u32 width) {
  const window first = window_of(&g->columns, left), last = window_of(&g->columns, left + width - 1);
  block b = {.left = left, .width = width, .source_left = first.first, .source_width = last.end - first.first};
  const u64 wide = align16((u64)b.source_width * g->channels), quads = align16((u64)width * 4);
  b.ring_stride = g->vertical_first ? wide : quads;
  b.row_weights = b.tables + 3 * 256 * 4;
  b.windows = b.row_weights + align16(g->row_taps * 4);
  b.weights = b.windows + quads;
  b.ring = b.weights + quads * g->taps;
  b.wide_row = b.ring + g->most_rows * b.ring_stride;
  b.row = b.wide_row + align16(wide + (u64)g->taps * g->channels + 16);
  b.bytes = b.row + quads;
  return b;
}

/** Width of the widest blocks that fit into staging memory; 0 where not even one column does. `needed`: bytes of one column. */
static u32 block_width(const geometry *g, u64 staging, u64 *needed) {
  for (u32 parts = 1, before = 0;; ++parts) {
    const u32 step = (g->width + parts - 1) / parts;
    if (step == before) continue;
    before = step;
    u64 most = 0;
    for (u32 left = 0; left < g->width; left += step) {
      const block b = block_of(g, left, step < g->width - left ? step : g->width - left);
      if (b.bytes > most) most = b.bytes;
    }
    if (most <= staging) return step;
    if (step == 1) {
      *needed = most;
      return 0;
    }
  }
}

/** [3][256] of what a byte becomes, as float32 or as stored integers. */
static void write_tables(const dynedge_network *network, u8 *target) {
  const bundle_view *const bundle = &network->bundle;
  const f32 scale = dynedge_float(bundle, HOST_INPUT_SCALE);
  const double zero = dynedge_word(bundle, 0, HOST_INPUT_ZERO), top = dynedge_word(bundle, 0, HOST_INPUT_TOP);
  for (u32 channel = 0; channel < 3; ++channel) {
    const f32 mean = dynedge_float(bundle, HOST_MEAN + channel), deviation = dynedge_float(bundle, HOST_DEVIATION + channel);
    for (u32 byte = 0; byte < 256; ++byte) {
      const f32 value = ((f32)byte / 255.0f - mean) / deviation;
      if (dynedge_word(bundle, 0, HOST_INPUT_BYTES) == 4) {
        memcpy(target + (channel * 256 + byte) * 4, &value, 4);
        continue;
      }
      const double stored = round_half_even((double)(value / scale) + zero);
      target[channel * 256 + byte] = (u8)(stored != stored ? zero : stored < 0 ? 0 : stored > top ? top : stored);
    }
  }
}

typedef struct {
  dynedge_network *network;
  const u8 *pixels;
  size_t row_bytes;
  const geometry *geometry;
  const block *block;
} job;

/**
 *   horizontal first:  source row -> wide_row -> [row kernel] -> ring -> [columns] -> row -> input
 *   vertical first:    source row -> ring -> [columns] -> wide_row -> [row kernel] -> row -> input
 */
static void run_block(dynedge_instance *instance, void *context) {
  const job *const j = context;
  const geometry *const g = j->geometry;
  const block *const b = j->block;
  dynedge_network *const network = j->network;
  w2c_dynedge *const module = &instance->module;
  u8 *const memory = module->w2c_memory.data;
  const u32 staging = network->staging;
  const u32 ring = staging + (u32)b->ring, wide_row = staging + (u32)b->wide_row, row = staging + (u32)b->row;
  const u32 windows = staging + (u32)b->windows, weights = staging + (u32)b->weights, stride = (u32)b->ring_stride;
  u32 row_weights = staging + (u32)b->row_weights;

  write_tables(network, memory + staging + b->tables);
  memset(memory + windows, 0, b->ring - b->windows);
  for (u32 x = 0; x < b->width; ++x) {
    const u32 offset = (window_of(&g->columns, b->left + x).first - b->source_left) * g->channels;
    memcpy(memory + windows + x * 4, &offset, 4);
    write_weights(&g->columns, b->left + x, memory + weights + (size_t)x * g->taps * 4);
  }
  u32 at = row_weights;
  for (u32 y = 0; y < g->height; ++y) {
    const window w = window_of(&g->rows, y);
    write_weights(&g->rows, y, memory + at);
    at += (w.end - w.first) * 4;
  }

  const int integers = dynedge_word(&network->bundle, 0, HOST_INPUT_BYTES) == 1;
  u32 output = network->arena + network->input.at + b->left * network->input.pixel;
  u32 next = window_of(&g->rows, 0).first;
  for (u32 y = 0; y < g->height; ++y) {
    const window w = window_of(&g->rows, y);
    const u32 count = w.end - w.first;
    for (; next < w.end; ++next) {
      const u8 *const source = j->pixels + next * j->row_bytes + (size_t)b->source_left * g->channels;
      const u32 slot = ring + next % g->most_rows * stride;
      memcpy(memory + (g->vertical_first ? slot : wide_row), source, (size_t)b->source_width * g->channels);
      if (g->vertical_first) continue;
      if (g->channels == 1) w2c_dynedge_u8_resize_row_gray(module, slot, wide_row, windows, weights, b->width, g->taps);
      else if (g->channels == 3) w2c_dynedge_u8_resize_row_rgb(module, slot, wide_row, windows, weights, b->width, g->taps);
      else w2c_dynedge_u8_resize_row_rgba(module, slot, wide_row, windows, weights, b->width, g->taps);
    }
    const u32 resized = g->vertical_first ? wide_row : row;
    w2c_dynedge_u8_resize_columns(module, resized, ring, stride, g->most_rows, w.first % g->most_rows, row_weights, count);
    if (g->vertical_first) {
      if (g->channels == 1) w2c_dynedge_u8_resize_row_gray(module, row, wide_row, windows, weights, b->width, g->taps);
      else if (g->channels == 3) w2c_dynedge_u8_resize_row_rgb(module, row, wide_row, windows, weights, b->width, g->taps);
      else w2c_dynedge_u8_resize_row_rgba(module, row, wide_row, windows, weights, b->width, g->taps);
    }
    const u32 tables = staging + (u32)b->tables;
    if (integers) w2c_dynedge_u8_normalise_row(module, output, row, tables, b->width, network->input.pixel);
    else w2c_dynedge_f32_normalise_row(module, output, row, tables, b->width, network->input.pixel);
    row_weights += count * 4;
    output += network->input.row;
  }
}

dynedge_status dynedge_preprocess(dynedge_network *network, const u8 *pixels, u32 width, u32 height, u32 channels, size_t row_bytes) {
  const geometry g = plan(network, width, height, channels);
  // Beyond, float64 no longer holds the products of sides: a crop could reach past its picture.
  if (g.largest > 1 << 28)
    return dynedge_fail(&network->error, DYNEDGE_BAD_BUNDLE, "The bundle asks for pictures resized to more than %u pixels a side, expected less; pack it again", 1u << 28);
  u64 needed = 0;
  const u32 step = block_width(&g, network->staging_bytes, &needed);
  if (!step)
    return dynedge_fail(&network->error, DYNEDGE_OUT_OF_MEMORY,
                        "Scratch memory has %u bytes, expected at least %z for a %u x %u picture; give more staging_bytes, or shrink the picture first",
                        network->staging_bytes, (size_t)needed, width, height);
  for (u32 left = 0; left < g.width; left += step) {
    const block b = block_of(&g, left, step < g.width - left ? step : g.width - left);
    job j = {network, pixels, row_bytes, &g, &b};
    const dynedge_trap trap = dynedge_guard(&network->instance, run_block, &j);
    if (trap) return dynedge_fail(&network->error, DYNEDGE_TRAP, "The module trapped on the picture: %s; select the network again", dynedge_trap_name(trap));
  }
  return DYNEDGE_OK;
}
