"""Intervals: of a proportion, of a mean, of differences paired by seed."""

import math
from dataclasses import dataclass

from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval; `count` is the number of runs or images behind it."""

    value: float
    low: float
    high: float
    count: int

    @property
    def side(self) -> int:
        """1: wholly above zero, -1: wholly below, 0: zero lies inside."""
        return (self.low > 0) - (self.high < 0)


def wilson(correct: int, count: int) -> Interval:
    """Of the share `correct / count`, by Wilson's score."""
    if not 0 <= correct <= count or count == 0:
        raise ValueError(f"{correct} correct of {count}: expected 0 <= correct <= count, count > 0")
    bounds = stats.binomtest(correct, count).proportion_ci(LEVEL, method="wilson")
    return Interval(correct / count, float(bounds.low), float(bounds.high), count)


def spread(values) -> tuple[float, float | None]:
    """-> mean and sample standard deviation (n - 1), None for a single value."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    squares = math.fsum((value - mean) ** 2 for value in values)
    return mean, math.sqrt(squares / (len(values) - 1))


def mean_interval(values) -> Interval | None:
    """Student's t interval of the mean of independent values; None for fewer than two."""
    mean, deviation = spread(values)
    if deviation is None:
        return None
    quantile = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1))
    half = quantile * deviation / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half, len(values))


def two_shares(first: Interval, second: Interval) -> Interval:
    """Of the difference of two shares with Wilson intervals, by Newcombe's hybrid score.

    It treats the two as independent. Networks that saw the same images tend to fail on the same
    ones; the true interval of their difference is then narrower.
    """
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Interval(value, low, high, min(first.count, second.count))
