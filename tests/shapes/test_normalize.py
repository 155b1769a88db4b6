import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inr.shapes.mesh import Mesh
from inr.shapes.normalize import Normalization, fit_box, fit_sphere, identity


def _random(dim: int) -> Normalization:
    rng = np.random.default_rng(dim)
    rotation = Rotation.from_rotvec([0.0, 0.0, 0.7] if dim == 2 else [0.3, -0.5, 0.7]).as_matrix()
    return Normalization(rng.normal(size=dim), rotation[:dim, :dim], 1.7)


@pytest.mark.parametrize("dim", [2, 3])
def test_apply_is_the_formula_point_by_point(dim):
    normalization = _random(dim)
    points = np.random.default_rng(0).normal(size=(20, dim))
    moved = normalization.apply(points)
    for x, y in zip(points, moved, strict=True):
        expected = normalization.rotation @ (x + normalization.translation) * normalization.scale
        np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize("dim", [2, 3])
def test_undo_inverts_apply_and_a_file_keeps_it(dim, tmp_path):
    normalization = _random(dim)
    points = np.random.default_rng(0).normal(size=(20, dim))
    normalization.save(tmp_path / "deep" / "a.npz")
    loaded = Normalization.load(tmp_path / "deep" / "a.npz")
    np.testing.assert_allclose(normalization.undo(normalization.apply(points)), points, atol=1e-12)
    np.testing.assert_array_equal(loaded.apply(points), normalization.apply(points))
    mesh = Mesh(points, np.arange(dim)[None])
    np.testing.assert_allclose(
        normalization.undo_mesh(normalization.apply_mesh(mesh)).vertices, points, atol=1e-12
    )


@pytest.mark.parametrize("dim", [2, 3])
def test_a_file_has_the_published_keys_and_shapes(dim, tmp_path):
    _random(dim).save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        shapes = {key: file[key].shape for key in file}
        np.testing.assert_array_equal(file["R"][dim:, dim:], np.eye(4 - dim))
    assert shapes == {"T": (dim,), "R": (4, 4), "S": ()}
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_a_published_style_file_is_read(tmp_path):
    np.savez(tmp_path / "a.npz", T=[-0.0, -0.5, 0.25], R=np.eye(4), S=2.0)
    moved = Normalization.load(tmp_path / "a.npz").apply(np.array([[1.0, 1.0, 1.0]]))
    np.testing.assert_allclose(moved, [[2.0, 1.0, 2.5]])


@pytest.mark.parametrize("dim", [2, 3])
def test_fit_box_centres_and_scales_the_longest_side(dim):
    vertices = np.zeros((dim + 1, dim))
    vertices[:dim] = np.diag([8.0, 2.0, 1.0][:dim]) + 5
    vertices[dim] = 1e9  # belongs to no face
    mesh = Mesh(vertices, np.arange(dim)[None])
    box = fit_box(mesh, extent=0.8).apply_mesh(mesh).bounds
    np.testing.assert_allclose(box.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(box[1], 0.8 * np.array([8.0, 2.0, 1.0][:dim]) / 8, atol=1e-12)
    np.testing.assert_allclose(fit_box(mesh).apply_mesh(mesh).bounds[1, 0], 0.9)


@pytest.mark.parametrize("dim", [2, 3])
def test_fit_sphere_puts_the_furthest_vertex_at_the_extent(dim):
    vertices = np.zeros((dim + 1, dim))
    vertices[:dim] = np.diag([8.0, 2.0, 1.0][:dim]) + 5
    vertices[dim] = 1e9  # belongs to no face
    mesh = Mesh(vertices, np.arange(dim)[None])
    normalization = fit_sphere(mesh, 1 / 1.03)
    middle = normalization.apply((mesh.bounds[:1] + mesh.bounds[1:]) / 2)
    np.testing.assert_allclose(middle, 0, atol=1e-12)
    radii = np.linalg.norm(normalization.apply(vertices[:dim]), axis=1)
    # the box's corner at 8, 0 is (4, -1) from its middle, in 3-D (4, -1, -0.5)
    native = np.sqrt(4**2 + 1**2 + (0.5**2 if dim == 3 else 0))
    np.testing.assert_allclose(radii.max(), 1 / 1.03)
    np.testing.assert_allclose(normalization.scale, 1 / 1.03 / native)


@pytest.mark.parametrize("fit", [fit_box, fit_sphere])
@pytest.mark.parametrize(
    ("scale", "offset", "left"),
    [(1e6, 0, 1e-15), (1e-6, 0, 1e-15), (1e-200, 0, 1e-15), (1, 1e7, 4e-9)],
)
def test_scale_costs_no_precision_and_distance_what_it_says(fit, scale, offset, left):
    points = np.random.default_rng(0).uniform(-1, 1, size=(30, 3))
    faces = np.arange(30).reshape(-1, 3)
    near, far = Mesh(points, faces), Mesh(points * scale + offset, faces)
    moved = fit(far, 0.9).apply_mesh(far).vertices
    np.testing.assert_allclose(moved, fit(near, 0.9).apply_mesh(near).vertices, rtol=0, atol=left)


def test_identity_changes_nothing():
    points = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_array_equal(identity(2).apply(points), points)


@pytest.mark.parametrize(
    ("vertices", "num_faces"), [(np.ones((3, 3)), 1), (np.eye(3), 0), (np.full((3, 3), np.inf), 1)]
)
@pytest.mark.parametrize("fit", [fit_box, fit_sphere])
def test_what_has_no_box_is_refused(vertices, num_faces, fit):
    with pytest.raises(ValueError, match=r"the (mesh|shape)"), np.errstate(invalid="ignore"):
        fit(Mesh(vertices, np.array([[0, 1, 2]])[:num_faces]), 0.9)


@pytest.mark.parametrize(
    "change",
    [
        {"S": 0.0},
        {"S": np.nan},
        {"R": np.eye(3)},
        {"R": 2 * np.eye(4)},
        {"R": np.diag([1.0, 1.0, -1.0, 1.0])},
        {"T": [np.nan, 0.0, 0.0]},
        {"T": [0.0]},
    ],
)
def test_bad_files_are_refused(change, tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **({"T": np.zeros(3), "R": np.eye(4), "S": 1.0} | change))
    with pytest.raises(ValueError, match=r"a\.npz"):
        Normalization.load(path)


def test_truncated_and_incomplete_files_are_refused(tmp_path):
    identity(3).save(tmp_path / "a.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:200])
    np.savez(tmp_path / "less.npz", T=np.zeros(3))
    for name in ("cut.npz", "less.npz", "missing.npz"):
        with pytest.raises(ValueError, match=name):
            Normalization.load(tmp_path / name)
