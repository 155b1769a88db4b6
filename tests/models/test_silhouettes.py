import math

import numpy as np
import pytest
import torch
import trimesh

from inr.models.silhouettes import outline_distance, outline_points
from inr.models.vertices import level_vertices
from tests.support.meshes import from_trimesh, icosphere, join
from tests.support.pairs import box

FRONT = torch.eye(3, dtype=torch.float64)[:2]
PLANE = torch.eye(2, dtype=torch.float64)


def outline(mesh, axes=FRONT):
    return outline_points(torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces), axes)


def covers_circle(points, radius, center=(0.0, 0.0)):
    """Whether points lie on a circle, all around it."""
    offset = points - torch.tensor(center, dtype=torch.float64)
    near = (offset.norm(dim=-1) - radius).abs() < 0.02 * radius
    angles = torch.atan2(offset[near, 1], offset[near, 0]).sort().values
    gaps = angles.diff(append=angles[:1] + 2 * math.pi)
    return bool(gaps.max() < 0.3), int(near.sum())


@pytest.mark.parametrize("turn", [1, -1])
def test_a_sphere_seen_from_any_side(turn):
    ball = icosphere(0.5, (0.1, 0.2, -0.3))
    generator = np.random.default_rng(0)
    axes, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    axes = axes.T[:2] * [[turn], [1]]  # from the other side, it is mirrored
    points = outline(ball, torch.from_numpy(axes))
    assert covers_circle(points, 0.5, axes @ [0.1, 0.2, -0.3]) == (True, len(points))


def test_what_lies_before_or_behind_another_has_no_outline():
    near = icosphere(0.2, (0.1, 0.0, 0.8))
    far = icosphere(0.6, (0.0, 0.0, 0.0))
    for order in ((near, far), (far, near)):
        points = outline(join(*order))
        assert covers_circle(points, 0.6) == (True, len(points))
    # from the side both are seen; they do not touch in the picture
    points = outline(join(near, far), torch.tensor([[0, 0, 1.0], [0, 1.0, 0]]).double())
    _, count_near = covers_circle(points, 0.2, (0.8, 0.0))
    around_far, count_far = covers_circle(points, 0.6)
    assert around_far and count_near > 20 and count_far > 20
    assert count_near + count_far >= len(points)


def test_a_hole_has_an_outline():
    ring = from_trimesh(trimesh.creation.torus(0.6, 0.2, major_sections=96, minor_sections=48))
    points = outline(ring)
    outer, inner = covers_circle(points, 0.8), covers_circle(points, 0.4)
    assert outer[0] and inner[0] and outer[1] + inner[1] == len(points)


@pytest.mark.parametrize("mirror", [1, -1])
def test_a_shape_in_the_plane_is_its_own_silhouette(mirror):
    square = box([0.0, 0.0], [1.0, 2.0])
    points = outline(square, PLANE * torch.tensor([[mirror], [1.0]]))
    wanted = {(0.5 * mirror, 0.0), (mirror, 1.0), (0.5 * mirror, 2.0), (0.0, 1.0)}
    assert {tuple(point) for point in points.tolist()} == wanted
    # an edge inside the union of loops that overlap bounds nothing
    assert len(outline(join(square, box([0.25, 0.5], [0.75, 1.5])), PLANE)) == 4


def test_the_outline_moves_with_the_vertices():
    ball = icosphere(0.5, (0.0, 0.0, 0.0))
    vertices = torch.from_numpy(ball.vertices).requires_grad_(True)
    points = outline_points(vertices, torch.from_numpy(ball.faces), FRONT)
    (gradient,) = torch.autograd.grad(points.square().sum() / len(points), vertices)
    # all grow by the same fraction s: d/ds of the mean of |s p|^2
    grown = (gradient * vertices.detach()).sum()
    torch.testing.assert_close(grown, 2 * points.detach().square().sum() / len(points))
    assert not gradient[:, 2].any()


def test_the_distance_of_outlines():
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0]]).double().requires_grad_(True)
    target = torch.tensor([[0.0, 0.5], [0.0, 3.0], [1.0, 0.2]]).double()
    got = outline_distance(points, target)
    assert got.item() == pytest.approx((0.25 + 0.04) / 2 + (0.25 + 9 + 0.04) / 3)
    assert torch.autograd.gradcheck(lambda p: outline_distance(p, target), points)
    assert outline_distance(target, target) == 0


def test_what_the_picture_does_not_show_hardly_matters():
    ball = icosphere(0.5, (0.0, 0.0, 0.0))
    scale = torch.ones(3, dtype=torch.float64, requires_grad=True)
    vertices = torch.from_numpy(ball.vertices)
    field = lambda x: (x / scale).norm(dim=-1) - 0.5  # noqa: E731
    points = outline_points(level_vertices(field, vertices), torch.from_numpy(ball.faces), FRONT)
    (gradient,) = torch.autograd.grad(points.norm(dim=-1).mean(), scale)
    # the mean of |p| grows by r / 2 with each of the axes seen
    torch.testing.assert_close(gradient[:2], torch.full((2,), 0.25).double(), rtol=0.02, atol=0)
    assert abs(gradient[2]) < 0.02 * 0.25


def test_wrong_axes():
    with pytest.raises(ValueError, match=r"3-D needs \(2, 3\)"):
        outline(icosphere(0.5, (0, 0, 0)), PLANE)
