"""stage=evaluate runs=[...] against=[...]: several runs as one result."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from inr.metrics.base import FLOOR
from inr.stages.evaluate.compare import find_runs
from tests.support.cli import inr, only_run
from tests.support.runs import put_ground_truth_in_place

# how much larger than the ground truth each run made the shapes
SIZES = {"a": 1.0, "b": 1.1, "c": 1.3}
EVALUATE = ("stage=evaluate", "split=train", "overwrite=true")


@pytest.fixture
def runs(copy: Path) -> dict[str, str]:
    """Three runs of a sweep, whose results are known: the ground truth in three sizes."""
    trained = only_run(copy)
    sweep = copy / "outputs" / "2026-01-01" / "some_sweep"
    found = {}
    for name, size in SIZES.items():
        run = sweep / f"job_{name}"
        shutil.copytree(trained, run)
        shutil.rmtree(run / "evaluation")
        put_ground_truth_in_place(run, "train", size)
        found[name] = str(run.relative_to(copy))
    shutil.rmtree(trained)
    return found


def comparison(copy: Path) -> Path:
    (folder,) = copy.glob("outputs/*/*_comparison_*/train")
    return folder


def own_rows(run: str) -> dict[str, dict[str, float]]:
    with next(Path(run).glob("evaluation/*/train/per_shape.csv")).open(newline="") as file:
        return {
            row["name"]: {key: float(row[key]) for key in ("chamfer_l1", "iou")}
            for row in csv.DictReader(file)
        }


def test_the_mean_and_spread_of_runs_and_their_difference(
    runs: dict[str, str],
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    groups = f"runs=[{runs['b']},{runs['c']}]", f"against=[{runs['a']}]"
    assert inr(monkeypatch, *EVALUATE, *groups) == 0
    shown = capsys.readouterr().out
    assert "mean and standard deviation over 2 runs, against 1" in shown
    folder = comparison(copy)
    summary = json.loads((folder / "summary.json").read_text(), parse_constant=pytest.fail)
    assert (summary["protocol"], summary["split"]) == ("default", "train")
    assert summary["runs"] == [runs["b"], runs["c"]]
    assert summary["against"] == [runs["a"]]
    assert (summary["confidence"], summary["num_resamples"]) == (0.95, 10000)
    assert not any(metric.endswith(FLOOR) for metric in summary["metrics"])
    rows = {name: own_rows(run) for name, run in runs.items()}
    for metric in ("chamfer_l1", "iou"):
        entry = summary["metrics"][metric]
        means = {name: np.mean([row[metric] for row in rows[name].values()]) for name in runs}
        assert entry["runs"]["means"] == pytest.approx([means["b"], means["c"]])
        assert entry["runs"]["mean"] == pytest.approx((means["b"] + means["c"]) / 2)
        assert entry["runs"]["std"] == pytest.approx(abs(means["b"] - means["c"]) / np.sqrt(2))
        assert entry["runs"]["num_runs"] == 2
        assert entry["against"]["mean"] == pytest.approx(means["a"])
        assert entry["against"]["std"] is None
        gap = entry["difference"]
        assert gap["mean"] == pytest.approx((means["b"] + means["c"]) / 2 - means["a"])
        assert gap["lower"] < gap["mean"] < gap["upper"]
        assert (gap["num_shapes"], gap["num_left_out"]) == (2, 0)
        # a resample holds one of the runs twice at most, and one of the shapes
        single = [
            rows[run][name][metric] - rows["a"][name][metric] for run in "bc" for name in rows["a"]
        ]
        assert min(single) - 1e-9 <= gap["lower"] and gap["upper"] <= max(single) + 1e-9
        assert entry["unit"] and entry["definition"]
    # larger shapes lie further away, whatever was drawn
    assert summary["metrics"]["chamfer_l1"]["difference"]["lower"] > 0
    assert summary["metrics"]["iou"]["difference"]["upper"] < 0
    with (folder / "per_shape.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["run"] for row in written] == [f"job_{name}" for name in "bbccaa"]


def test_a_folder_of_runs_is_all_of_them(
    runs: dict[str, str], copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = Path(runs["a"]).parent
    assert inr(monkeypatch, *EVALUATE, f"runs={sweep}") == 0
    summary = json.loads((comparison(copy) / "summary.json").read_text())
    assert summary["runs"] == [runs[name] for name in "abc"]
    assert summary["against"] == []
    entry = summary["metrics"]["chamfer_l1"]
    assert entry["difference"] is None and entry["against"] is None
    assert entry["runs"]["std"] == pytest.approx(np.std(entry["runs"]["means"], ddof=1))


def test_runs_under_different_protocols_are_refused(
    runs: dict[str, str],
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = Path(runs["b"]) / "config.yaml"
    assert "num_points: 300\n" in config.read_text()
    config.write_text(config.read_text().replace("num_points: 300\n", "num_points: 200\n"))
    both = f"runs=[{runs['a']},{runs['b']}]"
    assert inr(monkeypatch, *EVALUATE, both) == 2
    said = capsys.readouterr().err
    assert "num_points=300" in said and "with 200" in said
    assert "add eval=<protocol> overwrite=true" in said
    assert not list(copy.glob("outputs/*/*_comparison_*"))
    # which does what it says
    small = ("eval.num_points=100", "eval.metrics.iou.resolution=8")
    assert inr(monkeypatch, *EVALUATE, both, "eval=default", *small) == 0
    settings = json.loads((comparison(copy) / "summary.json").read_text())["settings"]
    assert (settings["num_points"], settings["metrics.iou.resolution"]) == (100, 8)


def test_runs_that_cannot_be_put_together(
    runs: dict[str, str],
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    a, b = runs["a"], runs["b"]
    for given, said in (
        ([f"runs=[{a},{a}]"], "twice; give each run once"),
        ([f"runs=[{a}]", f"against=[{copy / a}]"], "is in both runs and against"),
        ([f"against=[{b}]"], "needs runs as well"),
        ([f"runs=[{a}]", "run=latest"], "give one of them"),
        (["runs=[nowhere]"], "runs=nowhere is not a run directory"),
        ([f"runs=[{a}]", "stage=train"], "goes with stage=evaluate"),
    ):
        assert inr(monkeypatch, *EVALUATE, *given) == 2, given
        assert said in capsys.readouterr().err


def test_a_sweep_beside_a_run_of_it_names_that_run_twice(runs: dict[str, str]) -> None:
    sweep = str(Path(runs["a"]).parent)
    assert [run.path.name for run in find_runs([sweep], "runs")] == ["job_a", "job_b", "job_c"]
    with pytest.raises(ValueError, match=r"runs names '.*job_b' twice"):
        find_runs([sweep, runs["b"]], "runs")
