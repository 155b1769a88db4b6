from collections import Counter

import numpy as np
import pytest

from inr.shapes.formats.airfoil import read_airfoil
from inr.shapes.mesh import Mesh, read_mesh
from inr.shapes.procedural.naca import naca4
from tests.support.paths import SHARED

REAL = SHARED / "data" / "airfoils"
# anticlockwise from the upper trailing edge: Selig's order
WING = naca4(0.04, 0.4, 0.12, 41, closed_trailing_edge=False).vertices
NOSE = 40
UPPER, LOWER = WING[NOSE::-1], WING[NOSE:]


def rows(points, pattern="{:.6f} {:.6f}"):
    return "".join(pattern.format(*point) + "\n" for point in points)


def read(text, folder, encoding="utf-8"):
    (folder / "wing.dat").write_bytes(text.encode(encoding))
    return read_mesh(folder / "wing.dat")


SELIG = "NACA 4412\n" + rows(WING)
LEDNICER = f"NACA 4412\n {len(UPPER)}. {len(LOWER)}.\n\n{rows(UPPER)}\n{rows(LOWER)}"
FILES = {
    "selig": SELIG,
    "no title": rows(WING),
    "lednicer": LEDNICER,
    "lednicer without blank lines": LEDNICER.replace("\n\n", "\n"),
    "lednicer, integers": LEDNICER.replace(".\n\n", "\n\n").replace(". ", " ", 1),
    "lednicer, lower side first": f"x\n{len(LOWER)} {len(UPPER)}\n{rows(LOWER)}\n{rows(UPPER)}",
    "lednicer, no counts": f"x\n{rows(UPPER)}\n{rows(LOWER)}",
    "lednicer, wrong counts": f"x\n99. 99.\n\n{rows(UPPER)}\n{rows(LOWER)}",
    "counts, then round": f"x\n{NOSE + 1} {NOSE}\n{rows(WING)}",
    "both from the trailing edge": f"x\n{rows(UPPER[::-1])}\n{rows(LOWER[::-1])}",
    "from the nose": f"x\n{rows(np.roll(WING, -NOSE, axis=0))}",
    "clockwise": "x\n" + rows(WING[::-1]),
    "first point again": SELIG + rows(WING[:1]),
    "every point twice": "x\n" + rows(np.repeat(WING, 2, axis=0)),
    "commas": "x\n" + rows(WING, "{:.6f}, {:.6f}"),
    "decimal commas": "x\n" + rows(WING).replace(".", ","),
    "decimal commas and semicolons": "x\n" + rows(WING, "{:.6f};{:.6f}").replace(".", ","),
    "tabs and trailing blanks": "x\n" + rows(WING, "\t{:.6f}\t{:.6f}  "),
    "Windows": SELIG.replace("\n", "\r\n"),
    "Fortran": "x\n" + rows(WING, "{:.6E} {:.6E}").replace("E", "D"),
    "parentheses": "x\n" + rows(WING[:1], "{:.6f} ({:.6f})") + rows(WING[1:]),
    "a table's gaps": "x\n1.0000  ......\n" + rows(WING[:9]) + "0.9 ---\n" + rows(WING[9:]),
    "comments": "# made by hand\n! 4412\n" + rows(WING, "{:.6f} {:.6f} # a point"),
    "prose": f"Of 1933,\nby 4\n{rows(WING[:7])}upper side\n{rows(WING[7:])}\n12% thick\n2 of 3 ...",
    "MSES grid": "x\n -2.0  3.0  -2.5  3.5\n" + rows(WING),
    "blank lines": "\n\nx\n\n" + rows(WING).replace("\n", "\n\n"),
}


def assert_same_shape(mesh, points):
    """Compare area, outline and direction with those of the loop through points."""
    index = np.arange(len(points))
    ground_truth = Mesh(points, np.stack([index, np.roll(index, -1)], axis=1))
    assert mesh.is_closed()
    assert mesh.volume() == pytest.approx(ground_truth.volume(), rel=1e-4)
    assert mesh.face_areas().sum() == pytest.approx(ground_truth.face_areas().sum(), rel=1e-5)
    np.testing.assert_allclose(mesh.bounds, ground_truth.bounds, atol=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_files_as_people_write_them(name, tmp_path):
    assert_same_shape(read(FILES[name], tmp_path), WING)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_old_and_new_text(encoding, tmp_path):
    assert_same_shape(read("Tragflügel\n" + rows(WING), tmp_path, encoding), WING)


@pytest.mark.parametrize("scale", [100.0, 1000.0, 0.01])
@pytest.mark.parametrize("order", ["selig", "lednicer"])
def test_any_unit(scale, order, tmp_path):
    text = "x\n" + rows(WING * scale, "{:.8g} {:.8g}")
    if order == "lednicer":
        surfaces = [rows(side * scale, "{:.8g} {:.8g}") for side in (UPPER, LOWER)]
        text = f"x\n{len(UPPER)} {len(LOWER)}\n" + "\n".join(surfaces)
    assert_same_shape(Mesh(*scaled(read(text, tmp_path), scale)), WING)


def scaled(mesh, scale):
    return mesh.vertices / scale, mesh.faces


def test_a_flat_lower_side_of_two_points_is_no_second_surface(tmp_path):
    points = np.array([(1, 0), (0.7, 0.1), (0.3, 0.12), (0.05, 0.06), (0, 0), (1, 0)])
    assert_same_shape(read("wedge\n" + rows(points), tmp_path), points)


def test_an_open_nose_is_closed_by_an_edge():
    outline = read_airfoil(
        f"x\n{len(UPPER) - 1} {len(LOWER) - 1}\n{rows(UPPER[1:])}\n{rows(LOWER[1:])}"
    )
    assert len(outline) == len(WING) - 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 lines with two numbers"),
        ("The quick brown fox\njumps over 1 lazy dog\n", "has 0 lines"),
        ("x\n1 0\n0 0\n", "has 2 lines"),
        (SELIG.replace(rows(WING[5:6]), "0.9 0.0x\n"), "line 7 is between points"),
        (SELIG.replace(rows(WING[5:6]), "0.93\n"), "line 7 is between points"),
        (SELIG.replace(rows(WING[5:6]), "0.93 0.01 0.0\n"), "line 7 is between points"),
        ("x\n" + rows(WING, "{:.6f} {:.6f} 0.0"), "line 2, .* is not a point"),
        (SELIG.replace(rows(WING[5:6]), "nan 0.1\n"), "line 7 has a non-finite number"),
        (SELIG.replace(rows(WING[5:6]), "98765 0.1\n"), r"line 7 has the point \(98765, 0.1\)"),
        (f"x\n30 40\n{rows(UPPER)}{rows(LOWER)}", "line 2 announces 30 and 40 points, but 82"),
        ("x\n" + rows(WING[:-9]), r"12\.2% of the chord from there: points are missing"),
        ("x\n" + rows(WING[: NOSE + 1]), "points are missing"),
        (SELIG.replace(rows(WING[20:21]), "0.500000 0.500000\n"), r"turns by .* at \(0.5, 0.5\)"),
        ("x\n" + rows(WING[np.lexsort(WING.T[::-1])]), "points are (out of order|missing)"),
        ("x\n" + rows(WING * [1, 0]), "encloses no area|turns"),
        ("x\n" + rows(WING[[0, 0, 0, 0]]), "1 distinct points"),
    ],
)
def test_broken_files_are_refused_with_the_reason(text, message, tmp_path):
    with pytest.raises(ValueError, match=rf"wing\.dat.*({message})"):
        read(text, tmp_path)


def test_surfaces_that_cross_are_refused_where_they_do(tmp_path):
    crossing = WING.copy()
    crossing[2, 1], crossing[-3, 1] = WING[-3, 1], WING[2, 1]
    with pytest.raises(ValueError, match=r"crosses or touches itself at \(0\.99"):
        read("x\n" + rows(crossing), tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real airfoils at {REAL}")
def test_real_airfoils():
    refused, areas, chords = {}, [], []
    paths = sorted(REAL.glob("*.dat"))
    for path in paths:
        try:
            mesh = read_mesh(path)
        except ValueError as error:
            refused[path.name] = str(error)
            continue
        areas.append(mesh.volume())
        chords.append(np.ptp(mesh.bounds[:, 0]))
        assert mesh.is_closed(), path.name
    print(f"{len(areas)} accepted;", Counter(refused.values()))
    # its lower side ends at 86 % of the chord
    assert set(refused) == {"mh112.dat"}
    assert "13.8% of the chord from there: points are missing" in refused["mh112.dat"]
    assert len(areas) == len(paths) - 1
    assert np.abs(np.subtract(chords, 1)).max() < 0.02
    assert min(areas) > 0.005 and max(areas) < 0.6
