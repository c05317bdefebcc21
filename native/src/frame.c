// src/image/frame.ts and matrix.ts in C: what the fields of a frame mean, and what of them is refused.
#include "internal.h"

enum { MOST_PICTURE_SIDE = 1 << 24, NONE = 255 };

/** Planes of a format: bytes of a sample, columns and rows that share one (as shifts), whether gaps between samples are allowed. */
typedef struct {
  u8 bytes, across, down, gaps;
} plane_kind;

#define LUMA {1, 0, 0, 1}
#define COLOUR {1, 1, 1, 1}
#define COLOURS {2, 1, 1, 1}
#define PIXELS(bytes) {{bytes, 0, 0, 0}, {0}, {0}}
#define PAIRS {{4, 1, 0, 0}, {0}, {0}}

static const struct {
  u8 count;
  plane_kind planes[3];
  /** Number of the plane and byte in its sample, of Y, U and V; NONE where there are pixels. */
  u8 y[2], u[2], v[2];
} FORMATS[] = {
    [DYNEDGE_GRAY] = {1, PIXELS(1), {NONE, 0}, {0, 0}, {0, 0}},
    [DYNEDGE_RGB] = {1, PIXELS(3), {NONE, 0}, {0, 0}, {0, 0}},
    [DYNEDGE_RGBA] = {1, PIXELS(4), {NONE, 0}, {0, 0}, {0, 0}},
    [DYNEDGE_BGRA] = {1, PIXELS(4), {NONE, 0}, {0, 0}, {0, 0}},
    [DYNEDGE_I420] = {3, {LUMA, COLOUR, COLOUR}, {0, 0}, {1, 0}, {2, 0}},
    [DYNEDGE_YV12] = {3, {LUMA, COLOUR, COLOUR}, {0, 0}, {2, 0}, {1, 0}},
    [DYNEDGE_NV12] = {2, {LUMA, COLOURS, {0}}, {0, 0}, {1, 0}, {1, 1}},
    [DYNEDGE_NV21] = {2, {LUMA, COLOURS, {0}}, {0, 0}, {1, 1}, {1, 0}},
    [DYNEDGE_YUYV] = {1, PAIRS, {0, 0}, {0, 1}, {0, 3}},
    [DYNEDGE_UYVY] = {1, PAIRS, {0, 1}, {0, 0}, {0, 2}},
};

/** ky, kr, gu, gv, kb in 4096ths and the offset: matrixWords of src/image/matrix.ts, by matrix and range. */
static const s32 MATRICES[3][2][6] = {
    [DYNEDGE_BT601] = {{4096, 5743, -1410, -2925, 7258, 4112}, {4769, 6537, -1605, -3330, 8263, 4189}},
    [DYNEDGE_BT709] = {{4096, 6450, -767, -1917, 7601, 4112}, {4769, 7343, -873, -2183, 8652, 4189}},
    [DYNEDGE_BT2020] = {{4096, 6040, -674, -2340, 7706, 4112}, {4769, 6876, -767, -2664, 8773, 4189}},
};

static dynedge_status refuse(dynedge_error *error, const char *what, u32 got, const char *expected) {
  return dynedge_fail(error, DYNEDGE_BAD_IMAGE, "The frame's %s is %u, expected %s", what, got, expected);
}

static dynedge_status check_plane(const dynedge_frame *frame, u32 index, plane_kind kind, picture_plane *checked, dynedge_error *error) {
  const dynedge_plane plane = frame->planes[index];
  const u32 pixel_bytes = plane.pixel_bytes ? plane.pixel_bytes : kind.bytes;
  if (pixel_bytes < kind.bytes || (!kind.gaps && pixel_bytes > kind.bytes) || pixel_bytes > 1 << 16)
    return dynedge_fail(error, DYNEDGE_BAD_IMAGE, "Samples of the frame's plane %u are %u bytes apart, expected 0 or %s %u", index, pixel_bytes,
                        kind.gaps ? "at least" : "just", (u32)kind.bytes);
  const u64 columns = ((u64)frame->width + kind.across) >> kind.across;
  const u64 least = (columns - 1) * pixel_bytes + kind.bytes, row_bytes = plane.row_bytes ? plane.row_bytes : columns * pixel_bytes;
  if (row_bytes < least)
    return dynedge_fail(error, DYNEDGE_BAD_IMAGE, "Rows of the frame's plane %u are %z bytes apart, expected 0 or at least %z", index, plane.row_bytes,
                        (size_t)least);
  if (!plane.data) return dynedge_fail(error, DYNEDGE_BAD_IMAGE, "The frame's plane %u is at no address, expected one for each of its planes", index);
  *checked = (picture_plane){plane.data, (size_t)row_bytes, kind.bytes, pixel_bytes, kind.across, kind.down};
  return DYNEDGE_OK;
}

dynedge_status dynedge_check_frame(const dynedge_frame *frame, picture *checked, dynedge_error *error) {
  if (!frame) return dynedge_fail(error, DYNEDGE_BAD_IMAGE, "The frame is at no address, expected one");
  if (!frame->width || !frame->height || frame->width > MOST_PICTURE_SIDE || frame->height > MOST_PICTURE_SIDE)
    return dynedge_fail(error, DYNEDGE_BAD_IMAGE, "The picture is %u x %u pixels, expected sides from 1 to %u", frame->width, frame->height,
                        (u32)MOST_PICTURE_SIDE);
  if ((u32)frame->format > DYNEDGE_UYVY) return refuse(error, "format", (u32)frame->format, "one of dynedge_format");
  if ((u32)frame->matrix > DYNEDGE_BT2020) return refuse(error, "matrix", (u32)frame->matrix, "one of dynedge_matrix");
  if ((u32)frame->range > DYNEDGE_LIMITED_RANGE) return refuse(error, "range", (u32)frame->range, "one of dynedge_range");
  if (frame->orientation > 8) return refuse(error, "orientation", frame->orientation, "0 to 8, as in EXIF");
  const u8 count = FORMATS[frame->format].count;
  const plane_kind *const kinds = FORMATS[frame->format].planes;
  const u8 *const samples[3] = {FORMATS[frame->format].y, FORMATS[frame->format].u, FORMATS[frame->format].v};
  *checked = (picture){.width = frame->width,
                       .height = frame->height,
                       .channels = samples[0][0] == NONE ? kinds[0].bytes : 4,
                       .orientation = frame->orientation ? frame->orientation : 1,
                       .plane_count = count};
  for (u32 index = 0; index < count; ++index) {
    const dynedge_status status = check_plane(frame, index, kinds[index], checked->planes + index, error);
    if (status) return status;
  }
  s32 *const words = checked->words;
  words[FRAME_SWAPPED] = frame->format == DYNEDGE_BGRA;
  if (samples[0][0] == NONE) return DYNEDGE_OK;
  words[FRAME_PLANAR] = 1;
  words[FRAME_SHIFT] = kinds[samples[1][0]].down;
  for (u32 i = 0; i < 3; ++i) {
    s32 *const sample = words + FRAME_SAMPLES + i * 3;
    sample[0] = samples[i][0];
    sample[1] = samples[i][1];
    // Of two pixels in four bytes there are two Y.
    sample[2] = (s32)(count == 1 && i == 0 ? 2 : checked->planes[sample[0]].pixel_bytes);
  }
  memcpy(words + FRAME_MATRIX, MATRICES[frame->matrix][frame->range], sizeof MATRICES[0][0]);
  return DYNEDGE_OK;
}
