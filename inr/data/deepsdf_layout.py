"""The layout of the original DeepSDF (Park et al., CVPR 2019), read in place."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from inr.data.layout import Layout
from inr.files import numbers_in
from inr.shapes.normalize import Normalization

SAMPLES, SURFACES, TRANSFORMS = "SdfSamples", "SurfaceSamples", "NormalizationParameters"


@dataclass(frozen=True)
class DeepSDFLayout(Layout):
    """Paths of the files of a data set that DeepSDF's own code made.

    They are SdfSamples/<dataset>/<class>/<name>.npz, SurfaceSamples/.../<name>.ply (points in the
    native frame) and NormalizationParameters/.../<name>.npz; the shape is named
    <dataset>_<class>_<name>. Files that DeepSDF does not have are where Layout has them.

    Args:
        root: the data set's folder.
        fold: see Layout.
    """

    @cached_property
    def stems(self) -> dict[str, Path]:
        """Return the path <dataset>/<class>/<name> of each shape that has samples, by its name.

        Raises:
            ValueError: if two shapes would have one name.
        """
        found: dict[str, Path] = {}
        for path in sorted((self.root / SAMPLES).glob("*/*/*.npz")):
            if path.name.startswith("."):
                continue
            stem = path.relative_to(self.root / SAMPLES).with_suffix("")
            name = "_".join(stem.parts)
            if name in found:
                raise ValueError(
                    f"'{path}' would be named '{name}', as '{found[name]}' is; rename one of them"
                )
            found[name] = stem
        return found

    def _path(self, folder: str, name: str, suffix: str) -> Path:
        stem = self.stems.get(name, Path(name))
        return self.root / folder / stem.with_name(stem.name + suffix)

    def normalization(self, name: str) -> Path:
        """Return the file of the transform from the native to the box frame; offset and scale."""
        return self._path(TRANSFORMS, name, ".npz")

    def samples(self, name: str) -> Path:
        """Return the file of signed distances: arrays pos and neg, (n, D + 1)."""
        return self._path(SAMPLES, name, ".npz")

    def surface(self, name: str) -> Path:
        """Return the file of surface points, in the native frame."""
        return self._path(SURFACES, name, ".ply")

    def split(self, split: str) -> Path:
        """Return the list of names of a split, splits/<split>.json.

        Where there is none, it is the one file there that ends in _<split>.json, as DeepSDF's do
        (sv2_chairs_train.json).
        """
        path = super().split(split)
        if not path.exists():
            others = list(path.parent.glob(f"*_{split}.json"))
            if len(others) == 1:
                return others[0]
        return path

    def names(self) -> list[str]:
        """Return the shapes that have samples, sorted."""
        return sorted(self.stems)


def open_layout(root: Path, fold: str | None) -> Layout:
    """Return a data set's layout: DeepSDF's where its folder holds SdfSamples."""
    is_deepsdf = (root / SAMPLES).is_dir()
    return DeepSDFLayout(root, fold) if is_deepsdf else Layout(root, fold)


def read_normalization(path: Path) -> Normalization:
    """Read a transform from the native to the box frame, of either layout.

    DeepSDF's files hold offset and scale: x' = (x + offset) scale.

    Raises:
        ValueError: if the file cannot be read, or holds neither form.
    """
    try:
        with numbers_in(path) as file:
            if "offset" not in file or "scale" not in file:
                return Normalization.load(path)
            offset = np.asarray(file["offset"], dtype=np.float64).reshape(-1)
            scale = float(np.asarray(file["scale"]).reshape(()))
        return Normalization(offset, np.eye(len(offset)), scale)
    # a truncated archive raises zipfile's own error, which is no OSError
    except Exception as error:
        raise ValueError(
            f"cannot read '{path}' as a normalization: {error}; eval.frame=box does without"
        ) from error
