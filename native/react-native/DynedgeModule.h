// The native part of dynedge in React Native: a TurboModule in C++ alone, the same on Android and iOS. docs/react-native.md
#pragma once

#include <memory>

#include <ReactCommon/TurboModule.h>

namespace dynedge {
class Runner;
}

namespace facebook::react {

/**
 * `instantiate(bytes, threads)` gives a new instance of the kernels with `bytes` bytes of memory, whose runs are shared by 1 to 16 threads;
 * default 1, 0 is one for each core, at most 4:
 *
 *   memory: { buffer }       that memory, not a copy
 *   exports                  functions of numbers, on the thread that calls them
 *   threads                  how many there are: fewer where the system gives no more
 *   runLater(from, to)       exports.run(from, to, 0, 1), step by step on another thread: a promise of its status
 *   timesLater(from, to)     the same: a promise of milliseconds, one number for each step; `bad-program` where the status is not 0
 *   digestLater(at, bytes)   SHA-256 of a part of its memory, on another thread: a promise of 32 numbers
 *   cancel()                 what another thread does for it ends after its step: its promise is rejected with `aborted`
 *   dispose()                ends that too, with `disposed`, and gives the memory back once no thread uses it
 *
 * One of the promises at a time; until it is settled, `exports` refuse with `usage`, and JavaScript does not touch the memory. Wrong
 * arguments, traps and calls of what was disposed of throw Errors with a `code` of dynedge's; the instance stays usable.
 *
 * `openFile`, `decodeBase64` and `packageName`, by which bundles are read: DynedgeReading.h.
 */
class DynedgeModule : public TurboModule {
 public:
  static constexpr auto kModuleName = "Dynedge";

  explicit DynedgeModule(std::shared_ptr<CallInvoker> jsInvoker);
  /** Ends the threads; what they were at ends after its step, and is not told any more. */
  ~DynedgeModule() override;

 private:
  static jsi::Value instantiate(jsi::Runtime &rt, TurboModule &module, const jsi::Value *given, size_t count);

  const std::shared_ptr<dynedge::Runner> runner_;
  const std::shared_ptr<dynedge::Runner> reader_;
};

} // namespace facebook::react
