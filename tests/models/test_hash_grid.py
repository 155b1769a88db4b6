import itertools
import math

import numpy as np
import pytest
import torch

from inr.models.hash_grid import HashGrid, level_resolutions
from inr.models.row_sums import gather

PRIMES = [1, 2654435761, 805459861]


def make(dim, *, levels=3, features=2, log2=6, base=2, finest=16):
    torch.manual_seed(0)
    grid = HashGrid(
        dim=dim,
        num_levels=levels,
        features_per_level=features,
        log2_table_size=log2,
        base_resolution=base,
        max_resolution=finest,
        rate=1.0,
    ).double()
    torch.nn.init.normal_(grid.table)
    return grid


def points(dim, number=40):
    return torch.rand(number, dim, dtype=torch.float64) * 2 - 1


def brute_force(grid, x, *, sides, log2):
    """Interpolate one point from the formulas of the paper, in Python's own integers."""
    dim, table, start, result = len(x), grid.table.detach().numpy(), 0, []
    for side in sides:
        dense = (side + 1) ** dim <= 2**log2
        unit = [(min(max(c, -1.0), 1.0) + 1) / 2 * side for c in x]
        low = [min(int(u), side - 1) for u in unit]
        total = np.zeros(table.shape[1])
        for corner in itertools.product([0, 1], repeat=dim):
            weight, row = 1.0, 0
            for axis, step in enumerate(corner):
                fraction = unit[axis] - low[axis]
                weight *= fraction if step else 1 - fraction
                place = low[axis] + step
                row = row + place * (side + 1) ** axis if dense else row ^ place * PRIMES[axis]
            total += weight * table[start + (row if dense else row % 2**log2)]
        start += (side + 1) ** dim if dense else 2**log2
        result.append(total)
    assert start == len(table)
    return np.concatenate(result)


@pytest.mark.parametrize(
    ("dim", "log2", "num_dense"),
    [(2, 4, 1), (2, 7, 2), (2, 9, 3), (3, 4, 0), (3, 7, 1), (3, 13, 3)],
)
def test_is_brute_force_interpolation(dim, log2, num_dense):
    grid = make(dim, log2=log2)
    sides = [2, 5, 16]
    assert level_resolutions(3, 2, 16) == sides
    assert grid.num_dense == num_dense
    x = points(dim)
    x[0], x[1], x[2] = 1, -1, 0  # walls and a vertex of the grid
    got = grid(x.view(4, 10, dim))
    assert got.shape == (4, 10, grid.out_dim) and grid.out_dim == 6
    want = [brute_force(grid, p.tolist(), sides=sides, log2=log2) for p in x]
    np.testing.assert_allclose(got.detach().view(40, -1).numpy(), want, atol=1e-12)


def test_hash_wraps_around_as_32_bits_do():
    grid = make(3, levels=1, log2=20, base=2000, finest=2000)
    x = torch.full((1, 3), 0.999, dtype=torch.float64)
    want = brute_force(grid, x[0].tolist(), sides=[2000], log2=20)
    np.testing.assert_allclose(grid(x)[0].detach().numpy(), want, atol=1e-10)


def test_resolutions_are_geometric_and_end_where_they_should():
    assert level_resolutions(1, 7, 7) == [7]
    for levels, base, finest in [(16, 16, 512), (5, 16, 256), (8, 3, 1000), (4, 5, 5)]:
        sides = level_resolutions(levels, base, finest)
        assert sides[0] == base and sides[-1] == finest and sides == sorted(sides)
        growth = (finest / base) ** (1 / (levels - 1))
        assert all(abs(side - base * growth**i) < 1 + 1e-6 for i, side in enumerate(sides))


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("log2", [5, 13])
def test_derivatives_are_finite_differences(dim, log2):
    grid = make(dim, log2=log2)
    x = points(dim, 5).requires_grad_()
    assert torch.autograd.gradcheck(grid, (x,))
    # of the table, at random entries
    push = torch.randn(5, grid.out_dim, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((grid(x) * push).sum(), grid.table)
    rows, _ = grid.corners(x.detach())
    for row in rows.flatten()[:: rows.numel() // 7].tolist():
        with torch.no_grad():
            change = []
            for step in (1e-4, -1e-4):
                grid.table[row, 1] += step
                change.append(float((grid(x) * push).sum()))
                grid.table[row, 1] -= step
        assert float(gradient[row, 1]) == pytest.approx((change[0] - change[1]) / 2e-4, abs=1e-7)
    untouched = torch.ones(len(grid.table), dtype=torch.bool)
    untouched[rows.flatten().long()] = False
    assert (gradient[untouched] == 0).all()


@pytest.mark.parametrize("dim", [2, 3])
def test_can_be_differentiated_again(dim):
    grid = make(dim, log2=5)
    x = points(dim, 4).requires_grad_()
    assert torch.autograd.gradgradcheck(grid, (x,))
    # an eikonal loss: its gradient in the table, against finite differences
    decoder = torch.nn.Sequential(grid, torch.nn.Linear(grid.out_dim, 1).double())

    def eikonal():
        (slope,) = torch.autograd.grad(decoder(x).sum(), x, create_graph=True)
        return (slope.norm(dim=-1) - 1).square().sum()

    (gradient,) = torch.autograd.grad(eikonal(), grid.table)
    row = int(grid.corners(x.detach())[0].flatten()[0])
    change = []
    for step in (1e-5, -1e-5):
        grid.table.data[row, 0] += step
        change.append(float(eikonal().detach()))
        grid.table.data[row, 0] -= step
    assert float(gradient[row, 0]) == pytest.approx((change[0] - change[1]) / 2e-5, rel=1e-5)


def test_second_derivative_along_an_axis_is_zero():
    grid = make(3)

    def value(x):
        return grid(x).sum()

    hessian = torch.autograd.functional.hessian(value, points(3, 1)[0])
    assert hessian.diagonal().abs().max() < 1e-9 < hessian.abs().max()


@pytest.mark.parametrize("dim", [2, 3])
def test_works_under_torch_func(dim):
    grid = make(dim, log2=5)
    x = points(dim, 6)

    def value(point):
        return (grid(point) ** 2).sum()

    def for_table(table, point):
        return torch.func.functional_call(grid, {"table": table}, (point,)).pow(2).sum()

    slopes = torch.func.vmap(torch.func.grad(value))(x)
    hessians = torch.func.vmap(torch.func.hessian(value))(x)
    tables = torch.func.vmap(torch.func.grad(for_table), in_dims=(None, 0))(grid.table.detach(), x)
    for i, point in enumerate(x):
        point = point.clone().requires_grad_()
        slope, table = torch.autograd.grad(value(point), [point, grid.table])
        torch.testing.assert_close(slopes[i], slope)
        torch.testing.assert_close(tables[i], table)
        torch.testing.assert_close(
            hessians[i], torch.autograd.functional.hessian(value, point.detach())
        )


def test_gather_is_its_sum_in_every_mode():
    torch.manual_seed(0)
    table = torch.randn(9, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    rows = torch.randint(0, 9, (5, 4))
    for kind in (torch.int32, torch.int64):
        want = (weights[..., None] * table[rows]).sum(1)
        torch.testing.assert_close(gather(table, weights, rows.to(kind)), want)

    def both(table, weights):
        return gather(table, weights, rows)

    assert torch.autograd.gradcheck(both, (table, weights), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(both, (table, weights), check_fwd_over_rev=True)
    # a table for each member of a batch
    tables = torch.randn(2, 9, 3, dtype=torch.float64)
    got = torch.func.vmap(both, in_dims=(0, None))(tables, weights.detach())
    torch.testing.assert_close(got, torch.stack([both(t, weights.detach()) for t in tables]))


def test_single_precision_agrees_with_double():
    grid = make(3, log2=8, finest=64)
    x = points(3, 3000)
    push = torch.randn(3000, grid.out_dim, dtype=torch.float64)
    value = grid(x)
    (gradient,) = torch.autograd.grad((value * push).sum(), grid.table)
    single = grid.float()
    torch.testing.assert_close(single(x.float()).double(), value, atol=1e-4, rtol=1e-4)
    (other,) = torch.autograd.grad((single(x.float()) * push.float()).sum(), single.table)
    torch.testing.assert_close(other.double(), gradient, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("dim", [2, 3])
def test_clamps_to_the_box(dim):
    grid = make(dim)
    outside = (points(dim) * 3).requires_grad_()
    got = grid(outside)
    torch.testing.assert_close(got, grid(outside.detach().clamp(-1, 1)))
    (slope,) = torch.autograd.grad(got.sum(), outside)
    beyond = outside.detach().abs() > 1
    assert (slope[beyond] == 0).all() and (slope[~beyond] != 0).all()
    nowhere = torch.full((1, dim), math.nan, dtype=torch.float64)
    assert grid(nowhere).isnan().all()


def test_starts_small_and_stores_only_its_table():
    torch.manual_seed(3)
    settings = {
        "dim": 2,
        "num_levels": 2,
        "features_per_level": 4,
        "log2_table_size": 10,
        "base_resolution": 8,
        "max_resolution": 64,
        "rate": 10.0,
    }
    grid = HashGrid(**settings)
    assert list(grid.state_dict()) == ["table"]
    assert grid.table.shape == (9**2 + 2**10, 4)
    assert 0.9e-4 < grid.table.abs().max() <= 1e-4
    assert abs(grid.table.mean()) < 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 4}, r"model.encoding is a hash grid and data.dim is 4"),
        ({"dim": 1}, "data.dim is 1"),
        ({"num_levels": 0}, "num_levels is 0"),
        ({"features_per_level": 0}, "features_per_level is 0"),
        ({"log2_table_size": 0}, "log2_table_size 0"),
        ({"log2_table_size": 40}, "log2_table_size 40"),
        ({"max_resolution": 4}, "max_resolution 4"),
        ({"rate": 0.0}, "rate is 0.0"),
        ({"num_levels": 1}, "one level has one resolution"),
    ],
)
def test_refuses_what_cannot_be(change, message):
    settings = {
        "dim": 3,
        "num_levels": 3,
        "features_per_level": 2,
        "log2_table_size": 10,
        "base_resolution": 8,
        "max_resolution": 32,
        "rate": 10.0,
    }
    with pytest.raises(ValueError, match=message):
        HashGrid(**{**settings, **change})
