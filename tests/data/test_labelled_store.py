from dataclasses import replace

import numpy as np
import pytest
import torch

from inr.data.layout import Layout, write_npz
from inr.data.open_store import open_store
from inr.data.store import SampleStore
from tests.support.making import CPU, DRAWS, open_signed, write_discs

NUM_PARTS = 5


def write_shape(layout: Layout, name: str, num_outside: int, num_inside: int) -> None:
    """Write samples whose label is told by their first coordinate, and by their distance."""
    rng = np.random.default_rng(len(name) + num_outside)
    samples, labels = {}, {}
    for side, sign, count in (("pos", 1, num_outside), ("neg", -1, num_inside)):
        x = rng.uniform(-1, 1, size=(count, 3)).astype(np.float32)
        part = part_at(x[:, 0])
        samples[side] = np.column_stack([x[:, :2], sign * (0.1 + 0.1 * part)])
        labels[side] = part
    samples["pos"][3] = np.nan  # is dropped, with its label
    write_npz(layout.samples(name), **samples)
    write_npz(layout.labels(name), **labels)


def part_at(x):
    part = np.floor((x + 1) / 2 * NUM_PARTS)
    return part.clip(0, NUM_PARTS - 1).astype(np.int64)


def open_labelled(layout: Layout, names, *, dtype: str = "float32", needs=("labels",)):
    return open_store(
        layout,
        names,
        dim=2,
        num_channels=1,
        needs=frozenset(needs),
        device=CPU,
        dtype=dtype,
        fallback=layout.root / "elsewhere",
    )


def check_batch(
    store: SampleStore, index, num_samples: int, *, sign_balanced: bool
) -> torch.Tensor:
    """Hold what is drawn against where it lies; return the labels."""
    draws = replace(DRAWS, samples=num_samples, sign_balanced=sign_balanced)
    batch = store.draw(torch.tensor(index), draws, torch.Generator().manual_seed(0))
    points, targets = batch.samples
    assert batch.labels.shape == (len(index), num_samples) and batch.labels.dtype == torch.int64
    assert points.shape == (len(index), num_samples, 2)
    assert targets.shape == (len(index), num_samples, 1)
    expected = torch.from_numpy(part_at(points[..., 0].numpy()))
    told = ((targets[..., 0].abs() - 0.1) / 0.1).round().long()
    assert torch.equal(batch.labels, told)
    near = (expected - batch.labels).abs()  # a coordinate rounded across a border
    assert (near != 0).double().mean() < 2e-3
    for part in batch.split(2):
        assert part.labels.shape == part.samples.points.shape[:2]
    return batch.labels


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("num_samples", [200, 600])  # by numbers, and by runs
@pytest.mark.parametrize("sign_balanced", [True, False])
def test_labels_stay_with_their_points(tmp_path, dtype, num_samples, sign_balanced):
    layout = Layout(tmp_path)
    for number, counts in enumerate([(900, 700), (2000, 650), (700, 3000)]):
        write_shape(layout, f"s{number}", *counts)
    store = open_labelled(layout, ["s0", "s1", "s2"], dtype=dtype)
    labels = check_batch(store, [2, 0, 1, 0], num_samples, sign_balanced=sign_balanced)
    assert len(labels.unique()) == NUM_PARTS


def test_a_data_set_cached_without_labels_serves_both(tmp_path):
    layout = Layout(tmp_path)
    write_shape(layout, "s", 300, 200)
    plain = open_signed(layout, ["s"])
    assert plain.draw(torch.tensor([0]), DRAWS, torch.Generator()).labels is None
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "packed").iterdir()}
    labels = check_batch(open_labelled(layout, ["s"]), [0], 200, sign_balanced=True)
    assert len(labels.unique()) == NUM_PARTS
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert open_signed(layout, ["s"]).samples.values.shape[1] == 3


def test_changed_labels_are_cached_again(tmp_path):
    layout = Layout(tmp_path)
    write_shape(layout, "s", 300, 200)
    open_labelled(layout, ["s"])
    write_npz(layout.labels("s"), pos=np.full(300, 4), neg=np.full(200, 4))
    batch = open_labelled(layout, ["s"]).draw(torch.tensor([0]), DRAWS, torch.Generator())
    assert (batch.labels == 4).all()


def test_labels_are_checked_again_where_other_parts_are_present(tmp_path):
    layout = Layout(tmp_path)
    write_shape(layout, "s", 300, 200)
    layout.poses("s").mkdir(parents=True)
    path = layout.poses("s") / "present.npy"
    np.save(path, np.ones(NUM_PARTS, bool))
    open_labelled(layout, ["s"])
    cached = {path: path.stat().st_mtime_ns for path in (tmp_path / "packed").glob("*.bin")}
    open_labelled(layout, ["s"])
    assert {path: path.stat().st_mtime_ns for path in cached} == cached
    np.save(path, np.arange(NUM_PARTS) != 2)
    with pytest.raises(ValueError, match="labels samples with part 2, which 's' does not have"):
        open_labelled(layout, ["s"])


def test_labels_that_do_not_match_are_refused(tmp_path):
    layout = Layout(tmp_path)
    write_shape(layout, "s", 300, 200)
    write_npz(layout.labels("s"), pos=np.zeros(299, int), neg=np.zeros(200, int))
    with pytest.raises(ValueError, match=r"sample_labels/s/deepsdf\.npz' labels 299 outer"):
        open_labelled(layout, ["s"])


def test_shapes_without_labels_say_so(tmp_path):
    layout = write_discs(tmp_path, {"a": 0.5})
    with pytest.raises(ValueError, match="the samples of 'a' have no part labels"):
        open_labelled(layout, ["a"])


def test_labels_go_with_other_needs(tmp_path):
    layout = write_discs(tmp_path, {"a": 0.5})
    with np.load(layout.samples("a")) as samples:
        labels = {side: np.arange(len(samples[side])) % 3 for side in ("pos", "neg")}
    write_npz(layout.labels("a"), **labels)
    store = open_labelled(layout, ["a"], needs=("labels", "signed", "normals"))
    batch = store.draw(torch.tensor([0]), DRAWS, torch.Generator())
    assert batch.surface.normals is not None and batch.labels.max() == 2
