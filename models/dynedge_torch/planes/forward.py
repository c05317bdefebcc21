"""The six networks' forward passes on planes, for training on a CPU.

They use the modules' own parameters and buffers, so a state dict, an optimizer
or another form sees one and the same network.
"""

from types import MethodType

import torch
import torch.nn.functional as F
from torch import nn

from ..mobile import Mobile
from ..mobilenetv2 import InvertedResidual, MobileNetV2
from ..shuffle import SHUFFLE_GROUPS, Shuffle
from ..shufflenetv2 import ShuffleNetV2, ShuffleUnit
from .autograd import (
    DynamicPointwise,
    Linear,
    MaxPool,
    MeanPool,
    Norm,
    Pointwise,
    Spatial,
)
from .compiled import kernels

LANES = 16
ACTIVATIONS = {nn.Identity: 0, nn.ReLU: 1, nn.ReLU6: 2}


def native_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself (AVX512_BF16 or AMX)."""
    try:
        return torch.cpu._is_avx512_bf16_supported()
    except AttributeError:
        return False


def convolve(conv, x, eta=None):
    """Any convolution of the six networks; eta [Cout, g, B] for a dynamic one."""
    stride = conv.stride if isinstance(conv.stride, int) else conv.stride[0]
    return convolve_by(x, conv.weight, conv.bias, eta, stride, conv.groups)


def convolve_by(x, weight, bias, eta, stride: int, groups: int, levels: int = 0):
    """As convolve, with a weight of PyTorch's shape; `bias` and `levels` are of a dynamic one."""
    size, weight = weight.shape[2], weight.flatten(1)
    if groups > 1:
        nothing = x.new_empty(0, dtype=torch.float32)
        given = (nothing, nothing) if eta is None else (bias, eta)
        return Spatial.apply(x, weight, *given, stride, levels)
    if size > 1:
        x = windows(x, stride)
    elif stride > 1:
        x = x[:, ::stride, ::stride].contiguous()
    if eta is None:
        return Pointwise.apply(x, weight)
    return DynamicPointwise.apply(x, weight, bias, eta, levels)


def windows(x, stride):
    """[C, H, W, B] -> [C*9, H', W', B]: the input of every tap of a 3x3 convolution."""
    _, height, width, _ = x.shape
    padded = F.pad(x, (0, 0, 1, 1, 1, 1))
    taps = [
        padded[:, ky : ky + height : stride, kx : kx + width : stride]
        for ky in range(3)
        for kx in range(3)
    ]
    return torch.stack(taps, 1).flatten(0, 1)


def normalise(bn, y, activation=0, residual=None):
    """Batch norm in the module's mode, updating its running statistics when training."""
    if residual is None:
        residual = y.new_empty(0)
    if not bn.training:
        return kernels().norm_by(
            y, residual, bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.eps, activation
        )
    out, mean, variance = Norm.apply(y, residual, bn.weight, bn.bias, bn.eps, activation)
    count = y.numel() // y.shape[0]
    with torch.no_grad():
        bn.running_mean.lerp_(mean, bn.momentum)
        bn.running_var.lerp_(variance * (count / max(count - 1, 1)), bn.momentum)
        bn.num_batches_tracked += 1
    return out


def layer(module, x, eta=None, residual=None):
    return normalise(
        module.bn, convolve(module.conv, x, eta), ACTIVATIONS[type(module.act)], residual
    )


def sequence(modules, x, residual=None):
    """conv, bn, activation, conv, bn ... of torchvision's networks; residual after the last."""
    modules = list(modules)
    while modules:
        conv, bn = modules.pop(0), modules.pop(0)
        act = modules.pop(0) if modules and type(modules[0]) in ACTIVATIONS else nn.Identity()
        last = None if modules else residual
        x = normalise(bn, convolve(conv, x), ACTIVATIONS[type(act)], last)
    return x


def linear(module, pooled, dtype):
    return Linear.apply(pooled, module.weight, module.bias, dtype)


def coefficients(module, x):
    """-> three tensors [C, g, B]"""
    eta = torch.sigmoid(linear(module.fc, MeanPool.apply(x), x.dtype))
    return eta.view(*module.shape, -1).unbind(0)


def shuffle(x, groups):
    return x.unflatten(0, (groups, -1)).transpose(0, 1).flatten(0, 1)


def mobile_block(block, x):
    eta = coefficients(block.coef, x) if hasattr(block, "coef") else (None,) * 3
    residual = x if block.identity else None
    if block.proj is not None:
        residual = layer(block.proj, x)
    y = layer(block.dw, layer(block.pw1, x, eta[0]), eta[1])
    return layer(block.pw2, y, eta[2], residual)


def mobile(network, x):
    x = layer(network.stem, x)
    for stage in network.stages:
        for block in getattr(network, stage):
            x = mobile_block(block, x)
    return network.fc, layer(network.last, x)


def dy_shuffle_unit(unit, x):
    left = x[: unit.passing]
    if unit.L is not None:
        left = layer(unit.L.pw, layer(unit.L.dw, x))
    x = x[unit.passing :]
    eta = coefficients(unit.coef, x) if hasattr(unit, "coef") else (None,) * 3
    right = layer(unit.R.pw2, layer(unit.R.dw, layer(unit.R.pw1, x, eta[0]), eta[1]), eta[2])
    return shuffle(torch.cat((left, right)), SHUFFLE_GROUPS)


def dy_shuffle(network, x):
    x = MaxPool.apply(layer(network.stem, x))
    for stage in (network.s2, network.s3, network.s4):
        for unit in stage:
            x = dy_shuffle_unit(unit, x)
    return network.fc, layer(network.conv5, x)


def inverted_residual(block, x):
    modules = []
    for module in block.conv:
        modules += list(module) if isinstance(module, nn.Sequential) else [module]
    return sequence(modules, x, x if block.residual else None)


def mobilenetv2(network, x):
    for feature in network.features:
        if isinstance(feature, InvertedResidual):
            x = inverted_residual(feature, x)
        else:
            x = sequence(feature, x)
    return network.classifier, x


def shuffle_unit(unit, x):
    left, right = (x, x) if unit.stride == 2 else x.chunk(2)
    if unit.stride == 2:
        left = sequence(unit.branch1, left)
    return shuffle(torch.cat((left, sequence(unit.branch2, right))), 2)


def shufflenetv2(network, x):
    x = MaxPool.apply(sequence(network.conv1, x))
    for stage in (network.stage2, network.stage3, network.stage4):
        for unit in stage:
            x = shuffle_unit(unit, x)
    return network.fc, sequence(network.conv5, x)


FAMILIES = {
    Mobile: mobile,
    Shuffle: dy_shuffle,
    MobileNetV2: mobilenetv2,
    ShuffleNetV2: shufflenetv2,
}


def head(classifier, x):
    """-> logits [B, classes] float32"""
    pooled = MeanPool.apply(x)
    if isinstance(classifier, nn.Sequential):
        dropout, classifier = classifier
        pooled = F.dropout(pooled, dropout.p, classifier.training)
    return linear(classifier, pooled, x.dtype).t()


def forward(network, images):
    """images [B, 3, H, W] -> logits [B, classes]; the batch is padded to lanes in eval mode."""
    count = images.shape[0]
    if count % LANES:
        if network.training:
            raise ValueError(f"planes: batch {count}, expected a multiple of {LANES}")
        images = F.pad(images, (0,) * 7 + (-count % LANES,))
    x = images.permute(1, 2, 3, 0).to(network.planes_dtype).contiguous()
    return head(*FAMILIES[type(network)](network, x))[:count]


def use_planes(network, dtype=None):
    """Makes `network(images)` compute on planes.

    `dtype`: storage of activations; default bfloat16 where the CPU multiplies it
    itself, else float32.
    """
    if type(network) not in FAMILIES:
        raise ValueError(f"planes: got {type(network).__name__}, expected one of the six networks")
    network.planes_dtype = dtype or (torch.bfloat16 if native_bfloat16() else torch.float32)
    network.forward = MethodType(forward, network)
    return network


def leave_planes(network):
    network.__dict__.pop("forward", None)
    return network
