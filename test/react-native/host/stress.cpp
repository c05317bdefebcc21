// Instances and the runner as DynedgeModule uses them, without JavaScript, for sanitizers: stress FILE ROUNDS SEED. This thread stands for
// JavaScript's: it starts, cancels, disposes of and forgets at random. FILE is a network, as stress.test.ts writes it. Every run that ends
// gives the outputs of the first one, every digest is right, and all is told but what a stopped runner dropped.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <thread>

#include "DynedgeInstance.h"
#include "DynedgeRunner.h"
#include "sha256.h"

namespace {

using dynedge::Instance;
using dynedge::Outcome;
using State = Instance::State;

/** Of an instance, beside those of the runner. */
constexpr uint32_t kMostThreads = 3;

[[noreturn]] void fail(const std::string &what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

/** Words of the file's head; then program and weights. */
struct Network {
  uint32_t bytes, programAt, programBytes, weightsAt, weightBytes, arenaAt, arenaBytes, steps, outAt, outBytes;
};

Network network;
std::string file;
std::string expected;

uint32_t exportOf(const char *wanted) {
  const char *name = nullptr;
  int ignored = 0;
  for (uint32_t index = 0; dynedge_handle_export(index, &name, &ignored, &ignored, &ignored); ++index)
    if (!std::strcmp(name, wanted)) return index;
  fail(std::string("There is no export ") + wanted);
}

int32_t call(Instance &instance, const char *name, std::initializer_list<double> numbers) {
  int32_t result = 0;
  if (const char *const trap = instance.call(exportOf(name), numbers.begin(), &result)) fail(std::string(name) + ": " + trap);
  return result;
}

std::shared_ptr<Instance> opened(uint32_t threads) {
  auto instance = Instance::open(network.bytes, threads);
  if (!instance) fail("no memory");
  uint8_t *const memory = instance->pages()->data();
  const char *const data = file.data() + sizeof network;
  std::memcpy(memory + network.programAt, data, network.programBytes);
  std::memcpy(memory + network.weightsAt, data + network.programBytes, network.weightBytes);
  call(*instance, "place", {double(network.weightsAt), double(network.weightBytes), double(network.arenaAt), double(network.arenaBytes)});
  if (call(*instance, "verify", {double(network.programAt), double(network.programBytes)})) fail("the program is refused");
  return instance;
}

std::string outputOf(const Instance &instance) {
  return {reinterpret_cast<const char *>(instance.pages()->data() + network.outAt), network.outBytes};
}

/** What other threads tell this one. */
struct Told {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> calls;
};

enum class Kind { Run, Times, Digest };

class Job : public dynedge::Task, public std::enable_shared_from_this<Job> {
 public:
  Job(std::shared_ptr<Instance> instance, Kind kind, std::shared_ptr<Told> told, std::function<void(const Outcome &)> tell)
      : instance_(std::move(instance)), kind_(kind), told_(std::move(told)), tell_(std::move(tell)) {
    instance_->claim();
  }
  ~Job() override {
    if (!released_) instance_->release();
  }
  void run() noexcept override {
    if (kind_ == Kind::Digest) outcome_ = instance_->digest(network.weightsAt, network.weightBytes);
    else outcome_ = instance_->run(0, network.steps, kind_ == Kind::Times);
    instance_->release();
    released_ = true;
    const std::lock_guard lock(told_->mutex);
    told_->calls.emplace_back([self = shared_from_this()] { self->tell_(self->outcome_); });
    told_->wake.notify_one();
  }
  void stop() noexcept override { instance_->stop(); }

 private:
  const std::shared_ptr<Instance> instance_;
  const Kind kind_;
  const std::shared_ptr<Told> told_;
  const std::function<void(const Outcome &)> tell_;
  Outcome outcome_;
  bool released_ = false;
};

/** Of an instance, as this thread sees it. */
struct Held {
  explicit Held(uint32_t threads) : instance(opened(threads)) {}
  std::shared_ptr<Instance> instance;
  bool waits = false, cancelled = false, disposed = false;
};

struct Counts {
  unsigned runs = 0, times = 0, digests = 0, aborted = 0, disposed = 0, dropped = 0;
} counts;

/** The runner was, with all that it had. */
bool stopped = false;

void check(const Held &held, const Instance *instance, Kind kind, const Outcome &outcome) {
  using End = Outcome::End;
  if (outcome.end == End::Aborted) {
    ++counts.aborted;
    if (!held.cancelled && !stopped) fail("nobody cancelled it");
  } else if (outcome.end == End::Disposed) {
    ++counts.disposed;
    if (!held.disposed) fail("nobody disposed of it");
  } else if (outcome.end != End::Done || outcome.status) {
    fail("it failed: " + std::string(outcome.trap ? outcome.trap : "") + std::to_string(outcome.status));
  } else if (kind == Kind::Digest) {
    ++counts.digests;
    std::array<uint8_t, 32> digest;
    const char *const data = file.data() + sizeof network + network.programBytes;
    dynedge_sha256(reinterpret_cast<const uint8_t *>(data), network.weightBytes, digest.data());
    if (digest != outcome.digest) fail("another digest");
  } else {
    ++(kind == Kind::Run ? counts.runs : counts.times);
    if (kind == Kind::Times && outcome.milliseconds.size() != network.steps) fail("another number of times");
    if (instance && !held.disposed && outputOf(*instance) != expected) fail("other outputs");
  }
}

void round(std::minstd_rand &random, bool stopEarly) {
  const auto told = std::make_shared<Told>();
  dynedge::Runner runner(1 + random() % 4);
  std::vector<std::shared_ptr<Held>> held(6);
  for (auto &one : held) one = std::make_shared<Held>(1 + random() % kMostThreads);
  unsigned outstanding = 0;
  const auto hear = [&](bool wait) {
    std::unique_lock lock(told->mutex);
    if (wait) told->wake.wait(lock, [&] { return !told->calls.empty(); });
    while (!told->calls.empty()) {
      const auto tell = std::move(told->calls.front());
      told->calls.pop_front();
      lock.unlock();
      tell();
      --outstanding;
      lock.lock();
    }
  };
  for (int action = 0; action < 60; ++action) {
    hear(false);
    auto &one = held[random() % held.size()];
    const auto state = one->instance ? one->instance->state() : State::Disposed;
    switch (random() % 6) {
      case 0:
      case 1:
      case 2: {
        if (!one->instance || one->waits || one->disposed) break;
        if (state != State::Idle) fail("it is at work, and nobody started it");
        const auto kind = static_cast<Kind>(random() % 3);
        // A picture of zeros: what a run leaves there is no picture.
        std::memset(one->instance->pages()->data() + network.arenaAt, 0, network.arenaBytes);
        one->waits = true;
        one->cancelled = false;
        // Not the instance itself: who forgets it leaves it to its job.
        const auto tell = [one, kind, weak = std::weak_ptr(one->instance)](const Outcome &outcome) {
          one->waits = false;
          check(*one, one->instance ? weak.lock().get() : nullptr, kind, outcome);
        };
        if (!runner.start(std::make_shared<Job>(one->instance, kind, told, tell))) fail("no thread");
        ++outstanding;
        break;
      }
      case 3:
        if (!one->instance) break;
        one->cancelled = true;
        one->instance->cancel();
        break;
      case 4:
        if (!one->instance) break;
        one->disposed = true;
        one->instance->dispose();
        break;
      default:
        // Forgotten, perhaps at work; and another in its place.
        one->instance = nullptr;
        one = std::make_shared<Held>(1 + random() % kMostThreads);
    }
    if (random() % 4 == 0) std::this_thread::yield();
  }
  if (stopEarly) {
    stopped = true;
    runner.stop();
    if (runner.start(nullptr)) fail("a stopped runner starts");
    hear(false);
    stopped = false;
    counts.dropped += outstanding;
    return;
  }
  while (outstanding) hear(true);
  for (const auto &one : held)
    if (one->instance && one->instance->state() == State::Busy) fail("still at work");
}

} // namespace

int main(int words, char **word) {
  if (words != 4) return 3;
  std::ifstream stream(word[1], std::ios::binary);
  file.assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  if (file.size() < sizeof network) return 3;
  std::memcpy(&network, file.data(), sizeof network);
  // It was planned in another build of the module, which needs another part of the memory for itself.
  const auto base = static_cast<uint32_t>((dynedge_handle_least(kMostThreads) + 63) & ~63ull);
  const uint32_t shift = base - network.programAt;
  for (auto *place : {&network.programAt, &network.weightsAt, &network.arenaAt, &network.outAt}) *place += shift;
  network.bytes = (network.bytes + shift + 65535) & ~65535u;
  const auto first = opened(1);
  if (call(*first, "run", {0, double(network.steps), 0, 1})) fail("it does not run");
  expected = outputOf(*first);
  std::minstd_rand random(static_cast<unsigned>(std::atoi(word[3])));
  const int rounds = std::atoi(word[2]);
  for (int i = 0; i < rounds; ++i) round(random, i % 3 == 2);
  std::printf(
      "{\"runs\":%u,\"times\":%u,\"digests\":%u,\"aborted\":%u,\"disposed\":%u,\"dropped\":%u}\n",
      counts.runs, counts.times, counts.digests, counts.aborted, counts.disposed, counts.dropped);
  return 0;
}
