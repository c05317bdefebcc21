#include "DynedgeAutolinking.h"

namespace facebook::react {

std::shared_ptr<TurboModule> DynedgeAutolinking_ModuleProvider(
    const std::string & /*moduleName*/,
    const JavaTurboModule::InitParams & /*params*/) {
  return nullptr;
}

} // namespace facebook::react
