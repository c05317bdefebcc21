// Written by build.ts from the files beside; npm run catalogue writes it again.
export default new URL('./dy-mobile-cifar10.w8.safetensors', import.meta.url).href

export const info = {
  "name": "dy-mobile-cifar10",
  "network": "dy-mobile",
  "width": 1,
  "kernels": 6,
  "precision": "w8",
  "classes": 10,
  "input": [
    96,
    96
  ],
  "parameters": 6456242,
  "multiplyAdds": 31118006,
  "bytes": 6977664,
  "integrity": "sha256-n5EPnL3fPoS1Fiwg93TFdGYm658HmXkwEmbkpTuszgE=",
  "accuracy": {
    "top1": 0.9055,
    "top5": 0.9969,
    "interval": [
      0.8996,
      0.9111
    ],
    "images": 10000,
    "data": "CIFAR-10, validation"
  },
  "licence": "MIT"
}

export const labels = ["airplane","automobile","bird","cat","deer","dog","frog","horse","ship","truck"]
