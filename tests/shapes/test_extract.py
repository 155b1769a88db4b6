import numpy as np
import pytest
import shapely

from inr.shapes.extract import extract_mesh
from inr.shapes.mesh import Mesh
from inr.shapes.polygon import join_loops
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import signed_distance, unsigned_distance


def ball(center, radius):
    return lambda p: np.linalg.norm(p - np.asarray(center), axis=1) - radius


def box(center, half):
    def field(p):
        q = np.abs(p - np.asarray(center)) - np.asarray(half)
        return np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(axis=1), 0)

    return field


def torus(p):
    return np.hypot(np.hypot(p[:, 0], p[:, 1]) - 0.6, p[:, 2]) - 0.05


def union(*fields):
    return lambda p: np.min([field(p) for field in fields], axis=0)


class Counted:
    def __init__(self, field):
        self.field, self.num_points, self.largest = field, 0, 0

    def __call__(self, points):
        self.num_points += len(points)
        self.largest = max(self.largest, len(points))
        return self.field(points)


BLOBS = [
    ball((-0.5, -0.5, -0.4), 0.3),
    ball((0.5, 0.4, 0.5), 0.07),
    ball((0.6, -0.6, 0.1), 0.03),
    ball((1.0, 1.0, -1.0), 0.2),
]
SHAPES_3D = {
    "sphere": ball((0.1, 0, -0.05), 0.5),
    "torus": torus,
    "plates": union(box((0, 0, 0), (0.7, 0.6, 0.011)), box((0, 0, 0.05), (0.7, 0.6, 0.011))),
    "blobs": union(*BLOBS),
    "clamped": lambda p: np.clip(union(*BLOBS)(p), -0.1, 0.1),
    "hollow": lambda p: np.maximum(ball((0, 0, 0), 0.8)(p), -ball((0, 0, 0), 0.7)(p)),
    "through the wall": box((0.9, 0.9, 0.9), (0.7, 0.6, 0.5)),
}
SHAPES_2D = {
    "circle": ball((0.1, -0.05), 0.5),
    "dots": union(ball((0.5, 0.5), 0.02), ball((-0.5, 0.3), 0.3), ball((-1, -1), 0.2)),
    "through the wall": box((0.9, 0.9), (0.7, 0.6)),
    "ring": lambda p: np.abs(np.linalg.norm(p, axis=1) - 0.5) - 0.01,
}


def test_sphere_has_its_volume_area_and_orientation():
    mesh = extract_mesh(ball((0.1, 0, -0.05), 0.5), dim=3, resolution=64)
    assert mesh.is_closed()
    assert mesh.volume() == pytest.approx(4 / 3 * np.pi * 0.5**3, rel=3e-3)
    assert mesh.face_areas().sum() == pytest.approx(4 * np.pi * 0.5**2, rel=3e-3)
    radius = np.linalg.norm(mesh.vertices - [0.1, 0, -0.05], axis=1)
    np.testing.assert_allclose(radius, 0.5, atol=1e-3)
    outward = mesh.corners().mean(axis=1) - [0.1, 0, -0.05]
    assert (np.sum(outward * mesh.area_vectors(), axis=1) > 0).all()
    # Euler's formula holds only if neighbouring faces share their vertices.
    assert len(mesh.vertices) - len(mesh.faces) / 2 == 2


def test_circle_with_a_hole_keeps_the_inside_on_the_left():
    mesh = extract_mesh(
        lambda p: np.abs(np.linalg.norm(p, axis=1) - 0.5) - 0.2, dim=2, resolution=101
    )
    assert mesh.is_closed()
    assert mesh.volume() == pytest.approx(np.pi * (0.7**2 - 0.3**2), rel=1e-3)
    radius = np.linalg.norm(mesh.corners().mean(axis=1), axis=1)
    facing = np.sum(mesh.corners().mean(axis=1) * mesh.area_vectors(), axis=1)
    assert (facing[radius > 0.5] > 0).all() and (facing[radius < 0.5] < 0).all()
    assert mesh.face_areas().sum() == pytest.approx(2 * np.pi, rel=1e-3)


def test_axes_are_not_exchanged():
    for dim in (2, 3):
        center = np.array([0.5, -0.2, 0.1])[:dim]
        half = np.array([0.3, 0.15, 0.05])[:dim]
        bounds = extract_mesh(box(center, half), dim=dim, resolution=60).bounds
        np.testing.assert_allclose(bounds, [center - half, center + half], atol=1e-2)


def test_level_moves_the_surface():
    field = ball((0, 0), 0.3)
    mesh = extract_mesh(field, dim=2, resolution=101, level=0.25)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), 0.55, atol=1e-3)


@pytest.mark.parametrize("coarse_to_fine", [True, False])
@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("sign", [1, -1])
def test_field_of_one_sign_gives_no_faces(dim, sign, coarse_to_fine):
    mesh = extract_mesh(
        lambda p: sign * (1 + p[:, 0] ** 2),
        dim=dim,
        resolution=64,
        coarse_to_fine=coarse_to_fine,
    )
    assert mesh.is_empty and mesh.dim == dim and mesh.vertices.shape == (0, dim)


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("coarse_to_fine", [True, False])
def test_shape_through_the_wall_is_closed_on_it(dim, coarse_to_fine):
    mesh = extract_mesh(
        box((0.9,) * dim, (0.523,) * dim), dim=dim, resolution=80, coarse_to_fine=coarse_to_fine
    )
    assert mesh.is_closed()
    assert mesh.bounds[1].tolist() == [1.0] * dim
    assert mesh.face_areas().min() > 0
    assert mesh.volume() == pytest.approx(0.623**dim, rel=5e-3)
    on_wall = (mesh.corners()[:, :, 0] == 1).all(axis=1)
    assert mesh.face_areas()[on_wall].sum() == pytest.approx(0.623 ** (dim - 1), rel=5e-3)


@pytest.mark.parametrize("dim", [2, 3])
def test_surface_exactly_on_grid_points_is_closed_and_without_flat_faces(dim):
    mesh = extract_mesh(box((0,) * dim, (0.5,) * dim), dim=dim, resolution=33)
    assert mesh.is_closed() and mesh.face_areas().min() > 0
    # Marching cubes cuts edges and corners off, by a fraction of one cell of 1/16.
    assert 0.97 < mesh.volume() <= 1


@pytest.mark.parametrize("dim", [2, 3])
def test_noise_gives_a_closed_mesh(dim):
    rng = np.random.default_rng(0)
    for _ in range(5):
        mesh = extract_mesh(
            lambda p: rng.integers(-1, 2, size=len(p)).astype(np.float64),
            dim=dim,
            resolution=14,
            coarse_to_fine=False,
        )
        assert mesh.is_closed()


@pytest.mark.parametrize("resolution", [64, 101, 128])
@pytest.mark.parametrize("name", SHAPES_3D)
def test_coarse_to_fine_gives_the_dense_mesh_3d(name, resolution):
    dense, sparse = Counted(SHAPES_3D[name]), Counted(SHAPES_3D[name])
    want = extract_mesh(dense, dim=3, resolution=resolution, coarse_to_fine=False)
    got = extract_mesh(sparse, dim=3, resolution=resolution)
    assert len(want.faces) > 100
    assert np.array_equal(got.vertices, want.vertices) and np.array_equal(got.faces, want.faces)
    assert dense.num_points == resolution**3
    assert sparse.num_points < dense.num_points / (2.5 if resolution < 128 else 4.5)


@pytest.mark.parametrize("resolution", [200, 257, 512])
@pytest.mark.parametrize("name", SHAPES_2D)
def test_coarse_to_fine_gives_the_dense_mesh_2d(name, resolution):
    dense, sparse = Counted(SHAPES_2D[name]), Counted(SHAPES_2D[name])
    want = extract_mesh(dense, dim=2, resolution=resolution, coarse_to_fine=False)
    got = extract_mesh(sparse, dim=2, resolution=resolution)
    assert np.array_equal(got.vertices, want.vertices) and np.array_equal(got.faces, want.faces)
    assert sparse.num_points < dense.num_points / 4


@pytest.mark.parametrize("scale", [5, 100, 1e6])
def test_a_steep_field_is_found_whole_where_it_is_found(scale):
    """The gradient norm is far above the safety factor, yet no piece of surface is missing."""

    def field(points):
        return scale * SHAPES_3D["sphere"](points)

    want = extract_mesh(field, dim=3, resolution=80, coarse_to_fine=False)
    got = extract_mesh(field, dim=3, resolution=80)
    assert np.array_equal(got.vertices, want.vertices) and np.array_equal(got.faces, want.faces)


def test_coarse_grid_is_sampled_densely():
    field = Counted(SHAPES_3D["sphere"])
    extract_mesh(field, dim=3, resolution=24)
    assert field.num_points == 24**3


@pytest.mark.parametrize("coarse_to_fine", [True, False])
def test_no_call_exceeds_the_chunk(coarse_to_fine):
    field = Counted(SHAPES_3D["sphere"])
    whole = extract_mesh(SHAPES_3D["sphere"], dim=3, resolution=64)
    mesh = extract_mesh(field, dim=3, resolution=64, coarse_to_fine=coarse_to_fine, chunk_size=1000)
    assert field.largest == 1000
    assert np.array_equal(mesh.vertices, whole.vertices)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("coarse_to_fine", [True, False])
def test_field_that_is_not_finite_is_refused(bad, coarse_to_fine):
    def field(points):
        values = ball((0, 0, 0), 0.5)(points)
        values[np.abs(values) < 0.01] = bad
        return values

    with pytest.raises(FloatingPointError, match="not finite at"):
        extract_mesh(field, dim=3, resolution=64, coarse_to_fine=coarse_to_fine)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 4}, "dim is 4"),
        ({"resolution": 1}, "resolution is 1"),
        ({"chunk_size": 0}, "chunk_size is 0"),
        ({"safety": 0.0}, "safety is 0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        extract_mesh(ball((0, 0), 0.5), **{"dim": 2, "resolution": 8, **arguments})


def test_values_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"values of shape \(64, 1\) for 64 points"):
        extract_mesh(lambda p: p[:, :1], dim=2, resolution=8)


def test_polygon_with_holes_comes_back_from_its_distance():
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    star = circle * np.where(np.arange(40) % 4, 0.85, 0.6)[:, None]
    holes = [0.12 * circle + center for center in ((0.3, 0.2), (-0.3, 0.1))]
    square = 0.05 * np.array([(-1.0, -1), (1, -1), (1, 1), (-1, 1)]) + (-0.3, 0.1)
    loops = [star, *holes, square]  # an island in the second hole
    ground_truth = Mesh(*join_loops(loops, [f"loop {k}" for k in range(4)]))
    cell = 2 / 400
    mesh = extract_mesh(lambda p: signed_distance(ground_truth, p), dim=2, resolution=401)
    assert mesh.is_closed()
    exact = shapely.Polygon(star, holes).union(shapely.Polygon(square))
    assert ground_truth.volume() == pytest.approx(exact.area)
    found = list(shapely.polygonize(shapely.linestrings(mesh.corners())).geoms)
    found = [face for face in found if signed_distance(mesh, inner_point(face)) < 0]
    overlap = shapely.union_all(found)
    iou = overlap.intersection(exact).area / overlap.union(exact).area
    assert iou > 0.998 and len(found) == 2
    rng = np.random.default_rng(0)
    there = unsigned_distance(ground_truth, sample_surface(mesh, 5000, rng)[0])
    back = unsigned_distance(mesh, sample_surface(ground_truth, 5000, rng)[0])
    # corners are cut off, by less than a cell; elsewhere the lines are straight
    assert max(there.max(), back.max()) < cell
    assert (there.mean() + back.mean()) / 2 < 0.05 * cell


def inner_point(face):
    return shapely.get_coordinates(shapely.point_on_surface(face))
