// One network with several threads, beside the same with one: team BUNDLE THREADS COMMAND ... Every command prints a line.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/internal.h"
#include "../src/program.h"
#include "file.h"

enum { MOST_SIZES = 4, MOST_VALUES = 4096, POINTWISE_F32 = 1, POINTWISE_I8 = 15 };

static u8 *bundle;
static size_t bytes;
static u32 threads, sizes, heights[MOST_SIZES], widths[MOST_SIZES];
static float *pictures[MOST_SIZES], expected[MOST_SIZES][MOST_VALUES];
static size_t values;

/** Threads that may still be started: the system has no more. */
static int left = 1 << 30;
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  return left-- > 0 ? __real_pthread_create(thread, attributes, start, argument) : 11;
}

static void stop(const char *what, const char *why) {
  printf("%s: %s\n", what, why);
  exit(1);
}

static dynedge_network *loaded(u32 wanted) {
  const dynedge_options options = {.threads = wanted};
  dynedge_network *network;
  dynedge_error error;
  if (dynedge_load(bundle, bytes, &options, &network, &error)) stop("load", error.text);
  return network;
}

static void set(dynedge_network *network, u32 size) {
  if (network->height != heights[size] || network->width != widths[size] || !network->steps)
    if (dynedge_select(network, heights[size], widths[size])) stop("select", dynedge_message(network));
  if (dynedge_set_tensor(network, pictures[size], (size_t)heights[size] * widths[size] * 3)) stop("tensor", dynedge_message(network));
}

static void outputs(dynedge_network *network, float *found) {
  dynedge_output_shape shape;
  size_t at = 0;
  for (u32 i = 0; dynedge_output(network, i, &shape); ++i) {
    const size_t count = (size_t)shape.height * shape.width * shape.channels;
    if (at + count > MOST_VALUES || dynedge_read(network, shape.name, found + at, count)) stop("read", dynedge_message(network));
    at += count;
  }
  values = at;
}

static void compare(dynedge_network *network, u32 size, const char *what) {
  float found[MOST_VALUES];
  outputs(network, found);
  if (memcmp(found, expected[size], values * sizeof *found)) stop(what, "other outputs than one thread's");
}

static int third(void *context, uint32_t done, uint32_t steps) {
  (void)context, (void)steps;
  return done == 3;
}

/** Whole, step by step, in two ranges, and ended after three steps. */
static void equal(dynedge_network *network, u32 runs) {
  for (u32 run = 0; run < runs; ++run) {
    const u32 size = run % sizes;
    set(network, size);
    dynedge_status status = DYNEDGE_OK;
    if (run % 5 == 1) {
      status = dynedge_run_with(network, NULL, NULL);
    } else if (run % 5 == 2) {
      status = dynedge_run_steps(network, 0, network->steps / 2);
      if (!status) status = dynedge_run_steps(network, network->steps / 2, network->steps);
    } else {
      if (run % 5 == 3) {
        if (dynedge_run_with(network, third, NULL) != DYNEDGE_ABORTED) stop("run-with", "not ended");
        set(network, size);
      }
      status = dynedge_run(network);
    }
    if (status) stop("run", dynedge_message(network));
    compare(network, size, "equal");
  }
}

/** Moves the output of a step, as a program that got past the verifier and should not have; the last pointwise one before `from`. */
static void corrupt(dynedge_network *network, u32 from) {
  u8 *const program = network->instance.module.w2c_memory.data + network->program;
  u32 tensors, op = 0;
  memcpy(&tensors, program + HEADER_TENSORS * 4, 4);
  u8 *step = NULL;
  for (u32 i = from + 1; i-- && op != POINTWISE_F32 && op != POINTWISE_I8;) {
    step = program + (HEADER_WORDS + tensors * TENSOR_RECORD_WORDS + i * STEP_WORDS) * 4;
    memcpy(&op, step, 4);
  }
  // No thread reads it: all have seen the last run end, or will see that it did.
  dynedge_team_rest(network->instance.team);
  memset(step + STEP_OUT_AT * 4, 0xee, 4);
}

static void trap(dynedge_network *network, u32 runs) {
  for (u32 run = 0; run < runs; ++run) {
    const u32 size = run % sizes;
    set(network, size);
    corrupt(network, (network->steps - 1) * (run % 4) / 3);
    if (dynedge_run(network) != DYNEDGE_TRAP) stop("trap", "the run did not trap");
    if (dynedge_run(network) != DYNEDGE_BAD_INPUT) stop("trap", "a program was still selected");
    equal(network, sizes);
  }
}

static atomic_int idle;
static void *spin(void *nothing) {
  while (!idle) {}
  return nothing;
}

static void busy(dynedge_network *network, u32 runs) {
  pthread_t others[6];
  for (int i = 0; i < 6; ++i)
    if (pthread_create(others + i, NULL, spin, NULL)) stop("busy", "no thread");
  equal(network, runs);
  idle = 1;
  for (int i = 0; i < 6; ++i) pthread_join(others[i], NULL);
  idle = 0;
}

int main(int count, char **words) {
  if (count <= 3) return 3;
  bundle = file_of(words[1], &bytes);
  threads = (u32)atoi(words[2]);
  dynedge_network *const one = loaded(1);
  for (; sizes < MOST_SIZES && dynedge_program_size(one, sizes, heights + sizes, widths + sizes); ++sizes) {
    const size_t pixels = (size_t)heights[sizes] * widths[sizes] * 3;
    float *const picture = pictures[sizes] = malloc(pixels * sizeof *picture);
    for (size_t i = 0; i < pixels; ++i) picture[i] = (float)((i * 7 + sizes) % 61) / 30 - 1;
    set(one, sizes);
    if (dynedge_run(one)) stop("run", dynedge_message(one));
    outputs(one, expected[sizes]);
  }
  dynedge_free(one);
  for (int at = 3; at + 1 < count; at += 2) {
    const u32 number = (u32)atoi(words[at + 1]);
    const char *const word = words[at];
    if (!strcmp(word, "networks")) {
      for (u32 i = 0; i < number; ++i) {
        dynedge_network *const network = loaded(threads);
        // Some are freed before their threads had anything to do.
        if (i % 3) equal(network, 1);
        dynedge_free(network);
      }
    } else {
      if (!strcmp(word, "given")) left = (int)number;
      dynedge_network *const network = loaded(threads);
      left = 1 << 30;
      if (!strcmp(word, "given")) printf("threads %u: ", dynedge_describe(network).threads);
      else if (dynedge_describe(network).threads != threads) stop(word, "fewer threads");
      if (!strcmp(word, "equal") || !strcmp(word, "given")) equal(network, number + sizes);
      else if (!strcmp(word, "trap")) trap(network, number);
      else if (!strcmp(word, "busy")) busy(network, number);
      else return 3;
      dynedge_free(network);
    }
    printf("%s %u: equal\n", word, number);
  }
  for (u32 i = 0; i < sizes; ++i) free(pictures[i]);
  free(bundle);
  return 0;
}
