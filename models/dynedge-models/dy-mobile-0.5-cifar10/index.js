// Written by build.ts from the files beside; npm run catalogue writes it again.
export default new URL('./dy-mobile-0.5-cifar10.w8.safetensors', import.meta.url).href

export const info = {
  "name": "dy-mobile-0.5-cifar10",
  "network": "dy-mobile",
  "width": 0.5,
  "kernels": 6,
  "precision": "w8",
  "classes": 10,
  "input": [
    64,
    64
  ],
  "parameters": 1954866,
  "multiplyAdds": 6210000,
  "bytes": 2244224,
  "integrity": "sha256-Bf7nS610h0BKJHt5mgo8JcUPPpwCQSkQLnG4PAp11LA=",
  "accuracy": {
    "top1": 0.7981,
    "top5": 0.9888,
    "interval": [
      0.7901,
      0.8059
    ],
    "images": 10000,
    "data": "CIFAR-10, validation"
  },
  "licence": "MIT"
}

export const labels = ["airplane","automobile","bird","cat","deer","dog","frog","horse","ship","truck"]
