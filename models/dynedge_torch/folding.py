"""Batch norm folded into the convolutions of a Dy-/Fix- state dict.

    scale = gamma / sqrt(var + eps)
    fixed layer    w' = scale w           b' = beta - scale mean
    dynamic layer  w' = scale w, b' = scale b   for every fixed kernel of the channel
                   shift = beta - scale mean    [Cout], added once after the fusion

`shift` has a key of its own (`<layer>.shift`): the coefficients of a channel do not
sum to one, so it cannot be hidden in the biases of the fixed kernels.
"""

import torch

from .layers import BN_EPS


def fold(state_dict):
    """-> the same keys without `bn`, float32; arithmetic in float64."""
    tensors = {
        key: tensor.double()
        for key, tensor in state_dict.items()
        if not key.endswith("num_batches_tracked")
    }
    layers = [k.removesuffix(".bn.weight") for k in tensors if k.endswith(".bn.weight")]
    for layer in layers:
        gamma, beta, mean, var = (
            tensors.pop(f"{layer}.bn.{key}")
            for key in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / torch.sqrt(var + BN_EPS)
        shift = beta - scale * mean
        weight = tensors[f"{layer}.conv.weight"]
        rows = scale.repeat_interleave(len(weight) // len(scale))
        tensors[f"{layer}.conv.weight"] = weight * rows[:, None, None, None]
        bias = tensors.get(f"{layer}.conv.bias")
        if bias is None:
            tensors[f"{layer}.conv.bias"] = shift
        else:
            tensors[f"{layer}.conv.bias"] = bias * rows
            tensors[f"{layer}.shift"] = shift
    return {key: tensor.float() for key, tensor in tensors.items()}
