import math

import pytest
import torch

from inr.models.encodings import Positional


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("num_octaves", [1, 4])
def test_positional_is_its_formula(dim, num_octaves):
    encoding = Positional(dim=dim, num_octaves=num_octaves)
    x = torch.rand(2, 5, dim, dtype=torch.float64) * 2 - 1
    got = encoding(x)
    assert encoding.out_dim == dim * (1 + 2 * num_octaves)
    assert got.shape == (2, 5, encoding.out_dim)
    for b in range(2):
        for n in range(5):
            point = x[b, n].tolist()
            phases = [math.pi * 2**k * c for k in range(num_octaves) for c in point]
            expected = [*point, *map(math.sin, phases), *map(math.cos, phases)]
            assert got[b, n].tolist() == pytest.approx(expected, abs=1e-5)


def test_positional_needs_an_octave_and_stores_nothing():
    with pytest.raises(ValueError, match="num_octaves is 0"):
        Positional(dim=2, num_octaves=0)
    assert Positional(dim=2, num_octaves=3).state_dict() == {}
