"""Tiny data and configurations for the tests of training."""

import torch

from dynedge_train.config import parse
from dynedge_train.data import Dataset
from dynedge_train.loop import Trainer
from dynedge_train.machine import Machine

CLASSES = ["red", "green", "blue"]


def coloured(count: int, seed: int = 1, classes=CLASSES) -> Dataset:
    """Noise of 16x16 with one channel brighter: the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % len(classes)
    images = torch.randint(0, 120, (count, 16, 16, 3), generator=generator, dtype=torch.uint8)
    images[torch.arange(count), :, :, labels % 3] += 100
    names = [f"{classes[label]}/{index}.png" for index, label in enumerate(labels)]
    return Dataset(images, labels, list(classes), names)


def config_of(network="fix-shuffle", **sections):
    table = dict(
        name="tiny",
        network=dict(name=network, width=0.25, g=2),
        data=dict(side=16),
        train=dict(epochs=2, input_size=16, batch=16, peak_lr=0.05, precision="float32"),
        augment=dict(crop_scale=[0.6, 1.0], ops=0.1, colour=0.0),
        mix=dict(mixup=0.3, cutmix=0.3),
    )
    for section, values in sections.items():
        table[section] = table.get(section, {}) | values
    return parse(table)


def trainer_of(out, config=None, form="batched", adopt=False, pictures=80, **sections) -> Trainer:
    config = config or config_of(**sections)
    machine = Machine(config, "cpu", form)
    return Trainer(config, coloured(pictures), coloured(30, seed=2), out, machine, adopt)


def never(_steps) -> bool:
    return False


def after(count: int):
    return lambda steps: steps >= count
