from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inr.data.parts.prepare import read_composite
from inr.data.parts.sources import PartFiles, find_part_files
from inr.shapes.mesh import Mesh, write_mesh
from inr.shapes.poses import rotation_matrices
from inr.shapes.primitives import Primitive, fit_primitive

SHIFT = np.array([3.0, -2.0, 5.0])


def wing(rotation: Rotation, half_thickness: float = 0.01) -> Mesh:
    """A thin triangle; where it leans, the middle of its bounds is off its plane."""
    outline = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.4]])
    sides = [np.column_stack([outline, np.full(3, z)]) for z in (-half_thickness, half_thickness)]
    faces = [[0, 2, 1], [3, 4, 5], [0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4], [2, 0, 3], [2, 3, 5]]
    return Mesh(rotation.apply(np.concatenate(sides)) + SHIFT, np.array(faces))


def write_wing(folder: Path, mesh: Mesh, pose: Primitive) -> PartFiles:
    write_mesh(mesh, folder / "parts" / "meshes" / "a" / "part0.obj")
    poses = folder / "parts" / "parameters" / "a"
    poses.mkdir(parents=True, exist_ok=True)
    np.save(poses / "quaternions.npy", pose.rotation[None])
    np.save(poses / "translations.npy", pose.translation[None])
    np.save(poses / "scales.npy", pose.scale[None])
    return find_part_files(folder, ["a"], (".obj",))[0]["a"]


@pytest.mark.parametrize("half_thickness", [0.01, 0.002])
def test_fitted_poses_of_a_leaning_wing_are_its_own(tmp_path, half_thickness):
    for rotation in Rotation.random(10, random_state=0):
        mesh = wing(rotation, half_thickness)
        pose = fit_primitive(mesh, "cuboid")
        composite = read_composite(mesh, write_wing(tmp_path, mesh, pose), mend=False)
        np.testing.assert_allclose(composite.poses.scales[0], pose.scale)


def test_poses_beside_a_leaning_wing_are_not_its_own(tmp_path):
    mesh = wing(Rotation.from_rotvec([0.4, -0.7, 0.3]))
    pose = fit_primitive(mesh, "cuboid")
    turn = rotation_matrices(pose.rotation[None])[0]
    for axis, half in enumerate(pose.scale):
        shifted = pose._replace(translation=pose.translation + 3 * half * turn[:, axis])
        with pytest.raises(ValueError, match=r"parameters/a': the pose of part 0 does not match"):
            read_composite(mesh, write_wing(tmp_path, mesh, shifted), mend=False)


def test_present_says_what_the_meshes_do(tmp_path):
    mesh = wing(Rotation.identity())
    files = write_wing(tmp_path, mesh, fit_primitive(mesh, "cuboid"))
    path, part = files.poses / "present.npy", files.meshes[0]
    np.save(path, [True])
    assert read_composite(mesh, files, mend=False).poses.present.tolist() == [True]
    np.save(path, [False])
    with pytest.raises(ValueError, match=f"'{path}' says that part 0 is absent, .*'{part}'"):
        read_composite(mesh, files, mend=False)
    for flags in ([True, True], [True, False]):  # of one part
        np.save(path, flags)
        with pytest.raises(ValueError, match=f"'{path}' has 2 parts, and the shapes have 1"):
            read_composite(mesh, files, mend=False)
    np.save(path, [True, True])
    with pytest.raises(ValueError, match=f"'{path}' says that part 1 is present, but it has no"):
        read_composite(mesh, replace(files, num_parts=2), mend=False)
