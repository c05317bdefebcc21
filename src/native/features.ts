// Stands for wasm-feature-detect in React Native: the kernels are compiled ahead of time, from the module of the variant relaxed.

export const simd = async () => true
export const relaxedSimd = async () => true
