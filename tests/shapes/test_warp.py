import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from inr.shapes import sdf, warp
from inr.shapes.mesh import Mesh
from inr.shapes.sampling import sample_sdf, sample_surface
from tests.support.meshes import from_trimesh


def _torus() -> Mesh:
    return from_trimesh(trimesh.creation.torus(0.6, 0.25))


def _open() -> Mesh:
    torus = _torus()
    return Mesh(torus.vertices, torus.faces[torus.corners().mean(axis=1)[:, 0] < 0.4])


def _overlapping() -> Mesh:
    one = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
    other = trimesh.creation.box((0.8, 0.5, 0.4))
    return from_trimesh(trimesh.util.concatenate([one, other.apply_translation((0.4, 0.2, 0.1))]))


def _points(mesh: Mesh):
    rng = np.random.default_rng(0)
    near = [
        sample_surface(mesh, 4000, rng)[0] + rng.normal(scale=scale, size=(4000, 3))
        for scale in (0.07, 0.02, 1e-6)
    ]
    return np.concatenate([*near, rng.uniform(-1, 1, (2000, 3))])


@pytest.mark.parametrize("make", [_torus, _open, _overlapping])
def test_it_agrees_with_the_cpu(make):
    pytest.importorskip("warp")
    mesh = make()
    points = _points(mesh)
    for sign in sdf.SIGNS:
        here, there = (
            sdf.measure(mesh, points, sign),
            warp.measure(mesh, points, sign, device="cpu"),
        )
        np.testing.assert_allclose(np.abs(there.distance), np.abs(here.distance), atol=1e-6)
        # nearer than float32 can tell, a side is a matter of rounding
        off = np.abs(here.distance) > 2e-7
        assert off.mean() > 0.9
        assert ((here.distance < 0) == (there.distance < 0))[off].mean() >= 0.9999
        if sign == "winding":
            assert there.ambiguity == pytest.approx(here.ambiguity, abs=2e-3)
        else:
            assert there.ambiguity is None


def test_far_from_the_origin_and_in_chunks(monkeypatch):
    pytest.importorskip("warp")
    mesh, shift = _torus(), np.array([300.0, -200.0, 100.0])
    points = _points(mesh)[::7]
    monkeypatch.setattr(warp, "_CHUNK", 997)
    found = warp.signed_distance(
        Mesh(mesh.vertices + shift, mesh.faces), points + shift, device="cpu"
    )
    np.testing.assert_allclose(np.abs(found), sdf.unsigned_distance(mesh, points), atol=1e-6)
    monkeypatch.setattr(warp, "_PAIRS", 0)  # the doubtful ones by the CPU's tree
    again = warp.signed_distance(
        Mesh(mesh.vertices + shift, mesh.faces), points + shift, device="cpu"
    )
    off = np.abs(found) > 2e-7
    np.testing.assert_array_equal((found < 0)[off], (again < 0)[off])
    np.testing.assert_array_equal((found < 0)[off], (sdf.signed_distance(mesh, points) < 0)[off])


def test_slivers_count_as_faces():
    pytest.importorskip("warp")
    cube = from_trimesh(trimesh.creation.box((0.5, 0.5, 0.5)))
    needle = np.array([[0.5, 0.0, 0.0], [0.9, 0.0, 0.0], [0.7, 1e-9, 0.0]])
    mesh = Mesh(
        np.concatenate([cube.vertices, needle]),
        np.concatenate([cube.faces, [[8, 9, 10], [9, 8, 10]]]),
    )
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    exact = sdf.signed_distance(mesh, points)
    assert (np.abs(exact - sdf.signed_distance(cube, points)) > 0.1).any()
    np.testing.assert_allclose(warp.signed_distance(mesh, points, device="cpu"), exact, atol=1e-6)


def test_outlines_are_measured_as_ever():
    pytest.importorskip("warp")
    square = Mesh(
        np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]),
        np.array([[0, 1], [1, 2], [2, 3], [3, 0]]),
    )
    points = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    np.testing.assert_array_equal(
        warp.signed_distance(square, points, device="cpu"), sdf.signed_distance(square, points)
    )


def test_what_is_missing_is_named(monkeypatch):
    torus, points = _torus(), np.zeros((1, 3))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "warp", None)
        draw = {"near_counts": (5,), "near_variances": (0.01,), "num_uniform": 1}
        with pytest.raises(ValueError, match=r"pip install 'inr\[warp\]'"):
            sample_sdf(torus, **draw, rng=np.random.default_rng(0), device="cuda")
    pytest.importorskip("warp")
    with pytest.raises(ValueError, match=r"prepare\.device=cuda:77"):
        warp.signed_distance(torus, points, device="cuda:77")
    with pytest.raises(ValueError, match=r"data\.sign"):
        warp.signed_distance(torus, points, "both", device="cpu")


def test_a_device_that_is_not_there(monkeypatch):
    """Warp is asked for its list alone: its look-up of a device that is not there prints lines."""
    ready = {"config": SimpleNamespace(log_level=20), "LOG_WARNING": 30, "init": lambda: None}
    one = {"get_devices": lambda: ["cpu", "cuda:0"], "is_cuda_available": lambda: True}
    monkeypatch.setitem(sys.modules, "warp", SimpleNamespace(**ready, **one))
    monkeypatch.setattr(warp, "_has_driver", lambda: True)
    for device in ("cpu", "cuda", "cuda:0"):
        warp.check_device(device)
    assert ready["config"].log_level == 30
    with pytest.raises(ValueError, match=r"device=cuda:1 is not available; Warp finds cpu, cuda:0"):
        warp.check_device("cuda:1")
    none = {"get_devices": lambda: ["cpu"], "is_cuda_available": lambda: False}
    monkeypatch.setitem(sys.modules, "warp", SimpleNamespace(**ready, **none))
    with pytest.raises(ValueError, match=r"device=cuda is not available; Warp finds cpu"):
        warp.check_device("cuda")


def test_without_a_driver_warp_is_not_begun(monkeypatch):
    monkeypatch.setitem(sys.modules, "warp", SimpleNamespace())
    monkeypatch.setattr(warp, "_has_driver", lambda: False)
    with pytest.raises(
        ValueError, match=r"cuda .* no NVIDIA driver is installed; prepare\.device=cpu"
    ):
        warp.check_device("cuda")


def test_nothing_but_our_own_message_is_printed():
    """In a process of its own, whose standard error Warp's library would write to."""
    pytest.importorskip("warp")
    code = (
        "from inr.shapes.warp import check_device\n"
        "try: check_device('cuda:77')\n"
        "except ValueError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("prepare.device=cuda:77 is not available")
    assert done.stderr == ""
