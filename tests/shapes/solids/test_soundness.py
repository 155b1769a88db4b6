import numpy as np
import pytest

from inr.data.prepare.inside import orient
from inr.shapes.composite import without_parts
from inr.shapes.mesh import Mesh, check_outline, read_mesh
from inr.shapes.solids.soundness import is_boundary, may_be_closed
from tests.support.meshes import icosphere, inverted, join, square
from tests.support.paths import SHARED
from tests.support.soups import SOLIDS_2D, SOLIDS_3D, box, loop, random_rotation


def doubled(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, np.concatenate([mesh.faces, mesh.faces[:, ::-1]]))


AIRFOILS = SHARED / "data" / "airfoils"
TURN = random_rotation(1)
CUBE = box(0.3)
BOUNDARIES = {
    **{name: solid.mesh for name, solid in (SOLIDS_3D | SOLIDS_2D).items()},
    "cube along the grid": CUBE,
    "cavity": join(icosphere(0.8), inverted(icosphere(0.4))),
    "apart": join(CUBE, box(0.2, (0.6, 0.0, 0.0))),
    "a hair apart": join(CUBE, box(0.3, (0.6 + 1e-6, 0.0, 0.0))),
    "thin": box((0.5, 0.5, 1e-4), rotation=TURN),
    "square with a hole": join(square((0.0, 0.0), 0.8), inverted(square((0.0, 0.0), 0.3))),
}
OTHERS = {
    "open": Mesh(CUBE.vertices, CUBE.faces[1:]),
    "doubled sheet": doubled(Mesh(CUBE.vertices, CUBE.faces[:2])),
    "doubled cube": doubled(CUBE),
    "twice": join(CUBE, CUBE),
    "inward": inverted(CUBE),
    "inward ball": inverted(icosphere(0.5)),
    "overlapping": join(CUBE, box(0.3, (0.25, 0.1, 0.05))),
    "overlapping, rotated": join(CUBE, box((0.1, 0.1, 0.5), rotation=TURN)),
    "touching": join(CUBE, box(0.3, (0.6, 0.0, 0.0))),
    "touching, rotated": join(
        box(0.3, rotation=TURN), box(0.3, TURN @ [0.6, 0.0, 0.0], rotation=TURN)
    ),
    "one in the other, both outward": join(icosphere(0.8), icosphere(0.4)),
    "inward inner alone": join(icosphere(0.3), inverted(icosphere(0.2, (0.6, 0.0, 0.0)))),
    "flat": Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2], [0, 2, 1]])),
    "a point": Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])),
    "open outline": Mesh(square((0.0, 0.0), 0.5).vertices, square((0.0, 0.0), 0.5).faces[1:]),
    "inward outline": inverted(loop(0.5, 20)),
    "doubled outline": doubled(loop(0.5, 20)),
    "touching outlines": join(square((0.0, 0.0), 0.3), square((0.6, 0.0), 0.3)),
    "overlapping outlines": join(square((0.0, 0.0), 0.3), square((0.2, 0.1), 0.3)),
    "figure of eight": Mesh(
        np.array([[-0.5, -0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, 0.5]]),
        np.array([[0, 1], [1, 2], [2, 3], [3, 0]]),
    ),
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_boundaries_of_solids(name):
    assert may_be_closed(BOUNDARIES[name])
    assert is_boundary(BOUNDARIES[name])


@pytest.mark.parametrize("name", OTHERS)
def test_what_bounds_no_solid(name):
    assert not is_boundary(OTHERS[name])


def test_closed_meshes_that_cross_themselves():
    ball = icosphere(0.5, subdivisions=4)
    # the top is pulled through the bottom
    high = ball.vertices[:, 2].clip(0.3) - 0.3
    mesh = Mesh(ball.vertices - high[:, None] * [0.0, 0.0, 7.0], ball.faces)
    assert mesh.is_closed() and may_be_closed(mesh)
    assert not is_boundary(mesh)


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_sharp_trailing_edges(power):
    """Their sides touch, to rounding, over a few lines of the grid."""
    x = np.linspace(0, 1, 2001)[1:]
    half = 0.3 * x**power * (1 - x) ** 0.5
    sides = [np.stack([x, side * half], axis=1) for side in (-1, 1)]
    points = np.concatenate([[[0.0, 0.0]], sides[0][:-1], sides[1][::-1]])
    index = np.arange(len(points))
    mesh = Mesh(points, np.stack([index, np.roll(index, -1)], axis=1))
    check_outline(mesh)
    assert is_boundary(mesh)


@pytest.mark.skipif(not AIRFOILS.is_dir(), reason="the real airfoils are not here")
def test_real_airfoils_stay_as_they_are():
    signs = []
    for path in sorted(AIRFOILS.glob("*.dat")):
        try:
            mesh = read_mesh(path)
        except ValueError:
            continue
        shape, sign, changes = orient(without_parts(mesh), "auto")
        assert shape.mesh is mesh and not changes
        signs.append(sign)
    assert len(signs) > 2000 and set(signs) == {"winding"}


def test_edges_of_an_odd_number_of_faces():
    assert not may_be_closed(OTHERS["open"])
    assert not may_be_closed(OTHERS["open outline"])
    assert may_be_closed(OTHERS["doubled sheet"]) and may_be_closed(OTHERS["inward"])
    turned = CUBE.faces.copy()
    turned[::3] = turned[::3, ::-1]
    assert may_be_closed(Mesh(CUBE.vertices, turned))
    assert not is_boundary(Mesh(CUBE.vertices, turned))
