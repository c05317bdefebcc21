"""Accuracy, calibration, confusions of logits; the keys are those of `dynedge eval --json`."""

import numpy as np
import torch

from .report.intervals import wilson
from .score import top

BINS = 15  # of confidence
CONFUSED_KEPT = 30


def share(correct: int, count: int) -> dict:
    interval = wilson(correct, count)
    return dict(correct=correct, share=interval.value, low=interval.low, high=interval.high)


def confusion_matrix(predicted, labels, classes: int) -> np.ndarray:
    """-> int64 [true, predicted]"""
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def calibration_error(confidence, correct) -> float:
    """Expected calibration error: |accuracy - confidence| over 15 equal bins of (0, 1]."""
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, correct - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def class_rows(confusion, labels: list[str]) -> list[dict]:
    rows = []
    for index, label in enumerate(labels):
        images, correct = int(confusion[index].sum()), int(confusion[index, index])
        wrong = confusion[index].copy()
        wrong[index] = 0
        most = int(wrong.argmax())
        mistaken = dict(index=most, label=labels[most], images=int(wrong[most]))
        rows.append(
            dict(
                index=index,
                label=label,
                images=images,
                correct=correct,
                accuracy=correct / images if images else None,
                taken_for_it=int(confusion[:, index].sum()) - correct,
                mistaken_for=mistaken if wrong[most] else None,
            )
        )
    return rows


def confused_pairs(confusion, labels: list[str]) -> list[dict]:
    """Most frequent mistakes first."""
    wrong = confusion - np.diag(np.diag(confusion))
    cells = [(int(wrong[a, b]), int(a), int(b)) for a, b in zip(*np.nonzero(wrong))]
    ranked = sorted(cells, key=lambda cell: (-cell[0], cell[1], cell[2]))[:CONFUSED_KEPT]
    return [
        dict(
            label=labels[a],
            predicted=labels[b],
            images=count,
            share=count / int(confusion[a].sum()),
        )
        for count, a, b in ranked
    ]


def metrics_of(logits: torch.Tensor, labels: torch.Tensor, names: list[str]) -> dict:
    """logits float32 [N, classes], labels int64 [N] -> the metrics of `dynedge eval`"""
    count, classes = logits.shape
    log_p = torch.log_softmax(logits.double(), 1)
    confidence, predicted = log_p.exp().max(1)
    correct = (predicted == labels).double()
    confusion = confusion_matrix(predicted.numpy(), labels.numpy(), classes)
    rows = class_rows(confusion, names)
    accuracies = [row["accuracy"] for row in rows if row["images"]]
    return dict(
        images=count,
        top1=share(int(correct.sum()), count),
        top5=share(top(logits, labels, 5), count) if classes > 5 else None,
        mean_class_accuracy=sum(accuracies) / len(accuracies),
        mean_loss=float(-log_p.gather(1, labels[:, None]).mean()),
        mean_confidence=float(confidence.mean()),
        calibration_error=calibration_error(confidence.numpy(), correct.numpy()),
        per_class=rows,
        confused=confused_pairs(confusion, names),
    )
