// Where React Native's command line finds the native part; for iOS it is dynedge.podspec.
module.exports = {
  dependency: {
    platforms: {
      ios: {},
      android: {
        sourceDir: 'native/react-native',
        // Modules of libraries without a name are compiled, but nobody registers them.
        libraryName: 'DynedgeAutolinking',
        cmakeListsPath: 'autolinking/CMakeLists.txt',
        cxxModuleCMakeListsModuleName: 'dynedge-react-native',
        cxxModuleCMakeListsPath: 'CMakeLists.txt',
        cxxModuleHeaderName: 'DynedgeModule',
      },
    },
  },
}
