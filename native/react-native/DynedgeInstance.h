// An instance of the kernels that JavaScript's thread calls, or for one job at a time another. Knows nothing of JavaScript.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "handle.h"

namespace dynedge {

/** Pages of zeros that stay where they are; without any where there was no memory. */
class Pages {
 public:
  explicit Pages(size_t bytes);
  Pages(const Pages &) = delete;
  Pages &operator=(const Pages &) = delete;
  ~Pages();

  size_t size() const { return bytes_; }
  uint8_t *data() const { return data_; }
  /** Gives them back at once; who reads on finds zeros. */
  void clear();

 private:
  size_t bytes_;
  uint8_t *data_;
};

/** How a job ended. */
struct Outcome {
  enum class End { Done, Aborted, Disposed, Trapped, Refused, OutOfMemory };
  End end = End::Done;
  /** What the module's `run` gave. */
  int32_t status = 0;
  /** What trapped, in words. */
  const char *trap = nullptr;
  /** Of each step, where they were asked for. */
  std::vector<double> milliseconds;
  std::array<uint8_t, 32> digest{};
};

/**
 * One thread at a time: who wants to work elsewhere than in JavaScript's thread claims it before, there, and releases it afterwards.
 * Until then calls and other claims are refused, and `dispose` leaves the memory to `release`.
 */
class Instance {
 public:
  enum class State { Idle, Busy, Disposed };

  /** Nothing where there is no memory for it. Its runs are shared by so many threads, fewer where the system gives no more. */
  static std::shared_ptr<Instance> open(size_t bytes, uint32_t threads = 1);
  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;
  ~Instance();

  const std::shared_ptr<Pages> &pages() const { return pages_; }
  uint32_t threads() const { return threads_; }

  // For JavaScript's thread.
  State state() const;
  /** Export number `index`, when idle; NULL, or what trapped. */
  const char *call(uint32_t index, const double *numbers, int32_t *result);
  /** For a job. Idle before. */
  void claim();
  /** The job under way ends after its step, or its steps. */
  void cancel();
  void dispose();

  // For the thread whose job has claimed it.
  /** Steps from .. to - 1 of the verified program, one by one, or where threads share them some at a time; `timed` also tells how long each took, and refuses what is no such range. */
  Outcome run(uint32_t from, uint32_t to, bool timed);
  /** SHA-256 of `bytes` bytes at `pointer`, which lie in its memory. */
  Outcome digest(uint32_t pointer, uint32_t bytes);
  void stop() { stopped_ = true; }
  void release();

 private:
  Instance(std::shared_ptr<Pages> pages, dynedge_handle *handle)
      : pages_(std::move(pages)), threads_(dynedge_handle_threads(handle)), handle_(handle) {}
  /** How a job ends that was stopped. */
  Outcome::End stoppedAs() const;
  void close();

  const std::shared_ptr<Pages> pages_;
  const uint32_t threads_;
  dynedge_handle *handle_;
  mutable std::mutex mutex_;
  bool busy_ = false;
  bool disposed_ = false;
  std::atomic<bool> stopped_ = false;
};

} // namespace dynedge
