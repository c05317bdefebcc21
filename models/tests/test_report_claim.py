"""The claim's page: what it says for invented results, and what it refuses."""

import json
import math
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from dynedge_train.report import ReportError, counts
from dynedge_train.report.claim import BEGIN, END, kept_text, main, page
from dynedge_train.report.intervals import Interval, mean_interval, spread, two_shares, wilson
from dynedge_train.report.paper import FIGURES, figure, gain
from dynedge_train.report.plot import overlap, points_of
from dynedge_train.report.results import check, compare, contests, letter, read_results

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPE = dict(train=dict(batch=128, peak_lr=0.1), mix=dict(mixup=0.2))
DY, FIX, ORIGINAL = ("dy-mobile", 1.0, 6), ("fix-mobile", 1.0, None), ("mobilenetv2", 1.0, None)


def entry(network, top1, seed=1, g=6, budget=1_000_000, recipe=RECIPE, n=10_000, width=1.0):
    """An invented result; `top1` in percent."""
    g = counts.kernels_of(network, g)
    correct = round(top1 / 100 * n)
    return dict(
        run=f"{network}-{g}-{seed}-{budget}",
        network=network,
        width=width,
        g=g,
        classes=200,
        input_size=64,
        **counts.count(network, width, g, 200, 64),
        dataset="tiny",
        seed=seed,
        budget=budget,
        recipe=recipe,
        top1=correct / n,
        top5=min(1.0, correct / n + 0.2),
        correct=correct,
        n=n,
    )


def results_of(*entries):
    return [check(item, "entry") for item in entries]


def seeds(network, *top1s, **options):
    return [entry(network, top1, seed, **options) for seed, top1 in enumerate(top1s, 1)]


def written(tmp_path, entries):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(entries))
    return path


def test_t_interval_is_that_of_a_textbook():
    # Differences 1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.303, half 4.303 / sqrt(3) = 2.484.
    interval = mean_interval([1.0, 2.0, 3.0])
    assert spread([1.0, 2.0, 3.0]) == (2, 1)
    assert (interval.low, interval.high) == pytest.approx((2 - 2.484, 2 + 2.484), abs=1e-3)
    assert mean_interval([1.0]) is None and spread([4.0]) == (4, None)


def test_proportions():
    # 8 of 10, published worked value 0.490 .. 0.943.
    interval = wilson(8, 10)
    assert (interval.low, interval.high) == pytest.approx((0.490, 0.943), abs=1e-3)
    # Newcombe 1998, 56/70 against 48/80, method 10: 0.0524 .. 0.3339.
    difference = two_shares(wilson(56, 70), wilson(48, 80))
    assert (difference.low, difference.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    swapped = two_shares(wilson(48, 80), wilson(56, 70))
    assert (-swapped.high, -swapped.low) == pytest.approx((difference.low, difference.high))
    with pytest.raises(ValueError, match="11 correct of 10"):
        wilson(11, 10)


@pytest.mark.parametrize("low, high, side", [(1, 2, 1), (-2, -1, -1), (-1, 1, 0), (0, 1, 0)])
def test_side_of_an_interval(low, high, side):
    assert Interval((low + high) / 2, low, high, 3).side == side


def test_t_interval_holds_the_truth_at_its_rate():
    rng = np.random.default_rng(1)
    hits = [
        interval.low <= 0 <= interval.high
        for interval in (mean_interval(rng.normal(size=3).tolist()) for _ in range(2000))
    ]
    assert 0.93 < np.mean(hits) < 0.97


def test_paper_figures_stand_in_the_paper_as_quoted():
    assert gain(figure(*DY), figure(*FIX)) == 5.30
    assert gain(figure("dy-shuffle", 1.5, 6), figure("fix-shuffle", 1.5, None)) == 2.82
    assert gain(figure(*DY), figure("dy-mobile", 1.0, 1)) == 2.58  # the text's own difference
    assert gain(figure(*DY), figure("fix-shuffle", 1.0, None)) is None
    assert len({(row.network, row.width, row.g) for row in FIGURES}) == len(FIGURES)


def test_stored_counts_are_those_of_the_sdk():
    if not counts.CLI.exists():
        pytest.skip("the SDK is not built")
    for key in (("dy-mobile", 1.0, 6, 200, 64), ("fix-shuffle", 1.5, None, 10, 32)):
        assert counts.stored()[key] == counts.ask_sdk(*key)
    assert counts.count("dy-mobile", 0.75, 3, 7, 96) == counts.ask_sdk("dy-mobile", 0.75, 3, 7, 96)
    with pytest.raises(ReportError, match="refused to count no-such-network"):
        counts.ask_sdk("no-such-network", 1.0, None, 10, 64)


def test_counts_without_the_sdk_say_what_to_do(tmp_path):
    with pytest.raises(ReportError, match="npm ci"):
        counts.ask_sdk("dy-mobile", 1.0, 6, 10, 64, cli=tmp_path / "cli.js")


def test_only_equal_data_budget_and_recipe_are_compared():
    other = dict(RECIPE, mix=dict(mixup=0.0))
    groups = contests(
        results_of(
            entry("dy-mobile", 50),
            entry("fix-mobile", 45, budget=2_000_000),
            entry("fix-mobile", 45, recipe=other),
            entry("fix-mobile", 44),
            entry("mobilenetv2", 46),
        )
    )
    assert [len(group.results) for group in groups] == [3, 1, 1]
    assert [group.letter for group in groups] == ["A", "B", "C"]
    assert compare(groups[0], DY, FIX).differences == pytest.approx((6.0,))
    assert compare(groups[1], DY, FIX) is None
    assert [letter(i) for i in (0, 25, 26, 27)] == ["A", "Z", "AA", "AB"]


def test_seeds_are_paired():
    entries = seeds("dy-mobile", 50, 52, 54) + seeds("fix-mobile", 45, 46, 47)
    entries.append(entry("fix-mobile", 30, seed=9))
    (group,) = contests(results_of(*entries))
    comparison = compare(group, DY, FIX)
    assert comparison.seeds == (1, 2, 3) and comparison.differences == pytest.approx((5, 6, 7))
    assert comparison.interval.value == pytest.approx(6)
    text = page(results_of(*entries))
    assert "Not paired, so not counted here: seed 9." in text
    assert "| seed 2 | 52.00 | 46.00 | +6.00 |" in text
    assert "| standard deviation | 2.00 | 1.00 | 1.00 |" in text
    assert (
        "| 95 % interval of the mean | 47.03 to 56.97 | 43.52 to 48.48 | +3.52 to +8.48 |" in text
    )


@pytest.mark.parametrize(
    "ours, theirs, said",
    [
        ((50, 51, 52), (45, 46, 47.3), "**Dy-mobile is 4.90 points above Fix-mobile**"),
        ((45, 46, 47.3), (50, 51, 52), "**Dy-mobile is 4.90 points below Fix-mobile**"),
        ((50, 45, 48), (45, 49, 47), "**Nothing is decided between Dy-mobile and Fix-mobile**"),
        ((50,), (45,), "**In one run each, Dy-mobile is 5.00 points above Fix-mobile**"),
        (
            (45.2,),
            (45,),
            "**In one run each, nothing is decided between Dy-mobile and Fix-mobile**",
        ),
    ],
)
def test_the_page_says_what_came_out(ours, theirs, said):
    text = page(results_of(*seeds("dy-mobile", *ours), *seeds("fix-mobile", *theirs)))
    assert text.count("**") == 2 and said in text
    assert ("degrees of freedom" in text) == (len(ours) > 1)
    # Fusing does not shrink with the picture, so the two are not of one arithmetic at 64x64.
    assert "It takes 17.35 M multiply-adds against 11.39 M (+52.4 %; at 224x224 +5.0 %)." in text


def test_the_paper_stands_beside_it():
    pair = seeds("dy-mobile", 50, 51, 52) + seeds("fix-mobile", 45, 46, 47.3)
    assert "5.30 points above, which our interval holds" in page(results_of(*pair))
    far = seeds("dy-mobile", 50, 51, 52) + seeds("fix-mobile", 49, 50, 51.1)
    assert "5.30 points above, which lies above our interval" in page(results_of(*far))
    near = seeds("dy-mobile", 50, 51, 52) + seeds("fix-mobile", 30, 31, 32.1)
    assert "5.30 points above, which lies below our interval" in page(results_of(*near))
    shuffle = [entry("dy-shuffle", 50), entry("fix-shuffle", 45)]
    assert "The paper has no figures for this pair." in page(results_of(*shuffle))
    row = next(
        line for line in page(results_of(*pair)).splitlines() if line.startswith("| Dy-mobile |")
    )
    assert row.endswith("| 3 | 51.00 ± 1.00 | – | 71.00 | 71.73 | 135 |")


@pytest.mark.parametrize(
    "top1s, said",
    [
        ((40, 41, 42, 43), "rise with g_t (1 < 2 < 4 < 6), as in the paper"),
        ((43, 42, 41, 40), "fall as g_t grows (1 < 2 < 4 < 6); in the paper they rise"),
        (
            (40, 43, 42, 41),
            "do not rise steadily with g_t, as they do in the paper; the best is that of g_t = 2",
        ),
    ],
)
def test_kernels_per_channel(top1s, said):
    entries = [entry("dy-mobile", top1, g=g) for g, top1 in zip((1, 2, 4, 6), top1s)]
    text = page(results_of(*entries, entry("fix-mobile", 39)))
    assert said in " ".join(text.split())
    difference = f"{top1s[0] - top1s[3]:+.2f}"
    row = next(
        line
        for line in text.splitlines()
        if line.startswith("| Dy-mobile, g_t = 1 | 1.75 | 12.45 | 1 |")
    )
    assert f"| {top1s[0]:.2f} |" in row
    assert difference in text and "| 69.15 | 2.64 |" in text


def test_no_results_no_verdict():
    text = page([])
    assert "No two networks of a pair" in text and "## All runs" not in text
    assert "| Fix-mobile | 2.16 | 129 | 33.57 | 66.43 | tables 4 and 5 |" in text


def test_text_by_hand_stays_and_the_rest_is_written_anew(tmp_path):
    out = tmp_path / "docs" / "claim.md"
    first = written(tmp_path, seeds("dy-mobile", 50) + seeds("fix-mobile", 45))
    picture = tmp_path / "docs" / "plots" / "claim.png"
    main([str(first), "--out", str(out), "--plot", str(picture)])
    assert "](plots/claim.png)" in out.read_text()
    assert picture.read_bytes().startswith(b"\x89PNG")
    note = "The learning rate of the *coefficient* module: $0.1.\n\n| a | b |"
    out.write_text(out.read_text().replace(f"{BEGIN}\n\n{END}", f"{BEGIN}\n{note}\n{END}"))
    assert kept_text(out) == note
    second = written(tmp_path, seeds("dy-mobile", 40) + seeds("fix-mobile", 45))
    main([str(second), "--out", str(out)])
    text = out.read_text()
    assert note in text and "5.00 points below" in text and "5.00 points above" not in text
    main([str(second), "--out", str(out)])
    assert out.read_text() == text


def test_a_page_without_markers_is_not_overwritten(tmp_path):
    out = tmp_path / "claim.md"
    out.write_text(f"notes {END} {BEGIN}")
    with pytest.raises(SystemExit, match="by hand: begin"):
        main([str(written(tmp_path, [])), "--out", str(out)])
    assert out.read_text() == f"notes {END} {BEGIN}"


def test_same_results_same_bytes(tmp_path):
    entries = seeds("dy-mobile", 50, 52, 54) + seeds("fix-mobile", 45, 46, 47)
    files = []
    for index, order in enumerate((entries, entries[::-1])):
        out = tmp_path / f"{index}.md"
        picture = tmp_path / str(index) / "claim.png"
        main([str(written(tmp_path, order)), "--out", str(out), "--plot", str(picture)])
        files.append((out.read_text().replace(f"({index}/", "("), picture.read_bytes()))
    assert files[0] == files[1]


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(top1=1.5, top5=1.6), "expected 0 <= top1 <= top5 <= 1"),
        (dict(top1=0.6, correct=6000), "expected 0 <= top1 <= top5 <= 1"),
        (dict(correct=12), "12 of 10000 correct does not fit top1 0.3"),
        (dict(g=None), "dy-mobile with g = None"),
        (dict(network="resnet"), "network 'resnet', expected one of"),
        (dict(extra=1), "unknown fields \\['extra'\\]"),
    ],
)
def test_impossible_results_are_refused(tmp_path, change, message):
    path = written(tmp_path, [entry("dy-mobile", 30) | change])
    with pytest.raises(ReportError, match=f"entry 0.*{message}"):
        read_results(path)


def test_odd_files_are_refused(tmp_path):
    with pytest.raises(ReportError, match="report.collect"):
        read_results(tmp_path / "absent.json")
    for text, message in (
        ("{", "not JSON"),
        ("{}", "got dict, expected a list"),
        ("[3]", "got int"),
    ):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(ReportError, match=message):
            read_results(tmp_path / "odd.json")
    twice = [entry("dy-mobile", 30), entry("dy-mobile", 31) | dict(run="again")]
    with pytest.raises(
        ReportError, match="'dy-mobile-6-1-1000000' and 'again' are the same network"
    ):
        read_results(written(tmp_path, twice))
    few = entry("fix-mobile", 30, n=5000)
    with pytest.raises(SystemExit, match="on 10000 images.*on 5000: score both on one set"):
        main(
            [str(written(tmp_path, [entry("dy-mobile", 30), few])), "--out", str(tmp_path / "c.md")]
        )


def test_points_of_the_plot():
    entries = seeds("dy-mobile", 50, 52) + [entry("dy-mobile", 45, g=2), entry("mobilenetv2", 47)]
    (group,) = contests(results_of(*entries))
    small, large, original = points_of(group)
    assert (small.y, small.bar, small.minor) == (45, None, True)
    assert (large.y, large.minor) == (51, False) and large.bar == pytest.approx(math.sqrt(2))
    assert large.x == pytest.approx(counts.count("dy-mobile", 1.0, 6, 200, 64)["madds"] / 1e6)
    assert [p.kind for p in (small, large, original)] == ["dy", "dy", "original"]
    assert overlap((0, 0, 2, 2), (1, 1, 4, 3)) == 1 and overlap((0, 0, 1, 1), (2, 0, 3, 1)) == 0


def test_the_page_in_docs_is_that_of_the_committed_results():
    page_file, results_file = (
        REPOSITORY / "docs" / "claim.md",
        REPOSITORY / "models/claim/results.json",
    )
    text = page_file.read_text()
    picture = re.search(r"!\[[^]]*\]\(([^)]+)\)", text.split("## What was tried")[0])
    results = read_results(results_file)
    assert (picture is not None) == bool(results)
    assert page(results, kept_text(page_file), picture and picture[1]) == text
    assert not picture or (page_file.parent / picture[1]).exists()
    assert all(asdict(result)["run"] for result in results)
