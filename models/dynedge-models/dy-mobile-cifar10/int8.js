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
  "integrity": "sha256-k4S4nH5AA8TF2L9jpezxU+wBlokSbWSz151YYjwDC1Y=",
  "accuracy": {
    "top1": 0.904,
    "top5": 0.9969,
    "interval": [
      0.8981,
      0.9096
    ],
    "images": 10000,
    "data": "CIFAR-10, validation"
  },
  "licence": "MIT"
}

export const labels = ["airplane","automobile","bird","cat","deer","dog","frog","horse","ship","truck"]
