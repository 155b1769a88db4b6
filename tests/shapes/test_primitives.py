import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from inr.shapes.mesh import Mesh
from inr.shapes.normalize import fit_box
from inr.shapes.poses import rotation_matrices
from inr.shapes.primitives import Primitive, fit_primitive, primitive_mesh
from inr.shapes.procedural.chairs import Chairs

ANGLES = [0.0, 0.3, 0.6]


def quaternion(rotation: Rotation) -> np.ndarray:
    found = np.roll(rotation.as_quat(), 1)
    return found if found[0] >= 0 else -found


def matrix(primitive: Primitive) -> np.ndarray:
    return rotation_matrices(primitive.rotation[None])[0]


def posed(made: trimesh.Trimesh, rotation: Rotation, shift=(0.2, -0.1, 0.3)) -> Mesh:
    vertices = rotation.apply(np.asarray(made.vertices)) + shift
    return Mesh(vertices, np.asarray(made.faces, np.int64))


def cuboid(half, rotation: Rotation, *, divided: int = 0) -> Mesh:
    made = trimesh.creation.box(2 * np.asarray(half))
    for _ in range(divided):
        made = made.subdivide()
    return posed(made, rotation)


def corners_apart(primitive: Primitive, mesh: Mesh) -> float:
    """The largest distance from a corner of the one to the nearest of the other."""
    a, b = primitive_mesh(primitive).vertices, np.unique(mesh.vertices.round(12), axis=0)
    return np.linalg.norm(a[:, None] - b[None], axis=2).min(axis=1).max()


@pytest.mark.parametrize("half", [(0.5, 0.3, 0.1), (0.05, 0.8, 0.05), (1.0, 0.01, 1.0)])
@pytest.mark.parametrize("angle", ANGLES)
def test_recovers_a_cuboid(half, angle):
    rotation = Rotation.from_rotvec(angle * np.array([0.5, 0.6, -0.62]))
    found = fit_primitive(cuboid(half, rotation), "cuboid")
    np.testing.assert_allclose(found.rotation, quaternion(rotation), atol=1e-3)
    np.testing.assert_allclose(found.translation, [0.2, -0.1, 0.3], atol=1e-3)
    np.testing.assert_allclose(found.scale, half, atol=1e-3)


def test_recovers_cuboids_of_any_orientation():
    for rotation in Rotation.random(20, random_state=0):
        mesh = cuboid((0.5, 0.3, 0.1), rotation)
        assert corners_apart(fit_primitive(mesh, "cuboid"), mesh) < 1e-3


@pytest.mark.parametrize("angle", ANGLES)
def test_recovers_a_cylinder(angle):
    rotation = Rotation.from_rotvec(angle * np.array([0.6, -0.8, 0.0]))
    made = trimesh.creation.cylinder(radius=0.3, height=1.6, sections=400)
    found = fit_primitive(posed(made, rotation), "cylinder")
    # the angle about the axis is free: none is taken
    np.testing.assert_allclose(found.rotation, quaternion(rotation), atol=1e-3)
    np.testing.assert_allclose(found.translation, [0.2, -0.1, 0.3], atol=1e-3)
    np.testing.assert_allclose(found.scale, [0.3, 0.3, 0.8], atol=1e-3)


@pytest.mark.parametrize("radius", [0.1, 0.8, 2.0])
def test_a_cylinder_along_another_axis(radius):
    made = trimesh.creation.cylinder(radius=radius, height=1.6, sections=200)
    for sway in np.linspace(-0.2, 0.2, 5):  # legs: their poses are near to each other
        upright = Rotation.from_euler("xz", [-np.pi / 2, sway])
        found = fit_primitive(posed(made, upright), "cylinder")
        assert matrix(found)[1, 2] > 0.97
        np.testing.assert_allclose(found.scale, [radius, radius, 0.8], rtol=3e-3)
        np.testing.assert_allclose(found.rotation[:2], [0.707, -0.707], atol=0.02)


@pytest.mark.parametrize("angle", [-0.7, -0.2, 0.0, 0.5])
def test_recovers_a_rectangle(angle):
    corners = np.array([[-0.4, -0.1], [0.4, -0.1], [0.4, 0.1], [-0.4, 0.1]])
    turn = rotation_matrices(np.array([[angle]]))[0]
    mesh = Mesh(corners @ turn.T + [0.3, -0.2], np.array([[0, 1], [1, 2], [2, 3], [3, 0]]))
    found = fit_primitive(mesh, "cuboid")
    np.testing.assert_allclose(found.rotation, [angle], atol=1e-3)
    np.testing.assert_allclose(found.translation, [0.3, -0.2], atol=1e-3)
    np.testing.assert_allclose(found.scale, [0.4, 0.1], atol=1e-3)
    assert corners_apart(found, mesh) < 1e-3 and primitive_mesh(found).volume() > 0


def test_a_rounded_and_a_noisy_cuboid():
    rng = np.random.default_rng(0)
    half, rotation = np.array([0.5, 0.3, 0.15]), Rotation.from_rotvec([0.1, 0.2, -0.2])
    mesh = cuboid(half, Rotation.identity(), divided=4)
    local = mesh.vertices - [0.2, -0.1, 0.3]
    core = local.clip(-half + 0.05, half - 0.05)
    rounded = core + 0.05 * (local - core) / np.linalg.norm(local - core, axis=1, keepdims=True)
    for vertices in (rounded, local + rng.normal(scale=0.005, size=local.shape)):
        moved = rotation.apply(vertices) + np.array([0.2, -0.1, 0.3])
        found = fit_primitive(Mesh(moved, mesh.faces), "cuboid")
        np.testing.assert_allclose(found.rotation, quaternion(rotation), atol=0.01)
        np.testing.assert_allclose(found.translation, [0.2, -0.1, 0.3], atol=0.01)
        np.testing.assert_allclose(found.scale, half, atol=0.025)


@pytest.mark.parametrize(
    "made",
    [
        trimesh.creation.box([1.0, 1.0, 1.0]),
        trimesh.creation.box([0.2, 1.0, 0.2]),
        trimesh.creation.icosphere(subdivisions=3, radius=0.5),
        trimesh.creation.cylinder(radius=0.1, height=1.2, sections=64),
    ],
    ids=["cube", "square leg", "ball", "round leg"],
)
def test_a_symmetric_part_keeps_the_orientation_nearest_to_none(made):
    """However it was turned by one of its own symmetries, or nearly so."""
    turns = [Rotation.identity()]
    if np.ptp(made.extents) < 1e-2:  # all axes are alike
        turns += [Rotation.from_euler("xyz", [90, 0, 90], degrees=True)]
    elif made.extents[2] > 1.1:  # round
        turns += [Rotation.from_euler("z", angle) for angle in (0.4, 1.0, np.pi / 2, 2.5)]
    else:
        turns.append(Rotation.from_euler("y", np.pi / 2))
    for turn in turns:
        found = fit_primitive(posed(made, turn), "cuboid")
        np.testing.assert_allclose(found.rotation, [1, 0, 0, 0], atol=2e-3)


def test_a_round_leg_that_leans_does_not_twist():
    made = trimesh.creation.cylinder(radius=0.1, height=1.2, sections=64)
    for twist in (0.0, 0.4, 1.0, 2.0):
        leaning = Rotation.from_rotvec([0.15, 0, 0]) * Rotation.from_rotvec([0, 0, twist])
        found = fit_primitive(posed(made, leaning), "cuboid")
        np.testing.assert_allclose(found.rotation, [np.cos(0.075), np.sin(0.075), 0, 0], atol=4e-3)


def test_of_the_equivalent_orientations_the_nearest_to_none_is_taken():
    half = np.array([0.5, 0.3, 0.1])
    for angle, found_angle in ((90, 0), (80, -10), (-100, -10), (180, 0)):
        mesh = cuboid(half, Rotation.from_euler("x", angle, degrees=True))
        found = fit_primitive(mesh, "cuboid")
        expected = quaternion(Rotation.from_euler("x", found_angle, degrees=True))
        np.testing.assert_allclose(found.rotation, expected, atol=1e-3)
        swapped = (angle - found_angle) % 180 != 0
        np.testing.assert_allclose(
            found.scale, half[[0, 2, 1] if swapped else [0, 1, 2]], atol=1e-3
        )
        assert corners_apart(found, mesh) < 1e-3
    made = trimesh.creation.cylinder(radius=0.3, height=1.6, sections=100)
    found = fit_primitive(posed(made, Rotation.from_euler("xz", [np.pi, 0.7])), "cylinder")
    np.testing.assert_allclose(found.rotation, [1, 0, 0, 0], atol=1e-3)


def test_poses_of_chairs_are_found_again():
    """Seats, backs and legs are rounded boxes, so that the exact pose is the better part of it."""
    family = Chairs(num_shapes=3)
    for name in family.names():
        chair = family.make(name)
        chair = chair.normalised(fit_box(chair.mesh))
        for number in range(6):
            found = fit_primitive(chair.parts[number], "cuboid")
            rotation, scale = chair.poses.rotations[number], chair.poses.scales[number]
            assert abs(found.rotation @ rotation) > np.cos(0.01)
            np.testing.assert_allclose(found.scale, scale, rtol=0.2, atol=0.01)


def test_open_concave_and_flat_parts():
    bowl = trimesh.creation.box([1.0, 0.6, 0.8])
    keep = np.asarray(bowl.face_normals)[:, 1] < 0.5  # without its lid
    mesh = Mesh(np.asarray(bowl.vertices), np.asarray(bowl.faces, np.int64)[keep])
    np.testing.assert_allclose(fit_primitive(mesh, "cuboid").scale, [0.5, 0.3, 0.4], atol=1e-3)
    flat = np.array([[0.0, 0, 0], [1, 0, 0], [1, 0, 0.5], [0, 0, 0.5]])
    found = fit_primitive(Mesh(flat, np.array([[0, 1, 2], [0, 2, 3]])), "cuboid")
    np.testing.assert_allclose(found.scale, [0.5, 0.0, 0.25], atol=2e-3)
    np.testing.assert_allclose(found.rotation, [1, 0, 0, 0], atol=2e-3)
    assert (found.scale > 0).all()


def test_the_mesh_of_a_cylinder():
    pose = np.array([np.cos(0.3), np.sin(0.3), 0, 0])
    mesh = primitive_mesh(Primitive("cylinder", pose, np.ones(3), np.array([0.2, 0.2, 0.5])))
    assert mesh.is_closed() and mesh.volume() == pytest.approx(np.pi * 0.04, rel=0.01)
    np.testing.assert_allclose(mesh.bounds.mean(axis=0), 1, atol=1e-6)


def test_fits_are_reproducible():
    mesh = cuboid((0.5, 0.3, 0.1), Rotation.from_rotvec([0.1, 0.2, 0.3]))
    one, other = fit_primitive(mesh, "cuboid"), fit_primitive(mesh, "cuboid")
    assert all(np.array_equal(a, b) for a, b in zip(one[1:], other[1:], strict=True))


def test_what_cannot_be_fitted():
    square = Mesh(np.eye(2), np.array([[0, 1]]))
    with pytest.raises(ValueError, match=r"data\.primitive=cylinder does not exist in 2-D"):
        fit_primitive(square, "cylinder")
    with pytest.raises(ValueError, match=r"data\.primitive=cone .* use data\.primitive=cuboid or"):
        fit_primitive(cuboid((1, 1, 1), Rotation.identity()), "cone")


TRIANGLE = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]
LINE = [[0.0, 0, 0], [1, 1, 0.3], [0.5, 0.5, 0.15], [0.2, 0.2, 0.06]]
WITHOUT_EXTENT = {
    "a point": ([[1.0, 1, 1]] * 3, [[0, 1, 2]]),
    "a triangle": (TRIANGLE, [[0, 1, 2]]),
    "a triangle of points of its own on each side": (TRIANGLE * 2, [[0, 1, 2], [3, 5, 4]]),
    "a line": (LINE, [[0, 1, 2], [0, 1, 3]]),
    "a line in 2-D": ([[0.0, 0], [1, 0]], [[0, 1], [1, 0]]),
}


@pytest.mark.parametrize("case", WITHOUT_EXTENT)
def test_a_part_without_extent(case):
    vertices, faces = WITHOUT_EXTENT[case]
    mesh = Mesh(np.array(vertices), np.array(faces))
    for kind in ("cuboid", "cylinder")[: mesh.dim - 1]:
        with pytest.raises(ValueError, match=r"part 4 has no extent: \d points from \[.*remove it"):
            fit_primitive(mesh, kind, what="part 4")
