const { basename, dirname, extname } = require('node:path')

/** What Metro makes of a required asset: a number. */
module.exports = {
  process: (_, file) => {
    const type = extname(file).slice(1)
    const asset = { fileSystemLocation: dirname(file), name: basename(file, `.${type}`), type, scales: [1], hash: '' }
    return { code: `module.exports = require('react-native').AssetRegistry.registerAsset(${JSON.stringify(asset)})` }
  },
}
