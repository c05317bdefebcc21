#include <stdlib.h>

#include "internal.h"

enum { ADDRESS_ALIGNMENT = 64 };

static u64 aligned(u64 bytes) { return (bytes + ADDRESS_ALIGNMENT - 1) & ~(u64)(ADDRESS_ALIGNMENT - 1); }

static void *take(size_t bytes, void *context) {
  (void)context;
  return malloc(bytes);
}
static void give(void *memory, void *context) {
  (void)context;
  free(memory);
}

static u32 program_row(const bundle_view *bundle, u32 index) {
  return dynedge_word(bundle, 0, HOST_PROGRAMS_AT) + index * PROGRAM_WORDS * 4;
}

/** Number of the program for this size; UINT32_MAX where there is none. */
static u32 find_program(const bundle_view *bundle, u32 height, u32 width) {
  for (u32 i = 0; i < dynedge_word(bundle, 0, HOST_PROGRAMS); ++i)
    if (dynedge_word(bundle, program_row(bundle, i), PROGRAM_HEIGHT) == height && dynedge_word(bundle, program_row(bundle, i), PROGRAM_WIDTH) == width)
      return i;
  return UINT32_MAX;
}

typedef struct {
  u32 at, bytes, crc;
} checksum;

static void add_crc(dynedge_instance *instance, void *context) {
  checksum *const sum = context;
  sum->crc = w2c_dynedge_crc32c(&instance->module, sum->at, sum->bytes, sum->crc);
}

/** CRC32C of `bytes` bytes at `source`, by the module, through staging memory. */
static dynedge_trap crc_of(dynedge_network *network, const u8 *source, u64 bytes, u32 *crc) {
  for (u64 done = 0; done < bytes;) {
    const u64 left = bytes - done, piece = left < network->staging_bytes ? left : network->staging_bytes;
    memcpy(network->instance.module.w2c_memory.data + network->staging, source + done, piece);
    checksum sum = {network->staging, (u32)piece, *crc};
    const dynedge_trap trap = dynedge_guard(&network->instance, add_crc, &sum);
    if (trap) return trap;
    *crc = sum.crc;
    done += piece;
  }
  return WASM_RT_TRAP_NONE;
}

static dynedge_status trapped(dynedge_network *network, dynedge_trap trap, const char *where) {
  network->steps = 0;
  network->filled = 0;
  return dynedge_fail(&network->error, DYNEDGE_TRAP, "The module trapped in %s: %s; select a program again", where, dynedge_trap_name(trap));
}

static dynedge_status damaged(dynedge_network *network, const char *what, u32 found, u32 expected) {
  return dynedge_fail(&network->error, DYNEDGE_DAMAGED_BUNDLE, "%s is damaged: CRC32C %x, expected %x; fetch the bundle again", what, found, expected);
}

/** The header with its own eight digits taken as zeros, the record, and every tensor of weights where it now lies. */
static dynedge_status check_bundle(dynedge_network *network) {
  const bundle_view *const bundle = &network->bundle;
  enum { DIGITS = 8 + 35, AFTER = DIGITS + 8 };
  u32 crc = 0;
  dynedge_trap trap = crc_of(network, bundle->file, DIGITS, &crc);
  if (!trap) trap = crc_of(network, (const u8 *)"00000000", 8, &crc);
  if (!trap) trap = crc_of(network, bundle->file + AFTER, bundle->head_bytes - AFTER, &crc);
  if (trap) return trapped(network, trap, "a checksum");
  if (crc != bundle->header_crc32c) return damaged(network, "The bundle's header", crc, bundle->header_crc32c);
  crc = 0;
  trap = crc_of(network, bundle->record, bundle->record_bytes, &crc);
  if (trap) return trapped(network, trap, "a checksum");
  if (crc != bundle->record_crc32c) return damaged(network, "The bundle's record", crc, bundle->record_crc32c);
  u8 *const weights = network->instance.module.w2c_memory.data + network->weights;
  for (u32 i = 0; i < dynedge_word(bundle, 0, HOST_TENSORS); ++i) {
    const u32 row = dynedge_word(bundle, 0, HOST_TENSORS_AT) + i * TENSOR_WORDS * 4;
    const u32 offset = dynedge_word(bundle, row, TENSOR_OFFSET), bytes = dynedge_word(bundle, row, TENSOR_BYTES);
    checksum sum = {0, 0, 0};
    // While a piece is in the cache.
    for (u32 done = 0; done < bytes; done += sum.bytes) {
      sum.at = network->weights + offset + done;
      sum.bytes = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
      memcpy(weights + offset + done, bundle->data + offset + done, sum.bytes);
      trap = dynedge_guard(&network->instance, add_crc, &sum);
      if (trap) return trapped(network, trap, "a checksum");
    }
    const u32 expected = dynedge_word(bundle, row, TENSOR_CRC32C);
    if (sum.crc != expected) return damaged(network, dynedge_text(bundle, dynedge_word(bundle, row, TENSOR_NAME)), sum.crc, expected);
  }
  return DYNEDGE_OK;
}

/** Room for one program, or for the largest of all. */
static void rooms(const bundle_view *bundle, const dynedge_options *options, u32 first, u64 *arena, u64 *program) {
  *arena = options->arena_bytes;
  *program = options->program_bytes;
  for (u32 i = 0; i < dynedge_word(bundle, 0, HOST_PROGRAMS); ++i) {
    if (options->only && i != first) continue;
    const u32 row = program_row(bundle, i);
    if (dynedge_word(bundle, row, PROGRAM_ARENA_BYTES) > *arena) *arena = dynedge_word(bundle, row, PROGRAM_ARENA_BYTES);
    if (dynedge_word(bundle, row, PROGRAM_BYTES) > *program) *program = dynedge_word(bundle, row, PROGRAM_BYTES);
  }
}

static dynedge_status no_program(const bundle_view *bundle, u32 height, u32 width, dynedge_error *error) {
  const u32 row = program_row(bundle, 0);
  return dynedge_fail(error, DYNEDGE_NO_PROGRAM,
                      "The bundle has no program for %u x %u, expected one of its %u sizes (the first is %u x %u); add it: dynedge pack --plan %ux%u",
                      height, width, dynedge_word(bundle, 0, HOST_PROGRAMS), dynedge_word(bundle, row, PROGRAM_HEIGHT),
                      dynedge_word(bundle, row, PROGRAM_WIDTH), height, width);
}

static u32 first_word(const u8 *digest) { return (u32)digest[0] << 24 | (u32)digest[1] << 16 | (u32)digest[2] << 8 | digest[3]; }

dynedge_status dynedge_load(const void *file, size_t bytes, const dynedge_options *given, dynedge_network **result, dynedge_error *error) {
  dynedge_options options = {0};
  if (given) options = *given;
  if (!options.allocate) options.allocate = take;
  if (!options.release) options.release = give;
  if (!result) return dynedge_fail(error, DYNEDGE_BAD_INPUT, "dynedge_load has no place for the network, expected a pointer to one");
  *result = NULL;
  bundle_view bundle;
  const dynedge_status status = dynedge_open_bundle(&bundle, file, bytes, error);
  if (status) return status;

  if (options.sha256) {
    u8 digest[32];
    dynedge_sha256(bundle.data, bytes - bundle.head_bytes, digest);
    if (memcmp(digest, options.sha256, sizeof digest))
      return dynedge_fail(error, DYNEDGE_INTEGRITY, "This is another bundle: the SHA-256 of its data begins with %x, expected %x", first_word(digest),
                          first_word(options.sha256));
  }
  u32 threads = options.threads == DYNEDGE_EACH_CORE ? dynedge_cores() : options.threads ? options.threads : 1;
  if (threads > MAX_THREADS)
    return dynedge_fail(error, DYNEDGE_BAD_INPUT, "threads is %u, expected 1 to %u, 0 or DYNEDGE_EACH_CORE", threads, (u32)MAX_THREADS);
  const u64 team = aligned(dynedge_team_bytes(threads));
  if (!team) threads = 1;
  u32 first;
  if (options.height || options.width) {
    first = find_program(&bundle, options.height, options.width);
    if (first == UINT32_MAX) return no_program(&bundle, options.height, options.width, error);
  } else {
    first = find_program(&bundle, dynedge_word(&bundle, 0, HOST_HEIGHT), dynedge_word(&bundle, 0, HOST_WIDTH));
    if (first == UINT32_MAX) first = 0;
  }
  u64 arena, program;
  rooms(&bundle, &options, first, &arena, &program);
  const u64 staging = aligned(options.staging_bytes ? options.staging_bytes : 256 * 1024);
  if (staging < LEAST_STAGING)
    return dynedge_fail(error, DYNEDGE_BAD_INPUT, "staging_bytes is %z, expected 0 or at least %u", options.staging_bytes, (u32)LEAST_STAGING);
  const u64 program_at = dynedge_heap_base(threads);
  const u64 staging_at = program_at + aligned(program);
  const u64 weights_at = staging_at + staging;
  const u64 arena_at = weights_at + aligned(dynedge_word(&bundle, 0, HOST_WEIGHT_BYTES));
  // The module sees whole pages of 64 KiB, and looks for programs in them.
  const u64 pages_end = (staging_at + 65535) & ~(u64)65535;
  const u64 size = arena_at + aligned(arena) > pages_end ? arena_at + aligned(arena) : pages_end;
  const u64 total = aligned(sizeof(dynedge_network)) + ADDRESS_ALIGNMENT + team + size;
  dynedge_network *network = NULL;
  if (arena <= UINT32_MAX && program <= UINT32_MAX && size <= UINT32_MAX && total <= SIZE_MAX) network = options.allocate((size_t)total, options.context);
  if (!network) return dynedge_fail(error, DYNEDGE_OUT_OF_MEMORY, "No %z bytes of memory could be had; use a smaller input size or network", (size_t)total);

  u8 *const place = (u8 *)(uintptr_t)aligned((u64)(uintptr_t)(network + 1)), *const memory = place + team;
  memset(network, 0, sizeof *network);
  memset(place, 0, team + size);
  network->bundle = bundle;
  network->options = options;
  network->memory_bytes = (size_t)total;
  network->program = (u32)program_at;
  network->staging = (u32)staging_at;
  network->weights = (u32)weights_at;
  network->arena = (u32)arena_at;
  network->program_room = (u32)program;
  network->staging_bytes = (u32)staging;
  network->arena_room = (u32)arena;
  dynedge_status failed = DYNEDGE_OK;
  const dynedge_trap trap = dynedge_instantiate(&network->instance, memory, size);
  if (trap) failed = trapped(network, trap, "its start");
  if (!failed && *w2c_dynedge_PROGRAM_VERSION(&network->instance.module) != DYNEDGE_PROGRAM_VERSION)
    failed = dynedge_fail(&network->error, DYNEDGE_UNSUPPORTED_VERSION, "The kernels run programs of version %u, dynedge.h says %u; build both from one source",
                          *w2c_dynedge_PROGRAM_VERSION(&network->instance.module), (u32)DYNEDGE_PROGRAM_VERSION);
  if (!failed) failed = check_bundle(network);
  if (!failed) network->instance.team = dynedge_team_open(place, threads);
  if (!failed) failed = dynedge_select(network, dynedge_word(&bundle, program_row(&bundle, first), PROGRAM_HEIGHT),
                                       dynedge_word(&bundle, program_row(&bundle, first), PROGRAM_WIDTH));
  if (failed) {
    if (error) *error = network->error;
    dynedge_free(network);
    return failed;
  }
  *result = network;
  return DYNEDGE_OK;
}

void dynedge_free(dynedge_network *network) {
  if (!network) return;
  dynedge_team_close(network->instance.team);
  network->options.release(network, network->options.context);
}

typedef struct {
  dynedge_network *network;
  u32 a, b, status;
} call;

static void verify(dynedge_instance *instance, void *context) {
  call *const c = context;
  w2c_dynedge *const module = &instance->module;
  w2c_dynedge_place(module, c->network->weights, c->b, c->network->arena, c->network->arena_room);
  c->status = w2c_dynedge_verify(module, c->network->program, c->a);
}

/** Copies a program to its place and has it verified; everything about it has been checked but the program itself. */
static dynedge_status adopt(dynedge_network *network, const void *program, u32 bytes, u32 arena_bytes) {
  u8 *const memory = network->instance.module.w2c_memory.data;
  network->steps = 0;
  network->filled = 0;
  dynedge_team_rest(network->instance.team);
  memcpy(memory + network->program, program, bytes);
  network->instance.program = network->program;
  // Kernels that a program keeps from run to run begin as zeros.
  memset(memory + network->arena, 0, arena_bytes);
  call c = {network, bytes, dynedge_word(&network->bundle, 0, HOST_WEIGHT_BYTES), 0};
  const dynedge_trap trap = dynedge_guard(&network->instance, verify, &c);
  if (trap) return trapped(network, trap, "the verifier");
  if (c.status)
    return dynedge_fail(&network->error, DYNEDGE_BAD_PROGRAM, "The module refuses the program: status %u at step %u; pack the bundle again with this version",
                        c.status & 255, c.status >> 8);
  memcpy(&network->steps, (const u8 *)program + 4 * 4, 4);
  return DYNEDGE_OK;
}

static dynedge_status too_large(dynedge_network *network, size_t program, u32 arena) {
  return dynedge_fail(&network->error, DYNEDGE_OUT_OF_MEMORY,
                      "The program takes %z bytes and an arena of %u, reserved are %u and %u; load the network with larger program_bytes and arena_bytes, or without `only`",
                      program, arena, network->program_room, network->arena_room);
}

dynedge_status dynedge_select(dynedge_network *network, uint32_t height, uint32_t width) {
  const bundle_view *const bundle = &network->bundle;
  const u32 index = find_program(bundle, height, width);
  if (index == UINT32_MAX) return no_program(bundle, height, width, &network->error);
  const u32 row = program_row(bundle, index);
  const u32 bytes = dynedge_word(bundle, row, PROGRAM_BYTES), arena = dynedge_word(bundle, row, PROGRAM_ARENA_BYTES);
  if (bytes > network->program_room || arena > network->arena_room) return too_large(network, bytes, arena);
  const u8 *const program = bundle->data + dynedge_word(bundle, row, PROGRAM_OFFSET);
  u32 crc = 0;
  const dynedge_trap trap = crc_of(network, program, bytes, &crc);
  if (trap) return trapped(network, trap, "a checksum");
  if (crc != dynedge_word(bundle, row, PROGRAM_CRC32C)) return damaged(network, "The program", crc, dynedge_word(bundle, row, PROGRAM_CRC32C));
  const dynedge_status status = adopt(network, program, bytes, arena);
  if (status) return status;
  if (network->steps != dynedge_word(bundle, row, PROGRAM_STEPS)) {
    network->steps = 0;
    return dynedge_fail(&network->error, DYNEDGE_BAD_BUNDLE, "The bundle's record names another number of steps than its program has; pack it again");
  }
  network->height = height;
  network->width = width;
  network->step_names_at = dynedge_word(bundle, row, PROGRAM_STEP_NAMES_AT);
  network->input = (dynedge_place){dynedge_word(bundle, row, PROGRAM_INPUT_AT), dynedge_word(bundle, row, PROGRAM_INPUT_ROW),
                                   dynedge_word(bundle, row, PROGRAM_INPUT_PIXEL), height, width};
  memcpy(network->outputs, bundle->record + dynedge_word(bundle, row, PROGRAM_OUTPUTS_AT), dynedge_word(bundle, 0, HOST_OUTPUTS) * sizeof(dynedge_place));
  return DYNEDGE_OK;
}

static u32 output_row(const bundle_view *bundle, u32 index) { return dynedge_word(bundle, 0, HOST_OUTPUTS_AT) + index * OUTPUT_WORDS * 4; }

dynedge_status dynedge_select_program(dynedge_network *network, const dynedge_plan *plan) {
  const bundle_view *const bundle = &network->bundle;
  const u32 outputs = dynedge_word(bundle, 0, HOST_OUTPUTS);
  if (!plan || !plan->program || (!plan->outputs && outputs))
    return dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "The plan has no program or no outputs, expected both");
  if (plan->program_bytes > network->program_room || plan->arena_bytes > network->arena_room)
    return too_large(network, plan->program_bytes, plan->arena_bytes);
  dynedge_place input = plan->input;
  input.height = plan->height;
  input.width = plan->width;
  int fits = dynedge_fits(&input, 4, dynedge_word(bundle, 0, HOST_INPUT_BYTES), plan->arena_bytes);
  for (u32 i = 0; i < outputs; ++i)
    fits &= dynedge_fits(plan->outputs + i, dynedge_word(bundle, output_row(bundle, i), OUTPUT_LANES),
                         dynedge_word(bundle, output_row(bundle, i), OUTPUT_BYTES), plan->arena_bytes);
  if (!fits) return dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "The plan's input or an output lies outside its arena of %u bytes", plan->arena_bytes);
  const dynedge_status status = adopt(network, plan->program, (u32)plan->program_bytes, plan->arena_bytes);
  if (status) return status;
  network->height = plan->height;
  network->width = plan->width;
  network->step_names_at = 0;
  network->input = input;
  for (u32 i = 0; i < outputs; ++i) network->outputs[i] = plan->outputs[i];
  return DYNEDGE_OK;
}

static dynedge_status ready(dynedge_network *network) {
  if (network->steps) return DYNEDGE_OK;
  return dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "No program is selected, expected dynedge_select first");
}

dynedge_status dynedge_set_pixels(dynedge_network *network, const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, size_t row_bytes) {
  const dynedge_status status = ready(network);
  if (status) return status;
  if (channels != 1 && channels != 3 && channels != 4)
    return dynedge_fail(&network->error, DYNEDGE_BAD_IMAGE, "The picture has %u bytes a pixel, expected 1 (gray), 3 (RGB) or 4 (RGBA)", channels);
  const dynedge_frame frame = {
      .format = channels == 1 ? DYNEDGE_GRAY : channels == 3 ? DYNEDGE_RGB : DYNEDGE_RGBA,
      .width = width,
      .height = height,
      .planes = {{pixels, row_bytes, 0}},
  };
  return dynedge_set_frame(network, &frame);
}

dynedge_status dynedge_set_frame(dynedge_network *network, const dynedge_frame *frame) {
  const dynedge_status status = ready(network);
  if (status) return status;
  picture source;
  const dynedge_status refused = dynedge_check_frame(frame, &source, &network->error);
  if (refused) return refused;
  network->filled = 0;
  const dynedge_status failed = dynedge_preprocess(network, &source);
  if (failed == DYNEDGE_TRAP) network->steps = 0;
  if (failed) return failed;
  network->filled = 1;
  network->done = 0;
  return DYNEDGE_OK;
}

typedef struct {
  dynedge_network *network;
  const float *values;
} tensor_job;

static void write_tensor(dynedge_instance *instance, void *context) {
  const tensor_job *const job = context;
  dynedge_network *const network = job->network;
  const bundle_view *const bundle = &network->bundle;
  w2c_dynedge *const module = &instance->module;
  // The kernels read 4 bytes past the last value.
  const u32 most = (network->staging_bytes - 16) / 12;
  for (u32 y = 0; y < network->height; ++y)
    for (u32 x = 0; x < network->width; x += most) {
      const u32 count = network->width - x < most ? network->width - x : most;
      const u32 target = network->arena + network->input.at + y * network->input.row + x * network->input.pixel;
      memcpy(module->w2c_memory.data + network->staging, job->values + ((size_t)y * network->width + x) * 3, (size_t)count * 12);
      if (dynedge_word(bundle, 0, HOST_INPUT_BYTES) == 4)
        w2c_dynedge_f32_spread_rows(module, target, network->staging, 1, count, network->input.row, network->input.pixel);
      else
        w2c_dynedge_f32_quantise_row(module, target, network->staging, count, dynedge_float(bundle, HOST_INPUT_SCALE),
                                     dynedge_word(bundle, 0, HOST_INPUT_ZERO), dynedge_word(bundle, 0, HOST_INPUT_TOP), network->input.pixel);
    }
}

dynedge_status dynedge_set_tensor(dynedge_network *network, const float *values, size_t count) {
  const dynedge_status status = ready(network);
  if (status) return status;
  const u64 expected = (u64)network->height * network->width * 3;
  if (!values || count != expected)
    return dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "The tensor has %z values, expected height x width x 3 = %u x %u x 3 = %z", values ? count : 0,
                        network->height, network->width, (size_t)expected);
  network->filled = 0;
  tensor_job job = {network, values};
  const dynedge_trap trap = dynedge_guard(&network->instance, write_tensor, &job);
  if (trap) return trapped(network, trap, "the input");
  network->filled = 1;
  network->done = 0;
  return DYNEDGE_OK;
}

dynedge_status dynedge_run_steps(dynedge_network *network, uint32_t from, uint32_t to) {
  const dynedge_status status = ready(network);
  if (status) return status;
  if (!network->filled) return dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "There is no picture, expected dynedge_set_pixels or dynedge_set_tensor first");
  if (from > to || to > network->steps)
    return dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "Steps %u to %u are none, expected a range in 0 to %u", from, to, network->steps);
  u32 refused = 0;
  const dynedge_trap trap = dynedge_team_run(&network->instance, from, to, &refused);
  if (trap) return trapped(network, trap, "a step");
  if (refused) {
    network->steps = 0;
    return dynedge_fail(&network->error, DYNEDGE_BAD_PROGRAM, "The module does not run steps %u to %u: status %u; select a program again", from, to, refused & 255);
  }
  if (from <= network->done && to > network->done) network->done = to;
  return DYNEDGE_OK;
}

static dynedge_status fresh(dynedge_network *network) {
  const dynedge_status status = ready(network);
  if (status || !network->filled || !network->done) return status;
  return dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "The picture is used up by a run, expected dynedge_set_pixels or dynedge_set_tensor before the next");
}

dynedge_status dynedge_run(dynedge_network *network) {
  const dynedge_status status = fresh(network);
  return status ? status : dynedge_run_steps(network, 0, network->steps);
}

dynedge_status dynedge_run_with(dynedge_network *network, int (*each)(void *context, uint32_t done, uint32_t steps), void *context) {
  dynedge_status status = fresh(network);
  for (u32 step = 0; !status && step < network->steps; ++step) {
    status = dynedge_run_steps(network, step, step + 1);
    if (!status && each && each(context, step + 1, network->steps)) {
      network->filled = 0;
      return dynedge_fail(&network->error, DYNEDGE_ABORTED, "The run was ended by its caller after step %u of %u; set a picture to run again", step + 1,
                          network->steps);
    }
  }
  return status;
}
