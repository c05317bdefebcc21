// How the test programs read a file.
#ifndef DYNEDGE_TEST_FILE_H
#define DYNEDGE_TEST_FILE_H

#include <stdio.h>
#include <stdlib.h>

/** All of it, in memory of its own; ends the program with 3 where it cannot be read. */
static void *file_of(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "%s: no such file\n", path);
    exit(3);
  }
  fseek(file, 0, SEEK_END);
  *bytes = (size_t)ftell(file);
  rewind(file);
  // Exactly as long as the file, for AddressSanitizer.
  void *data = malloc(*bytes ? *bytes : 1);
  if (fread(data, 1, *bytes, file) != *bytes) exit(3);
  fclose(file);
  return data;
}

#endif
