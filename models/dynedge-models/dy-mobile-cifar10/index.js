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
    64,
    64
  ],
  "parameters": 6456242,
  "multiplyAdds": 17104696,
  "bytes": 6977664,
  "integrity": "sha256-XDBgQYIU+kZuFdtl5IV0tMAvbjSSSC8W82lowGz7Gfs=",
  "accuracy": {
    "top1": 0.8587,
    "top5": 0.9948,
    "interval": [
      0.8517,
      0.8654
    ],
    "images": 10000,
    "data": "CIFAR-10, validation"
  },
  "licence": "MIT"
}

export const labels = ["airplane","automobile","bird","cat","deer","dog","frog","horse","ship","truck"]
