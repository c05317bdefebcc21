// What a network tells: of itself, and what came out.
#include "internal.h"
#include "processor.h"

static u32 row_of(const bundle_view *bundle, u32 output) { return dynedge_word(bundle, 0, HOST_OUTPUTS_AT) + output * OUTPUT_WORDS * 4; }

const char *dynedge_message(const dynedge_network *network) { return network->error.text; }

dynedge_about dynedge_describe(const dynedge_network *network) {
  const bundle_view *const bundle = &network->bundle;
  return (dynedge_about){
      .name = dynedge_text(bundle, dynedge_word(bundle, 0, HOST_NAME)),
      .precision = dynedge_text(bundle, dynedge_word(bundle, 0, HOST_PRECISION)),
      .height = dynedge_word(bundle, 0, HOST_HEIGHT),
      .width = dynedge_word(bundle, 0, HOST_WIDTH),
      .programs = dynedge_word(bundle, 0, HOST_PROGRAMS),
      .outputs = dynedge_word(bundle, 0, HOST_OUTPUTS),
      .labels = dynedge_word(bundle, 0, HOST_LABELS),
      .threads = dynedge_team_threads(network->instance.team),
      .instructions = dynedge_instructions(),
      .weight_bytes = dynedge_word(bundle, 0, HOST_WEIGHT_BYTES),
      .arena_bytes = network->arena_room,
      .memory_bytes = network->memory_bytes,
  };
}

int dynedge_program_size(const dynedge_network *network, uint32_t index, uint32_t *height, uint32_t *width) {
  const bundle_view *const bundle = &network->bundle;
  if (index >= dynedge_word(bundle, 0, HOST_PROGRAMS)) return 0;
  const u32 row = dynedge_word(bundle, 0, HOST_PROGRAMS_AT) + index * PROGRAM_WORDS * 4;
  *height = dynedge_word(bundle, row, PROGRAM_HEIGHT);
  *width = dynedge_word(bundle, row, PROGRAM_WIDTH);
  return 1;
}

const char *dynedge_label(const dynedge_network *network, uint32_t index) {
  const bundle_view *const bundle = &network->bundle;
  if (index >= dynedge_word(bundle, 0, HOST_LABELS)) return NULL;
  return dynedge_text(bundle, dynedge_word(bundle, dynedge_word(bundle, 0, HOST_LABELS_AT), index));
}

uint32_t dynedge_steps(const dynedge_network *network) { return network->steps; }

const char *dynedge_step_name(const dynedge_network *network, uint32_t step) {
  if (step >= network->steps || !network->step_names_at) return NULL;
  return dynedge_text(&network->bundle, dynedge_word(&network->bundle, network->step_names_at, step));
}

int dynedge_output(const dynedge_network *network, uint32_t index, dynedge_output_shape *shape) {
  const bundle_view *const bundle = &network->bundle;
  if (index >= dynedge_word(bundle, 0, HOST_OUTPUTS) || !network->steps) return 0;
  const u32 row = row_of(bundle, index);
  *shape = (dynedge_output_shape){dynedge_text(bundle, dynedge_word(bundle, row, OUTPUT_NAME)), network->outputs[index].height,
                                  network->outputs[index].width, dynedge_word(bundle, row, OUTPUT_CHANNELS)};
  return 1;
}

/** Number of the output of this name, when the network has run; else `status` says why not. */
static u32 finished(dynedge_network *network, const char *name, dynedge_status *status) {
  const bundle_view *const bundle = &network->bundle;
  const u32 outputs = dynedge_word(bundle, 0, HOST_OUTPUTS);
  u32 index = 0;
  while (index < outputs && (!name || strcmp(name, dynedge_text(bundle, dynedge_word(bundle, row_of(bundle, index), OUTPUT_NAME))))) ++index;
  *status = DYNEDGE_OK;
  if (index == outputs)
    *status = dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "The network has no output called %s, expected one of its %u (the first is %s)",
                           name ? name : "NULL", outputs, outputs ? dynedge_text(bundle, dynedge_word(bundle, row_of(bundle, 0), OUTPUT_NAME)) : "none");
  else if (!network->steps || !network->filled || network->done != network->steps)
    *status = dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "The network has not run to its end (%u of %u steps), expected dynedge_run first",
                           network->filled ? network->done : 0, network->steps);
  return index;
}

static f32 value_at(const u8 *at, u32 bytes) {
  f32 value;
  s16 word;
  if (bytes == 1) return *at;
  if (bytes == 2) return memcpy(&word, at, 2), word;
  return memcpy(&value, at, 4), value;
}

dynedge_status dynedge_read(dynedge_network *network, const char *name, float *values, size_t count) {
  const bundle_view *const bundle = &network->bundle;
  dynedge_status status;
  const u32 index = finished(network, name, &status);
  if (status) return status;
  const u32 row = row_of(bundle, index), bytes = dynedge_word(bundle, row, OUTPUT_BYTES);
  const u32 channels = dynedge_word(bundle, row, OUTPUT_CHANNELS), lanes = dynedge_word(bundle, row, OUTPUT_LANES);
  const dynedge_place *const place = network->outputs + index;
  const u64 expected = (u64)place->height * place->width * channels;
  if (!values || count != expected)
    return dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "There is room for %z values, expected %u x %u x %u = %z of %s", values ? count : 0, place->height,
                        place->width, channels, (size_t)expected, name);
  const u8 *const arena = network->instance.module.w2c_memory.data + network->arena;
  for (u32 y = 0; y < place->height; ++y)
    for (u32 x = 0; x < place->width; ++x, values += channels) {
      const u8 *const pixel = arena + place->at + (size_t)y * place->row + (size_t)x * place->pixel;
      for (u32 lane = 0; lane < lanes; ++lane) {
        const u32 channel = dynedge_word(bundle, dynedge_word(bundle, row, OUTPUT_LANES_AT), lane);
        if (channel != UINT32_MAX) values[channel] = value_at(pixel + lane * bytes, bytes);
      }
    }
  return DYNEDGE_OK;
}

dynedge_status dynedge_top(dynedge_network *network, dynedge_class *classes, uint32_t count) {
  const bundle_view *const bundle = &network->bundle;
  dynedge_status status;
  const u32 index = finished(network, "probabilities", &status);
  if (status) return status;
  const u32 row = row_of(bundle, index), bytes = dynedge_word(bundle, row, OUTPUT_BYTES), all = dynedge_word(bundle, row, OUTPUT_CHANNELS);
  if (!classes || !count || count > all)
    return dynedge_fail(&network->error, DYNEDGE_BAD_INPUT, "There is room for %u classes, expected 1 to %u", classes ? count : 0, all);
  const u8 *const pixel = network->instance.module.w2c_memory.data + network->arena + network->outputs[index].at;
  u32 found = 0;
  // Lanes of an output may be in any order, so the index decides between equal ones.
  for (u32 lane = 0; lane < dynedge_word(bundle, row, OUTPUT_LANES); ++lane) {
    const u32 channel = dynedge_word(bundle, dynedge_word(bundle, row, OUTPUT_LANES_AT), lane);
    if (channel == UINT32_MAX) continue;
    const dynedge_class candidate = {channel, dynedge_label(network, channel), value_at(pixel + lane * bytes, bytes)};
    u32 at = found < count ? found++ : count;
    for (; at > 0; --at) {
      const dynedge_class *const above = classes + at - 1;
      if (above->probability > candidate.probability || (above->probability == candidate.probability && above->index < channel)) break;
      if (at < count) classes[at] = *above;
    }
    if (at < count) classes[at] = candidate;
  }
  return DYNEDGE_OK;
}
