import numpy as np
import pytest

from inr.shapes.mesh import Mesh
from inr.shapes.sdf import unsigned_distance
from inr.shapes.subdivide import subdivide
from tests.support.meshes import icosphere, square
from tests.support.soups import box


@pytest.mark.parametrize(
    "mesh", [box((0.5, 0.01, 0.3)), icosphere(0.7, subdivisions=1), square((0.2, 0.0), (0.7, 0.1))]
)
@pytest.mark.parametrize("longest", [0.05, 0.3, 5.0])
def test_the_surface_stays_in_short_faces(mesh, longest):
    found, parent = subdivide(mesh, longest)
    corners = found.corners()
    assert np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max() <= longest
    area = np.bincount(parent, weights=found.face_areas(), minlength=len(mesh.faces))
    np.testing.assert_allclose(area, mesh.face_areas(), rtol=1e-12)
    np.testing.assert_allclose(found.face_normals(), mesh.face_normals()[parent], atol=1e-9)
    np.testing.assert_allclose(unsigned_distance(mesh, found.vertices), 0, atol=1e-12)
    assert found.volume() == pytest.approx(mesh.volume(), rel=1e-12)
    if longest == 5.0:
        np.testing.assert_array_equal(np.sort(parent), np.arange(len(mesh.faces)))


def test_few_faces_are_made_of_long_ones():
    sliver = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1e-3, 0]]), np.array([[0, 1, 2]]))
    assert len(subdivide(sliver, 0.1)[0].faces) <= 3**4  # thrice as many for half the length


def test_no_faces_and_no_length():
    nothing = Mesh(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64))
    found, parent = subdivide(nothing, 0.1)
    assert found.is_empty and len(parent) == 0
    for longest in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="must be positive"):
            subdivide(nothing, longest)
