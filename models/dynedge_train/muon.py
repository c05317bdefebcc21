"""Muon: momentum whose matrices are made orthogonal before each step.

K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. PyTorch's own
class takes plain matrices only; here every matrix of a convolution counts by itself: each
group, and of a dynamic convolution each of the g kernels that are fused.
"""

import torch
from torch import nn

from dynedge_torch.dynamic import DynamicConv2d

# Newton-Schulz iteration X <- a X + (b A + c A^2) X, A = X X^T (ibid.): singular values go to
# about 0.7 .. 1.2, which is near enough.
A, B, C = 3.4445, -4.7750, 2.0315


def matrix_weights(network) -> dict:
    """-> {weight: (groups, g)} of the convolutions that mix channels, g = 1 if not dynamic"""
    found = {}
    for module in network.modules():
        if isinstance(module, DynamicConv2d):
            found[module.weight] = (module.groups, module.g)
        elif isinstance(module, nn.Conv2d) and module.groups < module.out_channels:
            found[module.weight] = (module.groups, 1)
    return found


def orthogonal(matrices, iterations: int):
    """[N, rows, columns] -> their nearest orthogonal matrices, roughly; bfloat16"""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.to(torch.bfloat16)
    x = x.transpose(1, 2) if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(iterations):
        a = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(a, a, a, beta=B, alpha=C), x, beta=A)
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    """`weights`: {parameter: (groups, g)} as of matrix_weights."""

    def __init__(self, weights: dict, lr=0.02, momentum=0.95, weight_decay=0.0, iterations=4):
        self.shapes = weights
        defaults = dict(lr=lr, momentum=momentum, weight_decay=weight_decay, iterations=iterations)
        super().__init__(list(weights), defaults)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            gradients = [p.grad for p in parameters]
            averages = [self.average(p) for p in parameters]
            torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
            torch._foreach_lerp_(gradients, averages, group["momentum"])  # Nesterov
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
            for parameter in parameters:
                self.move(parameter, group)

    def average(self, parameter):
        state = self.state[parameter]
        if "average" not in state:
            state["average"] = torch.zeros_like(parameter)
        return state["average"]

    def move(self, parameter, group) -> None:
        groups, g = self.shapes[parameter]
        columns = parameter[0].numel()
        # [groups, rows, g, columns] -> a matrix per group and kernel
        matrices = parameter.grad.view(groups, -1, g, columns).transpose(1, 2)
        rows = matrices.shape[2]
        step = orthogonal(matrices.reshape(-1, rows, columns), group["iterations"])
        step = step.reshape(groups, g, rows, columns).transpose(1, 2).reshape(parameter.shape)
        parameter.add_(step, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)


class Together:
    """Several optimisers as one."""

    def __init__(self, *optimisers):
        self.optimisers = optimisers

    @property
    def param_groups(self) -> list[dict]:
        return [group for optimiser in self.optimisers for group in optimiser.param_groups]

    def step(self) -> None:
        for optimiser in self.optimisers:
            optimiser.step()

    def zero_grad(self, set_to_none=True) -> None:
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none)

    def state_dict(self) -> dict:
        return {"optimisers": [optimiser.state_dict() for optimiser in self.optimisers]}

    def load_state_dict(self, state: dict) -> None:
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
