"""Dy-mobile and Fix-mobile: MobileNetV2 without expansion, grouped 3x3 of 6 channels."""

from torch import nn

from .layers import Coefficients, Layer, ceil_to, global_average, make_divisible

# Channels (before width and the multiple of 6), blocks, stride of the first block.
STAGES = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
CHANNELS_PER_GROUP = 6


class MobileBlock(nn.Module):
    """1x1, 3x3 (stride), 1x1; shortcut identity, fixed projection, or none in the first block."""

    def __init__(self, cin, cout, stride, g, first, folded):
        super().__init__()
        layer = dict(g=g, folded=folded)
        if g:
            self.coef = Coefficients(cin, cout, g)
        self.pw1 = Layer(cin, cout, act=nn.ReLU6(), **layer)
        groups = cout // CHANNELS_PER_GROUP
        self.dw = Layer(cout, cout, 3, stride, groups, act=nn.ReLU6(), **layer)
        self.pw2 = Layer(cout, cout, **layer)
        self.identity = cin == cout and stride == 1
        self.proj = None
        if not self.identity and not first:
            self.proj = Layer(cin, cout, 1, stride, folded=folded)

    def forward(self, x):
        eta = self.coef(x) if hasattr(self, "coef") else (None,) * 3
        y = self.pw2(self.dw(self.pw1(x, eta[0]), eta[1]), eta[2])
        if self.identity:
            return y + x
        return y if self.proj is None else y + self.proj(x)


class Mobile(nn.Module):
    """g = 0 gives Fix-mobile. x [B, 3, H, W] -> logits [B, classes]."""

    def __init__(self, width=1.0, classes=1000, g=6, folded=False):
        super().__init__()
        cin = make_divisible(32 * width)
        self.stem = Layer(3, cin, 3, 2, act=nn.ReLU6(), folded=folded)
        self.stages = []
        for number, (base, blocks, stride) in enumerate(STAGES, 1):
            cout = ceil_to(base * width, CHANNELS_PER_GROUP)
            stage = nn.Sequential()
            for index in range(blocks):
                first = number == 1 and index == 0
                step = stride if index == 0 else 1
                stage.append(MobileBlock(cin, cout, step, g, first, folded))
                cin = cout
            self.add_module(f"s{number}", stage)
            self.stages.append(f"s{number}")
        last = make_divisible(1280 * max(1.0, width))
        self.last = Layer(cin, last, act=nn.ReLU6(), folded=folded)
        self.fc = nn.Linear(last, classes)

    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return self.fc(global_average(self.last(x)))
