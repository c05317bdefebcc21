"""Weights and inputs from a name and a 32-bit seed, the same in Python and TypeScript.

    start = fnv1a32(utf8(name)) xor seed
    x_j   = hash32(start + j * 0x9E3779B9)                     all modulo 2^32
    u_j   = (x_j >> 8) / 2^24                                  in [0, 1)

Values are computed in float64 and rounded to float32.
"""

import math
from typing import NamedTuple

import numpy as np
import torch


def fnv1a32(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def uniform(name: str, count: int, seed: int) -> np.ndarray:
    """`count` float64 values in [0, 1)."""
    start = np.uint32(fnv1a32(name) ^ seed)
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + start
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x21F0AAAD)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x735A2D97)
    x ^= x >> np.uint32(15)
    return (x >> np.uint32(8)) / 2.0**24


class Gains(NamedTuple):
    """Factors on weights of rank two and more: coefficient FC, all others.

    With the default, Dy- networks are chaotic (float32 differs from float64 by up
    to 100 %: the fused kernels sum g fixed ones, activations grow and sigmoids
    saturate); CALM keeps them within 1e-5.
    """

    coefficients: float
    weights: float


DEFAULT = Gains(3.0, 1.0)
CALM = Gains(1.0, 0.6)


def seeded_values(key: str, shape: tuple, seed: int, gains: Gains = DEFAULT) -> np.ndarray:
    """float32 values of the state-dict entry `key`."""
    u = uniform(key, math.prod(shape), seed)
    if len(shape) >= 2:
        gain = gains.coefficients if key.endswith(".coef.fc.weight") else gains.weights
        values = (2 * u - 1) * math.sqrt(6 / math.prod(shape[1:])) * gain
    elif key.endswith("weight") or key.endswith("running_var"):
        values = 0.5 + u
    else:
        values = (2 * u - 1) * 0.1
    return values.astype(np.float32).reshape(shape)


def seed_weights(network, seed: int, gains: Gains = DEFAULT):
    """Fills parameters and running statistics; `num_batches_tracked` is left alone."""
    with torch.no_grad():
        for key, tensor in network.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                values = seeded_values(key, tuple(tensor.shape), seed, gains)
                tensor.copy_(torch.from_numpy(values))
    return network


def seeded_input(height: int, width: int, seed: int) -> torch.Tensor:
    """float32 [1, 3, height, width] in [-2, 2), filled in NCHW order."""
    values = (2 * uniform("input", 3 * height * width, seed) - 1) * 2
    return torch.from_numpy(values.astype(np.float32).reshape(1, 3, height, width))
