"""Names of shapes in published collections, from the paths of their files."""

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from inr.hints import find_nearest, nearest, shorten

log = logging.getLogger(__name__)

# name of a collection to the ends of its files' paths
COLLECTIONS = {
    "shapenet": ("{class}/{id}/models/model_normalized", "{class}/{id}/model"),
    "modelnet": ("{class}/*/{class}_{id}",),
    "objaverse": ("glbs/*/{id}",),
}
# the classes of ShapeNet that most papers use
SHAPENET_CLASSES = {
    "airplane": "02691156",
    "bench": "02828884",
    "cabinet": "02933112",
    "car": "02958343",
    "chair": "03001627",
    "display": "03211117",
    "lamp": "03636649",
    "loudspeaker": "03691459",
    "rifle": "04090263",
    "sofa": "04256520",
    "table": "04379243",
    "telephone": "04401088",
    "watercraft": "04530566",
}
_FIELD = re.compile(r"\{([^{}]*)\}|(\*)")


@dataclass(frozen=True)
class Naming:
    """How files are named: by the fields of a pattern that the end of their path matches.

    Args:
        setting: name of a collection, or a pattern such as {class}/{id}/mesh: each {field} is the
            same text wherever it stands, and * any text; neither has a slash. The suffix may be
            left out.
    """

    setting: str

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return the patterns, of which the first that matches counts."""
        return COLLECTIONS.get(self.setting, (self.setting,))

    @property
    def has_class(self) -> bool:
        """Return whether files have a {class}."""
        return all("{class}" in pattern for pattern in self.patterns)

    @cached_property
    def _expressions(self) -> list[re.Pattern[str]]:
        return [_compile(pattern) for pattern in self.patterns]

    def fields(self, path: Path) -> Mapping[str, str] | None:
        """Return the fields of a file's path, in the order of the pattern; None if none matches."""
        for expression in self._expressions:
            for text in (path.with_suffix("").as_posix(), path.as_posix()):
                found = expression.fullmatch(text)
                if found is not None:
                    return found.groupdict()
        return None


def mistake_in(setting: str) -> str | None:
    """Return what is wrong with the setting of a `Naming`; None if it is right."""
    if setting in COLLECTIONS:
        return None
    fields = [name for name, star in _FIELD.findall(setting) if not star]
    is_text = not any(mark in _FIELD.sub("", setting) for mark in "{}")
    if fields and is_text and all(name.isidentifier() and name.isascii() for name in fields):
        return None
    near = find_nearest(setting, COLLECTIONS)
    hint = "" if near is None else f"; did you mean '{near}'?"
    known = ", ".join(COLLECTIONS)
    return f"it has to be one of {known}, or a pattern such as {{class}}/{{id}}/mesh{hint}"


def recognise(path: Path) -> str | None:
    """Return the collection whose files have such a path, if any."""
    return next((name for name in COLLECTIONS if Naming(name).fields(path) is not None), None)


def find_class(wanted: str, known: Mapping[str, int]) -> str:
    """Return the class of a collection that a user means, by its name there or in SHAPENET_CLASSES.

    Args:
        wanted: what the user gives.
        known: class to its number of shapes.

    Raises:
        ValueError: if there is none.
    """
    given = SHAPENET_CLASSES.get(wanted.lower(), wanted)
    for name in (wanted, given):
        if name in known:
            return name
    common = [name for name, number in SHAPENET_CLASSES.items() if number in known]
    also = "" if given == wanted else f" ({given})"
    raise ValueError(
        f"data.classes names '{wanted}'{also}, which is none of the {len(known)} classes there; "
        f"{nearest(wanted, [*known, *common], limit=8)}"
    )


def name_files(
    source: Path, paths: Sequence[Path], naming: Naming, classes: Sequence[str] | None
) -> dict[Path, str]:
    """Return file to shape name, of the files under a folder that match and are of some classes.

    Raises:
        ValueError: if none matches, or a class is not there.
    """
    whole = source.resolve()  # the end of its path may hold the class
    fields = {path: naming.fields(whole / path.relative_to(source)) for path in paths}
    named = {path: found for path, found in fields.items() if found is not None}
    odd = [path for path in paths if path not in named]
    if not named:
        raise ValueError(_no_match(whole, paths, naming))
    if odd:
        log.warning(
            "%d of %d files are not named as data.name=%s says, and are left out ('%s' first)",
            len(odd),
            len(paths),
            naming.setting,
            odd[0],
        )
    if classes is not None:
        known = Counter(found["class"] for found in named.values())
        kept = {find_class(word, known) for word in classes}
        counts = [f"{known[name]} {name}" for name in sorted(kept)]
        log.info("%d of %d classes: %s", len(kept), len(known), shorten(counts, 13))
        named = {path: found for path, found in named.items() if found["class"] in kept}
    return {path: "_".join(found.values()) for path, found in named.items()}


def _compile(pattern: str) -> re.Pattern[str]:
    """Return the expression of paths that end as a pattern says."""
    parts, end, seen = ["(?:.*/)?"], 0, set[str]()
    for found in _FIELD.finditer(pattern):
        parts.append(re.escape(pattern[end : found.start()]))
        name, end = found[1], found.end()
        if name is None:
            parts.append("[^/]*")
        elif name in seen:
            parts.append(f"(?P={name})")
        else:
            parts.append(f"(?P<{name}>[^/]+)")
            seen.add(name)
    return re.compile("".join([*parts, re.escape(pattern[end:])]), re.DOTALL)


def _no_match(source: Path, paths: Sequence[Path], naming: Naming) -> str:
    collection = next(filter(None, (recognise(path.resolve()) for path in paths)), None)
    hint = "" if collection is None else f"; data.name={collection} fits it"
    patterns = " or ".join(naming.patterns)
    return (
        f"none of {len(paths)} files under data.source={source} ends in {patterns}, as "
        f"data.name={naming.setting} says; the first is '{paths[0]}'{hint}"
        if paths
        else f"no file under data.source={source} has a name that can be read"
    )
