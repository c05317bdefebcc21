"""Sentences that say what a comparison came to; the sign and the interval choose them."""

from .intervals import Interval
from .markdown import display, signed
from .paper import figure, gain
from .results import Comparison

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def bounds(interval: Interval) -> str:
    return f"{signed(interval.low)} to {signed(interval.high)}"


def basis(comparison: Comparison) -> str:
    """What the interval rests on."""
    span = f"95 % interval {bounds(comparison.interval)}"
    if comparison.paired:
        return f"mean over {number(len(comparison.seeds))} seeds, {span}"
    return (
        f"{span} for the choice of the {comparison.interval.count:,} validation images; what "
        "another seed would give is not in it"
    )


def outcome(first: tuple, second: tuple, comparison: Comparison) -> str:
    """Who is ahead, or that it is not decided; variants are (network, width, g)."""
    ours, theirs = display(*first), display(*second)
    size = f"{abs(comparison.interval.value):.2f} points"
    start = "" if comparison.paired else "in one run each, "
    if comparison.interval.side:
        side = "above" if comparison.interval.side > 0 else "below"
        said = f"{start}{ours} is {size} {side} {theirs}"
        return f"**{said[0].upper()}{said[1:]}** ({basis(comparison)})."
    said = f"{start}nothing is decided between {ours} and {theirs}"
    return (
        f"**{said[0].upper()}{said[1:]}**: the difference is "
        f"{signed(comparison.interval.value)} points, and its interval holds zero "
        f"({basis(comparison)})."
    )


def beside_the_paper(first: tuple, second: tuple, comparison: Comparison) -> str:
    """The paper's difference of the same two networks, and whether the interval holds it."""
    theirs = gain(figure(*first), figure(*second))
    if theirs is None:
        return "The paper has no figures for this pair."
    side = "above" if theirs > 0 else "below"
    said = f"On ImageNet the paper has it {abs(theirs):.2f} points {side}"
    if comparison.interval.low <= theirs <= comparison.interval.high:
        return f"{said}, which our interval holds."
    relation = "above" if theirs > comparison.interval.high else "below"
    return f"{said}, which lies {relation} our interval."


def caution(comparison: Comparison) -> str:
    """How far the interval can be trusted; empty for one seed or for many."""
    seeds = len(comparison.seeds)
    if not comparison.paired or seeds >= 10:
        return ""
    return (
        f"Over {number(seeds)} seeds the interval is Student's with {number(seeds - 1)} "
        f"degree{'s' if seeds > 2 else ''} of freedom: it takes the differences as normally "
        f"distributed, which {number(seeds)} of them cannot show."
    )


def kernels_trend(means: dict) -> str:
    """`means`: {g: mean top-1 in percent}, in ascending g."""
    values = list(means.values())
    steps = [later - earlier for earlier, later in zip(values, values[1:])]
    names = " < ".join(map(str, means))
    if all(step > 0 for step in steps):
        return f"The means rise with g_t ({names}), as in the paper."
    if all(step < 0 for step in steps):
        return f"The means fall as g_t grows ({names}); in the paper they rise."
    best = max(means, key=means.get)
    return (
        "The means do not rise steadily with g_t, as they do in the paper; "
        f"the best is that of g_t = {best}."
    )
