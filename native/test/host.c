// Drives the C API from its command line, for the tests: host BUNDLE [load WORDS] COMMAND ... A call that fails prints `error CODE: message`.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../src/exports.h"
#include "../src/internal.h"
#include "../src/program.h"
#include "file.h"

static void to_file(const char *path, const void *data, size_t bytes) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data, 1, bytes, file) != bytes || fclose(file)) exit(3);
}

static int said(dynedge_network *network, dynedge_status status) {
  if (status) printf("error %s: %s\n", dynedge_status_name(status), dynedge_message(network));
  return status == DYNEDGE_OK;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int each(void *context, uint32_t done, uint32_t steps) {
  const uint32_t last = *(uint32_t *)context;
  if (done == steps) printf("all %u steps\n", steps);
  return done == last;
}

/** Every output by its name: a line each, values into one file. */
static void read_all(dynedge_network *network, const char *path) {
  dynedge_output_shape shape;
  float *values = NULL;
  size_t total = 0;
  for (uint32_t i = 0; dynedge_output(network, i, &shape); ++i) {
    const size_t count = (size_t)shape.height * shape.width * shape.channels;
    values = realloc(values, (total + count) * sizeof *values);
    if (!said(network, dynedge_read(network, shape.name, values + total, count))) break;
    printf("output %s %ux%ux%u\n", shape.name, shape.height, shape.width, shape.channels);
    total += count;
  }
  to_file(path, values, total * sizeof *values);
  free(values);
}

/** As a program that got past the verifier and should not have: the offset of the first step's output. */
static void corrupt(dynedge_network *network) {
  u8 *const memory = network->instance.module.w2c_memory.data;
  u32 tensors;
  memcpy(&tensors, memory + network->program + HEADER_TENSORS * 4, 4);
  dynedge_team_rest(network->instance.team);
  memset(memory + network->program + (HEADER_WORDS + tensors * TENSOR_RECORD_WORDS + STEP_OUT_AT) * 4, 0xee, 4);
}

int main(int count, char **words) {
  size_t bytes = 0, tensor_bytes = 0;
  if (count < 2) return 3;
  void *const bundle = file_of(words[1], &bytes);
  int at = 2;
  dynedge_options options = {0};
  u8 digest[32] = {0};
  for (; at + 1 < count && words[at][0] == '-'; at += 2) {
    const unsigned long value = strtoul(words[at + 1], NULL, 10);
    if (!strcmp(words[at], "-sha256")) {
      for (int i = 0; i < 32; ++i) sscanf(words[at + 1] + 2 * i, "%2hhx", digest + i);
      options.sha256 = digest;
    }
    if (!strcmp(words[at], "-height")) options.height = (uint32_t)value;
    if (!strcmp(words[at], "-width")) options.width = (uint32_t)value;
    if (!strcmp(words[at], "-threads")) options.threads = words[at + 1][0] == 'a' ? DYNEDGE_EACH_CORE : (uint32_t)value;
    if (!strcmp(words[at], "-only")) options.only = (int)value;
    if (!strcmp(words[at], "-staging")) options.staging_bytes = value;
    if (!strcmp(words[at], "-arena")) options.arena_bytes = value;
    if (!strcmp(words[at], "-program")) options.program_bytes = value;
  }
  dynedge_network *network = NULL;
  dynedge_error error = {""};
  const dynedge_status status = dynedge_load(bundle, bytes, &options, &network, &error);
  if (status) {
    printf("error %s: %s\n", dynedge_status_name(status), error.text);
    free(bundle);
    return 0;
  }
  for (; at < count; ++at) {
    const char *const word = words[at];
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!strcmp(word, "select")) {
      sscanf(words[++at], "%ux%u", &a, &b);
      said(network, dynedge_select(network, a, b));
    } else if (!strcmp(word, "plan")) {
      // A program from a file, for the places of the selected one.
      size_t program_bytes;
      void *const program = file_of(words[++at], &program_bytes);
      dynedge_place outputs[MOST_OUTPUTS];
      memcpy(outputs, network->outputs, sizeof outputs);
      const dynedge_plan plan = {program, program_bytes, network->height, network->width, network->arena_room, network->input, outputs};
      said(network, dynedge_select_program(network, &plan));
      free(program);
    } else if (!strcmp(word, "tensor")) {
      float *const values = file_of(words[++at], &tensor_bytes);
      said(network, dynedge_set_tensor(network, values, tensor_bytes / sizeof *values));
      free(values);
    } else if (!strcmp(word, "pixels")) {
      sscanf(words[++at], "%ux%ux%u+%u", &a, &b, &c, &d);
      u8 *const pixels = file_of(words[++at], &tensor_bytes);
      said(network, dynedge_set_pixels(network, pixels, a, b, c, d));
      free(pixels);
    } else if (!strcmp(word, "frame")) {
      // frame FORMAT,WIDTH,HEIGHT,ORIENTATION,MATRIX,RANGE PLANES (ROW_BYTES,PIXEL_BYTES FILE) ...
      unsigned numbers[6] = {0};
      sscanf(words[++at], "%u,%u,%u,%u,%u,%u", numbers, numbers + 1, numbers + 2, numbers + 3, numbers + 4, numbers + 5);
      dynedge_frame frame = {.format = (dynedge_format)numbers[0],
                             .width = numbers[1],
                             .height = numbers[2],
                             .orientation = numbers[3],
                             .matrix = (dynedge_matrix)numbers[4],
                             .range = (dynedge_range)numbers[5]};
      const unsigned planes = (unsigned)strtoul(words[++at], NULL, 10);
      void *data[3] = {NULL};
      for (unsigned i = 0; i < planes && i < 3; ++i) {
        sscanf(words[++at], "%u,%u", &a, &b);
        data[i] = file_of(words[++at], &tensor_bytes);
        frame.planes[i] = (dynedge_plane){data[i], a, b};
      }
      said(network, dynedge_set_frame(network, &frame));
      for (unsigned i = 0; i < 3; ++i) free(data[i]);
    } else if (!strcmp(word, "input")) {
      // Rows of the input tensor, from its pixel (0, 0), as they lie.
      const size_t row = (size_t)network->input.pixel * network->width;
      u8 *const copy = malloc(row * network->height);
      for (u32 y = 0; y < network->height; ++y)
        memcpy(copy + y * row, network->instance.module.w2c_memory.data + network->arena + network->input.at + (size_t)y * network->input.row, row);
      to_file(words[++at], copy, row * network->height);
      free(copy);
    } else if (!strcmp(word, "run")) {
      said(network, dynedge_run(network));
    } else if (!strcmp(word, "run-with")) {
      a = (unsigned)strtoul(words[++at], NULL, 10);
      said(network, dynedge_run_with(network, each, &a));
    } else if (!strcmp(word, "steps")) {
      for (u32 step = 0; step < dynedge_steps(network); ++step)
        if (!said(network, dynedge_run_steps(network, step, step + 1))) break;
    } else if (!strcmp(word, "range")) {
      sscanf(words[++at], "%u-%u", &a, &b);
      said(network, dynedge_run_steps(network, a, b));
    } else if (!strcmp(word, "read")) {
      read_all(network, words[++at]);
    } else if (!strcmp(word, "output")) {
      float value;
      said(network, dynedge_read(network, words[++at], &value, 1));
    } else if (!strcmp(word, "top")) {
      dynedge_class classes[16];
      a = (unsigned)strtoul(words[++at], NULL, 10);
      if (a > 16) exit(3);
      if (said(network, dynedge_top(network, classes, a)))
        for (u32 i = 0; i < a; ++i) printf("class %u %s %.9g\n", classes[i].index, classes[i].label ? classes[i].label : "-", (double)classes[i].probability);
    } else if (!strcmp(word, "about")) {
      const dynedge_about about = dynedge_describe(network);
      printf("about %s %s %ux%u programs %u outputs %u labels %u weights %zu arena %zu memory %zu threads %u instructions %s\n", about.name, about.precision, about.height, about.width,
             about.programs, about.outputs, about.labels, about.weight_bytes, about.arena_bytes, about.memory_bytes, about.threads, about.instructions);
      for (u32 i = 0; dynedge_program_size(network, i, &a, &b); ++i) printf("size %ux%u\n", a, b);
    } else if (!strcmp(word, "names")) {
      for (u32 step = 0; step < dynedge_steps(network); ++step) printf("step %s\n", dynedge_step_name(network, step));
    } else if (!strcmp(word, "exports")) {
      const dynedge_export *found;
      for (u32 i = 0; (found = dynedge_export_at(i)); ++i) printf("export %s %d %d %d\n", found->name, found->arguments, found->real, found->gives);
    } else if (!strcmp(word, "call")) {
      // call NAME NUMBER ...: by name, as a host with a planner of its own does.
      const dynedge_export *found = NULL;
      u32 index = 0, result;
      double numbers[DYNEDGE_MOST_ARGUMENTS];
      for (++at; (found = dynedge_export_at(index)) && strcmp(found->name, words[at]);) ++index;
      if (!found) exit(3);
      for (int i = 0; i < found->arguments; ++i) numbers[i] = strtod(words[++at], NULL);
      const dynedge_trap trap = dynedge_call(&network->instance, index, numbers, &result);
      printf("call %s: %s %u\n", found->name, dynedge_trap_name(trap), trap ? 0 : result);
    } else if (!strcmp(word, "corrupt")) {
      corrupt(network);
    } else if (!strcmp(word, "time")) {
      // time REPETITIONS FILE: milliseconds from a tensor to all outputs, of the fastest run.
      a = (unsigned)strtoul(words[++at], NULL, 10);
      float *const values = file_of(words[++at], &tensor_bytes);
      float *const results = malloc(1 << 20);
      dynedge_output_shape shape;
      double best = 1e9;
      for (unsigned i = 0; i < a; ++i) {
        const double start = now();
        said(network, dynedge_set_tensor(network, values, tensor_bytes / sizeof *values));
        said(network, dynedge_run(network));
        for (u32 output = 0; dynedge_output(network, output, &shape); ++output)
          said(network, dynedge_read(network, shape.name, results, (size_t)shape.height * shape.width * shape.channels));
        if (now() - start < best) best = now() - start;
      }
      free(results);
      printf("ms %.4f\n", best);
      free(values);
    } else {
      fprintf(stderr, "no command %s\n", word);
      return 3;
    }
  }
  dynedge_free(network);
  free(bundle);
  return 0;
}
