#include "DynedgeCalls.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace facebook::react {

jsi::Value errorOf(jsi::Runtime &rt, const char *code, const std::string &message) {
  auto error = rt.global()
                   .getPropertyAsFunction(rt, "Error")
                   .callAsConstructor(rt, jsi::String::createFromUtf8(rt, message))
                   .asObject(rt);
  error.setProperty(rt, "code", jsi::String::createFromAscii(rt, code));
  return jsi::Value(rt, error);
}

void fail(jsi::Runtime &rt, const char *code, const std::string &message) {
  throw jsi::JSError(rt, errorOf(rt, code, message));
}

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

void checkCount(jsi::Runtime &rt, const char *called, size_t count, size_t expected) {
  if (count != expected)
    fail(
        rt,
        "bad-input",
        std::string(called) + " got " + std::to_string(count) + " arguments, expected " + std::to_string(expected) + ".");
}

jsi::Value promised(jsi::Runtime &rt, std::shared_ptr<Answer> &answer) {
  auto promise = rt.global().getPropertyAsFunction(rt, "Promise").callAsConstructor(
      rt,
      jsi::Function::createFromHostFunction(
          rt,
          jsi::PropNameID::forAscii(rt, "executor"),
          2,
          [&answer](jsi::Runtime &runtime, const jsi::Value &, const jsi::Value *given, size_t) {
            answer = std::make_shared<Answer>(runtime, given[0], given[1]);
            return jsi::Value::undefined();
          }));
  if (!answer) fail(rt, "unsupported-engine", "Promise does not call what it is made with, as it has to at once.");
  LongLivedObjectCollection::get(rt).add(answer);
  return promise;
}

} // namespace facebook::react
