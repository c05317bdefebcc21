"""ShuffleNetV2 with torchvision's module names, so that public weights load."""

import torch
from torch import nn

from .layers import BN_EPS, channel_shuffle, global_average

STEM_CHANNELS = 24
STAGE_BLOCKS = (4, 8, 4)
PUBLISHED = {
    0.5: (48, 96, 192),
    1.0: (116, 232, 464),
    1.5: (176, 352, 704),
    2.0: (244, 488, 976),
}


def stage_channels(width: float) -> tuple:
    if width in PUBLISHED:
        return PUBLISHED[width]
    # floor(x + 0.5): JavaScript's Math.round, Python's round() goes to even.
    c2 = 2 * int(58 * width + 0.5)
    return (c2, 2 * c2, 4 * c2)


def last_channels(width: float) -> int:
    return 2048 if width == 2.0 else 1024


def conv_bn(cin, cout, kernel=1, stride=1, groups=1, relu=True):
    layers = [
        nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(cout, eps=BN_EPS),
    ]
    return layers + [nn.ReLU()] if relu else layers


class ShuffleUnit(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        half = cout // 2
        self.stride = stride
        self.branch1 = nn.Sequential()
        if stride == 2:
            depthwise = conv_bn(cin, cin, 3, 2, groups=cin, relu=False)
            self.branch1 = nn.Sequential(*depthwise, *conv_bn(cin, half))
        self.branch2 = nn.Sequential(
            *conv_bn(cin if stride == 2 else half, half),
            *conv_bn(half, half, 3, stride, groups=half, relu=False),
            *conv_bn(half, half),
        )

    def forward(self, x):
        left, right = (x, x) if self.stride == 2 else x.chunk(2, 1)
        return channel_shuffle(torch.cat((self.branch1(left), self.branch2(right)), 1), 2)


class ShuffleNetV2(nn.Module):
    """x [B, 3, H, W] -> logits [B, classes]."""

    def __init__(self, width=1.0, classes=1000):
        super().__init__()
        cin = STEM_CHANNELS
        self.conv1 = nn.Sequential(*conv_bn(3, cin, 3, 2))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for number, cout, units in zip((2, 3, 4), stage_channels(width), STAGE_BLOCKS):
            stage = nn.Sequential()
            for index in range(units):
                stage.append(ShuffleUnit(cin, cout, 1 if index else 2))
                cin = cout
            self.add_module(f"stage{number}", stage)
        last = last_channels(width)
        self.conv5 = nn.Sequential(*conv_bn(cin, last))
        self.fc = nn.Linear(last, classes)

    def forward(self, x):
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(global_average(self.conv5(x)))
