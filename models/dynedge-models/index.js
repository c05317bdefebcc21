// Written by build.ts from the files beside; npm run catalogue writes it again.
export const networks = [
  {
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
    "integrity": "sha256-EY0W1pTFAdovg2eiGmB/linhrrWyqrKZn9Hg5b1PvFg=",
    "accuracy": {
      "top1": 0.8345,
      "interval": [
        0.8271,
        0.8417
      ],
      "images": 10000,
      "data": "CIFAR-10, test"
    },
    "licence": "MIT"
  }
]
