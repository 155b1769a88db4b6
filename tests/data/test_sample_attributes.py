"""Attributes of the user's own, stored for each sample, from their files to a batch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inr.data.batch import NEEDS, SampleAttribute, check_need, sample_attributes
from inr.data.layout import Layout, write_npz
from inr.data.open_store import open_store
from inr.data.row_sampler import RowSampler
from inr.data.store import SampleStore
from tests.support.making import CPU, DRAWS, open_signed

COUNTS = [(900, 700), (2000, 650), (700, 3000)]


def confidence_at(x):
    """Return a number for each point (..., D) that tells it from others."""
    return 10 * x[..., 0] + x[..., -1]


def write_shape(layout: Layout, name: str, counts: tuple[int, int], dim: int) -> None:
    """Write samples, an attribute of one number and one of D, and labels: all told by the point."""
    rng = np.random.default_rng(sum(counts))
    samples, confidence, flow, labels = {}, {}, {}, {}
    for side, sign, count in zip(("pos", "neg"), (1, -1), counts, strict=True):
        x = rng.uniform(-1, 1, (count, dim)).astype(np.float32)
        samples[side] = np.column_stack([x, sign * np.abs(x[:, 0])])
        confidence[side], flow[side] = confidence_at(x), 2 * x
        labels[side] = (x[:, 0] > 0).astype(np.int64)
    samples["pos"][3, -1] = np.nan  # is left out, with what belongs to it
    confidence["pos"][3] = np.nan
    write_npz(layout.samples(name), **samples)
    write_npz(layout.sample_attribute(name, "confidence"), **confidence)
    write_npz(layout.sample_attribute(name, "flow"), **flow)
    write_npz(layout.labels(name), **labels)


def write_shapes(root: Path, dim: int = 2) -> Layout:
    layout = Layout(root)
    for number, counts in enumerate(COUNTS):
        write_shape(layout, f"s{number}", counts, dim)
    return layout


def draw(store: SampleStore, *, samples: int = 64, sign_balanced: bool = True):
    spec = replace(DRAWS, samples=samples, sign_balanced=sign_balanced)
    index = torch.arange(len(store.names)).flip(0)
    return store.draw(index, spec, torch.Generator().manual_seed(0))


def test_an_attribute_lies_beside_the_samples(tmp_path):
    path = Layout(tmp_path).sample_attribute("chair", "confidence")
    assert path == tmp_path / "samples" / "chair" / "confidence.npz"


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("samples", [200, 600])  # by numbers, and by runs
@pytest.mark.parametrize("sign_balanced", [True, False])
def test_attributes_stay_with_their_points(tmp_path, dim, samples, sign_balanced):
    layout = write_shapes(tmp_path, dim)
    needs = ("signed", "samples.confidence", "samples.flow:D", "labels")
    batch = draw(
        open_signed(layout, ["s0", "s1", "s2"], dim=dim, needs=needs),
        samples=samples,
        sign_balanced=sign_balanced,
    )
    points, targets = batch.samples
    assert set(batch.attributes) == {"confidence", "flow"} and targets.shape == (3, samples, 1)
    assert torch.equal(targets[..., 0].abs(), points[..., 0].abs())
    torch.testing.assert_close(batch.attributes["confidence"], confidence_at(points))
    assert torch.equal(batch.attributes["flow"], 2 * points)
    assert torch.equal(batch.labels, (points[..., 0] > 0).long())
    for part, index in zip(batch.split(2), (slice(0, 2), slice(2, 3)), strict=True):
        for name, values in batch.attributes.items():
            assert torch.equal(part.attributes[name], values[index])


@pytest.mark.parametrize("sign_balanced", [True, False])
def test_attributes_leave_the_draws_as_they_are(tmp_path, sign_balanced):
    layout = write_shapes(tmp_path)
    plain = draw(open_signed(layout, ["s0", "s1"]), sign_balanced=sign_balanced)
    needs = ("signed", "samples.confidence")
    batch = draw(open_signed(layout, ["s0", "s1"], needs=needs), sign_balanced=sign_balanced)
    assert dict(plain.attributes) == {} and plain.labels is None
    for one, other in zip(plain.samples, batch.samples, strict=True):
        assert torch.equal(one, other)


def test_attributes_of_rows_in_memory():
    x = np.random.default_rng(0).uniform(-1, 1, (50, 2)).astype(np.float32)
    rows = np.column_stack([x, x[:, 0], 3 * x]).astype(np.float32)
    store = SampleStore(
        ["s"],
        dim=2,
        device=CPU,
        samples=RowSampler.of_arrays(["s"], [(rows, rows[:0])], CPU),
        surface=None,
        attributes=[SampleAttribute("flow", 2)],
    )
    batch = draw(store)
    assert torch.equal(batch.attributes["flow"], 3 * batch.samples.points)


def test_a_data_set_cached_without_attributes_serves_both(tmp_path):
    layout = write_shapes(tmp_path)
    open_signed(layout, ["s0"])
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "packed").iterdir()}
    one = open_signed(layout, ["s0"], needs=("signed", "samples.confidence"))
    both = open_signed(layout, ["s0"], needs=("signed", "samples.confidence", "samples.flow:2"))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for store in (one, both):
        batch = draw(store)
        expected = confidence_at(batch.samples.points)
        torch.testing.assert_close(batch.attributes["confidence"], expected)


def test_a_changed_attribute_is_cached_again(tmp_path):
    layout = write_shapes(tmp_path)
    needs = ("signed", "samples.confidence")
    open_signed(layout, ["s0"], needs=needs)
    cached = {path: path.stat().st_mtime_ns for path in (tmp_path / "packed").glob("*.bin")}
    open_signed(layout, ["s0"], needs=needs)
    assert {path: path.stat().st_mtime_ns for path in cached} == cached
    write_npz(layout.sample_attribute("s0", "confidence"), pos=np.full(900, 7), neg=np.full(700, 7))
    batch = draw(open_signed(layout, ["s0"], needs=needs))
    assert (batch.attributes["confidence"] == 7).all()


def test_another_width_of_an_attribute_is_not_taken_from_the_cache(tmp_path):
    layout = write_shapes(tmp_path)
    for name, width in (("a", 1), ("b", 2)):
        arrays = {s: np.ones((c, width)) for s, c in zip(("pos", "neg"), COUNTS[0], strict=True)}
        write_npz(layout.sample_attribute("s0", name), **arrays)
    batch = draw(open_signed(layout, ["s0"], needs=("signed", "samples.a:1", "samples.b:2")))
    assert batch.attributes["a"].shape == (1, 64, 1) and batch.attributes["b"].shape == (1, 64, 2)
    with pytest.raises(ValueError, match=r"a\.npz' has an array 'pos' of shape \(900, 1\)"):
        open_signed(layout, ["s0"], needs=("signed", "samples.a:2", "samples.b:1"))


def test_an_attribute_of_a_point_cloud(tmp_path):
    layout = Layout(tmp_path)
    x = np.random.default_rng(0).uniform(-1, 1, (40, 2)).astype(np.float32)
    write_npz(layout.unsigned("cloud"), all=np.column_stack([x, np.abs(x[:, 0])]))
    needs = ("samples", "samples.weight")
    with pytest.raises(ValueError, match=r"weight\.npz' is missing.*arrays all \(40,\), one row"):
        open_signed(layout, ["cloud"], needs=needs)
    write_npz(layout.sample_attribute("cloud", "weight"), all=confidence_at(x))
    batch = draw(open_signed(layout, ["cloud"], needs=needs))
    expected = confidence_at(batch.samples.points)
    torch.testing.assert_close(batch.attributes["weight"], expected)


def test_a_missing_file_is_named_with_its_shape(tmp_path):
    layout = write_shapes(tmp_path)
    layout.sample_attribute("s1", "confidence").unlink()
    message = (
        r"the samples of 's1' have no attribute 'confidence' \('.*samples/s1/confidence\.npz' is "
        r"missing\).* arrays pos \(2000,\) and neg \(650,\), one row per sample of "
        r"'.*s1/deepsdf\.npz'"
    )
    with pytest.raises(ValueError, match=message):
        open_signed(layout, ["s0", "s1"], needs=("signed", "samples.confidence"))
    with pytest.raises(ValueError, match=r"arrays pos \(2000, 3\) and neg \(650, 3\)"):
        open_signed(layout, ["s0", "s1"][1:], needs=("signed", "samples.colour:3"))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pos": np.ones(899), "neg": np.ones(700)}, r"'pos' of shape \(899,\).*makes it \(900,\)"),
        ({"pos": np.ones((900, 2)), "neg": np.ones((700, 2))}, r"of shape \(900, 2\)"),
        ({"pos": np.ones(900)}, r"cannot read the array 'neg' of '.*confidence\.npz'"),
        (
            {"pos": np.ones(900), "neg": np.where(np.arange(700) == 5, np.nan, 1.0)},
            r"confidence\.npz' has a non-finite value in row 5 of 'neg'",
        ),
    ],
)
def test_a_file_that_does_not_match_is_refused(tmp_path, arrays, message):
    layout = write_shapes(tmp_path)
    write_npz(layout.sample_attribute("s0", "confidence"), **arrays)
    with pytest.raises(ValueError, match=message):
        open_signed(layout, ["s0"], needs=("signed", "samples.confidence"))


def test_the_log_says_that_attributes_are_rounded(tmp_path, caplog):
    layout = write_shapes(tmp_path)
    with caplog.at_level("INFO"):
        open_store(
            layout,
            ["s0"],
            dim=2,
            num_channels=1,
            needs=frozenset({"signed", "samples.confidence"}),
            device=CPU,
            dtype="float16",
            fallback=tmp_path,
        )
    assert any("distances and attributes by up to" in message for message in caplog.messages)


def test_needs_that_are_known():
    for need in (*NEEDS, "samples.confidence", "samples.colour:3", "samples.flow:D"):
        check_need(need)
    assert sample_attributes({"signed", "samples.flow:D", "samples.gradient", "labels"}, 3) == [
        SampleAttribute("labels", None),
        SampleAttribute("flow", 3),
    ]
    with pytest.raises(ValueError, match="the attribute 'a' of the samples in two widths"):
        sample_attributes({"samples.a", "samples.a:2"}, 3)


@pytest.mark.parametrize(
    ("need", "message"),
    [
        ("surface.gradeint", r"'surface\.gradeint'.*did you mean 'surface\.gradient'\?"),
        ("lables", r"did you mean 'labels'\?.*samples\.<attribute>"),
        ("surface.colour", r"'surface\.colour' is not something a loss can need"),
        ("samples.", "is not a valid attribute of the samples"),
        ("samples.../secret", "is not a valid attribute of the samples"),
        ("samples.colour:0", "is not a valid attribute of the samples"),
        ("samples.colour:x", "is not a valid attribute of the samples"),
        ("samples.deepsdf", "may be named 'deepsdf'$"),
        ("samples.labels", "may be named 'labels', and 'labels' alone is a need of its own"),
    ],
)
def test_needs_that_are_not(need, message):
    with pytest.raises(ValueError, match=message):
        check_need(need)
