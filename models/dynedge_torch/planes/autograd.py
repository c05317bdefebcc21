"""Differentiable operations on planes [channels, height, width, batch].

Activations are float32 or bfloat16, weights and everything per channel float32.
"""

import torch

from .compiled import kernels

Function = torch.autograd.Function


class Pointwise(Function):
    """x [Cin, H, W, B], weight [Cout, Cin] -> [Cout, H, W, B]; one GEMM."""

    @staticmethod
    def forward(ctx, x, weight):
        narrow = weight.to(x.dtype)
        ctx.save_for_backward(x, narrow)
        return (narrow @ x.flatten(1)).view(-1, *x.shape[1:])

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        flat = grad.flatten(1)
        dx = (weight.t() @ flat).view_as(x) if ctx.needs_input_grad[0] else None
        return dx, (flat @ x.flatten(1).t()).float()


class Linear(Function):
    """x [Cin, B] float32, weight [Cout, Cin], bias [Cout] -> [Cout, B] float32.

    The products are computed in `dtype`.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, dtype):
        x, weight = x.to(dtype), weight.to(dtype)
        ctx.save_for_backward(x, weight)
        return (weight @ x).float() + bias[:, None]

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        narrow = grad.to(x.dtype)
        dx = (weight.t() @ narrow).float()
        return dx, (narrow @ x.t()).float(), grad.sum(1), None


class DynamicPointwise(Function):
    """x [Cin, H, W, B], fixed [Cout*g, Cin], bias [Cout*g], eta [Cout, g, B].

    `levels`: the fused kernel of each picture and output channel is rounded to so many steps
    either side of zero, which the gradient takes for the identity; 0: it is not.
    """

    @staticmethod
    def forward(ctx, x, fixed, bias, eta, levels):
        ctx.save_for_backward(x, fixed, bias, eta)
        ctx.levels = levels
        return kernels().dynamic_pointwise(x, fixed, bias, eta, levels)

    @staticmethod
    def backward(ctx, grad):
        gradients = kernels().dynamic_pointwise_backward(
            *ctx.saved_tensors, ctx.levels, grad.contiguous()
        )
        return *gradients, None


class Spatial(Function):
    """3x3, padding 1, 1, 2 or 6 channels per group; fixed kernels if eta is empty.

    `levels`: as in DynamicPointwise.
    """

    @staticmethod
    def forward(ctx, x, fixed, bias, eta, stride, levels):
        ctx.save_for_backward(x, fixed, bias, eta)
        ctx.shape = stride, levels
        return kernels().spatial(x, fixed, bias, eta, stride, levels)

    @staticmethod
    def backward(ctx, grad):
        gradients = kernels().spatial_backward(*ctx.saved_tensors, *ctx.shape, grad.contiguous())
        if ctx.saved_tensors[3].numel() == 0:
            gradients[2:] = [None, None]
        return *gradients, None, None


class Requantize(Function):
    """Rounds float32 planes to the grid of an int8 network (requantize.h).

    y, residual (may be empty) [C, H, W, B], shift [C], scale 0-d; zero, low, high: integers.
    """

    @staticmethod
    def forward(ctx, y, residual, shift, scale, zero, low, high):
        ctx.save_for_backward(y, residual, shift)
        ctx.grid = scale.item(), zero, low, high
        return kernels().requantize(y, residual, shift, *ctx.grid)

    @staticmethod
    def backward(ctx, grad):
        dv, dshift, dscale = kernels().requantize_backward(
            *ctx.saved_tensors, *ctx.grid, grad.contiguous()
        )
        residual = dv if ctx.needs_input_grad[1] else None
        return dv, residual, dshift, dscale.sum(), None, None, None


class Norm(Function):
    """Batch norm over everything but channels, activation, then + residual (may be empty).

    -> out, mean [C], biased variance [C]
    """

    @staticmethod
    def forward(ctx, y, residual, gamma, beta, eps, activation):
        out, mean, variance = kernels().norm(y, residual, gamma, beta, eps, activation)
        ctx.save_for_backward(y, gamma, beta, mean, variance)
        ctx.eps, ctx.activation = eps, activation
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def backward(ctx, grad, *_):
        y, gamma, beta, mean, variance = ctx.saved_tensors
        grad = grad.contiguous()
        dy, dgamma, dbeta = kernels().norm_backward(
            y, gamma, beta, mean, variance, ctx.eps, ctx.activation, grad
        )
        residual = grad if ctx.needs_input_grad[1] else None
        return dy, residual, dgamma, dbeta, None, None


class MaxPool(Function):
    """3x3, stride 2, padding 1."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return kernels().max_pool(x)

    @staticmethod
    def backward(ctx, grad):
        return kernels().max_pool_backward(*ctx.saved_tensors, grad.contiguous())


class MeanPool(Function):
    """x [C, H, W, B] -> float32 [C, B]"""

    @staticmethod
    def forward(ctx, x):
        ctx.shape, ctx.dtype = x.shape, x.dtype
        return kernels().mean_pool(x)

    @staticmethod
    def backward(ctx, grad):
        _, height, width, _ = ctx.shape
        spread = (grad / (height * width)).to(ctx.dtype)
        return spread[:, None, None].expand(ctx.shape)
