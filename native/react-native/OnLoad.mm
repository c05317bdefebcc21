// Tells React Native on iOS that there is a module; on Android its build does (react-native.config.cjs).
#import <Foundation/Foundation.h>
#import <ReactCommon/CxxTurboModuleUtils.h>

#import "DynedgeModule.h"

@interface DynedgeOnLoad : NSObject
@end

@implementation DynedgeOnLoad

+ (void)load {
  facebook::react::registerCxxModuleToGlobalModuleMap(
      facebook::react::DynedgeModule::kModuleName,
      [](std::shared_ptr<facebook::react::CallInvoker> jsInvoker) {
        return std::make_shared<facebook::react::DynedgeModule>(std::move(jsInvoker));
      });
}

@end
