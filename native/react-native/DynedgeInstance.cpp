#include "DynedgeInstance.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "sha256.h"

namespace dynedge {

namespace {

/** A stopped digest ends within a millisecond or two. */
constexpr uint32_t kPiece = 1 << 18;

/** A run that threads share can be ended between so many parts. */
constexpr uint32_t kRanges = 16;

/** Number of the module's export `run(from, to, thread, threads)`. */
uint32_t exportCalledRun() {
  const char *name = nullptr;
  int ignored = 0;
  uint32_t index = 0;
  while (dynedge_handle_export(index, &name, &ignored, &ignored, &ignored) && std::strcmp(name, "run") != 0) ++index;
  return index;
}

} // namespace

Pages::Pages(size_t bytes) : bytes_(bytes) {
  void *const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  data_ = at == MAP_FAILED ? nullptr : static_cast<uint8_t *>(at);
}

Pages::~Pages() {
  if (data_) munmap(data_, bytes_);
}

void Pages::clear() { mmap(data_, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0); }

std::shared_ptr<Instance> Instance::open(size_t bytes, uint32_t threads) {
  auto pages = std::make_shared<Pages>(bytes);
  dynedge_handle *const handle = pages->data() ? dynedge_handle_open(pages->data(), pages->size(), threads) : nullptr;
  if (!handle) return nullptr;
  return std::shared_ptr<Instance>(new Instance(std::move(pages), handle));
}

Instance::~Instance() { close(); }

void Instance::close() {
  dynedge_handle_close(handle_);
  handle_ = nullptr;
}

Instance::State Instance::state() const {
  const std::lock_guard lock(mutex_);
  return disposed_ ? State::Disposed : busy_ ? State::Busy : State::Idle;
}

const char *Instance::call(uint32_t index, const double *numbers, int32_t *result) {
  return dynedge_handle_call(handle_, index, numbers, result);
}

void Instance::claim() {
  const std::lock_guard lock(mutex_);
  busy_ = true;
  stopped_ = false;
}

void Instance::cancel() {
  const std::lock_guard lock(mutex_);
  if (busy_) stopped_ = true;
}

void Instance::dispose() {
  const std::lock_guard lock(mutex_);
  if (disposed_) return;
  disposed_ = true;
  stopped_ = true;
  if (busy_) return;
  close();
  pages_->clear();
}

void Instance::release() {
  const std::lock_guard lock(mutex_);
  busy_ = false;
  if (!disposed_) return;
  close();
  pages_->clear();
}

Outcome::End Instance::stoppedAs() const {
  return state() == State::Disposed ? Outcome::End::Disposed : Outcome::End::Aborted;
}

Outcome Instance::run(uint32_t from, uint32_t to, bool timed) {
  using Clock = std::chrono::steady_clock;
  static const uint32_t index = exportCalledRun();
  Outcome outcome;
  // Threads that share a run go on from step to step without waiting for each other; only between ranges do they all.
  const uint32_t stride = timed || threads_ == 1 || from >= to ? 1 : (to - from + kRanges - 1) / kRanges;
  uint64_t step = from;
  do {
    if (stopped_) {
      outcome.end = stoppedAs();
      return outcome;
    }
    // An empty or turned range is the module's to judge.
    const double numbers[] = {double(step), double(std::min<uint64_t>(step + stride, to)), 0, 1};
    const auto start = Clock::now();
    outcome.trap = dynedge_handle_call(handle_, index, numbers, &outcome.status);
    if (timed && step < to)
      outcome.milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    if (outcome.trap) outcome.end = Outcome::End::Trapped;
    else if (timed && outcome.status) outcome.end = Outcome::End::Refused;
    step += stride;
  } while (!outcome.trap && !outcome.status && step < to);
  return outcome;
}

Outcome Instance::digest(uint32_t pointer, uint32_t bytes) {
  Outcome outcome;
  dynedge_hash hash;
  dynedge_hash_begin(&hash);
  for (uint64_t at = 0; at < bytes; at += kPiece) {
    if (stopped_) {
      outcome.end = stoppedAs();
      return outcome;
    }
    dynedge_hash_add(&hash, pages_->data() + pointer + at, std::min<uint64_t>(kPiece, bytes - at));
  }
  dynedge_hash_end(&hash, outcome.digest.data());
  return outcome;
}

} // namespace dynedge
