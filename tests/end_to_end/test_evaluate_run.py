"""stage=evaluate of a run under every protocol, as a user runs it."""

import csv
import json
import math
from pathlib import Path

import pytest

from inr.metrics.base import FLOOR
from tests.support.cli import inr, only_run
from tests.support.pairs import PROTOCOLS, protocol
from tests.support.runs import put_ground_truth_in_place

SMALL = {"iou": ["resolution=16", "num_points=400"], "emd": ["num_points=30"]}


def overrides(name: str) -> list[str]:
    """What makes a protocol fast."""
    found = ["eval.num_points=200"]
    for metric, object in protocol(name).metrics.items():
        given = [one for one in SMALL.get(metric, []) if hasattr(object, one.partition("=")[0])]
        found += [f"eval.metrics.{metric}.{one}" for one in given]
    return found


def read_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "per_shape.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_writes_its_own_folder(
    name: str, copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = only_run(copy)
    whole = run / "evaluation" / "epoch_000004" / "test"
    before = (whole / "summary.json").read_text()
    put_ground_truth_in_place(run, "test")
    arguments = ["stage=evaluate", "run=latest", "split=test", f"eval={name}", *overrides(name)]
    arguments += ["overwrite=true"] if name == "default" else []
    assert inr(monkeypatch, *arguments) == 0
    shown = capsys.readouterr().out
    assert (
        f"{name} protocol, except for eval.num_points" in shown
        and "200 points per surface" in shown
    )
    folder = whole if name == "default" else whole / name
    summary = json.loads((folder / "summary.json").read_text(), parse_constant=pytest.fail)
    if name != "default":
        assert (whole / "summary.json").read_text() == before
    conditions = protocol(name).conditions
    assert [summary[key] for key in ("protocol", "frame", "num_points", "seed", "empty")] == [
        name,
        conditions.frame,
        200,
        0,
        conditions.empty,
    ]
    assert [summary[key] for key in ("split", "epoch", "num_shapes", "num_empty")] == [
        "test",
        4,
        1,
        0,
    ]
    assert summary["seconds"] > 0
    (row,) = read_rows(folder)
    assert row["status"] == "ok"
    assert float(row["seconds"]) > 0
    assert set(protocol(name).infos()) <= set(summary["metrics"])
    for metric, entry in summary["metrics"].items():
        assert entry["definition"] and entry["unit"]
        if metric.startswith("scan"):
            assert entry["mean"] is None and row[metric] == "" and "no scan" in row["reason"]
            continue
        # of one shape they are its own number
        for key in ("mean", "median", "min", "max"):
            assert math.isclose(entry[key], float(row[metric]), rel_tol=1e-9), metric
        assert (entry["std"], entry["count"]) == (0, 1)
        floor = row.get(metric + FLOOR)
        assert entry["floor"] == (None if floor is None else float(floor))
        if floor is not None:
            # the ground truth in place of its reconstruction, as .ply holds it
            assert float(row[metric]) == pytest.approx(float(floor), rel=1e-3)
    if name in ("default", "occnet", "base_inr", "partsdf"):
        assert summary["metrics"]["iou"]["mean"] == pytest.approx(1, abs=0.02)


def test_what_is_logged_is_named_after_the_protocol(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("stage=evaluate", "run=latest", "split=test", "eval=deepsdf")
    assert inr(monkeypatch, *arguments, *overrides("deepsdf")) == 0
    lines = (only_run(copy) / "metrics.jsonl").read_text().splitlines()
    logged = {key for line in lines for key in json.loads(line)}
    assert any(key.startswith("deepsdf/test/") for key in logged)


def test_a_finished_protocol_is_kept_and_other_settings_are_refused(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_ground_truth_in_place(only_run(copy), "test")
    arguments = ["stage=evaluate", "run=latest", "split=test", "eval=occnet", *overrides("occnet")]
    assert inr(monkeypatch, *arguments) == 0
    record = only_run(copy) / "evaluation" / "epoch_000004" / "test" / "occnet" / "shapes.json"
    before = record.read_text()
    assert inr(monkeypatch, *arguments) == 0
    assert record.read_text() == before
    capsys.readouterr()
    assert inr(monkeypatch, *arguments, "eval.metrics.f_score.threshold=0.1") == 2
    said = capsys.readouterr().err
    assert "metrics.f_score.threshold=0.01, not 0.1" in said
    assert "overwrite=true" in said
    assert inr(monkeypatch, *arguments, "eval.seed=1", "overwrite=true") == 0
    assert record.read_text() != before


@pytest.mark.parametrize("name", ["default", "deepsdf"])
def test_a_metric_can_be_left_out(
    name: str, copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_ground_truth_in_place(only_run(copy), "test")
    arguments = ["stage=evaluate", "run=latest", "split=test", f"eval={name}", "overwrite=true"]
    assert inr(monkeypatch, *arguments, *overrides(name), "~eval.metrics.chamfer_l2") == 0
    folder = only_run(copy) / "evaluation" / "epoch_000004" / "test"
    folder = folder if name == "default" else folder / name
    metrics = json.loads((folder / "summary.json").read_text())["metrics"]
    expected = set(protocol(name).metrics) - {"chamfer_l2"}
    assert {metric for metric in metrics if not metric.endswith(FLOOR)} == expected
    assert "chamfer_l2" not in read_rows(folder)[0]


def test_what_cannot_go_together_is_refused(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = ("stage=evaluate", "run=latest")
    for given, said in (
        (["eval.empty=diagonal"], "goes with eval.frame=unit_cube"),
        (["eval.frame=world"], "eval.frame is 'world'"),
        (["eval=occnets"], "occnet"),
        (["eval.metrics.iou.resolution=0"], "at least 1"),
        (["eval.metrics.hausdorff._target_=torch.nn.ReLU"], "eval.metrics.hausdorff"),
        (["eval.protocol=my/own"], "names a folder"),
    ):
        assert inr(monkeypatch, *evaluate, *given) == 2, given
        assert said in capsys.readouterr().err
