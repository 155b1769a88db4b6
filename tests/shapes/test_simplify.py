import numpy as np
import pytest

from inr.shapes.mesh import Mesh
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import unsigned_distance
from inr.shapes.simplify import simplify
from tests.support.meshes import icosphere, inverted, join, square
from tests.support.soups import box, loop


def largest_distance(one: Mesh, other: Mesh) -> float:
    points = [sample_surface(mesh, 20_000, np.random.default_rng(0))[0] for mesh in (one, other)]
    both = unsigned_distance(other, points[0]).max(), unsigned_distance(one, points[1]).max()
    return float(max(both))


@pytest.mark.parametrize("tolerance", [1e-4, 1e-3, 1e-2])
def test_a_ball_stays_within_the_tolerance(tolerance):
    ball = icosphere(0.7, subdivisions=5)
    found = simplify(ball, tolerance)
    assert found.is_closed()
    assert largest_distance(found, ball) < 2 * tolerance
    assert found.volume() == pytest.approx(ball.volume(), rel=10 * tolerance)
    if tolerance == 1e-2:
        assert len(found.faces) < len(ball.faces) / 3


def test_planes_lose_their_faces_and_edges_stay():
    fine = box((0.6, 0.3, 0.4), subdivisions=5)
    found = simplify(fine, 1e-3)
    assert found.is_closed() and len(found.faces) < len(fine.faces) / 10
    assert largest_distance(found, fine) < 1e-3
    assert found.volume() == pytest.approx(8 * 0.6 * 0.3 * 0.4, rel=1e-3)


def test_what_cannot_lose_faces_stays():
    tetrahedron = Mesh(
        np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]),
    )
    found = simplify(tetrahedron, 1e-3)
    assert found.is_closed()
    assert found.volume() == pytest.approx(1 / 6)


def test_outlines_keep_only_their_corners():
    outer, hole = square((0.0, 0.0), 0.8), square((0.1, 0.2), (0.3, 0.2))
    plain = join(outer, inverted(hole))
    start, end = plain.corners().transpose(1, 0, 2)
    steps = np.linspace(0, 1, 17)[:-1, None, None]
    points = (start + steps * (end - start)).transpose(1, 0, 2).reshape(-1, 2)
    first = {tuple(point): number for number, point in enumerate(points)}
    faces = [(i, i + 1 if i % 16 < 15 else first[tuple(end[i // 16])]) for i in range(128)]
    fine = Mesh(points, np.array(faces))
    assert fine.is_closed()
    found = simplify(fine, 1e-3)
    assert len(found.vertices) == len(found.faces) == 8
    assert found.is_closed() and found.volume() == pytest.approx(plain.volume())
    assert largest_distance(found, plain) < 1e-12


def test_outlines_that_turn_everywhere_stay():
    ring = loop(0.7, 100)
    found = simplify(ring, 1e-3)
    assert len(found.faces) == 100 and found.volume() == pytest.approx(ring.volume())
