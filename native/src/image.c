// src/image/preprocess.ts and geometry.ts in C: where the crop lies, in float64, and a band of source rows after the other for the module,
// which does the rest. Nothing is allocated.
#include "internal.h"

/** Words of assembly/image/words.ts, as many as a host needs. */
enum {
  WORD_CHANNELS,
  WORD_VERTICAL_FIRST,
  WORD_FROM_RIGHT,
  WORD_UP,
  WORD_ROWS,
  WORD_COLUMNS = WORD_ROWS + 6,
  WORD_HEIGHT = WORD_COLUMNS + 6,
  WORD_WIDTH,
  WORD_MEAN,
  WORD_DEVIATION = WORD_MEAN + 3,
  WORD_INTEGERS = WORD_DEVIATION + 3,
  WORD_SCALE,
  WORD_ZERO,
  WORD_TOP,
  WORD_OUTPUT,
  WORD_COLUMN_STEP,
  WORD_ROW_STEP,
  WORD_PLANES,
  PLANE_PIXEL_BYTES = 0,
  PLANE_ACROSS,
  PLANE_DOWN,
  PLANE_AT = 4,
  PLANE_STRIDE,
  PLANE_BYTES,
  PLANE_WORDS,
  WORD_FRAME = WORD_PLANES + 3 * PLANE_WORDS,
  WORD_SOURCE_LEFT = WORD_FRAME + FRAME_WORDS,
  WORD_SOURCE_COLUMNS,
  WORD_FIRST_ROW,
  WORD_END_ROW,
  WORDS
};

/** Samples of an axis as f64: of the source, of the whole resized picture, the crop's first. */
typedef struct {
  double size, resized, from;
} axis;

/** Rows and columns of the source as it is stored, and as many of the crop. */
typedef struct {
  axis rows, columns;
  u32 height, width;
  int vertical_first, turned;
  /** Side of the box that the resized picture covers. */
  double largest;
} geometry;

/** Python's round(): halves go to the even neighbour. */
static double round_half_even(double value) {
  const double floor = __builtin_floor(value), rest = value - floor;
  if (rest != 0.5) return __builtin_floor(value + 0.5);
  return __builtin_floor(floor / 2) * 2 == floor ? floor : floor + 1;
}

static geometry plan(const dynedge_network *network, const picture *source) {
  const bundle_view *const bundle = &network->bundle;
  const int turned = source->orientation > 4;
  const double width = turned ? source->height : source->width, height = turned ? source->width : source->height;
  const double size_height = dynedge_word(bundle, 0, HOST_HEIGHT), size_width = dynedge_word(bundle, 0, HOST_WIDTH);
  const double shorter = dynedge_word(bundle, 0, HOST_SHORTER_SIDE), least = size_height < size_width ? size_height : size_width;
  const double box_height = __builtin_trunc(network->height * shorter / least);
  const double box_width = __builtin_trunc(network->width * shorter / least);
  const int width_decides = width * box_height <= height * box_width;
  const double resized_height = width_decides ? __builtin_trunc(box_width * height / width) : box_height;
  const double resized_width = width_decides ? box_width : __builtin_trunc(box_height * width / height);
  const double lost = height - resized_height;
  const axis down = {height, resized_height, round_half_even((resized_height - network->height) / 2)};
  const axis across = {width, resized_width, round_half_even((resized_width - network->width) / 2)};
  return (geometry){.rows = turned ? across : down,
                    .columns = turned ? down : across,
                    .height = turned ? network->width : network->height,
                    .width = turned ? network->height : network->width,
                    .turned = turned,
                    // Which pass Pillow runs first (src/image/geometry.ts), as stored.
                    .vertical_first = (lost > 0 && lost > 2 * (width - resized_width)) != turned,
                    .largest = box_height > box_width ? box_height : box_width};
}

typedef struct {
  dynedge_network *network;
  const picture *source;
  const geometry *geometry;
  /** Columns of the crop: those that are made now. */
  u32 left, width;
  /** What the module answers: source rows that fit, or bytes needed, negative. */
  s32 rows;
} job;

static void write_words(const job *j, u8 *staging) {
  dynedge_network *const network = j->network;
  const bundle_view *const bundle = &network->bundle;
  const geometry *const g = j->geometry;
  const picture *const source = j->source;
  const u32 orientation = source->orientation;
  u32 words[WORDS] = {0};
  words[WORD_CHANNELS] = source->channels;
  words[WORD_VERTICAL_FIRST] = (u32)g->vertical_first;
  words[WORD_FROM_RIGHT] = orientation == 2 || orientation == 3 || orientation > 6;
  words[WORD_UP] = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  axis columns = g->columns;
  columns.from += j->left;
  memcpy(words + WORD_ROWS, &g->rows, sizeof g->rows);
  memcpy(words + WORD_COLUMNS, &columns, sizeof columns);
  words[WORD_HEIGHT] = g->height;
  words[WORD_WIDTH] = j->width;
  for (u32 i = 0; i < 3; ++i) {
    words[WORD_MEAN + i] = dynedge_word(bundle, 0, HOST_MEAN + i);
    words[WORD_DEVIATION + i] = dynedge_word(bundle, 0, HOST_DEVIATION + i);
  }
  words[WORD_INTEGERS] = dynedge_word(bundle, 0, HOST_INPUT_BYTES) == 1;
  words[WORD_SCALE] = dynedge_word(bundle, 0, HOST_INPUT_SCALE);
  words[WORD_ZERO] = dynedge_word(bundle, 0, HOST_INPUT_ZERO);
  words[WORD_TOP] = dynedge_word(bundle, 0, HOST_INPUT_TOP);
  words[WORD_COLUMN_STEP] = g->turned ? network->input.row : network->input.pixel;
  words[WORD_ROW_STEP] = g->turned ? network->input.pixel : network->input.row;
  words[WORD_OUTPUT] = network->arena + network->input.at + j->left * words[WORD_COLUMN_STEP];
  for (u32 i = 0; i < source->plane_count; ++i) {
    u32 *const plane = words + WORD_PLANES + i * PLANE_WORDS;
    plane[PLANE_PIXEL_BYTES] = source->planes[i].pixel_bytes;
    plane[PLANE_ACROSS] = source->planes[i].across;
    plane[PLANE_DOWN] = source->planes[i].down;
  }
  memcpy(words + WORD_FRAME, source->words, sizeof source->words);
  memcpy(staging, words, sizeof words);
}

/** Rows top .. top + rows - 1 of a plane, as far as they are needed, into staging memory. */
static void copy_rows(const picture_plane *plane, const u32 *told, u32 left, u32 columns, u32 top, u32 rows, u8 *staging) {
  const u32 first = top >> plane->down, past = ((top + rows - 1) >> plane->down) + 1;
  // What follows the last sample may not be there.
  const size_t bytes = (size_t)((columns - 1) >> plane->across) * plane->pixel_bytes + plane->bytes;
  const u8 *from = plane->data + first * plane->row_bytes + (size_t)(left >> plane->across) * plane->pixel_bytes;
  u8 *to = staging + told[PLANE_AT];
  for (u32 row = first; row < past; ++row, from += plane->row_bytes, to += told[PLANE_STRIDE]) memcpy(to, from, bytes);
}

static void run_block(dynedge_instance *instance, void *context) {
  job *const j = context;
  const picture *const source = j->source;
  const u32 staging_at = j->network->staging;
  u8 *const staging = instance->module.w2c_memory.data + staging_at;
  write_words(j, staging);
  j->rows = (s32)w2c_dynedge_u8_plan_block(&instance->module, staging_at, j->network->staging_bytes);
  if (j->rows < 0) return;
  u32 told[WORDS];
  memcpy(told, staging, sizeof told);
  const u32 most = (u32)j->rows, end = told[WORD_END_ROW];
  for (u32 taken = told[WORD_FIRST_ROW], rows; taken < end; taken += rows) {
    rows = most < end - taken ? most : end - taken;
    const u32 top = told[WORD_UP] ? source->height - taken - rows : taken;
    for (u32 i = 0; i < source->plane_count; ++i)
      copy_rows(source->planes + i, told + WORD_PLANES + i * PLANE_WORDS, told[WORD_SOURCE_LEFT], told[WORD_SOURCE_COLUMNS], top, rows, staging);
    w2c_dynedge_u8_resize_band(&instance->module, staging_at, top, rows);
  }
}

dynedge_status dynedge_preprocess(dynedge_network *network, const picture *source) {
  const geometry g = plan(network, source);
  // Beyond, float64 no longer holds the products of sides: a crop could reach past its picture.
  if (g.largest > 1 << 28)
    return dynedge_fail(&network->error, DYNEDGE_BAD_BUNDLE, "The bundle asks for pictures resized to more than %u pixels a side, expected less; pack it again", 1u << 28);
  for (u32 parts = 1, left = 0; left < g.width;) {
    const u32 step = (g.width + parts - 1) / parts;
    job j = {network, source, &g, left, step < g.width - left ? step : g.width - left, 0};
    const dynedge_trap trap = dynedge_guard(&network->instance, run_block, &j);
    if (trap) return dynedge_fail(&network->error, DYNEDGE_TRAP, "The module trapped on the picture: %s; select the network again", dynedge_trap_name(trap));
    if (j.rows > 0) {
      left += step;
    } else if (step > 1) {
      // In narrower parts, from the beginning.
      ++parts;
      left = 0;
    } else {
      return dynedge_fail(&network->error, DYNEDGE_OUT_OF_MEMORY,
                          "Scratch memory has %u bytes, expected at least %u for a %u x %u picture; give more staging_bytes, or shrink the picture first",
                          network->staging_bytes, (u32)-j.rows, source->width, source->height);
    }
  }
  return DYNEDGE_OK;
}
