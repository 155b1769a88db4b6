"""stage=prepare over the corpus: each file prepared rightly, or refused with its reason."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inr.data.layout import Layout
from inr.data.sources import shape_name
from inr.shapes.normalize import Normalization
from tests.support.broken_files import PREPARED, write_corpus
from tests.support.cli import inr

SMALL = [
    "data=meshes",
    "data.sampling.near_counts=[1500,1500]",
    "data.sampling.num_uniform=1000",
    "data.sampling.num_surface=1000",
    "data.splits.test=0",
    "data.splits.train=1.0",
]


# without repair and with it, by winding number; and by what can be reached
WAYS = {"as they are": ("winding", False), "repaired": ("winding", True), "auto": ("auto", False)}
# what has no inside by the winding number is a shell, and so is what is open
SHELLS = {"single_triangle.obj", "flat_sheet.obj", "open_box.obj"}


@pytest.fixture(scope="module", params=WAYS.values(), ids=WAYS)
def prepared(request, tmp_path_factory):
    """The corpus, the data set made of it, its manifest, and the sign it was made with."""
    sign, repair = request.param
    folder = tmp_path_factory.mktemp("corpus")
    cases = write_corpus(folder / "source")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        arguments = ["stage=prepare", *SMALL, "data.source=source", "data.root=made"]
        arguments += [f"data.repair={str(repair).lower()}", f"data.sign={sign}"]
        if repair:  # so many that signs come from a grid
            arguments.append("data.sampling.near_counts=[20000,20000]")
        assert inr(monkeypatch, *arguments) == 0
    layout = Layout(folder / "made")
    records = json.loads(layout.manifest.read_text())["shapes"]
    return cases, layout, records, sign


def test_each_is_prepared_or_refused_with_its_reason(prepared):
    cases, layout, records, sign = prepared
    for file, case in cases.items():
        record = records[shape_name(Path(file))]
        if case.expected == PREPARED or (sign == "auto" and file in SHELLS):
            assert record["status"] == "ok", (file, record["reason"])
        else:
            assert record["status"] == "refused", file
            assert case.reason.lower() in record["reason"].lower(), (file, record["reason"])
            assert not layout.is_ready(shape_name(Path(file)))
        assert "Traceback" not in record["reason"]


def test_no_sign_is_wrong(prepared):
    cases, layout, records, sign = prepared
    checked = 0
    for file, case in cases.items():
        name = shape_name(Path(file))
        if case.inside is None or records[name]["status"] != "ok":
            continue
        if sign == "auto" and file in SHELLS:
            assert records[name]["enclosure"]["sheet"] == 1.0, file
            continue
        with np.load(layout.samples(name)) as arrays:
            samples = np.concatenate([arrays["pos"], arrays["neg"]]).astype(np.float64)
        native = Normalization.load(layout.normalization(name)).undo(samples[:, :3])
        off = np.abs(samples[:, 3]) > 0.02  # of a box of half-extent 0.9
        ground_truth = case.inside(native[off])
        wrong = (ground_truth != (samples[off, 3] < 0)).mean()
        assert wrong == 0, (file, sign, wrong)
        checked += 1
    assert checked > 10


def test_all_that_is_ready_is_trained_on_and_stands_a_second_evaluation(prepared):
    _, layout, records, _ = prepared
    ready = [name for name, record in records.items() if record["status"] == "ok"]
    assert json.loads(layout.split("train").read_text()) == sorted(ready)
    for record in (records[name] for name in ready):
        assert record["self_check"]["max_error"] < 1e-5
        assert record["self_check"]["sign_agreement"] > 0.99


def test_a_full_disk_is_said_and_the_next_call_goes_on(tmp_path, monkeypatch):
    """A limit on the size of files stands for the disk."""
    folder = tmp_path / "source"
    write_corpus(folder, [case for case in _sound() if case.expected == PREPARED][:2])
    arguments = ["stage=prepare", *SMALL, f"data.source={folder}", "workers=1"]
    arguments.append(f"data.root={tmp_path / 'made'}")
    command = [sys.executable, "-m", "inr", *arguments]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    full = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)
    assert full.returncode == 2, full.stderr
    assert "cannot write the data set" in full.stderr and "Traceback" not in full.stderr
    layout = Layout(tmp_path / "made")
    assert layout.names() == []  # no half of one
    assert inr(monkeypatch, *arguments) == 0
    assert len(layout.names()) == 2


def test_a_target_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    write_corpus(tmp_path / "source", _sound()[:1])
    (tmp_path / "file").write_text("not a folder")
    arguments = ["stage=prepare", *SMALL, f"data.source={tmp_path / 'source'}"]
    assert inr(monkeypatch, *arguments, f"data.root={tmp_path / 'file' / 'made'}") == 2
    assert "cannot write the data set" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("name", ["../outside", "a/b", ".."])
def test_a_split_that_leads_out_is_refused(name, tmp_path, monkeypatch, capsys):
    write_corpus(tmp_path / "source", _sound()[:1])
    (tmp_path / "test.txt").write_text(name)
    arguments = ["stage=prepare", *SMALL, f"data.source={tmp_path / 'source'}"]
    arguments += [f"data.root={tmp_path / 'made'}", f"data.splits.test={tmp_path / 'test.txt'}"]
    assert inr(monkeypatch, *arguments) == 2
    assert "not a shape name" in capsys.readouterr().err.splitlines()[-1]


def _sound():
    from tests.support.broken_files import CASES

    return [case for case in CASES if case.expected == PREPARED and case.inside is not None]
