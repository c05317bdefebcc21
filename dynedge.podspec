require "json"

package = JSON.parse(File.read(File.join(__dir__, "package.json")))

Pod::Spec.new do |s|
  s.name = "dynedge"
  s.version = package["version"]
  s.summary = package["description"]
  # CocoaPods wants one; the package has its pages with it.
  s.homepage = package["homepage"] || "docs/react-native.md"
  s.license = package["license"]
  s.authors = "dynedge"
  s.platforms = { :ios => min_ios_version_supported }
  s.source = { :path => "." }
  s.source_files = "native/react-native/*.{h,cpp,mm}", "native/generated/*.{h,c}",
                   "native/src/{dot,exports,handle,instance,processor,sha256,team}.{h,c}", "native/src/{program,simd*,wasm-rt}.h"
  # None of it for other pods to include: module.h and simd.h are names that others have too.
  s.private_header_files = "native/src/*.h", "native/generated/*.h", "native/react-native/Dynedge{Instance,Runner}.h"
  # Where the module does not ask for them, fused multiply-adds would change int8 results.
  s.compiler_flags = "-ffp-contract=off -fno-math-errno -O3 -DDYNEDGE_THREADS"
  s.pod_target_xcconfig = {
    "HEADER_SEARCH_PATHS" => '"$(PODS_TARGET_SRCROOT)/native/src" "$(PODS_TARGET_SRCROOT)/native/generated"',
    "CLANG_CXX_LANGUAGE_STANDARD" => "c++20",
  }

  install_modules_dependencies(s)
end
