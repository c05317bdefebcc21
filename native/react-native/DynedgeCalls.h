// What methods of the module share: errors with codes, functions, promises that another thread keeps.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <ReactCommon/CallInvoker.h>
#include <jsi/jsi.h>
#include <react/bridging/LongLivedObject.h>

namespace facebook::react {

/** An Error with a `code` of dynedge's. */
jsi::Value errorOf(jsi::Runtime &rt, const char *code, const std::string &message);
[[noreturn]] void fail(jsi::Runtime &rt, const char *code, const std::string &message);
/** What was passed, for messages. */
std::string shown(jsi::Runtime &rt, const jsi::Value &value);
void checkCount(jsi::Runtime &rt, const char *called, size_t count, size_t expected);

/** Makes `on.called` a function of `arguments` arguments: `body(runtime, given, count)`. */
template <typename Body> void define(jsi::Runtime &rt, jsi::Object &on, const char *called, int arguments, Body body) {
  const auto name = jsi::PropNameID::forAscii(rt, called);
  on.setProperty(
      rt,
      name,
      jsi::Function::createFromHostFunction(
          rt,
          name,
          static_cast<unsigned int>(arguments),
          [body = std::move(body)](jsi::Runtime &runtime, const jsi::Value &, const jsi::Value *given, size_t count) {
            return jsi::Value(body(runtime, given, count));
          }));
}

/** How to settle a promise. React Native drops it when the runtime ends, so other threads hold it weakly. */
struct Answer : LongLivedObject {
  const jsi::Function resolve, reject;

  Answer(jsi::Runtime &rt, const jsi::Value &yes, const jsi::Value &no)
      : LongLivedObject(rt), resolve(yes.asObject(rt).asFunction(rt)), reject(no.asObject(rt).asFunction(rt)) {}
};

/** A promise, and the answer that `allowRelease` lets go of. */
jsi::Value promised(jsi::Runtime &rt, std::shared_ptr<Answer> &answer);

} // namespace facebook::react
