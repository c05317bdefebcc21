"""Files that a cut run resumes from, and weights to start from; all written as a whole."""

import os
import pickle
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from dynedge_torch.export import export_safetensors, read_safetensors

from .config import Config, ConfigError, parse

VERSION = 1


class CheckpointError(Exception):
    """A checkpoint or weights that do not fit; the message says what to do."""


def replace_file(path, write) -> None:
    """`write(partial_path)`, then the file takes its place: a killed run leaves the old one."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    partial.touch()  # gives it the usual permissions; safetensors would make it private
    mode = partial.stat().st_mode
    write(partial)
    partial.chmod(mode)
    os.replace(partial, path)


def save_checkpoint(path, content: dict) -> None:
    replace_file(path, lambda partial: torch.save({"version": VERSION, **content}, partial))


def read_checkpoint(path) -> dict:
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: not a readable checkpoint: {first_line(error)}") from error
    if not isinstance(saved, dict) or saved.get("version") != VERSION:
        found = saved.get("version") if isinstance(saved, dict) else type(saved).__name__
        raise CheckpointError(f"{path}: checkpoint of version {found}, expected {VERSION}")
    return saved


def check_same_run(path, saved: dict, config: Config, data: dict) -> None:
    """A checkpoint resumes only with the configuration and the data that it was made with."""
    remedy = "Use another --out, delete the checkpoint, or say --adopt to go on all the same"
    try:
        before = parse(saved["config"]).as_dict()  # with defaults for keys that are younger
    except ConfigError as error:
        raise CheckpointError(f"{path} has an unknown configuration: {error}. {remedy}") from error
    pairs = (("", before, config.as_dict()), ("data ", saved["data"], data))
    differences = [
        f"{prefix}{key} was {short(old)}, is {short(new)}"
        for prefix, *tables in pairs
        for key, old, new in differing(*tables)
    ]
    if differences:
        found = "; ".join(differences[:6])
        raise CheckpointError(f"{path} belongs to another run: {found}. {remedy}")


def short(value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def differing(old: dict, new: dict, prefix: str = ""):
    """Yields (key, old, new) where two nested tables differ."""
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            yield from differing(a, b, f"{prefix}{key}.")
        elif a != b:
            yield prefix + key, a, b


def first_line(error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def load_initial(network, path, classes: int) -> list[str]:
    """Starts `network` from weights (safetensors) or from a checkpoint's averaged weights.

    All tensors but the classifier must agree. -> names of those that were not loaded.
    """
    tensors, title = initial_tensors(path)
    own = network.state_dict()
    head = classifier_names(network, classes)
    own_names = {name for name in own if not name.endswith("num_batches_tracked")}
    wrong = [
        f"{name} is {shape_of(tensors.get(name))} there, {shape_of(own.get(name))} here"
        for name in sorted((own_names | tensors.keys()) - head)
        if shape_of(tensors.get(name)) != shape_of(own.get(name))
    ]
    if wrong:
        raise CheckpointError(
            f"{path}: weights of another network ({title}): {len(wrong)} of {len(own_names)}"
            f" tensors differ, such as {'; '.join(wrong[:3])}"
        )
    missing = sorted(n for n in head if shape_of(tensors.get(n)) != shape_of(own[n]))
    network.load_state_dict({k: v for k, v in tensors.items() if k not in missing}, strict=False)
    return missing


def initial_tensors(path) -> tuple[dict, str]:
    """-> tensors by name without counters, and what network the file says it holds"""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file, expected weights to start from")
    if path.suffix == ".pt":
        saved = read_checkpoint(path)
        tensors, facts = saved["average"], saved["config"]["network"]
        title = f"{facts['name']} {facts['width']:g}, g {facts['g']}"
    else:
        try:
            tensors, facts = read_safetensors(path)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path}: not a safetensors file: {first_line(error)}") from error
        facts = facts or {}
        title = ", ".join(f"{k} {facts.get(k, 'not said')}" for k in ("network", "width", "g"))
    counters = "num_batches_tracked"
    return {name: t for name, t in tensors.items() if not name.endswith(counters)}, title


def classifier_names(network, classes: int) -> set[str]:
    """State-dict names of the last layer."""
    found = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == classes and "coef" not in name
    ]
    return {f"{found[-1]}.weight", f"{found[-1]}.bias"}


def shape_of(tensor) -> str:
    return "absent" if tensor is None else "x".join(map(str, tensor.shape)) or "0-d"


def export_weights(path, state_dict, config: Config, labels: list[str], **more) -> None:
    """The safetensors file that `dynedge pack` and evaluate.py read; `more` facts for it."""
    size, side = config.train.input_size, config.train.shorter_side_at(config.train.input_size)
    facts = dict(
        network=config.network.name,
        width=f"{config.network.width:g}",
        classes=str(len(labels)),
        g=str(config.network.g),
        input_size=str(size),
        mean=list(config.data.mean),
        std=list(config.data.std),
        shorter_side=str(side),
        resize=f"shorter side to {side} bilinear antialias, centre crop {size}",
        labels=labels,
        **more,
    )
    tensors = {name: t.detach().cpu() for name, t in state_dict.items()}
    replace_file(path, lambda partial: export_safetensors(partial, tensors, **facts))
