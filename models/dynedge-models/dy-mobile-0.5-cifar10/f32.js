// Written by build.ts from the files beside; npm run catalogue writes it again.
export default new URL('./dy-mobile-0.5-cifar10.f32.safetensors', import.meta.url).href

export const info = {
  "name": "dy-mobile-0.5-cifar10",
  "network": "dy-mobile",
  "width": 0.5,
  "kernels": 6,
  "precision": "f32",
  "classes": 10,
  "input": [
    64,
    64
  ],
  "parameters": 1954866,
  "multiplyAdds": 6210000,
  "bytes": 7907840,
  "integrity": "sha256-T+olFELMPtsTR0/7yA7IOGKPeGCGvQi0Hcvi7haZyrc=",
  "accuracy": {
    "top1": 0.7986,
    "top5": 0.9886,
    "interval": [
      0.7906,
      0.8063
    ],
    "images": 10000,
    "data": "CIFAR-10, validation"
  },
  "licence": "MIT"
}

export const labels = ["airplane","automobile","bird","cat","deer","dog","frog","horse","ship","truck"]
