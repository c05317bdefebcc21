// Written by build.ts from the files beside; npm run catalogue writes it again.
export default new URL('./dy-mobile-cifar10.int8.safetensors', import.meta.url).href

export const info = {
  "name": "dy-mobile-cifar10",
  "network": "dy-mobile",
  "width": 1,
  "kernels": 6,
  "precision": "int8",
  "classes": 10,
  "input": [
    96,
    96
  ],
  "parameters": 6456242,
  "multiplyAdds": 31118006,
  "bytes": 7033984,
  "integrity": "sha256-NKjtrI+mwKUCOg3+uFEIXAIszBQ/Q3fUoWOlT9IwQQo=",
  "accuracy": {
    "top1": 0.886,
    "top5": 0.9958,
    "interval": [
      0.8796,
      0.8921
    ],
    "images": 10000,
    "data": "CIFAR-10, validation"
  },
  "licence": "MIT"
}

export const labels = ["airplane","automobile","bird","cat","deer","dog","frog","horse","ship","truck"]
