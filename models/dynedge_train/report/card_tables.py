"""The parts of a model card that come from evaluations and bundles."""

from . import ReportError
from .evaluation import Evaluation
from .intervals import wilson
from .markdown import cell, collapsed, listed, percent, table, whole

OPEN_CLASSES = 20  # longer tables are folded away
CONFUSIONS = 12  # most frequent ones shown
WEAKEST = 3
CONFIDENCE_BAND = 0.05  # of mean confidence around accuracy, within which a card does not warn
NONE = "–"


def interval_text(correct: int, count: int) -> str:
    interval = wilson(correct, count)
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"


def accuracy_table(evaluations) -> str:
    """One row per evaluation: PyTorch, and bundles in dynedge."""
    head = ["", "top-1, %", "95 % interval", "correct", "top-5, %", "calibration error, %"]
    rows = [
        [
            evaluation.what,
            f"{100 * evaluation.correct / evaluation.count:.2f}",
            interval_text(evaluation.correct, evaluation.count),
            whole(evaluation.correct),
            top5_text(evaluation),
            f"{100 * evaluation.calibration_error:.2f}",
        ]
        for evaluation in evaluations
    ]
    return table(head, rows)


def top5_text(evaluation: Evaluation) -> str:
    if evaluation.correct5 is None:
        return NONE
    return f"{100 * evaluation.correct5 / evaluation.count:.2f}"


def agreement_text(torch: Evaluation, bundles) -> str:
    """How far the bundles answer like PyTorch; empty without bundles."""
    lines = []
    for bundle in bundles:
        change = 100 * (bundle.correct - torch.correct) / torch.count
        line = f"{bundle.what} against {torch.what}: {change:+.2f} points"
        if torch.answers and bundle.answers:
            line += f", the same answer for {agreed(torch, bundle)}"
        lines.append(f"- {line}.\n")
    return "\n" + "".join(lines) if lines else ""


def agreed(first: Evaluation, second: Evaluation) -> str:
    """`9,987 of 10,000 images (99.87 %)`, matched by name."""
    if first.answers.keys() != second.answers.keys():
        odd = sorted(first.answers.keys() ^ second.answers.keys())
        raise ReportError(
            f"the predictions of {first.path} and {second.path} are of different images, such as "
            f"{odd[0]}; evaluate one folder with both"
        )
    same = sum(first.answers[name] == second.answers[name] for name in first.answers)
    return f"{whole(same)} of {whole(first.count)} images ({percent(same / first.count)})"


def by_accuracy(evaluation: Evaluation) -> list:
    """[(label, correct, count)], best first; equal ones by label."""
    rows = zip(evaluation.labels, evaluation.class_correct, evaluation.class_count)
    seen = [row for row in rows if row[2]]
    return sorted(seen, key=lambda row: (-row[1] / row[2], row[0]))


def weakest_text(evaluation: Evaluation) -> str:
    rows = sorted(by_accuracy(evaluation), key=lambda row: (row[1] / row[2], row[0]))[:WEAKEST]
    names = listed([f"{cell(label)} ({percent(right / of, 1)})" for label, right, of in rows])
    return f"Weakest classes: {names}."


def calibration_text(evaluation: Evaluation) -> str:
    """Whether its probabilities can be taken at their word."""
    error = percent(evaluation.calibration_error, 1)
    gap = evaluation.confidence - evaluation.correct / evaluation.count
    text = (
        f"Its probabilities miss its accuracy by {error} on average (expected calibration error); "
        f"their mean is {percent(evaluation.confidence, 1)}"
    )
    if abs(gap) <= CONFIDENCE_BAND:
        return text + "."
    return text + (": it is too sure of itself." if gap > 0 else ": it knows more than it says.")


def confusion_table(evaluation: Evaluation) -> str:
    """The most frequent wrong answers."""
    sizes = dict(zip(evaluation.labels, evaluation.class_count))
    rows = [
        [truth, answer, whole(times), percent(times / sizes[truth], 1)]
        for truth, answer, times in evaluation.confused[:CONFUSIONS]
    ]
    if not rows:
        return "Nothing, on these images.\n"
    return table(["it is", "it says", "times", "of the class"], rows)


def class_section(evaluation: Evaluation) -> str:
    """Accuracy by class, in a fold where there are many."""
    rows = [
        [label, f"{100 * right / of:.1f}", whole(right), whole(of)]
        for label, right, of in by_accuracy(evaluation)
    ]
    text = table(["class", "accuracy, %", "correct", "of"], rows)
    if len(rows) <= OPEN_CLASSES:
        return f"### By class\n\n{text}"
    return collapsed(f"Accuracy by class ({len(rows)} classes)", text)


def bundle_rows(paths) -> str:
    """Rows of the card's first table: bundles that lie in the folder."""
    return "".join(
        f"| `{path.name}` | {path.stat().st_size / 1e6:.2f} MB |\n" for path in sorted(paths)
    )
