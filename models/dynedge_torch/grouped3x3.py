"""Loads grouped3x3.cpp, built on first use; needs a C++ compiler."""

from functools import cache
from pathlib import Path

import torch


@cache
def kernels():
    from torch.utils.cpp_extension import load

    source = Path(__file__).with_suffix(".cpp")
    flags = ["-O3", "-march=native", "-ffast-math"]
    return load("dynedge_grouped3x3", [str(source)], extra_cflags=flags)


class Grouped3x3(torch.autograd.Function):
    """x [N, 6, H, W], w [N, 6, 6, 3, 3] -> [N, 6, H', W'], padding 1; float32."""

    @staticmethod
    def forward(ctx, x, w, stride):
        x, w = x.contiguous(), w.contiguous()
        ctx.save_for_backward(x, w)
        ctx.stride = stride
        return kernels().forward(x, w, stride)

    @staticmethod
    def backward(ctx, grad):
        return *kernels().backward(*ctx.saved_tensors, grad.contiguous(), ctx.stride), None
