"""Weights of an int8 bundle as logical tensors: the layouts at the end of docs/quantization.md.

Here, and nowhere else in Python, is known in which order lanes and weights lie.
"""

from dataclasses import dataclass

import numpy as np

BLOCK = dict(pointwise=8, full=8, linear=8, depthwise=8, grouped2=8, grouped6=12)
SIX_IN = (0, 1, 2, 3, 6, 7, 8, 9, 4, 5, 10, 11)
SIX_OUT = (0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11)
TWO_OUT = (0, 2, 4, 6, 1, 3, 5, 7)


@dataclass(frozen=True)
class Fixed:
    """weight int64 as PyTorch's [rows, ...], bias int64 [rows], factor float32 [rows]"""

    weight: np.ndarray
    bias: np.ndarray
    factor: np.ndarray


@dataclass(frozen=True)
class Dynamic:
    """weight int64 [Cout, g, K], scale float32 [Cout, g], bias float32 [Cout, 1 + g]: b0 first"""

    weight: np.ndarray
    scale: np.ndarray
    bias: np.ndarray


def kind_of(node: dict) -> str:
    if node["op"] != "conv":
        return "linear"
    groups, channels = node["groups"], node["channels"]
    if groups == 1:
        return "full" if node["kernel"] > 1 or node["padding"] else "pointwise"
    return {1: "depthwise", 2: "grouped2", 6: "grouped6"}[channels // groups]


def in_blocks(channels: int, order) -> list[int]:
    """Lanes -> channels, -1 for padding; `order` of a block of channels, repeated."""
    size = len(order)
    blocks = range(0, channels, size)
    return [b + i if b + i < channels else -1 for b in blocks for i in order]


def plain(channels: int, multiple: int = 4) -> list[int]:
    return list(range(channels)) + [-1] * (-channels % multiple)


def pairs(channels: int) -> list[int]:
    half = channels // 2
    lanes = [lane // 2 + lane % 2 * half for lane in range(channels)]
    return lanes + [-1] * (-channels % 4)


def lanes_of(graph: dict) -> dict[str, list[int]]:
    """Channel of every lane of every tensor."""
    wishes = {}
    for node in graph["nodes"]:
        if node["op"] == "shuffle":
            left, right = node["left"], node["right"]
            halved = node["groups"] == 4 and left["channels"] == right["channels"]
            for part in (left, right):
                if "from" not in part:
                    order = pairs if halved else plain
                    wishes[part["tensor"]] = order(part["channels"])
        elif node["op"] == "conv":
            channels, kind = node["channels"], kind_of(node)
            if kind == "grouped6":
                wishes[node["input"]["tensor"]] = in_blocks(channels, SIX_IN)
                wishes[node["output"]] = in_blocks(channels, SIX_OUT)
            elif kind == "grouped2":
                wishes[node["input"]["tensor"]] = plain(channels, 8)
                wishes[node["output"]] = in_blocks(channels, TWO_OUT)
    lanes = {graph["input"]: plain(3)}
    for node in graph["nodes"]:
        output = node["output"]
        if node["op"] == "coefficients":
            lanes[output] = coefficient_lanes(graph, output, wishes)
        else:
            lanes[output] = wishes.get(output) or plain(channels_of(node))
    return lanes


def channels_of(node: dict) -> int:
    if node["op"] == "shuffle":
        return node["left"]["channels"] + node["right"]["channels"]
    return node["channels"] if "channels" in node else node["input"]["channels"]


def coefficient_lanes(graph: dict, vector: str, wishes: dict) -> list[int]:
    """Coefficients [lane][g] of the convolutions that take them, lanes of padding left out."""
    takers = [
        node
        for node in graph["nodes"]
        if node["op"] == "conv" and node.get("dynamic", {}).get("coefficients") == vector
    ]
    lanes = []
    for node in sorted(takers, key=lambda node: node["dynamic"]["from"]):
        start, g = node["dynamic"]["from"], node["dynamic"]["kernels"]
        for channel in wishes.get(node["output"]) or plain(node["channels"]):
            if channel >= 0:
                lanes += [start + channel * g + i for i in range(g)]
    return lanes + [-1] * (-len(lanes) % 4)


def used_lanes(use: dict, lanes: list[int]) -> list[int]:
    """Channels of `use` by lane, from its first lane on; trailing padding is cut."""
    start = use.get("from", 0)
    end = start + use["channels"] if "from" in use else len(lanes)
    while lanes[end - 1] < 0:
        end -= 1
    return [-1 if channel < 0 else channel - start for channel in lanes[start:end]]


def taps_of(node: dict, lanes: list[int]) -> np.ndarray:
    """Index in a row of PyTorch's weight of every k that a lane sums; -1: nothing."""
    kind, taps = kind_of(node), []
    area = node.get("kernel", 1) ** 2

    def quads(values) -> None:
        taps.extend(values)
        taps.extend([-1] * (-len(taps) % 4))

    if kind == "depthwise":
        taps = list(range(area))
    elif kind in ("pointwise", "linear"):
        quads(used_lanes(node["input"], lanes))
    elif kind == "full":
        channels = used_lanes(node["input"], lanes)
        for tap in range(area):
            quads([-1 if c < 0 else c * area + tap for c in channels])
    else:
        if kind == "grouped6":
            for tap in range(9):
                quads([member * 9 + tap for member in range(4)])
        last = (4, 5) if kind == "grouped6" else (0, 1)
        for tap in range(0, 9, 2):
            both = range(tap, min(tap + 2, 9))
            quads([member * 9 + each for each in both for member in last])
    return np.array(taps)


def unpack(graph: dict, tensors: dict[str, np.ndarray]) -> dict[str, Fixed | Dynamic]:
    """`tensors` of a bundle by name, flat and with padding at their ends -> layers by node name."""
    lanes = lanes_of(graph)
    layers = {}
    for node in graph["nodes"]:
        if node["op"] in ("conv", "linear", "coefficients"):
            rows = np.array(lanes[node["output"]])
            taps = taps_of(node, lanes[node["input"]["tensor"]])
            layers[node["name"]] = unpack_layer(node, rows, taps, tensors)
    return layers


def unpack_layer(node, rows, taps, tensors) -> Fixed | Dynamic:
    def tensor(part: str) -> np.ndarray:
        return tensors[f"{node['name']}.{part}"]

    lane, k = np.nonzero(rows >= 0)[0], np.nonzero(taps >= 0)[0]
    channel, count, length = rows[lane], int(rows.max()) + 1, len(k)
    lane, k = lane[:, None], k[None]
    kind = kind_of(node)
    if "dynamic" in node:
        g, depth = node["dynamic"]["kernels"], 12 if kind == "depthwise" else len(taps)
        weight = np.zeros((count, g, length), np.int64)
        stored = np.arange(len(lane))[:, None]  # padding lanes have no kernels
        quad = stored * (depth // 4) + k // 4
        for i in range(g):
            index = ((quad * ((g + 1) // 2) + i // 2) * 4 + k % 4) * 2 + i % 2
            weight[channel[:, None], i, taps[k]] = tensor("weight")[index]
        scale, bias = np.zeros((count, g), np.float32), np.zeros((count, g + 1), np.float32)
        scale[channel] = tensor("scale")[: len(lane) * g].reshape(-1, g)
        bias[channel] = tensor("bias")[: len(lane) * (g + 1)].reshape(-1, g + 1)
        return Dynamic(weight, scale, bias)
    block = BLOCK[kind]
    if kind == "depthwise":
        index = (lane // 8) * 72 + k * 8 + lane % 8
    else:
        quads = len(taps) // 4
        index = ((lane // block) * quads + k // 4) * 4 * block + lane % block * 4 + k % 4
    weight = np.zeros((count, length), np.int64)
    weight[channel[:, None], taps[k]] = tensor("weight")[index]
    bias, factor = np.zeros(count, np.int64), np.zeros(count, np.float32)
    bias[channel] = tensor("bias")[lane[:, 0]]
    factor[channel] = tensor("factor")[lane[:, 0]]
    return Fixed(weight, bias, factor)
