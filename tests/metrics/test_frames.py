"""The same pair in three frames: numbers are in the ratio of the frames' units."""

import math

import numpy as np
import pytest

from inr.data.layout import Layout, write_npz
from inr.metrics.base import FLOOR
from inr.runs.ground_truth import open_pair
from inr.shapes.mesh import empty_mesh, write_mesh
from tests.support.pairs import (
    PROTOCOLS,
    ball,
    ball_distance,
    cube,
    evaluator_of,
    protocol,
    some_frame,
    turn,
)

DIMS = pytest.mark.parametrize("dim", [2, 3])
SCALE = 0.25  # box units a native unit
HALF = 0.4  # of the ground truth in the box, so that its longest edge is 0.8
# box units a unit of the frame
UNITS = {"box": 1.0, "native": SCALE, "unit_cube": 2 * HALF}
SMALL = {"emd__num_points": 30, "iou__num_points": 2000, "iou__resolution": 16}
POWERS = {"chamfer_l2": 2, "iou": 0, "normal_consistency": 0, "smape": 0, "smape_near": 0}
POWERS |= {f"gradient_norm_{kind}{near}": 0 for kind in ("mean", "std") for near in ("", "_near")}


@pytest.fixture
def layout(tmp_path, dim):
    made = Layout(tmp_path)
    path = tmp_path / "meshes" / ("cube.npz" if dim == 2 else "cube.ply")
    path.parent.mkdir()
    write_mesh(cube(dim, HALF), path)
    some_frame(dim, SCALE).save(made.normalization("cube"))
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(400, dim))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    write_npz(made.surface("cloud"), all=np.concatenate([HALF * normals, normals], axis=1))
    write_npz(made.unsigned("cloud"), all=np.zeros((1, dim + 1)))
    some_frame(dim, SCALE).save(made.normalization("cloud"))
    return made


def opened(layout, mesh, frame, name="cube"):
    evaluator = evaluator_of(ball_distance, lambda d: d + 0.05, 1.0)
    settings = {"ground_truth": "solid", "num_points": 400, "seed": 0}
    return open_pair(mesh, layout, name, frame=frame, evaluator=evaluator, **settings)


@DIMS
@pytest.mark.parametrize("frame", ["native", "unit_cube"])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_numbers_are_in_the_ratio_of_the_units(name, frame, dim, layout):
    mesh = turn(ball(0.45, dim), 10.0)
    unit = UNITS[frame]
    in_box, _ = protocol(name, frame="box", **SMALL).evaluate(opened(layout, mesh, "box"))
    thresholds = {
        f"{key}__threshold": metric.threshold / unit
        for key, metric in protocol(name).metrics.items()
        if key.startswith("f_score")
    }
    measured = protocol(name, frame=frame, **SMALL, **thresholds)
    got, _ = measured.evaluate(opened(layout, mesh, frame))
    for metric, value in in_box.items():
        key = metric.removesuffix(FLOOR)
        power = 0 if key.startswith("f_score") else POWERS.get(key, 1)
        if math.isnan(value):
            assert math.isnan(got[metric]) and key.startswith("scan")
        elif key == "iou":  # of the turned frame's own grid, where there is one
            on_corners = name in ("base_inr", "partsdf")  # in whose planes the cube's faces lie
            assert got[metric] == pytest.approx(value, abs=0.12 if on_corners else 0.03)
        elif key.endswith("_near"):  # of noise along the frame's own axes
            assert got[metric] == pytest.approx(value / unit**power, rel=0.1), metric
        else:
            assert got[metric] == pytest.approx(value / unit**power, rel=1e-6, abs=1e-9), metric
    said = {"native": "native units", "unit_cube": "unit-cube units"}[frame]
    units = [info.unit for info in measured.infos().values()]
    assert not any("box" in unit for unit in units)
    assert any(said in unit for unit in units)


@DIMS
def test_the_three_frames_are_where_they_should_be(dim, layout):
    ground_truth = cube(dim, HALF)
    for frame in UNITS:
        subject = opened(layout, ground_truth, frame)
        vertices = subject.ground_truth.mesh.vertices
        back = subject.box.apply(vertices)
        assert np.abs(back) == pytest.approx(np.full_like(back, HALF))
        edges = np.linalg.norm(vertices[1] - vertices[0])
        assert edges == pytest.approx(2 * HALF / UNITS[frame])
        assert subject.reconstruction.mesh.vertices == pytest.approx(vertices)
    native = opened(layout, ground_truth, "native").ground_truth.mesh
    assert native.vertices.mean(axis=0) == pytest.approx(-np.array([0.1, -0.2, 0.3])[:dim])
    in_cube = opened(layout, ground_truth, "unit_cube").ground_truth.mesh
    assert np.ptp(in_cube.vertices, axis=0).max() == pytest.approx(1)


@DIMS
def test_an_empty_mesh_is_as_far_as_the_unit_cube_is_wide(dim, layout):
    subject = opened(layout, empty_mesh(dim), "unit_cube")
    got, _ = protocol("occnet", **SMALL).evaluate(subject)
    assert got["chamfer_l1"] == pytest.approx(math.sqrt(dim))
    assert got["chamfer_l2"] == pytest.approx(dim)


@DIMS
@pytest.mark.parametrize("frame", UNITS)
def test_a_cloud_of_a_data_set_moves_with_its_normals(frame, dim, layout):
    subject = opened(layout, ball(0.5, dim), frame, name="cloud")
    cloud = subject.ground_truth
    in_box = subject.box.apply(cloud.points)
    assert np.linalg.norm(in_box, axis=1) == pytest.approx(np.full(400, HALF), rel=1e-5)
    assert (cloud.normals @ subject.box.rotation.T) * HALF == pytest.approx(in_box, abs=1e-5)
    assert subject.scan is cloud.points or np.array_equal(subject.scan, cloud.points)
    got, reasons = protocol("default", of_clouds=True, frame=frame).evaluate(subject)
    unit = UNITS[frame] if frame != "unit_cube" else np.ptp(in_box, axis=0).max()
    assert got["accuracy"] == pytest.approx(0.1 / unit, rel=0.2)
    assert got["normal_consistency"] > 0.97
    assert set(reasons) == {"iou"}


def test_native_needs_the_transform(tmp_path):
    made = Layout(tmp_path)
    (tmp_path / "meshes").mkdir()
    write_mesh(cube(2), tmp_path / "meshes" / "a.npz")
    with pytest.raises(ValueError, match=r"eval\.frame=box does not need it"):
        opened(made, cube(2), "native", name="a")
