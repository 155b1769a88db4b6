"""The split files of a data set: assigned once, and extended when shapes are added."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inr.data.additions import add_to_folds, add_to_splits
from inr.data.duplicates import find_copies
from inr.data.journal import JournalEntry, file_lock, ready_names
from inr.data.layout import Layout, read_json, read_manifest, write_json
from inr.data.names.lists import find_lists, read_names
from inr.data.settings import FOLDER, SPLITS, Data
from inr.data.sources import fingerprint
from inr.data.splits import Copies, make_splits
from inr.hints import shorten
from inr.runs.dataset import split_sizes
from inr.stages.prepare.locate import assign_splits, resolve_sizes
from inr.stages.prepare.manifest import check_assigned

log = logging.getLogger(__name__)


def asked_splits(data: Data) -> dict[str, object]:
    """Return the settings that the splits depend on."""
    sizes = split_sizes(data)
    # with a digest of each list of names, to notice that it was edited
    lists = [size for size in sizes.values() if isinstance(size, str)]
    paths = [path for size in lists if size != FOLDER for path in find_lists(size)]
    return {**sizes, "seed": data.seed, **{p: fingerprint(Path(p))["digest"] for p in paths}}


def assign_all(data: Data, layout: Layout) -> None:
    """Write the splits of a data set, or add new shapes to existing splits and folds.

    Raises:
        ValueError: if there are too few shapes, or the splits were assigned with other settings.
    """
    unfolded = replace(layout, fold=None)
    manifest = read_manifest(layout)
    ready = ready_names(layout)
    files = {name: Path(manifest["shapes"][name].get("source", "")) for name in ready}
    copies = copies_in(manifest)
    asked = asked_splits(data)
    if unfolded.split("train").exists():
        check_assigned(unfolded, manifest, asked)
        new = set(ready) - set(manifest.get("dealt", ready))
        if new and manifest.get("splits") is not None:  # else the user wrote the split files
            _add(data, unfolded, sorted(new), files, copies)
            write_json({**manifest, "dealt": ready}, layout.manifest)
        warn_unassigned(data, unfolded, ready, new)
    else:
        try:
            splits = make_splits(ready, resolve_sizes(data, files), data.seed, copies)
        except ValueError as error:
            raise ValueError(f"{error} that could be prepared") from error
        write_json({**manifest, "splits": asked, "dealt": ready}, layout.manifest)
        for split, names in reversed(
            splits.items()
        ):  # train last: its file marks the data set as prepared
            write_json(names, unfolded.split(split))
        log.info("splits: %s", ", ".join(f"{len(n)} {split}" for split, n in splits.items()))
        if copies:
            shown = shorten([" = ".join(group) for group in copies], separator="; ")
            log.info("%d shapes have copies: %s", len(copies), shown)
    for done in sorted(unfolded.split("train").parent.glob("folds_of_*.json")):
        _add_to_folds(unfolded, done, ready, copies)


def assign_folds(data: Data, layout: Layout) -> None:
    """Write the splits of every fold, if folds are asked for and do not exist yet.

    Raises:
        ValueError: if there are too few shapes, existing folds were assigned with other settings,
            or the files cannot be written.
    """
    if layout.fold is None:
        return
    names, folds = ready_names(layout), data.splits.folds
    copies = copies_in(read_manifest(layout)) if layout.manifest.exists() else ()
    asked = {"names": names, "valid": data.splits.valid, "seed": data.seed}
    done = layout.root / "splits" / f"folds_of_{folds}.json"
    if not done.exists():
        try:
            with file_lock(layout.root / ".lock"):
                for fold in range(folds or 0):
                    one = replace(data, splits=replace(data.splits, fold=fold))
                    assigned = assign_splits(one, dict.fromkeys(names), copies)
                    for split, members in assigned.items():
                        write_json(members, replace(layout, fold=f"{fold}_of_{folds}").split(split))
                write_json(asked, done)
            log.info("assigned %d shapes to %d folds, %s/fold_*", len(names), folds, done.parent)
        except OSError as error:
            raise ValueError(f"cannot write the folds of '{layout.root}': {error}") from error
    elif read_json(done) != asked:
        raise ValueError(
            f"the {folds} folds of '{layout.root}' were assigned from other shapes, or with "
            "another data.seed or data.splits.valid; run stage=prepare to add new shapes, or "
            f"delete {done} to assign all shapes anew"
        )


def warn_of_duplicates(layout: Layout) -> None:
    """Warn of near duplicates in different splits."""
    pairs = read_manifest(layout).get("near_duplicates", [])
    paths = {split: layout.split(split) for split in SPLITS}
    of = {n: split for split, path in paths.items() if path.exists() for n in read_json(path)}
    across = [(a, b) for a, b in pairs if a in of and b in of and of[a] != of[b]]
    if across:
        shown = shorten([f"{a} ({of[a]}) = {b} ({of[b]})" for a, b in across])
        log.warning(
            "%d pairs of near duplicates are in different splits: %s; see near_duplicates in "
            "manifest.json; keep one of each pair, or list both in one split",
            len(across),
            shown,
        )


def copies_in(manifest: Mapping[str, Any]) -> Copies:
    """Return the groups of shapes in a manifest that are copies of one shape."""
    shapes: Mapping[str, JournalEntry] = manifest.get("shapes", {})
    ready = {name: record for name, record in shapes.items() if record["status"] == "ok"}
    return find_copies(ready, manifest.get("near_duplicates", []))


def _add(
    data: Data, layout: Layout, new: Sequence[str], files: Mapping[str, Path], copies: Copies
) -> None:
    """Assign new shapes to the existing splits; `files` are of all shapes."""
    splits = {split: _names(layout, split) for split in SPLITS}
    added = add_to_splits(
        splits,
        new,
        names=list(files),
        sizes=resolve_sizes(data, files),
        seed=data.seed,
        copies=copies,
    )
    _append(layout, splits, added)
    if any(added.values()):
        log.info(
            "added to the splits: %s; no shape has changed its split, and existing runs keep "
            "their shapes",
            _counts(added),
        )


def _add_to_folds(layout: Layout, done: Path, ready: Sequence[str], copies: Copies) -> None:
    """Assign new shapes to existing folds."""
    asked = read_json(done)
    new = sorted(set(ready) - set(asked["names"]))
    if not new:
        return
    number = int(done.stem.rpartition("_")[2])
    layouts = [replace(layout, fold=f"{fold}_of_{number}") for fold in range(number)]
    folds = [{split: _names(one, split) for split in SPLITS} for one in layouts]
    added = add_to_folds(
        folds, new, names=ready, valid=asked["valid"], seed=asked["seed"], copies=copies
    )
    for one, splits, more in zip(layouts, folds, added, strict=True):
        _append(one, splits, more)
    write_json({**asked, "names": sorted({*asked["names"], *ready})}, done)
    log.info("added %d shapes to each of the %d folds", len(new), number)


def _append(
    layout: Layout, splits: Mapping[str, list[str]], added: Mapping[str, list[str]]
) -> None:
    """Append names to the split files, keeping the order of the existing ones."""
    for split in reversed(SPLITS):
        if added[split]:
            write_json([*splits[split], *added[split]], layout.split(split))


def _names(layout: Layout, split: str) -> list[str]:
    path = layout.split(split)
    return read_names(path) if path.exists() and read_json(path) != [] else []


def _counts(splits: Mapping[str, Sequence[str]]) -> str:
    parts = []
    for split, names in splits.items():
        shown = f" ({shorten(names)})" if names else ""
        parts.append(f"{len(names)} {split}{shown}")
    return ", ".join(parts)


def warn_unassigned(data: Data, layout: Layout, ready: Sequence[str], new: set[str]) -> None:
    """Warn of shapes that are in no split, or in several."""
    listed = [name for split in SPLITS for name in _names(layout, split)]
    twice = sorted(name for name, count in Counter(listed).items() if count > 1)
    if twice:
        log.warning("%d shapes are in several splits (%s first)", len(twice), twice[0])
    left_out = sorted(set(ready) - set(listed))
    if not left_out:
        return
    late, why = new & set(left_out), ""
    if late:
        sizes = ", ".join(f"{split}={size}" for split, size in split_sizes(data).items())
        why = f", {len(late)} of them new: data.splits ({sizes}) has no place for them"
    log.log(
        logging.WARNING if late else logging.INFO,
        "%d shapes are in no split (%s first)%s; add their names to, for example, %s, or delete %s "
        "to assign all shapes anew",
        len(left_out),
        left_out[0],
        why,
        layout.split("train"),
        layout.split("train").parent,
    )
