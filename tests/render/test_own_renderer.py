"""A renderer of one's own, from a package outside inr, as the base class tells to write it."""

import numpy as np
import pytest

from inr.config.compose import compose, register_resolvers
from inr.config.factories import build_renderer
from inr.config.instantiate import check, instantiate
from inr.config.validate import check_config
from inr.render.interface import Renderer, Renderer2D
from inr.shapes.mesh import Mesh
from tests.support.pairs import cube

register_resolvers()
OWN = '''
import numpy as np

from inr.render.interface import Renderer


class Silhouette(Renderer):
    """Covers the bounding rectangle of each mesh, seen along z."""

    def __init__(self, *, size, color):
        self.size = size
        self.color = color

    def render_parts(self, meshes, colors, *, size=None):
        size = self.size if size is None else size
        image = np.full((size, size, 3), 255, dtype=np.uint8)
        for mesh, color in zip(meshes, colors, strict=True):
            (left, low), (right, high) = np.rint((mesh.bounds[:, :2] + 1) / 2 * size).astype(int)
            image[size - high : size - low, left:right] = np.rint(255 * np.array(color))
        return image
'''
ENTRY = {"_target_": "own_renderers.Silhouette", "size": 8, "color": [1.0, 0.0, 0.0]}


@pytest.fixture
def own_package(tmp_path, monkeypatch):
    (tmp_path / "own_renderers.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)


class Settings:
    """Stands for a configuration, of which only these are read."""

    def __init__(self, raw):
        self.allow = raw["allow"]
        self.renderer = type("Entries", (), raw["renderer"])


def test_it_draws_in_place_of_ours(own_package):
    raw = compose(["stage=all", "experiment=quickstart", "allow=[own_renderers]"])
    raw["renderer"]["solid"] = ENTRY
    check_config(raw)
    renderer = build_renderer(Settings(raw))
    image = renderer.render(cube(3))
    assert image.shape == (8, 8, 3)
    covered = np.zeros((8, 8), dtype=bool)
    covered[2:6, 2:6] = True
    assert (image[covered] == [255, 0, 0]).all() and (image[~covered] == 255).all()
    # size and color of one call go before its own
    assert renderer.render(cube(3), size=4, color=[0, 0, 1])[2, 2].tolist() == [0, 0, 255]
    flat = cube(2)
    assert renderer.render(flat).shape == (raw["renderer"]["flat"]["size"],) * 2 + (3,)
    parts = [Mesh(cube(3).vertices + shift, cube(3).faces) for shift in (-0.5, 0.5)]
    image = renderer.render_parts(parts, [[0, 1, 0], [0, 0, 1]])
    assert image[7, 0].tolist() == [0, 255, 0] and image[0, 7].tolist() == [0, 0, 255]


def test_one_of_meshes_alone_does_not_draw_fields(own_package):
    check(ENTRY, "renderer.solid", ["own_renderers"], kind=Renderer)
    with pytest.raises(ValueError, match=r"'renderer.flat' has to be a Renderer2D"):
        check(ENTRY, "renderer.flat", ["own_renderers"], kind=Renderer2D)


def test_what_a_renderer_lacks_is_named(own_package, tmp_path):
    (tmp_path / "misspelt.py").write_text(OWN.replace("render_parts", "render_part"))
    with pytest.raises(ValueError, match="render_parts"):
        instantiate({**ENTRY, "_target_": "misspelt.Silhouette"}, ["misspelt"])


def test_it_has_to_be_allowed(own_package):
    raw = compose(["stage=all", "experiment=quickstart"])
    raw["renderer"]["solid"] = ENTRY
    with pytest.raises(ValueError, match=r"add allow=\[own_renderers\]"):
        check_config(raw)
