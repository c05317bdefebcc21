// A file that is read from its beginning to its end, and what else bundles are read by. Knows nothing of JavaScript.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace dynedge {

/** Why something cannot be read: a code of dynedge's, and words for behind a name. */
struct Fault {
  const char *code = nullptr;
  std::string message;
};

class File {
 public:
  /** Nothing, and `fault` set, where there is no such file or it cannot be read. */
  static std::shared_ptr<File> open(const std::string &path, Fault &fault);
  File(const File &) = delete;
  File &operator=(const File &) = delete;
  ~File();

  /** When it was opened. */
  uint64_t size() const { return size_; }
  /** Puts up to `bytes` bytes more to `to`: how many; 0 at the end, and, with `fault` set, where it cannot be read. */
  size_t read(uint8_t *to, size_t bytes, Fault &fault);

 private:
  File(int descriptor, uint64_t size) : descriptor_(descriptor), size_(size) {}

  const int descriptor_;
  const uint64_t size_;
};

/** Bytes that base64 with padding takes, if that is what `text` is. */
size_t base64Bytes(const std::string &text);
/** Puts the bytes of `text` to `to`, which has room for `base64Bytes`. The place of the first wrong character, or the length of `text`. */
size_t decodeBase64(const std::string &text, uint8_t *to);

/** Of the app on Android, whose processes are named after it; elsewhere a path. Empty where there is no /proc. */
std::string packageName();

} // namespace dynedge
