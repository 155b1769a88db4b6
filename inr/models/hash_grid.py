"""Multiresolution hash encoding: learnt features on grids, hashed above the table's size."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from inr.models.decoder import OwnLearningRate
from inr.models.encodings import Encoding
from inr.models.row_sums import gather

# factors of the hash, one per axis (eq. 4)
PRIMES = (1, 2654435761, 805459861)
MAX_LOG2_TABLE_SIZE = 24


class HashGrid(OwnLearningRate, Encoding):
    """Multiresolution hash encoding (Mueller et al., Instant NGP, SIGGRAPH 2022).

    Level l of L has floor(N_min b^l) cells per side of the box [-1, 1]^D, with b such that the
    last level has N_max (eq. 2 and 3). A point's features are D-linearly interpolated from the
    2^D corners of its cell. A level whose corners all fit its table is indexed directly; in a
    finer level a corner's row is its hash (eq. 4), and corners that collide share a row.

    The domain is the box: a point outside has the features of the nearest point of the box.
    Within a cell the features are D-linear, so their second derivative along an axis is zero.

    Args:
        dim: D, 2 or 3.
        num_levels: L, number of levels.
        features_per_level: F, width of a row.
        log2_table_size: binary logarithm of the largest number of rows of a level's table.
        base_resolution: N_min, cells per side of the coarsest level.
        max_resolution: N_max, cells per side of the finest level.
        rate: factor on the network's learning rate; features need a higher one than weights.

    Raises:
        ValueError: if D is neither 2 nor 3, or a setting is out of range.
    """

    resolutions: Tensor
    last_cell: Tensor
    strides: Tensor
    starts: Tensor

    def __init__(
        self,
        *,
        dim: int,
        num_levels: int,
        features_per_level: int,
        log2_table_size: int,
        base_resolution: int,
        max_resolution: int,
        rate: float,
    ) -> None:
        super().__init__()
        if not rate > 0:
            raise ValueError(
                f"model.encoding.rate is {rate}; it has to be above 0, 10 for instance"
            )
        self.lr_factor = rate
        if not 2 <= dim <= len(PRIMES):
            raise ValueError(
                f"model.encoding is a hash grid and data.dim is {dim}; a hash grid needs data.dim "
                f"between 2 and {len(PRIMES)}, so choose another encoding (model.encoding=null)"
            )
        if features_per_level < 1 or not 1 <= log2_table_size <= MAX_LOG2_TABLE_SIZE:
            raise ValueError(
                f"features_per_level is {features_per_level} and log2_table_size "
                f"{log2_table_size}; in model.encoding the first has to be at least 1, the second "
                f"between 1 and {MAX_LOG2_TABLE_SIZE}"
            )
        sides = level_resolutions(num_levels, base_resolution, max_resolution)
        table_size = 2**log2_table_size
        num_corners = [(side + 1) ** dim for side in sides]
        sizes = [min(number, table_size) for number in num_corners]
        # sides do not decrease, so the directly indexed levels come first
        self.num_dense = sum(number <= table_size for number in num_corners)
        self.hash_mask = table_size - 1
        self.out_dim = num_levels * features_per_level
        self.table = nn.Parameter(torch.empty(sum(sizes), features_per_level))
        nn.init.uniform_(self.table, -1e-4, 1e-4)
        strides = [
            _int32((side + 1) ** axis if level < self.num_dense else PRIMES[axis])
            for axis in range(dim)
            for level, side in enumerate(sides)
        ]
        starts = [sum(sizes[:level]) for level in range(num_levels)]
        self.register_buffer("resolutions", torch.tensor(sides).float(), persistent=False)
        # int32: half the memory traffic of int64, and products wrap around as in eq. 4
        for name, values in (
            ("last_cell", torch.tensor(sides) - 1),
            ("strides", torch.tensor(strides).view(dim, 1, num_levels)),
            ("starts", torch.tensor(starts)),
        ):
            self.register_buffer(name, values.int(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (..., L F) of points x (..., D), the coarsest level first."""
        rows, weights = self.corners(x.reshape(-1, x.shape[-1]))
        features = gather(self.table, weights.flatten(0, 1), rows.flatten(0, 1))
        return features.reshape(*x.shape[:-1], self.out_dim)

    def corners(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows of a cell's corners and their weights, (N, L, 2^D) each, for x (N, D)."""
        # axes first, and corners as a list: loops over a short last axis are several times slower
        unit = (x.t().clamp(-1, 1).contiguous() + 1) / 2
        scaled = unit[:, :, None] * self.resolutions  # (D, N, L)
        cell = torch.minimum(scaled.detach().int().clamp(min=0), self.last_cell)
        above = scaled - cell
        weights = _corner_products(torch.mul, 1 - above, above)
        low = cell * self.strides
        high = low + self.strides
        direct, hashed = slice(self.num_dense), slice(self.num_dense, None)
        rows = torch.cat(
            [
                _corner_products(torch.add, low[..., direct], high[..., direct]),
                _corner_products(torch.bitwise_xor, low[..., hashed], high[..., hashed])
                & self.hash_mask,
            ],
            dim=1,
        )
        return rows + self.starts[:, None], weights


def level_resolutions(num_levels: int, base_resolution: int, max_resolution: int) -> list[int]:
    """Return the cells per side of each level, a geometric series (Mueller et al., eq. 2 and 3).

    Raises:
        ValueError: unless num_levels >= 1 and 1 <= base_resolution <= max_resolution, with
            equality for one level.
    """
    if num_levels < 1 or base_resolution < 1 or max_resolution < base_resolution:
        raise ValueError(
            f"num_levels is {num_levels}, base_resolution {base_resolution} and max_resolution "
            f"{max_resolution}; in model.encoding the first two have to be at least 1, and "
            "max_resolution at least base_resolution"
        )
    if num_levels == 1 and max_resolution != base_resolution:
        raise ValueError(
            f"num_levels is 1, base_resolution {base_resolution} and max_resolution "
            f"{max_resolution}; one level has one resolution, so set both to it"
        )
    ratio = max_resolution / base_resolution
    # guard against rounding, which could take a cell off the last level
    return [
        math.floor(base_resolution * ratio ** (level / max(num_levels - 1, 1)) * (1 + 1e-9))
        for level in range(num_levels)
    ]


def _int32(number: int) -> int:
    """Return the int32 with the same lowest 32 bits."""
    return (number + 2**31) % 2**32 - 2**31


def _corner_products(
    combine: Callable[[Tensor, Tensor], Tensor], low: Tensor, high: Tensor
) -> Tensor:
    """Return, for each of the 2^D corners, `combine` over the axes of low or high: (..., 2^D)."""
    corners = [low[0], high[0]]
    for axis in range(1, len(low)):
        corners = [combine(corner, side[axis]) for side in (low, high) for corner in corners]
    return torch.stack(corners, dim=-1)
