// What the files of the C API share.
#ifndef DYNEDGE_INTERNAL_H
#define DYNEDGE_INTERNAL_H

#include "dynedge.h"
#include "instance.h"
#include "sha256.h"
#include "team.h"

/** Words of the host record, HOST_VERSION 1: src/host/format.ts. */
enum {
  HOST_MAGIC_VALUE = 0x48455944,
  HOST_VERSION_VALUE = 1,
  WEIGHT_LAYOUT_VALUE = 1,
  HOST_PROGRAM_VERSION = 2,
  HOST_LAYOUT,
  HOST_BYTES,
  HOST_WEIGHT_BYTES,
  HOST_TENSORS,
  HOST_TENSORS_AT,
  HOST_PROGRAMS,
  HOST_PROGRAMS_AT,
  HOST_OUTPUTS,
  HOST_OUTPUTS_AT,
  HOST_LABELS,
  HOST_LABELS_AT,
  HOST_NAME,
  HOST_PRECISION,
  HOST_HEIGHT,
  HOST_WIDTH,
  HOST_SHORTER_SIDE,
  HOST_MEAN,
  HOST_DEVIATION = 22,
  HOST_INPUT_BYTES = 25,
  HOST_INPUT_SCALE,
  HOST_INPUT_ZERO,
  HOST_INPUT_TOP,
  HOST_WORDS,
};
enum { TENSOR_OFFSET, TENSOR_BYTES, TENSOR_CRC32C, TENSOR_NAME, TENSOR_WORDS };
enum {
  PROGRAM_HEIGHT,
  PROGRAM_WIDTH,
  PROGRAM_OFFSET,
  PROGRAM_BYTES,
  PROGRAM_CRC32C,
  PROGRAM_ARENA_BYTES,
  PROGRAM_STEPS,
  PROGRAM_STEP_NAMES_AT,
  PROGRAM_INPUT_AT,
  PROGRAM_INPUT_ROW,
  PROGRAM_INPUT_PIXEL,
  PROGRAM_OUTPUTS_AT,
  PROGRAM_WORDS
};
enum { OUTPUT_NAME, OUTPUT_BYTES, OUTPUT_CHANNELS, OUTPUT_LANES, OUTPUT_LANES_AT, OUTPUT_WORDS };
enum { PLACE_WORDS = 5, MOST_SIDE = 8192, PIECE_BYTES = 65536, LEAST_STAGING = 16384, MOST_OUTPUTS = 64 };

/** A bundle whose header and record have been checked: where things lie in it. */
typedef struct {
  const u8 *file;
  const u8 *data;
  const u8 *record;
  u32 head_bytes, record_bytes, record_offset;
  u32 record_crc32c, header_crc32c;
} bundle_view;

struct dynedge_network {
  dynedge_instance instance;
  bundle_view bundle;
  dynedge_options options;
  /** Addresses in the module's memory, and room there. */
  u32 program, staging, weights, arena;
  u32 program_room, staging_bytes, arena_room;
  size_t memory_bytes;
  /** The selected program; steps is 0 where there is none. */
  u32 height, width, steps, step_names_at;
  dynedge_place input;
  dynedge_place outputs[MOST_OUTPUTS];
  /** Steps that have run since the picture was set; there is one where `filled`. */
  u32 done;
  int filled;
  dynedge_error error;
};

/** Writes `format` to `error`, where there is one, and returns `status`. Knows %u (u32), %z (size_t), %x (u32, 8 digits) and %s. */
dynedge_status dynedge_fail(dynedge_error *error, dynedge_status status, const char *format, ...);

/** Word `index` at byte `at` of the record. */
u32 dynedge_word(const bundle_view *bundle, u32 at, u32 index);
f32 dynedge_float(const bundle_view *bundle, u32 index);
/** A text of the record; the loader has seen that it ends. */
const char *dynedge_text(const bundle_view *bundle, u32 at);

/** Lengths, magic, versions, every offset and text of the record; no checksums, which need the module. */
dynedge_status dynedge_open_bundle(bundle_view *bundle, const u8 *file, size_t bytes, dynedge_error *error);
/** Does the picture, whose pixels have `lanes` values of `bytes` bytes, lie in an arena of `arena_bytes`? */
int dynedge_fits(const dynedge_place *place, u32 lanes, u32 bytes, u32 arena_bytes);

/** Plane of a checked frame: of every 2^across columns and 2^down rows a sample of `bytes` bytes, every `pixel_bytes`. */
typedef struct {
  const u8 *data;
  size_t row_bytes;
  u32 bytes, pixel_bytes, across, down;
} picture_plane;

/** Word.Planar to the end of assembly/image/words.ts. */
enum { FRAME_PLANAR, FRAME_SWAPPED, FRAME_SHIFT, FRAME_SAMPLES, FRAME_MATRIX = FRAME_SAMPLES + 9, FRAME_WORDS = FRAME_MATRIX + 6 };

/** A checked frame. */
typedef struct {
  u32 width, height, channels, orientation, plane_count;
  picture_plane planes[3];
  s32 words[FRAME_WORDS];
} picture;

/** Fills in the defaults; what contradicts itself is refused. */
dynedge_status dynedge_check_frame(const dynedge_frame *frame, picture *checked, dynedge_error *error);

/** A picture into the input. */
dynedge_status dynedge_preprocess(dynedge_network *network, const picture *source);

#endif
