"""Model cards: what is on them for invented runs and evaluations, and what is refused."""

import csv
import hashlib
import json

import pytest
import torch

from dynedge_train.evaluate import metrics_of
from dynedge_train.report import ReportError, counts
from dynedge_train.report.card import main
from dynedge_train.report.evaluation import read_sdk, read_torch, with_answers
from dynedge_train.report.markdown import table
from report_files import LABELS, config_table, write_run

CONFIG = """[network]
name = "dy-mobile"
width = 1.0
g = 6

[train]
sizes = [[32, 2], [48, 1]]
input_size = 64
clip = 2.0
"""
COUNT = 90


def logits(wrong, labels=LABELS):
    """float32 [COUNT, classes]: sure and right, but for the first `wrong` images of class 0."""
    truth = torch.arange(COUNT) % len(labels)
    answers = truth.clone()
    answers[truth.eq(0).nonzero()[:wrong, 0]] = 1
    return torch.nn.functional.one_hot(answers, len(labels)) * 6.0, truth


def torch_evaluation(weights, wrong=9, labels=LABELS, **changes):
    return (
        dict(
            format="dynedge-train-eval",
            version=1,
            sha256=hashlib.sha256(weights).hexdigest(),
            split="val",
            labels=labels,
            metrics=metrics_of(*logits(wrong, labels), labels),
        )
        | changes
    )


def sdk_evaluation(precision, wrong=9, labels=LABELS, bundle=b"bundle", **changes):
    return (
        dict(
            format="dynedge-eval",
            version=1,
            bundle=dict(precision=precision, sha256=hashlib.sha256(bundle).hexdigest()),
            shards=dict(of=2, have=[2, 1]),
            labels=labels,
            metrics=metrics_of(*logits(wrong, labels), labels),
        )
        | changes
    )


class Bench:
    """A finished run with its files, and the command line that makes a card of it."""

    def __init__(self, folder, labels=LABELS, table=None, **run):
        self.folder = folder
        self.run = write_run(folder / "run", table, labels, n=COUNT, **run)
        (self.run / "toy.safetensors").write_bytes(b"weights")
        self.out = folder / "models" / "bears"
        (folder / "toy.toml").write_text(CONFIG)
        self.files = {"--config": folder / "toy.toml"}
        self.write("--eval", torch_evaluation(b"weights", labels=labels))
        self.write("--f32-eval", sdk_evaluation("f32", labels=labels))
        self.write("--w8-eval", sdk_evaluation("w8", wrong=12, labels=labels))

    def write(self, option, content):
        self.files[option] = self.folder / f"{option[2:]}.json"
        self.files[option].write_text(json.dumps(content))

    def answers(self, name, wrong, prefix="class"):
        path = self.folder / f"{name}.csv"
        values, truth = logits(wrong)
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("file", "label", "predicted", "probability"))
            for i, (label, answer) in enumerate(zip(truth, values.argmax(1))):
                writer.writerow((f"{prefix}/{i}.png", LABELS[label], LABELS[answer], 1))
        return path

    def card(self, *more) -> str:
        files = [str(word) for pair in self.files.items() for word in pair]
        main([str(self.run), *files, "--out", str(self.out), *more])
        return (self.out / "README.md").read_text()


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_numbers_of_the_card(bench):
    text = bench.card()
    # 90 images, 12 wrong with w8: 78 right; Wilson's interval of 78 / 90.
    assert text.startswith(
        "# bears\n\nDy-mobile with g_t = 6 for 3 classes, trained on 1,300 images"
    )
    assert "**86.67 %** top-1 (dynedge, w8; 95 % interval 78.13 to 92.21 %)" in text
    assert "| PyTorch, float32 | 90.00 | 82.08 to 94.65 | 81 | – |" in text
    assert "| dynedge, w8 | 86.67 | 78.13 to 92.21 | 78 | – |" in text
    assert "- dynedge, w8 against PyTorch, float32: -3.33 points.\n" in text
    small, large = (counts.count("dy-mobile", 1.0, 6, 3, size) for size in (64, 224))
    assert f"| parameters | {small['params'] / 1e6:.2f} million |" in text
    assert (
        f"| {small['madds'] / 1e6:.2f} million at 64x64, {large['madds'] / 1e6:.2f} million" in text
    )
    assert "import url from 'dynedge-models/bears'" in text
    assert "**No licence" not in text and "Not known to this report" in text


def test_classes_and_mistakes(bench):
    text = bench.card()
    assert "| black bear | cat \\| tabby | 12 | 40.0 % |" in text
    assert "| black bear | 60.0 | 18 | 30 |" in text
    assert "| &lt;b&gt;dog&lt;/b&gt; | 100.0 | 30 | 30 |" in text
    weakest = "black bear (60.0 %), &lt;b&gt;dog&lt;/b&gt; (100.0 %) and cat \\| tabby (100.0 %)."
    assert f"- Weakest classes: {weakest}\n" in text
    # Sure of every answer (probability 0.995), right in 86.7 %: 12.8 points too sure.
    assert "miss its accuracy by 12.8 % on average" in text
    assert "their mean is 99.5 %: it is too sure of itself." in text
    assert "<details>" not in text


def test_two_hundred_classes_are_folded_and_tiny_imagenet_is_recognised(tmp_path):
    labels = [f"class {index}" for index in range(200)]
    facts = dict(data=dict(train=100_000, val=COUNT, side=64, labels=labels, skipped=3))
    text = Bench(tmp_path, labels, **facts).card()
    assert "<details><summary>Accuracy by class (90 classes)</summary>" in text
    assert "trained on Tiny-ImageNet-200" in text
    assert "**No licence is stated for the images**" in text
    assert "| unreadable pictures left out | 3 |" in text
    assert "100,000 training and 90 validation images" in text


def test_training_in_words(bench):
    text = bench.card()
    assert "- 2 epochs at 32x32, then 1 at 48x48\n" in text
    assert "peak learning rate 0.1, linear warm-up over 5 % of the run" in text
    assert "gradients limited to a norm of 2" in text
    assert "| core-hours | 2.50 |" in text and "| hours of training | 1.50, scoring" in text
    assert "| machine | Invented CPU, 2 threads |" in text
    assert "| date | 2026-03-01 to 2026-03-02, in 2 sittings |" in text
    assert "90 validation images were scored after each epoch" in text
    assert "pictures mixed" not in text and "distilled" not in text


def test_what_a_recipe_may_have_besides(tmp_path):
    table = config_table(
        mix=dict(mixup=0.5),
        distil=dict(teacher="/elsewhere/big.safetensors", weight=0.25),
        init=dict(weights="/elsewhere/start.safetensors", zero_residual=True),
        train=dict(coefficient_lr=0.5, optimiser="adamw", smoothing=0.0, clip=0.0, ema=0.0),
    )
    gpu = dict(device="cuda", gpu="Invented GPU", form="batched", precision="bfloat16")
    text = Bench(tmp_path, table=table, machine=gpu, skipped_steps=4).card()
    assert "distilled from big.safetensors: weight 0.25, temperature 2\n" in text
    assert "started from the weights of start.safetensors" in text and "/elsewhere" not in text
    assert "- blocks with a shortcut start as the identity\n" in text
    assert "pictures mixed in pairs: mixup 0.5" in text
    assert "- AdamW, batches of 128, peak learning rate 0.1 (coefficient modules: 0.5 times" in text
    assert "| machine | Invented GPU; Invented CPU |" in text and "core-hours" not in text
    assert "precision bfloat16" in text and "| steps skipped, not finite | 4 |" in text
    assert "moving average" not in text and "label smoothing" not in text


def test_muon_and_a_margin_around_the_crop(tmp_path):
    table = config_table(train=dict(optimiser="muon", plain_lr=0.004, shorter_side=72))
    text = Bench(tmp_path, table=table).card()
    assert "- Muon for the convolutions that mix channels, AdamW for all else (peak" in text
    assert "learning rate 0.004, weight decay 0.05), batches of 128, peak learning rate 0.1" in text
    assert "shorter side to 72 by Pillow's antialiased bilinear, centre crop 64" in text
    assert "evaluate OUT/toy.safetensors --data DATA --side 64\n" in text


def test_the_command_repeats_the_run(tmp_path):
    plain = Bench(tmp_path / "plain").card()
    command = "python -m dynedge_train configs/toy.toml --data DATA --out OUT"
    assert f"{command}\npython -m dynedge_train.evaluate OUT/toy.safetensors --data DATA\n" in plain
    table = config_table(seed=3, train=dict(monitor=50), augment=dict(crop_scale=[0.5, 1.0]))
    changed = Bench(tmp_path / "changed", table=table).card()
    assert f"{command} --set 'augment.crop_scale=[0.5, 1.0]' --set 'train.seed=3'\n" in changed
    small = Bench(
        tmp_path / "small", table=config_table(data=dict(side=64), train=dict(input_size=32))
    )
    small.files["--config"].write_text(CONFIG.replace("= 64", "= 32"))
    assert "--data DATA --side 64\n" in small.card()


def test_same_inputs_same_bytes(bench):
    first = bench.card()
    files = {path.name: path.read_bytes() for path in bench.out.iterdir()}
    assert bench.card() == first
    assert {path.name: path.read_bytes() for path in bench.out.iterdir()} == files
    assert sorted(files) == ["README.md", "config.toml", "curve.png", "log.csv", "model.json"]
    assert files["config.toml"].decode() == CONFIG
    assert files["log.csv"] == (bench.run / "log.csv").read_bytes()


def test_model_json_counts_right_answers(bench, tmp_path):
    bench.card()
    evaluated = dict(
        data="1,300 images of 3 classes, validation", images=90, top1=dict(f32=81, w8=78)
    )
    assert json.loads((bench.out / "model.json").read_text()) == dict(npm=True, evaluated=evaluated)
    labels = [f"class {index}" for index in range(6)]
    more = Bench(tmp_path / "more", labels)
    text = more.card("--no-npm")
    model = json.loads((more.out / "model.json").read_text())
    assert model["npm"] is False and model["evaluated"]["top5"] == dict(f32=90, w8=90)
    assert "A control of an experiment" in text and "import url" not in text
    assert "--model models/dynedge-models/bears/bears.w8.safetensors" in text


def test_an_int8_bundle_says_how_it_came_about(bench, tmp_path):
    bench.write("--int8-eval", sdk_evaluation("int8", wrong=10))
    text = bench.card()
    assert "| dynedge, int8 | 88.89 |" in text and "ranges calibrated on training pictures" in text
    model = json.loads((bench.out / "model.json").read_text())
    assert model["evaluated"]["top1"] == dict(f32=81, int8=80, w8=78)
    trained = write_run(tmp_path / "int8", n=COUNT, core_seconds=360.0)
    text = bench.card("--int8-run", str(trained))
    assert "- int8: trained on from these weights with its rounding, 3,840 images, 0.10" in text
    assert "calibrated" not in text


def test_without_bundles_there_is_a_card_but_no_model_json(bench):
    del bench.files["--f32-eval"], bench.files["--w8-eval"]
    text = bench.card()
    assert "**90.00 %** top-1 (PyTorch, float32;" in text and " against " not in text
    assert not (bench.out / "model.json").exists()


def test_answers_to_single_images(bench):
    ours, theirs = bench.answers("ours", 9), bench.answers("theirs", 12)
    text = bench.card("--predictions", f"torch={ours}", f"w8={theirs}")
    assert "-3.33 points, the same answer for 87 of 90 images (96.67 %).\n" in text
    assert "dynedge, f32 against PyTorch, float32: +0.00 points.\n" in text
    with pytest.raises(SystemExit, match="78 of 90 images right, .*f32-eval.json has 81 of 90"):
        bench.card("--predictions", f"f32={theirs}")
    elsewhere = bench.answers("elsewhere", 12, prefix="other")
    with pytest.raises(SystemExit, match="are of different images, such as class/0.png"):
        bench.card("--predictions", f"torch={ours}", f"w8={elsewhere}")
    expected = "expected one of torch=FILE, f32=FILE, int8=FILE, w8=FILE"
    with pytest.raises(SystemExit, match=expected):
        bench.card("--predictions", f"int4={ours}")
    del bench.files["--w8-eval"]
    with pytest.raises(SystemExit, match="without --w8-eval"):
        bench.card("--predictions", f"w8={theirs}")
    ours.write_text("name,answer\n1,2\n")
    with pytest.raises(ReportError, match="no columns \\['file', 'label', 'predicted'\\]"):
        with_answers(read_torch(bench.files["--eval"]), ours)


def test_a_bundle_that_was_not_evaluated_is_refused(bench):
    bench.out.mkdir(parents=True)
    bundle = bench.out / "bears.w8.safetensors"
    bundle.write_bytes(b"bundle")
    assert "| `bears.w8.safetensors` | 0.00 MB |" in bench.card()
    bundle.write_bytes(b"another")
    with pytest.raises(
        SystemExit, match="bears.w8.safetensors is not the bundle of .*w8-eval.json"
    ):
        bench.card()


@pytest.mark.parametrize(
    "option, content, message",
    [
        ("--eval", torch_evaluation(b"other"), "evaluation of other weights; evaluate .*toy.safet"),
        ("--eval", torch_evaluation(b"weights", split="train"), "of the split 'train'"),
        (
            "--eval",
            sdk_evaluation("w8"),
            "format 'dynedge-eval', .*python -m dynedge_train.evaluate",
        ),
        ("--w8-eval", sdk_evaluation("f32"), "a bundle in f32, expected one in w8"),
        ("--w8-eval", sdk_evaluation("w8", version=2), "version 2; expected 'dynedge-eval', 1"),
        (
            "--w8-eval",
            sdk_evaluation("w8", shards=dict(of=3, have=[1])),
            "1 of 3 shards; .*--merge",
        ),
        ("--w8-eval", sdk_evaluation("w8", metrics=None), "has no 'metrics.top5'"),
        ("--w8-eval", sdk_evaluation("w8", labels=["a", "b", "c"]), "3 classes are not the 3 of"),
        (
            "--w8-eval",
            sdk_evaluation("w8", labels=["a", "b"]),
            "its 2 classes are not the 3 of",
        ),
        ("--w8-eval", [], "got list, expected a JSON object"),
    ],
)
def test_evaluations_of_something_else_are_refused(bench, option, content, message):
    bench.write(option, content)
    with pytest.raises(SystemExit, match=message):
        bench.card()
    assert not bench.out.exists()


def test_counts_that_contradict_each_other_are_refused(bench):
    evaluation = sdk_evaluation("w8")
    evaluation["metrics"]["per_class"][0]["correct"] += 1
    bench.write("--w8-eval", evaluation)
    with pytest.raises(ReportError, match="come to \\(3, 90, 82\\), expected \\(3, 90, 81\\)"):
        read_sdk(bench.files["--w8-eval"], "w8")


def test_a_part_of_the_validation_set_is_refused(tmp_path):
    facts = dict(data=dict(train=1300, val=100, side=64, labels=LABELS, skipped=0))
    with pytest.raises(SystemExit, match="90 images, the validation set of the run has 100"):
        Bench(tmp_path, **facts).card()


@pytest.mark.parametrize(
    "name", ["run.json", "result.json", "log.csv", "curve.png", "toy.safetensors"]
)
def test_missing_files_of_the_run(bench, name):
    (bench.run / name).unlink()
    with pytest.raises(SystemExit, match=f"{name}: .* missing; "):
        bench.card()
    assert not bench.out.exists()


def test_the_configuration_must_be_that_of_the_run(bench):
    bench.files["--config"].write_text(CONFIG.replace("dy-mobile", "fix-mobile"))
    with pytest.raises(SystemExit, match="network.name is 'fix-mobile', the run had 'dy-mobile'"):
        bench.card()
    bench.files["--config"].write_text(CONFIG.replace("sizes", "size"))
    with pytest.raises(SystemExit, match="unknown key train.size"):
        bench.card()
    del bench.files["--config"]
    with pytest.raises(SystemExit, match="configs/toy.toml: .* name it with --config"):
        bench.card()


def test_table_aligns_numbers():
    lines = table(["name", "value"], [["a\nb", 1], ["c", "–"]]).splitlines()
    assert lines == ["| name | value |", "| --- | --: |", "| a b | 1 |", "| c | – |"]
    assert table(["x"], []) == "| x |\n| --- |\n"
