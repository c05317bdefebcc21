"""Draws a training log (train.py's CSV) as a small PNG: accuracy by epoch."""

import argparse
import csv
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("png", type=Path)
    options = parser.parse_args()

    with open(options.log, newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) for row in rows]
    figure, axes = plt.subplots(figsize=(4.8, 3.0), dpi=100)
    curves = {
        "train_accuracy": "training images, augmented",
        "test_accuracy": "first 2,000 test images, averaged weights",
    }
    for column, label in curves.items():
        axes.plot(epochs, [100 * float(row[column]) for row in rows], label=label)
    axes.set(xlabel="epoch", ylabel="top-1 accuracy, %", ylim=(0, 100))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(options.png)


if __name__ == "__main__":
    main()
