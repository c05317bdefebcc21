"""Writes a network's folder of dynedge-models: its card, and the files that go along.

    python -m dynedge_train.report.card RUN_DIR --eval eval.json --out dynedge-models/NAME
        [--f32-eval f32.json] [--w8-eval w8.json] [--int8-eval int8.json]
        [--int8-run RUN_DIR] [--predictions torch=FILE w8=FILE ...]
        [--config NAME.toml] [--no-npm]

RUN_DIR is the --out of a finished training run, eval.json what `python -m dynedge_train.evaluate`
wrote of its weights; the two others are what `dynedge eval --json` says of its bundles. With the
answers to single images (answers.csv of the one, --predictions of the other) the card says how
often they agree. NAME is the last part of --out; bundles that lie there are listed on the card.
Written or copied there: README.md, config.toml, log.csv, curve.png and, with --w8-eval, model.json.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from ..config import ConfigError, load_config
from . import ReportError
from .card_tables import (
    accuracy_table,
    agreement_text,
    bundle_rows,
    calibration_text,
    class_section,
    confusion_table,
    weakest_text,
)
from .counts import count
from .evaluation import Evaluation, read_sdk, read_torch, with_answers
from .files import copy, existing, fill, write_text
from .intervals import wilson
from .markdown import display, flat, millions, percent, table, whole
from .recipe import budget, int8_lines, recipe, rounds
from .rundir import Run, read_run, without

PRECISIONS = ("f32", "int8", "w8")  # the last is the one in front
CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PURPOSE = (
    "A small network for a CPU, in a page or in Node: to name what a picture mainly shows among "
    "the classes below, and to start from. Not for decisions about people, nor for anything where "
    "a wrong answer does harm."
)
CONTROL = (
    "A control of an experiment: it was trained to be compared with, is in the repository only, "
    "and not part of the npm package."
)
USE_PACKAGE = """```js
import { load } from 'dynedge'
import url from 'dynedge-models/$name'

const net = await load(url)
const [best] = await net.classify(document.querySelector('img'))
console.log(best.label, best.probability)
```

In Node: `npx dynedge run photo.jpg --model $name`."""
USE_CHECKOUT = """In a checkout:

```
npm run -s dynedge -- run photo.jpg --model models/dynedge-models/$name/$name.w8.safetensors
```"""
LARGE = 224
BOOKKEEPING = ("train.checkpoint_minutes", "train.monitor")


def config_of(run: Run, path=None) -> Path:
    """The configuration file of the run: --config, or the one of its name in models/configs/."""
    path = Path(path) if path else CONFIGS / f"{run.facts['name']}.toml"
    return existing(path, "configuration of the run", "name it with --config")


def overrides(run: Run, path) -> list:
    """[(key, value)] by which the run departed from its configuration file."""
    try:
        written = flat(without(load_config(path).as_dict(), ("name",)))
    except ConfigError as error:
        raise ReportError(str(error)) from None
    ran = flat(without(run.config, ("name",)))
    changed = [(key, ran[key]) for key in ran if written[key] != ran[key]]
    for key, _ in changed:
        if key.startswith(("network.", "data.mean", "data.std", "data.side")):
            raise ReportError(
                f"{path}: {key} is {written[key]!r}, the run had {ran[key]!r}: not the "
                "configuration of this run; name the right one with --config"
            )
    return changed


def command(run: Run, path) -> str:
    """What repeats the run and its evaluation."""
    changed = "".join(
        f" --set '{key}={json.dumps(value)}'"
        for key, value in overrides(run, path)
        if key not in BOOKKEEPING
    )
    side = run.config["data"]["side"]
    shorter = run.config["train"]["shorter_side"] or run.input_size
    decoded = f" --side {side}" if side != shorter else ""
    weights = f"OUT/{run.result['weights']}"
    return (
        f"python -m dynedge_train configs/{Path(path).name} --data DATA --out OUT{changed}\n"
        f"python -m dynedge_train.evaluate {weights} --data DATA{decoded}"
    )


def same_images(run: Run, evaluations) -> None:
    """All evaluations must be of the run's classes and of equally many images."""
    for evaluation in evaluations:
        if evaluation.labels != run.labels:
            raise ReportError(
                f"{evaluation.path}: its {len(evaluation.labels)} classes are not the "
                f"{len(run.labels)} of {run.path}; evaluate this network's weights and bundles"
            )
        if evaluation.count != run.facts["data"]["val"]:
            raise ReportError(
                f"{evaluation.path}: {evaluation.count} images, the validation set of the run has "
                f"{run.facts['data']['val']}; evaluate the whole set"
            )


def same_weights(run: Run, torch: Evaluation) -> None:
    """The evaluated weights must be those of the run."""
    weights = run.path / run.result["weights"]
    weights = existing(weights, "the run's weights", "the training run writes them")
    if hashlib.sha256(weights.read_bytes()).hexdigest() != torch.sha256:
        raise ReportError(f"{torch.path} is an evaluation of other weights; evaluate {weights}")


def summary(run: Run, name: str, best: Evaluation) -> str:
    interval = wilson(best.correct, best.count)
    network = display(run.network, run.width)
    g = f" with g_t = {run.g}" if run.g is not None else ""
    return (
        f"{network}{g} for {len(run.labels)} classes, trained on {run.source.title}: "
        f"**{percent(interval.value)}** top-1 ({best.what}; 95 % interval "
        f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %)."
    )


def card(
    run: Run, name: str, evaluations, config_path, bundles=(), npm=True, earlier=(), int8_run=None
) -> str:
    """Markdown. `evaluations`: PyTorch first, then bundles; the last is the one in front."""
    torch, best = evaluations[0], evaluations[-1]
    small, large = (
        count(run.network, run.width, run.g, len(run.labels), size)
        for size in (run.input_size, LARGE)
    )
    side, data, facts = run.input_size, run.config["data"], run.facts["data"]
    train = run.config["train"]
    shorter = train["shorter_side"] or side
    monitored = min(train["monitor"] or facts["val"], facts["val"])
    in_int8 = any(evaluation.precision == "int8" for evaluation in evaluations)
    lines = recipe(run) + rounds(run, earlier) + (int8_lines(int8_run) if in_int8 else [])
    return fill(
        "card.md",
        name=name,
        summary=summary(run, name, best),
        network=display(run.network, run.width) + (f", g_t = {run.g}" if run.g is not None else ""),
        classes=whole(len(run.labels)),
        size=side,
        resize=f"shorter side to {shorter} by Pillow's antialiased bilinear, centre crop {side}",
        mean=" ".join(f"{value:g}" for value in data["mean"]),
        std=" ".join(f"{value:g}" for value in data["std"]),
        params=f"{millions(small['params'])} million",
        madds=(
            f"{millions(small['madds'])} million at {side}x{side}, "
            f"{millions(large['madds'])} million at {LARGE}x{LARGE}"
        ),
        bundles=bundle_rows(bundles),
        use=(USE_PACKAGE if npm else USE_CHECKOUT).replace("$name", name),
        purpose=PURPOSE if npm else CONTROL,
        limits=run.source.limits,
        weakest=weakest_text(best),
        calibration=calibration_text(best),
        images=whole(best.count),
        data_name=run.source.name,
        accuracy=accuracy_table(evaluations),
        agreement=agreement_text(torch, evaluations[1:]),
        confusions=confusion_table(best),
        per_class=class_section(best),
        budget=table(["", ""], budget(run)),
        recipe="".join(f"- {line}\n" for line in lines).rstrip(),
        monitor=(
            f"{whole(monitored)} validation images were scored after each epoch, for the log; the "
            "weights are those of the last step, not of a best epoch."
        ),
        reproduce=command(run, config_path),
        data_title=run.source.title,
        data_counts=f"{whole(facts['train'])} training and {whole(facts['val'])} validation images",
        data_contents=run.source.contents,
        data_licence=run.source.licence,
    )


def model_facts(run: Run, bundles, npm: bool) -> str:
    """model.json of dynedge-models: how many images each bundle answers rightly."""
    evaluated = dict(
        data=f"{run.source.title}, validation",
        images=bundles[0].count,
        top1={evaluation.precision: evaluation.correct for evaluation in bundles},
    )
    if all(evaluation.correct5 is not None for evaluation in bundles):
        evaluated["top5"] = {evaluation.precision: evaluation.correct5 for evaluation in bundles}
    return json.dumps(dict(npm=npm, evaluated=evaluated), indent=2) + "\n"


def named_files(words) -> dict:
    """["w8=FILE", ...] -> {"w8": FILE}"""
    found = {}
    for word in words:
        key, _, path = word.partition("=")
        if key not in ("torch", *PRECISIONS) or not path:
            expected = ", ".join(f"{known}=FILE" for known in ("torch", *PRECISIONS))
            raise ReportError(f"--predictions {word!r}, expected one of {expected}")
        found[key] = Path(path)
    return found


def read_evaluations(options) -> list:
    """PyTorch, then bundles where they are given, each with its answers where they are."""
    found = {"torch": read_torch(options.eval)}
    for precision in PRECISIONS:
        path = getattr(options, f"{precision}_eval")
        if path:
            found[precision] = read_sdk(path, precision)
    for key, path in named_files(options.predictions).items():
        if key not in found:
            raise ReportError(f"--predictions {key}={path} without --{key}-eval")
        found[key] = with_answers(found[key], path)
    return list(found.values())


def lying_bundles(out: Path, name: str, evaluations) -> list:
    """Bundles in the folder; one that was not evaluated as it lies there is refused."""
    paths = sorted(out.glob(f"{name}.*.safetensors"))
    for evaluation in evaluations:
        path = out / f"{name}.{evaluation.precision}.safetensors"
        if path not in paths:
            continue
        if hashlib.sha256(path.read_bytes()).hexdigest() != evaluation.sha256:
            raise ReportError(f"{path} is not the bundle of {evaluation.path}; evaluate it again")
    return paths


def write_folder(options) -> Path:
    """Reads and checks everything before it writes anything."""
    run, out = read_run(options.run), options.out
    config_path = config_of(run, options.config)
    evaluations = read_evaluations(options)
    same_images(run, evaluations)
    same_weights(run, evaluations[0])
    curve = existing(run.path / "curve.png", "training curve", "the training run writes it")
    name = out.resolve().name
    bundles = lying_bundles(out, name, evaluations)
    earlier = [read_run(path) for path in options.earlier]
    int8_run = read_run(options.int8_run) if options.int8_run else None
    text = card(run, name, evaluations, config_path, bundles, options.npm, earlier, int8_run)
    write_text(out / "README.md", text)
    copy(config_path, out / "config.toml")
    copy(run.path / "log.csv", out / "log.csv")
    copy(curve, out / "curve.png")
    if options.w8_eval:
        write_text(out / "model.json", model_facts(run, evaluations[1:], options.npm))
    return out / "README.md"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "run", type=Path, metavar="RUN_DIR", help="--out of a finished training run"
    )
    parser.add_argument("--eval", type=Path, required=True, help="JSON of dynedge_train.evaluate")
    for precision in PRECISIONS:
        about = f"JSON of `dynedge eval`, {precision} bundle"
        parser.add_argument(f"--{precision}-eval", type=Path, help=about)
    parser.add_argument(
        "--int8-run", type=Path, metavar="RUN_DIR", help="run that trained for the int8 bundle"
    )
    parser.add_argument(
        "--predictions",
        nargs="+",
        default=[],
        metavar="WHICH=CSV",
        help="answers to single images: torch=FILE, f32=FILE, int8=FILE, w8=FILE",
    )
    parser.add_argument(
        "--config", type=Path, help="TOML (default: models/configs/<run's name>.toml)"
    )
    parser.add_argument(
        "--earlier",
        nargs="+",
        type=Path,
        default=[],
        metavar="RUN_DIR",
        help="finished runs whose weights this one goes on from, first to last",
    )
    parser.add_argument(
        "--npm",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether the network belongs into the npm package (model.json)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder, named as the network")
    options = parser.parse_args(arguments)
    try:
        path = write_folder(options)
    except (ReportError, OSError) as error:
        sys.exit(f"card: {error}")
    print(path)


if __name__ == "__main__":
    main()
