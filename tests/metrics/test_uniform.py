"""Surface points, which all point-based metrics rest on, are uniform by area or length."""

import numpy as np
import pytest
from scipy.stats import chisquare

from inr.shapes.mesh import Mesh
from inr.shapes.sampling import sample_surface

NUM_POINTS = 20000
LEVEL = 1e-3
# sides of a box, so that its faces differ in area by a factor of 200 and more
SIDES = {2: (1.0, 0.01), 3: (1.0, 0.2, 0.004)}


def box(dim):
    """Return a box of very different sides, faces outward."""
    corners = np.stack(np.meshgrid(*[[0.0, side] for side in SIDES[dim]], indexing="ij"), axis=-1)
    vertices = corners.reshape(-1, dim)
    if dim == 2:
        return Mesh(vertices, np.array([[0, 2], [2, 3], [3, 1], [1, 0]]))
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    return Mesh(
        vertices, np.array([[q[i] for i in t] for q in quads for t in ((0, 1, 2), (0, 2, 3))])
    )


def side_counts(points, dim):
    """Return how many points lie on each side of the box, and each side's area."""
    sides = np.array(SIDES[dim])
    to_planes = np.abs(np.concatenate([points, points - sides], axis=1))
    nearest = to_planes.argmin(axis=1)
    assert to_planes.min(axis=1).max() < 1e-12
    return np.bincount(nearest, minlength=2 * dim), np.tile(np.prod(sides) / sides, 2)


def is_uniform(counts, areas):
    return chisquare(counts, counts.sum() * areas / areas.sum()).pvalue > LEVEL


def uniform_over_faces(mesh, num_points, rng):
    """Draw a face whatever its area: wrong."""
    face = rng.integers(len(mesh.faces), size=num_points)
    weights = rng.dirichlet(np.ones(mesh.dim), size=num_points)
    return np.einsum("nk,nkd->nd", weights, mesh.corners()[face])


def normalised_weights(mesh, num_points, rng):
    """Divide uniform numbers by their sum, which crowds the middle of a face: wrong."""
    areas = mesh.face_areas()
    face = rng.choice(len(areas), size=num_points, p=areas / areas.sum())
    weights = rng.random((num_points, mesh.dim))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("nk,nkd->nd", weights, mesh.corners()[face])


def cells_of_simplex(points, corners, splits):
    """Return how many points lie in each of splits^(D - 1) equal cells of one face.

    A cell is a floor of each barycentric weight: what those sum up to tells which of the cells
    upright and upside down a point is in.
    """
    weights = points @ np.linalg.inv(corners)
    floors = np.floor(weights * splits).astype(int)
    _, counts = np.unique(floors, axis=0, return_counts=True)
    return counts


@pytest.mark.parametrize("dim", [2, 3])
def test_faces_get_points_by_their_area(dim):
    mesh, rng = box(dim), np.random.default_rng(0)
    points, _ = sample_surface(mesh, NUM_POINTS, rng)
    assert is_uniform(*side_counts(points, dim))
    # the check finds a sampler that is blind to area
    assert not is_uniform(*side_counts(uniform_over_faces(mesh, NUM_POINTS, rng), dim))


@pytest.mark.parametrize("dim", [2, 3])
def test_within_a_face_points_are_uniform(dim):
    corners = np.array([[2.0, 0.1, 0.3], [0.2, 0.7, -0.1], [-0.4, 0.2, 1.5]])[:dim, :dim]
    mesh, rng = Mesh(corners, np.arange(dim)[None]), np.random.default_rng(0)
    splits = 8
    points, _ = sample_surface(mesh, NUM_POINTS, rng)
    counts = cells_of_simplex(points, corners, splits)
    assert len(counts) == splits ** (dim - 1)
    assert is_uniform(counts, np.ones(len(counts)))
    # the check finds a sampler that crowds the middle
    counts = cells_of_simplex(normalised_weights(mesh, NUM_POINTS, rng), corners, splits)
    assert not is_uniform(counts, np.ones(len(counts)))


@pytest.mark.parametrize("dim", [2, 3])
def test_cutting_a_face_changes_no_distribution(dim):
    """One side in many slivers beside one in a single face: half of the points each."""
    edge = np.array([0.0, 1e-3, 1e-2, 0.1, 1.0])
    if dim == 2:
        vertices = np.concatenate([np.stack([edge, 0 * edge], 1), [[0.0, 1.0], [1.0, 1.0]]])
        faces = [[i, i + 1] for i in range(4)] + [[6, 5]]
    else:
        fan = np.stack([edge, 0 * edge, 0 * edge], 1)
        vertices = np.concatenate([fan, [[0, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]]])
        faces = [[i, 5, i + 1] for i in range(4)] + [[6, 7, 8]]
    points, _ = sample_surface(
        Mesh(vertices, np.array(faces)), NUM_POINTS, np.random.default_rng(0)
    )
    on_cut = points[:, -1] < 0.5
    assert is_uniform(np.array([on_cut.sum(), (~on_cut).sum()]), np.ones(2))
    # along the cut side: the area left of x is known whatever the slivers
    x = points[on_cut, 0]
    left = edge if dim == 2 else 1 - (1 - edge) ** 2
    assert is_uniform(np.histogram(x, edge)[0], np.diff(left))
