#include "DynedgeModule.h"

#include <sys/mman.h>

#include <array>
#include <cmath>
#include <string>

#include <jsi/jsi.h>

#include "handle.h"

namespace facebook::react {

namespace {

constexpr double kPage = 65536;
constexpr double kMostBytes = 4294967296.0 - kPage;
constexpr int kMostArguments = 8;

[[noreturn]] void fail(jsi::Runtime &rt, const char *code, const std::string &message) {
  auto error = rt.global()
                   .getPropertyAsFunction(rt, "Error")
                   .callAsConstructor(rt, jsi::String::createFromUtf8(rt, message))
                   .asObject(rt);
  error.setProperty(rt, "code", jsi::String::createFromAscii(rt, code));
  throw jsi::JSError(rt, jsi::Value(rt, error));
}

/** What was passed, for messages. */
std::string shown(jsi::Runtime &rt, const jsi::Value &value) {
  if (value.isUndefined()) return "undefined";
  if (value.isNull()) return "null";
  if (value.isBool()) return value.getBool() ? "true" : "false";
  if (value.isString()) return "a string";
  if (value.isSymbol()) return "a symbol";
  if (value.isBigInt()) return "a bigint";
  if (value.isObject()) return value.getObject(rt).isFunction(rt) ? "a function" : "an object";
  const double number = value.getNumber();
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  std::array<char, 32> text{};
  snprintf(text.data(), text.size(), "%.17g", number);
  return text.data();
}

/** Pages of zeros that stay where they are. */
class Memory : public jsi::MutableBuffer {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes) {
    void *const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    data_ = at == MAP_FAILED ? nullptr : static_cast<uint8_t *>(at);
  }
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;
  ~Memory() override {
    if (data_) munmap(data_, bytes_);
  }

  size_t size() const override { return bytes_; }
  uint8_t *data() override { return data_; }

  /** Gives the pages back at once; JavaScript may still hold the buffer, and finds zeros. */
  void clear() { mmap(data_, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0); }

 private:
  size_t bytes_;
  uint8_t *data_;
};

/** Lives as long as one of its functions does. */
struct Instance {
  std::shared_ptr<Memory> memory;
  dynedge_handle *handle;

  Instance(std::shared_ptr<Memory> taken, dynedge_handle *opened) : memory(std::move(taken)), handle(opened) {}
  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;
  ~Instance() { dynedge_handle_close(handle); }

  void dispose() {
    if (!handle) return;
    dynedge_handle_close(handle);
    handle = nullptr;
    memory->clear();
  }
};

struct Export {
  uint32_t index;
  const char *name;
  int arguments, real, gives;
};

double numberOf(jsi::Runtime &rt, const Export &called, const jsi::Value &value, int position) {
  const bool real = position == called.real;
  if (value.isNumber()) {
    const double number = value.getNumber();
    if (real && std::isfinite(static_cast<float>(number))) return number;
    if (!real && number >= -2147483648.0 && number < 4294967296.0 && number == std::floor(number)) return number;
  }
  fail(
      rt,
      "bad-input",
      std::string(called.name) + ": argument " + std::to_string(position + 1) + " is " + shown(rt, value) + ", expected " +
          (real ? "a finite float32." : "an integer from -2147483648 to 4294967295."));
}

jsi::Value
call(jsi::Runtime &rt, const Instance &instance, const Export &called, const jsi::Value *given, size_t count) {
  if (!instance.handle) fail(rt, "disposed", "This instance was disposed of; load the network again.");
  if (count != static_cast<size_t>(called.arguments))
    fail(
        rt,
        "bad-input",
        std::string(called.name) + " got " + std::to_string(count) + " arguments, expected " +
            std::to_string(called.arguments) + ".");
  std::array<double, kMostArguments> numbers{};
  for (int i = 0; i < called.arguments; ++i) numbers[i] = numberOf(rt, called, given[i], i);
  int32_t result = 0;
  if (const char *const trap = dynedge_handle_call(instance.handle, called.index, numbers.data(), &result))
    fail(rt, "trap", std::string("The module trapped in ") + called.name + ": " + trap + ".");
  return called.gives ? jsi::Value(result) : jsi::Value::undefined();
}

jsi::Object exportsOf(jsi::Runtime &rt, const std::shared_ptr<Instance> &instance) {
  jsi::Object exports(rt);
  Export found{};
  for (; dynedge_handle_export(found.index, &found.name, &found.arguments, &found.real, &found.gives); ++found.index) {
    const auto name = jsi::PropNameID::forAscii(rt, found.name);
    exports.setProperty(
        rt,
        name,
        jsi::Function::createFromHostFunction(
            rt,
            name,
            static_cast<unsigned int>(found.arguments),
            [instance, found](jsi::Runtime &runtime, const jsi::Value &, const jsi::Value *given, size_t count) {
              return call(runtime, *instance, found, given, count);
            }));
  }
  return exports;
}

jsi::Value instantiate(jsi::Runtime &rt, TurboModule &, const jsi::Value *given, size_t count) {
  const double least = static_cast<double>(dynedge_handle_least());
  const double asked = count == 1 && given[0].isNumber() ? given[0].getNumber() : NAN;
  if (!(asked >= least && asked <= kMostBytes && asked == std::floor(asked)))
    fail(
        rt,
        "bad-input",
        "instantiate got " + (count == 1 ? shown(rt, given[0]) : std::to_string(count) + " arguments") +
            ", expected one integer of bytes from " + std::to_string(static_cast<int64_t>(least)) + " to " +
            std::to_string(static_cast<int64_t>(kMostBytes)) + ".");
  const double bytes = std::ceil(asked / kPage) * kPage;
  auto memory =
      bytes <= static_cast<double>(SIZE_MAX) ? std::make_shared<Memory>(static_cast<size_t>(bytes)) : nullptr;
  dynedge_handle *const handle = memory && memory->data() ? dynedge_handle_open(memory->data(), memory->size()) : nullptr;
  if (!handle)
    fail(rt, "out-of-memory", "No " + shown(rt, jsi::Value(bytes)) + " bytes of memory could be had.");
  const auto instance = std::make_shared<Instance>(memory, handle);

  jsi::Object holder(rt);
  jsi::ArrayBuffer buffer(rt, std::move(memory));
  buffer.setExternalMemoryPressure(rt, static_cast<size_t>(bytes));
  holder.setProperty(rt, "buffer", std::move(buffer));
  jsi::Object result(rt);
  result.setProperty(rt, "memory", std::move(holder));
  result.setProperty(rt, "exports", exportsOf(rt, instance));
  result.setProperty(
      rt,
      "dispose",
      jsi::Function::createFromHostFunction(
          rt,
          jsi::PropNameID::forAscii(rt, "dispose"),
          0,
          [instance](jsi::Runtime &, const jsi::Value &, const jsi::Value *, size_t) {
            instance->dispose();
            return jsi::Value::undefined();
          }));
  return result;
}

} // namespace

DynedgeModule::DynedgeModule(std::shared_ptr<CallInvoker> jsInvoker) : TurboModule(kModuleName, std::move(jsInvoker)) {
  methodMap_["instantiate"] = MethodMetadata{1, instantiate};
}

} // namespace facebook::react
