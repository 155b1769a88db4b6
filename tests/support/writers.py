"""How the files of the corpus are made: each function returns, or is, a writer of a path."""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import trimesh

Writer = Callable[[Path], None]


def box(half: Iterable[float] = (1, 0.5, 0.25), centre: Iterable[float] = (0, 0, 0)):
    """Return a box as a trimesh."""
    mesh = trimesh.creation.box(2 * np.asarray(list(half)))
    mesh.apply_translation(list(centre))
    return mesh


def ball(radius: float, centre: Iterable[float] = (0, 0, 0)):
    """Return a ball as a trimesh, fine enough for signs off its surface by a hundredth."""
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    mesh.apply_translation(list(centre))
    return mesh


def export(mesh) -> Writer:
    return lambda path: write_file(path, mesh.export(file_type=path.suffix[1:]))


def save(data: str | bytes) -> Writer:
    return lambda path: write_file(path, data)


def write_file(path: Path, data: bytes | str) -> None:
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def cut_off(mesh, kind: str, fraction: float) -> Writer:
    def write(path: Path) -> None:
        data = mesh.export(file_type=kind)
        write_file(path, data[: int(len(data) * fraction)])

    return write


def polygons(vertices, faces, kind: str = "") -> Writer:
    """Write faces of any size as .obj, .off or text .ply, at full precision."""

    def write(path: Path) -> None:
        rows = [" ".join(repr(float(x)) for x in row) for row in vertices]
        suffix = kind or path.suffix
        if suffix == ".obj":
            lines = [f"v {row}" for row in rows]
            lines += ["f " + " ".join(str(i + 1) for i in face) for face in faces]
        else:
            lines = ["OFF", f"{len(rows)} {len(faces)} 0"]
            if suffix == ".ply":
                lines = ["ply", "format ascii 1.0", f"element vertex {len(rows)}"]
                lines += [f"property double {axis}" for axis in "xyz"]
                lines += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
                lines += ["end_header"]
            lines += rows + [" ".join(str(i) for i in (len(face), *face)) for face in faces]
        write_file(path, "\n".join([*lines, ""]))

    return write


def triangles(mesh, more=()) -> Writer:
    """Write a mesh with more faces, which no library has a say in."""
    return polygons(mesh.vertices, [*mesh.faces.tolist(), *np.asarray(more).tolist()])


def with_vertex(value: float, *, used: bool) -> Writer:
    mesh = box()
    faces = [*mesh.faces.tolist(), [0, 1, 8]] if used else mesh.faces.tolist()
    return polygons([*mesh.vertices, [value, 0, 0]], faces)


def huge_header(path: Path) -> None:
    if path.suffix == ".stl":
        write_file(path, b"\0" * 40 + b"x" * 40 + struct.pack("<I", 4_000_000_000) + b"\0" * 500)
        return
    header = (
        "ply\nformat binary_little_endian 1.0\nelement vertex 4000000000\nproperty float x\n"
        "property float y\nproperty float z\nelement face 4000000000\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    write_file(path, header.encode() + b"\0" * 500)


CUBE_FACES = [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
CUBE = [[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1]]
CUBE += [[x, y, 1] for x, y, _ in CUBE]
# an L: the two ends are concave hexagons
_HEXAGON = [[-1, -1], [1, -1], [1, 0], [0, 0], [0, 1], [-1, 1]]
PRISM = [[*corner, z] for z in (-0.5, 0.5) for corner in _HEXAGON]
# from its second corner on, where a fan would leave the hexagon
_ENDS = [[2, 1, 0, 5, 4, 3], [7, 8, 9, 10, 11, 6]]
PRISM_FACES = [*_ENDS, *([i, (i + 1) % 6, (i + 1) % 6 + 6, i + 6] for i in range(6))]


def negative_indices(path: Path) -> None:
    """Write two cubes, each by its own last 8 vertices."""
    lines = []
    for shift in (0, 4):
        lines += [f"v {x + shift} {y} {z}" for x, y, z in CUBE]
        lines += ["f " + " ".join(str(i - 8) for i in face) for face in CUBE_FACES]
    write_file(path, "\n".join(lines))


def without_material(path: Path) -> None:
    lines = ["mtllib nowhere.mtl", *(f"v {x} {y} {z}" for x, y, z in CUBE)]
    lines += ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1", "usemtl lost"]
    lines += [
        "f " + " ".join(f"{i + 1}/{k + 1}" for k, i in enumerate(face)) for face in CUBE_FACES
    ]
    write_file(path, "\n".join(lines))


def without_texture(path: Path) -> None:
    lines = ["ply", "format ascii 1.0", "comment TextureFile nowhere.png", "element vertex 8"]
    lines += [*(f"property float {axis}" for axis in "xyz"), "element face 6"]
    lines += ["property list uchar int vertex_index", "property list uchar float texcoord"]
    lines += ["end_header", *(f"{x} {y} {z}" for x, y, z in CUBE)]
    lines += [f"4 {' '.join(map(str, face))} 8 0 0 1 0 1 1 0 1" for face in CUBE_FACES]
    write_file(path, "\n".join(lines))


def scene(path: Path) -> None:
    """Write one cube seen by two nodes, one of which moves, and one mirrors and moves."""
    graph = trimesh.Scene()
    mirrored = trimesh.transformations.scale_matrix(-1, direction=[1, 0, 0])
    mirrored[:3, 3] = [3, 0, 0]
    cube = box((1, 1, 1))
    graph.add_geometry(cube, node_name="left", geom_name="cube")
    graph.graph.update("right", geometry="cube", matrix=mirrored)
    write_file(path, graph.export(file_type=path.suffix[1:]))


def gltf(*, with_buffer: bool) -> Writer:
    def write(path: Path) -> None:
        files = trimesh.Scene(box()).export(file_type="gltf")
        tree = json.loads(files["model.gltf"])
        for i, buffer in enumerate(tree["buffers"]):
            name = f"{path.stem}_{i}.bin"
            if with_buffer:
                write_file(path.with_name(name), files[buffer["uri"]])
            buffer["uri"] = name
        tree["images"] = [{"uri": "nowhere.png"}]
        tree["textures"] = [{"source": 0}]
        tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
        write_file(path, json.dumps(tree))

    return write


def cached(members: Mapping[str, bytes]) -> Writer:
    def write(path: Path) -> None:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        write_file(path, data.getvalue())

    return write


def as_ply(mesh) -> bytes:
    return mesh.export(file_type="ply")


_LOST_PICTURE = (
    '<library_images><image id="lost"><init_from>nowhere.png</init_from></image></library_images>'
)


def dae(path: Path) -> None:
    data = box().export(file_type="dae").decode()
    write_file(path, data.replace("<library_effects>", _LOST_PICTURE + "<library_effects>"))
