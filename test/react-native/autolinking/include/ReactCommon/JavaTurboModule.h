// Of React Native's, which needs a Java: as much as declarations need.
#pragma once

#include <ReactCommon/TurboModule.h>

namespace facebook::react {

class JavaTurboModule : public TurboModule {
 public:
  struct InitParams {};
};

} // namespace facebook::react
