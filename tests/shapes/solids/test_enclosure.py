from itertools import product

import numpy as np
import pytest

from inr.shapes.mesh import Mesh
from inr.shapes.nearest import nearest_on_mesh
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import signed_distance
from inr.shapes.solids.enclosure import Enclosure, enclose
from tests.support.soups import (
    SOLIDS_2D,
    SOLIDS_3D,
    WAYS,
    Solid,
    worsen,
)

GAP, THICKNESS, STEP = 0.03, 0.02, 2 / 256
# each way with and without each other one: the rows of an orthogonal array, and all together
PAIRS = [
    [
        way
        for way, chosen in zip(WAYS, (a, b, a ^ b, c, a ^ c, b ^ c, a ^ b ^ c), strict=True)
        if chosen
    ]
    for a, b, c in product((0, 1), repeat=3)
]


def solid_of(mesh: Mesh, **changes) -> Enclosure:
    return enclose(mesh, **{"gap": GAP, "thickness": THICKNESS, "step": STEP, **changes})


def check_worse(solid: Solid, ways, *, num: int, atol: float) -> None:
    soup = worsen(solid, ways, gap=GAP)
    found = solid_of(soup.mesh).mesh
    assert found.is_closed()
    rng = np.random.default_rng(1)
    near = sample_surface(soup.solid, num, rng)[0]
    near += rng.normal(scale=0.05, size=near.shape)
    points = np.concatenate([near, rng.uniform(-1, 1, near.shape)])
    true, distance = soup.distance(points, THICKNESS), signed_distance(found, points)
    is_wrong = (true < 0) != (distance < 0)
    assert is_wrong[np.abs(true) > STEP / 2].mean() <= 1e-3, ways
    error = np.abs(true - distance)
    places = nearest_on_mesh(soup.solid, points), nearest_on_mesh(found, points)
    is_wall = soup.is_wall(places[0], 2 * STEP) & soup.is_wall(places[1], 2 * STEP)
    assert is_wall.mean() > 0.05
    assert error[is_wall].max() < atol, ways
    assert error.max() < GAP / 2, ways


@pytest.mark.parametrize("name", SOLIDS_2D)
@pytest.mark.parametrize("doubled", [False, True])
def test_outlines_made_worse_in_every_combination(name, doubled):
    for chosen in product((False, True), repeat=len(WAYS) - 1):
        ways = [way for way, is_on in zip(WAYS, (doubled, *chosen), strict=True) if is_on]
        check_worse(SOLIDS_2D[name], ways, num=1000, atol=1e-3)


@pytest.mark.parametrize("number", range(len(PAIRS) + 1))
def test_solids_made_worse(number):
    ways = [*PAIRS, WAYS][number]
    name = ["ball", "rotated box", "torus"][number % 3]
    # where no corner of the grid is in a sharp edge, it is cut, by less than half a cell
    check_worse(SOLIDS_3D[name], ways, num=3000, atol=STEP / 2 if "box" in name else 1e-3)
