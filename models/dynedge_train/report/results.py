"""The result file of the claim: one entry per trained network, and what can be compared in it.

A result file is a JSON list. Each entry:

    run         name of the run
    network, width, g, classes, input_size, params, madds
                the network; g null for fixed kernels; madds of one image of input_size
    dataset     name of the data
    seed        integer
    budget      images seen in training
    recipe      every setting of the training that is not network, seed or name
    top1, top5  shares (0 to 1) of the n validation images; correct: top1 * n, an integer
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path

from . import ReportError
from .counts import NAMES
from .intervals import Interval, mean_interval, spread, two_shares, wilson


@dataclass(frozen=True)
class Result:
    """One entry of a result file."""

    run: str
    network: str
    width: float
    g: int | None
    classes: int
    input_size: int
    params: int
    madds: int
    dataset: str
    seed: int
    budget: int
    recipe: dict
    top1: float
    top5: float
    correct: int
    n: int

    @property
    def variant(self) -> tuple:
        return self.network, self.width, self.g


def check(entry: dict, where: str) -> Result:
    """An entry with the right fields and possible values, or a ReportError."""
    names = {field.name for field in fields(Result)}
    if not isinstance(entry, dict):
        raise ReportError(f"{where}: got {type(entry).__name__}, expected an object")
    if set(entry) != names:
        missing, unknown = sorted(names - set(entry)), sorted(set(entry) - names)
        raise ReportError(
            f"{where}: missing fields {missing}, unknown fields {unknown}; "
            "write the file with `python -m dynedge_train.report.collect`"
        )
    result = Result(**entry)
    if result.network not in NAMES:
        raise ReportError(f"{where}: network {result.network!r}, expected one of {list(NAMES)}")
    if (result.g is not None) != result.network.startswith("dy-"):
        raise ReportError(
            f"{where}: {result.network} with g = {result.g}; dy- networks have a g, others null"
        )
    if not (0 <= result.top1 <= result.top5 <= 1) or result.n < 1:
        raise ReportError(
            f"{where}: top1 {result.top1}, top5 {result.top5} of {result.n} images; "
            "expected 0 <= top1 <= top5 <= 1"
        )
    if abs(result.correct - result.top1 * result.n) > 0.5:
        raise ReportError(
            f"{where}: {result.correct} of {result.n} correct does not fit top1 {result.top1}"
        )
    return result


def read_results(path) -> list:
    """-> [Result]; throws ReportError for a file that collect would not have written."""
    try:
        entries = json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise ReportError(
            f"{path}: no such file; write it with `python -m dynedge_train.report.collect`"
        ) from None
    except ValueError as error:
        raise ReportError(f"{path}: not JSON ({error})") from None
    if not isinstance(entries, list):
        raise ReportError(f"{path}: got {type(entries).__name__}, expected a list of results")
    results = [check(entry, f"{path}, entry {index}") for index, entry in enumerate(entries)]
    refuse_twins(results, path)
    return results


def refuse_twins(results, path) -> None:
    """Each network, seed, budget and recipe may be there once."""
    seen = {}
    for result in results:
        key = (*result.variant, result.seed, contest_key(result))
        if key in seen:
            raise ReportError(
                f"{path}: runs {seen[key]!r} and {result.run!r} are the same network, seed, budget "
                "and recipe; keep one"
            )
        seen[key] = result.run


def contest_key(result: Result) -> tuple:
    """What must be equal for two results to be compared."""
    recipe = json.dumps(result.recipe, sort_keys=True)
    return result.dataset, result.input_size, result.budget, recipe


@dataclass(frozen=True)
class Contest:
    """Results at equal data, input size, budget and recipe: a lettered group of the page."""

    letter: str
    results: tuple

    @property
    def title(self) -> str:
        size = self.first.input_size
        return f"{self.first.dataset}, {self.first.budget:,} images seen, scored at {size}x{size}"

    @property
    def first(self) -> Result:
        return self.results[0]

    @property
    def variants(self) -> list:
        """(network, width, g) of the contest: in the order of the table, then by width and g."""
        order = {name: index for index, name in enumerate(NAMES)}
        found = {result.variant for result in self.results}
        return sorted(found, key=lambda v: (order[v[0]], v[1], v[2] or 0))

    def of(self, variant) -> list:
        """Results of a variant, by seed."""
        found = (result for result in self.results if result.variant == variant)
        return sorted(found, key=lambda result: result.seed)

    def points(self, variant) -> tuple:
        """-> mean top-1 in percent, sample standard deviation (None for one seed)"""
        return spread([100 * result.top1 for result in self.of(variant)])


def contests(results) -> list:
    """Groups the results; the group with most networks is A, then the larger budget first."""
    groups = {}
    for result in results:
        groups.setdefault(contest_key(result), []).append(result)

    def rank(key):
        dataset, size, budget, recipe = key
        return -len({result.network for result in groups[key]}), -budget, dataset, size, recipe

    ranked = sorted(groups, key=rank)
    return [Contest(letter(index), tuple(groups[key])) for index, key in enumerate(ranked)]


def letter(index: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA"""
    tail = chr(ord("A") + index % 26)
    return letter(index // 26 - 1) + tail if index >= 26 else tail


@dataclass(frozen=True)
class Comparison:
    """First minus second, in points of top-1, over the seeds that both have.

    `interval`: t interval over the seeds' differences, or, for one common seed, the interval
    that the number of validation images gives (then `paired` is False).
    """

    seeds: tuple
    differences: tuple
    interval: Interval
    paired: bool


def compare(contest: Contest, first, second) -> Comparison | None:
    """None where the two variants have no seed in common."""
    ours = {result.seed: result for result in contest.of(first)}
    theirs = {result.seed: result for result in contest.of(second)}
    seeds = tuple(sorted(ours.keys() & theirs.keys()))
    if not seeds:
        return None
    differences = tuple(100 * (ours[seed].top1 - theirs[seed].top1) for seed in seeds)
    if len(seeds) > 1:
        return Comparison(seeds, differences, mean_interval(differences), True)
    a, b = ours[seeds[0]], theirs[seeds[0]]
    if a.n != b.n:
        raise ReportError(
            f"{a.run} was scored on {a.n} images, {b.run} on {b.n}: score both on one set"
        )
    share = two_shares(wilson(a.correct, a.n), wilson(b.correct, b.n))
    interval = Interval(100 * share.value, 100 * share.low, 100 * share.high, share.count)
    return Comparison(seeds, differences, interval, False)
