"""Numbers of an evaluation against plain counting, and the command on a folder."""

import csv
import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dynedge_torch import build, export_safetensors
from dynedge_torch.folding import fold
from dynedge_train.checkpoint import CheckpointError
from dynedge_train.data.shards import write
from dynedge_train.evaluate import (
    check_classes,
    compare_logits,
    compare_result,
    evaluate,
    load_weights,
)
from dynedge_train.metrics import calibration_error, confusion_matrix, metrics_of
from test_train_run import picture_folder
from train_helpers import coloured

MODELS = Path(__file__).parent.parent
CLASSES = ["blue", "green", "red"]  # sorted, as the folder reader finds them
NAMES = ["a", "b", "c", "d", "e", "f", "g"]


def cases(count=200, seed=4):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, len(NAMES), generator=generator)
    labels = torch.randint(0, 6, (count,), generator=generator)  # class g has no pictures
    logits[torch.arange(count), labels] += 1
    return logits, labels


def test_metrics_against_plain_counting():
    logits, labels = cases()
    found = metrics_of(logits, labels, NAMES)
    order = logits.argsort(1, descending=True).tolist()
    truth = labels.tolist()
    right = sum(row[0] == label for row, label in zip(order, truth))
    assert found["images"] == 200
    assert found["top1"]["correct"] == right and found["top1"]["share"] == right / 200
    assert found["top1"]["low"] < right / 200 < found["top1"]["high"]
    assert found["top5"]["correct"] == sum(label in row[:5] for row, label in zip(order, truth))
    for index, row in enumerate(found["per_class"]):
        mine = [o[0] for o, label in zip(order, truth) if label == index]
        assert (row["images"], row["correct"]) == (len(mine), mine.count(index))
        assert row["taken_for_it"] == sum(
            o[0] == index != label for o, label in zip(order, truth)
        )
        wrong = [answer for answer in mine if answer != index]
        if wrong:
            assert row["mistaken_for"]["images"] == max(wrong.count(w) for w in wrong)
    assert found["per_class"][6]["accuracy"] is None
    shares = [row["accuracy"] for row in found["per_class"][:6]]
    assert found["mean_class_accuracy"] == pytest.approx(sum(shares) / 6)
    assert sum(pair["images"] for pair in found["confused"]) <= 200 - right
    counts = [pair["images"] for pair in found["confused"]]
    assert counts == sorted(counts, reverse=True) and counts[0] > 1
    probabilities = torch.softmax(logits, 1)
    own = probabilities[torch.arange(200), labels]
    assert found["mean_loss"] == pytest.approx(-own.log().mean().item(), rel=1e-5)


def test_top5_of_five_classes_says_nothing():
    logits, labels = cases()
    assert metrics_of(logits[:, :5], labels.clamp(max=4), NAMES[:5])["top5"] is None


def test_calibration_error():
    # Bins of 1/15: 0.9 and 0.92 share one, (0.8667, 0.9333]; 0.5 has another.
    confidence, correct = np.array([0.9, 0.92, 0.5]), np.array([1.0, 0.0, 1.0])
    expected = (abs(1 - 0.9 - 0.92) + abs(1 - 0.5)) / 3
    assert calibration_error(confidence, correct) == pytest.approx(expected)
    assert calibration_error(np.ones(4), np.ones(4)) == 0


def test_comparison_with_logits(tmp_path):
    logits, labels = cases()
    theirs = logits.clone()
    theirs[3] = theirs[3].roll(1)
    theirs += 0.001
    theirs.numpy().tofile(tmp_path / "sdk.f32")
    found = compare_logits(tmp_path / "sdk.f32", logits, labels)
    assert found["answers_that_differ"] == 1
    right = (theirs.argmax(1) == labels).sum().item()
    assert found["top1"]["correct"] == right
    ours = (logits.argmax(1) == labels).sum().item()
    assert found["top1_difference"] == pytest.approx((right - ours) / 200)
    with pytest.raises(CheckpointError, match="expected 199 pictures x 7"):
        compare_logits(tmp_path / "sdk.f32", logits[1:], labels[1:])


def sdk_result(path, predicted, labels, names=NAMES):
    """What compare_result reads of a result of dynedge eval."""
    matrix = confusion_matrix(predicted.numpy(), labels.numpy(), len(names))
    cells = [[int(a), int(b), int(matrix[a, b])] for a, b in zip(*np.nonzero(matrix))]
    right = int((predicted == labels).sum())
    sums = dict(images=len(labels), top1=right, confusion=cells)
    path.write_text(json.dumps(dict(bundle=dict(file="a"), labels=names, sums=sums)))
    return matrix


def test_comparison_with_a_result_of_the_sdk(tmp_path):
    logits, labels = cases()
    ours, theirs = logits.argmax(1), logits.argmax(1)
    theirs[5] = (theirs[5] + 1) % 7
    path = tmp_path / "eval.json"
    sdk_result(path, theirs, labels)
    metrics = metrics_of(logits, labels, NAMES)
    mine = confusion_matrix(ours.numpy(), labels.numpy(), 7)
    found = compare_result(path, metrics, mine, NAMES)
    assert found["answers_that_differ_at_least"] == 1
    change = int((theirs == labels).sum()) - int((ours == labels).sum())
    assert found["top1_difference"] == pytest.approx(change / 200)
    with pytest.raises(CheckpointError, match="200 pictures of 7 classes"):
        compare_result(path, metrics, mine, ["x", *NAMES[1:]])
    path.write_text("{}")
    with pytest.raises(CheckpointError, match="not a result of dynedge eval"):
        compare_result(path, metrics, mine, NAMES)


def weights_file(path, fold_it=False, labels=CLASSES, **changes):
    torch.manual_seed(3)
    network = build("dy-mobile", 0.25, len(labels), 2)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if "running" in name or "bn.bias" in name:
                tensor.add_(torch.rand_like(tensor) * 0.1)
    tensors = network.state_dict()
    facts = dict(network="dy-mobile", width="0.25", g="2", input_size="16")
    facts |= dict(classes=str(len(labels)), labels=labels, mean=[0.5] * 3, std=[0.25] * 3)
    facts = {key: value for key, value in (facts | changes).items() if value is not None}
    export_safetensors(path, fold(tensors) if fold_it else tensors, **facts)
    return path


def test_command(tmp_path):
    data = picture_folder(tmp_path / "data")
    raw = weights_file(tmp_path / "raw.safetensors")
    folded = weights_file(tmp_path / "folded.safetensors", fold_it=True)

    line = [sys.executable, "-m", "dynedge_train.evaluate", str(raw), "--data", str(data)]
    line += ["--out", str(tmp_path / "out"), "--inputs"]
    done = subprocess.run(line, cwd=MODELS, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result == json.loads((tmp_path / "out" / "eval.json").read_text())
    assert result["labels"] == CLASSES and result["metrics"]["images"] == 30
    logits = np.fromfile(tmp_path / "out" / "logits.f32", np.float32).reshape(30, 3)
    assert (tmp_path / "out" / "inputs.u8").stat().st_size == 30 * 16 * 16 * 3
    with open(tmp_path / "out" / "answers.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["predicted"] for row in rows] == [CLASSES[i] for i in logits.argmax(1)]
    right = sum(row["predicted"] == row["label"] for row in rows)
    assert result["metrics"]["top1"]["correct"] == right
    assert all(row["file"].startswith(f"{row['label']}/") for row in rows)

    logits_file = tmp_path / "out" / "logits.f32"
    sdk = evaluate(options_for(folded, data, sdk=logits_file, form="kernels"))["sdk"]
    assert sdk["answers_that_differ"] == 0
    assert sdk["largest_logit_difference"] < 1e-3 * sdk["largest_logit"]


def options_for(weights, data, **changes) -> Namespace:
    options = dict(weights=weights, data=data, split="val", kind="auto", side=None, out=None)
    options |= dict(inputs=False, sdk=None, sdk_json=None, form="batched", threads=1)
    return Namespace(**(options | changes))


def test_shards_are_resized_and_cropped_as_the_weights_say(tmp_path):
    data = coloured(30, classes=CLASSES)
    write({"train": data, "val": data}, tmp_path / "shards")
    weights = weights_file(tmp_path / "w.safetensors", shorter_side="20")
    out = tmp_path / "out"
    result = evaluate(options_for(weights, tmp_path / "shards", out=out, inputs=True))
    assert (result["input"], result["shorter_side"]) == ([16, 16], 20)
    inputs = np.fromfile(out / "inputs.u8", np.uint8).reshape(30, 16, 16, 3)
    picture = Image.fromarray(data.images[7].numpy()).resize((20, 20), Image.Resampling.BILINEAR)
    assert (inputs[7] == np.asarray(picture)[2:18, 2:18]).all()
    # The logits are those of these very pictures.
    network = load_weights(weights)[0]
    x = (torch.from_numpy(inputs).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
    with torch.no_grad():
        expected = network(x).numpy()
    logits = np.fromfile(out / "logits.f32", np.float32).reshape(30, 3)
    np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())


def test_weights_that_cannot_be_evaluated(tmp_path):
    path = tmp_path / "w.safetensors"
    for key in ("mean", "g", "network", "input_size"):
        with pytest.raises(CheckpointError, match=f"lack '{key}'"):
            load_weights(weights_file(path, **{key: None}))
    with pytest.raises(CheckpointError, match="not weights of a dynedge network"):
        load_weights(weights_file(path, g="3"))
    path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="not weights of a dynedge network"):
        load_weights(path)
    with pytest.raises(CheckpointError, match="class 1 is 'y', in the data 'green'"):
        check_classes(path, ["blue", "y", "red"], coloured(6, classes=["blue", "green", "red"]))
    with pytest.raises(CheckpointError, match="2 classes, the data 3"):
        check_classes(path, ["blue", "red"], coloured(6))
