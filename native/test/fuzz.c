// Wrong programs and wrong records, by the thousand: fuzz BUNDLE SEED COUNT. Each is refused, or runs inside its memory: no trap, and nothing
// but the arena and the module's own bytes is written. Built with AddressSanitizer, which sees what the checks would miss.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/internal.h"
#include "../src/program.h"
#include "file.h"

static u32 state;
static u32 dice(u32 sides) {
  state += 0x9e3779b9u;
  u32 x = state;
  x = (x ^ x >> 16) * 0x85ebca6bu;
  x = (x ^ x >> 13) * 0xc2b2ae35u;
  return (x ^ x >> 16) % sides;
}

static u32 mutated(u32 value) {
  const u32 choices[] = {0,          value + 1,   value - 1,  value + 4, value - 4,    value * 2,       value >> 1,
                         value + 16, 0x01000000u, 0x80000000u, UINT32_MAX, dice(64), dice(1 << 20), dice(UINT32_MAX)};
  return choices[dice(sizeof choices / sizeof *choices)];
}

static u32 crc32c(const u8 *bytes, size_t count, u32 before) {
  u32 sum = ~before;
  while (count--) {
    sum ^= *bytes++;
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (0x82f63b78u & (0u - (sum & 1)));
  }
  return ~sum;
}

static void digits(u8 *target, u32 value) {
  for (int i = 7; i >= 0; --i, value >>= 4) target[i] = (u8) "0123456789abcdef"[value & 15];
}

typedef struct {
  dynedge_network *network;
  u32 bytes, status, from, to;
} call;
static void verify(dynedge_instance *instance, void *context) {
  call *const c = context;
  c->status = w2c_dynedge_verify(&instance->module, c->network->program, c->bytes);
}
static void run(dynedge_instance *instance, void *context) {
  call *const c = context;
  c->status = w2c_dynedge_run(&instance->module, c->from, c->to, 0, 1);
}

/** Mutates one or two words of the selected program at a time. */
static int programs(dynedge_network *network, u32 rounds) {
  u8 *const memory = network->instance.module.w2c_memory.data;
  const u32 guarded = network->arena - network->program;
  u32 accepted = 0, refused = 0, tensors, bytes;
  memcpy(&bytes, memory + network->program + HEADER_BYTES * 4, 4);
  memcpy(&tensors, memory + network->program + HEADER_TENSORS * 4, 4);
  u8 *const kept = malloc(bytes), *const before = malloc(guarded);
  memcpy(kept, memory + network->program, bytes);
  const u32 first = HEADER_WORDS + tensors * TENSOR_RECORD_WORDS;
  for (u32 round = 0; round < rounds; ++round) {
    u32 at = 0;
    for (u32 i = 0; i <= dice(2); ++i) {
      at = dice(bytes / 4);
      u32 value;
      memcpy(&value, memory + network->program + at * 4, 4);
      value = mutated(value);
      memcpy(memory + network->program + at * 4, &value, 4);
    }
    call c = {network, bytes, 0, 0, network->steps};
    const dynedge_trap trap = dynedge_guard(&network->instance, verify, &c);
    if (trap) return printf("round %u: the verifier trapped: %s\n", round, dynedge_trap_name(trap)), 1;
    if (c.status) {
      ++refused;
    } else {
      ++accepted;
      if (at >= first) {
        c.from = (at - first) / STEP_WORDS;
        c.to = c.from + 1;
      }
      memcpy(before, memory + network->program, guarded);
      const dynedge_trap fault = dynedge_guard(&network->instance, run, &c);
      // Another number of steps may fit another number of tensors: then there is no such step.
      if (fault || (c.status && c.status != 12)) return printf("round %u: verified, but: %s, status %u\n", round, dynedge_trap_name(fault), c.status), 1;
      if (memcmp(before, memory + network->program, guarded)) return printf("round %u: verified, but wrote outside the arena\n", round), 1;
    }
    memcpy(memory + network->program, kept, bytes);
  }
  printf("programs: %u accepted, %u refused\n", accepted, refused);
  free(kept);
  free(before);
  return accepted < rounds / 20 || refused < rounds / 20;
}

/** Mutates a bundle's record and header, with right checksums; what loads is run and read. */
static int records(const u8 *bundle, size_t bytes, u32 rounds) {
  u32 loaded = 0, refused = 0;
  u64 length;
  memcpy(&length, bundle, 8);
  const size_t head = (size_t)length + 8;
  u32 record_offset = 0, record_bytes = 0;
  sscanf((const char *)bundle + 8 + 35 + 8 + 18, "%8x%8x", &record_offset, &record_bytes);
  const size_t record = head + record_offset;
  for (u32 round = 0; round < rounds; ++round) {
    const size_t size = dice(8) ? bytes : dice((u32)bytes + 1);
    u8 *const copy = malloc(size ? size : 1);
    memcpy(copy, bundle, size);
    if (size == bytes) {
      for (u32 i = 0; i <= dice(3); ++i) {
        // The header of the record, mostly; else any word of it.
        const size_t at = record + (dice(3) ? dice(29 + 64) : dice(record_bytes / 4)) * 4;
        u32 value;
        if (at + 4 > bytes) continue;
        memcpy(&value, copy + at, 4);
        value = mutated(value);
        memcpy(copy + at, &value, 4);
      }
      digits(copy + 8 + 35 + 8 + 18 + 16, crc32c(copy + record, record_bytes, 0));
      if (!dice(10)) copy[8 + 35 + 8 + 18 + dice(16)] = (u8) "0123456789abcdefx"[dice(17)];
      if (!dice(10)) copy[dice(8)] ^= (u8)(1 << dice(8));
      u32 crc = crc32c(copy, 43, 0);
      crc = crc32c((const u8 *)"00000000", 8, crc);
      digits(copy + 43, crc32c(copy + 51, head - 51, crc));
    }
    dynedge_network *network = NULL;
    dynedge_error error;
    if (dynedge_load(copy, size, NULL, &network, &error)) {
      ++refused;
    } else {
      ++loaded;
      const dynedge_about about = dynedge_describe(network);
      size_t values = (size_t)network->height * network->width * 3, sum = strlen(about.name);
      float *const input = calloc(values, sizeof *input);
      u8 *const pixels = calloc(20 * 30, 3);
      dynedge_status status = dynedge_set_pixels(network, pixels, 20, 30, 3, 0);
      if (!status || status != DYNEDGE_TRAP) status = dynedge_set_tensor(network, input, values);
      if (!status) status = dynedge_run(network);
      if (status == DYNEDGE_TRAP) return printf("round %u: %s\n", round, dynedge_message(network)), 1;
      dynedge_output_shape shape;
      for (u32 i = 0; dynedge_output(network, i, &shape); ++i) {
        const u64 count = (u64)shape.height * shape.width * shape.channels;
        float *const output = count < 1 << 22 ? malloc(count * sizeof *output) : NULL;
        if (output) dynedge_read(network, shape.name, output, count);
        free(output);
      }
      dynedge_class classes[3];
      if (!dynedge_top(network, classes, 3))
        for (u32 i = 0; i < 3; ++i) sum += classes[i].label ? strlen(classes[i].label) : 0;
      for (u32 i = 0; i < dynedge_steps(network); ++i) sum += strlen(dynedge_step_name(network, i));
      if (sum == SIZE_MAX) puts("");
      free(input);
      free(pixels);
      dynedge_free(network);
    }
    free(copy);
  }
  printf("records: %u loaded, %u refused\n", loaded, refused);
  return loaded < rounds / 20 || refused < rounds / 20;
}

int main(int count, char **words) {
  if (count != 4) return 3;
  size_t bytes;
  u8 *const bundle = file_of(words[1], &bytes);
  state = (u32)strtoul(words[2], NULL, 10);
  const u32 rounds = (u32)strtoul(words[3], NULL, 10);
  dynedge_network *network = NULL;
  dynedge_error error;
  if (dynedge_load(bundle, bytes, NULL, &network, &error)) return printf("%s\n", error.text), 1;
  float *const input = calloc((size_t)network->height * network->width * 3, sizeof *input);
  dynedge_set_tensor(network, input, (size_t)network->height * network->width * 3);
  const int wrong = programs(network, rounds) || records(bundle, bytes, rounds / 4);
  free(input);
  dynedge_free(network);
  free(bundle);
  return wrong;
}
