import numpy as np
import pytest

from inr.config.compose import compose, register_resolvers
from inr.config.factories import build_renderer
from inr.config.job import Job
from inr.config.overrides import Overrides
from inr.render import ShapeRenderer
from inr.render.parts import PART_COLORS, join_meshes, part_colors
from inr.shapes.mesh import Mesh, empty_mesh

register_resolvers()
RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


@pytest.fixture(scope="module")
def renderer() -> ShapeRenderer:
    raw = compose(["renderer.solid.size=48", "renderer.flat.size=48"])
    return build_renderer(Job(raw, overrides=Overrides(), name="", folder=None).config)


def square(x: float) -> Mesh:
    corners = np.array([[-0.3, -0.3], [0.3, -0.3], [0.3, 0.3], [-0.3, 0.3]]) + np.array([x, 0])
    return Mesh(corners, np.array([[0, 1], [1, 2], [2, 3], [3, 0]]))


def tetrahedron(x: float) -> Mesh:
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 4 + np.array([x, 0, 0])
    return Mesh(corners, np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]))


@pytest.mark.parametrize("make", [square, tetrahedron])
def test_each_mesh_has_its_colour(renderer, make):
    image = renderer.render_parts([make(-0.5), make(0.5)], [RED, BLUE]).astype(int)
    left, right = image[:, :20], image[:, 28:]
    for side, channel in ((left, 0), (right, 2)):
        others = [c for c in range(3) if c != channel]
        assert (side[..., channel] > side[..., others].max(axis=-1) + 60).sum() > 25
        for other in others:
            assert not (side[..., other] > side[..., channel] + 60).any()


@pytest.mark.parametrize("make", [square, tetrahedron])
def test_one_mesh_is_drawn_as_ever(renderer, make):
    mesh = make(0.1)
    one, several = renderer.render(mesh, color=RED), renderer.render_parts([mesh], [RED])
    assert (one == several).all()
    assert (renderer.render_parts([mesh, empty_mesh(mesh.dim)], [RED, BLUE]) == one).all()


@pytest.mark.parametrize("dim", [2, 3])
def test_nothing_to_draw(renderer, dim):
    empty = renderer.render(empty_mesh(dim))
    assert (renderer.render_parts([empty_mesh(dim)] * 2, [RED, BLUE]) == empty).all()
    with pytest.raises(ValueError, match="no mesh"):
        renderer.render_parts([], [])
    with pytest.raises(ValueError, match="shorter"):
        renderer.render_parts([empty_mesh(dim)] * 2, [RED])


def test_joined_faces_know_their_mesh():
    mesh, owner = join_meshes([square(0), empty_mesh(2), square(1)])
    assert owner.tolist() == [0] * 4 + [2] * 4
    np.testing.assert_array_equal(
        mesh.vertices[mesh.faces[4:]], square(1).vertices[square(1).faces]
    )


def test_colours_come_again_after_the_last():
    colors = part_colors(12)
    assert len(set(colors[:10])) == 10 and colors[10] == colors[0] == PART_COLORS[0]
