const { join, resolve } = require('node:path')
const { getDefaultConfig, mergeConfig } = require('@react-native/metro-config')

const config = getDefaultConfig(__dirname)
const repository = resolve(__dirname, '../..')

module.exports = mergeConfig(config, {
  resolver: {
    // A network is an asset: require('./network.safetensors').
    assetExts: [...config.resolver.assetExts, 'safetensors'],
    // For this folder alone, where dynedge and dynedge-models are links: what they import is found here.
    nodeModulesPaths: [join(__dirname, 'node_modules')],
  },
  watchFolders: [repository],
})
