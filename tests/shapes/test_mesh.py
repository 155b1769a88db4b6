import struct

import numpy as np
import pytest
import trimesh

from inr.shapes.formats.base import SURFACE
from inr.shapes.formats.table import suffixes
from inr.shapes.mesh import Mesh, mesh_suffix, read_mesh, write_mesh
from tests.support.meshes import from_trimesh

WRITABLE = (".obj", ".ply", ".off", ".stl", ".glb", ".3mf", ".dae")


def _box() -> Mesh:
    return from_trimesh(trimesh.creation.box((1.0, 2.0, 3.0)))


def _loop(points, start: int = 0) -> Mesh:
    index = np.arange(len(points))
    edges = np.stack([index, np.roll(index, -1)], axis=1) + start
    return Mesh(np.asarray(points, float), edges)


def _square_with_hole() -> Mesh:
    outer = _loop([(0, 0), (3, 0), (3, 3), (0, 3)])
    hole = _loop([(1, 1), (1, 2), (2, 2), (2, 1)], start=4)
    return Mesh(
        np.concatenate([outer.vertices, hole.vertices]), np.concatenate([outer.faces, hole.faces])
    )


def test_box_measures():
    mesh = Mesh(_box().vertices + np.array([5.0, -3.0, 2.0]), _box().faces)
    assert mesh.dim == 3 and not mesh.is_empty
    assert mesh.volume() == pytest.approx(6)
    assert mesh.face_areas().sum() == pytest.approx(22)
    np.testing.assert_allclose(mesh.area_vectors().sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(mesh.bounds, [[4.5, -4, 0.5], [5.5, -2, 3.5]])
    inward = Mesh(mesh.vertices, mesh.faces[:, ::-1])
    assert inward.volume() == pytest.approx(-6)


def test_sphere_measures_and_normals():
    mesh = from_trimesh(trimesh.creation.icosphere(subdivisions=4, radius=0.5))
    assert mesh.volume() == pytest.approx(4 / 3 * np.pi * 0.5**3, rel=5e-3)
    assert mesh.face_areas().sum() == pytest.approx(4 * np.pi * 0.5**2, rel=5e-3)
    centres = mesh.corners().mean(axis=1)
    outward = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    assert np.einsum("fd,fd->f", mesh.face_normals(), outward).min() > 0.999


def test_polygon_with_a_hole_measures():
    mesh = _square_with_hole()
    assert mesh.dim == 2
    assert mesh.volume() == pytest.approx(8)
    assert mesh.face_areas().sum() == pytest.approx(16)
    np.testing.assert_allclose(mesh.face_normals()[:4], [[0, -1], [1, 0], [0, 1], [-1, 0]])
    # the hole's outward side is its own inside
    middles = mesh.corners()[4:].mean(axis=1)
    inward = np.einsum("fd,fd->f", mesh.face_normals()[4:], np.array([1.5, 1.5]) - middles)
    assert (inward > 0).all()


def test_faces_without_area_have_no_normal():
    mesh = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    np.testing.assert_array_equal(mesh.face_normals(), [[0, 0, 0]])


def test_closed_meshes_are_closed():
    for mesh in (_box(), _square_with_hole()):
        assert mesh.is_closed()
        # twice the same surface is still without boundary, and a face without area adds none
        assert Mesh(mesh.vertices, np.concatenate([mesh.faces, mesh.faces])).is_closed()
        point = np.zeros((1, mesh.dim), np.int64)
        assert Mesh(mesh.vertices, np.concatenate([mesh.faces, point])).is_closed()


def test_open_flipped_and_empty_meshes_are_not_closed():
    for mesh in (_box(), _square_with_hole()):
        assert not Mesh(mesh.vertices, mesh.faces[1:]).is_closed()
        assert not Mesh(mesh.vertices, mesh.faces[:0]).is_closed()
        assert Mesh(mesh.vertices, mesh.faces[:0]).is_empty
        flipped = mesh.faces.copy()
        flipped[0, :2] = flipped[0, 1::-1]
        assert not Mesh(mesh.vertices, flipped).is_closed()


@pytest.mark.parametrize("suffix", [*WRITABLE, ".PLY"])
def test_files_keep_the_shape(suffix, tmp_path):
    path = tmp_path / "deep" / f"box{suffix}"
    write_mesh(_box(), path)
    mesh = read_mesh(path)
    assert mesh.is_closed()
    assert mesh.volume() == pytest.approx(6, rel=1e-5)
    np.testing.assert_allclose(mesh.bounds, _box().bounds, atol=1e-6)
    assert mesh.vertices.dtype == np.float64 and mesh.faces.dtype == np.int64
    if suffix not in (".stl", ".dae"):  # their triangles bring their own corners
        np.testing.assert_array_equal(mesh.faces, _box().faces)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_flat_files_keep_every_bit(tmp_path):
    mesh = Mesh(_square_with_hole().vertices / 7, _square_with_hole().faces)
    write_mesh(mesh, tmp_path / "a.npz")
    loaded = read_mesh(tmp_path / "a.npz")
    np.testing.assert_array_equal(loaded.vertices, mesh.vertices)
    np.testing.assert_array_equal(loaded.faces, mesh.faces)
    with np.load(tmp_path / "a.npz") as file:
        assert set(file) == {"vertices", "edges"}
    assert (mesh_suffix(2), mesh_suffix(3)) == (".npz", ".ply")


def test_a_scene_of_two_is_joined(tmp_path):
    moved = trimesh.creation.box((1.0, 1.0, 1.0))
    moved.apply_translation([5, 0, 0])
    scene = trimesh.Scene([trimesh.creation.box((1.0, 1.0, 1.0)), moved])
    scene.export(tmp_path / "a.glb")
    mesh = read_mesh(tmp_path / "a.glb")
    assert mesh.volume() == pytest.approx(2)
    assert mesh.bounds[1, 0] == pytest.approx(5.5)


@pytest.mark.parametrize("suffix", [*suffixes(SURFACE), ".npz"])
def test_empty_and_missing_files_are_refused(suffix, tmp_path):
    path = tmp_path / f"none{suffix}"
    with pytest.raises(ValueError, match="none"):
        read_mesh(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="none"):
        read_mesh(path)


@pytest.mark.parametrize("suffix", [".ply", ".off", ".stl", ".glb", ".npz"])
def test_truncated_files_are_refused(suffix, tmp_path):
    path = tmp_path / f"whole{suffix}"
    write_mesh(_square_with_hole() if suffix == ".npz" else _box(), path)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(ValueError, match="cut"):
        read_mesh(cut)


_VERTICES = "v 0 0 0\nv 1 0 0\nv 0 1 {z}\n"


@pytest.mark.parametrize(
    "text",
    [
        _VERTICES.format(z="nan") + "f 1 2 3\n",
        _VERTICES.format(z="inf") + "f 1 2 3\n",
        _VERTICES.format(z=0),
        _VERTICES.format(z=0) + "f 1 2 9\n",
        "this is no mesh",
    ],
    ids=["nan", "inf", "no faces", "missing vertex", "prose"],
)
def test_bad_obj_files_are_refused(text, tmp_path):
    path = tmp_path / "bad.obj"
    path.write_text(text)
    with pytest.raises(ValueError, match="bad"):
        read_mesh(path)


@pytest.mark.parametrize(
    ("vertices", "edges"),
    [
        (np.full((2, 2), np.nan), [[0, 1]]),
        (np.zeros((2, 2)), np.zeros((0, 2))),
        (np.zeros((2, 2)), [[0, 2]]),
        (np.zeros((2, 2)), [[-1, 0]]),
        (np.zeros((2, 3)), [[0, 1]]),
    ],
    ids=["nan", "no edges", "missing vertex", "negative", "wrong width"],
)
def test_bad_flat_files_are_refused(vertices, edges, tmp_path):
    np.savez(tmp_path / "bad.npz", vertices=vertices, edges=edges)
    with pytest.raises(ValueError, match="bad"):
        read_mesh(tmp_path / "bad.npz")


def test_vertices_that_no_face_uses_may_be_anything(tmp_path):
    path = tmp_path / "a.obj"
    path.write_text("v nan 0 0\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 2 3 4\n")
    mesh = read_mesh(path)
    np.testing.assert_array_equal(mesh.corners()[0], [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    assert len(mesh.vertices) == 3


def test_obj_lines_of_all_kinds_are_understood(tmp_path):
    path = tmp_path / "a.obj"
    lines = ["\ufeff# made by hand", "o first", "v 0 0 0 1 0 0", "v 1 0 0", "\tv  0 1 0 # third"]
    lines += ["vt 0 0", "vn 0 0 1", "s off", "usemtl none", "f 1/1/1 2//1 \\", "3", "l 1 2", "p 1"]
    lines += ["g second", "v 0 0 5", "f -1 -4 -3", "f 1 2"]
    path.write_bytes("\r\n".join([*lines, "# the end"]).encode())
    mesh = read_mesh(path)
    expected = [[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, 5], [0, 0, 0], [1, 0, 0]]]
    np.testing.assert_array_equal(mesh.corners(), expected)


@pytest.mark.parametrize("header", ["OFF\n4 1 0", "OFF 4 1 0", "OFF4 1 0", "# a\n\nCOFF\n4 1 0"])
def test_off_headers_of_all_kinds_are_understood(header, tmp_path):
    path = tmp_path / "a.off"
    path.write_text(f"{header}\n0 0 0\n1 0 0 255 0 0 1\n\n0 1 0\n0 0 1 # last\n3 0 2 3 0.5 0.5 0.5")
    np.testing.assert_array_equal(read_mesh(path).corners(), [[[0, 0, 0], [0, 1, 0], [0, 0, 1]]])


@pytest.mark.parametrize("order", ["<", ">", "text"])
@pytest.mark.parametrize("polygons", [[[0, 1, 2]], [[0, 1, 2], [0, 1, 2, 3]]])
def test_ply_of_every_order_and_uneven_polygons(order, polygons, tmp_path):
    points = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 1.0, 0.0)]
    name = {"<": "binary_little_endian", ">": "binary_big_endian", "text": "ascii"}[order]
    header = (
        f"ply\nformat {name} 1.0\ncomment any\nelement vertex 4\nproperty uchar red\n"
        "property double x\nproperty float y\nproperty float z\n"
        f"element other 2\nproperty short a\nelement face {len(polygons)}\n"
        "property float quality\nproperty list uchar int vertex_index\nend_header\n"
    )
    rows = [("Bdff", (7, *point)) for point in points] + [("h", (1,)), ("h", (2,))]
    rows += [(f"fB{len(p)}i", (0.5, len(p), *p)) for p in polygons]
    if order == "text":
        content = "\n".join(" ".join(map(str, values)) for _, values in rows).encode()
    else:
        content = b"".join(struct.pack(order + kinds, *values) for kinds, values in rows)
    path = tmp_path / "a.ply"
    path.write_bytes(header.encode() + content)
    mesh = read_mesh(path)
    assert len(mesh.faces) == sum(len(p) - 2 for p in polygons)
    assert mesh.face_areas().sum() == pytest.approx(0.5 if len(polygons) == 1 else 1.5)
    np.testing.assert_allclose(mesh.face_normals(), np.tile([0, 0, 1.0], (len(mesh.faces), 1)))
    for size in range(len(header) + 1, len(header) + len(content) - 3):
        path.write_bytes(header.encode() + content[: size - len(header)])
        with pytest.raises(ValueError, match=r"a\.ply"):
            read_mesh(path)
