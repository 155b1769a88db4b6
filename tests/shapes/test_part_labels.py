import numpy as np
import pytest
import trimesh

from inr.shapes.mesh import Mesh
from inr.shapes.normalize import fit_box
from inr.shapes.part_labels import label_points, least_part
from inr.shapes.procedural.chairs import Chairs
from inr.shapes.sdf import signed_distance
from tests.support.meshes import distance_to_box, square


def box(centre, half) -> Mesh:
    made = trimesh.creation.box(2 * np.asarray(half, float))
    return Mesh(np.asarray(made.vertices) + centre, np.asarray(made.faces, np.int64))


def test_labels_of_overlapping_boxes_against_their_formula():
    rng = np.random.default_rng(0)
    centres = rng.uniform(-0.3, 0.3, size=(4, 3))
    halves = rng.uniform(0.2, 0.5, size=(4, 3))
    points = rng.uniform(-1, 1, size=(20000, 3))
    boxes = [box(c, h) for c, h in zip(centres, halves, strict=True)]
    ground_truth = np.stack(
        [distance_to_box(points, h, c) for c, h in zip(centres, halves, strict=True)], axis=1
    )
    labels = label_points(points, boxes)
    assert labels.dtype == np.int64 and set(labels) == {0, 1, 2, 3}
    assert ((ground_truth < 0).sum(axis=1) > 1).mean() > 0.01  # they do overlap
    chosen = np.take_along_axis(ground_truth, labels[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(chosen, ground_truth.min(axis=1), atol=1e-9)
    least, distances = least_part(points, boxes)
    assert np.array_equal(least, labels)
    np.testing.assert_allclose(distances, ground_truth.min(axis=1), atol=1e-9)
    # the nearest surface is another question: inside, the deepest part is meant
    assert (labels != np.abs(ground_truth).argmin(axis=1)).mean() > 0.01


def test_labels_of_a_chair_against_all_distances():
    chair = Chairs(num_shapes=2).make("chair_0001")
    chair = chair.normalised(fit_box(chair.mesh))
    points = np.random.default_rng(1).uniform(-1, 1, size=(3000, 3))
    present = [number for number, part in enumerate(chair.parts) if part is not None]
    distances = np.stack([signed_distance(chair.parts[i], points) for i in present], axis=1)
    labels = label_points(points, chair.parts)
    assert np.array_equal(labels, np.array(present)[distances.argmin(axis=1)])


def test_an_absent_part_is_never_a_label():
    points = np.random.default_rng(0).uniform(-1, 1, size=(500, 3))
    near, far = box((-0.5, 0, 0), (0.3, 0.3, 0.3)), box((0.5, 0, 0), (0.3, 0.3, 0.3))
    labels = label_points(points, [None, near, None, far, None])
    assert np.array_equal(labels, np.where(points[:, 0] < 0, 1, 3))
    with pytest.raises(ValueError, match="none of the 2 parts is present"):
        label_points(points, [None, None])


def test_labels_in_two_dimensions():
    points = np.random.default_rng(0).uniform(-1, 1, size=(2000, 2))
    parts = [square((-0.4, 0), 0.3), None, square((0.3, 0.0), 0.5)]
    ground_truth = [distance_to_box(points, 0.3, (-0.4, 0)), distance_to_box(points, 0.5, (0.3, 0))]
    assert np.array_equal(label_points(points, parts), 2 * np.argmin(ground_truth, axis=0))


def test_no_points():
    assert label_points(np.zeros((0, 3)), [box((0, 0, 0), (1, 1, 1))]).shape == (0,)


def test_open_parts_have_an_inside():
    """As of a mesh cut into segments: a box without the face that it shares with its neighbour."""
    left, right = box((-0.5, 0, 0), (0.5, 0.5, 0.5)), box((0.5, 0, 0), (0.5, 0.5, 0.5))
    cut = []
    for mesh, side in ((left, 1.0), (right, -1.0)):
        shared = mesh.face_normals()[:, 0] * side > 0.5
        cut.append(Mesh(mesh.vertices, mesh.faces[~shared]))
    points = np.random.default_rng(0).uniform(-1, 1, size=(2000, 3))
    points = points[np.abs(points[:, 0]) > 0.1]
    labels = label_points(points, cut)
    assert (labels == (points[:, 0] > 0)).mean() > 0.99
