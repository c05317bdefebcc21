// Asks what Gradle generated for the module, as an app does. Ends with 0 if it is there.
#include <autolinking.h>

int main() {
  using namespace facebook::react;
  const bool isThere = autolinking_cxxModuleProvider("Dynedge", nullptr) != nullptr;
  const bool isAlone = autolinking_cxxModuleProvider("Another", nullptr) == nullptr;
  const bool isNotJava = autolinking_ModuleProvider("Dynedge", {}) == nullptr;
  return isThere && isAlone && isNotJava ? 0 : 1;
}
