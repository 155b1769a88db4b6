import numpy as np
import pytest
import trimesh

from inr.shapes.mesh import Mesh
from inr.shapes.solids.checks import check_mesh
from inr.shapes.solids.repair import LARGEST_HOLE, repair
from tests.support.meshes import from_trimesh, inverted, join


def scaled(mesh: Mesh, scale: float, offset=0.0) -> Mesh:
    return Mesh(mesh.vertices * scale + np.asarray(offset), mesh.faces)


def with_faces(mesh: Mesh, *faces) -> Mesh:
    return Mesh(
        mesh.vertices, np.concatenate([mesh.faces, np.asarray(faces).reshape(-1, mesh.dim)])
    )


BOX = from_trimesh(trimesh.creation.box((1.0, 2.0, 3.0)))
BALL = from_trimesh(trimesh.creation.icosphere(subdivisions=3))
SQUARE = Mesh(
    np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]]), np.array([[0, 1], [1, 2], [2, 3], [3, 0]])
)
SHELL = join(BALL, scaled(inverted(BALL), 0.5))
SHELL_VOLUME = check_mesh(SHELL).volume


@pytest.mark.parametrize("mesh", [BOX, SHELL, SQUARE], ids=["box", "shell", "square"])
def test_what_is_whole_stays_as_it_is(mesh):
    fixed, notes = repair(mesh)
    assert fixed is mesh and notes == []


def _half_turned() -> Mesh:
    faces = BALL.faces.copy()
    rows = np.random.default_rng(0).random(len(faces)) < 0.4
    faces[rows] = faces[rows, ::-1]
    return Mesh(BALL.vertices, faces)


def _split_by_rounding() -> Mesh:
    corners = BOX.corners().reshape(-1, 3)
    noise = np.random.default_rng(0).uniform(-1e-9, 1e-9, size=corners.shape)
    return Mesh(corners + noise, np.arange(len(corners)).reshape(-1, 3))


def _shuffled_both_ways() -> Mesh:
    faces = np.concatenate([BOX.faces, BOX.faces[:, ::-1]])
    return Mesh(BOX.vertices, np.random.default_rng(1).permutation(faces))


WALL = [[0, 1, 7], [0, 7, 1]]  # twice a triangle inside the box, once each way
BROKEN = {
    "inside out": (inverted(BOX), ["turned 1 component outward"], 6),
    "half turned": (_half_turned(), ["agree with their neighbours"], check_mesh(BALL).volume),
    "split": (_split_by_rounding(), ["merged 28 vertices"], 6),
    "doubled": (join(BOX, BOX), ["merged 8 vertices", "dropped 12 duplicate faces"], 6),
    "both ways": (with_faces(BOX, BOX.faces[:, ::-1]), ["dropped 12 duplicate faces"], 6),
    "shuffled": (
        _shuffled_both_ways(),
        ["dropped 12 duplicate faces", "agree with their", "1 component outward"],
        6,
    ),
    "shuffled beside a whole one": (
        join(_shuffled_both_ways(), scaled(BOX, 1.0, 9.0)),
        ["dropped 12 duplicate faces", "agree with their neighbours", "1 component outward"],
        12,
    ),
    "zero area": (with_faces(BOX, [0, 0, 1], [2, 2, 2]), ["dropped 2 faces without area"], 6),
    "wall": (with_faces(BOX, WALL), ["dropped 2 duplicate faces"], 6),
    "shell inside out": (inverted(SHELL), ["turned 2 components outward"], SHELL_VOLUME),
    "only the outer one": (
        join(inverted(BALL), scaled(BALL, 0.5, 5.0)),
        ["turned 1 component outward"],
        check_mesh(BALL).volume * (1 + 0.5**3),
    ),
}


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_mended_and_said(name, scale):
    mesh, expected, volume = BROKEN[name]
    fixed, notes = repair(scaled(mesh, scale))
    assert len(notes) == len(expected)
    assert all(text in note for text, note in zip(expected, notes, strict=True))
    checks = check_mesh(fixed)
    assert checks.closed and checks.watertight and checks.consistent_winding
    assert (checks.duplicate_faces, checks.degenerate_faces) == (0, 0)
    assert checks.volume == pytest.approx(volume * scale**3, rel=1e-6)
    assert repair(fixed) == (fixed, [])


def test_small_holes_are_filled_and_large_ones_left():
    ball = from_trimesh(trimesh.creation.icosphere(subdivisions=5))
    centres = ball.corners().mean(axis=1)
    for height, is_filled in ((0.9994, True), (0.98, False)):
        opened = Mesh(ball.vertices, ball.faces[centres[:, 2] < height])
        around = 2 * np.pi * np.sqrt(1 - height**2)
        assert (around < LARGEST_HOLE * np.sqrt(12)) == is_filled
        assert not opened.is_closed()
        fixed, notes = repair(opened)
        assert (notes != []) == is_filled == fixed.is_closed()
        if is_filled:
            assert notes[0].startswith("filled 1 hole with ")
            assert check_mesh(fixed).volume == pytest.approx(check_mesh(ball).volume, rel=1e-5)
    coarse = from_trimesh(trimesh.creation.icosphere(subdivisions=2))
    fixed, notes = repair(Mesh(coarse.vertices, coarse.faces[1:]))  # one face, of whatever size
    assert fixed.is_closed() and notes == ["filled 1 hole with 1 face"]
    lidless = Mesh(BOX.vertices, BOX.faces[2:])
    assert repair(lidless) == (lidless, [])


def test_an_open_mesh_is_turned_outward_as_a_whole():
    lidless = Mesh(BOX.vertices, BOX.faces[2:, ::-1])
    fixed, notes = repair(lidless)
    assert notes == ["turned 1 component outward"]
    np.testing.assert_array_equal(fixed.faces, BOX.faces[2:])


def test_faces_without_area_stay_where_they_close_a_mesh():
    # the middle of the edge (a, b) belongs to one side of it only, but for a flat triangle
    a, b, c = BOX.faces[0]
    vertices = np.concatenate([BOX.vertices, [(BOX.vertices[a] + BOX.vertices[b]) / 2]])
    faces = np.concatenate([BOX.faces[1:], [[a, 8, c], [8, b, c], [a, b, 8]]])
    mesh = Mesh(vertices, faces)
    assert mesh.is_closed() and check_mesh(mesh).degenerate_faces == 1
    assert repair(mesh) == (mesh, [])


def test_a_moebius_strip_has_no_outside_and_ends_well():
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    spine = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    across = np.stack(
        [np.cos(angle / 2) * np.cos(angle), np.cos(angle / 2) * np.sin(angle), np.sin(angle / 2)],
        axis=1,
    )
    low, high, n = np.arange(40), np.arange(40) + 40, np.roll(np.arange(40), -1)
    faces = np.concatenate([np.stack([low, n, high], 1), np.stack([n, n + 40, high], 1)])
    faces[39], faces[79] = [39, 40, 79], [40, 0, 79]
    fixed, _ = repair(Mesh(np.concatenate([spine - 0.2 * across, spine + 0.2 * across]), faces))
    assert len(fixed.faces) == 80


def test_outlines_are_merged_and_thinned_only():
    split = Mesh(SQUARE.corners().reshape(-1, 2) + 1e-10, np.arange(8).reshape(-1, 2))
    fixed, notes = repair(with_faces(join(split, SQUARE), [0, 0]))
    assert notes == [
        "merged 8 vertices",
        "dropped 1 face without area",
        "dropped 4 duplicate faces",
    ]
    checks = check_mesh(fixed)
    assert (checks.closed, checks.volume, checks.area) == (True, pytest.approx(4), pytest.approx(8))
    assert repair(inverted(SQUARE))[1] == []


def test_nothing_is_left_of_nothing():
    point = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    fixed, notes = repair(point)
    assert fixed.is_empty and len(notes) == 2
