import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inr.shapes.normalize import Normalization
from inr.shapes.poses import Poses, absent_poses, check_poses, rotation_matrices, rotations_of


def test_quaternions_are_matrices_and_back():
    rotations = Rotation.random(50, random_state=0)
    quaternions = rotations_of(rotations.as_matrix())
    assert (quaternions[:, 0] >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(quaternions, axis=1), 1)
    np.testing.assert_allclose(rotation_matrices(-3 * quaternions), rotations.as_matrix())


def test_angles_are_matrices_and_back():
    angles = np.array([[0.0], [np.pi / 2], [-2.0]])
    matrices = rotation_matrices(angles)
    np.testing.assert_allclose(matrices[1] @ [1, 0], [0, 1], atol=1e-15)  # anticlockwise
    np.testing.assert_allclose(rotations_of(matrices), angles)


@pytest.mark.parametrize("dim", [2, 3])
def test_normalised_poses_move_parts_as_the_whole_is_moved(dim):
    rng = np.random.default_rng(0)
    turn = Rotation.random(random_state=1).as_matrix()
    if dim == 2:
        turn = rotation_matrices(np.array([[0.8]]))[0]
    poses = absent_poses(3, dim)
    poses.present[:2] = True
    poses.rotations[:2] = [[0.3], [-1.0]] if dim == 2 else [[0.6, 0, 0.8, 0], [0.8, 0.6, 0, 0]]
    poses.translations[:2], poses.scales[:2] = rng.normal(size=(2, dim)), rng.uniform(1, 2, dim)
    frame = Normalization(rng.normal(size=dim), turn, 0.4)
    moved = poses.normalised(frame)
    canonical = rng.uniform(-1, 1, size=(20, dim))

    def apply(of: Poses, part: int):
        turned = rotation_matrices(of.rotations)[part]
        return (of.scales[part] * canonical) @ turned.T + of.translations[part]

    for part in range(2):
        np.testing.assert_allclose(apply(moved, part), frame.apply(apply(poses, part)))
    for now, then in zip(moved, absent_poses(3, dim), strict=True):
        assert np.array_equal(now[2], then[2])


def test_checked_poses():
    present = np.array([True, False])
    poses = check_poses(
        np.array([[0.0, -2, 0, 0], [0, 0, 0, 0]]),
        np.array([[0.5, 0, 0], [9, 9, 9]]),
        np.array([[1.0, 1, 1], [-1, 0, np.nan]]),
        present,
        where="here",
        in_box=True,
    )
    np.testing.assert_array_equal(np.abs(poses.rotations), [[0, 1, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(poses.translations[1], 0)
    np.testing.assert_array_equal(poses.scales[1], 1)
    with pytest.raises(ValueError, match="here: part 1 has a quaternion of norm 0"):
        check_poses(
            np.zeros((2, 4)),
            np.zeros((2, 3)),
            np.ones((2, 3)),
            ~present,
            where="here",
            in_box=False,
        )
