import numpy as np
import pytest
import shapely

from inr.shapes.mesh import Mesh
from inr.shapes.polygon import chain_edges, join_loops
from inr.shapes.sdf import signed_distance


def loop(*points):
    return np.array(points, dtype=np.float64)


def square(half, x=0.0, y=0.0):
    return half * loop((-1, -1), (1, -1), (1, 1), (-1, 1)) + [x, y]


def joined(*loops):
    return Mesh(*join_loops(loops, [f"loop {k + 1}" for k in range(len(loops))]))


@pytest.mark.parametrize("directions", [(1, 1, 1), (1, -1, 1), (-1, 1, 1), (-1, -1, -1)])
def test_nesting_decides_what_is_a_hole(directions):
    loops = [square(half)[::turn] for half, turn in zip((3, 2, 1), directions, strict=True)]
    mesh = joined(*(loops[i] for i in (1, 2, 0)))
    assert mesh.is_closed()
    assert mesh.volume() == pytest.approx(36 - 16 + 4)
    outward = np.sign(np.sum(mesh.face_normals() * mesh.corners().mean(axis=1), axis=1))
    half = np.abs(mesh.corners().mean(axis=1)).max(axis=1).round()
    np.testing.assert_array_equal(outward, np.where(half == 2, -1, 1))


def test_loops_side_by_side_are_both_outer_and_may_touch_in_a_point():
    mesh = joined(square(1), square(1, 5)[::-1], square(1, 2, 2))
    assert mesh.volume() == pytest.approx(12)


def test_repeated_points_go():
    points = np.repeat(square(1), 3, axis=0)
    vertices, edges = join_loops([np.concatenate([points, points[:1]])], ["it"])
    assert vertices.shape == (4, 2) and edges.shape == (4, 2)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(0, 0), (2, 2), (2, 0), (0, 2)], r"it crosses or touches itself at \(1, 1\)"),
        ([(0, 0), (4, 4), (4, 0), (0, 2)], r"at \(1.33333, 1.33333\)"),
        ([(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)], r"touches itself at \(2, 0\)"),
        ([(0, 0), (2, 0), (2, 2), (2, 4), (2, 2), (0, 2)], r"\(2, [24]\)"),
        ([(0, 0), (4, 0), (2, 0), (0, 4)], r"touches itself at \(2, 0\)"),
        ([(0, 0), (1, 0), (np.nan, 1)], r"point 3 is \(nan, 1\), not finite"),
        ([(0, 0), (1, 0), (0, 0)], "2 distinct points; an outline needs at least 3"),
        ([(0, 0), (1, 1), (2, 2), (3, 3)], "encloses no area"),
        ([(0, 0)] * 5, "distinct points"),
    ],
    ids=["bow-tie", "uneven", "pinch", "spike", "back", "nan", "two", "line", "point"],
)
def test_what_is_no_outline_is_refused(points, message):
    with pytest.raises(ValueError, match=message):
        join_loops([loop(*points)], ["it"])


def test_the_first_crossing_is_named():
    x = np.arange(20.0)
    zigzag = np.stack([x, np.where(x % 2, 1.0, -1.0)], axis=1)
    with pytest.raises(ValueError, match=r"at \(0\.5, 0\)"):
        join_loops([np.concatenate([zigzag, loop((19, 5), (-5, 5), (-5, 0), (25, 0))])], ["it"])


def test_loops_that_cross_or_fraction_a_side_are_refused():
    with pytest.raises(ValueError, match=r"loop 1 and loop 2 cross at"):
        joined(square(1), square(1, 1, 1))
    with pytest.raises(ValueError, match=r"loop 1 and loop 3 share a side at"):
        joined(square(1), square(1, 9), square(1, 2))
    with pytest.raises(ValueError, match="share a side"):
        joined(square(1), square(1)[::-1])
    with pytest.raises(ValueError, match="no closed outline"):
        joined()


def test_edges_in_any_order_and_direction_are_chained():
    rng = np.random.default_rng(0)
    vertices, edges = join_loops([square(3), square(1), square(1, 9)], ["a", "b", "c"])
    flip = rng.random(len(edges)) < 0.5
    edges = np.where(flip[:, None], edges[:, ::-1], edges)[rng.permutation(len(edges))]
    mesh = joined(*chain_edges(vertices, edges, noun="edge"))
    assert len(mesh.faces) == 12 and mesh.volume() == pytest.approx(36 - 4 + 4)


def test_open_and_branching_edges_are_refused():
    edges = np.array([[0, 1], [1, 2], [2, 3]])
    with pytest.raises(ValueError, match=r"open: a line ends at \(-1, -1\)"):
        chain_edges(square(1), edges, noun="line")
    with pytest.raises(ValueError, match=r"3 lines meet at \(-1, -1\)"):
        chain_edges(square(1), np.array([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]]), noun="line")


def test_distance_agrees_with_shapely():
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 120))
    star = rng.uniform(0.4, 0.95, (120, 1)) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    hole = 0.3 * np.stack([np.cos(angle[::7]), np.sin(angle[::7])], axis=1)
    mesh = joined(star, hole)
    polygon = shapely.Polygon(star, [hole])
    points = rng.uniform(-1.2, 1.2, (3000, 2))
    places = shapely.points(points)
    expected = shapely.distance(polygon.boundary, places)
    inside = shapely.contains(polygon, places)
    assert 0.2 < inside.mean() < 0.6
    np.testing.assert_allclose(
        signed_distance(mesh, points), np.where(inside, -expected, expected), atol=1e-12
    )
