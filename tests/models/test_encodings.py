import math

import pytest
import torch

from inr.models.encodings import Fourier, Identity, Positional


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("num_octaves", [1, 4])
@pytest.mark.parametrize("include_point", [True, False])
def test_positional_is_its_formula(dim, num_octaves, include_point):
    encoding = Positional(dim=dim, num_octaves=num_octaves, include_point=include_point)
    x = torch.rand(2, 5, dim, dtype=torch.float64) * 3 - 1.5  # outside the box as well
    got = encoding(x)
    assert encoding.out_dim == dim * (include_point + 2 * num_octaves)
    assert encoding.includes_point == include_point
    assert got.shape == (2, 5, encoding.out_dim)
    for b in range(2):
        for n in range(5):
            point = x[b, n].tolist()
            phases = [math.pi * 2**k * c for k in range(num_octaves) for c in point]
            expected = [*map(math.sin, phases), *map(math.cos, phases)]
            expected = [*point, *expected] if include_point else expected
            assert got[b, n].tolist() == pytest.approx(expected, abs=1e-5)


def test_positional_needs_an_octave_and_stores_nothing():
    with pytest.raises(ValueError, match=r"model\.encoding\.num_octaves is 0"):
        Positional(dim=2, num_octaves=0, include_point=True)
    assert Positional(dim=2, num_octaves=3, include_point=True).state_dict() == {}


@pytest.mark.parametrize("dim", [2, 3])
def test_identity(dim):
    encoding = Identity(dim=dim)
    x = torch.randn(2, 5, dim)
    assert encoding(x) is x and encoding.out_dim == dim and encoding.includes_point


@pytest.mark.parametrize("dim", [2, 3])
def test_fourier_is_its_formula(dim):
    encoding = Fourier(dim=dim, num_frequencies=6, scale=2.0).double()
    x = torch.rand(2, 5, dim, dtype=torch.float64) * 3 - 1.5
    got = encoding(x)
    assert got.shape == (2, 5, encoding.out_dim) == (2, 5, 12)
    assert not encoding.includes_point
    for b in range(2):
        for n in range(5):
            phases = [
                2 * math.pi * sum(f * c for f, c in zip(row, x[b, n].tolist(), strict=True))
                for row in encoding.frequencies.tolist()
            ]
            expected = [*map(math.sin, phases), *map(math.cos, phases)]
            assert got[b, n].tolist() == pytest.approx(expected, abs=1e-9)


def test_fourier_frequencies_are_drawn_once_stored_and_frozen():
    torch.manual_seed(0)
    encoding = Fourier(dim=3, num_frequencies=4000, scale=2.5)
    assert encoding.frequencies.std() == pytest.approx(2.5, rel=0.03)
    assert encoding.frequencies.mean() == pytest.approx(0, abs=0.1)
    assert list(encoding.parameters()) == []
    other = Fourier(dim=3, num_frequencies=4000, scale=2.5)
    x = torch.rand(1, 9, 3)
    assert not torch.allclose(encoding(x), other(x))
    other.load_state_dict(encoding.state_dict())
    assert torch.equal(encoding(x), other(x))


@pytest.mark.parametrize(("num", "scale"), [(0, 1.0), (4, 0.0), (4, -1.0)])
def test_fourier_settings_out_of_range_are_named(num, scale):
    with pytest.raises(ValueError, match=r"model\.encoding\.num_frequencies.*encoding\.scale"):
        Fourier(dim=2, num_frequencies=num, scale=scale)
