"""Writes the page that puts the papers' claim to the test, and its plot, from a result file.

    python -m dynedge_train.report.claim RESULTS.json --out docs/claim.md [--plot docs/claim.png]

Everything but the text between the two markers is written anew each time: that text is the
author's and stays. RESULTS.json comes from `python -m dynedge_train.report.collect`.
"""

import argparse
import os
import sys
from pathlib import Path

from . import ReportError
from .claim_tables import (
    arithmetic,
    kernels_section,
    networks_table,
    paper_table,
    recipe_section,
    runs_table,
    seeds_table,
)
from .counts import STANDARD_G
from .files import fill, write_text
from .markdown import display, percent
from .paper import CITATION, STATED_GAIN_MOBILE, figure, gain
from .plot import draw
from .results import compare, contests, read_results
from .verdicts import beside_the_paper, caution, outcome

BEGIN = "<!-- by hand: begin -->"
END = "<!-- by hand: end -->"
PAIRS = (
    ("dy-mobile", "fix-mobile"),
    ("dy-mobile", "mobilenetv2"),
    ("dy-shuffle", "fix-shuffle"),
    ("dy-shuffle", "shufflenetv2"),
)
KEY = (
    "Bars: standard deviation over seeds, where there are several. "
    "A line leads from fixed kernels to dynamic ones."
)


def kept_text(path) -> str:
    """What stands between the markers of an earlier page; empty where there is no page yet."""
    if not Path(path).exists():
        return ""
    text = Path(path).read_text()
    if (text.count(BEGIN), text.count(END)) != (1, 1) or text.index(BEGIN) > text.index(END):
        raise ReportError(
            f"{path}: expected {BEGIN} and {END} once each, in this order; put them back around "
            "the text written by hand, or delete the page to start anew"
        )
    return text.split(BEGIN)[1].split(END)[0].strip("\n")


def pair_variants(contest, pair) -> list:
    """[(first, second)] of the group, the dynamic network with the standard g_t.

    Of equal width; where the group has no such pair, an original stands beside every width.
    """
    standard = [v for v in contest.variants if v[2] in (None, STANDARD_G)]
    found = [(a, b) for a in standard for b in standard if (a[0], b[0]) == pair]
    equal = [(a, b) for a, b in found if a[1] == b[1]]
    return equal if equal or pair[1].startswith("fix-") else found


def comparisons(groups) -> list:
    """[(contest, first, second, comparison)] of every pair that shares a seed, pair by pair."""
    return [
        (contest, first, second, comparison)
        for pair in PAIRS
        for contest in groups
        for first, second in pair_variants(contest, pair)
        if (comparison := compare(contest, first, second))
    ]


def verdicts(groups) -> str:
    lines = []
    for contest, first, second, comparison in comparisons(groups):
        parts = [outcome(first, second, comparison), arithmetic(contest, first, second)]
        parts += [beside_the_paper(first, second, comparison)]
        lines.append(f"- Group {contest.letter}: {' '.join(parts)}\n")
    if not lines:
        return "No two networks of a pair have been trained alike, with the same seed, yet.\n"
    notes = sorted({caution(comparison) for *_, comparison in comparisons(groups)} - {""})
    if len(lines) > 1:
        notes.append(
            "Each interval is that of its own comparison; none is widened for their number."
        )
    return "".join(lines) + (f"\n{' '.join(notes)}\n" if notes else "")


def network_sections(groups, picture) -> str:
    text = "## The networks at equal budget\n\n"
    if picture:
        text += f"![accuracy over multiply-adds, ours and the paper's]({picture})\n\n{KEY}\n\n"
    for contest in groups:
        text += f"### Group {contest.letter}: {contest.title}\n\n{networks_table(contest)}\n"
    return text


def seed_sections(groups) -> str:
    text = ""
    for contest, first, second, comparison in comparisons(groups):
        if comparison.paired:
            text += f"### {display(*first)} against {display(*second)}, group {contest.letter}\n\n"
            text += seeds_table(contest, first, second, comparison) + "\n"
    return f"## Seed by seed\n\n{text}" if text else ""


def kernel_sections(groups) -> str:
    text = ""
    for contest in groups:
        section = kernels_section(contest)
        text += f"### Group {contest.letter}\n\n{section}\n" if section else ""
    return f"## Fixed kernels per output channel, g_t\n\n{text}" if text else ""


def page(results, by_hand: str = "", picture: str | None = None) -> str:
    """The Markdown page; `picture` is the plot's path from the page."""
    groups = contests(results)
    sections = evidence = ""
    if groups:
        sections = network_sections(groups, picture) + seed_sections(groups)
        sections += kernel_sections(groups)
        evidence = f"## Settings\n\n{recipe_section(groups)}\n## All runs\n\n{runs_table(groups)}\n"
    dynamic, fixed = figure("dy-mobile", 1.0, 6), figure("fix-mobile", 1.0, None)
    original = figure("mobilenetv2", 1.0, None)
    wide = figure("dy-shuffle", 1.5, 6), figure("fix-shuffle", 1.5, None)
    return fill(
        "claim.md",
        citation=CITATION,
        mobile=f"{gain(dynamic, fixed):.2f}",
        stated=STATED_GAIN_MOBILE,
        shuffle=f"{gain(*wide):.2f}",
        original=f"{gain(original, dynamic):.2f}",
        share=percent(dynamic.multiply_adds / original.multiply_adds, 0),
        verdicts=verdicts(groups),
        sections=sections,
        begin=BEGIN,
        by_hand=by_hand,
        end=END,
        evidence=evidence,
        paper=paper_table().rstrip(),
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="JSON that collect wrote")
    parser.add_argument("--out", type=Path, required=True, help="Markdown page to write")
    parser.add_argument("--plot", type=Path, help="PNG to write, linked from the page")
    options = parser.parse_args(arguments)
    try:
        results = read_results(options.results)
        by_hand = kept_text(options.out)
        picture = None
        if options.plot and results:
            draw(contests(results), options.plot)
            picture = Path(os.path.relpath(options.plot, options.out.parent)).as_posix()
        write_text(options.out, page(results, by_hand, picture))
    except (ReportError, OSError) as error:
        sys.exit(f"claim: {error}")
    print(f"{options.out}: {len(results)} runs")


if __name__ == "__main__":
    main()
