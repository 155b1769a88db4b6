import igl
import numpy as np
import pytest
import trimesh

from inr.shapes.mesh import Mesh, read_mesh, write_mesh
from inr.shapes.normalize import fit_box
from inr.shapes.signature import TOLERANCE, near_duplicates, signature


def from_trimesh(mesh) -> Mesh:
    mesh = Mesh(np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int64))
    return fit_box(mesh).apply_mesh(mesh)


BODIES = {
    "ball": trimesh.creation.icosphere(subdivisions=4),
    "capsule": trimesh.creation.capsule(height=1.0, radius=0.4),
    "torus": trimesh.creation.torus(major_radius=1.0, minor_radius=0.3),
    "cone": trimesh.creation.cone(radius=0.5, height=1.0, sections=64),
    "box": trimesh.creation.box((1.0, 0.8, 0.6)).subdivide().subdivide().subdivide(),
}
SHAPES = {name: from_trimesh(mesh) for name, mesh in BODIES.items()}


def test_a_boxes_moments_are_the_integrals_over_its_faces():
    a, b, c = 0.9, 0.5, 0.3
    mesh = trimesh.creation.box((2 * a, 2 * b, 2 * c))
    size, bulk, *rest = signature(Mesh(np.asarray(mesh.vertices), np.asarray(mesh.faces)))
    area = 8 * (a * b + b * c + c * a)
    assert size == pytest.approx(np.sqrt(area)) and bulk == pytest.approx(
        (8 * a * b * c) ** (1 / 3)
    )
    # x^2 is a^2 on two faces and a^2 / 3 in the mean of the others
    xx, yy, zz = (
        (8 * v * w * u**2 + (area - 8 * v * w) * u**2 / 3) / area
        for u, v, w in ((a, b, c), (b, c, a), (c, a, b))
    )
    np.testing.assert_allclose(rest, [0, 0, 0, xx, 0, 0, yy, 0, zz], atol=1e-12)


def test_a_squares_moments_are_the_integrals_over_its_sides():
    points = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    edges = np.array([[0, 1], [1, 2], [2, 3], [3, 0]])
    # x^2: 1/3 on two sides, 0 and 1 on the others; x y: x on the top and y on the right
    expected = [1, 1, 0.5, 0.5, 5 / 12, 1 / 4, 5 / 12]
    np.testing.assert_allclose(signature(Mesh(points, edges)), expected)
    np.testing.assert_allclose(signature(Mesh(points, edges[:, ::-1])), expected)


@pytest.mark.parametrize("name", SHAPES)
def test_copies_are_found_and_other_shapes_are_not(name, tmp_path):
    mesh = SHAPES[name]
    faces = np.random.default_rng(0).permutation(mesh.faces)[:, [1, 2, 0]]
    corners = mesh.corners().reshape(-1, 3)
    copies = {
        "reordered": Mesh(mesh.vertices, faces),
        "inverted": Mesh(mesh.vertices, mesh.faces[:, ::-1]),
        "split": Mesh(corners, np.arange(len(corners)).reshape(-1, 3)),
    }
    for suffix in (".stl", ".obj", ".glb"):
        write_mesh(mesh, tmp_path / f"a{suffix}")
        copies[suffix] = read_mesh(tmp_path / f"a{suffix}")
    exact = {key: signature(copy) for key, copy in copies.items()}
    for value in exact.values():
        np.testing.assert_allclose(value, signature(mesh), atol=1e-5)
    found = igl.qslim(mesh.vertices, mesh.faces, len(mesh.faces) // 2)
    vertices, faces = (np.asarray(part) for part in found if np.ndim(part) == 2)
    coarse = Mesh(vertices.astype(float), faces.astype(np.int64))
    assert len(coarse.faces) <= len(mesh.faces) // 2
    everything = {key: signature(shape) for key, shape in SHAPES.items()}
    everything["coarse"] = signature(fit_box(coarse).apply_mesh(coarse))
    assert near_duplicates(everything, TOLERANCE[3]) == [tuple(sorted([name, "coarse"]))]


def test_a_turned_and_a_mirrored_copy_are_other_shapes():
    cone = SHAPES["cone"]
    upside_down = Mesh(cone.vertices * [1, 1, -1], cone.faces[:, ::-1])
    sideways = Mesh(cone.vertices[:, [1, 2, 0]], cone.faces)
    signatures = {"a": signature(cone), "b": signature(upside_down), "c": signature(sideways)}
    assert near_duplicates(signatures, TOLERANCE[3]) == []


def test_pairs_are_those_of_brute_force():
    points = np.random.default_rng(0).uniform(size=(300, 11)) * 0.3
    signatures = {f"{i:03d}": tuple(row) for i, row in enumerate(points)}
    near = np.linalg.norm(points[:, None] - points[None], axis=2) <= 0.25
    expected = [(f"{i:03d}", f"{j:03d}") for i, j in np.argwhere(np.triu(near, 1))]
    assert expected and near_duplicates(signatures, 0.25) == expected
    assert near_duplicates({}, 1.0) == near_duplicates({"a": (1.0,)}, 1.0) == []


def test_what_has_no_signature_is_refused():
    with pytest.raises(ValueError, match="no area"):
        signature(Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])))
    with pytest.raises(ValueError, match="2-D and 3-D"):
        near_duplicates({"a": (1.0,) * 7, "b": (1.0,) * 11}, 1.0)
