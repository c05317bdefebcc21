"""Trains a network on a folder of images by class, on CIFAR-10, or on shards.

    python -m dynedge_train CONFIG.toml --data DIR --out DIR

The same command resumes a run that was cut. Exit status: 0 complete, 75 cut (run it again),
1 an error.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import torch

from dynedge_torch.forms import FORMS

from .checkpoint import CheckpointError
from .config import ConfigError, load_config
from .data import DataError, open_dataset
from .loop import Trainer, TrainingError
from .machine import DEVICES, Machine
from .log import say

CUT = 75  # EX_TEMPFAIL


class Cut:
    """Whether to stop: a signal came, or the steps or minutes of this sitting are used up."""

    def __init__(self, steps: int | None, minutes: float | None):
        self.steps = steps
        self.deadline = time.monotonic() + 60 * minutes if minutes else None
        self.signal = None

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.note)

    def note(self, number, _frame) -> None:
        self.signal = signal.Signals(number)
        for other in (signal.SIGTERM, signal.SIGINT):
            signal.signal(other, signal.SIG_DFL)  # a second one ends the process at once
        say(f"{self.signal.name}: stopping after this step")

    def __call__(self, steps: int) -> bool:
        late = self.deadline is not None and time.monotonic() >= self.deadline
        return self.signal is not None or late or (self.steps is not None and steps >= self.steps)


def arguments():
    parser = argparse.ArgumentParser(
        prog="python -m dynedge_train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", type=Path, help="TOML file; models/configs/ has examples")
    parser.add_argument("--data", type=Path, required=True, help="folder of the images")
    parser.add_argument("--out", type=Path, required=True, help="folder for what the run writes")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="replaces a value of the configuration, as in train.epochs=3",
    )
    parser.add_argument("--seed", type=int, help="train.seed")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="CPU threads")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--form", choices=("auto", *FORMS), default="auto")
    parser.add_argument("--max-steps", type=int, help="cut after so many steps of this sitting")
    parser.add_argument("--max-minutes", type=float, help="cut after so many minutes")
    parser.add_argument(
        "--adopt", action="store_true", help="resume although the configuration has changed"
    )
    return parser.parse_args()


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def lock(out: Path):
    """Two runs in one folder would overwrite each other's checkpoints."""
    out.mkdir(parents=True, exist_ok=True)
    file = open(out / "run.lock", "w")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass  # not on Windows
    except OSError as error:
        raise ConfigError(f"{out}: another run writes here; use another --out") from error
    return file


def train(options) -> int:
    overrides = options.set + ([f"train.seed={options.seed}"] if options.seed is not None else [])
    config = load_config(options.config, overrides)
    torch.set_num_threads(options.threads)
    held = lock(options.out)
    cut = Cut(options.max_steps, options.max_minutes)
    machine = Machine(config, options.device, options.form)
    data = config.data
    splits = [open_dataset(options.data, s, data.side, data.kind) for s in ("train", "val")]
    trainer = Trainer(config, *splits, options.out, machine, options.adopt)
    cut.listen()
    complete = trainer.run(cut)
    held.close()
    if not complete:
        state = trainer.state
        say(f"cut at epoch {state['epoch'] + 1}, step {state['step']}; the same command resumes")
    return 0 if complete else CUT


def main() -> None:
    try:
        sys.exit(train(arguments()))
    except (ConfigError, CheckpointError, DataError, TrainingError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
