"""What a run starts from: pictures on the device, weights, a teacher."""

import json
from pathlib import Path

import torch

from dynedge_torch import load_safetensors, set_form

from .augment import Augment, plain
from .checkpoint import CheckpointError, first_line, load_initial
from .config import Config
from .data import DataError, Dataset
from .log import say
from .machine import Machine
from .quantize import attach
from .score import evenly
from .statistics import is_folded, measure_statistics

RESIDENT_SHARE = 0.25  # of a GPU's free memory that the pictures may take
STATISTICS_PICTURES = 256  # for batch norms of weights that a bundle was unpacked to


def check_data(config: Config, train: Dataset, val: Dataset) -> dict:
    """Facts that a checkpoint keeps to know its data again. Throws DataError."""
    if train.classes != val.classes:
        raise DataError(
            f"train has {len(train.classes)} classes, val {len(val.classes)} that are not the same;"
            " give both splits the same class folders"
        )
    if len(train) < config.train.batch:
        raise DataError(
            f"{len(train)} training pictures, fewer than train.batch = {config.train.batch};"
            f" say --set train.batch={max(2, len(train) // 2)} or bring more pictures"
        )
    return dict(
        train=len(train),
        val=len(val),
        side=train.images.shape[1],
        labels=list(train.classes),
        skipped=len(train.skipped) + len(val.skipped),
    )


def resident(images: torch.Tensor, device) -> torch.Tensor:
    """The pictures on the GPU, where they take little of its memory."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if images.nbytes < RESIDENT_SHARE * free:
            return images.to(device)
    return images


def start_from(network, config: Config, train: Dataset, machine: Machine) -> None:
    """Loads `init.weights` into `network`."""
    weights = config.init.weights
    left = load_initial(network, weights, len(train.classes))
    say(f"started from {weights}" + (f"; new: {', '.join(left)}" if left else ""))
    if is_folded(network) and not config.quantize.bits:
        unfold(network, config, train, machine)


def unfold(network, config: Config, train: Dataset, machine: Machine) -> None:
    """Statistics of augmented training pictures, which is what the batch norms will see."""
    chosen = evenly(len(train), STATISTICS_PICTURES)
    generator = torch.Generator().manual_seed(config.train.seed)
    augment = Augment(config.augment, config.data.mean, config.data.std)
    x = augment(train.images[chosen].to(machine.device), config.phases()[0], generator)
    measure_statistics(set_form(network, "batched"), x)
    machine.place(network)
    say(f"batch norms were folded; statistics measured on {len(chosen)} pictures")


def quantize(network, average, config: Config, train: Dataset, machine: Machine, resumed: bool):
    """Lets both compute with the rounding of their int8 bundle (quantize/).

    First ranges are measured on pictures as the exported network will see them; a resumed run
    has its own.
    """
    settings, data, images = config.quantize, config.data, None
    if not resumed:
        chosen, size = evenly(len(train), settings.pictures), config.train.input_size
        side = config.train.shorter_side_at(size)
        images = plain(train.images[chosen], size, data.mean, data.std, side).to(machine.device)
        say(f"ranges measured on {len(images)} pictures")
    attach(network, settings.bits, machine.form, images)
    attach(average, settings.bits, machine.form)


def load_teacher(config: Config, labels: list[str], machine: Machine):
    """The network of `distil.teacher`, for the same labels and the same normalised pictures."""
    path = Path(config.distil.teacher)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file, expected the weights of distil.teacher")
    try:
        teacher, facts = load_safetensors(path)
        theirs = json.loads(facts["labels"])
        scaling = {key: json.loads(facts[key]) for key in ("mean", "std")}
    except Exception as error:  # whatever a file that is not ours leads its readers to
        raise CheckpointError(f"{path}: not weights of a teacher: {first_line(error)}") from error
    if theirs != labels:
        raise CheckpointError(
            f"{path}: the teacher knows {len(theirs)} classes, the data have {len(labels)},"
            " expected the same in the same order; train the teacher on these data"
        )
    for key, values in scaling.items():
        if values != list(getattr(config.data, key)):
            raise CheckpointError(f"{path}: the teacher's {key} is {values}, unlike data.{key}")
    return machine.place(teacher).eval().requires_grad_(False)
