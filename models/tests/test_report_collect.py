"""Runs become entries of a result file."""

import json

import pytest

from dynedge_train.config import parse
from dynedge_train.data.cifar10 import LABELS as CIFAR10_LABELS
from dynedge_train.report import ReportError, counts
from dynedge_train.report.claim import page
from dynedge_train.report.collect import main, result_of
from dynedge_train.report.datasets import recognise
from dynedge_train.report.results import compare, contests, read_results
from report_files import LABELS, config_table, write_run


def test_a_run_becomes_an_entry(tmp_path):
    result = result_of(write_run(tmp_path / "first"))
    expected = counts.ask_sdk("dy-mobile", 1.0, 6, 3, 64) if counts.CLI.exists() else None
    assert expected is None or dict(params=result.params, madds=result.madds) == expected
    assert (result.run, result.variant) == ("first", ("dy-mobile", 1.0, 6))
    assert (result.correct, result.n, result.budget, result.seed) == (60, 90, 3840, 1)
    assert result.dataset == "3-classes-1300-images"
    assert result_of(tmp_path / "first", "bears").dataset == "bears"


def test_fixed_kernels_have_no_g(tmp_path):
    run = write_run(tmp_path / "fixed", config_table(network="fix-mobile", g=4))
    assert result_of(run).variant == ("fix-mobile", 1.0, None)


def test_runs_are_comparable_but_for_network_seed_and_bookkeeping(tmp_path):
    out = tmp_path / "results.json"
    quiet = dict(monitor=10, checkpoint_minutes=1)
    elsewhere = dict(teacher="/somewhere/teacher.safetensors")
    folders = [
        write_run(tmp_path / "a", config_table(distil=elsewhere)),
        write_run(tmp_path / "b", config_table("fix-mobile", distil=elsewhere, train=quiet)),
        write_run(tmp_path / "c", config_table(seed=2, distil=dict(teacher="teacher.safetensors"))),
        write_run(tmp_path / "d", config_table(distil=elsewhere, train=dict(peak_lr=0.2))),
        write_run(
            tmp_path / "e", config_table(distil=elsewhere), machine=dict(precision="bfloat16")
        ),
    ]
    main([*map(str, folders), "--out", str(out)])
    groups = contests(read_results(out))
    assert sorted([result.run for result in group.results] for group in groups) == [
        ["a", "c", "b"],
        ["d"],
        ["e"],
    ]
    assert "/somewhere" not in out.read_text()
    text = page(read_results(out))
    assert "| train.peak_lr | 0.1 | 0.2 |" in text and "| precision | float32 | bfloat16 |" in text
    assert compare(groups[0], ("dy-mobile", 1.0, 6), ("fix-mobile", 1.0, None)).seeds == (1,)


def test_keep_adds_and_replaces(tmp_path):
    out = tmp_path / "results.json"
    first, second = write_run(tmp_path / "a"), write_run(tmp_path / "b", config_table(seed=2))
    main([str(first), "--out", str(out)])
    main([str(second), "--out", str(out), "--keep"])
    assert [result.run for result in read_results(out)] == ["a", "b"]
    write_run(tmp_path / "a", correct=70)
    main([str(first), "--out", str(out), "--keep"])
    assert [result.correct for result in read_results(out)] == [70, 60]
    before = out.read_text()
    main([str(second), str(first), "--out", str(out)])
    assert out.read_text() == before
    main([str(second), "--out", str(out)])
    assert [result.run for result in read_results(out)] == ["b"]


def test_two_runs_of_one_seed_are_refused_before_anything_is_written(tmp_path):
    out = tmp_path / "results.json"
    folders = [str(write_run(tmp_path / name)) for name in ("a", "b")]
    with pytest.raises(SystemExit, match="'a' and 'b' are the same network"):
        main([*folders, "--out", str(out)])
    twin = write_run(tmp_path / "other" / "a", config_table(seed=3))
    with pytest.raises(SystemExit, match="two folders have the same name"):
        main([folders[0], str(twin), "--out", str(out)])
    assert not out.exists()


def test_unfinished_and_odd_runs_are_refused(tmp_path):
    with pytest.raises(ReportError, match="no such folder"):
        result_of(tmp_path / "absent")
    unfinished = write_run(tmp_path / "unfinished")
    (unfinished / "result.json").unlink()
    with pytest.raises(
        ReportError, match="result.json: .* missing; run the training command again"
    ):
        result_of(unfinished)
    with pytest.raises(ReportError, match="2 of 3 epochs are done"):
        result_of(write_run(tmp_path / "cut", epochs=2))
    with pytest.raises(ReportError, match="3840 images seen, run.json of 5"):
        result_of(write_run(tmp_path / "mixed", images_seen=5))
    with pytest.raises(ReportError, match="has no 'data.labels'"):
        result_of(write_run(tmp_path / "old", data=dict(train=1, val=2)))
    with pytest.raises(ReportError, match="steps is 'many', expected"):
        result_of(write_run(tmp_path / "odd", steps="many"))
    with pytest.raises(ReportError, match="has 5 parameters, the SDK counts"):
        result_of(write_run(tmp_path / "other", parameters=5))
    newer = write_run(tmp_path / "newer", config=parse(config_table()).as_dict() | dict(later=1))
    with pytest.raises(ReportError, match="run.json: config: unknown key later"):
        result_of(newer)
    broken = write_run(tmp_path / "broken")
    (broken / "run.json").write_text('{"name": ')
    with pytest.raises(ReportError, match="run.json: not JSON"):
        result_of(broken)
    (broken / "run.json").write_text(json.dumps([1]))
    with pytest.raises(ReportError, match="got list, expected a JSON object"):
        result_of(broken)


def test_settings_younger_than_a_run_have_their_default(tmp_path):
    before = parse(config_table(seed=2)).as_dict()
    del before["mix"], before["train"]["ema"]
    folders = [
        write_run(tmp_path / "a"),
        write_run(tmp_path / "b", config_table(seed=2), config=before),
    ]
    (group,) = contests([result_of(folder) for folder in folders])
    assert len(group.results) == 2


def test_known_data_is_recognised():
    assert recognise(CIFAR10_LABELS, 50_000).name == "cifar-10"
    assert recognise([str(i) for i in range(200)], 100_000).name == "tiny-imagenet-200"
    assert recognise([str(i) for i in range(200)], 90_000).name == "200-classes-90000-images"
    assert "no licence" in recognise(CIFAR10_LABELS, 1).licence
    assert recognise(LABELS, 30).licence.startswith("Not known")
