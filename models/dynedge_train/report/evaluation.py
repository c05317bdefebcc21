"""What an evaluation found: of weights in PyTorch, or of a bundle in the SDK; same metrics."""

from dataclasses import dataclass, replace
from pathlib import Path

from . import ReportError
from .files import field, read_csv, read_json

NUMBER = (int, float)
VERSION = 1
TORCH_FORMAT = "dynedge-train-eval"
TORCH_REMEDY = (
    "write it with `python -m dynedge_train.evaluate WEIGHTS.safetensors --data DIR --out DIR`"
)
SDK_FORMAT = "dynedge-eval"
SDK_REMEDY = "write it with `dynedge eval BUNDLE FOLDER --json FILE`"


@dataclass(frozen=True)
class Evaluation:
    """Counts over all images; lists by class index. `correct5`: None for five classes or fewer."""

    path: Path
    what: str  # `dynedge, w8`
    labels: list
    count: int
    correct: int
    correct5: int | None
    calibration_error: float  # expected, 15 bins, 0 to 1
    confidence: float  # mean of the highest probabilities
    class_count: list
    class_correct: list
    confused: list  # (label, answer, times), wrong answers only, most frequent first
    sha256: str  # of the weights or the bundle, the whole file
    precision: str | None = None  # of a bundle's weights: f32 or w8
    answers: dict | None = None  # predicted label by name of the image


def read_checked(path, expected: str, what: str, remedy: str) -> dict:
    """The JSON of an evaluation in the expected format."""
    content = read_json(path, what, remedy)
    found = content.get("format"), content.get("version")
    if found != (expected, VERSION):
        raise ReportError(
            f"{path}: format {found[0]!r}, version {found[1]!r}; expected {expected!r}, {VERSION}; "
            f"{remedy}"
        )
    return content


def from_metrics(content: dict, path, **fields) -> Evaluation:
    """Reads the part that both formats share."""
    among = field(content, "metrics.top5", path, (dict, type(None)))
    rows = field(content, "metrics.per_class", path, list)
    pairs = field(content, "metrics.confused", path, list)
    evaluation = Evaluation(
        path=Path(path),
        labels=field(content, "labels", path, list),
        count=field(content, "metrics.images", path, int),
        correct=field(content, "metrics.top1.correct", path, int),
        correct5=None if among is None else field(among, "correct", path, int),
        calibration_error=field(content, "metrics.calibration_error", path, NUMBER),
        confidence=field(content, "metrics.mean_confidence", path, NUMBER),
        class_count=[field(row, "images", path, int) for row in rows],
        class_correct=[field(row, "correct", path, int) for row in rows],
        confused=[
            tuple(field(pair, key, path) for key in ("label", "predicted", "images"))
            for pair in pairs
        ],
        **fields,
    )
    sums = len(rows), sum(evaluation.class_count), sum(evaluation.class_correct)
    wanted = len(evaluation.labels), evaluation.count, evaluation.correct
    if sums != wanted or not evaluation.count:
        raise ReportError(
            f"{path}: classes, images and right answers by class come to {sums}, expected {wanted}"
        )
    return evaluation


def read_torch(path) -> Evaluation:
    """The eval.json of `python -m dynedge_train.evaluate`, of the validation set."""
    content = read_checked(path, TORCH_FORMAT, "evaluation of the weights", TORCH_REMEDY)
    split = field(content, "split", path, str)
    if split != "val":
        raise ReportError(f"{path}: evaluation of the split {split!r}, expected 'val'")
    sha256 = field(content, "sha256", path, str)
    return from_metrics(content, path, what="PyTorch, float32", sha256=sha256)


def read_sdk(path, precision: str) -> Evaluation:
    """What `dynedge eval --json` wrote of the bundle of this precision, all shards merged."""
    content = read_checked(path, SDK_FORMAT, f"evaluation of the {precision} bundle", SDK_REMEDY)
    ran = field(content, "bundle.precision", path, str)
    if ran != precision:
        raise ReportError(f"{path}: evaluation of a bundle in {ran}, expected one in {precision}")
    have, of = field(content, "shards.have", path, list), field(content, "shards.of", path, int)
    if len(have) != of:
        raise ReportError(
            f"{path}: {len(have)} of {of} shards; put them together with `dynedge eval --merge`"
        )
    sha256 = field(content, "bundle.sha256", path, str)
    return from_metrics(
        content, path, what=f"dynedge, {precision}", sha256=sha256, precision=precision
    )


def with_answers(evaluation: Evaluation, path) -> Evaluation:
    """Adds the answers to single images: a CSV with the columns file, label, predicted."""
    rows = read_csv(path, "answers to single images", "both evaluation commands can write them")
    missing = {"file", "label", "predicted"} - rows[0].keys()
    if missing:
        raise ReportError(f"{path}: no columns {sorted(missing)}; expected file, label, predicted")
    answers = {row["file"]: row["predicted"] for row in rows}
    right = sum(row["label"] == row["predicted"] for row in rows)
    if (len(answers), right) != (evaluation.count, evaluation.correct):
        raise ReportError(
            f"{path}: {right} of {len(answers)} images right, {evaluation.path} has "
            f"{evaluation.correct} of {evaluation.count}: they are of different evaluations; let "
            "one run write both"
        )
    return replace(evaluation, answers=answers)
