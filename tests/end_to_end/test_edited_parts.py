"""Parts of shapes edited from the command line."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from inr.data.layout import read_split
from inr.models.parts.poses import pose_dim
from inr.shapes.mesh import read_mesh
from tests.support.cli import inr, only_run
from tests.support.runs import layout_in

TURN = -pose_dim(3)
SCALE = slice(-4, -1)


def edited(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[np.ndarray]:
    """Run an edit and return the latents: before (of one or two shapes), and after."""
    operation = next(a for a in arguments if a.startswith("edit.operation=")).partition("=")[2]
    name = next(a for a in arguments if a.startswith("shape=")).partition("=")[2]
    assert inr(monkeypatch, "stage=edit", "run=latest", "eval.resolution=24", *arguments) == 0
    found = only_run(folder).glob(f"edits/*/{name}_{operation}_*")
    made = max(found, key=lambda path: path.stat().st_mtime_ns)
    latents = made / "latents"
    other = [a.partition("=")[2] for a in arguments if a.startswith("edit.other=")]
    names = [name] if operation == "interpolate" else [name, *other]
    after = sorted(p for p in latents.glob("*.npy") if p.stem not in names)
    for path in after:
        latent = np.load(path)
        for part in np.flatnonzero(latent[:, -1] == 0):
            assert not (made / "parts" / path.stem / f"part{part}.ply").exists()
    assert list(only_run(folder).glob(f"renders/edit_*_{name}_{operation}_*.png"))
    return [np.load(path) for path in [*(latents / f"{n}.npy" for n in names), *after]]


def names_of(folder: Path) -> tuple[str, str]:
    """Return a training shape and one that was reconstructed."""
    layout = layout_in(folder)
    return read_split(layout, "train")[0], read_split(layout, "test")[0]


def meshes_of(folder: Path, *names: str) -> list[dict[str, np.ndarray]]:
    """Return the vertices of the parts of each shape before the one edit and after it."""
    (made,) = only_run(folder).glob("edits/*/*/parts")
    edited = sorted(path.name for path in made.iterdir() if path.name not in names)
    pairs = [one for pair in zip(names, edited, strict=True) for one in pair]
    return [{p.name: read_mesh(p).vertices for p in (made / one).iterdir()} for one in pairs]


def rows_but(latent: np.ndarray, part: int) -> np.ndarray:
    return np.delete(latent, part, axis=0)


def test_moved_and_scaled(parts_copy, monkeypatch) -> None:
    name, _ = names_of(parts_copy)
    move = ("edit.operation=move", "edit.part=1", "edit.offset=[0,0.25,0]")
    before, after = edited(parts_copy, monkeypatch, f"shape={name}", *move)
    difference = after - before
    assert np.count_nonzero(np.abs(difference) > 1e-6) == 1
    assert difference[1].max() == pytest.approx(0.25)
    scale = ("edit.operation=scale", "edit.part=1", "edit.factor=[1,2,0.5]")
    before, after = edited(parts_copy, monkeypatch, f"shape={name}", *scale)
    np.testing.assert_allclose(after[1, SCALE], before[1, SCALE] * [1, 2, 0.5], rtol=1e-6)
    np.testing.assert_array_equal(rows_but(after, 1), rows_but(before, 1))


def test_removed(parts_copy, monkeypatch) -> None:
    _, name = names_of(parts_copy)
    remove = ("edit.operation=remove", "edit.part=0")
    before, after = edited(parts_copy, monkeypatch, f"shape={name}", *remove)
    assert before[0, -1] == 1 and after[0, -1] == 0
    was, now = meshes_of(parts_copy, name)
    assert "part0.ply" in was and was.keys() - now.keys() == {"part0.ply"}
    assert all(np.array_equal(now[part], was[part]) for part in now)
    np.testing.assert_array_equal(rows_but(after, 0), rows_but(before, 0))


def test_swapped_with_a_shape_that_was_reconstructed(parts_copy, monkeypatch) -> None:
    name, other = names_of(parts_copy)
    swap = (f"shape={name}", "edit.operation=swap", "edit.part=0", f"edit.other={other}")
    one, two, one_after, two_after = edited(parts_copy, monkeypatch, *swap)
    np.testing.assert_array_equal(one_after[0], two[0])
    np.testing.assert_array_equal(two_after[0], one[0])
    np.testing.assert_array_equal(rows_but(one_after, 0), rows_but(one, 0))
    np.testing.assert_array_equal(rows_but(two_after, 0), rows_but(two, 0))
    a, a_after, b, b_after = meshes_of(parts_copy, name, other)
    for before, after, given in ((a, a_after, b), (b, b_after, a)):
        assert np.array_equal(after["part0.ply"], given["part0.ply"])
        assert not np.array_equal(after["part0.ply"], before["part0.ply"])


@pytest.mark.parametrize("keep_pose", [True, False])
def test_replaced(parts_copy, monkeypatch, keep_pose) -> None:
    name, other = names_of(parts_copy)
    replace = ("edit.operation=replace", "edit.part=1", f"edit.other={other}")
    keep = f"edit.keep_pose={keep_pose}"
    before, there, after = edited(parts_copy, monkeypatch, f"shape={name}", *replace, keep)
    np.testing.assert_array_equal(after[1, :TURN], there[1, :TURN])
    np.testing.assert_array_equal(after[1, TURN:], (before if keep_pose else there)[1, TURN:])
    np.testing.assert_array_equal(rows_but(after, 1), rows_but(before, 1))
    # kept in place or not are two edits
    again = ("stage=edit", "run=latest", "eval.resolution=24", f"shape={name}", *replace)
    assert inr(monkeypatch, *again, f"edit.keep_pose={not keep_pose}") == 0


def test_interpolated_and_done_again(parts_copy, monkeypatch, capsys) -> None:
    name, other = names_of(parts_copy)
    way = (f"shape={name}", "edit.operation=interpolate", "edit.part=1", f"edit.other={other}")
    before, *between = edited(parts_copy, monkeypatch, *way, "edit.steps=3")
    assert len(between) == 3
    np.testing.assert_allclose(between[0], before, atol=1e-6)
    middle = torch.from_numpy(between[1])
    assert not torch.allclose(middle[1], torch.from_numpy(before[1]))
    np.testing.assert_array_equal(rows_but(between[2], 1), rows_but(before, 1))
    capsys.readouterr()
    assert inr(monkeypatch, "stage=edit", "run=latest", *way, "edit.steps=3") == 2
    assert "overwrite=true" in capsys.readouterr().err
    _, *again = edited(parts_copy, monkeypatch, *way, "edit.steps=3", "overwrite=true")
    np.testing.assert_array_equal(again, between)
    _, *fewer = edited(parts_copy, monkeypatch, *way, "edit.steps=2")  # another, beside it
    assert len(fewer) == 2


WRONG = {
    ("edit.operation=swap",): "needs edit.other",
    ("edit.operation=swap", "edit.other=chair_9"): "did you mean 'chair_",
    ("edit.operation=swap", "edit.other=7"): "\"edit.other='7'\"",
    ("edit.operation=remove", "edit.offset=[0,1,0]"): "takes no edit.offset",
    ("edit.operation=remove", "edit.keep_pose=true"): "goes with edit.operation=replace",
    ("edit.operation=remove", "edit.part=8"): "there is no part 8",
    ("edit.operation=scale", "edit.factor=-1.0"): "above 0",
    ("edit.operation=scale", "edit.factor=big"): "edit.factor is big",
    ("edit.operation=scale", "edit.factor=[1,inf,1]"): "it has to be finite",
    ("edit.operation=move", "edit.offset=[nan,0,0]"): "edit.offset' is [nan",
    ("edit.operation=move", "edit.offset=[0,1]"): "offset has shape (2,)",
}


def test_what_leaves_the_box_is_said(parts_copy, monkeypatch, capsys) -> None:
    name, _ = names_of(parts_copy)
    move = ("edit.operation=move", "edit.part=1", "edit.offset=[0,50,0]")
    edited(parts_copy, monkeypatch, f"shape={name}", *move)
    said = r"part 1 (has no surface in|is cut off at) the box \[-1, 1\]"
    assert len(re.findall(said, capsys.readouterr().err)) == 1


def test_shapes_that_are_not_there_or_cannot_be_read(parts_copy, monkeypatch, capsys) -> None:
    name, other = names_of(parts_copy)
    (unseen,) = read_split(layout_in(parts_copy), "valid")
    remove = ("stage=edit", "run=latest", "edit.operation=remove", "edit.part=0")
    assert inr(monkeypatch, *remove, f"shape={unseen}") == 2
    assert f"'{unseen}' is in the valid split and not reconstructed yet" in capsys.readouterr().err
    swap = ("stage=edit", "run=latest", f"shape={name}", "edit.operation=swap")
    assert inr(monkeypatch, *swap, f"edit.other={name}") == 2
    assert "is the edited shape itself" in capsys.readouterr().err
    (path,) = only_run(parts_copy).glob(f"reconstruction/*/test/latents/{other}.npy")
    np.save(path, np.zeros(4, dtype=np.float32))
    assert inr(monkeypatch, *remove, f"shape={other}") == 2
    assert f"the latent of '{other}'" in capsys.readouterr().err
    path.write_text("no numbers")
    assert inr(monkeypatch, *remove, f"shape={other}") == 2
    assert "it is not a .npy file of numbers" in capsys.readouterr().err
    path.write_bytes(b"")
    assert inr(monkeypatch, *remove, f"shape={other}") == 2
    assert "cannot read the latent 'outputs" in capsys.readouterr().err


def test_what_is_refused(parts_copy, monkeypatch, capsys) -> None:
    name, _ = names_of(parts_copy)
    for arguments, said in WRONG.items():
        assert inr(monkeypatch, "stage=edit", "run=latest", f"shape={name}", *arguments) == 2
        assert said in capsys.readouterr().err, arguments
    assert not list(only_run(parts_copy).glob("edits/*/*"))
