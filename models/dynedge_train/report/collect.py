"""Collects finished runs into the result file of the claim.

    python -m dynedge_train.report.collect RUN_DIR... --out models/claim/results.json [--keep]

Each RUN_DIR is the --out of a training run; its name becomes the run's name. Parameters and
multiply-adds are the SDK's, at the input size of the run.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from . import ReportError
from .counts import NAMES, count
from .files import write_text
from .results import Result, check, read_results, refuse_twins
from .rundir import read_run


def result_of(path, dataset: str | None = None) -> Result:
    """The entry of one run; `dataset` replaces the recognised name of the data."""
    run = read_run(path)
    counts = count(run.network, run.width, run.g, len(run.labels), run.input_size)
    if counts["params"] != run.facts["parameters"]:
        raise ReportError(
            f"{path}: the run has {run.facts['parameters']} parameters, the SDK counts "
            f"{counts['params']} for {run.network}; models/ and the SDK have diverged"
        )
    entry = dict(
        run=run.path.resolve().name,
        network=run.network,
        width=run.width,
        g=run.g,
        classes=len(run.labels),
        input_size=run.input_size,
        **counts,
        dataset=dataset or run.source.name,
        seed=run.result["seed"],
        budget=run.facts["images_seen"],
        recipe=run.recipe(),
        **{key: run.result[key] for key in ("top1", "top5", "correct", "n")},
    )
    return check(entry, str(path))


def merged(earlier, added) -> list:
    """Both lists in the order of the page; an added run replaces an earlier one of its name."""
    names = {result.run for result in added}
    if len(names) < len(added):
        raise ReportError(f"two folders have the same name among {sorted(r.run for r in added)}")
    kept = [result for result in earlier if result.run not in names]

    def place(result):
        network = NAMES.index(result.network)
        return result.dataset, -result.budget, network, result.width, result.g or 0, result.seed

    return sorted([*kept, *added], key=lambda result: (place(result), result.run))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN_DIR")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    parser.add_argument(
        "--keep", action="store_true", help="keep the other runs of an existing --out"
    )
    parser.add_argument("--dataset", help="name of the data, instead of the one recognised")
    options = parser.parse_args(arguments)
    try:
        earlier = read_results(options.out) if options.keep and options.out.exists() else []
        results = merged(earlier, [result_of(path, options.dataset) for path in options.runs])
        refuse_twins(results, options.out)
        text = json.dumps([asdict(result) for result in results], indent=1, ensure_ascii=False)
        write_text(options.out, text + "\n")
    except (ReportError, OSError) as error:
        sys.exit(f"collect: {error}")
    print(f"{options.out}: {len(results)} runs")


if __name__ == "__main__":
    main()
