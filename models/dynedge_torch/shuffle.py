"""Dy-shuffle and Fix-shuffle: ShuffleNetV2 with a 3:1 split and 2 channels per 3x3 group."""

import torch
from torch import nn

from .layers import Coefficients, Layer, channel_shuffle, global_average
from .shufflenetv2 import STAGE_BLOCKS, STEM_CHANNELS, last_channels, stage_channels

CHANNELS_PER_GROUP = 2
SHUFFLE_GROUPS = 4


class RightBranch(nn.Module):
    def __init__(self, cin, cout, stride, g, folded):
        super().__init__()
        layer = dict(g=g, folded=folded)
        groups = cout // CHANNELS_PER_GROUP
        self.pw1 = Layer(cin, cout, act=nn.ReLU(), **layer)
        self.dw = Layer(cout, cout, 3, stride, groups, **layer)
        self.pw2 = Layer(cout, cout, act=nn.ReLU(), **layer)

    def forward(self, x, eta):
        return self.pw2(self.dw(self.pw1(x, eta[0]), eta[1]), eta[2])


class LeftBranch(nn.Module):
    def __init__(self, cin, cout, folded):
        super().__init__()
        self.dw = Layer(cin, cin, 3, 2, groups=cin, folded=folded)
        self.pw = Layer(cin, cout, act=nn.ReLU(), folded=folded)

    def forward(self, x):
        return self.pw(self.dw(x))


class ShuffleUnit(nn.Module):
    """Stride 1: 3/4 of the channels pass, 1/4 is convolved. Stride 2: both branches take all."""

    def __init__(self, cin, cout, stride, g, folded):
        super().__init__()
        right_in, right = (cin, cout // 2) if stride == 2 else (cin // 4, cin // 4)
        if g:
            self.coef = Coefficients(right_in, right, g)
        self.passing = 0 if stride == 2 else cin - right_in
        self.L = LeftBranch(cin, cout - right, folded) if stride == 2 else None
        self.R = RightBranch(right_in, right, stride, g, folded)

    def forward(self, x):
        left = self.L(x) if self.L is not None else x[:, : self.passing]
        x = x[:, self.passing :]
        eta = self.coef(x) if hasattr(self, "coef") else (None,) * 3
        return channel_shuffle(torch.cat((left, self.R(x, eta)), 1), SHUFFLE_GROUPS)


class Shuffle(nn.Module):
    """g = 0 gives Fix-shuffle. x [B, 3, H, W] -> logits [B, classes]."""

    def __init__(self, width=1.0, classes=1000, g=6, folded=False):
        super().__init__()
        cin = STEM_CHANNELS
        self.stem = Layer(3, cin, 3, 2, act=nn.ReLU(), folded=folded)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = [c // 8 * 8 for c in stage_channels(width)]
        for number, cout, units in zip((2, 3, 4), channels, STAGE_BLOCKS):
            stage = nn.Sequential()
            for index in range(units):
                stage.append(ShuffleUnit(cin, cout, 1 if index else 2, g, folded))
                cin = cout
            self.add_module(f"s{number}", stage)
        last = last_channels(width)
        self.conv5 = Layer(cin, last, act=nn.ReLU(), folded=folded)
        self.fc = nn.Linear(last, classes)

    def forward(self, x):
        x = self.s4(self.s3(self.s2(self.maxpool(self.stem(x)))))
        return self.fc(global_average(self.conv5(x)))
