"""The graph of a network, node for node that of the SDK's builder (src/networks/).

A graph is what stands under `graph` in a bundle's header: plain dictionaries. Parameters go by
their names in the state dict, so a graph and a network say all about a computation.
"""

from torch import nn

from .build import build, split_name
from .mobile import Mobile
from .mobilenetv2 import STAGES, InvertedResidual, MobileNetV2
from .shuffle import SHUFFLE_GROUPS, Shuffle
from .shufflenetv2 import ShuffleNetV2

IMAGE = "image"
ACTIVATIONS = {nn.Identity: "none", nn.ReLU: "relu", nn.ReLU6: "relu6"}


def graph(name: str, width: float = 1.0, classes: int = 1000, g: int = 6) -> dict:
    """Arguments as of build()."""
    base, width = split_name(name, width)
    network = build(base, width, classes, g)
    return dict(
        network=base,
        width=width,
        classes=classes,
        kernels=g if base.startswith("dy-") else 0,
        input=IMAGE,
        outputs=dict(logits="logits", probabilities="probabilities"),
        nodes=nodes_of(network),
    )


def nodes_of(network) -> list[dict]:
    """Nodes of a network of build(), in the order in which they compute."""
    writer = Writer(network)
    x, classifier = FAMILIES[type(network)](network, writer)
    writer.classifier(x, classifier)
    return writer.nodes


def use(tensor: str, channels: int, start: int | None = None) -> dict:
    part = {} if start is None else {"from": start}
    return dict(tensor=tensor, channels=channels, **part)


class Writer:
    """Appends nodes; every method returns the use of the tensor it makes."""

    def __init__(self, network):
        self.nodes = []
        self.names = {module: name for name, module in network.named_modules()}

    def conv(self, name, x, conv, bn, act=None, residual=None, dynamic=None) -> dict:
        stride, padding = first(conv.stride), first(conv.padding)
        weight = f"{self.names[conv]}.weight"
        params = dict(weight=weight, bn=self.names[bn])
        channels = conv.cout if dynamic else conv.out_channels
        node = dict(
            op="conv",
            name=name,
            input=x,
            output=name,
            channels=channels,
            kernel=conv.weight.shape[2],
            stride=stride,
            padding=padding,
            groups=conv.groups,
            activation=ACTIVATIONS[type(act or nn.Identity())],
        )
        if residual is not None:
            node["residual"] = residual["tensor"]
        if dynamic:
            vector, index = dynamic
            start = index * channels * conv.g
            node["dynamic"] = dict(coefficients=vector, **{"from": start}, kernels=conv.g)
            params["bias"] = f"{self.names[conv]}.bias"
        self.nodes.append(node | dict(params=params))
        return use(name, channels)

    def layer(self, name, x, layer, residual=None, dynamic=None) -> dict:
        return self.conv(name, x, layer.conv, layer.bn, layer.act, residual, dynamic)

    def coefficients(self, name, x, module) -> str:
        prefix = self.names[module.fc]
        params = dict(weight=f"{prefix}.weight", bias=f"{prefix}.bias")
        length = module.fc.out_features
        self.add("coefficients", name, x, length=length, params=params)
        return name

    def add(self, op, name, x, output=None, **more) -> None:
        self.nodes.append(dict(op=op, name=name, input=x, output=output or name, **more))

    def maxpool(self, x) -> dict:
        self.add("maxpool", "maxpool", x, kernel=3, stride=2)
        return use("maxpool", x["channels"])

    def shuffle(self, name, left, right, groups) -> dict:
        node = dict(op="shuffle", name=name, left=left, right=right, output=name, groups=groups)
        self.nodes.append(node)
        return use(name, left["channels"] + right["channels"])

    def classifier(self, x, module) -> None:
        prefix, classes = self.names[module], module.out_features
        params = dict(weight=f"{prefix}.weight", bias=f"{prefix}.bias")
        self.add("globalpool", "pool", x)
        pool = use("pool", x["channels"])
        self.add("linear", "fc", pool, "logits", channels=classes, params=params)
        self.add("softmax", "softmax", use("logits", classes), "probabilities")


def first(value) -> int:
    return value if isinstance(value, int) else value[0]


def mobile(network: Mobile, writer: Writer):
    x = writer.layer("stem", use(IMAGE, 3), network.stem)
    for stage in network.stages:
        for index, block in enumerate(getattr(network, stage)):
            x = mobile_block(f"{stage}.{index}", block, x, writer)
    return writer.layer("last", x, network.last), network.fc


def vector_of(name, module, x, writer: Writer):
    """-> which coefficients the block's convolution `index` takes."""
    if not hasattr(module, "coef"):
        return lambda index: None
    vector = writer.coefficients(f"{name}.coef", x, module.coef)
    return lambda index: (vector, index)


def mobile_block(name, block, x, writer: Writer) -> dict:
    vector = vector_of(name, block, x, writer)
    y = writer.layer(f"{name}.pw1", x, block.pw1, dynamic=vector(0))
    y = writer.layer(f"{name}.dw", y, block.dw, dynamic=vector(1))
    residual = x if block.identity else None
    if block.proj is not None:
        residual = writer.layer(f"{name}.proj", x, block.proj)
    return writer.layer(f"{name}.pw2", y, block.pw2, residual, vector(2))


def dy_shuffle(network: Shuffle, writer: Writer):
    x = writer.maxpool(writer.layer("stem", use(IMAGE, 3), network.stem))
    for stage in ("s2", "s3", "s4"):
        for index, unit in enumerate(getattr(network, stage)):
            x = dy_shuffle_unit(f"{stage}.{index}", unit, x, writer)
    return writer.layer("conv5", x, network.conv5), network.fc


def dy_shuffle_unit(name, unit, x, writer: Writer) -> dict:
    passing, channels = unit.passing, x["channels"]
    left = use(x["tensor"], passing, 0)
    right = use(x["tensor"], channels - passing, passing)
    if unit.L is not None:
        left = writer.layer(f"{name}.L.dw", x, unit.L.dw)
        left = writer.layer(f"{name}.L.pw", left, unit.L.pw)
        right = x
    vector = vector_of(name, unit, right, writer)
    right = writer.layer(f"{name}.R.pw1", right, unit.R.pw1, dynamic=vector(0))
    right = writer.layer(f"{name}.R.dw", right, unit.R.dw, dynamic=vector(1))
    right = writer.layer(f"{name}.R.pw2", right, unit.R.pw2, dynamic=vector(2))
    return writer.shuffle(name, left, right, SHUFFLE_GROUPS)


def sequence(names, modules, x, writer: Writer, residual=None) -> dict:
    """conv, bn, perhaps activation, conv ... of torchvision's networks; residual after the last."""
    modules = list(modules)
    while modules:
        conv, bn = modules.pop(0), modules.pop(0)
        act = modules.pop(0) if modules and type(modules[0]) in ACTIVATIONS else None
        last = None if modules else residual
        x = writer.conv(names.pop(0), x, conv, bn, act, last)
    return x


def mobilenetv2(network: MobileNetV2, writer: Writer):
    stem, *blocks, last = network.features
    x = sequence(["stem"], stem, use(IMAGE, 3), writer)
    names = [f"s{i}.{j}" for i, (_, _, count, _) in enumerate(STAGES, 1) for j in range(count)]
    for name, block in zip(names, blocks, strict=True):
        x = inverted_residual(name, block, x, writer)
    return sequence(["last"], last, x, writer), network.classifier[1]


def inverted_residual(name, block: InvertedResidual, x, writer: Writer) -> dict:
    modules = []
    for part in block.conv:
        modules += list(part) if isinstance(part, nn.Sequential) else [part]
    names = [f"{name}.{part}" for part in ("expand", "dw", "project")]
    names = names[-sum(isinstance(module, nn.Conv2d) for module in modules) :]
    return sequence(names, modules, x, writer, x if block.residual else None)


def shufflenetv2(network: ShuffleNetV2, writer: Writer):
    x = writer.maxpool(sequence(["stem"], network.conv1, use(IMAGE, 3), writer))
    for stage in (2, 3, 4):
        for index, unit in enumerate(getattr(network, f"stage{stage}")):
            x = shuffle_unit(f"s{stage}.{index}", unit, x, writer)
    return sequence(["conv5"], network.conv5, x, writer), network.fc


def shuffle_unit(name, unit, x, writer: Writer) -> dict:
    half = x["channels"] // 2
    left, right = (use(x["tensor"], half, start) for start in (0, half))
    if unit.stride == 2:
        left = sequence([f"{name}.L.dw", f"{name}.L.pw"], unit.branch1, x, writer)
        right = x
    names = [f"{name}.R.{part}" for part in ("pw1", "dw", "pw2")]
    right = sequence(names, unit.branch2, right, writer)
    return writer.shuffle(name, left, right, 2)


FAMILIES = {
    Mobile: mobile,
    Shuffle: dy_shuffle,
    MobileNetV2: mobilenetv2,
    ShuffleNetV2: shufflenetv2,
}
