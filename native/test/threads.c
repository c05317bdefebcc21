// Several networks at a time, one in each thread: threads BUNDLE THREADS RUNS STACK, kilobytes of each, 0 for what is usual. Every run of every thread gives the same outputs, traps in one
// thread disturb no other.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/internal.h"
#include "../src/program.h"
#include "file.h"

static u8 *bundle;
static size_t bytes;
static unsigned runs;
static float expected[4096];
static size_t count;

static float *picture_of(const dynedge_network *network) {
  const size_t values = (size_t)network->height * network->width * 3;
  float *picture = malloc(values * sizeof *picture);
  for (size_t i = 0; i < values; ++i) picture[i] = (float)(i * 7 % 61) / 30 - 1;
  return picture;
}

static int outputs_of(dynedge_network *network, const float *picture, float *outputs) {
  static const u8 pixels[20 * 30 * 3];
  if (dynedge_set_pixels(network, pixels, 20, 30, 3, 0)) return 0;
  if (dynedge_set_tensor(network, picture, (size_t)network->height * network->width * 3) || dynedge_run(network)) return 0;
  return !dynedge_read(network, "logits", outputs, count);
}

static void *work(void *number) {
  dynedge_network *network;
  if (dynedge_load(bundle, bytes, NULL, &network, NULL)) return number;
  float *const found = malloc(count * sizeof *found);
  float *const picture = picture_of(network);
  void *wrong = NULL;
  for (unsigned i = 0; i < runs && !wrong; ++i) {
    // Every third run of every other thread traps first.
    if (i % 3 == 2 && *(int *)number % 2) {
      u32 tensors;
      u8 *const program = network->instance.module.w2c_memory.data + network->program;
      memcpy(&tensors, program + HEADER_TENSORS * 4, 4);
      memset(program + (HEADER_WORDS + tensors * TENSOR_RECORD_WORDS + STEP_OUT_AT) * 4, 0xee, 4);
      if (outputs_of(network, picture, found) || dynedge_select(network, network->height, network->width)) wrong = number;
    }
    if (!outputs_of(network, picture, found) || memcmp(found, expected, count * sizeof *found)) wrong = number;
  }
  free(found);
  free(picture);
  dynedge_free(network);
  return wrong;
}

int main(int words, char **word) {
  if (words != 5) return 3;
  bundle = file_of(word[1], &bytes);
  const int threads = atoi(word[2]);
  runs = (unsigned)atoi(word[3]);
  dynedge_network *network;
  dynedge_output_shape shape;
  if (dynedge_load(bundle, bytes, NULL, &network, NULL) || !dynedge_output(network, 0, &shape)) return 1;
  count = shape.channels;
  float *const picture = picture_of(network);
  if (count > 4096 || !outputs_of(network, picture, expected)) return 1;
  pthread_t started[16];
  int numbers[16], wrong = 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (atoi(word[4]) && pthread_attr_setstacksize(&attributes, (size_t)atoi(word[4]) * 1024)) return 1;
  for (int i = 0; i < threads; ++i) {
    numbers[i] = i;
    if (pthread_create(started + i, &attributes, work, numbers + i)) return 1;
  }
  for (int i = 0; i < threads; ++i) {
    void *result;
    pthread_join(started[i], &result);
    if (result) wrong = 1;
  }
  printf("%d threads, %u runs each: %s\n", threads, runs, wrong ? "different" : "equal");
  free(picture);
  dynedge_free(network);
  free(bundle);
  return wrong;
}
