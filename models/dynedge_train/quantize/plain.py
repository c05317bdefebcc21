"""Operations of quantize/forward.py in plain PyTorch: pictures are [B, C, H, W]."""

import torch
import torch.nn.functional as F

from dynedge_torch.layers import channel_shuffle

from .weights import round_rows

ACTIVATIONS = dict(none=lambda x: x, relu=F.relu, relu6=F.relu6)


class Requantize(torch.autograd.Function):
    """v -> scale (clamp(round(v / scale) + zero, low, high) - zero).

    The gradient goes straight through inside the bounds and not at all outside; that of the
    scale is, value by value, what the grid moves less what rounding makes up for.
    """

    @staticmethod
    def forward(ctx, v, scale, zero, low, high):
        ctx.save_for_backward(v, scale)
        ctx.bounds = zero, low, high
        return (torch.clamp(torch.round(v / scale) + zero, low, high) - zero) * scale

    @staticmethod
    def backward(ctx, grad):
        v, scale = ctx.saved_tensors
        zero, low, high = ctx.bounds
        steps = v / scale + zero
        through = torch.where((steps >= low) & (steps <= high), grad, 0)
        stored = torch.clamp(torch.round(steps), low, high)
        dscale = (grad * (stored - zero) - through * (steps - zero)).sum()
        return through, dscale, None, None, None


class Plain:
    def enter(self, images):
        return images.float()

    def part(self, x, use: dict):
        start = use.get("from", 0)
        return x[:, start : start + use["channels"]]

    def coefficients(self, vector, channels: int, g: int):
        return vector.reshape(-1, channels, g)

    def conv(self, x, weight, bias, eta, stride: int, groups: int, levels: int):
        shape = dict(stride=stride, padding=weight.shape[2] // 2)
        if eta is None:
            return F.conv2d(x, weight, groups=groups, **shape)
        batch, channels, g = eta.shape
        fixed = weight.view(channels, g, -1)
        fused = torch.bmm(eta.transpose(0, 1), fixed).transpose(0, 1).flatten(0, 1)
        if levels:
            fused = round_rows(fused)
        fused = fused.view(-1, *weight.shape[1:])
        out = F.conv2d(x.reshape(1, -1, *x.shape[2:]), fused, groups=batch * groups, **shape)
        biases = (eta * bias.view(channels, g)).sum(2)
        return out.view(batch, channels, *out.shape[2:]) + biases[..., None, None]

    def requantize(self, y, shift, residual, grid):
        v = y + shift[:, None, None]
        v = v if residual is None else v + residual
        return Requantize.apply(v, grid.scale, grid.zero, grid.low, grid.high)

    def activate(self, y, shift, residual, activation: str):
        v = y + shift[:, None, None]
        return ACTIVATIONS[activation](v if residual is None else v + residual)

    def maxpool(self, x):
        return F.max_pool2d(x, 3, 2, 1)

    def shuffle(self, left, right, groups: int):
        return channel_shuffle(torch.cat((left, right), 1), groups)

    def mean(self, x):
        return x.mean((2, 3))
