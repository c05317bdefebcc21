# Stands for what Android's build unpacks of React Native.
set(COMMON ${REACT_ANDROID_DIR}/../ReactCommon)
add_library(ReactAndroid::jsi INTERFACE IMPORTED)
target_include_directories(ReactAndroid::jsi INTERFACE ${COMMON}/jsi)
add_library(ReactAndroid::reactnative INTERFACE IMPORTED)
target_include_directories(ReactAndroid::reactnative INTERFACE ${CMAKE_CURRENT_LIST_DIR}/include ${COMMON} ${COMMON}/callinvoker
  ${COMMON}/react/nativemodule/core)
