"""Find the part files of the user's own shapes."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inr.data.journal import JournalEntry
from inr.data.parts.read import part_number
from inr.data.sources import fingerprint, has_changed, is_hidden, shape_name

log = logging.getLogger(__name__)

# name of the folder of poses in parts
POSES = "parameters"


@dataclass(frozen=True)
class PartFiles:
    """Files of one shape's parts.

    Args:
        meshes: part number to mesh file, of the parts that the shape has.
        poses: folder of their poses; None if the poses are to be fitted.
        num_parts: P, number of parts of the data set, refused shapes not counted.
    """

    meshes: Mapping[int, Path]
    poses: Path | None
    num_parts: int

    def fingerprints(self) -> dict[str, JournalEntry]:
        """Return file name to fingerprint."""
        return {path.name: fingerprint(path) for path in self._files()}

    def have_changed(self, record: JournalEntry) -> bool:
        """Return whether the files have changed since a record was made."""
        before, files = record.get("parts", {}), self._files()
        if {path.name for path in files} != set(before):
            return True
        return any(has_changed(path, before[path.name]) for path in files)

    def _files(self) -> list[Path]:
        poses = [] if self.poses is None else sorted(self.poses.glob("*.npy"))
        return [*self.meshes.values(), *poses]


def part_folder(source: Path, suffixes: Sequence[str]) -> Path | None:
    """Return the folder of a source that holds <name>/part<i>; None if it has no parts.

    Args:
        source: folder of the shapes. Parts are in its parts/meshes if that has any mesh <name>/*,
            else in its parts if that has a mesh <name>/part<i>.
        suffixes: mesh suffixes that can be read.
    """
    folder = source / "parts" / "meshes"
    if next(_mesh_paths(folder, suffixes), None) is not None:
        return folder
    folder = source / "parts"
    numbers = map(part_number, _mesh_paths(folder, suffixes))
    return None if all(number is None for number in numbers) else folder


def find_part_files(
    source: Path, names: Sequence[str], suffixes: Sequence[str]
) -> tuple[dict[str, PartFiles], dict[str, str]]:
    """Return shape to its part files, and refused shape to reason.

    Args:
        source: folder of the shapes.
        names: the shapes.
        suffixes: mesh suffixes that can be read.

    Returns:
        Two dicts, empty if the source has no parts at all. Poses are read from parts/parameters,
        at the relative path of the shape's part meshes; for other shapes they are to be fitted.
    """
    folder = part_folder(source, suffixes)
    if folder is None:
        return {}, {}
    meshes: dict[str, dict[int, Path]] = {}
    places: dict[str, Path] = {}
    refused: dict[str, str] = {}
    for path in sorted(_mesh_paths(folder, suffixes)):
        # named as the whole shape is; shape_name removes a suffix, so one is added
        above = path.parent.relative_to(folder)
        name, number = shape_name(above.with_name(above.name + ".x")), part_number(path)
        of_shape = meshes.setdefault(name, {})
        if places.setdefault(name, above) != above:
            refused[name] = f"'{folder / above}' and '{folder / places[name]}' both hold its parts"
        if number is None:
            refused.setdefault(
                name,
                f"'{path}' is not named as a part: call it part<i>{path.suffix}, i the number of "
                "the part, from 0 and the same in all shapes, or move it elsewhere",
            )
            continue
        if number in of_shape:
            refused[name] = f"'{path}' and '{of_shape[number]}' are both its part {number}"
        of_shape[number] = path
    for name in sorted(set(names) - meshes.keys()):
        refused[name] = f"it has no parts: '{folder / name}' has no part<i> that can be read"
    for name in sorted(meshes.keys() - set(names)):
        refused[name] = f"it has parts ('{folder / places[name]}') but no mesh of the whole shape"
    poses = source / "parts" / POSES
    _warn_of_poses(poses, places)
    names = [name for name in names if name not in refused]
    num_parts = max((max(meshes[name]) + 1 for name in names), default=0)
    given = {name: poses / places[name] for name in names if (poses / places[name]).is_dir()}
    found = {name: PartFiles(meshes[name], given.get(name), num_parts) for name in names}
    fitted = [name for name in names if name not in given]
    if given and fitted:
        log.info(
            "poses of %d shapes are given; those of the other %d are fitted (%s first)",
            len(given),
            len(fitted),
            fitted[0],
        )
    return found, refused


def _warn_of_poses(poses: Path, places: Mapping[str, Path]) -> None:
    """Warn about folders of poses that belong to no shape with parts."""
    known = {poses / place for place in places.values()}
    strange = sorted({path.parent for path in poses.rglob("*.npy")} - known)
    if strange:
        log.warning(
            "%d folders of poses belong to no shape with parts, '%s' first; name them as the "
            "folders of the parts' meshes",
            len(strange),
            strange[0],
        )


def _mesh_paths(folder: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    """Yield all meshes in the folders of shapes, whatever their names."""
    for path in folder.glob("*/**/*"):
        relative = path.relative_to(folder)
        if path.suffix.lower() not in suffixes or is_hidden(relative):
            continue
        # skip parts/parameters, beside the shapes: its .npy files would pass for outlines
        if path.is_file() and relative.parts[0] != POSES:
            yield path
