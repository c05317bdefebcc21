/* dynedge: image networks of a bundle (docs/bundle.md), run by a C program. docs/embedded.md shows how.
 *
 * A network lives in one piece of memory, taken once by dynedge_load; nothing else is allocated, and nothing grows. Several networks may
 * run at the same time in several threads; calls for one network come from one thread at a time, and it may have threads of its own. Every function that can fail returns a status;
 * dynedge_message says in words what was got, what was expected and what to do. A failed call leaves the network usable.
 */
#ifndef DYNEDGE_H
#define DYNEDGE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define DYNEDGE_API
#else
#define DYNEDGE_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the programs that this library runs: PROGRAM_VERSION of the dynedge that packs the bundles must be the same. */
#define DYNEDGE_PROGRAM_VERSION 4

typedef enum {
  DYNEDGE_OK,
  /** Not a bundle, or one that contradicts itself. */
  DYNEDGE_BAD_BUNDLE,
  /** A checksum differs. */
  DYNEDGE_DAMAGED_BUNDLE,
  DYNEDGE_TRUNCATED_BUNDLE,
  DYNEDGE_OVERSIZED_BUNDLE,
  /** The data section has another SHA-256 than the caller expects. */
  DYNEDGE_INTEGRITY,
  /** Packed for another version of this library. */
  DYNEDGE_UNSUPPORTED_VERSION,
  DYNEDGE_UNSUPPORTED_LAYOUT,
  /** The bundle has no program for this input size, or none at all: `dynedge pack --plan` adds them. */
  DYNEDGE_NO_PROGRAM,
  /** The verifier refuses the program. */
  DYNEDGE_BAD_PROGRAM,
  /** A wrong argument, or a call in the wrong order. */
  DYNEDGE_BAD_INPUT,
  /** Pixels whose sizes contradict each other. */
  DYNEDGE_BAD_IMAGE,
  DYNEDGE_OUT_OF_MEMORY,
  /** The module trapped, in whichever thread. The network must be selected again; then it works. */
  DYNEDGE_TRAP,
  /** The caller's function ended the run. */
  DYNEDGE_ABORTED
} dynedge_status;

typedef struct dynedge_network dynedge_network;

/** What went wrong, in words; ends with a zero byte. */
typedef struct {
  char text[320];
} dynedge_error;

#define DYNEDGE_EACH_CORE UINT32_MAX

/** Options of dynedge_load; all zero are the defaults. */
typedef struct {
  /** Which program to select, in pixels; 0: that of the bundle's input size, or the first. */
  uint32_t height, width;
  /** Not 0: memory for that program alone; else for the largest of the bundle. */
  int only;
  /**
   * How many threads run a picture, the caller's among them, up to 16; 0 is 1, DYNEDGE_EACH_CORE one for each core, at most 4. They are
   * started by dynedge_load, sleep between runs and end with dynedge_free; results are the same to the bit. Where they cannot be had
   * (none in this build, none left in the system) there are fewer: dynedge_describe says how many.
   */
  uint32_t threads;
  /** Memory at least for an arena and a program of so many bytes: for dynedge_select_program. */
  size_t arena_bytes, program_bytes;
  /** Scratch memory for pictures; 0 is 256 KiB, enough for photographs of 8000 x 6000 in one pass. Less makes large ones slower. */
  size_t staging_bytes;
  /** Where not NULL, the 32 bytes of the SHA-256 that the bundle's data section must have: against a bundle that was exchanged. */
  const uint8_t *sha256;
  /** Instead of malloc and free. */
  void *(*allocate)(size_t bytes, void *context);
  void (*release)(void *memory, void *context);
  void *context;
} dynedge_options;

/** What a bundle says of its network. */
typedef struct {
  const char *name, *precision;
  /** Input size that it was trained for. */
  uint32_t height, width;
  uint32_t programs, outputs, labels;
  /** That run a picture. */
  uint32_t threads;
  /** What makes its kernels fast on this processor, as "NEON, sdot" or "FMA". */
  const char *instructions;
  /** Bytes: of the weights, of the arena reserved, of all memory that the network takes. */
  size_t weight_bytes, arena_bytes, memory_bytes;
} dynedge_about;

/** A picture in the arena: pixel (0, 0), strides in bytes, size. Of an input only the first three count. */
typedef struct {
  uint32_t at, row, pixel, height, width;
} dynedge_place;

/** What a planner says of a program that is not in the bundle; `outputs` in the order of the bundle's. */
typedef struct {
  const void *program;
  size_t program_bytes;
  uint32_t height, width, arena_bytes;
  dynedge_place input;
  const dynedge_place *outputs;
} dynedge_plan;

typedef struct {
  const char *name;
  uint32_t height, width, channels;
} dynedge_output_shape;

typedef struct {
  uint32_t index;
  /** NULL where the bundle names no classes. */
  const char *label;
  float probability;
} dynedge_class;

/** How the samples of a frame lie in its planes; FrameFormat of the JavaScript API, and what dynedge_set_pixels takes. */
typedef enum {
  /** One plane of 1, 3 or 4 bytes a pixel; the fourth is ignored. */
  DYNEDGE_GRAY,
  DYNEDGE_RGB,
  DYNEDGE_RGBA,
  DYNEDGE_BGRA,
  /** Planes of Y, of U and of V (YV12: of V and of U), a U and a V for each square of 2 x 2 pixels. */
  DYNEDGE_I420,
  DYNEDGE_YV12,
  /** A plane of Y, one of U and V in turns (NV21: V and U). */
  DYNEDGE_NV12,
  DYNEDGE_NV21,
  /** One plane, 4 bytes for two pixels of a row: Y U Y V, U Y V Y. */
  DYNEDGE_YUYV,
  DYNEDGE_UYVY
} dynedge_format;

/** Which colours Y, U and V mean. */
typedef enum { DYNEDGE_BT601, DYNEDGE_BT709, DYNEDGE_BT2020 } dynedge_matrix;
/** Full: Y from 0 to 255. Limited: Y from 16 to 235, U and V from 16 to 240. */
typedef enum { DYNEDGE_FULL_RANGE, DYNEDGE_LIMITED_RANGE } dynedge_range;

/** Rows from the top. */
typedef struct {
  const uint8_t *data;
  /** From one row to the next; 0: without gaps. */
  size_t row_bytes;
  /** From one sample of Y, U or V, or pair of U and V, to the next; 0: without gaps. Of formats of one plane 0. */
  uint32_t pixel_bytes;
} dynedge_plane;

/** A frame of a camera; all zero but format, sizes and planes are the defaults. Odd sizes have one column and row of U and V more than half. */
typedef struct {
  dynedge_format format;
  /** As stored, in pixels. */
  uint32_t width, height;
  /** As many as the format has. */
  dynedge_plane planes[3];
  /** As EXIF has it, 1 to 8: 3 turned by 180 degrees to be upright, 6 by 90 clockwise, 8 by 90 counterclockwise, the others mirrored; 0 is 1. */
  uint32_t orientation;
  dynedge_matrix matrix;
  dynedge_range range;
} dynedge_frame;

/** "bad-bundle" and so on: the codes of dynedge's JavaScript errors. */
DYNEDGE_API const char *dynedge_status_name(dynedge_status status);

/**
 * Checks a bundle, takes memory, copies the weights there, checks every byte that is used against its CRC32C, selects a program and has it
 * verified. `bundle`, 4-aligned or not, must stay as it is until dynedge_free: a mapped file, or flash. `options` and `error` may be NULL.
 */
DYNEDGE_API dynedge_status dynedge_load(const void *bundle, size_t bytes, const dynedge_options *options,
                                        dynedge_network **network, dynedge_error *error);
DYNEDGE_API void dynedge_free(dynedge_network *network);

/** Of the last call that failed; "" before. */
DYNEDGE_API const char *dynedge_message(const dynedge_network *network);
DYNEDGE_API dynedge_about dynedge_describe(const dynedge_network *network);
/** Input size of program number `index`; 0 where there is none. */
DYNEDGE_API int dynedge_program_size(const dynedge_network *network, uint32_t index, uint32_t *height, uint32_t *width);
/** NULL where the bundle has no such label. */
DYNEDGE_API const char *dynedge_label(const dynedge_network *network, uint32_t index);

/** Selects the bundle's program for this input size. */
DYNEDGE_API dynedge_status dynedge_select(dynedge_network *network, uint32_t height, uint32_t width);
/** Selects a program that was planned for this bundle elsewhere; its bytes are copied. */
DYNEDGE_API dynedge_status dynedge_select_program(dynedge_network *network, const dynedge_plan *plan);

/**
 * Resizes, crops and normalises a picture into the input, as the bundle says and as dynedge does everywhere, to the bit. `pixels`: rows from
 * the top, `channels` bytes a pixel: 1 gray, 3 RGB, 4 RGBA (alpha is ignored). `row_bytes` from one row to the next; 0: width x channels.
 */
DYNEDGE_API dynedge_status dynedge_set_pixels(dynedge_network *network, const uint8_t *pixels, uint32_t width,
                                              uint32_t height, uint32_t channels, size_t row_bytes);
/** The same of a camera's frame, turned as it says. Nothing is copied but what the network sees, some rows at a time. */
DYNEDGE_API dynedge_status dynedge_set_frame(dynedge_network *network, const dynedge_frame *frame);
/** height x width x 3 values, (byte / 255 - mean) / std, row by row; `count` is their number. */
DYNEDGE_API dynedge_status dynedge_set_tensor(dynedge_network *network, const float *values, size_t count);

/** Runs the network on the picture that was set. A run uses the picture up: set one before each. */
DYNEDGE_API dynedge_status dynedge_run(dynedge_network *network);
/** The same step by step; `each` is called after every one, and ends the run (DYNEDGE_ABORTED) by not returning 0. */
DYNEDGE_API dynedge_status dynedge_run_with(dynedge_network *network,
                                            int (*each)(void *context, uint32_t done, uint32_t steps), void *context);
/** Steps from .. to - 1, for progress of one's own and for timing each; outputs are whole once the last step ran. */
DYNEDGE_API dynedge_status dynedge_run_steps(dynedge_network *network, uint32_t from, uint32_t to);
DYNEDGE_API uint32_t dynedge_steps(const dynedge_network *network);
/** NULL for a step that there is not, or of a program that is not the bundle's. */
DYNEDGE_API const char *dynedge_step_name(const dynedge_network *network, uint32_t step);

/** Of output number `index`; 0 where there is none. */
DYNEDGE_API int dynedge_output(const dynedge_network *network, uint32_t index, dynedge_output_shape *shape);
/** Copies the output of this name, height x width x channels values; `count`, their number, must be right. */
DYNEDGE_API dynedge_status dynedge_read(dynedge_network *network, const char *name, float *values, size_t count);
/** The `count` likeliest classes of the output "probabilities", best first; equal ones in the order of their index. */
DYNEDGE_API dynedge_status dynedge_top(dynedge_network *network, dynedge_class *classes, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif
