"""Quantization-aware training: a network computes with the rounding of its int8 bundle.

    weights.py    rounded weights, batch norm folded in with frozen statistics
    ranges.py     scale and zero point of every picture tensor, tied where the SDK ties them
    calibrate.py  first ranges, measured in floating point
    forward.py    the network's forward pass, from its graph
    plain.py, planes.py   the operations, in PyTorch and on planes (CPU)

docs/quantization.md is the arithmetic of the SDK, docs/quantization-aware-training.md the recipe.
"""

from .forward import attach, exported
from .settings import QuantizeSettings

__all__ = ["QuantizeSettings", "attach", "exported"]
