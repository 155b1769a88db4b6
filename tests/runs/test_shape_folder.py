from pathlib import Path

import numpy as np
import pytest
import torch

from inr.runs.shape_folder import ShapeFolder
from inr.shapes.mesh import Mesh, empty_mesh


@pytest.mark.parametrize(("dim", "suffix"), [(2, ".npz"), (3, ".ply")])
def test_where_the_files_of_a_shape_lie(dim: int, suffix: str) -> None:
    shapes = ShapeFolder(Path("run/reconstruction/epoch_000001/test"), dim)
    found = {
        shapes.mesh("a"): f"meshes/a{suffix}",
        shapes.native_mesh("a"): f"meshes_native/a{suffix}",
        shapes.part("a", 3): f"parts/a/part3{suffix}",
        shapes.poses("a"): "poses/a.npz",
        shapes.latent("a"): "latents/a.npy",
        shapes.finished({}).path: "shapes.json",
    }
    for path, relative in found.items():
        assert path == shapes.path / relative


def mesh_of(dim: int) -> Mesh:
    if dim == 3:
        faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
        return Mesh(np.concatenate([np.zeros((1, 3)), np.eye(3)]), faces)
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    return Mesh(square, np.array([[0, 1], [1, 2], [2, 3], [3, 0]]))


@pytest.mark.parametrize("dim", [2, 3])
def test_what_is_written_is_read_again(dim: int, tmp_path: Path) -> None:
    shapes, mesh = ShapeFolder(tmp_path, dim), mesh_of(dim)
    shapes.write_mesh("a", mesh)
    assert len(shapes.read_mesh("a").faces) == len(mesh.faces)
    latent = torch.arange(6.0).view(2, 3)
    shapes.write_latent("a", latent)
    assert torch.equal(shapes.read_latent("a"), latent)
    poses = {"scales": np.ones((3, dim))}
    shapes.write_parts("a", [mesh, None, empty_mesh(dim)], poses)
    first, *others = shapes.read_parts("a", 3)
    assert first is not None and len(first.faces) == len(mesh.faces)
    assert others == [None, None]
    with np.load(shapes.poses("a")) as arrays:
        assert dict(arrays).keys() == {"scales"}
    entry = {"status": "ok", "seconds": 0.5}
    shapes.finished({"seed": 1}).add("a", entry)
    assert shapes.finished({}).shapes == {"a": {**entry, "settings": {"seed": 1}}}


@pytest.mark.parametrize("dim", [2, 3])
def test_an_empty_shape_takes_the_place_of_what_was_there(dim: int, tmp_path: Path) -> None:
    shapes, mesh = ShapeFolder(tmp_path, dim), mesh_of(dim)
    assert shapes.read_mesh("a").is_empty and shapes.read_mesh("a").dim == dim
    shapes.write_mesh("a", mesh)
    shapes.write_parts("a", [mesh, mesh], {})
    shapes.write_mesh("a", empty_mesh(dim))
    shapes.write_parts("a", [None, mesh], {})
    assert not shapes.mesh("a").exists() and shapes.read_mesh("a").is_empty
    first, second = shapes.read_parts("a", 2)
    assert first is None and second is not None
