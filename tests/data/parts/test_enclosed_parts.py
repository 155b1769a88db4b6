"""Parts of triangle soups are solids, as the whole is."""

from pathlib import Path

import numpy as np
import pytest

from inr.data.layout import Layout
from inr.data.parts.read import part_mesh
from inr.data.parts.sources import find_part_files
from inr.data.prepare.inside import Soups
from inr.data.prepare.shape import prepare_shape
from inr.shapes.mesh import Mesh, read_mesh, write_mesh
from inr.shapes.normalize import Normalization
from inr.shapes.sdf import signed_distance
from tests.support.making import recipe
from tests.support.meshes import join
from tests.support.soups import box, rectangle

LEG = box((0.1, 0.4, 0.1), (0.0, -0.4, 0.0))
SEAT = rectangle([-0.8, 0.05, -0.8], [1.6, 0, 0], [0, 0, 1.6])


def prepare(folder: Path, whole: Mesh, parts: list[Mesh], **settings) -> tuple[Layout, dict]:
    suffix = ".npz" if whole.dim == 2 else ".obj"
    write_mesh(whole, folder / f"chair{suffix}")
    for number, part in enumerate(parts):
        write_mesh(part, folder / "parts" / "meshes" / "chair" / f"part{number}{suffix}")
    files = find_part_files(folder, ["chair"], (suffix,))[0]["chair"]
    layout = Layout(folder / "made")
    settings = {"dim": whole.dim, "sign": "auto", "num_uniform": 4000} | settings
    path = folder / f"chair{suffix}"
    record = prepare_shape("chair", path, layout.root, recipe(**settings), files)
    assert record["status"] == "ok", record["reason"]
    return layout, record


def test_a_closed_leg_and_a_seat_of_a_sheet(tmp_path):
    layout, record = prepare(tmp_path, join(LEG, SEAT), [LEG, SEAT])
    assert record["sign"] == "outside"
    checks = record["part_checks"]
    assert checks["open"] == [] and checks["flat"] == [] and checks["in_no_part"] < 0.01
    leg, seat = (read_mesh(part_mesh(layout, "chair", number)) for number in range(2))
    frame = Normalization.load(layout.normalization("chair"))
    np.testing.assert_allclose(leg.vertices, frame.apply_mesh(LEG).vertices, atol=1e-7)
    np.testing.assert_array_equal(leg.faces, LEG.faces)
    assert seat.is_closed()
    sheet = frame.apply_mesh(SEAT)
    thick = sheet.bounds + 0.01 * np.array([[-1.0], [1.0]])
    np.testing.assert_allclose(seat.bounds, thick, atol=2e-3)
    with np.load(layout.samples("chair")) as samples, np.load(layout.labels("chair")) as labels:
        points = samples["neg"][:, :3].astype(float)
        distances = np.stack([signed_distance(part, points) for part in (leg, seat)], axis=1)
        is_clear = np.abs(distances[:, 0] - distances[:, 1]) > 1e-6
        assert (labels["neg"] == distances.argmin(axis=1))[is_clear].all()
        assert set(labels["neg"].tolist()) == {0, 1}
        middle = points[labels["neg"] == 1][:, 1] - sheet.vertices[0, 1]
        assert np.abs(middle).max() < 0.015
    whole = read_mesh(layout.mesh("chair"))
    assert whole.volume() == pytest.approx(leg.volume() + seat.volume(), rel=0.02)


def test_open_parts_of_a_closed_shape_stay_open(tmp_path):
    lower = Mesh(LEG.vertices, LEG.faces[LEG.corners()[:, :, 1].mean(axis=1) < -0.3])
    layout, record = prepare(tmp_path, LEG, [lower])
    assert record["sign"] == "winding" and record["part_checks"]["open"] == [0]
    frame = Normalization.load(layout.normalization("chair"))
    kept = read_mesh(part_mesh(layout, "chair", 0))
    np.testing.assert_allclose(kept.corners(), frame.apply_mesh(lower).corners(), atol=1e-7)


def test_what_encloses_nothing_without_shells_stays_flat(tmp_path):
    soups = Soups(gap=0.03, thickness=0.0)
    _, record = prepare(tmp_path, join(LEG, SEAT), [LEG, SEAT], soups=soups)
    assert record["part_checks"]["open"] == [1]


def test_open_outlines_of_parts(tmp_path):
    corners = np.array([[0.0, 0.0], [0.8, 0.0], [0.8, 0.8], [0.0, 0.8], [0.0, 0.01]])
    index = np.arange(4)
    frame = Mesh(corners, np.stack([index, index + 1], axis=1))
    stick = Mesh(np.array([[0.8, 0.4], [1.6, 0.4]]), np.array([[0, 1]]))
    _, record = prepare(tmp_path, join(frame, stick), [frame, stick])
    checks = record["part_checks"]
    assert record["sign"] == "outside" and checks["open"] == [] and checks["in_no_part"] < 0.01
