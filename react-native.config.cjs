// Where React Native's command line finds the native part; for iOS it is dynedge.podspec.
module.exports = {
  dependency: {
    platforms: {
      ios: {},
      android: {
        sourceDir: 'native/react-native',
        cxxModuleCMakeListsModuleName: 'dynedge-react-native',
        cxxModuleCMakeListsPath: 'CMakeLists.txt',
        cxxModuleHeaderName: 'DynedgeModule',
      },
    },
  },
}
