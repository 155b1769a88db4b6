from itertools import product

import numpy as np
import pytest
import shapely
import trimesh

from inr.shapes.mesh import Mesh
from inr.shapes.nearest import nearest_on_mesh
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import signed_distance, unsigned_distance
from inr.shapes.solids.enclosure import Enclosure, enclose
from tests.support.meshes import distance_to_box, from_trimesh, inverted, join, square
from tests.support.soups import (
    SOLIDS_2D,
    SOLIDS_3D,
    WAYS,
    Solid,
    box,
    random_rotation,
    rectangle,
    worsen,
)

GAP, THICKNESS, STEP = 0.03, 0.02, 2 / 256
# each way with and without each other one: the rows of an orthogonal array, and all together
PAIRS = [
    [
        way
        for way, chosen in zip(WAYS, (a, b, a ^ b, c, a ^ c, b ^ c, a ^ b ^ c), strict=True)
        if chosen
    ]
    for a, b, c in product((0, 1), repeat=3)
]


def solid_of(mesh: Mesh, **changes) -> Enclosure:
    return enclose(mesh, **{"gap": GAP, "thickness": THICKNESS, "step": STEP, **changes})


def assert_right(solid: Solid, ways, *, num: int, atol: float) -> None:
    soup = worsen(solid, ways, gap=GAP)
    found = solid_of(soup.mesh).mesh
    assert found.is_closed()
    rng = np.random.default_rng(1)
    near = sample_surface(soup.solid, num, rng)[0]
    near += rng.normal(scale=0.05, size=near.shape)
    points = np.concatenate([near, rng.uniform(-1, 1, near.shape)])
    true, distance = soup.distance(points, THICKNESS), signed_distance(found, points)
    is_wrong = (true < 0) != (distance < 0)
    assert is_wrong[np.abs(true) > STEP / 2].mean() <= 1e-3, ways
    error = np.abs(true - distance)
    places = nearest_on_mesh(soup.solid, points), nearest_on_mesh(found, points)
    is_wall = soup.is_wall(places[0], 2 * STEP) & soup.is_wall(places[1], 2 * STEP)
    assert is_wall.mean() > 0.05
    assert error[is_wall].max() < atol, ways
    assert error.max() < GAP / 2, ways


@pytest.mark.parametrize("name", SOLIDS_2D)
@pytest.mark.parametrize("doubled", [False, True])
def test_outlines_made_worse_in_every_combination(name, doubled):
    for chosen in product((False, True), repeat=len(WAYS) - 1):
        ways = [way for way, is_on in zip(WAYS, (doubled, *chosen), strict=True) if is_on]
        assert_right(SOLIDS_2D[name], ways, num=1000, atol=1e-3)


@pytest.mark.parametrize("number", range(len(PAIRS) + 1))
def test_solids_made_worse(number):
    ways = [*PAIRS, WAYS][number]
    name = ["ball", "rotated box", "torus"][number % 3]
    # where no corner of the grid is in a sharp edge, it is cut, by less than half a cell
    assert_right(SOLIDS_3D[name], ways, num=3000, atol=STEP / 2 if "box" in name else 1e-3)


def test_a_solid_beside_a_ground_plane():
    """The plane becomes a shell, and the walls of the solid stay to the last digit."""
    half, centre = np.array([0.2, 0.25, 0.3]), np.array([0.0, 0.1, 0.0])
    ground = rectangle([-0.8, -0.4, -0.8], [1.6, 0, 0], [0, 0, 1.6], 2)
    found = solid_of(join(box(half, centre), ground))
    assert found.fractions["sheet"] == pytest.approx(2.56 / 4.04)
    assert found.fractions["buried"] == found.fractions["bridged"] == 0
    upper = found.mesh.vertices[found.mesh.vertices[:, 1] > -0.2]
    np.testing.assert_allclose(distance_to_box(upper, half, centre), 0, atol=1e-6)
    shell = found.mesh.vertices[found.mesh.vertices[:, 1] < -0.2]
    np.testing.assert_allclose(unsigned_distance(ground, shell), THICKNESS / 2, atol=STEP / 2)
    assert found.volume == pytest.approx(8 * half.prod() + 1.6**2 * THICKNESS, rel=0.03)
    only = solid_of(join(box(half, centre), ground), thickness=0.0)
    np.testing.assert_allclose(distance_to_box(only.mesh.vertices, half, centre), 0, atol=1e-6)
    assert only.volume == pytest.approx(8 * half.prod(), rel=1e-6)


def slit_box(width: float) -> Mesh:
    """A box whose lid is in halves, a slit of this width between them."""
    walls = box(0.3)
    walls = Mesh(walls.vertices, walls.faces[walls.corners()[:, :, 2].min(axis=1) < 0.29])
    half = 0.3 - width / 2
    lids = [rectangle([x, -0.3, 0.3], [half, 0, 0], [0, 0.6, 0]) for x in (-0.3, width / 2)]
    return join(walls, *lids)


@pytest.mark.parametrize(("width", "is_closed"), [(0.01, True), (0.028, True), (0.036, False)])
def test_slits_are_closed_up_to_the_gap(width, is_closed):
    found = solid_of(slit_box(width))
    middle = signed_distance(found.mesh, np.zeros((1, 3)))[0]
    if not is_closed:
        assert middle > 0 and found.fractions["sheet"] > 0.99
        return
    assert middle == pytest.approx(-0.3, abs=1e-3) and found.fractions["wall"] > 0.99
    assert found.volume == pytest.approx(0.6**3, rel=1e-2)
    assert found.held_by_gaps > 0.9
    assert solid_of(slit_box(width), gap=0.0).fractions["sheet"] > 0.99


@pytest.mark.parametrize("seed", range(2))
def test_dead_ends_of_rotated_solids_stay_outside(seed):
    turn = random_rotation(seed)
    walls = slotted(0.03 if seed else 0.024, np.eye(2))
    made = trimesh.creation.extrude_polygon(shapely.Polygon(walls.vertices), 0.3)
    mesh = from_trimesh(made)
    mesh = Mesh((mesh.vertices - [0, 0, 0.15]) @ turn.T, mesh.faces)
    assert solid_of(mesh).volume == pytest.approx(mesh.volume(), rel=3e-3)


def slotted(width: float, turn: np.ndarray) -> Mesh:
    """A square with a slot, a dead end of this width."""
    half = width / 2
    corners = [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [half, 0.5]]
    corners += [[half, -0.2], [-half, -0.2], [-half, 0.5], [-0.5, 0.5]]
    index = np.arange(8)
    return Mesh(np.array(corners) @ turn.T, np.stack([index, (index + 1) % 8], axis=1))


@pytest.mark.parametrize("width", [0.012, 0.024, 0.028, 0.032, 0.036, 0.04])
@pytest.mark.parametrize("angle", [0.0, 0.3, 0.7])
def test_dead_ends_stay_outside(width, angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mesh = slotted(width, turn)
    found = solid_of(mesh)
    in_slot = np.stack([np.zeros(50), np.linspace(-0.19, 0.49, 50)], axis=1) @ turn.T
    true = signed_distance(mesh, in_slot)
    np.testing.assert_allclose(signed_distance(found.mesh, in_slot), true, atol=2e-3)
    assert found.volume == pytest.approx(mesh.volume(), rel=1e-3)


@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_plates_stay_solid_at_their_own_thickness(seed):
    turn = np.eye(3) if seed is None else random_rotation(seed)
    half = np.array([0.3, 0.2, 0.006])
    found = solid_of(box(half, rotation=turn))
    assert found.fractions["wall"] > 0.999
    assert found.volume == pytest.approx(8 * half.prod(), rel=1e-2)
    off = np.abs(distance_to_box(found.mesh.vertices @ turn, half))
    assert off.max() < STEP / 2 and np.quantile(off, 0.9) < 5e-4


def test_sheets_alone_are_shells_or_nothing():
    triangle = Mesh(np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.5, 0.1]]), np.array([[0, 1, 2]]))
    flat = join(
        rectangle([-0.5, -0.5, 0.1], [1.0, 0, 0], [0, 0.5, 0], 3),
        rectangle([-0.2, -0.3, 0.1], [0.5, 0.1, 0], [0.1, 0.6, 0], 2),
    )
    for mesh in (triangle, flat, Mesh(flat.vertices, flat.faces[:, ::-1])):
        found = solid_of(mesh)
        assert found.fractions["sheet"] == 1.0
        assert found.mesh.is_closed()
        points = sample_surface(found.mesh, 2000, np.random.default_rng(0))[0]
        off = unsigned_distance(mesh, points)
        np.testing.assert_allclose(off, THICKNESS / 2, atol=STEP / 2)
        assert np.median(off) == pytest.approx(THICKNESS / 2, abs=1e-4)
        assert unsigned_distance(found.mesh, mesh.vertices).max() < THICKNESS / 2 + STEP / 2
        with pytest.raises(ValueError, match=r"encloses nothing.*data\.thickness=0\.02"):
            solid_of(mesh, thickness=0.0)


def test_degenerate_and_repeated_faces_change_nothing():
    ball = SOLIDS_3D["ball"].mesh
    num = len(ball.vertices)
    lone = np.array([[0.2, 0.1, 0.0], [0.21, 0.1, 0.0]])
    faces = np.concatenate(
        [
            ball.faces,
            ball.faces[:50, [1, 2, 0]],
            ball.faces[30:90, ::-1],
            [[0, 0, 1], [3, 3, 3], [num, num + 1, num], [num, num, num + 1]],
        ]
    )
    found = solid_of(Mesh(np.concatenate([ball.vertices, lone]), faces))
    plain = solid_of(ball)
    assert found.mesh.is_closed()
    assert found.volume == pytest.approx(plain.volume, rel=1e-3)
    np.testing.assert_allclose(unsigned_distance(ball, found.mesh.vertices), 0, atol=1e-3)


def test_nothing_but_faces_without_area():
    mesh = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    line = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0.5, 0, 0]]), np.array([[0, 1, 2]]))
    for nothing in (mesh, line):
        with pytest.raises(ValueError, match="none of its faces has an area"):
            solid_of(nothing)


def test_outlines_that_are_open_doubled_or_cross_themselves():
    ring = square((0.0, 0.0), 0.5)
    open_ring = Mesh(ring.vertices, ring.faces[:3])
    assert solid_of(open_ring).fractions["sheet"] > 0.99
    assert solid_of(open_ring).volume == pytest.approx(3 * THICKNESS, rel=0.05)
    for mesh in (join(ring, inverted(ring)), join(ring, ring), inverted(ring)):
        assert solid_of(mesh).volume == pytest.approx(1.0, rel=1e-6)
    eight = Mesh(np.array([[-0.5, -0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, 0.5]]), ring.faces)
    assert solid_of(eight).volume == pytest.approx(0.5, rel=1e-3)
    overlapping = join(ring, square((0.3, 0.2), 0.5))
    found = solid_of(overlapping)
    assert found.volume == pytest.approx(2 - 0.7 * 0.8, rel=1e-6)
    assert found.fractions["buried"] == pytest.approx(0.375, abs=0.02)
