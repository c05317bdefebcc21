// The bundle as a C host reads it: 8 + 35 + 8 + 18 + 24 bytes of its header at fixed places, and the record (docs/bundle.md, Programs). All of it may be
// anyone's: every number is checked here, once, and what is computed with them stays in 64 bits.
#include "internal.h"

u32 dynedge_word(const bundle_view *bundle, u32 at, u32 index) {
  u32 value;
  memcpy(&value, bundle->record + at + (size_t)index * 4, 4);
  return value;
}

f32 dynedge_float(const bundle_view *bundle, u32 index) { return f32_reinterpret_i32(dynedge_word(bundle, 0, index)); }

const char *dynedge_text(const bundle_view *bundle, u32 at) { return (const char *)bundle->record + at; }

static const char START[] = "{\"__metadata__\":{\"dynedge_crc32c\":\"";
static const char RECORD[] = "\",\"dynedge_host\":\"";
enum { START_BYTES = sizeof START - 1, RECORD_BYTES = sizeof RECORD - 1, HEX = 8, MOST_HEADER = 16 << 20, ALIGNMENT = 64 };

static int hexadecimal(const u8 *digits, u32 *value) {
  *value = 0;
  for (int i = 0; i < HEX; ++i) {
    const u8 c = digits[i];
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return 0;
    *value = *value << 4 | (u32)(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return 1;
}

/** The record ends with a zero byte, so every text in it does. */
static int is_text(const bundle_view *bundle, u32 at) { return at < bundle->record_bytes; }

static int is_table(const bundle_view *bundle, u32 at, u64 count, u32 words) {
  return at % 4 == 0 && count <= bundle->record_bytes && at + count * words * 4 <= bundle->record_bytes;
}

static int are_texts(const bundle_view *bundle, u32 at, u32 count) {
  if (!is_table(bundle, at, count, 1)) return 0;
  for (u32 i = 0; i < count; ++i)
    if (!is_text(bundle, dynedge_word(bundle, at, i))) return 0;
  return 1;
}

int dynedge_fits(const dynedge_place *place, u32 lanes, u32 bytes, u32 arena_bytes) {
  const u64 pixel = (u64)lanes * bytes;
  if (!place->height || !place->width || place->height > MOST_SIDE || place->width > MOST_SIDE) return 0;
  if (place->at % bytes || place->row % bytes || place->pixel % bytes || place->pixel < pixel) return 0;
  return place->at + (u64)(place->height - 1) * place->row + (u64)(place->width - 1) * place->pixel + pixel <= arena_bytes;
}

static int are_outputs(const bundle_view *bundle) {
  const u32 count = dynedge_word(bundle, 0, HOST_OUTPUTS), at = dynedge_word(bundle, 0, HOST_OUTPUTS_AT);
  if (count > MOST_OUTPUTS || !is_table(bundle, at, count, OUTPUT_WORDS)) return 0;
  for (u32 i = 0; i < count; ++i) {
    const u32 row = at + i * OUTPUT_WORDS * 4;
    const u32 bytes = dynedge_word(bundle, row, OUTPUT_BYTES), channels = dynedge_word(bundle, row, OUTPUT_CHANNELS);
    const u32 lanes = dynedge_word(bundle, row, OUTPUT_LANES), lanes_at = dynedge_word(bundle, row, OUTPUT_LANES_AT);
    if (!is_text(bundle, dynedge_word(bundle, row, OUTPUT_NAME))) return 0;
    if ((bytes != 1 && bytes != 2 && bytes != 4) || !channels || channels > lanes || !is_table(bundle, lanes_at, lanes, 1)) return 0;
    for (u32 lane = 0; lane < lanes; ++lane) {
      const u32 channel = dynedge_word(bundle, lanes_at, lane);
      if (channel != UINT32_MAX && channel >= channels) return 0;
    }
  }
  return 1;
}

static int are_programs(const bundle_view *bundle) {
  const u32 count = dynedge_word(bundle, 0, HOST_PROGRAMS), at = dynedge_word(bundle, 0, HOST_PROGRAMS_AT);
  const u32 outputs = dynedge_word(bundle, 0, HOST_OUTPUTS), bytes = dynedge_word(bundle, 0, HOST_INPUT_BYTES);
  if (!count || !is_table(bundle, at, count, PROGRAM_WORDS)) return 0;
  for (u32 i = 0; i < count; ++i) {
    const u32 row = at + i * PROGRAM_WORDS * 4, arena = dynedge_word(bundle, row, PROGRAM_ARENA_BYTES);
    const u32 places = dynedge_word(bundle, row, PROGRAM_OUTPUTS_AT);
    const dynedge_place input = {dynedge_word(bundle, row, PROGRAM_INPUT_AT), dynedge_word(bundle, row, PROGRAM_INPUT_ROW),
                                 dynedge_word(bundle, row, PROGRAM_INPUT_PIXEL), dynedge_word(bundle, row, PROGRAM_HEIGHT),
                                 dynedge_word(bundle, row, PROGRAM_WIDTH)};
    if (!dynedge_fits(&input, 4, bytes, arena)) return 0;
    if ((u64)dynedge_word(bundle, row, PROGRAM_OFFSET) + dynedge_word(bundle, row, PROGRAM_BYTES) > bundle->record_offset) return 0;
    if (!dynedge_word(bundle, row, PROGRAM_STEPS)) return 0;
    if (!are_texts(bundle, dynedge_word(bundle, row, PROGRAM_STEP_NAMES_AT), dynedge_word(bundle, row, PROGRAM_STEPS))) return 0;
    if (!is_table(bundle, places, outputs, PLACE_WORDS)) return 0;
    for (u32 output = 0; output < outputs; ++output) {
      const u32 about = dynedge_word(bundle, 0, HOST_OUTPUTS_AT) + output * OUTPUT_WORDS * 4;
      dynedge_place place;
      memcpy(&place, bundle->record + places + output * PLACE_WORDS * 4, sizeof place);
      if (!dynedge_fits(&place, dynedge_word(bundle, about, OUTPUT_LANES), dynedge_word(bundle, about, OUTPUT_BYTES), arena)) return 0;
    }
  }
  return 1;
}

static int are_weights(const bundle_view *bundle) {
  const u32 count = dynedge_word(bundle, 0, HOST_TENSORS), at = dynedge_word(bundle, 0, HOST_TENSORS_AT);
  u64 end = 0;
  if (!is_table(bundle, at, count, TENSOR_WORDS)) return 0;
  for (u32 i = 0; i < count; ++i) {
    const u32 row = at + i * TENSOR_WORDS * 4;
    if (dynedge_word(bundle, row, TENSOR_OFFSET) != end || !is_text(bundle, dynedge_word(bundle, row, TENSOR_NAME))) return 0;
    end += dynedge_word(bundle, row, TENSOR_BYTES);
  }
  return end == dynedge_word(bundle, 0, HOST_WEIGHT_BYTES) && end <= bundle->record_offset;
}

static int is_input(const bundle_view *bundle) {
  const u32 height = dynedge_word(bundle, 0, HOST_HEIGHT), width = dynedge_word(bundle, 0, HOST_WIDTH);
  const u32 shorter = dynedge_word(bundle, 0, HOST_SHORTER_SIDE), bytes = dynedge_word(bundle, 0, HOST_INPUT_BYTES);
  const u32 least = height < width ? height : width;
  if (!least || shorter < least || height > 1 << 24 || width > 1 << 24 || shorter > 1 << 24) return 0;
  for (u32 i = 0; i < 3; ++i) {
    const f32 mean = dynedge_float(bundle, HOST_MEAN + i), deviation = dynedge_float(bundle, HOST_DEVIATION + i);
    if (!(mean - mean == 0) || !(deviation > 0) || !(deviation - deviation == 0)) return 0;
  }
  if (bytes == 4) return 1;
  const u32 top = dynedge_word(bundle, 0, HOST_INPUT_TOP);
  const f32 scale = dynedge_float(bundle, HOST_INPUT_SCALE);
  return bytes == 1 && scale > 0 && scale - scale == 0 && (top == 127 || top == 255) && dynedge_word(bundle, 0, HOST_INPUT_ZERO) <= top;
}

static dynedge_status check_record(const bundle_view *bundle, dynedge_error *error) {
  const u32 version = dynedge_word(bundle, 0, 1), programs = dynedge_word(bundle, 0, HOST_PROGRAM_VERSION);
  const u32 layout = dynedge_word(bundle, 0, HOST_LAYOUT);
  const char *const remedy = "pack it again with the dynedge of this library: dynedge pack --plan";
  if (dynedge_word(bundle, 0, 0) != HOST_MAGIC_VALUE)
    return dynedge_fail(error, DYNEDGE_BAD_BUNDLE, "The bundle's record starts with %x, expected %x; %s", dynedge_word(bundle, 0, 0),
                        (u32)HOST_MAGIC_VALUE, remedy);
  if (version != HOST_VERSION_VALUE)
    return dynedge_fail(error, DYNEDGE_UNSUPPORTED_VERSION, "The bundle's record has version %u, this library reads %u; %s", version,
                        (u32)HOST_VERSION_VALUE, remedy);
  if (programs != DYNEDGE_PROGRAM_VERSION)
    return dynedge_fail(error, DYNEDGE_UNSUPPORTED_VERSION, "The bundle's programs have version %u, this library runs %u; %s", programs,
                        (u32)DYNEDGE_PROGRAM_VERSION, remedy);
  if (layout != WEIGHT_LAYOUT_VALUE)
    return dynedge_fail(error, DYNEDGE_UNSUPPORTED_LAYOUT, "The bundle has weight layout %u, this library reads %u; %s", layout,
                        (u32)WEIGHT_LAYOUT_VALUE, remedy);
  const char *fault = NULL;
  if (dynedge_word(bundle, 0, HOST_BYTES) > bundle->record_bytes || bundle->record[bundle->record_bytes - 1]) fault = "its length";
  else if (!is_text(bundle, dynedge_word(bundle, 0, HOST_NAME)) || !is_text(bundle, dynedge_word(bundle, 0, HOST_PRECISION))) fault = "its names";
  else if (!is_input(bundle)) fault = "the input";
  else if (!are_weights(bundle)) fault = "the weights";
  else if (!are_outputs(bundle)) fault = "the outputs";
  else if (!are_programs(bundle)) fault = "the programs";
  else if (!are_texts(bundle, dynedge_word(bundle, 0, HOST_LABELS_AT), dynedge_word(bundle, 0, HOST_LABELS))) fault = "the labels";
  if (fault) return dynedge_fail(error, DYNEDGE_BAD_BUNDLE, "The bundle's record contradicts itself: %s; %s", fault, remedy);
  return DYNEDGE_OK;
}

dynedge_status dynedge_open_bundle(bundle_view *bundle, const u8 *file, size_t bytes, dynedge_error *error) {
  u64 length = 0;
  if (!file || bytes < 8) return dynedge_fail(error, DYNEDGE_TRUNCATED_BUNDLE, "The bundle ends early: got %z bytes, expected a header", bytes);
  memcpy(&length, file, 8);
  if (length < 2 || length > MOST_HEADER)
    return dynedge_fail(error, DYNEDGE_BAD_BUNDLE, "Not a bundle: it does not begin with a header's length; expected a file of dynedge pack");
  if (length + 8 > bytes)
    return dynedge_fail(error, DYNEDGE_TRUNCATED_BUNDLE, "The bundle ends early: got %z bytes, expected more than the %u of its header", bytes,
                        (u32)length + 8);
  bundle->file = file;
  bundle->head_bytes = (u32)length + 8;
  bundle->data = file + bundle->head_bytes;
  if (length < START_BYTES + HEX || memcmp(file + 8, START, START_BYTES) ||
      !hexadecimal(file + 8 + START_BYTES, &bundle->header_crc32c))
    return dynedge_fail(error, DYNEDGE_BAD_BUNDLE, "Not a bundle: no dynedge metadata at its start; to make one: dynedge pack --plan");
  const u8 *const record = file + 8 + START_BYTES + HEX;
  if (length < START_BYTES + HEX + RECORD_BYTES + 3 * HEX || memcmp(record, RECORD, RECORD_BYTES))
    return dynedge_fail(error, DYNEDGE_NO_PROGRAM, "The bundle has no programs, expected some; add them: dynedge pack --plan 224x224 ...");
  if (!hexadecimal(record + RECORD_BYTES, &bundle->record_offset) || !hexadecimal(record + RECORD_BYTES + HEX, &bundle->record_bytes) ||
      !hexadecimal(record + RECORD_BYTES + 2 * HEX, &bundle->record_crc32c) || bundle->record_bytes < HOST_WORDS * 4 ||
      bundle->head_bytes % ALIGNMENT || bundle->record_offset % ALIGNMENT)
    return dynedge_fail(error, DYNEDGE_BAD_BUNDLE, "Not a bundle: its header does not say where the record lies; pack it again");
  const u64 expected = (u64)bundle->head_bytes + bundle->record_offset + bundle->record_bytes;
  if (bytes < expected)
    return dynedge_fail(error, DYNEDGE_TRUNCATED_BUNDLE, "The bundle ends early: got %z bytes, expected %z", bytes, (size_t)expected);
  if (bytes > expected)
    return dynedge_fail(error, DYNEDGE_OVERSIZED_BUNDLE, "The bundle is too long: got %z bytes, expected %z", bytes, (size_t)expected);
  bundle->record = bundle->data + bundle->record_offset;
  return check_record(bundle, error);
}
