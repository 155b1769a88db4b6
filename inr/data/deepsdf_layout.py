"""Read data sets in the layout of the original DeepSDF code (Park et al., CVPR 2019)."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from inr.data.layout import Layout
from inr.files import open_arrays
from inr.shapes.normalize import Normalization

SAMPLES, SURFACES, TRANSFORMS = "SdfSamples", "SurfaceSamples", "NormalizationParameters"


@dataclass(frozen=True)
class DeepSDFLayout(Layout):
    """Paths of the files of a data set made with the original DeepSDF code.

    SdfSamples/<dataset>/<class>/<name>.npz, SurfaceSamples/.../<name>.ply (points in the native
    frame) and NormalizationParameters/.../<name>.npz; the shape's name is <dataset>_<class>_<name>.
    Files that DeepSDF does not have are where Layout puts them.

    Args:
        root: folder of the data set.
        fold: see Layout.
    """

    @cached_property
    def stems(self) -> dict[str, Path]:
        """Return shape name to <dataset>/<class>/<name>, of the shapes with samples.

        Raises:
            ValueError: if two shapes would have the same name.
        """
        found: dict[str, Path] = {}
        for path in sorted((self.root / SAMPLES).glob("*/*/*.npz")):
            if path.name.startswith("."):
                continue
            stem = path.relative_to(self.root / SAMPLES).with_suffix("")
            name = "_".join(stem.parts)
            if name in found:
                raise ValueError(
                    f"'{path}' and '{found[name]}' would both be named '{name}'; rename one of them"
                )
            found[name] = stem
        return found

    def _path(self, folder: str, name: str, suffix: str) -> Path:
        stem = self.stems.get(name, Path(name))
        return self.root / folder / stem.with_name(stem.name + suffix)

    def normalization(self, name: str) -> Path:
        """Return the file of the native-to-box transform: offset and scale."""
        return self._path(TRANSFORMS, name, ".npz")

    def samples(self, name: str) -> Path:
        """Return the file of signed distances: arrays pos and neg, (n, D + 1)."""
        return self._path(SAMPLES, name, ".npz")

    def surface(self, name: str) -> Path:
        """Return the file of surface points, in the native frame."""
        return self._path(SURFACES, name, ".ply")

    def split(self, split: str) -> Path:
        """Return the file with the names of a split, splits/<split>.json.

        If it does not exist and exactly one file there ends in _<split>.json, as DeepSDF's do
        (sv2_chairs_train.json), that one is returned.
        """
        path = super().split(split)
        if not path.exists():
            others = list(path.parent.glob(f"*_{split}.json"))
            if len(others) == 1:
                return others[0]
        return path

    def names(self) -> list[str]:
        """Return the names of the shapes with samples, sorted."""
        return sorted(self.stems)


def open_layout(root: Path, fold: str | None) -> Layout:
    """Return a data set's layout: DeepSDF's if its folder holds SdfSamples."""
    is_deepsdf = (root / SAMPLES).is_dir()
    return DeepSDFLayout(root, fold) if is_deepsdf else Layout(root, fold)


def read_normalization(path: Path) -> Normalization:
    """Read the native-to-box transform of either layout.

    DeepSDF's files hold offset and scale: x' = (x + offset) scale.

    Raises:
        ValueError: if the file cannot be read, or is of neither layout.
    """
    try:
        with open_arrays(path) as file:
            if "offset" not in file or "scale" not in file:
                return Normalization.load(path)
            offset = np.asarray(file["offset"], dtype=np.float64).reshape(-1)
            scale = float(np.asarray(file["scale"]).reshape(()))
        return Normalization(offset, np.eye(len(offset)), scale)
    # a truncated archive raises zipfile's own error, which is not an OSError
    except Exception as error:
        raise ValueError(
            f"cannot read '{path}' as a normalization: {error}; eval.frame=box does not need it"
        ) from error
