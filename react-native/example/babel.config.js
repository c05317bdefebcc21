module.exports = {
  presets: ['module:@react-native/babel-preset'],
  // Functions that say 'worklet' run in the camera's thread.
  plugins: ['react-native-worklets/plugin'],
}
