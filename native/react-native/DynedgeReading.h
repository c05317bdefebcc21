// How bundles are read: files, base64, the name of the app.
#pragma once

#include <memory>

#include <ReactCommon/CallInvoker.h>
#include <jsi/jsi.h>

namespace dynedge {
class Runner;
}

namespace facebook::react {

/**
 * `openFile(path)`: a promise of { size, buffer, read, close }. `read()` is a promise of how many bytes it has put to the beginning of
 * `buffer`, 0 at the end of the file; one at a time. `close()` gives the file back, after a read that is under way.
 */
jsi::Value openFile(
    jsi::Runtime &rt,
    const std::shared_ptr<dynedge::Runner> &runner,
    const std::shared_ptr<CallInvoker> &invoker,
    const jsi::Value *given,
    size_t count);

/** `decodeBase64(text)`: an ArrayBuffer. */
jsi::Value decodeBase64(jsi::Runtime &rt, const jsi::Value *given, size_t count);

/** `packageName()`: of the app on Android. */
jsi::Value packageName(jsi::Runtime &rt, size_t count);

} // namespace facebook::react
