// Android: what the autolinking.cpp of an app includes and calls for every library. It asks for modules in Java first, of which dynedge has
// none, and registers a library's module in C++ only if there is this too.
#pragma once

#include <memory>
#include <string>

#include <ReactCommon/JavaTurboModule.h>
#include <ReactCommon/TurboModule.h>

namespace facebook::react {

/** No module, whatever its name. */
std::shared_ptr<TurboModule> DynedgeAutolinking_ModuleProvider(
    const std::string &moduleName,
    const JavaTurboModule::InitParams &params);

} // namespace facebook::react
