"""What a run leaves to look at: progress, log.csv, curve.png, run.json."""

import csv
import json
import sys
import time
from datetime import UTC, datetime

from tqdm import tqdm

from .checkpoint import replace_file

COLUMNS = (
    "epoch",
    "size",
    "lr",
    "loss",
    "train_accuracy",
    "val_top1",
    "val_top5",
    "seconds",
    "images_per_second",
)
LINE_SECONDS = 30  # between lines where there is no terminal for a bar


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def say(message: str) -> None:
    tqdm.write(message, file=sys.stderr)
    sys.stderr.flush()


class Progress:
    """A bar on a terminal, a line now and then anywhere else."""

    def __init__(self, title: str, total: int, done: int = 0, unit: str = "step"):
        self.title, self.total, self.done, self.unit = title, total, done, unit
        # None: tqdm itself looks whether stderr is a terminal.
        self.bar = tqdm(total=total, initial=done, desc=title, unit=unit, disable=None, leave=False)
        self.began = self.last = time.monotonic()
        self.first, self.text = done, ""

    def step(self) -> None:
        self.done += 1
        self.bar.update()
        if self.bar.disable and time.monotonic() - self.last >= LINE_SECONDS:
            self.last = time.monotonic()
            rate = (self.done - self.first) / (self.last - self.began)
            left = (self.total - self.done) / rate
            speed = f"{rate:.2f} {self.unit}/s, {left:.0f} s left"
            say(f"{self.title}: {self.done} of {self.total}, {speed}{self.text}")

    def show(self, **values) -> None:
        self.text = "".join(f", {key} {value:.3f}" for key, value in values.items())
        self.bar.set_postfix({key: f"{value:.3f}" for key, value in values.items()}, refresh=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bar.close()


def write_log(path, history: list[dict]) -> None:
    def write(partial):
        with open(partial, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(history)

    replace_file(path, write)


def write_json(path, content: dict) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    replace_file(path, lambda partial: partial.write_text(text, "utf-8"))


def draw_curve(path, history: list[dict], title: str) -> None:
    """Loss and accuracy by epoch."""
    from matplotlib.figure import Figure

    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(7.2, 3.0), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [row["loss"] for row in history], color="tab:red", label="training loss")
    left.set(xlabel="epoch", title=title)
    curves = {
        "train_accuracy": "training, augmented",
        "val_top1": "validation, top-1",
        "val_top5": "validation, top-5",
    }
    for column, label in curves.items():
        right.plot(epochs, [100 * row[column] for row in history], label=label)
    right.set(xlabel="epoch", ylabel="accuracy, %", ylim=(0, 100))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    replace_file(path, lambda partial: figure.savefig(partial, format="png"))
