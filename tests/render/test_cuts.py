"""Cuts through soups: where they are, and that thin sheets can be seen."""

import numpy as np
import pytest

from inr.render.cuts import cut_soup, draw_cut, find_plane
from inr.shapes.mesh import Mesh, empty_mesh
from tests.support.meshes import covered, join
from tests.support.pairs import box

# a plate without thickness in the plane x = 0.3, and the shell that it becomes
PLATE = Mesh(
    np.array([[0.3, -0.8, -0.2], [0.3, 0.8, -0.2], [0.3, 0.8, 0.2], [0.3, -0.8, 0.2]]),
    np.array([[0, 1, 2], [0, 2, 3]]),
)
SHELL = box([0.29, -0.81, -0.21], [0.31, 0.81, 0.21])
BLOCK = box([-0.6, -0.5, -0.9], [-0.4, 0.5, 0.9])


def test_the_plane_cuts_the_sheets_and_not_along_them():
    axis, offset = find_plane(join(BLOCK, SHELL), join(BLOCK, PLATE))
    assert axis == 2 and abs(offset) < 0.2
    given, solid, text = cut_soup(join(BLOCK, PLATE), join(BLOCK, SHELL), join(BLOCK, PLATE))
    assert text == f"z = {offset:.2f}, "
    # a line of the plate, and the outline of the block
    assert given.face_areas().sum() == pytest.approx(1.6 + 2 * (0.2 + 1.0))
    assert solid.volume() == pytest.approx(0.02 * 1.62 + 0.2 * 1.0)


def test_a_solid_is_cut_near_its_middle():
    axis, offset = find_plane(BLOCK, BLOCK)
    assert axis in (0, 1) and offset == pytest.approx(BLOCK.bounds.mean(axis=0)[axis], abs=0.02)
    assert find_plane(BLOCK, empty_mesh(3))[0] == 2


def test_a_thin_sheet_and_its_shell_are_seen():
    size = 384
    given, solid, _ = cut_soup(PLATE, SHELL, PLATE)
    picture = draw_cut(given, solid, size=size).astype(int)
    column = round((0.3 + 1) / 2 * size)
    row = picture[size // 2]
    is_red = (row[:, 0] > row[:, 2] + 40) & (row[:, 0] > row[:, 1] + 40)
    assert np.abs(np.flatnonzero(is_red) - column).max() <= 1 and is_red.any()
    shown = np.flatnonzero((row < 250).any(axis=1))
    assert 4 <= shown[-1] - shown[0] + 1 <= 7  # 0.02 of 2 are 3.8 of 384
    rows = np.flatnonzero(covered(picture).any(axis=1))
    assert (rows[-1] - rows[0]) / size == pytest.approx(0.81, abs=0.02)


def test_outlines_are_drawn_as_they_are():
    line = Mesh(np.array([[-0.5, 0.0], [0.5, 0.0]]), np.array([[0, 1]]))
    shell = box([-0.51, -0.01], [0.51, 0.01])
    assert cut_soup(line, shell, line) == (line, shell, "")
    picture = draw_cut(line, empty_mesh(2), size=100)
    assert 1 <= covered(picture).any(axis=1).sum() <= 3
    assert not covered(draw_cut(empty_mesh(2), empty_mesh(2), size=50)).any()
