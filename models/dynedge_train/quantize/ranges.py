"""Scale and zero point of every picture tensor of a graph."""

from dataclasses import dataclass

import torch
from torch import nn

from dynedge_torch.graph import IMAGE

PICTURES = ("conv", "shuffle", "maxpool")  # nodes that make one


@dataclass(frozen=True)
class Grid:
    """Values scale * (q - zero), low <= q <= high; `scale` is 0-d and learns."""

    scale: torch.Tensor
    zero: int
    low: int
    high: int


def groups_of(nodes: list[dict]) -> list[list[str]]:
    """Picture tensors by shared quantization: a shuffle ties its parts, a max pool its sides."""
    parent = {IMAGE: IMAGE}

    def root(tensor: str) -> str:
        while parent[tensor] != tensor:
            tensor = parent[tensor]
        return tensor

    for node in nodes:
        if node["op"] not in PICTURES:
            continue
        output = node["output"]
        parent[output] = output
        tied = {"shuffle": ("left", "right"), "maxpool": ("input",)}.get(node["op"], ())
        for key in tied:
            parent[root(node[key]["tensor"])] = root(output)
    groups = {}
    for tensor in parent:
        groups.setdefault(root(tensor), []).append(tensor)
    return list(groups.values())


class Ranges(nn.Module):
    """`log_scale` [groups] learns; `zero` [groups] stays as it was calibrated."""

    def __init__(self, nodes: list[dict], bits: int):
        super().__init__()
        self.groups, self.top = groups_of(nodes), 2**bits - 1
        self.index = {tensor: i for i, group in enumerate(self.groups) for tensor in group}
        self.activation = {n["output"]: n["activation"] for n in nodes if n["op"] == "conv"}
        self.log_scale = nn.Parameter(torch.zeros(len(self.groups)))
        self.register_buffer("zero", torch.zeros(len(self.groups), dtype=torch.int64))

    def starts_at_zero(self, group: list[str]) -> bool:
        """Whether activations let no negative value into a group."""
        makers = [self.activation[tensor] for tensor in group if tensor in self.activation]
        return bool(makers) and "none" not in makers

    def grids(self) -> dict[str, Grid]:
        scales, zeros = self.log_scale.exp().unbind(), self.zero.tolist()
        return {tensor: self.grid(tensor, scales[i], zeros[i]) for tensor, i in self.index.items()}

    def grid(self, tensor: str, scale: torch.Tensor, zero: int) -> Grid:
        activation = self.activation.get(tensor, "none")
        low = 0 if activation == "none" else zero
        six = zero + round(6 / scale.item()) if activation == "relu6" else self.top
        return Grid(scale, zero, low, min(six, self.top))

    def as_facts(self) -> dict:
        """What `dynedge pack` reads: tensor -> the values of its ends, and how they are stored."""
        scales, zeros = self.log_scale.detach().exp().tolist(), self.zero.tolist()
        return {
            tensor: dict(
                low=-scales[i] * zeros[i],
                high=scales[i] * (self.top - zeros[i]),
                scale=scales[i],
                zero=zeros[i],
            )
            for tensor, i in self.index.items()
        }
