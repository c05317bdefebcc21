"""Whole runs on tiny data: cut and resumed, resumed wrongly, started from weights, gone astray."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open

from dynedge_torch import build, export_safetensors, load_safetensors, planes
from dynedge_train import loop
from dynedge_train.checkpoint import CheckpointError, load_initial
from dynedge_train.config import ConfigError
from dynedge_train.data import DataError
from dynedge_train.loop import Trainer, TrainingError
from dynedge_train.machine import Machine
from train_helpers import CLASSES, after, coloured, config_of, never, trainer_of

MODELS = Path(__file__).parent.parent


def weights_of(trainer) -> dict:
    tensors = {f"network {k}": v for k, v in trainer.network.state_dict().items()}
    return tensors | {f"average {k}": v for k, v in trainer.average.average.state_dict().items()}


def run_in_pieces(out, steps_each, **options):
    """-> the trainer that came to the end, and how often it was started"""
    for sittings in range(1, 20):
        trainer = trainer_of(out, **options)
        if trainer.run(after(steps_each)):
            return trainer, sittings
    raise AssertionError("the run never ended")


@pytest.mark.parametrize(
    "network, optimiser, form",
    [
        ("fix-shuffle", "sgd", "batched"),
        ("dy-mobile", "adamw", "batched"),
        ("mobilenetv2", "sgd", "maps"),  # with dropout
        ("dy-mobile", "muon", "batched"),
        pytest.param(
            *("dy-mobile", "muon", "planes"),
            marks=pytest.mark.skipif(not planes.available(), reason="needs a C++ compiler and ninja"),
        ),
    ],
)
def test_a_cut_run_ends_with_the_same_bits(network, optimiser, form, tmp_path):
    config = config_of(network, train=dict(optimiser=optimiser, coefficient_lr=0.5))
    straight = trainer_of(tmp_path / "straight", config, form)
    assert straight.run(never)
    cut, sittings = run_in_pieces(tmp_path / "cut", 3, config=config, form=form)
    assert sittings == 4  # 10 steps
    expected = weights_of(straight)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights_of(cut).items())
    bookkeeping = ("loss", "train_accuracy", "val_top1", "val_top5", "lr", "size", "epoch")
    for a, b in zip(straight.state["history"], cut.state["history"], strict=True):
        assert [a[key] for key in bookkeeping] == [b[key] for key in bookkeeping]
    assert cut.state["sittings"] == 4 and cut.state["images"] == straight.state["images"] == 160


def test_other_seeds_give_other_weights(tmp_path):
    one, other = (trainer_of(tmp_path / str(s), config_of(train=dict(seed=s))) for s in (1, 2))
    key = "stem.conv.weight"
    assert not torch.equal(one.network.state_dict()[key], other.network.state_dict()[key])


def test_files_of_a_run(tmp_path):
    trainer = trainer_of(tmp_path, train=dict(epochs=3, monitor=12))
    assert trainer.run(never)
    assert not list(tmp_path.glob("*.partial"))
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == (
        "epoch size lr loss train_accuracy val_top1 val_top5 seconds images_per_second".split()
    )
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["lr"]) == 0
    correct = 12 * float(rows[0]["val_top1"])  # of the 12 that are monitored
    assert correct == pytest.approx(round(correct), abs=1e-3)
    with Image.open(tmp_path / "curve.png") as curve:
        assert len(curve.convert("RGB").getcolors(1 << 24)) > 10
    run, result = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("run", "result"))
    assert run["images_seen"] == result["images_seen"] == 240 and run["steps"] == 15
    assert run["core_seconds"] > 0 and run["sittings"] == 1
    assert run["config"] == trainer.config.as_dict() and run["data"]["labels"] == CLASSES
    assert result["n"] == 30 and result["top1"] == result["correct"] / 30
    # The exported weights are the averaged ones, and give the accuracy that the result says.
    network, facts = load_safetensors(tmp_path / result["weights"])
    assert json.loads(facts["labels"]) == CLASSES and facts["input_size"] == "16"
    assert facts["resize"] == "shorter side to 16 bilinear antialias, centre crop 16"
    own = trainer.average.average.state_dict()
    for name, tensor in network.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(tensor, own[name])


def test_it_learns(tmp_path):
    trainer = trainer_of(
        tmp_path,
        pictures=240,
        train=dict(epochs=6, ema=0.9, peak_lr=0.02),
        mix=dict(mixup=0.0, cutmix=0.0),
        augment=dict(ops=0.0),
    )
    assert trainer.run(never)
    losses = [row["loss"] for row in trainer.state["history"]]
    assert losses[-1] < 0.7 * losses[0]
    assert json.loads((tmp_path / "result.json").read_text())["top1"] > 0.8


def test_progressive_sizes_and_schedule(tmp_path, monkeypatch):
    seen = []
    trainer = trainer_of(tmp_path, train=dict(epochs=0, sizes=[[16, 1], [32, 1]], input_size=32))
    inner = trainer.network.forward
    monkeypatch.setattr(trainer.network, "forward", lambda x: (seen.append(x.shape), inner(x))[1])
    assert trainer.run(never)
    assert seen == [(16, 3, 16, 16)] * 5 + [(16, 3, 32, 32)] * 5
    assert [row["size"] for row in trainer.state["history"]] == [16, 32]


# Checkpoints


def cut_run(out, **sections):
    trainer = trainer_of(out, **sections)
    assert not trainer.run(after(2))
    return trainer


def test_another_configuration_or_network_is_refused(tmp_path):
    cut_run(tmp_path)
    with pytest.raises(CheckpointError, match="train.peak_lr was 0.05, is 0.1.*--adopt"):
        trainer_of(tmp_path, train=dict(peak_lr=0.1))
    with pytest.raises(CheckpointError, match="network.name was 'fix-shuffle', is 'fix-mobile'"):
        trainer_of(tmp_path, network="fix-mobile")
    with pytest.raises(CheckpointError, match="data train was 80, is 96"):
        trainer_of(tmp_path, pictures=96)
    with pytest.raises(CheckpointError, match="of another network or optimiser"):
        trainer_of(tmp_path, network="fix-mobile", adopt=True)
    adopted = trainer_of(tmp_path, train=dict(peak_lr=0.1), adopt=True)
    assert adopted.state["steps"] == 2 and adopted.run(never)


def test_a_checkpoint_from_before_a_setting_existed_still_resumes(tmp_path):
    cut_run(tmp_path)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del saved["config"]["train"]["plain_lr"]
    torch.save(saved, tmp_path / "checkpoint.pt")
    assert trainer_of(tmp_path).state["steps"] == 2
    saved["config"]["train"]["gone"] = 1
    torch.save(saved, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="unknown key train.gone"):
        trainer_of(tmp_path)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"GIF89a" * 99]
)
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    cut_run(tmp_path)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        trainer_of(tmp_path)


def test_a_foreign_checkpoint_is_named(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="version None, expected 1"):
        trainer_of(tmp_path)


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    trainer = cut_run(tmp_path)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    trainer.state["steps"] = lambda: None  # cannot be pickled
    with pytest.raises(Exception, match="pickle"):
        trainer.save()
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


# Weights to start from


def test_fine_tuning_replaces_the_classifier_only(tmp_path):
    source = build("fix-shuffle", 0.25, 7, 2)
    export_safetensors(tmp_path / "w.safetensors", source.state_dict(), network="fix-shuffle")
    config = config_of(init=dict(weights=str(tmp_path / "w.safetensors")))
    trainer = trainer_of(tmp_path / "out", config)
    own, theirs = trainer.network.state_dict(), source.state_dict()
    head = {name for name in own if own[name].shape != theirs[name].shape}
    assert head == {"fc.weight", "fc.bias"}
    assert all(torch.equal(own[name], theirs[name]) for name in own.keys() - head)
    # Of the same classes, the classifier comes along.
    same = build("fix-shuffle", 0.25, 7, 2)
    assert load_initial(same, tmp_path / "w.safetensors", 7) == []
    assert torch.equal(same.fc.weight, source.fc.weight)
    assert load_initial(build("fix-shuffle", 0.25, 3, 2), tmp_path / "w.safetensors", 3) == [
        "fc.bias",
        "fc.weight",
    ]


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    tensors = build("dy-mobile", 0.25, 3, 2).state_dict()
    export_safetensors(path, tensors, network="dy-mobile", g="2")
    for name, g in (("fix-mobile", 2), ("dy-mobile", 4), ("fix-shuffle", 2)):
        with pytest.raises(CheckpointError, match="another network .network dy-mobile.*g 2"):
            load_initial(build(name, 0.25, 3, g), path, 3)
    for text in (b"", b"not weights at all"):
        path.write_bytes(text)
        with pytest.raises(CheckpointError, match="not a safetensors file"):
            load_initial(build("dy-mobile", 0.25, 3, 2), path, 3)
    with pytest.raises(CheckpointError, match="no such file"):
        load_initial(build("dy-mobile", 0.25, 3, 2), tmp_path / "none.safetensors", 3)


def test_starting_from_a_checkpoint_takes_the_averaged_weights(tmp_path):
    first = cut_run(tmp_path / "first")
    config = config_of(init=dict(weights=str(tmp_path / "first" / "checkpoint.pt")))
    second = trainer_of(tmp_path / "second", config)
    expected = first.average.average.state_dict()
    for name, tensor in second.network.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(tensor, expected[name])


def test_distillation_follows_its_teacher(tmp_path):
    teacher = trainer_of(tmp_path / "teacher", train=dict(epochs=1))
    assert teacher.run(never)
    weights = str(tmp_path / "teacher" / "tiny.safetensors")
    config = config_of("fix-mobile", distil=dict(teacher=weights, weight=1.0, temperature=2.0))
    student = trainer_of(tmp_path / "student", config)
    before = {k: v.clone() for k, v in student.teacher.state_dict().items()}
    x = torch.randn(4, 3, 16, 16)
    logits = student.network(x)
    loss = student.distilled(torch.tensor(99.0), logits, x)
    p, q = (torch.softmax(z.detach() / 2, 1) for z in (student.teacher(x), logits))
    assert loss.item() == pytest.approx(4 * (p * (p / q).log()).sum(1).mean().item(), rel=1e-4)
    assert student.run(never)
    assert all(torch.equal(v, before[k]) for k, v in student.teacher.state_dict().items())


def test_a_teacher_of_other_classes_is_refused(tmp_path):
    facts = dict(network="fix-shuffle", width="0.25", g="2", classes="3")
    facts |= dict(mean=[0.5] * 3, std=[0.5] * 3)
    path, tensors = tmp_path / "t.safetensors", build("fix-shuffle", 0.25, 3, 2).state_dict()
    export_safetensors(path, tensors, labels=["a", "b", "c"], **facts)
    with pytest.raises(CheckpointError, match="teacher knows 3 classes"):
        trainer_of(tmp_path / "out", distil=dict(teacher=str(path)))
    export_safetensors(path, tensors, labels=CLASSES, **facts)
    with pytest.raises(CheckpointError, match=r"teacher's mean is \[0.5"):
        trainer_of(tmp_path / "out", distil=dict(teacher=str(path)))


# Numbers that are not


def spoil(trainer, steps):
    """Makes the activations of some steps infinite."""
    inner, count = trainer.network.forward, [0]

    def forward(x):
        count[0] += 1
        return inner(x * torch.inf if count[0] in steps else x)

    trainer.network.forward = forward


def test_a_step_that_is_not_finite_is_skipped_and_leaves_no_trace(tmp_path):
    trainer = trainer_of(tmp_path, train=dict(epochs=1))
    spoil(trainer, {2, 4})
    assert trainer.run(never)
    assert trainer.state["skipped"] == 2 and trainer.state["counted"] == 0
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(trainer).values())
    assert all(value == value for value in trainer.state["history"][0].values())
    assert json.loads((tmp_path / "run.json").read_text())["skipped_steps"] == 2


def test_many_in_a_row_end_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "MAX_SKIPPED", 3)
    trainer = trainer_of(tmp_path)
    spoil(trainer, {1, 3, 4, 5})
    with pytest.raises(TrainingError, match="3 times in a row, in epoch 1, step 5; lower"):
        trainer.run(never)


# Machines


@pytest.mark.parametrize(
    "precision, network, form",
    [
        ("bfloat16", "dy-mobile", "batched"),
        ("float16", "dy-shuffle", "maps"),
        ("float16", "mobilenetv2", "batched"),
    ],
)
def test_mixed_precision_and_channels_last(precision, network, form, tmp_path):
    """What a GPU runs, as far as a CPU can run it."""
    config = config_of(network, train=dict(precision=precision, epochs=3, peak_lr=0.01))
    trainer = trainer_of(tmp_path, config, form)
    trainer.machine.order_channels_last(trainer.network)
    trainer.machine.order_channels_last(trainer.average.average)
    with trainer.machine.autocast():
        logits = trainer.network(torch.randn(2, 3, 16, 16))
    assert logits.dtype == getattr(torch, precision)
    assert trainer.run(never)
    assert all(p.dtype == torch.float32 for p in trainer.network.parameters())
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(trainer).values())
    skipped, loss = trainer.state["skipped"], trainer.state["history"][-1]["loss"]
    assert skipped < 12 and 0 < loss < 3
    if precision == "float16":  # halved by every step that overflowed
        assert trainer.scaler.get_scale() == 65536 / 2**skipped
        again = trainer_of(tmp_path, config, form)
        assert again.scaler.get_scale() == trainer.scaler.get_scale()
    else:
        assert not trainer.scaler.is_enabled() and skipped == 0


def test_choice_of_device_and_form():
    config = config_of()
    assert Machine(config, "cpu", "maps").form == "maps"
    odd = config_of(train=dict(batch=20))
    assert Machine(odd, "cpu", "auto").form == "batched"
    with pytest.raises(ConfigError, match="multiple of 16"):
        Machine(odd, "cpu", "planes")
    with pytest.raises(ConfigError, match="float16"):
        Machine(config_of(train=dict(precision="float16")), "cpu", "planes")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="no GPU"):
            Machine(config, "cuda")


# Data that do not fit


def test_too_few_pictures_and_other_classes(tmp_path):
    with pytest.raises(DataError, match="12 training pictures, fewer than train.batch = 16"):
        trainer_of(tmp_path, pictures=12)
    config, machine = config_of(), Machine(config_of(), "cpu", "batched")
    with pytest.raises(DataError, match="train has 3 classes, val 2"):
        Trainer(config, coloured(80), coloured(20, classes=["red", "green"]), tmp_path, machine)


# The command


def picture_folder(path):
    for split, count in (("train", 80), ("val", 30)):
        data = coloured(count, seed=len(split))
        for name, image in zip(data.names, data.images):
            file = path / split / name
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.numpy()).save(file)
    return path


CONFIG = """
[network]
name = "fix-shuffle"
width = 0.25
[data]
side = 16
[train]
epochs = 2
input_size = 16
batch = 16
"""


def command(folder, out, *more):
    return [
        *(sys.executable, "-m", "dynedge_train", str(folder / "toy.toml")),
        *("--data", str(folder / "data"), "--out", str(out), "--threads", "1", "--form", "batched"),
        *more,
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("command")
    picture_folder(path / "data")
    (path / "toy.toml").write_text(CONFIG)
    return path


def test_command_is_cut_by_steps_and_by_a_signal_and_resumes(folder, tmp_path):
    run = dict(cwd=MODELS, capture_output=True, text=True, timeout=300)
    first = subprocess.run(command(folder, tmp_path, "--max-steps", "3"), **run)
    assert first.returncode == 75, first.stderr
    assert "cut at epoch 1, step 3; the same command resumes" in first.stderr

    endless = command(folder, tmp_path, "--set", "train.epochs=100000", "--adopt")
    process = subprocess.Popen(endless, cwd=MODELS, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("epoch 1 "):
            break
    rival = subprocess.run(command(folder, tmp_path), **run)
    assert rival.returncode == 1 and "another run writes here" in rival.stderr
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 75, said
    assert "SIGTERM: stopping after this step" in said

    rest = subprocess.run(command(folder, tmp_path, "--adopt", "--set", "train.epochs=1"), **run)
    assert rest.returncode == 0, rest.stderr
    assert json.loads((tmp_path / "run.json").read_text())["sittings"] == 3
    with safe_open(tmp_path / "toy.safetensors", "pt") as file:
        assert file.metadata()["network"] == "fix-shuffle"
    if os.name == "posix":
        umask = os.umask(0)
        os.umask(umask)
        assert (tmp_path / "toy.safetensors").stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--set", "train.epoch=1"], "unknown key train.epoch; did you mean epochs?"),
        (["--set", "data.kind=shards"], "error: "),
        (["--device", "cpu", "--form", "planes", "--set", "train.batch=20"], "multiple of 16"),
    ],
)
def test_command_says_what_is_wrong_in_a_line(folder, tmp_path, arguments, words):
    line = command(folder, tmp_path, *arguments)
    run = subprocess.run(line, cwd=MODELS, capture_output=True, text=True, timeout=300)
    assert run.returncode == 1
    assert words in run.stderr and "Traceback" not in run.stderr


def test_a_deadline_cuts():
    from dynedge_train.__main__ import Cut

    cut = Cut(None, 0.001)
    time.sleep(0.07)
    assert cut(0) and not Cut(None, 5)(10**6) and not Cut(3, None)(2) and Cut(3, None)(3)
