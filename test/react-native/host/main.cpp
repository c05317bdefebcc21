// Runs JavaScript as React Native would: host BUNDLE.js [FILE ...]. What a script may use: print(text), now() in ms, files (their bytes, as
// ArrayBuffers, in the order given) and __turboModuleProxy(name). Ends with 1 for an uncaught error.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include <JavaScriptCore/JavaScript.h>
#include <jsi/jsi.h>

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

/** One thread: nothing is ever called later. */
struct Invoker : facebook::react::CallInvoker {
  void invokeAsync(facebook::react::CallFunc &&) noexcept override { std::abort(); }
  void invokeSync(facebook::react::CallFunc &&) override { std::abort(); }
};

void define(jsi::Runtime &rt, const char *name, jsi::HostFunctionType body) {
  rt.global().setProperty(
      rt, name, jsi::Function::createFromHostFunction(rt, jsi::PropNameID::forAscii(rt, name), 1, std::move(body)));
}

void run(int count, char **paths) {
  const auto runtime = facebook::jsc::makeJSCRuntime();
  jsi::Runtime &rt = *runtime;
  const auto module = std::make_shared<facebook::react::DynedgeModule>(std::make_shared<Invoker>());
  define(rt, "print", [](jsi::Runtime &r, const jsi::Value &, const jsi::Value *given, size_t) {
    std::cout << given[0].toString(r).utf8(r) << std::endl;
    return jsi::Value::undefined();
  });
  define(rt, "now", [](jsi::Runtime &, const jsi::Value &, const jsi::Value *, size_t) {
    const auto time = std::chrono::steady_clock::now().time_since_epoch();
    return jsi::Value(std::chrono::duration<double, std::milli>(time).count());
  });
  define(rt, "__turboModuleProxy", [module](jsi::Runtime &r, const jsi::Value &, const jsi::Value *given, size_t) {
    if (given[0].toString(r).utf8(r) != facebook::react::DynedgeModule::kModuleName) return jsi::Value::null();
    return jsi::Value(r, jsi::Object::createFromHostObject(r, module));
  });
  jsi::Array files(rt, static_cast<size_t>(count - 1));
  for (int i = 1; i < count; ++i) {
    auto bytes = std::make_shared<Bytes>();
    bytes->bytes = contents(paths[i]);
    files.setValueAtIndex(rt, static_cast<size_t>(i - 1), jsi::ArrayBuffer(rt, std::move(bytes)));
  }
  rt.global().setProperty(rt, "files", files);
  rt.evaluateJavaScript(std::make_shared<jsi::StringBuffer>(contents(paths[0])), paths[0]);
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
