"""Summary of the checks of all prepared shapes, in a few lines."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from statistics import median

from inr.data.journal import JournalEntry
from inr.hints import shorten

# fraction of samples with ambiguous sign above which a shape is listed
AMBIGUOUS = 0.01
REMEDY = "(try data.repair=true)"
# thresholds of the second evaluation: fraction of equal signs, and distance error in box units
MIN_AGREEMENT = 0.999
MAX_ERROR = 1e-4
# fraction of a shape's inner samples in none of its parts above which it is listed
IN_NO_PART = 0.02
MAX_PARTS_SHOWN = 16


def count_statuses(records: Mapping[str, JournalEntry]) -> dict[str, int]:
    """Return status to its number of shapes: ok, refused, failed."""
    statuses = [record["status"] for record in records.values()]
    return {status: statuses.count(status) for status in ("ok", "refused", "failed")}


def summarise(records: Mapping[str, JournalEntry]) -> list[str]:
    """Return lines about the shapes that were prepared, refused or failed."""
    meshes = {n: r for n, r in records.items() if r["status"] == "ok" and "self_check" in r}
    lines = []
    for status in ("refused", "failed"):
        lines += [f"{status}: {_names(records, lambda r: r['status'] == status)}"]  # noqa: B023
    if meshes:
        lines += _of_meshes(meshes)
    lines += _of_parts(_with_parts(records))
    seconds = {n: r["seconds"] for n, r in records.items() if r.get("seconds")}
    if seconds:
        slowest = max(seconds, key=seconds.__getitem__)
        lines.append(
            f"seconds per shape: median {median(seconds.values()):.1f}, at most "
            f"{seconds[slowest]:.1f} ({slowest})"
        )
    return [line for line in lines if not line.endswith(": none")]


def _of_meshes(records: Mapping[str, JournalEntry]) -> list[str]:
    rows = {
        "not watertight": lambda r: not r["watertight"],
        "inconsistent winding (data.repair=true fixes it)": lambda r: not r["consistent_winding"],
        "duplicate faces": lambda r: r["duplicate_faces"] > 0,
        "degenerate faces": lambda r: r["degenerate_faces"] > 0,
        "several components": lambda r: r["components"] > 1,
        "changed": lambda r: bool(r["changes"]),
        f"signs ambiguous on over {AMBIGUOUS:.0%} of the samples {REMEDY}": lambda r: (
            (r["ambiguous"] or 0) > AMBIGUOUS
        ),
        "samples that a second evaluation contradicts": contradicts,
    }
    faces = [record["faces"] for record in records.values()]
    sound = sum(
        record["watertight"] and record["consistent_winding"] for record in records.values()
    )
    pieces = sum(record["components"] == 1 for record in records.values())
    lines = [
        f"{len(records)} meshes of {min(faces):,} to {max(faces):,} faces: {sound} watertight and "
        f"consistent, {pieces} in one piece"
    ]
    lines += [f"{title}: {_names(records, is_one)}" for title, is_one in rows.items()]
    checks = [record["self_check"] for record in records.values()]
    signs = [check["sign_agreement"] for check in checks if check["sign_agreement"] is not None]
    points = sum(check["points"] for check in checks)
    text = f"second evaluation of {points:,} samples: "
    if signs:
        text += f"signs agree on {sum(signs) / len(signs):.3%}, "
    lines.append(f"{text}largest difference {max(c['max_error'] for c in checks):.1e} box units")
    return lines


def parts_of_no_shape(records: Mapping[str, JournalEntry]) -> list[int]:
    """Return the indices of the parts that no shape has."""
    return [part for part, count in enumerate(_count_parts(_with_parts(records))) if count == 0]


def _with_parts(records: Mapping[str, JournalEntry]) -> dict[str, JournalEntry]:
    """Return shape to the checks of its parts; empty if any shape has none."""
    ready = {name: record for name, record in records.items() if record["status"] == "ok"}
    if not all("part_checks" in record for record in ready.values()):
        return {}
    return {name: record["part_checks"] for name, record in ready.items()}


def _count_parts(checks: Mapping[str, JournalEntry]) -> list[int]:
    flags = zip_longest(*(check["present"] for check in checks.values()), fillvalue=False)
    return [sum(of_part) for of_part in flags]


def _of_parts(checks: Mapping[str, JournalEntry]) -> list[str]:
    if not checks:
        return []
    counts = [f"{part} in {count}" for part, count in enumerate(_count_parts(checks))]
    more = f" ({len(counts)} parts)" if len(counts) > MAX_PARTS_SHOWN else ""
    uncovered = f"over {IN_NO_PART:.0%} of the inner samples in no part (is one missing?)"
    rows = {
        "open parts": lambda c: bool(c["open"]),
        "flat parts": lambda c: bool(c["flat"]),
        uncovered: lambda c: (c["in_no_part"] or 0) > IN_NO_PART,
    }
    lines = [f"parts: {shorten(counts, MAX_PARTS_SHOWN)} shapes{more}"]
    return lines + [f"{title}: {_names(checks, is_one)}" for title, is_one in rows.items()]


def contradicts(record: JournalEntry) -> bool:
    """Return whether a second evaluation of a shape's samples disagrees with the first."""
    check = record["self_check"]
    agreement = check["sign_agreement"]
    return check["max_error"] > MAX_ERROR or (agreement is not None and agreement < MIN_AGREEMENT)


def _names(records: Mapping[str, JournalEntry], is_one: object) -> str:
    assert callable(is_one)
    names: Sequence[str] = [name for name, record in records.items() if is_one(record)]
    if not names:
        return "none"
    return f"{len(names)} ({shorten(names, 4)})"
