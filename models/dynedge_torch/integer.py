"""Oracle of int8 bundles: their logits to the bit, as docs/quantization.md writes them down.

    python -m dynedge_torch.integer BUNDLE.safetensors PICTURES.u8 LOGITS.f32

Sums are integers held in float64, which has room for all of them; every float32 operation is one
numpy operation on float32. PICTURES.u8: uint8 [N, H, W, 3] of the bundle's input size.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open

from .integer_weights import Dynamic, Fixed, unpack

f32 = np.float32
LIMIT = 2**30
# Cephes' expf, docs/quantization.md.
LOG2E, LN2_HIGH, LN2_LOW = f32(1.44269502162933349609375), f32(0.693359375), f32(-2.12194440e-4)
POLYNOMIAL = [
    f32(c)
    for c in (
        1.9875691500e-4,
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        5.0000001201e-1,
    )
]


class IntegerNetwork:
    """An int8 bundle of which every layer is integer; others are refused (ValueError)."""

    def __init__(self, path):
        with safe_open(path, "np") as file:
            header = json.loads(file.metadata()["dynedge"])
            tensors = {name: file.get_tensor(name).ravel() for name in file.keys()}
        self.graph, self.input = header["graph"], header["input"]
        self.stored = self.graph.get("quantization", {})
        floats = [node["name"] for node in self.graph["nodes"] if not self.is_integer(node)]
        if header["precision"] != "int8" or floats:
            which = ", ".join(floats[:3]) or "all"
            raise ValueError(
                f"{path}: precision {header['precision']}, layers in float32: {which};"
                " expected an int8 bundle without any: the order of float sums is not written down"
            )
        self.layers = unpack(self.graph, tensors)

    def is_integer(self, node: dict) -> bool:
        if node["op"] in ("softmax", "linear"):
            return True  # those of a classifier: after a global pool, which says what they are
        return node["op"] not in ("quantize", "dequantize") and all(
            use["tensor"] in self.stored
            for use in (node[key] for key in ("input", "left", "right") if key in node)
        )

    def top(self, tensor: str) -> int:
        return 2 ** self.stored[tensor]["bits"] - 1

    # Pictures

    def quantize(self, picture: np.ndarray) -> np.ndarray:
        """float32 [3, H, W], normalised -> stored values int64 [3, H, W]"""
        image = self.graph["input"]
        stored = self.stored[image]
        steps = np.asarray(picture, f32) / f32(stored["scale"])
        return np.rint(steps.astype(float) + stored["zero"]).clip(0, self.top(image)).astype(int)

    def normalise(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3] -> float32 [3, H, W], what the float networks see"""
        mean, std = (np.array(self.input[key], f32) for key in ("mean", "std"))
        return ((pixels.astype(f32) / f32(255) - mean) / std).transpose(2, 0, 1)

    # Running

    def logits(self, picture: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3], or float32 [3, H, W] normalised -> float32 [classes]"""
        return self.run(picture)[self.graph["outputs"]["logits"]]

    def run(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """-> every tensor: stored values [C, H, W], means [C], vectors float32 [C]"""
        if picture.dtype == np.uint8:
            picture = self.normalise(picture)
        values = {self.graph["input"]: self.quantize(picture)}
        for node in self.graph["nodes"]:
            if node["op"] != "softmax":
                values[node["output"]] = getattr(self, node["op"])(node, values)
        return values

    def used(self, use: dict, values) -> np.ndarray:
        start = use.get("from", 0)
        return values[use["tensor"]][start : start + use["channels"]]

    def conv(self, node, values) -> np.ndarray:
        x, layer = self.used(node["input"], values), self.layers[node["name"]]
        here, there = (self.stored[name] for name in (node["input"]["tensor"], node["output"]))
        if isinstance(layer, Dynamic):
            dynamic = node["dynamic"]
            vector = values[dynamic["coefficients"]]
            eta = vector[dynamic["from"] :][: layer.scale.size].reshape(layer.scale.shape)
            depthwise = node["groups"] > 1 and node["groups"] == node["channels"]
            layer = fuse(layer, eta, here, there, depthwise)
        sums = convolve(node, x, here["zero"], layer)
        v = sums.astype(f32) * layer.factor[:, None, None]
        if "residual" in node:
            side = self.stored[node["residual"]]
            other = (values[node["residual"]] - side["zero"]).astype(f32)
            v = v + other * f32(side["scale"] / there["scale"])
        zero, high = there["zero"], self.top(node["output"])
        low = 0 if node["activation"] == "none" else zero
        if node["activation"] == "relu6":
            high = min(high, zero + round(6 / there["scale"]))
        return np.rint(v.astype(float) + zero).clip(low, high).astype(int)

    def mean(self, use: dict, values) -> np.ndarray:
        x, top = self.used(use, values), self.top(use["tensor"])
        area = x.shape[1] * x.shape[2]
        sums = x.sum((1, 2)) - self.stored[use["tensor"]]["zero"] * area
        means = sums.astype(f32) * f32(2 ** extra_bits(len(x), top) / area)
        return np.rint(means).clip(-32768, 32767).astype(int)

    def globalpool(self, node, values) -> np.ndarray:
        return self.mean(node["input"], values)

    def linear(self, node, values) -> np.ndarray:
        return affine(self.layers[node["name"]], self.used(node["input"], values))

    def coefficients(self, node, values) -> np.ndarray:
        return sigmoid(affine(self.layers[node["name"]], self.mean(node["input"], values)))

    def maxpool(self, node, values) -> np.ndarray:
        x = torch.from_numpy(self.used(node["input"], values).astype(float))
        kernel = node["kernel"]
        return F.max_pool2d(x, kernel, node["stride"], (kernel - 1) // 2).numpy().astype(int)

    def shuffle(self, node, values) -> np.ndarray:
        x = np.concatenate([self.used(node[side], values) for side in ("left", "right")])
        return x.reshape(node["groups"], -1, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)


def extra_bits(channels: int, top: int) -> int:
    """f of docs/quantization.md for a mean of `channels` channels."""
    fits = (
        f for f in range(8, 0, -1) if 127 * channels * top * 2**f <= LIMIT and top * 2**f <= 32767
    )
    return next(fits, 0)


def convolve(node: dict, x: np.ndarray, zero: int, layer: Fixed) -> np.ndarray:
    """B + sum of stored values times weights, exact"""
    padding, kernel = node["padding"], node["kernel"]
    x = F.pad(torch.from_numpy(x.astype(float)), [padding] * 4, value=zero)[None]
    weight = layer.weight.reshape(node["channels"], -1, kernel, kernel).astype(float)
    sums = F.conv2d(x, torch.from_numpy(weight), stride=node["stride"], groups=node["groups"])
    return sums[0].numpy() + layer.bias[:, None, None]


def affine(layer: Fixed, x: np.ndarray) -> np.ndarray:
    return (layer.weight @ x + layer.bias).astype(f32) * layer.factor


def fuse(layer: Dynamic, eta: np.ndarray, here: dict, there: dict, depthwise: bool) -> Fixed:
    """The kernel of one picture; eta float32 [Cout, g]"""
    g, zero = eta.shape[1], here["zero"]
    c = eta * layer.scale
    largest = np.abs(c).max(1)
    largest = np.where(largest < f32(2**-100), f32(1), largest)
    e = np.rint(c * (f32(32767) / largest)[:, None]).astype(int)
    h = (g * 127 - 1).bit_length()
    a = np.einsum("tg,tgk->tk", e, layer.weight)
    a = (a + 2 ** (h - 1)) >> h if h else a
    factor = np.minimum(32767, 127 * 32768 // np.abs(a).max(1).clip(1))
    if depthwise:
        sums = np.maximum(a.clip(0).sum(1), -a.clip(None, 0).sum(1)).clip(1)
        factor = np.minimum(factor, 253 * 32768 // sums)
    weight = (a * factor[:, None] + 2**14) >> 15
    scale = largest * f32(2**h * 32768 / 32767) / factor.astype(f32)
    b = layer.bias[:, 0]
    for i in range(g):
        b = b + eta[:, i] * layer.bias[:, 1 + i]
    unit = f32(here["scale"]) * scale
    beside = np.abs(b / unit) > f32(LIMIT)
    weight = np.where(beside[:, None], 0, weight)
    unit = np.where(beside, np.abs(b) * f32(2**-30), unit)
    start = np.rint(b / unit).clip(-LIMIT, LIMIT).astype(int)
    return Fixed(weight, start - zero * weight.sum(1), unit / f32(there["scale"]))


def sigmoid(y: np.ndarray) -> np.ndarray:
    x = np.clip(-y, f32(-87), f32(88))
    n = np.rint(x * LOG2E)
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = POLYNOMIAL[0]
    for c in POLYNOMIAL[1:]:
        p = p * r + c
    p = (p * (r * r) + r) + f32(1)
    return f32(1) / (f32(1) + np.ldexp(p, n.astype(int)))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m dynedge_torch.integer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in ("bundle", "pictures", "logits"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    network = IntegerNetwork(options.bundle)
    height, width = network.input["size"]
    pictures = np.fromfile(options.pictures, np.uint8).reshape(-1, height, width, 3)
    np.stack([network.logits(picture) for picture in pictures]).tofile(options.logits)


if __name__ == "__main__":
    main()
