import numpy as np
import pytest

from inr.render.contour import Contour, mesh_outline
from inr.shapes.mesh import Mesh
from tests.support.meshes import join

SETTINGS = {"size": 128, "color": [1.0, 0.0, 0.0], "background": [1.0, 1.0, 1.0]}


def contour(**changes):
    return Contour(**(SETTINGS | changes))


def ring(radius, *, num=400, clockwise=False):
    angle = np.linspace(0, 2 * np.pi, num, endpoint=False)
    if clockwise:
        angle = angle[::-1]
    index = np.arange(num)
    points = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Mesh(points, np.stack([index, (index + 1) % num], axis=1))


def square(half, center=(0.0, 0.0)):
    corners = half * np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]) + center
    return Mesh(corners, np.array([[0, 1], [1, 2], [2, 3], [3, 0]]))


def ink(image):
    return (image[..., 1] < 128).mean()


def test_square_covers_its_fraction_of_the_box():
    assert ink(contour().render(square(0.5))) == pytest.approx(0.25, rel=0.04)


def test_annulus_keeps_its_hole_empty():
    image = contour(size=256).render(join(ring(0.9), ring(0.5, clockwise=True)))
    assert ink(image) == pytest.approx(np.pi * (0.81 - 0.25) / 4, rel=0.03)
    assert (image[128, 128] == 255).all()


def test_loops_of_one_orientation_fill_by_the_non_zero_rule():
    image = contour(size=256).render(join(ring(0.9), ring(0.5)))
    np.testing.assert_array_equal(image[128, 80], [255, 0, 0])
    np.testing.assert_array_equal(image[128, 128], [255, 0, 0])


def test_up_is_up():
    rows, columns = np.nonzero(contour().render(square(0.2, (0.4, 0.6)))[..., 1] < 128)
    assert rows.mean() == pytest.approx(128 * 0.2 - 0.5, abs=1)
    assert columns.mean() == pytest.approx(128 * 0.7 - 0.5, abs=1)


def test_segments_in_any_order_give_the_same_picture():
    mesh = join(ring(0.9), ring(0.5, clockwise=True))
    shuffled = np.random.default_rng(0).permutation(mesh.faces)
    image = contour().render(mesh).astype(int)
    difference = contour().render(Mesh(mesh.vertices, shuffled)) - image
    assert abs(difference).max() <= 2


def test_squares_that_fraction_a_vertex_are_both_filled():
    a, b = square(0.4, (-0.4, -0.4)), square(0.4, (0.4, 0.4))
    both = join(a, b)
    faces = np.where(both.faces == 4, 2, both.faces)  # b's first corner is a's third
    image = contour().render(Mesh(both.vertices, faces))
    assert ink(image) == pytest.approx(2 * 0.16, rel=0.06)


def test_outline_uses_every_segment_once():
    mesh = join(ring(0.9, num=30), ring(0.5, num=20, clockwise=True))
    outline = mesh_outline(mesh)
    assert len(outline.vertices) == 30 + 20 + 2
    assert (outline.codes == outline.CLOSEPOLY).sum() == 2


def test_open_chain_is_closed():
    triangle = Mesh(np.array([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9]]), np.array([[1, 2], [0, 1]]))
    assert ink(contour().render(triangle)) == pytest.approx(0.81 / 2, abs=0.02)


@pytest.mark.parametrize("size", [1, 37, 128, 511])
def test_size_is_exact(size):
    assert contour().render(square(0.5), size=size).shape == (size, size, 3)


def test_empty_mesh_says_so():
    image = contour().render(Mesh(np.zeros((0, 2)), np.zeros((0, 2), dtype=np.int64)))
    assert image.shape == (128, 128, 3)
    assert 0.01 < (image != 255).any(axis=2).mean() < 0.3


def test_mesh_outside_the_box_is_plain_background():
    assert (contour().render(square(0.5, (5.0, 0.0))) == 255).all()


def test_3d_mesh_is_refused():
    with pytest.raises(ValueError, match="RayCast"):
        contour().render(Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])))


def circle_field(resolution=65, center=(0.0, 0.0)):
    axis = np.linspace(-1, 1, resolution)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    return np.hypot(x - center[0], y - center[1]) - 0.6


def test_field_is_blue_inside_and_red_outside():
    image = contour(size=200).render_field(circle_field(center=(0.3, 0.3))).astype(int)
    inside, outside = image[70, 130], image[190, 10]
    assert inside[2] > inside[0] + 20
    assert outside[0] > outside[2] + 20


def test_zero_level_is_black_and_where_it_should_be():
    image = contour(size=400).render_field(circle_field())
    rows, columns = np.nonzero(image.max(axis=2) < 60)
    radius = np.hypot(rows - 199.5, columns - 199.5) / 200
    assert len(rows) > 2 * np.pi * 120
    np.testing.assert_allclose(radius, 0.6, atol=0.02)


def test_colors_of_a_field_are_symmetric_about_zero():
    field = circle_field()
    there, back = (contour(size=100).render_field(f).astype(int) for f in (field, -field))
    # red and blue change places; RdBu's two halves are of like, not equal, brightness
    assert (
        np.sign(there[..., 0] - there[..., 2]) == -np.sign(back[..., 0] - back[..., 2])
    ).mean() > 0.97


def test_ground_truth_is_drawn_over_the_field():
    renderer = contour(size=200)
    plain = renderer.render_field(circle_field())
    drawn = renderer.render_field(circle_field(), ground_truth=ring(0.8))
    rows, columns = np.nonzero((plain != drawn).any(axis=2))
    np.testing.assert_allclose(np.hypot(rows - 99.5, columns - 99.5) / 100, 0.8, atol=0.03)
    assert len(rows) > 200


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0])
def test_constant_field_is_drawn(value):
    assert contour().render_field(np.full((8, 8), value)).shape == (128, 128, 3)


def test_bad_fields_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 4\)"):
        contour().render_field(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="1 values of the field are not finite"):
        contour().render_field(np.array([[0, 1], [np.nan, 2]]))


def test_same_input_gives_the_same_picture():
    mesh = join(ring(0.9), ring(0.5, clockwise=True))
    np.testing.assert_array_equal(contour().render(mesh), contour().render(mesh))
