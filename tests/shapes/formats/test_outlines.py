import math

import numpy as np
import pytest
from PIL import Image

from inr.shapes.formats.base import OUTLINE
from inr.shapes.formats.table import suffixes
from inr.shapes.mesh import Mesh, check_outline, read_mesh, write_mesh
from inr.shapes.normalize import fit_box
from inr.shapes.sdf import is_inside, signed_distance

SQUARE = np.array([(0.0, 0), (4, 0), (4, 4), (0, 4)])


def disk_mask():
    """A ring of radii 30 and 12 about (60, 25), y upwards, in a picture 100 wide and 80 high."""
    fine = 8
    y, x = (np.indices((80 * fine, 100 * fine)) + 0.5) / fine
    radius = np.hypot(x - 60, 80 - y - 25)
    ring = ((radius < 30) & (radius > 12)).astype(np.float64)
    return ring.reshape(80, fine, 100, fine).mean(axis=(1, 3))


def ring_area():
    """The ring without what lies below y = 0: a segment of the outer circle."""
    half = math.acos(25 / 30)
    return math.pi * (30**2 - 12**2) - 30**2 * (half - math.sin(half) * math.cos(half))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif", ".npy"])
def test_masks_keep_holes_and_borders(suffix, tmp_path):
    path = tmp_path / f"ring{suffix}"
    if suffix == ".npy":
        np.save(path, disk_mask())
    else:
        Image.fromarray(np.round(disk_mask() * 255).astype(np.uint8)).save(path)
    mesh = read_mesh(path)
    assert mesh.is_closed()
    assert mesh.volume() == pytest.approx(ring_area(), rel=2e-3)
    points = np.array([[60, 25], [60, 43], [60, 4], [60, -4], [60, 58], [40, 25], [20, 70]])
    inside = [False, True, True, False, False, True, False]
    assert is_inside(mesh, points.astype(float)).tolist() == inside
    radius = np.linalg.norm(mesh.vertices - [60, 25], axis=1)
    assert mesh.bounds[0, 1] == pytest.approx(0, abs=0.01)
    off_border = mesh.vertices[:, 1] > 0.6
    error = np.minimum(np.abs(radius - 30), np.abs(radius - 12))[off_border]
    assert error.max() < 0.12  # in pixels: sub-pixel


def test_mask_pictures_of_every_kind_say_the_same(tmp_path):
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 5:25] = 255
    mask[8:10, 8:12] = 0
    mask[:3, :3] = 255
    zero = np.zeros_like(mask)
    pictures = {
        "grey": mask,
        "bits": mask > 0,
        "labels": mask // 255,
        "colour": np.dstack([mask] * 3),
        "deep": mask.astype(np.uint16) * 257,
        "alpha": np.dstack([zero, zero, zero, mask]),
        "opaque": np.dstack([mask, mask, mask, zero + 255]),
    }
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    Image.fromarray(mask).convert("P").save(tmp_path / "palette.png")
    np.save(tmp_path / "bool.npy", mask > 0)
    np.save(tmp_path / "int.npy", mask.astype(np.int32))
    np.save(tmp_path / "float.npy", mask / 255)
    for path in sorted(tmp_path.iterdir()):
        mesh = read_mesh(path)
        # each corner of 3 squares is cut by half a quarter of a pixel
        assert mesh.volume() == pytest.approx(200 - 8 + 9 - 0.5 + 0.5 - 0.5), path.name
        np.testing.assert_allclose(mesh.bounds, [[0, 5], [25, 20]], err_msg=path.name)


def test_pixels_at_the_level_and_at_corners_give_simple_loops(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(20):
        mask = rng.integers(0, 3, (12, 15)) / 2.0
        np.save(tmp_path / f"{number}.npy", mask)
        mesh = read_mesh(tmp_path / f"{number}.npy")
        check_outline(mesh)
        y, x = np.indices(mask.shape)
        centres = np.stack([x.ravel() + 0.5, 12 - (y.ravel() + 0.5)], axis=1)
        inside = is_inside(mesh, centres)
        np.testing.assert_array_equal(inside, mask.ravel() >= 0.5)


ANGLES = np.linspace(0, 4, 50)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((8, 9)), "no pixel of 9 x 8 is above 0.5"),
        (np.zeros((8, 9), np.uint8), "no pixel"),
        (np.ones((8, 9), bool), "every pixel of 9 x 8 is above 0.5"),
        (np.full((8, 9), 0.3), r"from 0\.3 to 0\.3"),
        (np.full((8, 9), np.nan), "not finite at row 0, column 0"),
        (np.zeros((0, 9)), "no pixels"),
        (np.zeros((3, 4, 5)), r"shape \(3, 4, 5\)"),
        (np.zeros((8, 9), complex), "type complex128"),
        (SQUARE[[0, 2, 1, 3]], r"crosses .* at \(2, 2\)"),
        (np.array([[0.0, 0], [1, 0], [0, np.inf]]), r"point 3 is \(0, inf\)"),
        (SQUARE[:2], "2 distinct points"),
        (np.pad(np.zeros((4, 4), bool), 2, constant_values=True), "border is inside"),
        (np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1), "its outline is open"),
        (np.zeros((0, 2)), "no points"),
    ],
)
def test_arrays_that_are_no_outline_are_refused(array, message, tmp_path):
    np.save(tmp_path / "array.npy", array)
    with pytest.raises(ValueError, match=rf"array\.npy.*({message})"):
        read_mesh(tmp_path / "array.npy")


def test_blank_and_foreign_pictures_are_refused(tmp_path):
    for value, message in ((0, "no pixel"), (255, "every pixel")):
        Image.fromarray(np.full((8, 9), value, np.uint8)).save(tmp_path / "flat.png")
        with pytest.raises(ValueError, match=rf"flat\.png.*{message}"):
            read_mesh(tmp_path / "flat.png")
    for suffix in suffixes(OUTLINE):
        (tmp_path / f"text{suffix}").write_text("neither numbers nor pictures")
        for name in (f"text{suffix}", f"none{suffix}"):
            with pytest.raises(ValueError, match=name):
                read_mesh(tmp_path / name)


def test_a_loop_of_points_in_either_direction(tmp_path):
    for points in (SQUARE, SQUARE[::-1], np.concatenate([SQUARE, SQUARE[:1]]), SQUARE.astype(int)):
        np.save(tmp_path / "loop.npy", points)
        mesh = read_mesh(tmp_path / "loop.npy")
        assert len(mesh.faces) == 4 and mesh.is_closed() and mesh.volume() == 16


def test_one_long_edge_closes_where_the_first_point_is_repeated(tmp_path):
    angles = np.linspace(0, np.pi, 50)  # of half a disc, whose flat side is open
    half = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.save(tmp_path / "half.npy", half)
    with pytest.raises(
        ValueError, match=r"is open: .*; if .* closed, repeat the first point at th"
    ):
        read_mesh(tmp_path / "half.npy")
    np.save(tmp_path / "half.npy", np.concatenate([half, half[:1]]))
    mesh = read_mesh(tmp_path / "half.npy")
    assert mesh.is_closed() and mesh.volume() == pytest.approx(np.pi / 2, rel=0.01)


def test_edges_are_turned_and_checked_only_where_they_must(tmp_path):
    inner = SQUARE / 4 + 1
    index = np.arange(4)
    edges = np.stack([index, (index + 1) % 4], axis=1)
    both = Mesh(np.concatenate([SQUARE, inner]), np.concatenate([edges, edges + 4]))
    write_mesh(both, tmp_path / "filled.npz")  # closed and positive: the non-zero rule
    assert read_mesh(tmp_path / "filled.npz").volume() == 17
    write_mesh(Mesh(both.vertices, both.faces[:, ::-1]), tmp_path / "inverse.npz")
    assert read_mesh(tmp_path / "inverse.npz").volume() == 15
    mixed = both.faces.copy()
    mixed[1] = mixed[1, ::-1]
    write_mesh(Mesh(both.vertices, mixed), tmp_path / "mixed.npz")
    mesh = read_mesh(tmp_path / "mixed.npz")
    assert mesh.is_closed() and mesh.volume() == 15
    write_mesh(Mesh(both.vertices, both.faces[1:]), tmp_path / "open.npz")
    with pytest.raises(ValueError, match=r"open\.npz.*the outline is open: a segment ends at"):
        read_mesh(tmp_path / "open.npz")
    kite = Mesh(np.array([(0.0, 0), (4, 4), (4, 0), (0, 1)]), edges)
    with pytest.raises(ValueError, match=r"loop 1 crosses or touches itself at \(0\.8, 0\.8\)"):
        check_outline(kite)
    check_outline(both)


def test_outlines_can_be_normalised_and_measured(tmp_path):
    drawn = '<path d="M0 0 H4 V4 H0 Z M1 1 H2 V2 H1 Z"/>'
    (tmp_path / "drawing.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{drawn}</svg>')
    mesh = read_mesh(tmp_path / "drawing.svg")
    mesh = fit_box(mesh).apply_mesh(mesh)
    # the hole's corner (1, 1) from the top left is at (-0.45, 0.45)
    distance = signed_distance(mesh, np.array([[-0.225, 0.225], [-0.9, 0.0], [0.5, -0.5]]))
    np.testing.assert_allclose(distance, [0.225, 0, -0.4], atol=1e-12)
