import json
import multiprocessing
import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from inr.data import build_cache
from inr.data.build_cache import open_sample_cache, update_cache
from inr.data.sample_cache import SampleCache, find_source

FORK = multiprocessing.get_context("fork")
COUNTS = {"a": (40, 10), "b": (5, 25), "c": (12, 0)}


def runs_of(name: str, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Rows that say where they are from."""
    rng = np.random.default_rng(ord(name))
    first, second = COUNTS[name]
    pos, neg = rng.uniform(0.5, 1, (first, 3)), rng.uniform(-1, -0.5, (second, 3))
    return (scale * pos).astype(np.float32), (scale * neg).astype(np.float32)


class Files:
    """Source files in a folder, which are counted when read; their content is the scale."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reads: list[str] = []
        for name in COUNTS:
            self.write(name, "1")

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.txt").write_text(text)

    def sources(self, names: str = "abc"):
        return {name: find_source([self.folder / f"{name}.txt"]) for name in names}

    def read(self, name: str):
        self.reads.append(name)
        return runs_of(name, float((self.folder / f"{name}.txt").read_text()))

    def open(
        self, names: str = "abc", dtype: str = "float32", read=None, folders=None
    ) -> SampleCache:
        return open_sample_cache(
            folders or [self.folder / "packed"],
            "samples",
            self.sources(names),
            read or self.read,
            dim=2,
            width=3,
            dtype=dtype,
        )


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def stored(cache: SampleCache, name: str) -> tuple[np.ndarray, np.ndarray]:
    entry = cache.entries[name]
    middle = entry.offset + entry.num_first
    return cache.values[entry.offset : middle], cache.values[middle : entry.end]


def amiss(cache: SampleCache, names: str = "abc", scale: float = 1.0) -> list[str]:
    """Return the shapes whose rows are not there, each in its run."""
    return [
        name
        for name in names
        for rows, run in zip(stored(cache, name), runs_of(name, scale), strict=True)
        if sorted(map(tuple, rows.tolist())) != sorted(map(tuple, run.tolist()))
    ]


def test_every_row__cached__once_in_another_order(files):
    cache = files.open()
    assert amiss(cache) == []
    assert files.reads == ["a", "b", "c"] and cache.num_rows == 92
    assert not np.array_equal(stored(cache, "a")[0], runs_of("a")[0])
    assert not cache.values.flags.writeable
    with cache.path.open("r+b") as file:  # the file itself, not a copy
        file.write(np.float32(7).tobytes())
    assert cache.values[0, 0] == 7
    assert cache.rounding("abc") == (0.0, 0.0)


def test_reading_ahead_takes_any_rows(files):
    cache = files.open()
    for start, number in ((0, 1), (1, 91), (91, 1), (50, 42)):
        cache.read_ahead(start, number)
    assert amiss(cache) == []


def test_a_second_call_reads_no_source(files):
    files.open()
    assert amiss(files.open()) == []
    assert files.reads == ["a", "b", "c"]


def test_the_order_depends_on_the_name_alone(files, tmp_path):
    (tmp_path / "other").mkdir()
    one, other = files.open("abc"), Files(tmp_path / "other").open("cb")
    for name in "bc":
        for rows, others in zip(stored(one, name), stored(other, name), strict=True):
            assert np.array_equal(rows, others)


def test_more_shapes_are_appended(files):
    before = files.open("a")
    after = files.open("ba")
    assert files.reads == ["a", "b"]
    assert before.entries["a"] == after.entries["a"]
    assert amiss(after, "ab") == []
    assert amiss(before, "a") == []


def test_a_shape_that_has_changed__cached__anew(files):
    held = files.open()
    files.write("b", "0.5")
    cache = files.open()
    assert files.reads == ["a", "b", "c", "b"]
    assert amiss(cache, "ac") == []
    assert amiss(cache, "b", 0.5) == []
    assert amiss(held, "abc") == []  # who reads the file meanwhile sees what it opened


def test_rows_that_nothing_points_to_do_not_pile_up(files):
    held = files.open()
    for turn in range(5):
        for name in "abc":
            files.write(name, f"0.{turn + 10}")
        cache = files.open()
        assert amiss(cache, scale=float(f"0.{turn + 10}")) == []
        assert cache.num_rows <= 2 * 92
    assert len(list(cache.folder.glob("*.bin"))) == 1
    assert amiss(held) == []


def test_another_file_of_a_shape_is_another_source(files):
    files.open("a")
    (files.folder / "unsigned").mkdir()
    path = files.folder / "unsigned" / "other.txt"
    path.write_text("1")
    state = (files.folder / "a.txt").stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    cache = SampleCache(files.folder / "packed", "samples", dim=2, width=3, dtype="float32")
    assert cache.outdated({"a": find_source([files.folder / "none", path])}) == ["a"]
    assert cache.outdated(files.sources("a")) == []


def test_float16_states_its_error(files):
    cache = files.open(dtype="float16")
    assert cache.values.dtype == np.float16 and cache.path.name == "samples_float16_3.bin"
    points = values = 0.0
    for name in "ab":
        for run in runs_of(name):
            error = np.abs(run.astype(np.float16).astype(np.float32) - run).max(axis=0)
            points, values = max(points, error[:2].max()), max(values, error[2])
    assert cache.rounding("ab") == (points, values) and points > 1e-5
    # half the distance of the numbers that float16 has in [0.5, 1)
    assert max(points, values) <= 2.0**-12


def test_what_float16_cannot_hold_is_refused(files):
    files.write("b", "1e6")
    with pytest.raises(ValueError, match=r"'b' has values up to .*b\.txt.*dtype=float32"):
        files.open(dtype="float16")
    assert list(
        SampleCache(files.folder / "packed", "samples", dim=2, width=3, dtype="float16").entries
    )


def test_another_dtype_is_refused(files):
    with pytest.raises(ValueError, match=r"dtype=int8; it must be float32 or float16"):
        files.open(dtype="int8")


def test_a_shape_that_cannot_be_read_costs_no_other(files):
    def read(name):
        if name == "b":
            raise ValueError("cannot read 'b.npz'")
        return files.read(name)

    with pytest.raises(ValueError, match=r"b\.npz"):
        files.open(read=read)
    assert amiss(files.open()) == []
    assert files.reads == ["a", "b", "c"]


def test_a_kill_in_the_middle_loses_only_what_was_not_indexed(files, monkeypatch):
    monkeypatch.setattr(build_cache, "INDEX_SECONDS", -1.0)
    path = files.folder / "packed" / "samples_float32_3.bin"

    def read(name):
        if name == "c":
            with path.open("ab") as file:  # half a shape
                file.write(b"\xff" * 31)
            os.kill(os.getpid(), signal.SIGKILL)
        return runs_of(name)

    process = FORK.Process(target=files.open, kwargs={"read": read})
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert amiss(files.open("ab"), "ab") == []
    assert files.reads == []
    cache = files.open()
    assert amiss(cache) == []
    assert files.reads == ["c"]
    assert path.stat().st_size == 92 * 12


def test_two_processes_cache_each_shape_once(files):
    log = files.folder / "log"

    def read(name):
        with log.open("a") as file:
            file.write(name)
        return runs_of(name)

    processes = [FORK.Process(target=files.open, kwargs={"read": read}) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert sorted(log.read_text()) == ["a", "b", "c"]
    assert amiss(files.open()) == []


def test_a_full_disk_is_said_and_a_later_call_goes_on(files):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (62 * 12, before[1]))  # of a and a part of b
    try:
        with pytest.raises(ValueError, match=r"samples_float32_3\.bin'.*make room"):
            files.open()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (files.folder / "packed" / "samples_float32_3.bin").stat().st_size == 50 * 12
    assert amiss(files.open()) == []
    assert files.reads == ["a", "b", "b", "c"]


def test_a_folder_that_cannot_be_written(files, tmp_path):
    blocked, fallback = tmp_path / "blocked", tmp_path / "fallback" / "mine"
    blocked.write_text("no folder")
    assert amiss(files.open(folders=[blocked / "packed", fallback])) == []
    assert (fallback / "samples_float32_3.json").exists()
    assert amiss(files.open(folders=[blocked / "packed", fallback])) == []
    assert files.reads == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"neither '.*blocked/packed' nor '.*' is writable"):
        files.open(folders=[blocked / "packed", blocked / "too"])


@pytest.mark.parametrize("how", ["text", "list", "other keys", "cut file", "no file"])
def test_a_spoilt_cache_is_made_anew(files, how):
    cache = files.open()
    index = cache.index_path
    if how == "text":
        index.write_text("no JSON")
    elif how == "list":
        index.write_text("[]")
    elif how == "other keys":
        index.write_text(json.dumps({"generation": 0, "rows": 1, "shapes": {"a": {"offset": 0}}}))
    elif how == "cut file":
        os.truncate(cache.path, 50 * 12 + 5)
    else:
        cache.path.unlink()
    assert amiss(files.open()) == []
    assert files.reads == ["a", "b", "c"] + (["b", "c"] if how == "cut file" else ["a", "b", "c"])


def test_nothing_to_cache_writes_nothing(files):
    cache = files.open("")
    assert len(cache.values) == 0 and not cache.folder.exists()
    cache.folder.mkdir()
    update_cache(cache, {}, files.read)
    assert not cache.index_path.exists()
