module.exports = {
  preset: '@react-native/jest-preset',
  setupFiles: ['./test/setup.ts'],
  testMatch: ['<rootDir>/test/**/*.test.tsx'],
  transform: {
    '\\.safetensors$': require.resolve('./test/asset.js'),
  },
  // Both are modules of newer JavaScript than Node's require takes.
  transformIgnorePatterns: [
    'node_modules/(?!((jest-)?react-native[^/]*|@react-native(-community)?|dynedge|dynedge-models)/)',
  ],
  // For this folder alone, where dynedge is a link: what it imports is found here.
  modulePaths: ['<rootDir>/node_modules'],
  // Real networks, on machines that may have much else to do.
  setupFilesAfterEnv: ['./test/patience.ts'],
  testTimeout: 60_000,
}
