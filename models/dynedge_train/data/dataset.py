"""What every reader returns, and how it says that it cannot."""

import sys
from dataclasses import dataclass, field

import torch
from tqdm import tqdm


class DataError(Exception):
    """Data that cannot be trained on; the message says what was found and what to do."""


@dataclass
class Dataset:
    """One split, decoded and in memory."""

    images: torch.Tensor  # uint8 [N, S, S, 3], RGB
    labels: torch.Tensor  # int64 [N], index into classes
    classes: list[str]  # readable label of each class
    names: list[str]  # CLASS/file.jpg of each image, for reports
    skipped: list[tuple[str, str]] = field(default_factory=list)  # (name, reason)

    def __len__(self) -> int:
        return len(self.names)


def say(message: str) -> None:
    """A line for the person who runs the command, past any progress bar."""
    tqdm.write(message, file=sys.stderr)


def check_side(side: int) -> None:
    if type(side) is not int or not 1 <= side <= 4096:
        raise DataError(f"side is {side!r}, expected a whole number of pixels from 1 to 4096")
