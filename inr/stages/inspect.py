"""stage=inspect: a page about a data set with counts, histograms and unusual shapes."""

import base64
import html
import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from inr.config.factories import build_renderer
from inr.config.job import Job
from inr.config.schema import Config
from inr.data.journal import JournalEntry, read_records, ready_names
from inr.data.layout import Layout, read_manifest
from inr.data.read import read_distances
from inr.data.summary import (
    contradicts,
    count_statuses,
    is_soup,
    soup_anomalies,
    summarise,
    warnings_of_soups,
)
from inr.files import OUTPUTS, open_arrays, replacing
from inr.progress import show_progress
from inr.render import GROUND_TRUTH_COLOR, ShapeRenderer
from inr.render.grid import image_grid
from inr.render.interface import Image
from inr.render.samples import draw_histograms, draw_samples
from inr.runs.ground_truth import ground_truth_mesh
from inr.runs.pictures import draw_soups
from inr.shapes.mesh import Floats
from inr.stages.prepare.manifest import settings_in
from inr.stages.prepare.prepare import ensure_prepared

log = logging.getLogger(__name__)

# shapes whose samples are read, evenly spaced, and samples of each in the histogram
MAX_SHAPES, MAX_SAMPLES = 200, 20_000
NUM_WORST, MAX_REASONS = 8, 30
COLUMNS = ("shape", "samples", "inside", "largest distance", "anomalies")


def inspect(job: Job) -> Path:
    """Run the stage and return the path of the page.

    Raises:
        ValueError: if there is no data set, or a shape's samples cannot be read.
    """
    config = job.config
    layout = ensure_prepared(job)
    names = ready_names(layout)
    if not names:
        raise ValueError(f"'{layout.root}' holds no shape with samples; run stage=prepare")
    if layout.manifest.exists():
        made = read_manifest(layout).get("settings", {}).get("dim", config.data.dim)
        if made != config.data.dim:
            raise ValueError(
                f"'{layout.root}' was prepared with data.dim={made}, not {config.data.dim}; choose "
                "data=meshes or data=outlines to suit"
            )
    records = read_records(layout)
    chosen = names[:: -(-len(names) // MAX_SHAPES)]
    stats = [
        shape_stats(layout, name, config.data.dim, records.get(name, {}))
        for name in show_progress(chosen, "inspect", len(chosen))
    ]
    stats.sort(key=lambda one: -one["oddity"])
    worst = stats[:NUM_WORST]
    renderer = build_renderer(config)
    rows = [_row(layout, one["name"], config.data.dim, renderer) for one in worst]
    picture = image_grid(
        rows,
        column_titles=["shape", "samples" if config.data.dim == 2 else "samples near z = 0"],
        row_labels=[one["name"][:24] for one in worst],
    )
    histograms = draw_histograms(
        {
            "distance (box units)": np.concatenate([one["distances"] for one in stats]),
            "fraction of samples inside": np.array([one["inside"] for one in stats]),
            "samples per shape": np.array([one["count"] for one in stats]),
        },
        size=(960, 260),
    )
    soups = [one["name"] for one in stats if is_soup(records.get(one["name"], {}))][:NUM_WORST]
    pictures = {"The most unusual shapes": picture}
    if soups:
        title = "Triangle soups: as given, their solid, and a cut (given in red)"
        enclosures = {name: records[name]["enclosure"] for name in soups}
        pictures[title] = draw_soups(layout, enclosures, config.data.dim, renderer)
    lines = _summary(config, layout, names, chosen, records)
    text = _page(layout, lines, stats, {"Samples": histograms, **pictures})
    page = _write(text, layout)
    log.info("%d shapes, %d of them inspected; the page: %s", len(names), len(chosen), page)
    return page


def shape_stats(layout: Layout, name: str, dim: int, record: JournalEntry) -> dict[str, Any]:
    """Return statistics of the samples of one shape.

    Returns:
        `name`; `count`, number of samples; `inside`, fraction of them inside; `distances`, at most
        about MAX_SAMPLES signed distances; `odd`, its anomalies as text; `oddity`, a score by which
        shapes are sorted.
    """
    samples = _samples(layout, name, dim)
    inside = float((samples[:, -1] < 0).mean())
    odd = [f"{inside:.1%} inside"] if 0 < inside < 0.02 else []
    if record.get("ambiguous"):
        odd.append(f"{record['ambiguous']:.2%} of the signs uncertain")
    if is_soup(record):
        odd += soup_anomalies(record["enclosure"])
    elif record.get("watertight") is False:
        odd.append("not watertight")
    if record.get("changes"):
        odd.append("; ".join(record["changes"]))
    if "self_check" in record and contradicts(record):
        odd.append(f"second evaluation differs: {record['self_check']}")
    step = max(1, len(samples) // MAX_SAMPLES)
    return {
        "name": name,
        "count": len(samples),
        "inside": inside,
        "distances": samples[::step, -1],
        "odd": ", ".join(odd),
        "oddity": len(odd) + 10 * (record.get("ambiguous") or 0) + 0.1 * (0.5 - inside),
    }


def _num_channels(layout: Layout, name: str, dim: int) -> int:
    path = layout.samples(name)
    if not path.exists():
        return 1
    try:
        with open_arrays(path) as file:
            return max(1, int(file["pos"].shape[1]) - dim)
    except Exception as error:  # a truncated archive and a bare array raise errors of their own
        raise ValueError(f"cannot read the array 'pos' of '{path}': {error}") from error


def _row(layout: Layout, name: str, dim: int, renderer: ShapeRenderer) -> list[Image]:
    shape = renderer.render(ground_truth_mesh(layout, name, dim), color=GROUND_TRUTH_COLOR)
    return [shape, draw_samples(_samples(layout, name, dim), size=len(shape))]


def _samples(layout: Layout, name: str, dim: int) -> Floats:
    runs = read_distances(layout, name, dim, _num_channels(layout, name, dim), signed=False)
    return np.concatenate(runs)[:, : dim + 1]


def _summary(
    config: Config,
    layout: Layout,
    names: list[str],
    chosen: list[str],
    records: dict[str, JournalEntry],
) -> list[str]:
    """Return lines on the data set, for the top of the page."""
    lines = [f"{len(names)} shapes, {len(chosen)} of them inspected"]
    if not records:
        return lines
    count = count_statuses(records)
    lines.append(f"{count['refused']} refused, {count['failed']} failed")
    manifest = read_manifest(layout)
    settings = settings_in(manifest)
    lines += summarise(records, sign=settings["sign"])
    lines += warnings_of_soups(
        records, gap=settings.get("gap", config.data.gap), resolution=config.eval.resolution
    )
    bad = {n: r["reason"] for n, r in records.items() if r["status"] != "ok"}
    lines += [f"{name}: {reason}" for name, reason in list(bad.items())[:MAX_REASONS]]
    pairs = manifest.get("near_duplicates", [])
    return lines + [f"near duplicates: {one}, {other}" for one, other in pairs[:MAX_REASONS]]


def _page(
    layout: Layout,
    lines: list[str],
    stats: list[dict[str, Any]],
    pictures: dict[str, Image],
) -> str:
    cells = [
        (one["name"], f"{one['count']:,}", f"{one['inside']:.1%}", _largest(one), one["odd"])
        for one in stats
    ]
    table = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in cells
    )
    shown = "".join(
        f'<h2>{title}</h2><img alt="{title}" src="{_data(picture)}">\n'
        for title, picture in pictures.items()
    )
    titles = "".join(f"<th>{title}</th>" for title in COLUMNS)
    return f"""<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{html.escape(layout.root.name)}</title>
<style>body{{font:14px sans-serif;margin:2em;max-width:1000px}}td,th{{padding:2px 12px 2px 0;
text-align:left}}img{{max-width:100%}}</style>
<h1>{html.escape(str(layout.root))}</h1>
<ul>{"".join(f"<li>{html.escape(line)}</li>" for line in lines)}</ul>
{shown}<h2>Shapes</h2><table><tr>{titles}</tr>{table}</table>
</html>
"""


def _largest(one: dict[str, Any]) -> str:
    return f"{np.abs(one['distances']).max():.3g}"


def _data(image: Image) -> str:
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _write(text: str, layout: Layout) -> Path:
    """Write the page into the data set, or under outputs/ if the data set is read-only."""
    for page in (layout.root / "inspect.html", OUTPUTS / f"inspect_{layout.root.name}.html"):
        try:
            with replacing(page) as temporary:
                temporary.write_text(text, encoding="utf-8")
            return page
        except OSError as error:
            reason = error
    raise ValueError(f"cannot write the page: {reason}")
