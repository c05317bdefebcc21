// Runs JavaScript as React Native would: host BUNDLE.js [FILE ...]. What a script may use: print(text), now() in ms, files (their bytes, as
// ArrayBuffers, in the order given), truncate(path, bytes), openDescriptors(), setTimeout(body, ms), __turboModuleProxy(name), and end(first), which it has to call: the module goes
// then with the runtime, or after it where `first` is 'runtime'. Ends with 1 for an uncaught error.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <JavaScriptCore/JavaScript.h>
#include <jsi/jsi.h>
#include <react/bridging/LongLivedObject.h>

#include "DynedgeModule.h"
#include "JSCRuntime.h"

namespace jsi = facebook::jsi;

namespace {

struct Bytes : jsi::MutableBuffer {
  std::string bytes;
  size_t size() const override { return bytes.size(); }
  uint8_t *data() override { return reinterpret_cast<uint8_t *>(bytes.data()); }
};

std::string contents(const char *path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string(path) + ": no such file");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

using Clock = std::chrono::steady_clock;

/** What other threads, and timers, have JavaScript's thread do. */
class Loop : public facebook::react::CallInvoker {
 public:
  bool ended = false;
  std::multimap<Clock::time_point, jsi::Function> timers;

  void invokeAsync(facebook::react::CallFunc &&call) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(std::move(call));
    }
    wake_.notify_one();
  }
  void invokeSync(facebook::react::CallFunc &&) override { std::abort(); }

  void run(jsi::Runtime &rt) {
    while (!ended) {
      if (const auto call = next()) call(rt);
      if (timers.empty() || timers.begin()->first > Clock::now()) continue;
      const auto due = timers.extract(timers.begin());
      due.mapped().call(rt);
    }
  }

 private:
  /** Waits for a call, or until a timer is due. */
  facebook::react::CallFunc next() {
    std::unique_lock lock(mutex_);
    const auto called = [this] { return !calls_.empty(); };
    if (timers.empty()) wake_.wait(lock, called);
    else wake_.wait_until(lock, timers.begin()->first, called);
    if (calls_.empty()) return nullptr;
    auto call = std::move(calls_.front());
    calls_.pop_front();
    return call;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<facebook::react::CallFunc> calls_;
};

void define(jsi::Runtime &rt, const char *name, jsi::HostFunctionType body) {
  rt.global().setProperty(
      rt, name, jsi::Function::createFromHostFunction(rt, jsi::PropNameID::forAscii(rt, name), 1, std::move(body)));
}

jsi::Array filesOf(jsi::Runtime &rt, char **first, char **end) {
  jsi::Array files(rt, static_cast<size_t>(end - first));
  for (size_t i = 0; first + i < end; ++i) {
    auto bytes = std::make_shared<Bytes>();
    bytes->bytes = contents(first[i]);
    files.setValueAtIndex(rt, i, jsi::ArrayBuffer(rt, std::move(bytes)));
  }
  return files;
}

void run(int count, char **paths) {
  auto runtime = facebook::jsc::makeJSCRuntime();
  jsi::Runtime &rt = *runtime;
  const auto loop = std::make_shared<Loop>();
  auto module = std::make_shared<facebook::react::DynedgeModule>(loop);
  bool runtimeFirst = false;
  define(rt, "print", [](jsi::Runtime &r, const jsi::Value &, const jsi::Value *given, size_t) {
    std::cout << given[0].toString(r).utf8(r) << std::endl;
    return jsi::Value::undefined();
  });
  define(rt, "now", [](jsi::Runtime &, const jsi::Value &, const jsi::Value *, size_t) {
    const auto time = Clock::now().time_since_epoch();
    return jsi::Value(std::chrono::duration<double, std::milli>(time).count());
  });
  const std::weak_ptr held(module);
  define(rt, "truncate", [](jsi::Runtime &r, const jsi::Value &, const jsi::Value *given, size_t) {
    std::filesystem::resize_file(given[0].toString(r).utf8(r), static_cast<uintmax_t>(given[1].asNumber()));
    return jsi::Value::undefined();
  });
  define(rt, "openDescriptors", [](jsi::Runtime &, const jsi::Value &, const jsi::Value *, size_t) {
    const auto entries = std::filesystem::directory_iterator("/proc/self/fd");
    return jsi::Value(static_cast<double>(std::distance(begin(entries), end(entries))));
  });
  define(rt, "__turboModuleProxy", [held](jsi::Runtime &r, const jsi::Value &, const jsi::Value *given, size_t) {
    if (given[0].toString(r).utf8(r) != facebook::react::DynedgeModule::kModuleName) return jsi::Value::null();
    return jsi::Value(r, jsi::Object::createFromHostObject(r, held.lock()));
  });
  define(rt, "setTimeout", [loop](jsi::Runtime &r, const jsi::Value &, const jsi::Value *given, size_t) {
    const std::chrono::duration<double, std::milli> later(given[1].asNumber());
    loop->timers.emplace(
        Clock::now() + std::chrono::duration_cast<Clock::duration>(later), given[0].asObject(r).asFunction(r));
    return jsi::Value::undefined();
  });
  define(rt, "end", [loop, &runtimeFirst](jsi::Runtime &r, const jsi::Value &, const jsi::Value *given, size_t count) {
    runtimeFirst = count > 0 && given[0].toString(r).utf8(r) == "runtime";
    loop->ended = true;
    return jsi::Value::undefined();
  });
  rt.global().setProperty(rt, "files", filesOf(rt, paths + 1, paths + count));
  rt.evaluateJavaScript(std::make_shared<jsi::StringBuffer>(contents(paths[0])), paths[0]);
  loop->run(rt);
  // As React Native does before the runtime goes.
  facebook::react::LongLivedObjectCollection::get(rt).clear();
  loop->timers.clear();
  if (!runtimeFirst) module.reset();
  runtime.reset();
}

} // namespace

int main(int count, char **arguments) {
  try {
    run(count - 1, arguments + 1);
  } catch (const std::exception &error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
  return 0;
}
