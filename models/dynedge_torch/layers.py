"""Layers shared by the Dy-/Fix- networks.

A layer is convolution + batch norm (+ activation); its state-dict keys are
`<layer>.conv.{weight,bias}` and `<layer>.bn.*`. In a folded network the batch
norm has been multiplied into the convolution (folding.py) and is absent.
"""

import math

import torch
from torch import nn

from .dynamic import DynamicConv2d

BN_EPS = 1e-5


def make_divisible(value: float, divisor: int = 8) -> int:
    """torchvision's rounding: nearest multiple, never below 90 % of `value`."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def ceil_to(value: float, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple


class Layer(nn.Module):
    """Convolution, batch norm, activation; `g` fixed kernels per output if dynamic.

    x [B, Cin, H, W], eta [B, Cout, g] (dynamic layers only) -> [B, Cout, H', W'].
    """

    def __init__(self, cin, cout, kernel=1, stride=1, groups=1, g=0, act=None, folded=False):
        super().__init__()
        shape = dict(stride=stride, padding=kernel // 2, groups=groups)
        if g:
            self.conv = DynamicConv2d(cin, cout, kernel, g=g, **shape)
        else:
            self.conv = nn.Conv2d(cin, cout, kernel, bias=folded, **shape)
        self.bn = nn.Identity() if folded else nn.BatchNorm2d(cout, eps=BN_EPS)
        self.shift = nn.Parameter(torch.zeros(cout)) if folded and g else None
        self.act = act or nn.Identity()

    def forward(self, x, eta=None):
        x = self.conv(x) if eta is None else self.conv(x, eta)
        x = self.bn(x) if self.shift is None else x + self.shift[:, None, None]
        return self.act(x)


class Coefficients(nn.Module):
    """GAP -> FC -> sigmoid, split over the block's convolutions.

    x [B, Cin, H, W] -> [convs, B, C, g]; FC output ((conv*C)+t)*g+i.
    """

    def __init__(self, cin, cout, g, convs=3):
        super().__init__()
        self.shape = (convs, cout, g)
        self.fc = nn.Linear(cin, convs * cout * g)

    def forward(self, x):
        eta = torch.sigmoid(self.fc(x.mean((2, 3))))
        return eta.view(-1, *self.shape).unbind(1)


def channel_shuffle(x, groups):
    """Output channel j*groups+k = input channel k*(C/groups)+j."""
    b, c, h, w = x.shape
    return x.view(b, groups, c // groups, h, w).transpose(1, 2).reshape(b, c, h, w)


def global_average(x):
    return x.mean((2, 3))
