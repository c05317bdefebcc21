"""Batch norm of weights that `dynedge unpack` wrote, made fit for training again.

A bundle keeps no statistics: its batch norms were folded into the convolutions, and come back as
the identity plus a shift. In training mode such a layer would divide by a deviation that nothing
multiplies back. With statistics measured on pictures, and gamma and beta set against them, the
network computes the same as before, and in training mode nearly so.
"""

import torch
from torch import nn

FOLDED_TOLERANCE = 1e-6  # of the variance; a fresh layer's is off by eps, 1e-5


def batch_norms(network) -> list:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def is_folded(network) -> bool:
    """Whether every batch norm is as `dynedge unpack` writes it: mean 0, variance 1 - eps, gamma 1."""
    return all(
        not norm.running_mean.any()
        and (norm.running_var - (1 - norm.eps)).abs().max() < FOLDED_TOLERANCE
        and bool((norm.weight == 1).all())
        for norm in batch_norms(network)
    )


@torch.no_grad()
def measure_statistics(network, x: torch.Tensor) -> None:
    """Gives folded batch norms the statistics of `x`, float32 [B, 3, H, W]; eval results stay.

    The network must compute by its modules (any form but "planes"), and is left in eval mode.
    """
    hooks = [norm.register_forward_pre_hook(unfold) for norm in batch_norms(network)]
    try:
        network.eval()(x)
    finally:
        for hook in hooks:
            hook.remove()


def unfold(norm, inputs) -> None:
    """Before the layer runs: normalise its input, and undo that by gamma and beta."""
    variance, mean = torch.var_mean(inputs[0], (0, 2, 3), unbiased=False)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.add_(mean)
