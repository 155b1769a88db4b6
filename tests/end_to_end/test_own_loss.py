"""A loss of the user's own, with an attribute stored for each sample: as the docstrings show it."""

import inspect
import re
import shutil
import sys
import textwrap

import numpy as np
import pytest

from inr.data.batch import SampleAttribute
from inr.data.layout import Layout, write_npz
from inr.losses import Loss
from tests.support.cli import TINY, inr, only_run
from tests.support.making import write_discs

TERM = "+loss.confident={_target_: my_losses.ConfidentL1, weight: 1.0}"
SMALL = [
    setting
    for setting in TINY
    if not setting.startswith(("experiment", "data.family", "data.splits", "model"))
    and "near_counts" not in setting
]
COMMAND = ["data=outlines", "data.root=discs", "model=deepsdf_small", "model.hidden_dim=16"]
COMMAND += ["model.num_layers=2", "model.skip_layers=[]", "loss=l1", "~loss.distance", TERM, *SMALL]
COMMAND += ["data.sampling.near_counts=[500,500]", "allow=[my_losses]", "train.validate_every=0"]


def example(documented: type) -> str:
    """Return the indented code of a docstring."""
    text = inspect.getdoc(documented) or ""
    (block,) = re.findall(r":\n\n((?:    .*\n|\n)+)\n", text.partition("\nArgs:")[0] + "\n")
    return textwrap.dedent(block)


@pytest.fixture
def layout(tmp_path, monkeypatch) -> Layout:
    """Two discs, the loss of the docstring of Loss in a module, its attribute as documented."""
    monkeypatch.chdir(tmp_path)
    layout = write_discs(tmp_path / "discs", {"chair": 0.5, "table": 0.3})
    for split, names in (("train", '["chair"]'), ("valid", '["table"]'), ("test", '["table"]')):
        layout.split(split).parent.mkdir(exist_ok=True)
        layout.split(split).write_text(names)
    head = "from torch import Tensor\nfrom inr.losses import Loss, LossInputs, mean_of_points\n"
    (tmp_path / "my_losses.py").write_text(head + example(Loss))
    monkeypatch.syspath_prepend(tmp_path)
    with monkeypatch.context() as inside:
        inside.chdir(layout.root)
        exec(example(SampleAttribute), {"np": np})
    yield layout
    sys.modules.pop("my_losses", None)


def test_a_loss_with_an_attribute_of_its_own(layout, tmp_path, monkeypatch, capsys):
    assert inr(monkeypatch, "stage=train", *COMMAND, "train.epochs=3") == 0
    run = only_run(tmp_path)
    assert '"train/confident"' in (run / "metrics.jsonl").read_text()
    reconstruct = ["stage=reconstruct", f"run={run}", "split=test", "reconstruct.iterations=3"]
    reconstruct += ["eval.resolution=16", "allow=[my_losses]"]
    assert inr(monkeypatch, *reconstruct) == 2
    said = capsys.readouterr().err
    assert "'table' have no attribute 'confidence'" in said and "table/confidence.npz" in said
    with np.load(layout.samples("table")) as samples:
        ones = {side: np.ones(len(samples[side])) for side in ("pos", "neg")}
    write_npz(layout.sample_attribute("table", "confidence"), **ones)
    assert inr(monkeypatch, *reconstruct) == 0


def test_values_of_the_attribute_weigh_the_loss(layout, tmp_path, monkeypatch):
    """With no confidence in any sample nothing is learned of them."""
    values = []
    for factor in (1.0, 0.0):
        with np.load(layout.samples("chair")) as samples:
            arrays = {s: factor * np.ones(len(samples[s])) for s in ("pos", "neg")}
        write_npz(layout.sample_attribute("chair", "confidence"), **arrays)
        assert inr(monkeypatch, "stage=train", *COMMAND, "train.epochs=1") == 0
        run = only_run(tmp_path)
        values += re.findall(r'"train/confident": ([^,}]+)', (run / "metrics.jsonl").read_text())
        shutil.rmtree(tmp_path / "outputs")
    assert float(values[0]) > 0.01 and float(values[-1]) == 0
