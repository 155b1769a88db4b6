import numpy as np
import pytest

from inr.data.prepare.inside import Soups, default_thickness, enclosed, orient
from inr.shapes.composite import without_parts
from inr.shapes.mesh import Mesh
from tests.support.meshes import icosphere, inverted, join, square
from tests.support.soups import box, loop, rectangle

SOUPS = Soups(gap=0.03, thickness=0.02)


def oriented(mesh: Mesh, sign: str = "auto"):
    shape, chosen, changes = orient(without_parts(mesh), sign)
    return shape.mesh, chosen, changes


def test_closed_meshes_stay_as_they_are():
    for mesh in (icosphere(0.5), join(icosphere(0.8), inverted(icosphere(0.4))), loop(0.5, 9)):
        found, sign, changes = oriented(mesh)
        assert (sign, changes) == ("winding", [])
        np.testing.assert_array_equal(found.faces, mesh.faces)


def test_closed_meshes_whose_faces_are_turned_are_closed_meshes():
    ball = icosphere(0.5)
    for mesh, change in (
        (inverted(ball), "turned faces outward"),
        (
            Mesh(ball.vertices, np.concatenate([ball.faces, ball.faces[:, ::-1]])),
            f"dropped {len(ball.faces)} repeated faces",
        ),
    ):
        found, sign, changes = oriented(mesh)
        assert (sign, changes) == ("winding", [change])
        assert found.volume() == pytest.approx(ball.volume())


@pytest.mark.parametrize(
    "mesh",
    [
        Mesh(box(0.5).vertices, box(0.5).faces[1:]),
        join(box(0.5), box(0.3, (0.4, 0.0, 0.0))),
        join(box(0.5), rectangle([-0.2, -0.2, 0.1], [0.4, 0, 0], [0, 0.4, 0])),
        join(square((0.0, 0.0), 0.5), square((0.2, 0.2), 0.5)),
    ],
    ids=["open", "overlapping", "shelf", "outlines"],
)
def test_soups_stay_as_they_came(mesh):
    found, sign, changes = oriented(mesh)
    assert found is mesh and (sign, changes) == ("outside", [])
    assert oriented(mesh, "winding")[1] == "winding"
    assert oriented(mesh, "unsigned")[1] == "unsigned"


def test_steps_of_the_grid():
    assert SOUPS.step(3) == 2 / 256 and SOUPS.step(2) == 2 / 1024
    assert Soups(0.03, 0.0).step(3) == 2 / 256
    assert Soups(0.03, 0.012).step(3) == pytest.approx(0.012 / 2.5)
    with pytest.raises(ValueError, match=r"data\.thickness=0\.005: .* 0\.0039 wide; use .*0\.0098"):
        Soups(0.03, 0.005).step(3)
    Soups(0.03, 0.0098).step(3)  # what was advised
    Soups(0.03, 0.005).step(2)
    assert default_thickness(512) == 0.02
    assert default_thickness(65) == pytest.approx(2.5 * 2 / 64)


def test_what_cannot_be_enclosed_is_refused():
    small = Mesh(box(0.01).vertices, box(0.01).faces[1:])
    with pytest.raises(ValueError, match=r"data\.gap=0\.03 is not narrower than the shape, 0\.02"):
        enclosed(small, SOUPS)
    sheet = rectangle([-0.2, -0.2, 0.1], [0.4, 0, 0], [0, 0.4, 0])
    with pytest.raises(ValueError, match=r"encloses nothing.*use data\.thickness=0\.02"):
        enclosed(sheet, Soups(0.03, 0.0))
    assert enclosed(sheet, SOUPS).mesh.is_closed()


def test_outlines_are_enclosed_on_a_finer_grid():
    eight = Mesh(
        np.array([[-0.5, -0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, 0.5]]),
        np.array([[0, 1], [1, 2], [2, 3], [3, 0]]),
    )
    found = enclosed(eight, SOUPS)
    assert found.volume == pytest.approx(0.5, rel=1e-4)
    assert set(found.summary()) >= {"wall", "sheet", "buried", "bridged", "held_by_gaps", "volume"}


def test_faces_that_disagree_with_their_neighbours_are_turned():
    """A plate thinner than the grid keeps its thickness, however its faces are turned."""
    plate = box([0.9, 0.6, 0.002])
    faces = plate.faces.copy()
    faces[::3] = faces[::3, ::-1]
    found, sign, changes = oriented(Mesh(plate.vertices, faces))
    assert sign == "winding" and "to agree with their neighbours" in changes[0]
    assert found.volume() == pytest.approx(plate.volume(), rel=1e-9)


@pytest.mark.parametrize(
    ("mesh", "soups", "key", "value"),
    [
        (square([0, 0], 0.5), Soups(gap=1.0, thickness=0.02), "gap", 0.2),
        (square([0, 0], 0.05), Soups(gap=0.15, thickness=0.02), "gap", 0.01),
        (square([0, 0], 0.1), Soups(gap=0.03, thickness=0.5), "thickness", 0),
    ],
)
def test_the_values_that_refusals_name_work(mesh, soups, key, value):
    with pytest.raises(ValueError, match=rf"data\.{key}={value}$|data\.{key}={value} or less"):
        enclosed(mesh, soups)
    better = Soups(**{"gap": soups.gap, "thickness": soups.thickness, key: value})
    assert enclosed(mesh, better).volume > 0


def test_shapes_far_larger_than_the_box_are_refused():
    with pytest.raises(ValueError, match=r"use data\.normalize=box"):
        enclosed(box(20.0), SOUPS)


def test_faces_on_which_two_boxes_touch_are_buried_to_the_rim():
    """Walls are planar here, so that no visible face is off the solid's surface."""
    found = enclosed(join(box(0.4, [-0.4, 0, 0]), box(0.4, [0.4, 0, 0])), SOUPS)
    assert found.max_distance < 1e-4
    assert found.volume == pytest.approx(2 * 0.8**3, rel=1e-4)
