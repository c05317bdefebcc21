"""Weights as an int8 bundle rounds them: a scale per row, the gradient straight through."""

import torch

LEVELS = 127
# Products with 7-bit values of one channel's weights of a sign fit int16 (docs/quantization.md).
DEPTHWISE_SUM = 258


class RoundRows(torch.autograd.Function):
    """w [rows, K] -> the nearest multiples of each row's step; `steps` [rows, 1]."""

    @staticmethod
    def forward(ctx, w, steps):
        return torch.round(w / steps).mul_(steps)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def round_rows(w, depthwise: bool = False):
    """Rounds every row of w [rows, ...]; `depthwise`: fixed weights of one channel each."""
    flat = w.flatten(1)
    with torch.no_grad():
        steps = flat.abs().amax(1, keepdim=True) / LEVELS
        if depthwise:
            sums = [part.sum(1, keepdim=True) for part in (flat.clamp(min=0), -flat.clamp(max=0))]
            steps = torch.maximum(steps, torch.maximum(*sums) / DEPTHWISE_SUM)
        steps.clamp_(min=torch.finfo(w.dtype).tiny)
    return RoundRows.apply(flat, steps).view_as(w)


def folded(network, node: dict):
    """Parameters of a convolution with its batch norm's running statistics folded in.

    -> weight as PyTorch's, bias per row (dynamic layers, else None), shift [Cout]
    """
    params = node["params"]
    weight = network.get_parameter(params["weight"])
    bn = network.get_submodule(params["bn"])
    scale = bn.weight * torch.rsqrt(bn.running_var + bn.eps)
    shift = bn.bias - bn.running_mean * scale
    rows = scale.repeat_interleave(len(weight) // len(scale))
    bias = network.get_parameter(params["bias"]) * rows if "dynamic" in node else None
    return weight * rows[:, None, None, None], bias, shift
