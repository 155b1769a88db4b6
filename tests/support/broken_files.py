"""Mesh files that real folders hold: broken, odd, or merely unusual, and what is to come of each.

`write_corpus` makes them in a folder. Where a case has an inside, `inside` says of points of the
native frame whether they are in it, by a formula that knows nothing of the mesh.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from tests.support.writers import (
    CUBE,
    CUBE_FACES,
    PRISM,
    PRISM_FACES,
    Writer,
    as_ply,
    ball,
    box,
    cached,
    cut_off,
    dae,
    export,
    gltf,
    huge_header,
    negative_indices,
    polygons,
    save,
    scene,
    triangles,
    with_vertex,
    without_material,
    without_texture,
)

Points = NDArray[np.floating]
Inside = Callable[[Points], NDArray[np.bool_]]

PREPARED, REFUSED = "prepared", "refused"
FAR = np.array([1e7, -2e7, 3e7])


@dataclass(frozen=True)
class Case:
    """Hold one file of the corpus and what is expected of it.

    Args:
        file: its name in the folder.
        write: makes the file (and what stands beside it) at a path.
        expected: PREPARED or REFUSED.
        reason: a fragment of the reason it is refused for.
        refused_by: "reading", or "prepare" if it can be read and only has no inside.
        inside: (N, 3) points of the native frame to (N,) bool, right but for points nearer to the
            surface than a hundredth of the shape's size; None if there is no ground truth.
        needs_repair: whether its winding number is nowhere 1 before faces are dropped or turned.
    """

    file: str
    write: Writer
    expected: str
    reason: str = ""
    refused_by: str = "reading"
    inside: Inside | None = None
    needs_repair: bool = False

    @property
    def readable(self) -> bool:
        """Return whether `read_mesh` takes it."""
        return self.expected == PREPARED or self.refused_by == "prepare"


def write_corpus(folder: Path, cases: Iterable[Case] | None = None) -> dict[str, Case]:
    """Write cases (all) into a folder; return them by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for case in CASES if cases is None else cases:
        case.write(folder / case.file)
        written[case.file] = case
    return written


def in_box(half: Sequence[float], centre: Sequence[float] = (0, 0, 0)) -> Inside:
    """Return the inside of a box."""
    return lambda x: (np.abs(x - np.asarray(centre)) < np.asarray(half)).all(axis=1)


def in_ball(radius: float, centre: Sequence[float] = (0, 0, 0)) -> Inside:
    """Return the inside of a ball."""
    return lambda x: np.linalg.norm(x - np.asarray(centre), axis=1) < radius


def either(*insides: Inside) -> Inside:
    """Return the inside of a union."""
    return lambda x: np.logical_or.reduce([inside(x) for inside in insides])


def without(inside: Inside, hollow: Inside) -> Inside:
    """Return the inside of a difference."""
    return lambda x: inside(x) & ~hollow(x)


def _join(*meshes):
    return trimesh.util.concatenate(meshes)


def _turned(mesh):
    mesh.invert()
    return mesh


def _refused(file: str, write: Writer, reason: str) -> Case:
    return Case(file, write, REFUSED, reason)


def _flat(file: str, write: Writer) -> Case:
    return Case(file, write, REFUSED, "encloses no volume", refused_by="prepare")


def _good(file: str, write: Writer, inside: Inside, *, needs_repair: bool = False) -> Case:
    return Case(file, write, PREPARED, inside=inside, needs_repair=needs_repair)


_BOX = in_box((1, 0.5, 0.25))
_CUBE = in_box((1, 1, 1))
_PRISM = without(in_box((1, 1, 0.5)), in_box((0.5, 0.5, 1), (0.5, 0.5, 0)))
_TWO = either(_CUBE, in_box((1, 1, 1), (3, 0, 0)))
_CROSS = either(in_box((1, 0.3, 0.3)), in_box((0.3, 1, 0.3)))
_SQUARE = [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]
_TEXT = ("obj", "ply", "off")
_SUFFIXES = (*_TEXT, "stl", "glb", "gltf", "3mf", "dae", "zip")
_PROSE = "Dear reader,\nthis is no mesh.\n" * 9
_INF, _NAN = float("inf"), float("nan")
_LONG = "long_" + "x" * 241  # 250 characters with its suffix

_NOT_WHOLE = (
    *(_refused(f"empty_{kind}.{kind}", save(b""), "the file is empty") for kind in _SUFFIXES),
    *(
        _refused(f"cut_{kind}.{kind}", cut_off(box(), kind, 0.7), reason)
        for kind, reason in (
            *(("ply", "cut off"), ("stl", "cut off"), ("off", "cut off"), ("glb", "cut off")),
            *(("3mf", "cut off"), ("dae", "cut off")),
        )
    ),
    _refused("cut_text.stl", cut_off(box(), "stl_ascii", 0.7), "cut off"),
    _refused("cut_face.obj", save("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\nf 1"), "cut off"),
    _refused("cut_gltf.gltf", save('{"asset": {"version": "2.0"}, "mesh'), "cut off"),
    _refused("cut_zip.zip", save(b"PK\x03\x04" + b"\0" * 90), "cut off"),
    _refused("huge_stl.stl", huge_header, "4000000000 triangles"),
    _refused("huge_ply.ply", huge_header, "4000000000 of 'vertex'"),
    _refused("zeros.ply", save(b"\0" * 4096), "only blanks or zeros"),
)
_SOMETHING_ELSE = (
    _refused("prose_stl.stl", save(_PROSE), "it is text, and no .stl"),
    _refused("prose_obj.obj", save(_PROSE), "no vertices"),
    _refused("prose_ply.ply", save(_PROSE), "does not begin as a .ply"),
    _refused("really_a_ply.obj", save(as_ply(box())), "content is a .ply; rename"),
    _refused("really_an_obj.ply", polygons(CUBE, CUBE_FACES, kind=".obj"), "is an .obj; rename"),
    _refused("really_a_glb.stl", save(box().export(file_type="glb")), "content is a .glb; rename"),
    _refused("page.glb", save("<!DOCTYPE html><html></html>"), "it is no mesh but XML or HTML"),
    _refused("picture.obj", save(b"\x89PNG\r\n\x1a\n" + b"\1" * 99), "it is no mesh but a picture"),
    _refused("points_ply.ply", polygons(CUBE, []), "data=points"),
    _refused("points_obj.obj", polygons(CUBE, []), "data=points"),
    _refused("missing_vertex.obj", polygons(CUBE, [[0, 1, 8]]), "does not have"),
    _refused("missing_vertex_off.off", polygons(CUBE, [[0, 1, 8]]), "does not have"),
    _refused("vertex_zero.obj", polygons(CUBE, [[0, 1, -1]]), "counts from 1"),
    _refused("no_number.obj", save("v 0 0 zero\nv 1 0 0\nv 0 1 0\nf 1 2 3"), "'zero' is no number"),
    _refused("lost_buffer.gltf", gltf(with_buffer=False), "is not beside it"),
    _refused("two.zip", cached({"a.ply": as_ply(box()), "b.ply": as_ply(box())}), "holds 2"),
    _refused("none.zip", cached({"readme.txt": b"nothing"}), "holds none"),
    *(
        _refused(f"used_{value}.obj", with_vertex(value, used=True), "not finite")
        for value in (_NAN, _INF)
    ),
)
_ODD = (
    *(_good(f"unused_{v}.obj", with_vertex(v, used=False), _BOX) for v in (_NAN, _INF)),
    _flat("single_triangle.obj", polygons(_SQUARE, [[0, 1, 2]])),
    _flat("flat_sheet.obj", polygons(_SQUARE, [[0, 1, 2, 3]])),
    # a point just within the missing lid sees less than half of its surroundings through it
    _good("open_box.obj", polygons(CUBE, [CUBE_FACES[0], *CUBE_FACES[2:]]), _CUBE),
    _good("zero_area.obj", triangles(box(), more=[[0, 0, 1], [2, 2, 2], [0, 1, 0]]), _BOX),
    _good("inside_out.obj", triangles(_turned(box())), _BOX, needs_repair=True),
    _good("doubled.obj", triangles(box(), more=box().faces), _BOX),
    _good(
        "doubled_both_ways.obj",
        triangles(box(), more=box().faces[:, ::-1]),
        _BOX,
        needs_repair=True,
    ),
    _good("doubled_apart.obj", triangles(_join(box(), box())), _BOX),
    _good("nested.ply", export(_join(ball(1), ball(0.5))), in_ball(1)),
    _good(
        "hollow.ply",
        export(_join(ball(1), _turned(ball(0.5)))),
        without(in_ball(1), in_ball(0.5)),
    ),
    _good("crossed.ply", export(_join(box((1, 0.3, 0.3)), box((0.3, 1, 0.3)))), _CROSS),
    _good("large.off", triangles(box((1e6, 5e5, 2.5e5))), in_box((1e6, 5e5, 2.5e5))),
    _good("small.off", triangles(box((1e-6, 5e-7, 2.5e-7))), in_box((1e-6, 5e-7, 2.5e-7))),
    _good("far.obj", triangles(box((1, 0.5, 0.25), FAR)), in_box((1, 0.5, 0.25), FAR)),
)
_UNUSUAL = (
    *(_good(f"quads_{kind}.{kind}", polygons(CUBE, CUBE_FACES), _CUBE) for kind in _TEXT),
    *(_good(f"ngons_{kind}.{kind}", polygons(PRISM, PRISM_FACES), _PRISM) for kind in _TEXT),
    *(_good(f"box_{kind}.{kind}", export(box()), _BOX) for kind in ("stl", "3mf")),
    _good("box_text.stl", save(box().export(file_type="stl_ascii")), _BOX),
    _good("box_dae.dae", dae, _BOX),
    _good("negative_indices.obj", negative_indices, either(_CUBE, in_box((1, 1, 1), (4, 0, 0)))),
    _good("lost_material.obj", without_material, _CUBE),
    _good("lost_texture.ply", without_texture, _CUBE),
    _good("lost_picture.gltf", gltf(with_buffer=True), _BOX),
    _good("Würfel_куб_箱.ply", export(box()), _BOX),
    _good(f"{_LONG}.ply", export(box()), _BOX),
    _good("scene_glb.glb", scene, _TWO),
    _good("scene_3mf.3mf", scene, _TWO),
    _good("one.zip", cached({"deep/a.ply": as_ply(box()), "__MACOSX/._a.ply": b"x"}), _BOX),
)
CASES = (*_NOT_WHOLE, *_SOMETHING_ELSE, *_ODD, *_UNUSUAL)
