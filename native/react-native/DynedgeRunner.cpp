#include "DynedgeRunner.h"

#include <algorithm>
#include <system_error>

#ifdef __APPLE__
#include <pthread.h>
#endif

namespace dynedge {

bool Runner::start(std::shared_ptr<Task> task) {
  std::unique_lock lock(mutex_);
  if (stopped_) return false;
  if (threads_.size() < most_ && threads_.size() <= running_.size() + waiting_.size()) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error &) {
      // The others will do.
      if (threads_.empty()) return false;
    }
  }
  waiting_.push_back(std::move(task));
  // Who wakes finds the lock open.
  lock.unlock();
  wake_.notify_one();
  return true;
}

void Runner::stop() {
  std::vector<std::thread> threads;
  std::deque<std::shared_ptr<Task>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto &task : running_) task->stop();
    dropped.swap(waiting_);
    threads.swap(threads_);
    wake_.notify_all();
  }
  for (auto &thread : threads) thread.join();
}

void Runner::work() {
#ifdef __APPLE__
  // Somebody waits for the answer: not on a core that saves power.
  pthread_set_qos_class_self_np(QOS_CLASS_USER_INITIATED, 0);
#endif
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    if (stopped_) return;
    auto task = std::move(waiting_.front());
    waiting_.pop_front();
    running_.push_back(task);
    lock.unlock();
    task->run();
    lock.lock();
    running_.erase(std::find(running_.begin(), running_.end(), task));
    lock.unlock();
    // It may be the last to hold an instance, whose memory then goes.
    task.reset();
    lock.lock();
  }
}

} // namespace dynedge
