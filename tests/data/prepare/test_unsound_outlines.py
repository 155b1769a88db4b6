import re
from pathlib import Path

import ezdxf
import numpy as np
import pytest
from PIL import Image

from inr.data.layout import Layout
from inr.data.prepare.inside import Soups
from inr.data.prepare.shape import prepare_shape
from inr.shapes.mesh import read_mesh, read_sound
from tests.support.making import recipe

SUFFIXES = [".dat", ".svg", ".dxf", ".npy", ".npz"]
ANGLE = np.linspace(0.2, 2 * np.pi - 0.2, 119)


def ellipse(angle: np.ndarray) -> np.ndarray:
    return np.stack([(1 + np.cos(angle)) / 2, np.sin(angle) / 10], axis=1)


# the first lacks the upper side of its tail, the second crosses there
OUTLINES = {
    "open": ellipse(np.linspace(0.9, 2 * np.pi, 120)),
    "crossing": np.concatenate([[[1.01, -0.02]], ellipse(ANGLE), [[1.01, 0.02]]]),
}


def write(path: Path, points: np.ndarray, *, closed: bool) -> Path:
    if path.suffix == ".dat":
        path.write_text("wing\n" + "".join(f"{x} {y}\n" for x, y in points.tolist()))
    elif path.suffix == ".svg":
        words = " ".join(f"{x},{-y}" for x, y in points.tolist())
        tag = "polygon" if closed else "polyline"
        path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg"><{tag} points="{words}"/></svg>')
    elif path.suffix == ".dxf":
        drawing = ezdxf.new()
        drawing.modelspace().add_lwpolyline(points.tolist(), close=closed)
        drawing.saveas(path)
    elif path.suffix == ".npy":
        np.save(path, points)
    else:
        index = np.arange(len(points))
        edges = np.stack([index, np.roll(index, -1)], axis=1)
        np.savez(path, vertices=points, edges=edges if closed else edges[:-1])
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", OUTLINES)
def test_unsound_outlines_are_soups(tmp_path, kind, suffix):
    points = OUTLINES[kind]
    path = write(tmp_path / f"wing{suffix}", points, closed=kind == "crossing")
    drawn = read_sound(path, soups=True)
    assert len(drawn.faces) == len(points) - (kind == "open")
    order = np.lexsort(points.T[::-1])
    np.testing.assert_allclose(drawn.vertices, points[order], atol=1e-9)
    root = tmp_path / "data"
    record = prepare_shape("wing", path, root, recipe(dim=2, sign="auto"))
    assert (record["status"], record["sign"]) == ("ok", "outside"), record["reason"]
    assert read_mesh(Layout(root).mesh("wing")).is_closed()
    said = "ends at|is open" if kind == "open" else "crosses or touches itself"
    with pytest.raises(ValueError, match=said):
        read_sound(path, soups=False)
    record = prepare_shape("wing", path, tmp_path / "other", recipe(dim=2, sign="winding"))
    assert record["status"] == "refused" and re.search(said, record["reason"])


def test_open_drawings_keep_what_else_is_drawn(tmp_path):
    path = tmp_path / "drawing.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><rect x="1" y="2" width="3" height="4"/>'
        '<path d="M 0 0 L 9 0 M 0 9 L 9 9 L 9 8"/></svg>'
    )
    drawn = read_sound(path, soups=True)
    assert (len(drawn.vertices), len(drawn.faces)) == (9, 7)
    np.testing.assert_allclose(drawn.bounds, [[0, -9], [9, 0]])


def test_drawn_lines_with_gaps_are_filled_from_outside(tmp_path):
    y, x = np.indices((64, 64)) - 31.5
    radius = np.hypot(x, y)
    ring = (radius < 28) & (radius > 25) & ~((np.abs(x) < 1) & (y > 0))
    path = tmp_path / "ring.png"
    Image.fromarray(ring.astype(np.uint8) * 255).save(path)
    gap = 3 * 2 * 0.9 / 56  # 3 pixels in box units
    area: dict[str, float] = {}
    for sign in ("auto", "outside"):
        settings = recipe(dim=2, sign=sign, soups=Soups(gap=gap, thickness=0.02))
        record = prepare_shape("ring", path, tmp_path / sign, settings)
        assert record["sign"] == ("winding" if sign == "auto" else "outside")
        area[sign] = read_mesh(Layout(tmp_path / sign).mesh("ring")).volume() / (0.9 / 28) ** 2
    assert area["auto"] == pytest.approx(np.pi * (28**2 - 25**2) - 2 * 3, rel=0.03)
    assert area["outside"] == pytest.approx(np.pi * 28**2, rel=0.01)
