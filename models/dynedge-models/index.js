// Written by build.ts from the files beside; npm run catalogue writes it again.
export const networks = [
  {
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
  },
  {
    "name": "dy-mobile-200",
    "network": "dy-mobile",
    "width": 1,
    "kernels": 6,
    "precision": "w8",
    "classes": 200,
    "input": [
      64,
      64
    ],
    "parameters": 6699632,
    "multiplyAdds": 17347896,
    "bytes": 7222528,
    "integrity": "sha256-AaYsWHbfAQKlF6Wz4Hg/XcC1ueA7kjEZXPyGW09wbwY=",
    "accuracy": {
      "top1": 0.4253,
      "top5": 0.6903,
      "interval": [
        0.4156,
        0.435
      ],
      "images": 10000,
      "data": "Tiny-ImageNet-200, validation"
    },
    "licence": "MIT"
  },
  {
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
  },
  {
    "name": "dy-shuffle-200",
    "network": "dy-shuffle",
    "width": 1.5,
    "kernels": 6,
    "precision": "w8",
    "classes": 200,
    "input": [
      64,
      64
    ],
    "parameters": 10708608,
    "multiplyAdds": 24268688,
    "bytes": 11285504,
    "integrity": "sha256-oPMwdB2/8QLMv0pD6NKs07mvb4S9H+z2u0g+kS53lIE=",
    "accuracy": {
      "top1": 0.3885,
      "top5": 0.6571,
      "interval": [
        0.379,
        0.3981
      ],
      "images": 10000,
      "data": "Tiny-ImageNet-200, validation"
    },
    "licence": "MIT"
  }
]
