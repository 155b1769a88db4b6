import csv
import json
import math

import numpy as np
import pytest

from inr.metrics.base import MetricInfo
from inr.metrics.summary import format_table, summarise, write_csv, write_summary

INFOS = {
    "accuracy": MetricInfo("box units", "mean distance"),
    "iou": MetricInfo("fraction", "overlap"),
    "accuracy_floor": MetricInfo("box units", "of the ground truth against itself"),
}
ROWS = [
    {"name": "a", "accuracy": 0.1, "iou": 0.9, "accuracy_floor": 0.01, "status": "ok"},
    {"name": "b", "accuracy": 0.3, "iou": 0.6, "accuracy_floor": 0.03, "status": "ok"},
    {"name": "c", "accuracy": 0.7, "iou": 0.5, "accuracy_floor": 0.02, "status": "ok"},
    {"name": "d", "accuracy": math.nan, "iou": 0.0, "accuracy_floor": 0.02, "status": "empty"},
    {"name": "e", "status": "missing", "reason": "no file, sorry"},
    {"name": "f", "iou": 0.7, "status": "failed", "reason": "ground truth has no inside"},
]
TIMED = [{**row, "seconds": 1.5} for row in ROWS]


def test_statistics_leave_out_what_they_should():
    summary = summarise(TIMED, INFOS)
    counts = [summary[f"num_{key}"] for key in ("shapes", "empty", "missing", "failed")]
    assert counts == [6, 1, 1, 1]
    entry = summary["metrics"]["accuracy"]
    assert entry["mean"] == pytest.approx(1.1 / 3)
    assert (entry["median"], entry["min"], entry["max"], entry["count"]) == (0.3, 0.1, 0.7, 3)
    assert entry["std"] == pytest.approx(np.std([0.1, 0.3, 0.7]))
    assert (entry["unit"], entry["definition"]) == ("box units", "mean distance")
    assert summary["metrics"]["iou"]["mean"] == pytest.approx(2.0 / 4)
    assert summary["metrics"]["iou"]["count"] == 4
    # the mean over all rows that have a floor, an empty reconstruction's among them
    assert entry["floor"] == pytest.approx((0.01 + 0.03 + 0.02 + 0.02) / 4)
    assert summary["metrics"]["iou"]["floor"] is None
    assert summary["seconds"] == 9.0


def test_summary_file_is_strict_json(tmp_path):
    path = tmp_path / "evaluation" / "summary.json"
    nothing = summarise([{"name": "a", "accuracy": math.nan, "status": "empty"}], INFOS)
    about = {"split": "test", "epoch": 100}
    write_summary(nothing, path, protocol="default", about=about)
    written = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert written["protocol"] == "default" and written["split"] == "test"
    assert written["epoch"] == 100 and written["num_empty"] == 1
    assert written["metrics"]["accuracy"]["mean"] is None
    assert written["metrics"]["accuracy"]["count"] == 0
    write_summary(summarise(TIMED, INFOS), path, protocol="default", about=about)
    assert json.loads(path.read_text())["metrics"]["iou"]["max"] == 0.9
    assert [item.name for item in path.parent.iterdir()] == ["summary.json"]


def test_csv_has_a_line_a_shape(tmp_path):
    path = tmp_path / "evaluation" / "per_shape.csv"
    write_csv(TIMED, path)
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == [
        "name",
        "accuracy",
        "iou",
        "accuracy_floor",
        "status",
        "reason",
        "seconds",
    ]
    assert [line["name"] for line in lines] == list("abcdef")
    assert float(lines[1]["accuracy"]) == 0.3
    assert lines[3]["accuracy"] == "" and lines[3]["iou"] == "0.0"
    assert lines[4]["iou"] == "" and lines[4]["reason"] == "no file, sorry"
    assert lines[5]["status"] == "failed" and lines[5]["seconds"] == "1.5"
    assert [item.name for item in path.parent.iterdir()] == ["per_shape.csv"]


def test_table_is_aligned_and_shows_floors():
    lines = format_table(summarise(TIMED, INFOS)).splitlines()
    assert lines[0].split() == ["metric", "n", "mean", "median", "std", "floor", "unit"]
    assert lines[1].split() == ["accuracy", "3", "0.3667", "0.3", "0.2494", "0.02", "box", "units"]
    assert lines[2].split() == ["iou", "4", "0.5", "0.55", "0.324", "-", "fraction"]
    assert len(lines) == 4
    assert lines[0].index("unit") == lines[1].index("box units") == lines[2].index("fraction")
    assert lines[3] == "6 shapes: 1 empty, 1 missing, 1 failed"


def test_table_of_no_shapes():
    lines = format_table(summarise([], INFOS)).splitlines()
    assert lines[1].split()[:5] == ["accuracy", "0", "-", "-", "-"]


def test_unknown_status_is_refused():
    with pytest.raises(ValueError, match="shape 'a' has status 'done'"):
        summarise([{"name": "a", "status": "done"}], INFOS)
