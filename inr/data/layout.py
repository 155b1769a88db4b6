"""Paths of the files of a data set, in the layout of base-inr and PartSDF."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inr.data.names.lists import read_names
from inr.files import replacing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layout:
    """Paths of the files of a data set.

    Args:
        root: folder of the data set.
        fold: fold whose splits are used, such as `2_of_5`; None without folds.
        lists: (split, path) of each split for which the user gives a list of names.
    """

    root: Path
    fold: str | None = None
    lists: tuple[tuple[str, str], ...] = ()

    def mesh(self, name: str) -> Path:
        """Return the normalised mesh of a shape, of any suffix; .ply if none exists."""
        for suffix in (".obj", ".ply", ".npz"):
            path = self.root / "meshes" / f"{name}{suffix}"
            if path.exists():
                return path
        return self.root / "meshes" / f"{name}.ply"

    def given_mesh(self, name: str, suffix: str) -> Path:
        """Return the mesh of a soup as it came, normalised; its solid is in `mesh`."""
        return self.root / "meshes_given" / f"{name}{suffix}"

    def visible_mesh(self, name: str, suffix: str) -> Path:
        """Return the faces of a soup that can be seen from outside, normalised."""
        return self.root / "meshes_visible" / f"{name}{suffix}"

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
        """Return the file of unsigned distances to a point cloud: array all, (n, D + 1)."""
        return self.root / "samples" / name / "unsigned.npz"

    def sample_attribute(self, name: str, attribute: str) -> Path:
        """Return the file of a user-defined attribute: see inr.data.batch.SampleAttribute."""
        return self.root / "samples" / name / f"{attribute}.npz"

    def surface(self, name: str) -> Path:
        """Return the file of surface points and outward normals: array all, (k, 2 D).

        For a cloud without normals it is (k, D). Some data sets have a plain array, surface.npy.
        """
        bare = self.root / "samples" / name / "surface.npy"
        return bare if bare.exists() else bare.with_suffix(".npz")

    def part_meshes(self, name: str) -> Path:
        """Return the folder of the meshes of a shape's parts, part<i>.<suffix>."""
        return self.root / "parts" / "meshes" / name

    def labels(self, name: str) -> Path:
        """Return the file of each sample's part: arrays pos (n,) and neg (m,), as the samples."""
        return self.root / "parts" / "sample_labels" / name / "deepsdf.npz"

    def uniform_labels(self, name: str) -> Path:
        """Return the file of the uniform samples' parts, arrays pos and neg."""
        return self.labels(name).with_name("uniform.npz")

    def poses(self, name: str) -> Path:
        """Return the folder of the parts' poses."""
        return self.root / "parts" / "parameters" / name

    def primitives(self, name: str) -> Path:
        """Return the folder of the cuboids or cylinders that the poses describe."""
        return self.root / "parts" / "primitives" / name

    def is_ready(self, name: str) -> bool:
        """Return whether a shape has samples, which prepare writes last."""
        return self.samples(name).exists() or self.unsigned(name).exists()

    def split(self, split: str) -> Path:
        """Return the file with the names of a split."""
        given = dict(self.lists).get(split)
        if given is not None:
            return Path(given)
        folder = self.root / "splits"
        return (folder / f"fold_{self.fold}" if self.fold else folder) / f"{split}.json"

    @property
    def manifest(self) -> Path:
        """Return the file of the settings and the results of prepare."""
        return self.root / "manifest.json"

    def names(self) -> list[str]:
        """Return the names of the shapes with samples, sorted."""
        found = (self.root / "samples").glob("*")
        return sorted(path.name for path in found if self.is_ready(path.name))


def read_split(layout: Layout, split: str) -> list[str]:
    """Return the names in a split.

    Raises:
        ValueError: if the file is missing, empty or not a list of names, or a name is repeated, is
            a path, or has no samples.
    """
    path = layout.split(split)
    prepare = f"run stage=prepare with data.root={layout.root}"
    if not path.exists():
        others = sorted(path.parent.glob(f"*_{split}.json"))
        if others:
            raise ValueError(
                f"the data set '{layout.root}' has several {split} splits: name one, for example "
                f"data.splits.{split}={others[0]}"
            )
        raise ValueError(f"the data set '{layout.root}' has no split '{split}' ({path}); {prepare}")
    if path.suffix == ".json" and read_json(path) == []:
        raise ValueError(
            f"split '{split}' of '{layout.root}' is empty; add names to {path}, or choose sizes "
            f"with data.splits.{split}=<count or fraction> when preparing"
        )
    names = read_names(path)
    for name in names:
        if not layout.is_ready(name):
            raise ValueError(
                f"split '{split}' has no sample file for '{name}'; {prepare}, or correct {path}"
            )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"split '{split}' names '{min(twice)}' more than once ({path})")
    return names


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        ValueError: if it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"'{path}' is not valid JSON: {error}") from error


def read_manifest(layout: Layout) -> dict[str, Any]:
    """Return the content of the manifest of a data set.

    Raises:
        ValueError: if it is not of the form that prepare writes.
    """
    manifest = read_json(layout.manifest)
    if isinstance(manifest, dict):
        settings, shapes = manifest.get("settings", {}), manifest.get("shapes", {})
        sections = [settings, shapes, isinstance(settings, dict) and settings.get("sampling", {})]
        if all(isinstance(section, dict) for section in sections) and all(
            isinstance(entry, dict) and isinstance(entry.get("status"), str)
            for entry in shapes.values()
        ):
            return manifest
    raise ValueError(
        f"'{layout.manifest}' is not as stage=prepare writes it; restore it, or prepare another "
        "data.root"
    )


def write_json(content: Any, path: Path) -> None:
    """Write strict JSON atomically."""
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_npz(path: Path, **arrays: NDArray[Any]) -> None:
    """Write uncompressed arrays atomically."""
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def read_trained_split(layout: Layout, split: str, trained: Sequence[str]) -> list[str]:
    """Return the names in a split; of the training split, only those with a trained latent.

    Args:
        layout: the data set.
        split: name of the split.
        trained: shapes that the run has latents of.

    Raises:
        ValueError: see `inr.data.layout.read_split`.
    """
    names = read_split(layout, split)
    known = set(trained)
    kept = [name for name in names if name in known]
    # with nothing left, the missing latent is reported where it is looked up
    if split != "train" or not kept or len(kept) == len(names) == len(known):
        return names
    log.info(
        "the training split has changed since the run started: %d shapes were added, %d removed; "
        "the run uses the %d that it has latents of",
        len(names) - len(kept),
        len(known) - len(kept),
        len(kept),
    )
    return kept
