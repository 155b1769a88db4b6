import numpy as np
import pytest
import shapely

from inr.shapes.formats.triangulate import triangulate

ARROW = [(0, 0), (2, 0), (0.5, 0.5), (0, 2)]  # concave at its third corner
COMB = [
    (0, 0),
    (5, 0),
    (5, 2),
    (4, 2),
    (4, 1),
    (3, 1),
    (3, 2),
    (2, 2),
    (2, 1),
    (1, 1),
    (1, 2),
    (0, 2),
]
PENTAGON = [(np.cos(a), np.sin(a)) for a in np.arange(5) * 2 * np.pi / 5]


def _turned_into_space(points, shift: int):
    """Return a polygon on a slanted plane, far from the origin, from another first corner on."""
    slanted = np.array([[0.6, 0.0, 0.8], [0.48, 0.8, -0.36]])
    return np.roll(np.asarray(points, float), shift, axis=0) @ slanted + [100, 200, 300], slanted


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("points", [ARROW, COMB, PENTAGON, COMB[:3]], ids=len)
def test_triangles_cover_the_polygon_once_whatever_the_first_corner(points, turn):
    area = shapely.Polygon(points).area
    for shift in range(len(points)):
        vertices, plane = _turned_into_space(points, shift)
        corners = np.arange(len(points))[::turn]
        faces = triangulate(vertices, np.array([len(points)]), corners)
        assert faces.shape == (len(points) - 2, 3)
        flat = (vertices - [100, 200, 300]) @ plane.T
        pieces = [shapely.Polygon(flat[face]) for face in faces]
        assert shapely.union_all(pieces).symmetric_difference(
            shapely.Polygon(flat)
        ).area == pytest.approx(0, abs=1e-9)
        assert sum(piece.area for piece in pieces) == pytest.approx(area)
        # each turns as the polygon does
        a, b = flat[faces[:, 1]] - flat[faces[:, 0]], flat[faces[:, 2]] - flat[faces[:, 0]]
        assert (turn * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) > 0).all()


def test_polygons_of_all_sizes_keep_their_order():
    vertices = np.concatenate([_turned_into_space(p, 0)[0] for p in (PENTAGON, ARROW)])
    corners = [0, 1, 2, 3, 4, 5, 6, 5, 6, 7, 8, 0, 1, 2]
    faces = triangulate(vertices, np.array([5, 2, 4, 3]), np.array(corners))
    assert [set(face) <= {0, 1, 2, 3, 4} for face in faces] == [True] * 3 + [False] * 2 + [True]
    np.testing.assert_array_equal(faces[-1], [0, 1, 2])
    assert triangulate(vertices, np.array([], int), np.array([], int)).shape == (0, 3)
    with pytest.raises(ValueError, match="does not have"):
        triangulate(vertices, np.array([3]), np.array([0, 1, 9]))


def test_polygons_without_a_plane_get_some_triangles():
    line = np.outer(np.arange(6.0), [1, 1, 0])
    broken = np.full((6, 3), np.nan)
    for vertices in (line, np.zeros((6, 3)), broken):
        assert triangulate(vertices, np.array([6]), np.arange(6)).shape == (4, 3)
