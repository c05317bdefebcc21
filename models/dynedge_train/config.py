"""Configuration of a run: TOML -> checked dataclasses.

    [network] name, width, g          [augment] see augment.py
    [data]    kind, side, mean, std   [distil]  teacher, weight, temperature
    [train]   see Train               [init]    weights
    [quantize] see quantize/          [mix]     see mix.py

`name` at the top names the exported file; by default it is the name of the configuration file.
"""

import dataclasses
import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import get_args, get_origin, get_type_hints

from dynedge_torch import NETWORKS

from .augment import AugmentSettings
from .data import KINDS
from .mix import MixSettings
from .quantize.settings import QuantizeSettings

OPTIMISERS = ("sgd", "adamw", "muon")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class ConfigError(ValueError):
    """A configuration that cannot be run; the message says which key, and what is expected."""


def require(holds: bool, key: str, value, expected: str) -> None:
    if not holds:
        raise ConfigError(f"{key} is {value!r}, expected {expected}")


def require_one_of(key: str, value, known) -> None:
    if value not in known:
        hint = nearest(value, known)
        raise ConfigError(f"{key} is {value!r}, expected one of {', '.join(known)}{hint}")


def nearest(word: str, known) -> str:
    close = difflib.get_close_matches(word, list(known), 1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


@dataclass(frozen=True)
class Network:
    name: str
    width: float = 1.0
    g: int = 6  # fixed kernels per output channel of a dynamic convolution

    def __post_init__(self):
        require_one_of("network.name", self.name, NETWORKS)
        require(0.1 <= self.width <= 4, "network.width", self.width, "0.1 to 4")
        require(1 <= self.g <= 16, "network.g", self.g, "1 to 16")


@dataclass(frozen=True)
class Data:
    kind: str = "auto"
    side: int = 64  # pixels of the stored square pictures
    mean: tuple[float, ...] = IMAGENET_MEAN  # of RGB, in units of 255
    std: tuple[float, ...] = IMAGENET_STD

    def __post_init__(self):
        require_one_of("data.kind", self.kind, KINDS)
        require(8 <= self.side <= 1024, "data.side", self.side, "8 to 1024 pixels")
        for key in ("mean", "std"):
            values = getattr(self, key)
            require(len(values) == 3, f"data.{key}", values, "three numbers: red, green, blue")
        require(all(0 <= value <= 1 for value in self.mean), "data.mean", self.mean, "0 to 1")
        require(all(0 < value <= 1 for value in self.std), "data.std", self.std, "above 0, to 1")


@dataclass(frozen=True)
class Train:
    epochs: int = 0  # 0: the sum of `sizes`; else `sizes` are shares of it
    sizes: tuple[tuple[int, int], ...] = ()  # (input size, epochs), in order; (): input_size only
    input_size: int = 64  # of the last validation and the exported network
    shorter_side: int = 0  # of whole pictures there, before the crop in the middle; 0: input_size
    batch: int = 128  # pictures per step; what is left of an epoch is dropped
    seed: int = 1
    optimiser: str = "sgd"  # Nesterov momentum; adamw; muon (muon.py)
    peak_lr: float = 0.1
    coefficient_lr: float = 1.0  # factor on the learning rate of coefficient modules
    momentum: float = 0.9  # of sgd
    plain_lr: float = 2e-3  # muon: peak rate of the parameters that AdamW moves
    plain_decay: float = 0.05  # muon: their weight decay
    warm_up: float = 0.05  # share of the run; then cosine to zero
    weight_decay: float = 1e-4  # of convolution and FC weights, not of biases and batch norm
    smoothing: float = 0.1  # of labels
    ema: float = 0.999  # decay per step of the averaged weights; 0: none
    clip: float = 0.0  # largest gradient norm; 0: no limit
    monitor: int = 2000  # validation pictures scored after an epoch; 0: all
    precision: str = "auto"  # float32 on a CPU, bfloat16 or float16 on a GPU
    checkpoint_minutes: float = 10.0  # longest time without a checkpoint

    def __post_init__(self):
        require_one_of("train.optimiser", self.optimiser, OPTIMISERS)
        require_one_of("train.precision", self.precision, PRECISIONS)
        sizes = self.sizes
        require(all(e >= 1 for _, e in sizes), "train.sizes", sizes, "an epoch or more of each")
        for size in (self.input_size, *(size for size, _ in sizes)):
            require(16 <= size <= 1024, "input size", size, "16 to 1024 pixels")
        limits = dict(
            epochs=(0, 100_000),
            batch=(2, 65_536),
            seed=(0, 2**32 - 1),
            peak_lr=(1e-9, 100),
            coefficient_lr=(0, 100),
            momentum=(0, 0.9999),
            plain_lr=(1e-9, 100),
            plain_decay=(0, 1),
            warm_up=(0, 0.9),
            weight_decay=(0, 1),
            smoothing=(0, 0.9),
            ema=(0, 0.999999),
            clip=(0, 1e9),
            monitor=(0, 2**31),
            checkpoint_minutes=(0.001, 1e6),
        )
        for key, (low, high) in limits.items():
            value = getattr(self, key)
            require(low <= value <= high, f"train.{key}", value, f"{low} to {high}")
        if self.shorter_side:
            least, expected = self.input_size, "train.input_size or more: the crop lies inside"
            value = self.shorter_side
            require(least <= value <= 2048, "train.shorter_side", value, expected)
        if not self.epochs and not sizes:
            raise ConfigError("train has neither epochs nor sizes, expected one of them or both")
        if 0 < self.epochs < len(sizes):
            raise ConfigError(f"train.epochs is {self.epochs}, fewer than the {len(sizes)} sizes")

    def shorter_side_at(self, size: int) -> int:
        """Of whole pictures when the network's input is `size`."""
        return round(size * (self.shorter_side or self.input_size) / self.input_size)


@dataclass(frozen=True)
class Distil:
    """loss = (1 - weight) cross entropy + weight T^2 KL(teacher || network), both at T."""

    teacher: str = ""  # weights (safetensors) of a network for the same classes; "": none
    weight: float = 0.5
    temperature: float = 2.0

    def __post_init__(self):
        require(0 <= self.weight <= 1, "distil.weight", self.weight, "0 to 1")
        value = self.temperature
        require(0.1 <= value <= 100, "distil.temperature", value, "0.1 to 100")


@dataclass(frozen=True)
class Init:
    weights: str = ""  # safetensors, or a checkpoint.pt, to start from; "": random
    zero_residual: bool = False  # blocks with a shortcut start as the identity


@dataclass(frozen=True)
class Config:
    name: str
    network: Network
    train: Train
    data: Data = field(default_factory=Data)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    mix: MixSettings = field(default_factory=MixSettings)
    distil: Distil = field(default_factory=Distil)
    init: Init = field(default_factory=Init)
    quantize: QuantizeSettings = field(default_factory=QuantizeSettings)

    def __post_init__(self):
        if self.quantize.bits:
            only = "float32: [quantize] computes in it"
            require(self.train.precision == "float32", "train.precision", self.train.precision, only)
            start = "trained weights: [quantize] keeps the statistics of their batch norms"
            require(bool(self.init.weights), "init.weights", self.init.weights, start)

    def as_dict(self) -> dict:
        """Plain values only, equal to those of another configuration if and only if it is equal."""
        values = plain_values(dataclasses.asdict(self))
        if not self.quantize.bits:
            del values["quantize"]  # off: a run from before there was such a table
        return values

    def phases(self) -> list[int]:
        """Input size of every epoch."""
        train = self.train
        sizes = train.sizes or ((train.input_size, 1),)
        total = sum(epochs for _, epochs in sizes)
        wanted = train.epochs or total
        plan, before = [], 0
        for index, (size, epochs) in enumerate(sizes):
            before += epochs
            later = len(sizes) - 1 - index  # every size keeps an epoch at least
            end = min(max(round(wanted * before / total), len(plan) + 1), wanted - later)
            plan += [size] * (end - len(plan))
        return plan


def plain_values(value):
    if isinstance(value, dict):
        return {key: plain_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(item) for item in value]
    return value


def load_config(path, overrides=()) -> Config:
    """`overrides`: "section.key=value" texts, the value as TOML. Throws ConfigError."""
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; expected a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    table.setdefault("name", path.stem)
    for text in overrides:
        override(table, text)
    try:
        return parse(table)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def override(table: dict, text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text!r}, expected key=value such as train.epochs=3")
    try:
        value = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        pass  # a bare word is text
    *sections, last = key.strip().split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {text!r}: {section} has no keys of its own")
    table[last] = value


def parse(table: dict) -> Config:
    """A nested table -> Config; every key must be known and of its type."""
    return make(Config, table, "")


def make(kind, table, prefix: str):
    if not isinstance(table, dict):
        raise ConfigError(f"{prefix[:-1]} is {table!r}, expected a table [{prefix[:-1]}]")
    fields = {item.name: item for item in dataclasses.fields(kind) if item.init}
    for key in table:
        if key not in fields:
            known = ", ".join(fields)
            raise ConfigError(f"unknown key {prefix}{key}{nearest(key, fields)} (known: {known})")
    types, empty = get_type_hints(kind), dataclasses.MISSING
    for key, item in fields.items():
        if key not in table and item.default is empty and item.default_factory is empty:
            raise ConfigError(f"{prefix}{key} is missing")
    values = {key: convert(value, types[key], prefix + key) for key, value in table.items()}
    try:
        return kind(**values)
    except ConfigError:
        raise
    except (ValueError, TypeError) as error:
        raise ConfigError(f"[{prefix[:-1]}] {error}") from error


def convert(value, kind, key: str):
    """`value` as `kind`, which a field of a dataclass declares."""
    if dataclasses.is_dataclass(kind):
        return make(kind, value, key + ".")
    if isinstance(kind, UnionType):
        return convert(value, next(k for k in get_args(kind) if k is not type(None)), key)
    origin = get_origin(kind) or kind
    if origin in (tuple, list):
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{key} is {value!r}, expected a list")
        kinds = [k for k in get_args(kind) if k is not Ellipsis]
        item_kinds = kinds * len(value) if len(kinds) == 1 else kinds
        if len(item_kinds) != len(value):
            raise ConfigError(f"{key} is {value!r}, expected {len(item_kinds)} values")
        return origin(convert(v, k, key) for v, k in zip(value, item_kinds))
    if origin is float and type(value) is int:
        return float(value)
    if type(value) is not origin:
        names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        raise ConfigError(f"{key} is {value!r}, expected {names.get(origin, origin.__name__)}")
    return value
