from pathlib import Path

import numpy as np
import pytest

from inr.files import open_arrays, replacing
from inr.shapes.formats.outlines import read_outline
from inr.shapes.points import read_points


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"

    def write_half() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert list(path.parent.iterdir()) == []
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert temporary.suffix == ".txt"
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_arrays_are_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", [1.0, 2.0])
    np.savez(tmp_path / "two.npz", a=[3], b=[4, 5])
    with open_arrays(tmp_path / "one.npy") as array:
        assert array.tolist() == [1.0, 2.0]
    with open_arrays(tmp_path / "two.npz") as arrays:
        assert arrays["b"].tolist() == [4, 5]
    with pytest.raises(ValueError, match="of the caller"), open_arrays(tmp_path / "one.npy"):
        raise ValueError("of the caller")


def test_what_is_no_numbers_is_said_without_advice_to_unpickle(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("1 2 3")
    np.save(tmp_path / "objects.npy", np.array([{}]))
    np.savez(tmp_path / "objects.npz", a=np.array([{}]))
    for name in ("text.npy", "objects.npy", "objects.npz"):
        message = f"^it is not a {Path(name).suffix} file of numbers$"
        with pytest.raises(ValueError, match=message), open_arrays(tmp_path / name) as opened:
            opened["a"]


def test_readers_of_arrays_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "text.npy"
    path.write_text("1 2 3")
    message = r"^'.*text\.npy': it cannot be read: it is not a \.npy file of numbers$"
    for read in (read_outline, lambda path: read_points(path, 2)):
        with pytest.raises(ValueError, match=message):
            read(path)
