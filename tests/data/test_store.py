import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.data import anonymous_memory, write_sparse
from inr.data.layout import Layout, read_split, write_npz
from inr.data.open_store import open_store
from inr.data.store import SampleStore
from inr.shapes.mesh import read_mesh
from inr.shapes.sdf import signed_distance
from tests.support.making import CPU, DRAWS, generator, open_discs, open_signed, write_discs
from tests.support.paths import GOLDEN

PUBLISHED = GOLDEN / "dataset"
# shape i has so many samples outside and inside
COUNTS = [(30, 10), (5, 50), (12, 0), (0, 7)]


def write_shape(layout: Layout, name: str, number: int, dim: int = 2) -> None:
    """Write samples that say where they come from: row k of shape i has distance +-(i + 1) . k."""
    arrays = {}
    for side, sign, count in zip(("pos", "neg"), (1, -1), COUNTS[number], strict=True):
        distance = sign * ((number + 1) + np.arange(count) / 1000)
        arrays[side] = np.concatenate([np.repeat(distance[:, None], dim, 1), distance[:, None]], 1)
    write_npz(layout.samples(name), **arrays)


@pytest.fixture
def store(tmp_path):
    layout = Layout(tmp_path)
    for number in range(4):
        write_shape(layout, f"s{number}", number)
    return open_signed(layout, [f"s{i}" for i in range(4)], dim=2)


def draw(store: SampleStore, index, num_samples: int, generator, *, sign_balanced: bool):
    draws = replace(DRAWS, samples=num_samples, sign_balanced=sign_balanced)
    return store.draw(index, draws, generator).samples


@pytest.mark.parametrize("num_samples", [2, 64, 1000])
def test_balanced_draws_are_half_outside_half_inside(store, num_samples):
    index = torch.tensor([1, 0, 1])
    points, distances = draw(store, index, num_samples, generator(), sign_balanced=True)
    assert points.shape == (3, num_samples, 2) and distances.shape == (3, num_samples, 1)
    assert points.dtype == distances.dtype == torch.float32
    assert (distances > 0).sum(dim=(1, 2)).tolist() == [num_samples // 2] * 3


def test_an_odd_number_of_balanced_draws(store):
    _, distances = draw(store, torch.tensor([0]), 7, generator(), sign_balanced=True)
    assert int((distances > 0).sum()) == 3


def test_all_draws_come_from_the_only_side_there_is(store):
    _, distances = draw(store, torch.tensor([2, 3]), 100, generator(), sign_balanced=True)
    assert (distances[0] > 0).all() and (distances[1] < 0).all()


@pytest.mark.parametrize("sign_balanced", [True, False])
def test_draws_come_from_the_right_shape_and_reach_every_sample(store, sign_balanced):
    index = torch.tensor([3, 0, 2, 1])
    points, distances = draw(store, index, 4000, generator(), sign_balanced=sign_balanced)
    assert torch.equal(points, distances.expand(-1, -1, 2))  # a point keeps its distance
    for row, number in enumerate(index.tolist()):
        stored = [
            round(sign * (number + 1 + k / 1000), 3)
            for sign, count in zip((1, -1), COUNTS[number], strict=True)
            for k in range(count)
        ]
        drawn = {round(value, 3) for value in distances[row].flatten().tolist()}
        assert drawn == set(stored)


def test_unbalanced_draws_are_uniform(store):
    _, distances = draw(store, torch.tensor([0, 1]), 40000, generator(), sign_balanced=False)
    outside = (distances > 0).double().mean(dim=(1, 2))
    # fractions of 30/40 and 5/55; the standard error is at most 0.0022
    assert outside.tolist() == pytest.approx([30 / 40, 5 / 55], abs=0.01)


@pytest.mark.parametrize("sign_balanced", [True, False])
def test_with_its_own_generator_a_shape_does_not_see_the_others(store, sign_balanced):
    def own(numbers):
        return draw(
            store,
            torch.tensor(numbers),
            50,
            [generator(number) for number in numbers],
            sign_balanced=sign_balanced,
        )

    points, distances = own([2, 0, 1])
    for row, number in enumerate([2, 0, 1]):
        alone_points, alone_distances = own([number])
        assert torch.equal(alone_points[0], points[row])
        assert torch.equal(alone_distances[0], distances[row])
    assert not torch.equal(points, own([2, 0, 3])[0])


def test_the_generator_decides_the_draws(store):
    index = torch.tensor([0, 1])
    first = draw(store, index, 50, generator(1), sign_balanced=True)[1]
    assert torch.equal(first, draw(store, index, 50, generator(1), sign_balanced=True)[1])
    assert not torch.equal(first, draw(store, index, 50, generator(2), sign_balanced=True)[1])


def test_samples_of_another_dimension(tmp_path):
    layout = Layout(tmp_path)
    write_shape(layout, "flat", 0, dim=2)
    with pytest.raises(ValueError, match=r"shape \(30, 3\); data\.dim=3 and .* need \(n, 4\)"):
        open_signed(layout, ["flat"], dim=3)


def test_rows_that_are_not_finite_are_dropped(tmp_path):
    layout = Layout(tmp_path)
    pos = np.array([[0, 0, 1], [0, 0, np.nan], [np.inf, 0, 1], [0, 0, 2]])
    neg = np.array([[np.nan, 0, -1], [0, 0, -3]])
    write_npz(layout.samples("s"), pos=pos, neg=neg)
    store = open_signed(layout, ["s"], dim=2)
    stored = store.samples.values[:, 2].tolist()
    assert sorted(stored[:2]) == [1, 2] and stored[2:] == [-3]
    assert store.samples.table[:, 2:4].tolist() == [[2, 1]]
    assert draw(store, torch.tensor([0]), 500, generator(), sign_balanced=True)[1].isfinite().all()


def test_no_sample_at_all(tmp_path):
    layout = Layout(tmp_path)
    write_npz(layout.samples("s"), pos=np.full((3, 3), np.nan), neg=np.zeros((0, 3)))
    with pytest.raises(ValueError, match="no samples"):
        open_signed(layout, ["s"], dim=2)


def spoil(path: Path, how: str) -> None:
    if how == "without neg":
        write_npz(path, pos=np.zeros((2, 3)))
    elif how == "missing":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("no archive")
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "bare array":
        with path.open("wb") as file:
            np.save(file, np.zeros((2, 3)))
    elif how == "flat array":
        write_npz(path, pos=np.zeros(3), neg=np.zeros(3))
    elif how == "pickle":
        np.savez(path, pos=np.array([{}], dtype=object), neg=np.zeros((2, 3)))


@pytest.mark.parametrize(
    "how",
    ["without neg", "missing", "empty", "text", "truncated", "bare array", "flat array", "pickle"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, how):
    layout = Layout(tmp_path)
    write_shape(layout, "s", 0)
    spoil(layout.samples("s"), how)
    with pytest.raises(ValueError, match=r"samples/s/deepsdf\.npz"):
        open_signed(layout, ["s"], dim=2)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published codes' data set is not here")
def test_reads_a_data_set_of_a_published_code(tmp_path):
    layout = Layout(shutil.copytree(PUBLISHED, tmp_path / "data"))  # which the cache is written to
    names = read_split(layout, "train") + read_split(layout, "test")
    assert sorted(set(names)) == layout.names() == [f"lamp{i}" for i in range(4)]
    store = open_signed(layout, layout.names(), dim=3)
    points, distances = draw(store, torch.arange(4), 200, generator(), sign_balanced=True)
    for row, name in enumerate(layout.names()):
        exact = signed_distance(read_mesh(layout.mesh(name)), points[row].double().numpy())
        stored = distances[row, :, 0].numpy()
        np.testing.assert_allclose(np.abs(stored), np.abs(exact), atol=2e-3)
        clear = np.abs(exact) > 5e-3
        assert (np.sign(exact) == np.sign(stored))[clear].mean() > 0.98


def test_surface_and_space_are_drawn_where_they_are_needed(tmp_path):
    store = open_discs(tmp_path, {"a": 0.3, "b": 0.6}, needs=("normals", "space"))
    assert store.samples is None
    draws = replace(DRAWS, surface=500, space=4000, space_near=0.25, space_std=0.02)
    batch = store.draw(torch.tensor([1, 0]), draws, generator())
    assert batch.samples is None
    points, normals = batch.surface
    assert points.shape == normals.shape == (2, 500, 2) and batch.space.shape == (2, 4000, 2)
    for row, radius in enumerate((0.6, 0.3)):
        torch.testing.assert_close(points[row], radius * normals[row])
        off = (batch.space[row].norm(dim=1) - radius).abs()
        # a quarter around the surface, within three deviations of it; of the others some as well
        assert (off[3000:] < 0.06).double().mean() > 0.99
        assert (off[:3000] < 0.06).double().mean() < 0.2
        assert batch.space[row, :3000].abs().max() <= 1


def test_surface_points_without_normals(tmp_path):
    layout = Layout(tmp_path)
    write_npz(layout.surface("cloud"), all=np.random.default_rng(0).normal(size=(50, 3)))
    write_npz(layout.unsigned("cloud"), all=np.ones((20, 4)))
    store = open_signed(layout, ["cloud"], dim=3, needs=("surface", "samples"))
    batch = store.draw(torch.tensor([0]), DRAWS, generator())
    assert batch.surface.normals is None and batch.samples.targets.min() == 1
    with pytest.raises(ValueError, match="'cloud' has no normals"):
        open_signed(layout, ["cloud"], dim=3, needs=("normals",))
    with pytest.raises(ValueError, match="'cloud' has no signed distances"):
        open_signed(layout, ["cloud"], dim=3, needs=("signed",))
    with pytest.raises(ValueError, match=r"data\.dim=2 needs \(k, 2\)"):
        open_signed(layout, ["cloud"], dim=2, needs=("surface",))


def test_a_gradient_somewhere_needs_the_points_there(tmp_path):
    batch = open_discs(tmp_path, {"a": 0.5}, needs=("signed", "space.gradient")).draw(
        torch.tensor([0]), DRAWS, generator()
    )
    assert batch.samples is not None and batch.space is not None


def test_clouds_with_and_without_normals_go_together_where_none_are_needed(tmp_path):
    layout = Layout(tmp_path)
    write_npz(layout.surface("with"), all=np.ones((5, 4)))
    write_npz(layout.surface("without"), all=np.ones((6, 2)))
    store = open_signed(layout, ["with", "without"], needs=("surface",))
    assert store.draw(torch.tensor([0, 1]), DRAWS, generator()).surface.normals is None


def test_a_bare_array_of_surface_points(tmp_path):
    layout = Layout(tmp_path)
    path = tmp_path / "samples" / "s" / "surface.npy"
    path.parent.mkdir(parents=True)
    np.save(path, np.ones((7, 4)))
    store = open_signed(layout, ["s"], needs=("normals",))
    assert store.draw(torch.tensor([0]), DRAWS, generator()).surface.points.unique().item() == 1


def test_samples_of_several_channels(tmp_path):
    layout = Layout(tmp_path)
    write_npz(layout.samples("s"), pos=np.ones((3, 6)), neg=-np.ones((3, 6)))
    store = open_store(
        layout,
        ["s"],
        dim=2,
        num_channels=4,
        needs=frozenset({"samples"}),
        device=CPU,
        dtype="float32",
        fallback=tmp_path,
    )
    assert store.draw(torch.tensor([0]), DRAWS, generator()).samples.targets.shape == (1, 64, 4)
    with pytest.raises(ValueError, match=r"model\.num_channels=1 need \(n, 3\)"):
        open_signed(layout, ["s"])


def test_ten_thousand_large_shapes_take_no_memory(tmp_path):
    """Half a million samples of each would be 75 GiB; the files are sparse."""
    layout = Layout(tmp_path)
    names = write_sparse(layout, 10000, 500000)
    before = anonymous_memory()
    store = open_signed(layout, names, dim=3)
    for seed in range(50):
        index = torch.randint(10000, (16,), generator=generator(seed))
        points, _ = draw(store, index, 16384, generator(seed), sign_balanced=seed % 2 == 0)
        assert points.shape == (16, 16384, 3)
    assert store.samples.values.shape == (5 * 10**9, 4)
    assert anonymous_memory() - before < 2**28


def test_a_changed_shape_is_read_again(tmp_path):
    layout = write_discs(tmp_path, {"a": 0.3, "b": 0.3})
    open_signed(layout, ["a", "b"])
    write_discs(tmp_path, {"b": 0.6}, num_samples=300)
    points, distances = draw(
        open_signed(layout, ["a", "b"]),
        torch.tensor([0, 1]),
        50,
        generator(),
        sign_balanced=True,
    )
    for row, radius in enumerate((0.3, 0.6)):
        torch.testing.assert_close(points[row].norm(dim=1) - radius, distances[row, :, 0])


def test_samples_stored_as_float16_say_their_error(tmp_path, caplog):
    layout = write_discs(tmp_path, {"a": 0.3, "b": 0.5})
    with caplog.at_level("INFO"):
        store = open_store(
            layout,
            ["a", "b"],
            dim=2,
            num_channels=1,
            needs=frozenset({"signed", "normals"}),
            device=CPU,
            dtype="float16",
            fallback=tmp_path / "elsewhere",
        )
    batch = store.draw(torch.tensor([0, 1]), DRAWS, generator())
    assert batch.samples.points.dtype == batch.surface.normals.dtype == torch.float32
    error = batch.samples.points[0].norm(dim=1) - 0.3 - batch.samples.targets[0, :, 0]
    assert 1e-6 < error.abs().max() < 1e-3
    said = [message for message in caplog.messages if "float16: coordinates are off" in message]
    assert len(said) == 2 and "distances by up to" in said[0] and "normals by up to" in said[1]


def test_a_data_set_that_cannot_be_written_has_its_cache_elsewhere(tmp_path):
    roots = [tmp_path / name / "data" for name in ("one", "other")]
    for root, radius in zip(roots, (0.3, 0.6), strict=True):
        write_discs(root, {"a": radius})
        (root / "packed").write_text("a file where the folder would be")
    for root, radius in zip(roots, (0.3, 0.6), strict=True):
        store = open_store(
            Layout(root),
            ["a"],
            dim=2,
            num_channels=1,
            needs=frozenset({"signed"}),
            device=CPU,
            dtype="float32",
            fallback=tmp_path / "caches",
        )
        points, distances = draw(store, torch.tensor([0]), 50, generator(), sign_balanced=True)
        torch.testing.assert_close(points[0].norm(dim=1) - radius, distances[0, :, 0])
    assert len(list((tmp_path / "caches").glob("data_*/samples_float32_3.bin"))) == 2
