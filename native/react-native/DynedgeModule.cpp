#include "DynedgeModule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <thread>

#include <jsi/jsi.h>

#include "DynedgeCalls.h"
#include "DynedgeInstance.h"
#include "DynedgeReading.h"
#include "DynedgeRunner.h"

namespace facebook::react {

namespace {

constexpr double kPage = 65536;
constexpr double kMostBytes = 4294967296.0 - kPage;
constexpr int kMostArguments = 8;
/** Of one network. */
constexpr int kMostTeam = 16;
/** Networks that compute at the same time, each on a thread of its own; others wait for one of these. */
constexpr unsigned kMostThreads = 4;
/** Of their own: files are not read later because networks compute. */
constexpr size_t kReadingThreads = 2;

class Memory : public jsi::MutableBuffer {
 public:
  explicit Memory(std::shared_ptr<dynedge::Pages> pages) : pages_(std::move(pages)) {}
  size_t size() const override { return pages_->size(); }
  uint8_t *data() override { return pages_->data(); }

 private:
  const std::shared_ptr<dynedge::Pages> pages_;
};

/** What the functions of an instance share; lives as long as one of them does. */
struct Shared {
  const std::shared_ptr<dynedge::Instance> instance;
  const std::shared_ptr<dynedge::Runner> runner;
  const std::weak_ptr<CallInvoker> invoker;
};

struct Export {
  uint32_t index;
  const char *name;
  int arguments, real, gives;
};

double
numberOf(jsi::Runtime &rt, const char *called, const jsi::Value &value, int position, bool real = false) {
  if (value.isNumber()) {
    const double number = value.getNumber();
    if (real && std::isfinite(static_cast<float>(number))) return number;
    if (!real && number >= -2147483648.0 && number < 4294967296.0 && number == std::floor(number)) return number;
  }
  fail(
      rt,
      "bad-input",
      std::string(called) + ": argument " + std::to_string(position + 1) + " is " + shown(rt, value) + ", expected " +
          (real ? "a finite float32." : "an integer from -2147483648 to 4294967295."));
}

void checkIdle(jsi::Runtime &rt, const dynedge::Instance &instance) {
  const auto state = instance.state();
  if (state == dynedge::Instance::State::Disposed)
    fail(rt, "disposed", "This instance was disposed of; load the network again.");
  if (state == dynedge::Instance::State::Busy)
    fail(rt, "usage", "Another thread is at work with this instance: await its promise first, or cancel().");
}

jsi::Value
call(jsi::Runtime &rt, dynedge::Instance &instance, const Export &called, const jsi::Value *given, size_t count) {
  checkIdle(rt, instance);
  checkCount(rt, called.name, count, static_cast<size_t>(called.arguments));
  std::array<double, kMostArguments> numbers{};
  for (int i = 0; i < called.arguments; ++i) numbers[i] = numberOf(rt, called.name, given[i], i, i == called.real);
  int32_t result = 0;
  if (const char *const trap = instance.call(called.index, numbers.data(), &result))
    fail(rt, "trap", std::string("The module trapped in ") + called.name + ": " + trap + ".");
  return called.gives ? jsi::Value(result) : jsi::Value::undefined();
}

jsi::Object exportsOf(jsi::Runtime &rt, const std::shared_ptr<Shared> &shared) {
  jsi::Object exports(rt);
  Export found{};
  for (; dynedge_handle_export(found.index, &found.name, &found.arguments, &found.real, &found.gives); ++found.index)
    define(rt, exports, found.name, found.arguments, [shared, found](auto &runtime, auto *given, size_t count) {
      return call(runtime, *shared->instance, found, given, count);
    });
  return exports;
}

/** Work with an instance on another thread, from its claim to the promise. */
class Job : public dynedge::Task, public std::enable_shared_from_this<Job> {
 public:
  using Work = std::function<dynedge::Outcome(dynedge::Instance &)>;
  using Give = jsi::Value (*)(jsi::Runtime &, const dynedge::Outcome &);

  Job(const Shared &shared, std::weak_ptr<Answer> answer, Work work, Give give)
      : instance_(shared.instance), invoker_(shared.invoker), answer_(std::move(answer)), work_(std::move(work)), give_(give) {
    instance_->claim();
  }
  /** One that never ran has its instance still. */
  ~Job() override {
    if (!released_) instance_->release();
  }

  void run() noexcept override {
    try {
      outcome_ = work_(*instance_);
    } catch (const std::exception &) {
      outcome_.end = dynedge::Outcome::End::OutOfMemory;
    }
    instance_->release();
    released_ = true;
    try {
      if (const auto invoker = invoker_.lock())
        invoker->invokeAsync([self = shared_from_this()](jsi::Runtime &rt) { self->settle(rt); });
    } catch (const std::exception &) {
      // Without memory for that nobody can be told.
    }
  }

  void stop() noexcept override { instance_->stop(); }

 private:
  void settle(jsi::Runtime &rt) const {
    const auto answer = answer_.lock();
    if (!answer) return;
    answer->allowRelease();
    if (outcome_.end == dynedge::Outcome::End::Done) answer->resolve.call(rt, give_(rt, outcome_));
    else answer->reject.call(rt, failure(rt));
  }

  jsi::Value failure(jsi::Runtime &rt) const {
    using End = dynedge::Outcome::End;
    if (outcome_.end == End::Aborted) return errorOf(rt, "aborted", "The call was ended by cancel().");
    if (outcome_.end == End::Disposed) return errorOf(rt, "disposed", "The instance was disposed of meanwhile.");
    if (outcome_.end == End::Trapped)
      return errorOf(rt, "trap", std::string("The module trapped: ") + outcome_.trap + ".");
    if (outcome_.end == End::Refused)
      return errorOf(rt, "bad-program", "The module does not run these steps: status " + std::to_string(outcome_.status) + ".");
    return errorOf(rt, "out-of-memory", "There was no memory for what the call gives.");
  }

  const std::shared_ptr<dynedge::Instance> instance_;
  const std::weak_ptr<CallInvoker> invoker_;
  const std::weak_ptr<Answer> answer_;
  const Work work_;
  const Give give_;
  dynedge::Outcome outcome_;
  bool released_ = false;
};

/** Starts a job; a promise of what `give` makes of how it ended. */
jsi::Value later(jsi::Runtime &rt, const Shared &shared, Job::Work work, Job::Give give) {
  std::shared_ptr<Answer> answer;
  auto promise = promised(rt, answer);
  if (shared.runner->start(std::make_shared<Job>(shared, answer, std::move(work), give))) return promise;
  answer->allowRelease();
  fail(rt, "out-of-memory", "No thread could be started.");
}

/** Two integers, as unsigned ones of 32 bits, of a call that only an idle instance takes. */
std::array<uint32_t, 2>
pairOf(jsi::Runtime &rt, const Shared &shared, const char *called, const jsi::Value *given, size_t count) {
  checkIdle(rt, *shared.instance);
  checkCount(rt, called, count, 2);
  std::array<uint32_t, 2> pair{};
  for (int i = 0; i < 2; ++i) pair[i] = static_cast<uint32_t>(static_cast<int64_t>(numberOf(rt, called, given[i], i)));
  return pair;
}

template <typename List> jsi::Value arrayOf(jsi::Runtime &rt, const List &numbers) {
  jsi::Array array(rt, numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) array.setValueAtIndex(rt, i, static_cast<double>(numbers[i]));
  return jsi::Value(rt, array);
}

/** The functions beside `exports`. */
void defineLater(jsi::Runtime &rt, jsi::Object &on, const std::shared_ptr<Shared> &shared) {
  define(rt, on, "runLater", 2, [shared](auto &runtime, auto *given, size_t count) {
    const auto [from, to] = pairOf(runtime, *shared, "runLater", given, count);
    return later(
        runtime,
        *shared,
        [from = from, to = to](auto &instance) { return instance.run(from, to, false); },
        [](jsi::Runtime &, const dynedge::Outcome &outcome) { return jsi::Value(outcome.status); });
  });
  define(rt, on, "timesLater", 2, [shared](auto &runtime, auto *given, size_t count) {
    const auto [from, to] = pairOf(runtime, *shared, "timesLater", given, count);
    return later(
        runtime,
        *shared,
        [from = from, to = to](auto &instance) { return instance.run(from, to, true); },
        [](jsi::Runtime &r, const dynedge::Outcome &outcome) { return arrayOf(r, outcome.milliseconds); });
  });
  define(rt, on, "digestLater", 2, [shared](auto &runtime, auto *given, size_t count) {
    const auto [at, bytes] = pairOf(runtime, *shared, "digestLater", given, count);
    const size_t size = shared->instance->pages()->size();
    if (at > size || bytes > size - at)
      fail(
          runtime,
          "bad-input",
          "digestLater got " + std::to_string(bytes) + " bytes at " + std::to_string(at) + ", expected them in a memory of " +
              std::to_string(size) + " bytes.");
    return later(
        runtime,
        *shared,
        [at = at, bytes = bytes](auto &instance) { return instance.digest(at, bytes); },
        [](jsi::Runtime &r, const dynedge::Outcome &outcome) { return arrayOf(r, outcome.digest); });
  });
  define(rt, on, "cancel", 0, [shared](auto &runtime, auto *, size_t count) {
    checkCount(runtime, "cancel", count, 0);
    shared->instance->cancel();
    return jsi::Value::undefined();
  });
  define(rt, on, "dispose", 0, [shared](auto &, auto *, size_t) {
    shared->instance->dispose();
    return jsi::Value::undefined();
  });
}

} // namespace

jsi::Value DynedgeModule::instantiate(jsi::Runtime &rt, TurboModule &module, const jsi::Value *given, size_t count) {
  const double wanted = count < 2 ? 1 : given[1].isNumber() ? given[1].getNumber() : NAN;
  if (!(wanted >= 0 && wanted <= kMostTeam && wanted == std::floor(wanted)))
    fail(
        rt,
        "bad-input",
        "instantiate got " + shown(rt, given[1]) + " for threads, expected an integer from 1 to " + std::to_string(kMostTeam) +
            ", or 0: one for each core.");
  const uint32_t threads = dynedge_handle_most(static_cast<uint32_t>(wanted));
  const double least = static_cast<double>(dynedge_handle_least(threads));
  const double asked = (count == 1 || count == 2) && given[0].isNumber() ? given[0].getNumber() : NAN;
  if (!(asked >= least && asked <= kMostBytes && asked == std::floor(asked)))
    fail(
        rt,
        "bad-input",
        "instantiate got " + (count == 1 || count == 2 ? shown(rt, given[0]) : std::to_string(count) + " arguments") +
            ", expected an integer of bytes from " + std::to_string(static_cast<int64_t>(least)) + " to " +
            std::to_string(static_cast<int64_t>(kMostBytes)) + ".");
  const double bytes = std::ceil(asked / kPage) * kPage;
  const auto instance =
      bytes <= static_cast<double>(SIZE_MAX) ? dynedge::Instance::open(static_cast<size_t>(bytes), threads) : nullptr;
  if (!instance) fail(rt, "out-of-memory", "No " + shown(rt, jsi::Value(bytes)) + " bytes of memory could be had.");
  auto &self = static_cast<DynedgeModule &>(module);
  const auto shared = std::make_shared<Shared>(Shared{instance, self.runner_, self.jsInvoker_});

  jsi::Object holder(rt);
  jsi::ArrayBuffer buffer(rt, std::make_shared<Memory>(instance->pages()));
  buffer.setExternalMemoryPressure(rt, static_cast<size_t>(bytes));
  holder.setProperty(rt, "buffer", std::move(buffer));
  jsi::Object result(rt);
  result.setProperty(rt, "memory", std::move(holder));
  result.setProperty(rt, "exports", exportsOf(rt, shared));
  result.setProperty(rt, "threads", static_cast<double>(instance->threads()));
  defineLater(rt, result, shared);
  return result;
}

DynedgeModule::DynedgeModule(std::shared_ptr<CallInvoker> jsInvoker)
    : TurboModule(kModuleName, std::move(jsInvoker)),
      runner_(std::make_shared<dynedge::Runner>(std::clamp(std::thread::hardware_concurrency(), 1u, kMostThreads))),
      reader_(std::make_shared<dynedge::Runner>(kReadingThreads)) {
  methodMap_["instantiate"] = MethodMetadata{1, instantiate};
  methodMap_["openFile"] = MethodMetadata{
      1, [](jsi::Runtime &rt, TurboModule &module, const jsi::Value *given, size_t count) {
        auto &self = static_cast<DynedgeModule &>(module);
        return openFile(rt, self.reader_, self.jsInvoker_, given, count);
      }};
  methodMap_["decodeBase64"] = MethodMetadata{
      1, [](jsi::Runtime &rt, TurboModule &, const jsi::Value *given, size_t count) {
        return decodeBase64(rt, given, count);
      }};
  methodMap_["packageName"] = MethodMetadata{
      0, [](jsi::Runtime &rt, TurboModule &, const jsi::Value *, size_t count) { return packageName(rt, count); }};
}

DynedgeModule::~DynedgeModule() {
  runner_->stop();
  reader_->stop();
}

} // namespace facebook::react
