"""Where a data set keeps what: the layout that base-inr and PartSDF share."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inr.shapes.files import replacing
from inr.shapes.mesh import Floats


@dataclass(frozen=True)
class Layout:
    """Name the files of a data set.

    Args:
        root: the data set's folder.
    """

    root: Path

    def mesh(self, name: str) -> Path:
        """Return the normalised mesh of a shape, whichever suffix it has; .ply if none exists."""
        for suffix in (".obj", ".ply", ".npz"):
            path = self.root / "meshes" / f"{name}{suffix}"
            if path.exists():
                return path
        return self.root / "meshes" / f"{name}.ply"

    def normalization(self, name: str) -> Path:
        """Return the file of the transform from the native to the box frame."""
        return self.root / "normalization" / f"{name}.npz"

    def samples(self, name: str) -> Path:
        """Return the file of signed distances: arrays pos and neg, (n, D + 1)."""
        return self.root / "samples" / name / "deepsdf.npz"

    def uniform(self, name: str) -> Path:
        """Return the file of the uniform samples, arrays pos and neg."""
        return self.root / "samples" / name / "uniform.npz"

    def unsigned(self, name: str) -> Path:
        """Return the file of distances to a point cloud, which have no sign: array all."""
        return self.root / "samples" / name / "unsigned.npz"

    def surface(self, name: str) -> Path:
        """Return the file of surface points and outward normals: array all, (k, 2 D).

        Of a cloud without normals it is (k, D). Some data sets hold the bare array, surface.npy.
        """
        bare = self.root / "samples" / name / "surface.npy"
        return bare if bare.exists() else bare.with_suffix(".npz")

    def is_ready(self, name: str) -> bool:
        """Return whether a shape has samples; they are what prepare writes last."""
        return self.samples(name).exists() or self.unsigned(name).exists()

    def split(self, split: str) -> Path:
        """Return the list of names of a split."""
        return self.root / "splits" / f"{split}.json"

    @property
    def manifest(self) -> Path:
        """Return the file that says what prepare did."""
        return self.root / "manifest.json"

    def names(self) -> list[str]:
        """Return the shapes that have samples, sorted."""
        found = (self.root / "samples").glob("*")
        return sorted(path.name for path in found if self.is_ready(path.name))


def read_split(layout: Layout, split: str) -> list[str]:
    """Return the names in a split.

    Raises:
        ValueError: if there is no such file, it is no list of names, is empty, leads out of the
            data set, or names a shape that has no samples.
    """
    path = layout.split(split)
    prepare = f"run stage=prepare with data.root={layout.root}"
    if not path.exists():
        raise ValueError(f"the data set '{layout.root}' has no split '{split}' ({path}); {prepare}")
    names = read_json(path)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"'{path}' has to be a list of shape names")
    if not names:
        raise ValueError(
            f"split '{split}' of '{layout.root}' is empty; add names to {path}, or choose sizes "
            f"with data.splits.{split}=<count or share> when preparing"
        )
    for name in names:
        if name in ("", ".", "..") or "/" in name or "\\" in name:
            raise ValueError(f"split '{split}' names '{name}', which is no shape name ({path})")
        if not layout.is_ready(name):
            raise ValueError(
                f"split '{split}' has no sample file for '{name}'; {prepare}, or mend {path}"
            )
    duplicates = {name for name in names if names.count(name) > 1}
    if duplicates:
        raise ValueError(f"split '{split}' names '{min(duplicates)}' more than once ({path})")
    return names


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        ValueError: if it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"'{path}' is not valid JSON: {error}") from error


def write_json(content: Any, path: Path) -> None:
    """Write strict JSON; the file appears whole or not at all."""
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_npz(path: Path, **arrays: Floats) -> None:
    """Write uncompressed arrays; the file appears whole or not at all."""
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def make_splits(
    names: Sequence[str], sizes: dict[str, int | float], seed: int
) -> dict[str, list[str]]:
    """Deal names to splits at random.

    Args:
        names: the shapes, in any order.
        sizes: split to a whole number of shapes or to a share of them.
        seed: of the shuffle; the same names and seed give the same splits.

    Raises:
        ValueError: if a size is negative, or they ask for more shapes than there are.
    """
    for split, size in sizes.items():
        if size < 0 or (isinstance(size, float) and size > 1):
            raise ValueError(
                f"data.splits.{split} is {size}; it has to be a count, or a share from 0.0 to 1.0"
            )
    order = [sorted(names)[i] for i in np.random.default_rng(seed).permutation(len(names))]
    shares = {split: size for split, size in sizes.items() if isinstance(size, float)}
    total = sum(shares.values())
    if total > 1 + 1e-9:
        raise ValueError(f"the shares in data.splits add up to {total:g}; at most 1")
    counts = {s: size if isinstance(size, int) else 0 for s, size in sizes.items()}
    # each share ends where the running sum rounds to, so that shares of 1 use every shape
    running, dealt = 0.0, 0
    for split, share in shares.items():
        running += share
        counts[split] = round(running * len(order)) - dealt
        dealt += counts[split]
    if sum(counts.values()) > len(order):
        parts = " + ".join(f"{count} {split}" for split, count in counts.items())
        raise ValueError(f"data.splits asks for {parts} shapes; there are {len(order)}")
    splits, start = {}, 0
    for split, count in counts.items():
        splits[split] = sorted(order[start : start + count])
        start += count
    return splits
