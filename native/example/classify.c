// Names what a picture shows: dynedge-classify bundle.safetensors picture.ppm. The bundle needs a program (dynedge pack --plan 224x224 ...);
// the picture is a binary PPM or PGM, which `convert photo.jpg photo.ppm` makes, or raw bytes with their size: picture.rgb 640x480x3.
#include <dynedge.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned char *read_file(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) || (long)(*bytes = (size_t)ftell(file)) < 0) {
    fprintf(stderr, "%s: cannot be read\n", path);
    exit(1);
  }
  rewind(file);
  unsigned char *data = malloc(*bytes + 1);
  if (!data || fread(data, 1, *bytes, file) != *bytes) {
    fprintf(stderr, "%s: cannot be read\n", path);
    exit(1);
  }
  fclose(file);
  data[*bytes] = 0;
  return data;
}

int main(int count, char **words) {
  unsigned width, height, channels, most;
  int start = 0;
  size_t bundle_bytes, picture_bytes;
  if (count < 3) {
    fprintf(stderr, "usage: %s bundle.safetensors picture.ppm | picture.rgb WIDTHxHEIGHTxCHANNELS\n", words[0]);
    return 2;
  }
  unsigned char *bundle = read_file(words[1], &bundle_bytes);
  unsigned char *picture = read_file(words[2], &picture_bytes);
  if (count > 3) {
    if (sscanf(words[3], "%ux%ux%u", &width, &height, &channels) != 3) channels = 0;
  } else {
    char kind = 0;
    const int found = sscanf((const char *)picture, "P%c %u %u %u%n", &kind, &width, &height, &most, &start);
    channels = found == 4 && most == 255 ? (kind == '6' ? 3 : kind == '5' ? 1 : 0) : 0;
    start += 1;
  }
  if (!channels || (size_t)start + (size_t)width * height * channels > picture_bytes) {
    fprintf(stderr, "%s: no binary PPM or PGM of 8 bits; for raw bytes give WIDTHxHEIGHTxCHANNELS\n", words[2]);
    return 1;
  }

  dynedge_network *network;
  dynedge_error error;
  if (dynedge_load(bundle, bundle_bytes, NULL, &network, &error)) {
    fprintf(stderr, "%s: %s\n", words[1], error.text);
    return 1;
  }
  dynedge_class best[5];
  dynedge_output_shape output;
  unsigned classes = 0;
  for (unsigned i = 0; dynedge_output(network, i, &output); ++i) classes = output.channels;
  if (classes > 5) classes = 5;
  if (dynedge_set_pixels(network, picture + start, width, height, channels, 0) || dynedge_run(network) ||
      dynedge_top(network, best, classes)) {
    fprintf(stderr, "%s: %s\n", words[2], dynedge_message(network));
    return 1;
  }
  for (unsigned i = 0; i < classes; ++i)
    printf("%5.1f %%  %s\n", 100 * (double)best[i].probability, best[i].label ? best[i].label : "(no name)");
  dynedge_free(network);
  free(bundle);
  free(picture);
  return 0;
}
