"""The files that a training run leaves in its folder, as `python -m dynedge_train` writes them."""

from dataclasses import dataclass
from pathlib import Path

from ..config import ConfigError, parse
from . import ReportError
from .counts import kernels_of
from .datasets import Source, recognise
from .files import field, read_csv, read_json

RESUME = "run the training command again, it resumes and writes it at the end"
# Settings of a configuration that say which network or run it is, or only when it writes files.
IDENTITY = (
    "name",
    "network",
    "data.kind",
    "train.seed",
    "train.monitor",
    "train.checkpoint_minutes",
)
FILES = (("distil", "teacher"), ("init", "weights"))


@dataclass(frozen=True)
class Run:
    """`facts`: run.json; `result`: result.json; `log`: rows of log.csv."""

    path: Path
    facts: dict
    result: dict
    log: list

    @property
    def config(self) -> dict:
        """The configuration as it ran, command-line overrides included; files by name alone.

        Settings younger than the run have their default, which is what it did without them.
        """
        config = parse(self.facts["config"]).as_dict()
        shortened = {
            section: config[section] | {key: Path(config[section][key]).name}
            for section, key in FILES
        }
        return config | shortened

    @property
    def network(self) -> str:
        return self.facts["network"]

    @property
    def width(self) -> float:
        return float(self.facts["width"])

    @property
    def g(self) -> int | None:
        """None: fixed kernels."""
        return kernels_of(self.network, self.facts["g"])

    @property
    def labels(self) -> list:
        return self.facts["data"]["labels"]

    @property
    def input_size(self) -> int:
        return self.result["input_size"]

    @property
    def source(self) -> Source:
        return recognise(self.labels, self.facts["data"]["train"])

    def recipe(self) -> dict:
        """Every setting that is not the network, the seed or bookkeeping."""
        off = () if self.config.get("quantize", {}).get("bits") else ("quantize",)
        kept = without(self.config, (*IDENTITY, *off))
        return kept | dict(precision=self.facts["machine"]["precision"])


def without(settings: dict, keys, prefix: str = "") -> dict:
    """A nested table without the named keys (dots for nesting)."""
    return {
        key: without(value, keys, f"{prefix}{key}.") if isinstance(value, dict) else value
        for key, value in settings.items()
        if prefix + key not in keys
    }


def read_run(path) -> Run:
    """Reads and checks a run that is complete."""
    path = Path(path)
    if not path.is_dir():
        raise ReportError(f"{path}: no such folder; expected the --out of a training run")
    facts = read_json(path / "run.json", "budget of the run", RESUME)
    result = read_json(path / "result.json", "result of the run", RESUME)
    log = read_csv(path / "log.csv", "log of the run", RESUME)
    for key, kind in {
        "network": str,
        "width": (int, float),
        "g": int,
        "parameters": int,
        "epochs": int,
        "planned_epochs": int,
        "steps": int,
        "images_seen": int,
        "wall_seconds": (int, float),
        "core_seconds": (int, float),
        "sittings": int,
        "started": str,
        "ended": str,
        "data.train": int,
        "data.val": int,
        "data.labels": list,
        "data.skipped": int,
        "machine.device": str,
        "machine.cpu": str,
        "machine.form": str,
        "machine.precision": str,
        "machine.threads": int,
        "machine.torch": str,
        "config.train.seed": int,
    }.items():
        field(facts, key, path / "run.json", kind)
    for key in ("n", "correct", "input_size", "seed", "images_seen"):
        field(result, key, path / "result.json", int)
    for key in ("top1", "top5"):
        field(result, key, path / "result.json", (int, float))
    for key in ("name", "weights"):
        field(result, key, path / "result.json", str)
    if facts["epochs"] != facts["planned_epochs"]:
        raise ReportError(
            f"{path}: {facts['epochs']} of {facts['planned_epochs']} epochs are done; {RESUME}"
        )
    if result["images_seen"] != facts["images_seen"]:
        raise ReportError(
            f"{path}: result.json is of {result['images_seen']} images seen, run.json of "
            f"{facts['images_seen']}: they are of different runs; train again in an empty folder"
        )
    try:
        parse(facts["config"])
    except ConfigError as error:
        raise ReportError(f"{path / 'run.json'}: config: {error}") from None
    return Run(path, facts, result, log)
