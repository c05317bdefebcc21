#include "DynedgeFile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace dynedge {

namespace {

Fault faultOf(int number) {
  if (number == ENOENT || number == ENOTDIR) return {"not-found", "no such file"};
  return {"bad-input", "cannot be read (" + std::generic_category().message(number) + ")"};
}

constexpr std::array<int8_t, 256> valuesOf(const char *characters) {
  std::array<int8_t, 256> values{};
  for (auto &value : values) value = -1;
  for (int8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(characters[i])] = i;
  return values;
}

constexpr auto kValues = valuesOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

size_t paddingOf(const std::string &text) {
  const size_t length = text.size();
  if (length == 0 || text[length - 1] != '=') return 0;
  return length > 1 && text[length - 2] == '=' ? 2 : 1;
}

} // namespace

std::shared_ptr<File> File::open(const std::string &path, Fault &fault) {
  // Of a pipe nobody knows when it would begin, so it is not waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat about {};
  if (descriptor < 0 || fstat(descriptor, &about) != 0) {
    fault = faultOf(errno);
  } else if (S_ISREG(about.st_mode)) {
    return std::shared_ptr<File>(new File(descriptor, static_cast<uint64_t>(about.st_size)));
  } else {
    fault = {"bad-input", S_ISDIR(about.st_mode) ? "a directory, expected a bundle file" : "no file, expected a bundle"};
  }
  if (descriptor >= 0) ::close(descriptor);
  return nullptr;
}

File::~File() { ::close(descriptor_); }

size_t File::read(uint8_t *to, size_t bytes, Fault &fault) {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t more = ::read(descriptor_, to + done, bytes - done);
    if (more == 0) break;
    if (more > 0) {
      done += static_cast<size_t>(more);
    } else if (errno != EINTR) {
      fault = faultOf(errno);
      return 0;
    }
  }
  return done;
}

size_t base64Bytes(const std::string &text) { return text.size() % 4 ? 0 : text.size() / 4 * 3 - paddingOf(text); }

size_t decodeBase64(const std::string &text, uint8_t *to) {
  const size_t length = text.size();
  if (length % 4) return length - length % 4;
  const size_t characters = length - paddingOf(text);
  for (size_t at = 0; at < length; at += 4) {
    uint32_t group = 0;
    for (size_t i = at; i < at + 4; ++i) {
      const int value = i < characters ? kValues[static_cast<uint8_t>(text[i])] : 0;
      if (value < 0) return i;
      group = group << 6 | static_cast<uint32_t>(value);
    }
    const size_t bytes = std::min<size_t>(4, characters - at) * 3 / 4;
    for (size_t i = 0; i < bytes; ++i) *to++ = static_cast<uint8_t>(group >> (16 - 8 * i));
  }
  return length;
}

std::string packageName() {
  std::array<char, 512> text{};
  std::FILE *const file = std::fopen("/proc/self/cmdline", "rb");
  if (!file) return "";
  const size_t bytes = std::fread(text.data(), 1, text.size() - 1, file);
  std::fclose(file);
  std::string name(text.data(), bytes);
  // Services of an app may have processes of their own: package:name.
  return name.substr(0, name.find_first_of(std::string(":\0", 2)));
}

} // namespace dynedge
