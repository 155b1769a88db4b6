"""What is measured against, of a soup: the surface of its solid, or its visible faces."""

import json
import math
from functools import cache

import numpy as np
import pytest

from inr.data.layout import Layout
from inr.data.prepare.inside import Soups, enclosed
from inr.runs.ground_truth import (
    OPEN,
    check_given,
    ground_truth_mesh,
    ground_truth_stamp,
    open_pair,
)
from inr.shapes.mesh import Mesh, mesh_suffix, read_mesh, write_mesh
from inr.shapes.sampling import sample_surface
from inr.shapes.solids.enclosure import Enclosure
from tests.support.pairs import PROTOCOLS, ball, ball_distance, cube, evaluator_of, protocol

THICKNESS = 0.1
SETTINGS = {"frame": "box", "num_points": 2000, "seed": 0}
SMALL = {"emd__num_points": 30, "iou__num_points": 2000, "iou__resolution": 16}
# those that ask what is inside
OF_INSIDE = ("iou", "mae", "rmse", "smape", "gradient_norm")


@cache
def open_box(dim: int) -> Enclosure:
    """A box without a lid, of walls without thickness."""
    whole = cube(dim)
    lid = (whole.corners()[:, :, -1] == 0.5).all(axis=1)
    found = enclosed(Mesh(whole.vertices, whole.faces[~lid]), Soups(0.03, THICKNESS))
    assert found.fractions["sheet"] == 1
    return found


@pytest.fixture(params=[2, 3])
def layout(tmp_path, request) -> Layout:
    """The open box, and a ball."""
    dim, suffix = request.param, mesh_suffix(request.param)
    enclosure, made = open_box(dim), Layout(tmp_path)
    for path in (made.root / "meshes", made.root / "meshes_visible"):
        path.mkdir()
    write_mesh(enclosure.mesh, made.root / "meshes" / f"box{suffix}")
    write_mesh(enclosure.visible, made.visible_mesh("box", suffix))
    write_mesh(ball(0.5, dim), made.root / "meshes" / f"ball{suffix}")
    shapes = {"box": {"status": "ok", "sign": "outside"}}
    made.manifest.write_text(json.dumps({"settings": {}, "shapes": shapes}))
    return made


def dim_of(layout: Layout) -> int:
    return read_mesh(layout.mesh("box")).dim


def test_the_given_faces_are_half_a_thickness_inside_the_solid(layout):
    solid = read_mesh(layout.mesh("box"))
    of = {
        surface: open_pair(solid, layout, "box", ground_truth=surface, **SETTINGS)
        for surface in ("solid", "given")
    }
    points, _ = sample_surface(solid, 2000, np.random.default_rng(0))
    assert of["solid"].ground_truth.distance(points).max() < 1e-9
    off = of["given"].ground_truth.distance(points)
    np.testing.assert_allclose(off, THICKNESS / 2, atol=5e-3)
    assert off.mean() == pytest.approx(THICKNESS / 2, abs=1e-3)
    # the faces as they came: no lid
    drawn = of["given"].surface_samples[1].points
    assert np.abs(drawn).max() == pytest.approx(0.5)
    assert (drawn[:, -1] < 0.499).mean() > 0.99


@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_open_surface_has_no_inside_and_the_rest_is_measured(layout, name):
    solid = read_mesh(layout.mesh("box"))
    evaluator = evaluator_of(ball_distance, lambda d: d, 1.0)
    pair = open_pair(solid, layout, "box", ground_truth="given", evaluator=evaluator, **SETTINGS)
    values, reasons = protocol(name, **SMALL).evaluate(pair)
    metrics = {m for m in protocol(name).metrics if not m.startswith("scan")}
    of_inside = {metric for metric in metrics if metric.startswith(OF_INSIDE)}
    assert {metric for metric, why in reasons.items() if why == OPEN} == of_inside
    assert {metric for metric in metrics if math.isnan(values[metric])} == of_inside
    assert "add eval.ground_truth=solid" in OPEN


def test_other_shapes_have_one_surface(layout):
    dim = dim_of(layout)
    mesh = ball(0.4, dim)
    one, other = (
        open_pair(mesh, layout, "ball", ground_truth=surface, **SETTINGS)
        for surface in ("solid", "given")
    )
    assert np.array_equal(one.ground_truth.mesh.vertices, other.ground_truth.mesh.vertices)
    assert protocol("default", **SMALL).evaluate(other)[1] == {}
    assert ground_truth_stamp(layout, "ball", dim, "given") == ground_truth_stamp(
        layout, "ball", dim, "solid"
    )


def test_the_stamp_and_the_picture_follow_the_surface(layout):
    dim = dim_of(layout)
    before = {s: ground_truth_stamp(layout, "box", dim, s) for s in ("solid", "given")}
    assert before["solid"] != before["given"]
    path = layout.visible_mesh("box", mesh_suffix(dim))
    visible = ground_truth_mesh(layout, "box", dim, "given")
    assert not visible.is_closed() and ground_truth_mesh(layout, "box", dim).is_closed()
    write_mesh(Mesh(0.5 * visible.vertices, visible.faces[1:]), path)
    assert ground_truth_stamp(layout, "box", dim, "given") != before["given"]
    assert ground_truth_stamp(layout, "box", dim, "solid") == before["solid"]


def test_faces_that_are_missing_are_not_replaced_by_the_solid(layout):
    dim = dim_of(layout)
    check_given(layout, ["box", "ball"], dim)
    layout.visible_mesh("box", mesh_suffix(dim)).unlink()
    check_given(layout, ["ball"], dim)
    with pytest.raises(ValueError, match=r"meshes_visible.*missing; .*eval\.ground_truth=solid"):
        check_given(layout, ["ball", "box"], dim)
