"""Accuracy of weights on a data set, in PyTorch and float32, as JSON.

    python -m dynedge_train.evaluate WEIGHTS.safetensors --data DIR [--split val] [--out DIR]

WEIGHTS is what a run exports or what `dynedge unpack` makes of a bundle, raw or folded. The keys
under "metrics" mean what they mean in `dynedge eval --json`. With --out, the folder gets

    eval.json      what is printed
    answers.csv    file, label, predicted, probability of every picture
    logits.f32     float32 [N, classes]
    inputs.u8      uint8 [N, size, size, 3], with --inputs: for models/sdk_logits.ts

--sdk takes the SDK's logits (of models/sdk_logits.ts), --sdk-json a result of `dynedge eval --json`
of the same pictures; "sdk" in the result then says how far the two answer alike.
"""

import argparse
import csv
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError

from dynedge_torch import FORMS, load_safetensors, set_form

from .augment import framed
from .checkpoint import CheckpointError, first_line, replace_file
from .data import KINDS, SPLITS, DataError, Dataset, open_dataset
from .data.shards import is_shards, read_index
from .log import write_json
from .metrics import confusion_matrix, metrics_of, share
from .score import logits_of

FORMAT = "dynedge-train-eval"


def load_weights(path) -> tuple:
    """-> network in eval mode, facts {network, width, g, input_size, shorter_side, mean, ...}"""
    try:
        network, metadata = load_safetensors(path)
        facts = {key: json.loads(metadata[key]) for key in ("width", "g", "input_size")}
        facts |= {key: json.loads(metadata[key]) for key in ("mean", "std", "labels")}
    except KeyError as error:
        raise CheckpointError(
            f"{path}: its metadata lack {error}; expected weights that dynedge_train exported"
        ) from error
    except (SafetensorError, OSError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: not weights of a dynedge network: {first_line(error)}"
        ) from error
    size = facts["input_size"]
    facts["input_size"] = int(size if isinstance(size, int) else size[0])
    facts["shorter_side"] = int(metadata.get("shorter_side", facts["input_size"]))
    return network, dict(network=metadata["network"], **facts)


def check_classes(path, labels: list[str], data: Dataset) -> None:
    if labels == data.classes:
        return
    if len(labels) != len(data.classes):
        what = f"{len(labels)} classes, the data {len(data.classes)}"
    else:
        index = next(i for i, pair in enumerate(zip(labels, data.classes)) if pair[0] != pair[1])
        what = f"class {index} is {labels[index]!r}, in the data {data.classes[index]!r}"
    raise CheckpointError(f"{path}: {what}; expected the classes that it was trained on")


def compare_logits(path, ours: torch.Tensor, labels: torch.Tensor) -> dict:
    """With the SDK's logits of the same pictures in the same order."""
    theirs = np.fromfile(path, np.float32)
    if theirs.size != ours.numel():
        raise CheckpointError(
            f"{path}: {theirs.size} numbers,"
            f" expected {len(ours)} pictures x {ours.shape[1]} classes"
        )
    theirs = torch.from_numpy(theirs).view_as(ours)
    correct = int((theirs.argmax(1) == labels).sum())
    return dict(
        top1=share(correct, len(labels)),
        top1_difference=(correct - int((ours.argmax(1) == labels).sum())) / len(labels),
        answers_that_differ=int((theirs.argmax(1) != ours.argmax(1)).sum()),
        largest_logit_difference=float((theirs - ours).abs().max()),
        largest_logit=float(ours.abs().max()),
    )


def compare_result(path, metrics: dict, confusion, labels: list[str]) -> dict:
    """With a result of `dynedge eval --json`: at least so many answers differ as its counts do."""
    try:
        theirs = json.loads(Path(path).read_text("utf-8"))
        sums, their_labels = theirs["sums"], theirs["labels"]
        cells = np.zeros_like(confusion)
        for label, predicted, images in sums["confusion"]:
            cells[label, predicted] = images
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise CheckpointError(
            f"{path}: not a result of dynedge eval --json for these classes: {first_line(error)}"
        ) from error
    if their_labels != labels or sums["images"] != metrics["images"]:
        raise CheckpointError(
            f"{path}: of {sums['images']} pictures of {len(their_labels)} classes, expected"
            f" {metrics['images']} of {len(labels)}, the same ones; evaluate the same folder"
        )
    difference = sums["top1"] - metrics["top1"]["correct"]
    return dict(
        bundle=theirs.get("bundle"),
        top1=share(sums["top1"], sums["images"]),
        top1_difference=difference / sums["images"],
        answers_that_differ_at_least=int(np.abs(cells - confusion).sum()) // 2,
    )


def write_answers(path, data: Dataset, logits: torch.Tensor) -> None:
    probability, predicted = torch.softmax(logits.double(), 1).max(1)

    def write(partial):
        with open(partial, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("file", "label", "predicted", "probability"))
            for name, label, answer, p in zip(
                data.names, data.labels.tolist(), predicted.tolist(), probability.tolist()
            ):
                writer.writerow((name, data.classes[label], data.classes[answer], f"{p:.6f}"))

    replace_file(path, write)


def packed_side(path) -> int | None:
    """Side of pictures in shards, which cannot be decoded anew; None for other data."""
    return read_index(path)["side"] if is_shards(path) else None


def evaluate(options) -> dict:
    torch.set_num_threads(options.threads)
    network, facts = load_weights(options.weights)
    size, side = facts["input_size"], facts["shorter_side"]
    stored = options.side or packed_side(options.data) or side
    data = open_dataset(options.data, options.split, stored, options.kind)
    check_classes(options.weights, facts["labels"], data)
    set_form(network, options.form, torch.float32)
    logits = logits_of(network, data.images, size, facts["mean"], facts["std"], side)
    metrics = metrics_of(logits, data.labels, data.classes)
    result = dict(
        format=FORMAT,
        version=1,
        weights=options.weights.name,
        sha256=hashlib.sha256(options.weights.read_bytes()).hexdigest(),
        **{key: facts[key] for key in ("network", "width", "g")},
        precision="float32",
        form=options.form,
        torch=torch.__version__,
        input=[size, size],
        shorter_side=side,
        labels=data.classes,
        data=str(options.data),
        split=options.split,
        metrics=metrics,
        skipped=[dict(file=name, reason=reason) for name, reason in data.skipped],
    )
    if options.sdk:
        result["sdk"] = compare_logits(options.sdk, logits, data.labels)
    if options.sdk_json:
        confusion = confusion_matrix(
            logits.argmax(1).numpy(), data.labels.numpy(), len(data.classes)
        )
        result["sdk"] = result.get("sdk", {}) | compare_result(
            options.sdk_json, metrics, confusion, data.classes
        )
    if options.out:
        write_all(options, result, data, logits, size, side)
    return result


def write_all(options, result: dict, data: Dataset, logits, size: int, side: int) -> None:
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    logits.numpy().tofile(out / "logits.f32")
    write_answers(out / "answers.csv", data, logits)
    if options.inputs:
        framed(data.images, size, side).contiguous().numpy().tofile(out / "inputs.u8")
    write_json(out / "eval.json", result)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m dynedge_train.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="as in training")
    parser.add_argument("--split", choices=SPLITS, default="val")
    parser.add_argument("--kind", choices=KINDS, default="auto")
    parser.add_argument(
        "--side", type=int, help="decode to this side first, then resize; default: as the SDK"
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--inputs", action="store_true", help="write inputs.u8 too")
    parser.add_argument("--sdk", type=Path, help="logits.f32 of the SDK")
    parser.add_argument("--sdk-json", type=Path, help="result of dynedge eval --json")
    parser.add_argument("--form", choices=FORMS, default="batched")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.inputs and not options.out:
        parser.error("--inputs needs --out")
    try:
        result = evaluate(options)
    except (CheckpointError, DataError) as error:
        sys.exit(f"error: {error}")
    print(json.dumps(result, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
