"""Accuracy over multiply-adds: one panel per group of runs, and the paper's points in the last."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patheffects import withStroke

from .counts import STANDARD_G
from .markdown import display
from .paper import FIGURES


class Kind(NamedTuple):
    name: str
    colour: str
    marker: str


# Okabe and Ito's colours, which stay apart in the common forms of colour blindness; the marker
# says the same once more.
KINDS = {
    "dy": Kind("dynamic (small: other $g_t$)", "#0072B2", "o"),
    "fix": Kind("the same with fixed kernels", "#D55E00", "s"),
    "original": Kind("original network", "#555555", "^"),
}
COLUMNS = 2
PANEL = (4.9, 3.9)  # inches
LEGEND = 0.3
DPI = 150
MARK, GAP = 12, 14  # pixels: half a marker with some air; from a point to its name
CAP = 6  # pixels: half the width of an error bar
# Where a name may stand: side of the point, rise in heights of the text; the first is liked best.
PLACES = (
    *((1, 0), (-1, 0), (1, 0.7), (1, -0.7), (-1, 0.7), (-1, -0.7)),
    *((1, 1.4), (1, -1.4), (-1, 1.4), (-1, -1.4), (0, 1.4), (0, -1.4)),
)


@dataclass(frozen=True)
class Point:
    """`x` multiply-adds in millions; `y` top-1 in percent; `bar` standard deviation or None."""

    network: str
    label: str
    x: float
    y: float
    bar: float | None
    minor: bool  # a g_t other than the standard one: smaller

    @property
    def kind(self) -> str:
        prefix = self.network.split("-")[0]
        return prefix if prefix in KINDS else "original"


def label_of(network, width, g) -> str:
    if g not in (None, STANDARD_G):
        return f"$g_t$ = {g}"
    return display(network, width)


def points_of(contest) -> list:
    """[Point] of a group, one per network, width and g_t."""
    points = []
    for variant in contest.variants:
        mean, deviation = contest.points(variant)
        x = contest.of(variant)[0].madds / 1e6
        minor = variant[2] not in (None, STANDARD_G)
        points.append(Point(variant[0], label_of(*variant), x, mean, deviation, minor))
    return points


def paper_points() -> list:
    """[Point] of the paper's figures, without error bars: it states none."""
    return [
        Point(
            row.network,
            label_of(row.network, row.width, row.g),
            row.multiply_adds,
            row.top1,
            None,
            row.g not in (None, STANDARD_G),
        )
        for row in FIGURES
    ]


def overlap(first, second) -> float:
    """Common area of two boxes (x0, y0, x1, y1)."""
    across = min(first[2], second[2]) - max(first[0], second[0])
    along = min(first[3], second[3]) - max(first[1], second[1])
    return max(across, 0) * max(along, 0)


def outside(box, panel) -> float:
    """Area of the part of a box that leaves the panel."""
    return (box[2] - box[0]) * (box[3] - box[1]) - overlap(box, panel)


def label_points(axes, points):
    """Writes each name beside its point, in the place that covers least of what is there.

    Boxes are in pixels. Points come first, larger ones before smaller ones; each label then
    takes its best place and is an obstacle to those after it.
    """
    canvas = axes.figure.canvas
    canvas.draw()
    panel = axes.get_window_extent().extents
    centres = [axes.transData.transform((point.x, point.y)) for point in points]
    taken = [(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in centres]
    for point, (x, y) in zip(points, centres):
        if point.bar:
            end = axes.transData.transform((point.x, point.y + point.bar))[1]
            taken.append((x - CAP, 2 * y - end, x + CAP, end))
    for point, (x, y) in sorted(zip(points, centres), key=lambda pair: pair[0].minor):
        text = axes.annotate(
            point.label,
            xy=(point.x, point.y),
            xytext=(0, 0),
            textcoords="offset pixels",
            fontsize=7.5 if point.minor else 8.5,
            color=KINDS[point.kind].colour,
            va="center",
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )
        extent = text.get_window_extent(canvas.get_renderer())
        costs = []
        for order, (side, rise) in enumerate(PLACES):
            left = x + side * GAP + extent.width * (side - 1) / 2
            low = y + rise * extent.height - extent.height / 2
            box = (left, low, left + extent.width, low + extent.height)
            cost = sum(overlap(box, other) for other in taken) + 4 * outside(box, panel)
            costs.append((cost, order, box, (left - x, rise * extent.height)))
        _, _, box, offset = min(costs)
        text.set_position(offset)
        taken.append(box)


def draw_points(axes, points):
    for kind in KINDS.values():
        axes.plot([], [], kind.marker, color=kind.colour, label=kind.name)
    for point in points:
        kind = KINDS[point.kind]
        axes.errorbar(
            point.x,
            point.y,
            yerr=point.bar,
            fmt=kind.marker,
            color=kind.colour,
            markersize=4.5 if point.minor else 8,
            markerfacecolor="white" if point.minor else kind.colour,
            capsize=3,
            elinewidth=1.2,
            zorder=3,
        )


def join_pairs(axes, points):
    """A thin line from each network with fixed kernels to its dynamic relative."""
    dynamic = {point.label: point for point in points if point.kind == "dy" and not point.minor}
    for point in points:
        other = dynamic.get(point.label.replace("Fix", "Dy"))
        if other and point.kind == "fix":
            ends = [point.x, other.x], [point.y, other.y]
            axes.plot(*ends, "-", lw=0.8, color="#BBBBBB", zorder=1)


def draw_panel(axes, points, title: str, size: int):
    """`size`: input size of the multiply-adds."""
    lows = [point.y - (point.bar or 0) for point in points]
    highs = [point.y + (point.bar or 0) for point in points]
    margin = 0.1 * (max(highs) - min(lows)) + 0.2
    axes.set_xlim(0, 1.12 * max(point.x for point in points))
    axes.set_ylim(min(lows) - margin, max(highs) + margin)
    axes.set_title(title, fontsize=9.5)
    axes.set_xlabel(f"multiply-adds at {size}x{size}, millions", fontsize=9)
    axes.set_ylabel("top-1, %", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    join_pairs(axes, points)
    draw_points(axes, points)


def draw(groups, path):
    """Writes the PNG; groups with a single network have no panel unless all are such."""
    shown = [group for group in groups if len(group.variants) > 1] or list(groups)
    panels = [
        (points_of(group), f"{group.letter}: {group.title}", group.first.input_size)
        for group in shown
    ]
    panels.append((paper_points(), "DyNet paper: ImageNet", 224))
    rows = -(-len(panels) // COLUMNS)
    size = (PANEL[0] * COLUMNS, PANEL[1] * rows + LEGEND)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=size, dpi=DPI, squeeze=False)
    for axes, panel in zip(grid.flat, panels):
        draw_panel(axes, *panel)
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    handles, names = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncol=len(KINDS), fontsize=9, frameon=False)
    figure.tight_layout(rect=(0, LEGEND / size[1], 1, 1))
    for axes, panel in zip(grid.flat, panels):
        label_points(axes, panel[0])
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
