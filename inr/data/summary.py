"""Summary of the checks of all prepared shapes, in a few lines."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from statistics import median

from inr.data.journal import JournalEntry
from inr.data.prepare.inside import SOUP_SIGNS
from inr.hints import shorten

# fraction of samples with ambiguous sign above which a shape is listed
AMBIGUOUS = 0.01
REMEDY = " (try data.sign=auto overwrite=true)"
# of a soup: fraction of its area that is wall below which it is all sheet, and fraction of its
# solid that is not enclosed with data.gap=0 above which it hangs on gaps
ALL_SHEET, HELD_BY_GAPS = 0.01, 0.1
# fraction of the surface of its solid where it had no face above which it is listed
BRIDGED = 0.05
# thickness of shells in cells of eval.resolution, at least
MIN_CELLS = 2
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


def summarise(records: Mapping[str, JournalEntry], *, sign: str) -> list[str]:
    """Return lines about the shapes that were prepared, refused or failed.

    Args:
        records: entry of each shape in manifest.json, by name.
        sign: `data.sign` of the data set.
    """
    meshes = {n: r for n, r in records.items() if r["status"] == "ok" and "self_check" in r}
    lines = []
    for status in ("refused", "failed"):
        lines += [f"{status}: {_names(records, lambda r: r['status'] == status)}"]  # noqa: B023
    if meshes:
        lines += _of_meshes(meshes, sign)
        lines += _of_soups(meshes)
    lines += _of_parts(_with_parts(records))
    seconds = {n: r["seconds"] for n, r in records.items() if r.get("seconds")}
    if seconds:
        slowest = max(seconds, key=seconds.__getitem__)
        lines.append(
            f"seconds per shape: median {median(seconds.values()):.1f}, at most "
            f"{seconds[slowest]:.1f} ({slowest})"
        )
    return [line for line in lines if not line.endswith(": none")]


def _of_meshes(records: Mapping[str, JournalEntry], sign: str) -> list[str]:
    # soups need no remedy, and surfaces without signs have none
    remedy = REMEDY if sign not in (*SOUP_SIGNS, "unsigned") else ""
    rows = {
        "not watertight": lambda r: not r["watertight"],
        f"inconsistent winding{remedy}": lambda r: not r["consistent_winding"],
        "duplicate faces": lambda r: r["duplicate_faces"] > 0,
        "degenerate faces": lambda r: r["degenerate_faces"] > 0,
        "several components": lambda r: r["components"] > 1,
        "changed": lambda r: bool(r["changes"]),
        f"signs ambiguous on over {AMBIGUOUS:.0%} of the samples{remedy}": lambda r: (
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


def _of_soups(records: Mapping[str, JournalEntry]) -> list[str]:
    num_soups = len(_soups(records))
    if not num_soups:
        return []
    return [
        f"inside: what cannot be reached from outside in {num_soups} triangle soups, by winding "
        f"number in {len(records) - num_soups} other shapes"
    ]


def _soups(records: Mapping[str, JournalEntry]) -> dict[str, JournalEntry]:
    """Return shape to what its soup encloses."""
    return {name: record["enclosure"] for name, record in records.items() if is_soup(record)}


def warnings_of_soups(
    records: Mapping[str, JournalEntry], *, gap: float, resolution: int
) -> list[str]:
    """Return lines about the soups whose solid may not be what was meant.

    Args:
        records: entry of each shape in manifest.json, by name.
        gap: `data.gap` of the data set.
        resolution: `eval.resolution`, which thin shells are compared with.
    """
    soups = _soups(records)
    cell = 2 / (resolution - 1)
    thin = {
        name: soup["thickness"]
        for name, soup in soups.items()
        if soup["sheet"] > 0 and 0 < soup["thickness"] < MIN_CELLS * cell
    }
    rows = {
        "all sheet, which encloses nothing but its shells": is_all_sheet,
        f"over {HELD_BY_GAPS:.0%} of the solid is enclosed only as data.gap={gap:g} closes gaps "
        "(stage=inspect shows it; the same command with data.gap=0 overwrite=true opens "
        "it)": hangs_on_gaps,
    }
    lines = [f"{title}: {_names(soups, is_one)}" for title, is_one in rows.items()]
    if thin:
        lines.append(
            f"shells {min(thin.values()):g} thick are less than {MIN_CELLS} cells of "
            f"eval.resolution={resolution}, {cell:.4f} each (try data.thickness=null "
            f"overwrite=true): {_names(thin, lambda _: True)}"
        )
    return [line for line in lines if not line.endswith(": none")]


def is_soup(record: JournalEntry) -> bool:
    """Return whether a shape was prepared as the solid that a triangle soup encloses."""
    return record.get("sign") == "outside" and "enclosure" in record


def soup_anomalies(soup: Mapping[str, float]) -> list[str]:
    """Return what is unusual about the soup of an `enclosure` in manifest.json, as texts."""
    texts = {
        "all sheet": is_all_sheet(soup),
        f"{soup['held_by_gaps']:.0%} of the solid held by gaps": hangs_on_gaps(soup),
        f"{soup['bridged']:.0%} of the surface bridged": soup["bridged"] > BRIDGED,
    }
    return [text for text, is_so in texts.items() if is_so]


def is_all_sheet(soup: Mapping[str, float]) -> bool:
    """Return whether the soup of an `enclosure` in manifest.json has no walls."""
    return soup["wall"] < ALL_SHEET


def hangs_on_gaps(soup: Mapping[str, float]) -> bool:
    """Return whether what the soup of an `enclosure` encloses hangs on narrow gaps."""
    return soup["held_by_gaps"] > HELD_BY_GAPS


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
