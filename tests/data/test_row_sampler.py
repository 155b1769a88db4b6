import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from inr.data import row_sampler as module
from inr.data.build_cache import open_sample_cache
from inr.data.row_sampler import RowSampler, gather_shapes, has_room
from inr.data.sample_cache import find_source
from tests.support.making import CPU, generator

# shape i has so many rows in its first and in its second run; row k of it holds (i, run, k)
COUNTS = [(30, 10), (5, 50), (12, 0), (0, 7), (900, 700)]
NAMES = [f"s{number}" for number in range(len(COUNTS))]


def arrays_of(number: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = (
        np.array([[number, run, k] for k in range(count)], dtype=np.float32).reshape(-1, 3)
        for run, count in enumerate(COUNTS[number])
    )
    return first, second


@pytest.fixture
def rows():
    return RowSampler.of_arrays(NAMES, [arrays_of(number) for number in range(len(COUNTS))], CPU)


@pytest.fixture
def cache(tmp_path):
    (tmp_path / "source").write_text("x")
    return open_sample_cache(
        [tmp_path / "packed"],
        "samples",
        dict.fromkeys(NAMES, find_source([tmp_path / "source"])),
        lambda name: arrays_of(NAMES.index(name)),
        dim=2,
        width=3,
        dtype="float16",
    )


def draw(rows: RowSampler, index, number: int, *, balanced: bool, seed: int = 0) -> torch.Tensor:
    return rows.draw(torch.tensor(index), number, generator(seed), balanced=balanced)


def counted(drawn: torch.Tensor, run: int, count: int) -> np.ndarray:
    """How often each row of a run was drawn."""
    of_run = drawn.reshape(-1, 3)
    of_run = of_run[of_run[:, 1] == run]
    return np.bincount(of_run[:, 2].long().numpy(), minlength=count)


def test_rows_are_of_the_shapes_asked_for(rows):
    index = [3, 0, 2, 1, 4, 0]
    for balanced in (True, False):
        drawn = draw(rows, index, 60, balanced=balanced)
        assert drawn.shape == (6, 60, 3) and drawn.dtype == torch.float32
        assert (drawn[..., 0] == torch.tensor(index)[:, None]).all()


def test_balanced_single_rows_are_uniform_over_each_run(rows):
    drawn = draw(rows, [0] * 20000, 2, balanced=True)  # one of each
    for run, count in enumerate(COUNTS[0]):
        frequencies = counted(drawn, run, count)
        assert frequencies.sum() == 20000 and len(frequencies) == count
        assert chisquare(frequencies).pvalue > 1e-3


def test_unbalanced_single_rows_are_uniform_over_the_shape(rows):
    drawn = draw(rows, [1] * 40000, 1, balanced=False)
    frequencies = np.concatenate([counted(drawn, run, COUNTS[1][run]) for run in (0, 1)])
    assert len(frequencies) == 55
    assert chisquare(frequencies).pvalue > 1e-3


@pytest.mark.parametrize("number", [3, 7, 33])
def test_unbalanced_rows_follow_the_sizes_of_the_runs(rows, number):
    drawn = draw(rows, [0] * 20000, number, balanced=False)
    first = (drawn[..., 1] == 0).sum(dim=1)
    exact = number * 30 / 40
    assert set(first.tolist()) <= {int(exact), int(np.ceil(exact))}
    assert first.double().mean().item() == pytest.approx(exact, abs=0.02)  # 5 standard errors
    frequencies = np.concatenate([counted(drawn, run, COUNTS[0][run]) for run in (0, 1)])
    np.testing.assert_allclose(frequencies / frequencies.mean(), 1, atol=0.06)


def test_no_row_comes_twice_where_there_are_enough(rows):
    for balanced in (True, False):
        for one in draw(rows, [4] * 50, 1000, balanced=balanced):
            assert len(one.unique(dim=0)) == 1000


def test_short_runs_are_gone_round_evenly(rows):
    drawn = draw(rows, [1] * 3, 40, balanced=True)  # 20 of 5 rows, four times each
    for one in drawn:
        assert counted(one, 0, 5).tolist() == [4] * 5


def test_one_run_alone_gives_all(rows):
    for balanced in (True, False):
        drawn = draw(rows, [2, 3], 9, balanced=balanced)
        assert (drawn[0, :, 1] == 0).all() and (drawn[1, :, 1] == 1).all()


def test_places_in_the_order_are_shuffled(rows):
    drawn = draw(rows, [4], 400, balanced=True)[0, :200, 2]
    assert (drawn.diff().abs() == 1).double().mean() < 0.1


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("number", [1, 64, 500])
def test_slices_and_single_numbers_give_the_same_rows(rows, monkeypatch, balanced, number):
    index = [4] * 40  # of which some go on around the end
    monkeypatch.setattr(rows, "shortest", 500)
    monkeypatch.setattr(module, "LONG_DRAW", 1)
    slices = draw(rows, index, number, balanced=balanced)
    monkeypatch.setattr(module, "LONG_DRAW", 10**9)
    assert torch.equal(slices, draw(rows, index, number, balanced=balanced))


@pytest.mark.parametrize("number", [8, 600])
@pytest.mark.parametrize("balanced", [True, False])
def test_with_its_own_generator_a_shape_does_not_see_the_others(rows, balanced, number):
    def own(numbers):
        generators = [generator(one) for one in numbers]
        return rows.draw(torch.tensor(numbers), number, generators, balanced=balanced)

    together = own([4, 0, 2])
    for row, one in enumerate([4, 0, 2]):
        assert torch.equal(own([one])[0], together[row])


def test_a_cache_gives_float32_whatever_it_stores(cache):
    rows = RowSampler.of_cache(cache, NAMES[::-1], CPU)
    assert rows.values.dtype == torch.float16
    assert rows.values.data_ptr() == cache.values.ctypes.data  # mapped, not copied
    drawn = draw(rows, [0, 4], 600, balanced=True)
    assert drawn.dtype == torch.float32
    assert drawn[0, :, 0].unique().tolist() == [4] and drawn[1, :, 0].unique().tolist() == [0]


def test_wanted_shapes_are_gathered_alone(cache):
    entries = [cache.entries[name] for name in ("s4", "s1")]
    counts = torch.tensor([[e.offset, e.num_first, e.num_second] for e in entries])
    values = torch.from_numpy(np.array(cache.values))
    told = []
    there, moved = gather_shapes(
        values, counts, CPU, lambda start, number: told.append((start, number))
    )
    assert len(there) == 1655 and moved.tolist() == [[0, 900, 700], [1600, 5, 50]]
    assert told == [(entry.offset, entry.end - entry.offset) for entry in entries]
    few = [
        draw(RowSampler(*held, CPU, read_ahead=None), [0, 1], 30, balanced=True)
        for held in ((there, moved), (values, counts))
    ]
    assert torch.equal(*few)


def test_long_draws_tell_what_they_are_about_to_read(cache, monkeypatch):
    rows = RowSampler.of_cache(cache, ["s4"], CPU)
    told = []
    monkeypatch.setattr(rows, "read_ahead", lambda start, number: told.append((start, number)))
    drawn = draw(rows, [0] * 3, 650, balanced=False)
    read = [cache.values[start : start + number] for start, number in told]
    np.testing.assert_array_equal(np.concatenate(read), drawn.flatten(0, 1).numpy())


def test_a_gpu_is_filled_by_half(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 4000))
    assert has_room(torch.device("cuda"), 500)
    assert not has_room(torch.device("cuda"), 501)


def test_rows_without_room_are_gathered_on_the_cpu(cache, monkeypatch):
    """A device without memory of its own stands for a full one."""
    monkeypatch.setattr(module, "has_room", lambda device, num_bytes: False)
    rows = RowSampler.of_cache(cache, NAMES, torch.device("meta"))
    room = []

    def unpinned(self, number):
        room.append(torch.empty(number, 3, dtype=torch.float16))
        return room[-1]

    monkeypatch.setattr(RowSampler, "_pinned", unpinned)
    assert rows.generator_device == CPU
    for number in (8, 600):
        drawn = draw(rows, [0, 4], number, balanced=True)
        assert drawn.shape == (2, number, 3) and drawn.device.type == "meta"
        there = draw(RowSampler.of_cache(cache, NAMES, CPU), [0, 4], number, balanced=True)
        assert torch.equal(room[-1].float().reshape(there.shape), there)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_draws_what_a_cpu_draws(cache, monkeypatch):
    device = torch.device("cuda")
    resident = RowSampler.of_cache(cache, NAMES, device)
    monkeypatch.setattr(module, "has_room", lambda device, num_bytes: False)
    streamed = RowSampler.of_cache(cache, NAMES, device)
    assert (resident.generator_device.type, streamed.generator_device.type) == ("cuda", "cpu")
    for number in (8, 600):
        drawn = [draw(rows, [0, 4], number, balanced=True) for rows in (resident, streamed)]
        exact = draw(RowSampler.of_cache(cache, NAMES, CPU), [0, 4], number, balanced=True)
        for one in drawn:
            assert one.device.type == "cuda" and torch.equal(one.cpu(), exact)
