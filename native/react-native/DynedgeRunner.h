// Threads for what would block JavaScript's. Knows nothing of JavaScript.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace dynedge {

class Task {
 public:
  virtual ~Task() = default;
  /** On a thread of the runner. */
  virtual void run() noexcept = 0;
  /** From any thread, while it runs or before: it is to end soon. */
  virtual void stop() noexcept = 0;
};

/** A few threads that begin when there is work and then stay, asleep. */
class Runner {
 public:
  explicit Runner(size_t most) : most_(most) {}
  Runner(const Runner &) = delete;
  Runner &operator=(const Runner &) = delete;
  ~Runner() { stop(); }

  /** Runs `task` when a thread is free, first come, first served. False where no thread can be had, and after `stop`. */
  bool start(std::shared_ptr<Task> task);
  /** Stops what runs, drops what waits, and returns when no thread is left. Not to be called by a task. */
  void stop();

 private:
  void work();

  const size_t most_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Task>> waiting_;
  std::vector<std::shared_ptr<Task>> running_;
  std::vector<std::thread> threads_;
  bool stopped_ = false;
};

} // namespace dynedge
