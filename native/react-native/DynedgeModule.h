// The native part of dynedge in React Native: a TurboModule in C++ alone, the same on Android and iOS. docs/react-native.md
#pragma once

#include <memory>

#include <ReactCommon/TurboModule.h>

namespace facebook::react {

/**
 * `instantiate(bytes)` gives { memory: { buffer }, exports, dispose }: a new instance of the kernels with `bytes` bytes of memory, which
 * `buffer` is, not a copy. Functions of `exports` take and give numbers. Wrong arguments, traps and calls of what was disposed of throw
 * Errors with a `code` of dynedge's; the instance stays usable.
 */
class DynedgeModule : public TurboModule {
 public:
  static constexpr auto kModuleName = "Dynedge";

  explicit DynedgeModule(std::shared_ptr<CallInvoker> jsInvoker);
};

} // namespace facebook::react
