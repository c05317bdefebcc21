"""Operations of quantize/forward.py on planes [C, H, W, B], for training on a CPU."""

import torch
import torch.nn.functional as F

from dynedge_torch.planes import autograd
from dynedge_torch.planes.forward import LANES, convolve_by, shuffle

from .plain import ACTIVATIONS


class Planes:
    def enter(self, images):
        """The batch is padded to whole vectors; logits of the padding are cut by the caller."""
        images = F.pad(images.float(), (0,) * 7 + (-len(images) % LANES,))
        return images.permute(1, 2, 3, 0).contiguous()

    def part(self, x, use: dict):
        start = use.get("from", 0)
        return x[start : start + use["channels"]]

    def coefficients(self, vector, channels: int, g: int):
        return vector.t().reshape(channels, g, -1).contiguous()

    def conv(self, x, weight, bias, eta, stride: int, groups: int, levels: int):
        return convolve_by(x, weight, bias, eta, stride, groups, levels)

    def requantize(self, y, shift, residual, grid):
        residual = y.new_empty(0) if residual is None else residual
        return autograd.Requantize.apply(
            y, residual, shift, grid.scale, grid.zero, grid.low, grid.high
        )

    def activate(self, y, shift, residual, activation: str):
        v = y + shift[:, None, None, None]
        return ACTIVATIONS[activation](v if residual is None else v + residual)

    def maxpool(self, x):
        return autograd.MaxPool.apply(x)

    def shuffle(self, left, right, groups: int):
        return shuffle(torch.cat((left, right)), groups)

    def mean(self, x):
        return autograd.MeanPool.apply(x).t()
