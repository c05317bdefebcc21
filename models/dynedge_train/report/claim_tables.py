"""The tables of the claim's page: networks beside the paper, seed by seed, by g_t, all runs."""

from .counts import count
from .intervals import mean_interval, spread, wilson
from .markdown import collapsed, display, flat, listed, millions, signed, table, whole
from .paper import FIGURES, figure
from .results import Contest, compare
from .verdicts import bounds, kernels_trend, outcome

PAPER_SIZE = 224
NONE = "–"


def with_spread(mean: float, deviation: float | None) -> str:
    return f"{mean:.2f}" + (f" ± {deviation:.2f}" if deviation is not None else "")


def sampling(result) -> str:
    """The 95 % interval of a run's top-1, in percent."""
    interval = wilson(result.correct, result.n)
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"


def networks_table(contest: Contest) -> str:
    """(a) The networks of a group, each beside the paper's figure for it."""
    size = contest.first.input_size
    head = ["network", "parameters, M", f"multiply-adds at {size}, M", "at 224, M", "seeds"]
    head += ["top-1, %", "95 % interval", "top-5, %", "paper: top-1, %", "MFLOPs"]
    rows = []
    for variant in contest.variants:
        results, theirs = contest.of(variant), figure(*variant)
        large = count(*variant, results[0].classes, PAPER_SIZE)["madds"]
        top5 = 100 * sum(result.top5 for result in results) / len(results)
        rows.append(
            [display(*variant), millions(results[0].params), millions(results[0].madds)]
            + [millions(large), len(results), with_spread(*contest.points(variant))]
            + [sampling(results[0]) if len(results) == 1 else NONE, f"{top5:.2f}"]
            + ([f"{theirs.top1:.2f}", theirs.multiply_adds] if theirs else [NONE, NONE])
        )
    return table(head, rows)


def arithmetic(contest: Contest, first, second) -> str:
    """How the multiply-adds of the two networks compare at the trained size and at 224."""
    ours, theirs = contest.of(first)[0], contest.of(second)[0]
    large = [count(*v, ours.classes, PAPER_SIZE)["madds"] for v in (first, second)]
    here, there = ours.madds / theirs.madds - 1, large[0] / large[1] - 1
    return (
        f"It takes {millions(ours.madds)} M multiply-adds against {millions(theirs.madds)} M "
        f"({100 * here:+.1f} %; at {PAPER_SIZE}x{PAPER_SIZE} {100 * there:+.1f} %)."
    )


def seeds_table(contest: Contest, first, second, comparison) -> str:
    """(b) Top-1 of two networks by seed, their difference, mean and spread."""
    ours = {result.seed: 100 * result.top1 for result in contest.of(first)}
    theirs = {result.seed: 100 * result.top1 for result in contest.of(second)}
    rows = [
        [f"seed {seed}", f"{ours[seed]:.2f}", f"{theirs[seed]:.2f}", signed(difference)]
        for seed, difference in zip(comparison.seeds, comparison.differences)
    ]
    columns = [[values[seed] for seed in comparison.seeds] for values in (ours, theirs)]
    columns.append(list(comparison.differences))
    intervals = [mean_interval(values) for values in columns]
    means = [f"{interval.value:.2f}" for interval in intervals[:2]] + [signed(intervals[2].value)]
    spans = [f"{interval.low:.2f} to {interval.high:.2f}" for interval in intervals[:2]]
    rows.append(["mean", *means])
    rows.append(["standard deviation", *(f"{spread(values)[1]:.2f}" for values in columns)])
    rows.append(["95 % interval of the mean", *spans, bounds(intervals[2])])
    text = table(["", display(*first), display(*second), "difference"], rows)
    alone = sorted((ours.keys() ^ theirs.keys()))
    if alone:
        text += f"\nNot paired, so not counted here: seed {listed(list(map(str, alone)))}.\n"
    return text


def kernels_variants(contest: Contest) -> list:
    """Variants of Dy-mobile at width 1 in the group, by g_t."""
    return [v for v in contest.variants if v[:2] == ("dy-mobile", 1.0)]


def kernels_table(contest: Contest) -> str:
    """(c) Dy-mobile by g_t, with Fix-mobile where the group has it, beside tables 5 and 6."""
    variants = kernels_variants(contest)
    fixed = ("fix-mobile", 1.0, None)
    shown = ([fixed] if fixed in contest.variants else []) + variants
    rows = []
    for variant in shown:
        results, theirs = contest.of(variant), figure(*variant)
        difference = compare(contest, variant, variants[-1]) if variant != variants[-1] else None
        rows.append(
            [f"Dy-mobile, g_t = {variant[2]}" if variant[2] else "Fix-mobile"]
            + [millions(results[0].params), millions(results[0].madds), len(results)]
            + [with_spread(*contest.points(variant))]
            + [signed(difference.interval.value) if difference else NONE]
            + [bounds(difference.interval) if difference else NONE]
            + ([f"{theirs.top1:.2f}", theirs.parameters] if theirs else [NONE, NONE])
        )
    head = ["network", "parameters, M", "multiply-adds, M", "seeds", "top-1, %"]
    head += [f"against g_t = {variants[-1][2]}", "95 % interval", "paper: top-1, %", "MParams"]
    return table(head, rows)


def kernels_section(contest: Contest) -> str:
    """Table and sentences; empty where the group has fewer than two values of g_t."""
    variants = kernels_variants(contest)
    if len(variants) < 2:
        return ""
    lines = [f"{kernels_trend({v[2]: contest.points(v)[0] for v in variants})}"]
    comparison = compare(contest, variants[-1], variants[0])
    if comparison:
        lines.append(outcome(variants[-1], variants[0], comparison))
    return f"{kernels_table(contest)}\n{' '.join(lines)}\n"


def paper_table() -> str:
    """Every figure of the paper that this page uses."""
    rows = [
        [display(row.network, row.width) + (f", g_t = {row.g}" if row.g else "")]
        + [row.parameters if row.parameters is not None else NONE, row.multiply_adds]
        + [f"{row.error:.2f}", f"{row.top1:.2f}", row.table]
        for row in FIGURES
    ]
    return table(["network", "MParams", "MFLOPs", "top-1 err., %", "top-1, %", "where"], rows)


def recipe_section(groups) -> str:
    """Settings of the first group in full, of the others where they differ from it."""
    base = flat(groups[0].first.recipe)
    text = collapsed(
        f"Settings of group {groups[0].letter}", table(["setting", "value"], list(base.items()))
    )
    for contest in groups[1:]:
        theirs = flat(contest.first.recipe)
        rows = [
            [key, base.get(key, NONE), theirs.get(key, NONE)]
            for key in sorted(base.keys() | theirs.keys())
            if base.get(key) != theirs.get(key)
        ]
        if rows:
            head = ["setting", f"group {groups[0].letter}", f"group {contest.letter}"]
            text += f"\nGroup {contest.letter} differs:\n\n{table(head, rows)}"
        else:
            text += f"\nGroup {contest.letter} has the settings of group {groups[0].letter}.\n"
    return text


def runs_table(groups) -> str:
    """Every run behind the page."""
    rows = []
    for contest in groups:
        for variant in contest.variants:
            for result in contest.of(variant):
                rows.append(
                    [result.run, contest.letter, display(*variant), result.seed]
                    + [whole(result.budget), whole(result.correct), whole(result.n)]
                    + [f"{100 * result.top1:.2f}", sampling(result), f"{100 * result.top5:.2f}"]
                )
    head = ["run", "group", "network", "seed", "images seen", "correct", "of", "top-1, %"]
    return table([*head, "95 % interval", "top-5, %"], rows)
