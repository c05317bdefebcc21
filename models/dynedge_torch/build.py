"""One builder for all networks, by name and optional width suffix (`dy-shuffle-1.5`)."""

import re

from torch import nn

from .mobile import Mobile, MobileBlock
from .mobilenetv2 import InvertedResidual, MobileNetV2
from .shuffle import Shuffle
from .shufflenetv2 import ShuffleNetV2

NETWORKS = ("dy-mobile", "fix-mobile", "mobilenetv2", "dy-shuffle", "fix-shuffle", "shufflenetv2")


def split_name(name: str, width: float = 1.0) -> tuple:
    """'dy-shuffle-1.5' -> ('dy-shuffle', 1.5); a suffix and another width contradict."""
    match = re.fullmatch(r"(.+?)(?:-(\d+(?:\.\d+)?))?", name)
    base, suffix = match.groups()
    if base not in NETWORKS:
        raise ValueError(f"network {name!r}, expected one of {NETWORKS}")
    if suffix is None:
        return base, float(width)
    if width not in (1.0, float(suffix)):
        raise ValueError(f"{name!r} contradicts width {width}")
    return base, float(suffix)


def build(name: str, width: float = 1.0, classes: int = 1000, g: int = 6, folded: bool = False):
    """A network in training mode; `folded` builds it without batch norm (Dy-/Fix- only)."""
    base, width = split_name(name, width)
    if base == "mobilenetv2" or base == "shufflenetv2":
        if folded:
            raise ValueError(f"{base} keeps torchvision's names and has no folded form")
        return (MobileNetV2 if base == "mobilenetv2" else ShuffleNetV2)(width, classes)
    kernels = g if base.startswith("dy-") else 0
    family = Mobile if base.endswith("mobile") else Shuffle
    return family(width, classes, kernels, folded)


def zero_residuals(network) -> None:
    """Lets every block with an identity shortcut start as the identity: its last gamma is 0."""
    for module in network.modules():
        if isinstance(module, MobileBlock) and module.identity:
            nn.init.zeros_(module.pw2.bn.weight)
        elif isinstance(module, InvertedResidual) and module.residual:
            nn.init.zeros_(module.conv[-1].weight)
