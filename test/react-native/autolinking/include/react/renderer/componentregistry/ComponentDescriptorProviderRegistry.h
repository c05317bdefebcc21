// Of React Native's, which needs all of its renderer: as much as declarations need.
#pragma once

#include <memory>

namespace facebook::react {
class ComponentDescriptorProviderRegistry;
} // namespace facebook::react
