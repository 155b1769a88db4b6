import math
import sys

import numpy as np
import pytest

from inr.shapes.mesh import read_mesh
from inr.shapes.sdf import is_inside

NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(drawn, folder):
    path = folder / "drawing.svg"
    path.write_text(f'<svg {NAMES} viewBox="0 0 9 9">{drawn}</svg>')
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
    "use": (
        '<defs><rect id="a" width="2" height="3"/></defs><use href="#a" x="4" y="1"/>',
        6,
        (4, -4, 6, -1),
    ),
    "use, of before": (
        '<rect id="a" width="2" height="3"/><use xlink:href="#a" x="4"/>',
        12,
        (0, -3, 6, 0),
    ),
    "use, transformed": (
        '<defs><path id="a" d="M0 0 H2 V3 H0 Z"/></defs>'
        '<use href="#a" x="1" transform="rotate(90) scale(2)"/>',
        24,
        (-6, -6, 0, -2),
    ),
    "use, of a group in a group": (
        '<defs><circle id="c" r="1"/><g id="two"><use href="#c"/>'
        '<use href="#c" x="5"/></g></defs><g transform="scale(2)"><use href="#two" y="1"/>'
        '<use href="#two" y="5"/></g>',
        16 * math.pi,
        (-2, -12, 12, 0),
    ),
    "use, of what comes later": (
        '<use href="#a" y="9"/><g id="a"><rect width="2" height="3"/></g>',
        12,
        (0, -12, 2, 0),
    ),
    "use, of a symbol": (
        '<symbol id="s"><rect width="2" height="3"/></symbol><use href="#s" x="1"/>',
        6,
        (1, -3, 3, 0),
    ),
    # a box of 10 x 20 into 5 x 5: a quarter of its size, in the middle
    "use, of a symbol with a box": (
        '<symbol id="s" viewBox="-1 -1 10 20"><rect width="8" height="4"/></symbol>'
        '<use href="#s" x="1" y="2" width="5" height="5"/>',
        2,
        (2.5, -3.25, 4.5, -2.25),
    ),
    "use, of a symbol stretched": (
        '<symbol id="s" viewBox="0 0 10 20" preserveAspectRatio="none" width="5" height="5">'
        '<rect width="10" height="20"/></symbol><use href="#s"/>',
        25,
        (0, -5, 5, 0),
    ),
    "use, of a symbol in a corner": (
        '<symbol id="s" viewBox="0 0 10 20" preserveAspectRatio="xMaxYMin slice">'
        '<rect width="10" height="20"/></symbol><use href="#s" width="5" height="5"/>',
        50,
        (0, -10, 5, 0),
    ),
    "use, hidden": (
        '<rect width="2" height="2"/><use href="#none" display="none"/>',
        4,
        (0, -2, 2, 0),
    ),
    "hidden": (
        '<rect width="2" height="2"/><rect display="none" width="9" height="1"/>'
        '<g style="display: none"><path d="M0 0 1 1"/></g><defs><circle r="9"/></defs>',
        4,
        (0, -2, 2, 0),
    ),
}


@pytest.mark.parametrize("name", SVG)
def test_svg(name, tmp_path):
    drawn, area, bounds = SVG[name]
    mesh = svg(drawn, tmp_path)
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
    ("drawn", "message"),
    [
        ('<path id="wing" d="M0 0 L1 0 L1 1"/>', r"<path> 'wing': its outline is open: .*\(1, 1\)"),
        ('<polyline points="0 0 1 0 1 1"/>', "<polyline> number 1: its outline is open"),
        ('<rect width="1" height="1"/><line x2="1"/>', "<line> number 2: its outline is open"),
        ('<path d="M0 0 L4 4 4 0 0 4 Z"/>', r"<path> number 1 crosses .* at \(2, 2\)"),
        ('<path d="M0 0H4V4H0Z M2 2H5V5H2Z"/>', r"loop 1 and <path> number 1, loop 2 cross at"),
        ('<use href="#a"/>', "<use> of '#a', which is not in the file"),
        ('<use href="other.svg#a"/>', r"<use> of 'other.svg#a', which is not in the file"),
        ('<symbol id="s" viewBox="0 0 0 5"/><use href="#s"/>', "viewBox '0 0 0 5', without area"),
        ("<use/>", "<use> of '', which is not in the file"),
        ('<g id="a"><use href="#a"/></g>', "<use> of '#a', which contains it"),
        ('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>', "which contains it"),
        ('<use x="3cm" href="#a"/><rect id="a" width="1" height="1"/>', "x='3cm' is not a number"),
        ('<defs><text id="a">hi</text></defs><use href="#a"/>', "<text>, which cannot be read"),
        ("<g><text>hi</text></g>", "<text>, which cannot be read; convert it to a path"),
        ('<rect width="2cm" height="1"/>', "width='2cm' is not a number"),
        ('<rect width="1" height="1" transform="bend(3)"/>', "transform 'bend' of 1 numbers"),
        ('<rect width="1" height="1" transform="scale"/>', "transform 'scale' cannot be read"),
        ('<path d="M0 0 L1"/>', "its path cannot be read"),
        ("", "no closed outline"),
        ("<g>", "not an SVG drawing"),
    ],
)
def test_svg_that_is_no_outline_is_refused(drawn, message, tmp_path):
    with pytest.raises(ValueError, match=f"drawing.svg.*{message}"):
        svg(drawn, tmp_path)


def test_svg_without_its_package_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "svg.path", None)
    with pytest.raises(ValueError, match=r"pip install svg\.path"):
        svg('<rect width="1" height="1"/>', tmp_path)
