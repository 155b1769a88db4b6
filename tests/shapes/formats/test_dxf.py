import logging
import math
import sys

import ezdxf
import numpy as np
import pytest
from ezdxf.math import closed_uniform_bspline

from inr.shapes.mesh import read_mesh
from inr.shapes.sdf import is_inside

SQUARE = np.array([(0.0, 0), (4, 0), (4, 4), (0, 4)])


def entity(kind, *pairs):
    return "".join(f"{code}\n{value}\n" for code, value in ((0, kind), (8, "0"), *pairs))


def line(x0, y0, x1, y1):
    return entity("LINE", (10, x0), (20, y0), (11, x1), (21, y1))


def polyline(points, closed=1, bulges=None):
    pairs = [(90, len(points)), (70, closed)]
    for number, (x, y) in enumerate(points):
        pairs += [(10, x), (20, y)] + ([(42, bulges[number])] if bulges else [])
    return entity("LWPOLYLINE", *pairs)


def circle(x, y, radius, *more):
    return entity("CIRCLE", (10, x), (20, y), (40, radius), *more)


def arc(start, end):
    return entity("ARC", (10, 0), (20, 0), (40, 1), (50, start), (51, end))


def spline(weight):
    knots = [(40, k) for k in (0, 0, 0, 0, 1, 1, 1, 1)]
    points = [
        p for x, y in ((0, 0), (0, 5), (5, 5), (5, 0)) for p in ((10, x), (20, y), (41, weight))
    ]
    return entity("SPLINE", (70, 8), (71, 3), *knots, *points) + line(0, 0, 5, 0)


def segment_of(start, end):
    angle = math.radians((end - start) % 360)
    ends = [f(math.radians(a)) for a in (start, end) for f in (math.cos, math.sin)]
    return arc(start, end) + line(*ends), (angle - math.sin(angle)) / 2


def dxf(drawn, folder, blocks="", header=""):
    path = folder / "drawing.dxf"
    sections = {"HEADER": header, "BLOCKS": blocks, "ENTITIES": drawn}
    text = "".join(f"0\nSECTION\n2\n{k}\n{v}0\nENDSEC\n" for k, v in sections.items())
    path.write_text(text + "0\nEOF\n")
    return read_mesh(path)


OLD = entity("POLYLINE", (66, 1), (70, 1))
OLD += "".join(entity("VERTEX", (10, x), (20, y)) for x, y in ((0, 0), (2, 0), (2, 1)))
DXF = {
    "lines": (line(0, 0, 2, 0) + line(2, 1, 2, 0) + line(2, 1, 0, 1) + line(0, 0, 0, 1), 2),
    "two of lines": ("".join(line(*a, *b) for k in (0, 9) for a, b in (
        ((k, 0), (k + 1, 0)), ((k, 0), (k, 1)), ((k + 1, 0), (k, 1)))), 1),
    "hole": (circle(2, 2, 1) + polyline(SQUARE), 16 - math.pi),
    "open polyline closed by a line": (polyline(SQUARE, closed=0) + line(0, 4, 0, 0), 16),
    "bulges": (polyline([(-1, -1), (1, -1), (1, 1), (-1, 1)], 1, [0, 1, 0, -1]), 4),
    "a round of bulges": (polyline([(1, 0), (-1, 0)], 1, [1, 1]), math.pi),
    "old polyline": (OLD + entity("SEQEND"), 1),
    "spline": (spline(1), 15),
    "note": (polyline(SQUARE) + entity("TEXT", (10, 1), (20, 1), (40, 1), (1, "note")), 16),
    "arc": segment_of(30, 250),
    "arc through zero": segment_of(250, 30),
    "nearly a round": segment_of(10, 350),
}  # fmt: skip


@pytest.mark.parametrize("name", DXF)
def test_dxf(name, tmp_path):
    drawn, area = DXF[name]
    mesh = dxf(drawn, tmp_path)
    assert mesh.is_closed()
    assert mesh.volume() == pytest.approx(area, rel=1e-4)


def test_dxf_blocks_that_are_not_inserted_do_not_matter(tmp_path):
    odd = entity("BLOCK", (2, "Odd")) + entity("ELLIPSE") + entity("ENDBLK")
    assert dxf(polyline(SQUARE), tmp_path, blocks=odd).volume() == pytest.approx(16)


@pytest.mark.parametrize("version", ["AC1009", "AC1015", "AC1032"])
def test_a_polyline_without_markers_in_any_version(version, tmp_path):
    note = entity("TEXT", (10, 1), (20, 1), (40, 1), (1, "AC1009"))
    header = f"9\n$ACADVER\n1\n{version}\n"
    assert dxf(note + polyline(SQUARE) + note, tmp_path, header=header).volume() == 16


def test_dxf_that_is_no_outline_is_refused(tmp_path):
    for drawn, message in (
        (line(0, 0, 2, 0) + line(2, 0, 2, 1), r"open: a line ends at \((0, 0|2, 1)\)"),
        (polyline(SQUARE, closed=0), "the outline is open"),
        (arc(0, 180), "the outline is open"),
        (polyline(SQUARE[[0, 2, 1, 3]]), r"outline 1 crosses .* at \(2, 2\)"),
        (polyline(SQUARE) + circle(4, 4, 1), "outline 1 and outline 2 cross at"),
        (entity("SOLID", (10, 0)), "SOLID, which cannot be read; explode it"),
        (entity("INSERT", (2, "Wing")), "entity INSERT, which cannot be read: .* BLOCK definition"),
        (circle(5, 5, 3, (210, 1.0), (220, 0), (230, 0)), "CIRCLE tilted out of the plane"),
        (polyline([(0, 0), (1, 0), ("nan", 1)]), "not finite"),
        ("", "no closed outline|cannot be read"),
    ):
        with pytest.raises(ValueError, match=rf"drawing\.dxf.*({message})"):
            dxf(drawn, tmp_path)
    for data in (b"", b"hello\nworld\nagain", b"AutoCAD Binary DXF\r\n\x1a\x00rest"):
        (tmp_path / "bad.dxf").write_bytes(data)
        with pytest.raises(ValueError, match=r"bad\.dxf.*(cannot be read|no closed outline)"):
            read_mesh(tmp_path / "bad.dxf")


def drawing(draw, folder, fmt="asc"):
    """The mesh of what `draw` adds to a drawing's model space, written by ezdxf."""
    document = ezdxf.new("R2010")
    draw(document.modelspace(), document)
    document.saveas(folder / "made.dxf", fmt=fmt)
    return read_mesh(folder / "made.dxf")


def block(document, name="Wheel"):
    """A disc of radius 2 about (1, 0) with a square hole of side 2 in its middle."""
    made = document.blocks.new(name)
    made.add_circle((1, 0), 2)
    made.add_lwpolyline([(0, -1), (2, -1), (2, 1), (0, 1)], close=True)
    made.add_text("a note")
    return made


WHEEL = 4 * math.pi - 4


def insert(**attributes):
    def draw(space, document):
        block(document)
        space.add_blockref("Wheel", (10, 5), dxfattribs=attributes)

    return draw


def nested(space, document):
    block(document)
    outer = document.blocks.new("Car")
    outer.add_blockref("Wheel", (0, 0), dxfattribs={"xscale": 0.5, "yscale": 0.5})
    outer.add_blockref("Wheel", (6, 0), dxfattribs={"rotation": 30})
    space.add_blockref("Car", (1, 1), dxfattribs={"xscale": -2, "yscale": 3, "rotation": 10})


def grid(space, document):
    block(document)
    rows = {"row_count": 2, "column_count": 3, "row_spacing": 5, "column_spacing": 6}
    space.add_blockref("Wheel", (0, 0), dxfattribs=rows)


def half_ellipse(space, _):
    space.add_ellipse((1, 1), (3, 0), ratio=0.5, start_param=0, end_param=math.pi)
    space.add_line((-2, 1), (4, 1))


def mirrored(space, _):
    # seen from below: x of its own frame is -x of the world's
    half = {"extrusion": (0, 0, -1)}
    space.add_arc((-5, 3), 1, start_angle=0, end_angle=180, dxfattribs=half)
    space.add_lwpolyline([(-6, 3), (-6, 0), (-4, 0), (-4, 3)], dxfattribs=half)


def rational(space, _):
    # a quarter of the unit circle as a conic; its middle weight makes it exact
    points = [(1, 0), (1, 1), (0, 1)]
    space.add_rational_spline(points, weights=[1, math.sqrt(0.5), 1], degree=2)
    space.add_lwpolyline([(0, 1), (0, 0), (1, 0)])


def periodic(space, _):
    angles = np.arange(12) * (2 * np.pi / 12)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1).tolist()
    space.add_spline().apply_construction_tool(closed_uniform_bspline(points))


MADE = {
    "ellipse": (lambda s, _: s.add_ellipse((3, 2), (3, 0), 0.5), 4.5 * math.pi, (0, 0.5, 6, 3.5)),
    "leaning ellipse": (lambda s, _: s.add_ellipse((0, 0), (3, 3), 1 / 3), 6 * math.pi, None),
    "half an ellipse": (half_ellipse, 2.25 * math.pi, (-2, 1, 4, 2.5)),
    "block": (insert(), WHEEL, (9, 3, 13, 7)),
    "scaled block": (insert(xscale=3, yscale=3), 9 * WHEEL, (7, -1, 19, 11)),
    "stretched block": (insert(xscale=3, yscale=0.5), 1.5 * WHEEL, (7, 4, 19, 6)),
    "turned block": (insert(rotation=90), WHEEL, (8, 4, 12, 8)),
    "mirrored block": (insert(xscale=-1), WHEEL, (7, 3, 11, 7)),
    "blocks in a block": (nested, 6 * 1.25 * WHEEL, None),
    "grid of blocks": (grid, 6 * WHEEL, (-1, -2, 15, 7)),
    "from below": (mirrored, 6 + math.pi / 2, (4, 0, 6, 4)),
    "rational spline": (rational, math.pi / 4, (0, 0, 1, 1)),
    "round spline": (periodic, None, None),
    "spline through points": (
        lambda s, _: s.add_spline([(0, 0), (2, 1), (4, 0), (2, -3), (0, 0)]),
        None,
        None,
    ),
}


@pytest.mark.parametrize("fmt", ["asc", "bin"])
@pytest.mark.parametrize("name", MADE)
def test_what_programs_draw(name, fmt, tmp_path):
    draw, area, bounds = MADE[name]
    mesh = drawing(draw, tmp_path, fmt)
    assert mesh.is_closed() and mesh.volume() > 0
    if area is not None:
        assert mesh.volume() == pytest.approx(area, rel=5e-4)
    if bounds is not None:
        np.testing.assert_allclose(mesh.bounds.ravel(), bounds, atol=1e-3)


def test_a_periodic_spline_is_its_curve(tmp_path):
    mesh = drawing(periodic, tmp_path)
    radius = np.linalg.norm(mesh.vertices, axis=1)
    # a cubic B-spline of 12 points on a circle: (2 + cos 30) / 3 of the radius at its knots
    assert radius.max() == pytest.approx((2 + math.cos(math.pi / 6)) / 3, rel=1e-4)
    assert radius.max() - radius.min() < 1e-3


def test_mirrored_holes_stay_holes(tmp_path):
    mesh = drawing(insert(xscale=-1), tmp_path)
    assert is_inside(mesh, np.array([[9.0, 5.0], [7.5, 5.0]])).tolist() == [False, True]


@pytest.mark.parametrize("draw", ["ellipse", "rational spline"])
def test_chords_stay_near_their_curves(draw, tmp_path):
    mesh = drawing(MADE[draw][0], tmp_path)
    middle = mesh.corners().mean(axis=1)
    if draw == "ellipse":
        level = np.hypot((middle[:, 0] - 3) / 3, (middle[:, 1] - 2) / 1.5)
    else:
        level = np.linalg.norm(middle[middle.min(axis=1) > 1e-6], axis=1)
    assert 0 < 1 - level.min() < 2.1e-5 * (4 if draw == "ellipse" else 1)
    assert level.max() <= 1 + 1e-9


def cycle(space, document):
    made = document.blocks.new("Hen")
    document.blocks.new("Egg").add_blockref("Hen", (0, 0))
    made.add_blockref("Egg", (0, 0))
    space.add_blockref("Hen", (0, 0))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (cycle, "block reference cycle"),
        (lambda s, _: s.add_3dface([(0, 0), (1, 0), (1, 1)]), "an entity 3DFACE, which cannot"),
        (lambda s, _: s.add_polymesh((3, 3)), "POLYLINE that is a 3-D mesh"),
        (lambda s, d: d.blocks.new("B").add_solid([(0, 0), (1, 0), (1, 1)]) and s.add_blockref(
            "B", (0, 0)), "an entity SOLID, which cannot"),
        (lambda s, _: s.add_text("only a note"), "no closed outline"),
        (lambda s, _: s.add_ellipse((0, 0), (3, 0), 0.5, 0, 1), "the outline is open"),
    ],
)  # fmt: skip
def test_what_is_no_outline_is_named(draw, message, tmp_path):
    with pytest.raises(ValueError, match=rf"made\.dxf.*{message}"):
        drawing(draw, tmp_path)


def test_an_invalid_spline_beside_other_outlines_is_named(tmp_path):
    whole = circle(9, 0, 2) + spline(1.0)
    knot = "40\n1\n"
    assert dxf(whole, tmp_path).vertices[:, 0].min() < 1
    with pytest.raises(
        ValueError, match=r"entity SPLINE, which cannot be read: .* knot value count"
    ):
        dxf(whole.replace(knot, "", 1), tmp_path)


def test_a_cut_off_binary_drawing_is_refused(tmp_path):
    drawing(insert(), tmp_path, "bin")
    whole = (tmp_path / "made.dxf").read_bytes()
    for fraction in (0.1, 0.5, 0.9):
        (tmp_path / "made.dxf").write_bytes(whole[: int(fraction * len(whole))])
        with pytest.raises(ValueError, match=r"made\.dxf"):
            read_mesh(tmp_path / "made.dxf")


def test_nothing_is_said_of_details(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        dxf(polyline(SQUARE), tmp_path)
    assert not caplog.records


def test_without_its_package_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ezdxf", None)
    with pytest.raises(ValueError, match="pip install ezdxf"):
        dxf(polyline(SQUARE), tmp_path)
