#include <stdarg.h>

#include "internal.h"

static size_t put(char *text, size_t at, size_t room, char c) {
  if (at + 1 < room) text[at] = c;
  return at + 1 < room ? at + 1 : at;
}

static size_t put_number(char *text, size_t at, size_t room, u64 value, u32 base, u32 least) {
  char digits[24];
  u32 count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value || count < least);
  while (count) at = put(text, at, room, digits[--count]);
  return at;
}

dynedge_status dynedge_fail(dynedge_error *error, dynedge_status status, const char *format, ...) {
  if (!error) return status;
  const size_t room = sizeof error->text;
  size_t at = 0;
  va_list arguments;
  va_start(arguments, format);
  for (; *format; ++format) {
    if (*format != '%') {
      at = put(error->text, at, room, *format);
      continue;
    }
    switch (*++format) {
      case 'u': at = put_number(error->text, at, room, va_arg(arguments, u32), 10, 1); break;
      case 'z': at = put_number(error->text, at, room, va_arg(arguments, size_t), 10, 1); break;
      case 'x': at = put_number(error->text, at, room, va_arg(arguments, u32), 16, 8); break;
      default:
        for (const char *text = va_arg(arguments, const char *); *text; ++text) at = put(error->text, at, room, *text);
    }
  }
  va_end(arguments);
  error->text[at] = 0;
  return status;
}

const char *dynedge_status_name(dynedge_status status) {
  static const char *const names[] = {"ok",          "bad-bundle",          "damaged-bundle",     "truncated-bundle", "oversized-bundle",    "integrity",
                                      "unsupported-version", "unsupported-layout", "no-program",       "bad-program",
                                      "bad-input",   "bad-image",           "out-of-memory",      "trap",             "aborted"};
  return (unsigned)status < sizeof names / sizeof *names ? names[status] : "unknown";
}
