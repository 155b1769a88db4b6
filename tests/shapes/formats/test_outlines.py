import math
import sys

import numpy as np
import pytest
from PIL import Image

from inr.shapes.mesh import OUTLINE_SUFFIXES, Mesh, check_outline, read_mesh, write_mesh
from inr.shapes.normalize import fit_box
from inr.shapes.sdf import is_inside, signed_distance

SQUARE = np.array([(0.0, 0), (4, 0), (4, 4), (0, 4)])


def svg(decoder, folder):
    path = folder / "drawing.svg"
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{decoder}</svg>')
    return read_mesh(path)


SVG = {
    "hole": ('<path d="M0 0 H4 V4 H0 Z M1 1 H2 V2 H1 Z"/>', 15, (0, -4, 4, 0)),
    "hole, relative": ('<path d="M0 0h4v4h-4z m1 1h1v1h-1z"/>', 15, (0, -4, 4, 0)),
    "hole of its own": (
        '<rect width="4" height="4"/><circle cx="2" cy="2" r="1"/>',
        16 - math.pi,
        0,
    ),
    "island in the hole": (
        '<rect width="9" height="9"/><rect x="1" y="1" width="7" height="7"/>'
        '<rect x="2" y="2" width="2" height="2"/>',
        81 - 49 + 4,
        (0, -9, 9, 0),
    ),
    "circle": ('<circle cx="5" cy="4" r="3"/>', 9 * math.pi, (2, -7, 8, -1)),
    "ellipse": ('<ellipse cx="5" cy="4" rx="3" ry="1"/>', 3 * math.pi, (2, -5, 8, -3)),
    "elliptical arc": ('<path d="M2 5 A3 1 0 0 1 8 5 Z"/>', 1.5 * math.pi, (2, -5, 8, -4)),
    "turned arcs": (
        '<path d="M-1 3 A3 1 90 0 1 -1 -3 A3 1 90 0 1 -1 3"/>',
        3 * math.pi,
        (-2, -3, 0, 3),
    ),
    "rounded": ('<rect x="1" y="1" width="6" height="4" rx="1"/>', 20 + math.pi, (1, -5, 7, -1)),
    "polygon": ('<polygon points="0,0 4,0 4,2"/>', 4, (0, -2, 4, 0)),
    "closed polyline": ('<polyline points="0 0 4 0 4 2 0 0"/>', 4, (0, -2, 4, 0)),
    # the area between a cubic and its chord: 3/20 of the sum of the cross products of its controls
    "cubic": ('<path d="M0 0 C0 5 5 5 5 0 Z"/>', 15, (0, -3.75, 5, 0)),
    "quadratic": ('<path d="M0 0 Q2 4 4 0 Z"/>', 16 / 3, (0, -2, 4, 0)),
    "drop": ('<path d="M5 5 C0 10 10 10 5 5"/>', 7.5, 0),
    "translate": ('<g transform="translate(5)"><rect width="2" height="3"/></g>', 6, (5, -3, 7, 0)),
    "rotate": ('<rect transform="rotate(90)" width="2" height="3"/>', 6, (-3, -2, 0, 0)),
    "rotate about": ('<rect transform="rotate(90 1 1)" width="2" height="3"/>', 6, (-1, -2, 2, 0)),
    "scale, translate": (
        '<g transform="scale(2,1)"><rect transform="translate(1 2)" width="2" height="3"/></g>',
        12,
        (2, -5, 6, -2),
    ),
    "skew": ('<rect transform="skewX(45)" width="2" height="3"/>', 6, (0, -3, 5, 0)),
    "matrix": ('<rect transform="matrix(0 1 1 0 5 0)" width="2" height="3"/>', 6, (5, -2, 8, 0)),
    "scaled circle": ('<circle r="1" transform="scale(3 1)"/>', 3 * math.pi, (-3, -1, 3, 1)),
    "hidden": (
        '<rect width="2" height="2"/><rect display="none" width="9" height="1"/>'
        '<g style="display: none"><path d="M0 0 1 1"/></g><defs><circle r="9"/></defs>',
        4,
        (0, -2, 2, 0),
    ),
}


@pytest.mark.parametrize("name", SVG)
def test_svg(name, tmp_path):
    decoder, area, bounds = SVG[name]
    mesh = svg(decoder, tmp_path)
    assert mesh.dim == 2 and mesh.is_closed()
    assert mesh.volume() == pytest.approx(area, rel=1e-4)
    if bounds:
        np.testing.assert_allclose(mesh.bounds.ravel(), bounds, atol=1e-3)


def test_svg_curves_are_fine_and_upright(tmp_path):
    mesh = svg('<circle cx="5" cy="4" r="3"/>', tmp_path)
    radius = np.linalg.norm(mesh.vertices - [5, -4], axis=1)
    np.testing.assert_allclose(radius, 3, atol=1e-9)
    middle = np.linalg.norm(mesh.corners().mean(axis=1) - [5, -4], axis=1)
    assert 3 - middle.min() < 2.1e-5 * 6
    # a triangle with its tip on top of the picture has it on top
    triangle = svg('<path d="M0 4 H4 L2 0 Z"/>', tmp_path)
    assert is_inside(triangle, np.array([[0.3, -3.8], [0.3, -0.2]])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("decoder", "message"),
    [
        ('<path id="wing" d="M0 0 L1 0 L1 1"/>', r"<path> 'wing': its outline is open: .*\(1, 1\)"),
        ('<polyline points="0 0 1 0 1 1"/>', "<polyline> number 1: its outline is open"),
        ('<rect width="1" height="1"/><line x2="1"/>', "<line> number 2: its outline is open"),
        ('<path d="M0 0 L4 4 4 0 0 4 Z"/>', r"<path> number 1 crosses .* at \(2, 2\)"),
        ('<path d="M0 0H4V4H0Z M2 2H5V5H2Z"/>', r"loop 1 and <path> number 1, loop 2 cross at"),
        ('<use href="#a"/>', "<use>, which cannot be read"),
        ("<g><text>hi</text></g>", "<text>, which cannot be read; convert it to a path"),
        ('<rect width="2cm" height="1"/>', "width='2cm' is not a number"),
        ('<rect width="1" height="1" transform="bend(3)"/>', "transform 'bend' of 1 numbers"),
        ('<rect width="1" height="1" transform="scale"/>', "transform 'scale' cannot be read"),
        ('<path d="M0 0 L1"/>', "its path cannot be read"),
        ("", "no closed outline"),
        ("<g>", "no SVG drawing"),
    ],
)
def test_svg_that_is_no_outline_is_refused(decoder, message, tmp_path):
    with pytest.raises(ValueError, match=f"drawing.svg.*{message}"):
        svg(decoder, tmp_path)


def test_svg_without_its_package_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "svg.path", None)
    with pytest.raises(ValueError, match=r"pip install svg\.path"):
        svg('<rect width="1" height="1"/>', tmp_path)


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


def dxf(drawn, folder, blocks=""):
    path = folder / "drawing.dxf"
    sections = {"HEADER": "", "BLOCKS": blocks, "ENTITIES": drawn}
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


def test_dxf_that_is_no_outline_is_refused(tmp_path):
    for drawn, message in (
        (line(0, 0, 2, 0) + line(2, 0, 2, 1), r"open: a line ends at \((0, 0|2, 1)\)"),
        (polyline(SQUARE, closed=0), "the outline is open"),
        (arc(0, 180), "the outline is open"),
        (polyline(SQUARE[[0, 2, 1, 3]]), r"outline 1 crosses .* at \(2, 2\)"),
        (polyline(SQUARE) + circle(4, 4, 1), "outline 1 and outline 2 cross at"),
        (entity("ELLIPSE", (10, 0)), "ELLIPSE, which cannot be read"),
        (entity("INSERT", (2, "Wing")), "INSERT, which cannot be read; explode it"),
        (circle(5, 5, 3, (230, -1.0)), "CIRCLE drawn on the reverse side"),
        (spline(0.5), "rational SPLINE"),
        (polyline([(0, 0), (1, 0), ("nan", 1)]), "not finite"),
        ("", "no closed outline|cannot be read"),
    ):
        with pytest.raises(ValueError, match=rf"drawing\.dxf.*({message})"):
            dxf(drawn, tmp_path)
    for data in (b"", b"hello\nworld\nagain", b"AutoCAD Binary DXF\r\n\x1a\x00rest"):
        (tmp_path / "bad.dxf").write_bytes(data)
        with pytest.raises(ValueError, match=r"bad\.dxf.*(cannot|can) be read|binary DXF"):
            read_mesh(tmp_path / "bad.dxf")


def disk_mask():
    """A ring of radii 30 and 12 about (60, 25), y upwards, in a picture 100 wide and 80 high."""
    fine = 8
    y, x = (np.indices((80 * fine, 100 * fine)) + 0.5) / fine
    radius = np.hypot(x - 60, 80 - y - 25)
    ring = ((radius < 30) & (radius > 12)).astype(np.float64)
    return ring.reshape(80, fine, 100, fine).mean(axis=(1, 3))


def ring_area():
    """The ring without what lies below y = 0: a segment of the outer circle."""
    half = math.acos(25 / 30)
    return math.pi * (30**2 - 12**2) - 30**2 * (half - math.sin(half) * math.cos(half))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif", ".npy"])
def test_masks_keep_holes_and_borders(suffix, tmp_path):
    path = tmp_path / f"ring{suffix}"
    if suffix == ".npy":
        np.save(path, disk_mask())
    else:
        Image.fromarray(np.round(disk_mask() * 255).astype(np.uint8)).save(path)
    mesh = read_mesh(path)
    assert mesh.is_closed()
    assert mesh.volume() == pytest.approx(ring_area(), rel=2e-3)
    points = np.array([[60, 25], [60, 43], [60, 4], [60, -4], [60, 58], [40, 25], [20, 70]])
    inside = [False, True, True, False, False, True, False]
    assert is_inside(mesh, points.astype(float)).tolist() == inside
    radius = np.linalg.norm(mesh.vertices - [60, 25], axis=1)
    assert mesh.bounds[0, 1] == pytest.approx(0, abs=0.01)
    off_border = mesh.vertices[:, 1] > 0.6
    error = np.minimum(np.abs(radius - 30), np.abs(radius - 12))[off_border]
    assert error.max() < 0.12  # in pixels: sub-pixel


def test_mask_pictures_of_every_kind_say_the_same(tmp_path):
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 5:25] = 255
    mask[8:10, 8:12] = 0
    mask[:3, :3] = 255
    zero = np.zeros_like(mask)
    pictures = {
        "grey": mask,
        "bits": mask > 0,
        "labels": mask // 255,
        "colour": np.dstack([mask] * 3),
        "deep": mask.astype(np.uint16) * 257,
        "alpha": np.dstack([zero, zero, zero, mask]),
        "opaque": np.dstack([mask, mask, mask, zero + 255]),
    }
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    Image.fromarray(mask).convert("P").save(tmp_path / "palette.png")
    np.save(tmp_path / "bool.npy", mask > 0)
    np.save(tmp_path / "int.npy", mask.astype(np.int32))
    np.save(tmp_path / "float.npy", mask / 255)
    for path in sorted(tmp_path.iterdir()):
        mesh = read_mesh(path)
        # each corner of 3 squares is cut by half a quarter of a pixel
        assert mesh.volume() == pytest.approx(200 - 8 + 9 - 0.5 + 0.5 - 0.5), path.name
        np.testing.assert_allclose(mesh.bounds, [[0, 5], [25, 20]], err_msg=path.name)


def test_pixels_at_the_level_and_at_corners_give_simple_loops(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(20):
        mask = rng.integers(0, 3, (12, 15)) / 2.0
        np.save(tmp_path / f"{number}.npy", mask)
        mesh = read_mesh(tmp_path / f"{number}.npy")
        check_outline(mesh)
        y, x = np.indices(mask.shape)
        centres = np.stack([x.ravel() + 0.5, 12 - (y.ravel() + 0.5)], axis=1)
        inside = is_inside(mesh, centres)
        np.testing.assert_array_equal(inside, mask.ravel() >= 0.5)


ANGLES = np.linspace(0, 4, 50)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((8, 9)), "no pixel of 9 x 8 is above 0.5"),
        (np.zeros((8, 9), np.uint8), "no pixel"),
        (np.ones((8, 9), bool), "every pixel of 9 x 8 is above 0.5"),
        (np.full((8, 9), 0.3), r"from 0\.3 to 0\.3"),
        (np.full((8, 9), np.nan), "not finite at row 0, column 0"),
        (np.zeros((0, 9)), "no pixels"),
        (np.zeros((3, 4, 5)), r"shape \(3, 4, 5\)"),
        (np.zeros((8, 9), complex), "type complex128"),
        (SQUARE[[0, 2, 1, 3]], r"crosses .* at \(2, 2\)"),
        (np.array([[0.0, 0], [1, 0], [0, np.inf]]), r"point 3 is \(0, inf\)"),
        (SQUARE[:2], "2 distinct points"),
        (np.pad(np.zeros((4, 4), bool), 2, constant_values=True), "border is inside"),
        (np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1), "its outline is open"),
        (np.zeros((0, 2)), "no points"),
    ],
)
def test_arrays_that_are_no_outline_are_refused(array, message, tmp_path):
    np.save(tmp_path / "array.npy", array)
    with pytest.raises(ValueError, match=rf"array\.npy.*({message})"):
        read_mesh(tmp_path / "array.npy")


def test_blank_and_foreign_pictures_are_refused(tmp_path):
    for value, message in ((0, "no pixel"), (255, "every pixel")):
        Image.fromarray(np.full((8, 9), value, np.uint8)).save(tmp_path / "flat.png")
        with pytest.raises(ValueError, match=rf"flat\.png.*{message}"):
            read_mesh(tmp_path / "flat.png")
    for suffix in OUTLINE_SUFFIXES:
        (tmp_path / f"text{suffix}").write_text("neither numbers nor pictures")
        for name in (f"text{suffix}", f"none{suffix}"):
            with pytest.raises(ValueError, match=name):
                read_mesh(tmp_path / name)


def test_a_loop_of_points_in_either_direction(tmp_path):
    for points in (SQUARE, SQUARE[::-1], np.concatenate([SQUARE, SQUARE[:1]]), SQUARE.astype(int)):
        np.save(tmp_path / "loop.npy", points)
        mesh = read_mesh(tmp_path / "loop.npy")
        assert len(mesh.faces) == 4 and mesh.is_closed() and mesh.volume() == 16


def test_one_long_edge_closes_where_the_first_point_is_repeated(tmp_path):
    angles = np.linspace(0, np.pi, 50)  # of half a disc, whose flat side is open
    half = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.save(tmp_path / "half.npy", half)
    with pytest.raises(
        ValueError, match=r"is open: .*; if .* closed, repeat the first point at th"
    ):
        read_mesh(tmp_path / "half.npy")
    np.save(tmp_path / "half.npy", np.concatenate([half, half[:1]]))
    mesh = read_mesh(tmp_path / "half.npy")
    assert mesh.is_closed() and mesh.volume() == pytest.approx(np.pi / 2, rel=0.01)


def test_edges_are_turned_and_checked_only_where_they_must(tmp_path):
    inner = SQUARE / 4 + 1
    index = np.arange(4)
    edges = np.stack([index, (index + 1) % 4], axis=1)
    both = Mesh(np.concatenate([SQUARE, inner]), np.concatenate([edges, edges + 4]))
    write_mesh(both, tmp_path / "filled.npz")  # closed and positive: the non-zero rule
    assert read_mesh(tmp_path / "filled.npz").volume() == 17
    write_mesh(Mesh(both.vertices, both.faces[:, ::-1]), tmp_path / "inverse.npz")
    assert read_mesh(tmp_path / "inverse.npz").volume() == 15
    mixed = both.faces.copy()
    mixed[1] = mixed[1, ::-1]
    write_mesh(Mesh(both.vertices, mixed), tmp_path / "mixed.npz")
    mesh = read_mesh(tmp_path / "mixed.npz")
    assert mesh.is_closed() and mesh.volume() == 15
    write_mesh(Mesh(both.vertices, both.faces[1:]), tmp_path / "open.npz")
    with pytest.raises(ValueError, match=r"open\.npz.*the outline is open: a segment ends at"):
        read_mesh(tmp_path / "open.npz")
    kite = Mesh(np.array([(0.0, 0), (4, 4), (4, 0), (0, 1)]), edges)
    with pytest.raises(ValueError, match=r"loop 1 crosses or touches itself at \(0\.8, 0\.8\)"):
        check_outline(kite)
    check_outline(both)


def test_outlines_can_be_normalised_and_measured(tmp_path):
    mesh = svg('<path d="M0 0 H4 V4 H0 Z M1 1 H2 V2 H1 Z"/>', tmp_path)
    mesh = fit_box(mesh).apply_mesh(mesh)
    # the hole's corner (1, 1) from the top left is at (-0.45, 0.45)
    distance = signed_distance(mesh, np.array([[-0.225, 0.225], [-0.9, 0.0], [0.5, -0.5]]))
    np.testing.assert_allclose(distance, [0.225, 0, -0.4], atol=1e-12)
