import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from inr.data.deepsdf_layout import DeepSDFLayout, open_layout, read_normalization
from inr.data.layout import Layout
from inr.data.names.lists import read_names
from inr.data.read import read_surface_points
from inr.shapes.normalize import Normalization
from tests.support.making import DRAWS, open_signed

CENTRE, RADIUS = np.array([3.0, -1.0, 2.0]), 10.0
SHAPES = {"ball": ("ShapeNet_V2", "03"), "a_b": ("ShapeNet_V2", "03"), "ball2": ("Mine", "x_y")}
NAMES = ["Mine_x_y_ball2", "ShapeNet_V2_03_a_b", "ShapeNet_V2_03_ball"]


@pytest.fixture
def root(tmp_path):
    """Balls around CENTRE in the native frame, of radius 0.8 in the box, as DeepSDF writes."""
    rng = np.random.default_rng(0)
    for number, (name, folders) in enumerate(SHAPES.items()):
        stem = "/".join([*folders, name])
        points = rng.uniform(-1, 1, (300, 3))
        samples = np.column_stack([points, np.linalg.norm(points, axis=1) - 0.8])
        samples = samples.astype(np.float32)
        outside = samples[:, 3] >= 0
        pos, neg = samples[outside], samples[~outside]
        pos[0, 3] = np.nan  # its sampler leaves some behind
        path = tmp_path / "SdfSamples" / f"{stem}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        (np.savez_compressed if number else np.savez)(path, pos=pos, neg=neg)
        normals = rng.normal(size=(50, 3))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        path = tmp_path / "SurfaceSamples" / f"{stem}.ply"
        path.parent.mkdir(parents=True, exist_ok=True)
        trimesh.PointCloud(CENTRE + RADIUS * normals).export(path)
        path = tmp_path / "NormalizationParameters" / f"{stem}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, offset=-CENTRE.astype(np.float32), scale=np.float32(0.8 / RADIUS))
    return tmp_path


def test_the_layout_is_recognised(root, tmp_path_factory):
    assert isinstance(open_layout(root, None), DeepSDFLayout)
    assert type(open_layout(tmp_path_factory.mktemp("other"), None)) is Layout


def test_every_shape_is_found_by_its_joined_name(root):
    layout = open_layout(root, None)
    assert layout.names() == NAMES
    for name in NAMES:
        assert layout.is_ready(name)
        assert layout.samples(name).exists()
        assert layout.surface(name).exists() and layout.normalization(name).exists()
        assert not layout.mesh(name).exists()
    path = root / "SdfSamples" / "ShapeNet_V2" / "03" / "a_b.npz"
    assert layout.samples("ShapeNet_V2_03_a_b") == path
    assert not layout.is_ready("ShapeNet_V2_03_c")


def test_samples_are_drawn_from_it_in_place(root):
    layout = open_layout(root, None)
    store = open_signed(layout, NAMES, dim=3, needs=("signed", "surface"))
    draws = replace(DRAWS, samples=200, surface=40)
    batch = store.draw(torch.arange(3), draws, torch.Generator().manual_seed(0))
    exact = batch.samples.points.norm(dim=2, keepdim=True) - 0.8
    torch.testing.assert_close(batch.samples.targets, exact, atol=1e-6, rtol=0)
    assert ((batch.samples.targets > 0).sum(dim=1) == 100).all()
    # surface points are of the native frame, and come in the box frame
    torch.testing.assert_close(batch.surface.points.norm(dim=2), torch.full((3, 40), 0.8))
    with pytest.raises(ValueError, match=r"ShapeNet_V2_03_c.*has no signed distances"):
        open_signed(layout, ["ShapeNet_V2_03_c"], dim=3)


def test_its_transform_goes_both_ways(root):
    transform = read_normalization(open_layout(root, None).normalization(NAMES[0]))
    np.testing.assert_allclose(transform.apply(CENTRE[None]), 0, atol=1e-6)
    np.testing.assert_allclose(
        transform.undo(np.array([[0.8, 0, 0]])), CENTRE[None] + np.array([RADIUS, 0, 0]), rtol=1e-6
    )


def test_a_transform_of_the_other_layout(tmp_path):
    given = Normalization(np.array([1.0, 2.0]), np.eye(2), 3.0)
    given.save(tmp_path / "t.npz")
    np.testing.assert_array_equal(
        read_normalization(tmp_path / "t.npz").apply(np.ones((1, 2))), [[6, 9]]
    )
    (tmp_path / "bad.npz").write_bytes(b"PK")
    np.savez(tmp_path / "other.npz", x=1)
    np.savez(tmp_path / "flat.npz", offset=np.zeros(3), scale=0.0)
    for name in ("bad", "other", "flat", "none"):
        with pytest.raises(ValueError, match=rf"{name}\.npz' as a normalization"):
            read_normalization(tmp_path / f"{name}.npz")


def test_a_surface_without_its_transform(root):
    layout = open_layout(root, None)
    layout.normalization(NAMES[0]).unlink()
    with pytest.raises(ValueError, match=r"NormalizationParameters/Mine/x_y/ball2\.npz"):
        read_surface_points(layout, NAMES[0], 3, with_normals=False)


def test_without_surface_points(root):
    layout = open_layout(root, None)
    layout.surface(NAMES[0]).unlink()
    with pytest.raises(ValueError, match=r"SurfaceSamples/Mine/x_y/ball2\.ply.* made elsewhere"):
        read_surface_points(layout, NAMES[0], 3, with_normals=False)
    layout.manifest.write_text("{}")  # one of our own: prepare can make them
    with pytest.raises(ValueError, match=r"delete .* and run stage=prepare"):
        read_surface_points(layout, NAMES[0], 3, with_normals=False)


def test_its_splits_name_its_shapes(root):
    nested = {"ShapeNet_V2": {"03": ["ball", "a_b"]}}
    path = root / "splits" / "sv2_balls_train.json"
    path.parent.mkdir()
    path.write_text(json.dumps(nested))
    layout = open_layout(root, None)
    assert layout.split("train") == path
    assert all(layout.is_ready(name) for name in read_names(path))
    (root / "splits" / "train.json").write_text("[]")
    assert layout.split("train").name == "train.json"
    assert layout.split("test").name == "test.json"


def test_two_shapes_of_one_name(root):
    path = root / "SdfSamples" / "ShapeNet" / "V2_03" / "ball.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"would both be named 'ShapeNet_V2_03_ball'.*rename"):
        open_layout(root, None).names()
