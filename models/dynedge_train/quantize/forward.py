"""Forward pass of any of the six networks from its graph, with int8's rounding or without."""

from types import MethodType

import torch
import torch.nn.functional as F

from dynedge_torch.graph import IMAGE, nodes_of

from .calibrate import calibrate, sample
from .plain import Plain
from .planes import Planes
from .ranges import Ranges
from .weights import LEVELS, folded, round_rows


def attach(network, bits: int, form: str, images=None) -> None:
    """Makes `network(images)` compute as its int8 bundle would, up to float32 rounding.

    Batch norms keep the statistics they have. Its ranges (`network.ranges`, part of its state)
    are measured on `images`, float32 [B, 3, H, W] as training sees them; None: they are set by
    load_state_dict. `form`: "planes", or any other for plain PyTorch.
    """
    nodes = nodes_of(network)
    place = Planes() if form == "planes" else Plain()
    ranges = Ranges(nodes, bits)
    if images is not None:
        samples = {}

        def see(tensor, values):
            samples[tensor] = sample(values)

        with torch.no_grad():
            Pass(network, nodes, place, None, see)(images)
        calibrate(ranges, samples)
    network.ranges = ranges.to(next(network.parameters()).device)

    def forward(self, images):
        return Pass(self, nodes, place, self.ranges)(images)

    network.forward = MethodType(forward, network)


def exported(network) -> tuple[dict, dict]:
    """-> state dict in the builder's names, facts for the file: `quantization_ranges`"""
    state = network.state_dict()
    if not hasattr(network, "ranges"):
        return state, {}
    weights = {name: value for name, value in state.items() if not name.startswith("ranges.")}
    return weights, dict(quantization_ranges=network.ranges.as_facts())


class Pass:
    """One forward pass; without `ranges` nothing is rounded. `see(tensor, values)`: pictures."""

    def __init__(self, network, nodes, place, ranges: Ranges | None, see=None):
        self.network, self.nodes, self.place, self.see = network, nodes, place, see
        self.grids = ranges.grids() if ranges else None
        self.values = {}

    def __call__(self, images):
        """images [B, 3, H, W] -> logits [B, classes]"""
        x = self.place.enter(images)
        self.keep(IMAGE, self.finish(IMAGE, x, x.new_zeros(3), None, "none"))
        for node in self.nodes:
            if node["op"] == "softmax":
                break
            self.keep(node["output"], getattr(self, node["op"])(node), node["op"])
        return self.values["logits"][: len(images)]

    def keep(self, tensor, value, op="conv") -> None:
        self.values[tensor] = value
        if self.see and op in ("conv", "shuffle", "maxpool"):
            self.see(tensor, value)

    def used(self, use: dict):
        return self.place.part(self.values[use["tensor"]], use)

    def finish(self, tensor, y, shift, residual, activation):
        if self.grids is None:
            return self.place.activate(y, shift, residual, activation)
        return self.place.requantize(y, shift, residual, self.grids[tensor])

    def conv(self, node):
        weight, bias, shift = folded(self.network, node)
        x, eta, levels = self.used(node["input"]), None, 0
        if self.grids is not None:
            fixed = "dynamic" not in node
            weight = round_rows(weight, fixed and node["groups"] == node["channels"])
            levels = LEVELS
        if dynamic := node.get("dynamic"):
            start, length = dynamic["from"], node["channels"] * dynamic["kernels"]
            vector = self.values[dynamic["coefficients"]][:, start : start + length]
            eta = self.place.coefficients(vector, node["channels"], dynamic["kernels"])
        y = self.place.conv(x, weight, bias, eta, node["stride"], node["groups"], levels)
        residual = self.values[node["residual"]] if "residual" in node else None
        return self.finish(node["output"], y, shift, residual, node["activation"])

    def linear_by(self, node, x):
        weight = self.network.get_parameter(node["params"]["weight"])
        if self.grids is not None:
            weight = round_rows(weight)
        return F.linear(x, weight, self.network.get_parameter(node["params"]["bias"]))

    def coefficients(self, node):
        return torch.sigmoid(self.linear_by(node, self.place.mean(self.used(node["input"]))))

    def maxpool(self, node):
        return self.place.maxpool(self.used(node["input"]))

    def shuffle(self, node):
        left, right = self.used(node["left"]), self.used(node["right"])
        return self.place.shuffle(left, right, node["groups"])

    def globalpool(self, node):
        return self.place.mean(self.used(node["input"]))

    def linear(self, node):
        return self.linear_by(node, self.values[node["input"]["tensor"]])
