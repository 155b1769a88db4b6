"""Shapes whose metrics are known, and the protocols of conf/eval to measure them under."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import trimesh

from inr.config.compose import CONF
from inr.config.factories import build_protocol
from inr.config.sections import structure
from inr.metrics.eval_shape import EvalShape, Surface
from inr.metrics.pair import FieldEvaluator, Pair
from inr.metrics.protocol import Protocol
from inr.metrics.settings import Eval
from inr.shapes.extract import extract_mesh
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.normalize import Normalization, identity
from tests.support.composed import composed

# those of sets of shapes and of parts are tested in test_sets.py, test_parts.py and test_images.py
OTHERS = {"generation", "parts"}
PROTOCOLS = sorted({path.stem for path in (CONF / "eval").glob("*.yaml")} - OTHERS)

BITS = {
    2: np.array([[x, y] for y in (0, 1) for x in (0, 1)]),
    3: np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)]),
}
TRIANGLES = "021 123 456 576 014 154 263 367 042 246 135 375"
BOX_FACES = {
    2: np.array([[0, 1], [1, 3], [3, 2], [2, 0]]),
    3: np.array([[int(i) for i in face] for face in TRIANGLES.split()]),
}


class Settings:
    """Stand for a whole configuration, of which measuring reads the section `eval` alone."""

    def __init__(self, section: Mapping[str, object]) -> None:
        self.eval: Eval = structure(Eval, section)
        self.allow: list[str] = []


def settings_of(name: str) -> Eval:
    """What conf/eval says of a protocol."""
    return Settings(composed(f"eval={name}")["eval"]).eval


def protocol(name: str, *, of_clouds: bool = False, **changes) -> Protocol:
    """A protocol of conf/eval; a change of `iou__resolution` is one of that metric's setting."""
    section: dict[str, Any] = composed(f"eval={name}")["eval"]
    for key, value in changes.items():
        metric, _, setting = key.rpartition("__")
        place = section["metrics"].get(metric) if metric else section
        if place is not None and setting in place:
            place[setting] = value
    made = build_protocol(Settings(section))  # type: ignore[arg-type]
    return replace(made, conditions=replace(made.conditions, of_clouds=of_clouds))


def pair(reconstruction: Mesh | EvalShape, ground_truth: Mesh | EvalShape, **changes) -> Pair:
    """Two shapes in the box frame."""
    one, other = (Surface(s) if isinstance(s, Mesh) else s for s in (reconstruction, ground_truth))
    settings = {"name": "shape", "num_points": 3000, "seed": 0, "box": identity(other.dim)}
    return Pair(one, other, **{**settings, **changes})


def box(lower, upper) -> Mesh:
    lower, upper = np.array(lower, dtype=float), np.array(upper, dtype=float)
    return Mesh(lower + BITS[len(lower)] * (upper - lower), BOX_FACES[len(lower)])


def cube(dim: int, half: float = 0.5) -> Mesh:
    return box([-half] * dim, [half] * dim)


def ball(radius: float, dim: int, *, center: float = 0.0) -> Mesh:
    """A ball so fine that its facets are far below what is measured, moved along the first axis."""
    if dim == 2:
        angle = np.linspace(0, 2 * np.pi, 2001)[:-1]
        index = np.arange(2000)
        mesh = Mesh(
            radius * np.stack([np.cos(angle), np.sin(angle)], axis=1),
            np.stack([index, np.roll(index, -1)], axis=1),
        )
    else:
        sphere = trimesh.creation.icosphere(subdivisions=5, radius=radius)
        mesh = Mesh(np.asarray(sphere.vertices), np.asarray(sphere.faces, dtype=np.int64))
    return move(mesh, center)


def coarse_ball(radius: float, dim: int) -> Mesh:
    return extract_mesh(lambda p: np.linalg.norm(p, axis=1) - radius, dim=dim, resolution=48)


def sheet(dim: int, degrees: float = 0.0) -> Mesh:
    """An open square (2-D: segment) of normal y, tilted about the last axis; it has no inside."""
    lower = [-0.5, -0.0, -0.5][:dim]
    upper = [0.5, 0.0, 0.5][:dim]
    whole = box(lower, upper)
    facing = whole.area_vectors()[:, 1] < 0
    return turn(Mesh(whole.vertices, whole.faces[facing]), degrees)


def move(mesh: Mesh, shift: float) -> Mesh:
    offset = np.zeros(mesh.dim)
    offset[0] = shift
    return Mesh(mesh.vertices + offset, mesh.faces)


def turn(mesh: Mesh, degrees: float) -> Mesh:
    """Rotate about the origin in the plane of the first two axes."""
    return Mesh(mesh.vertices @ rotation(mesh.dim, degrees).T, mesh.faces)


def rotation(dim: int, degrees: float) -> Floats:
    angle = np.deg2rad(degrees)
    matrix = np.eye(dim)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return matrix


def some_frame(dim: int, scale: float = 0.25) -> Normalization:
    """A native frame that is turned, moved and of another size than the box."""
    return Normalization(np.array([0.1, -0.2, 0.3])[:dim], rotation(dim, 30.0), scale)


def box_distance(points: Floats, half: float) -> Floats:
    """The signed distance of points (N, D) from the surface of `cube`, negative inside."""
    beyond = np.abs(points) - half
    outside = np.linalg.norm(np.maximum(beyond, 0), axis=1)
    return outside + np.minimum(beyond.max(axis=1), 0)


def evaluator_of(distance, function, slope: float, *, is_distance: bool = True) -> FieldEvaluator:
    """A network whose field is a function of a shape's true distance, in the box frame.

    Args:
        distance: of points (N, D), (N,).
        function: of distances.
        slope: its derivative, where that is constant.
        is_distance: false of an occupancy.
    """
    return FieldEvaluator(
        lambda points: function(distance(points)),
        lambda points: np.full(len(points), slope),
        is_distance=is_distance,
    )


def ball_distance(points: Floats, radius: float = 0.5) -> Floats:
    """The signed distance of points (N, D) from the surface of `ball`, negative inside."""
    return np.linalg.norm(points, axis=1) - radius
