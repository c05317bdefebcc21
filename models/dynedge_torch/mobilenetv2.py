"""MobileNetV2 with torchvision's module names, so that public weights load."""

from torch import nn

from .layers import BN_EPS, global_average, make_divisible

# Expansion, channels, blocks, stride of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def conv_bn_relu6(cin, cout, kernel=1, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(cout, eps=BN_EPS),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, stride, expansion):
        super().__init__()
        hidden = cin * expansion
        self.residual = stride == 1 and cin == cout
        layers = [conv_bn_relu6(cin, hidden)] if expansion != 1 else []
        layers += [
            conv_bn_relu6(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, cout, 1, bias=False),
            nn.BatchNorm2d(cout, eps=BN_EPS),
        ]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """x [B, 3, H, W] -> logits [B, classes]."""

    def __init__(self, width=1.0, classes=1000):
        super().__init__()
        cin = make_divisible(32 * width)
        features = [conv_bn_relu6(3, cin, 3, 2)]
        for expansion, base, blocks, stride in STAGES:
            cout = make_divisible(base * width)
            for index in range(blocks):
                step = 1 if index else stride
                features.append(InvertedResidual(cin, cout, step, expansion))
                cin = cout
        last = make_divisible(1280 * max(1.0, width))
        features.append(conv_bn_relu6(cin, last))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))

    def forward(self, x):
        return self.classifier(global_average(self.features(x)))
