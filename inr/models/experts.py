"""Layers whose weight depends on where a point lies."""

from typing import Any

import torch
from torch import Tensor, nn

from inr.models.layers import InputDims, Layer, LayerInput, LayerKind


class Experts(LayerKind):
    """Layers of experts on tilings that refine (Hao et al., NeurIPS 2022, section 3).

    Layer l cuts space into cells of side 2 / (first_cells growth^l), counted from the box's lower
    corner; a tile of num_experts^D cells is repeated over all space, and each cell of the tile
    has its own weight. Points outside the box need nothing special. The field jumps where cells
    meet, by what their experts differ.

    Args:
        num_experts: a dimension, at least 1.
        first_cells: cells a side of the box in the first layer.
        growth: of their number from layer to layer; 2 refines as published, 1/2 the other way
            round.

    Raises:
        ValueError: if one of them is too small.
    """

    def __init__(self, *, num_experts: int, first_cells: float, growth: float) -> None:
        if num_experts < 1:
            raise ValueError(f"model.layer.num_experts is {num_experts}; it has to be at least 1")
        if first_cells <= 0 or growth <= 0:
            raise ValueError(
                f"model.layer.first_cells is {first_cells} and model.layer.growth is {growth}; "
                "both have to be positive"
            )
        self.num_experts = num_experts
        self.first_cells = first_cells
        self.growth = growth

    def make(self, in_dims: InputDims, out_dim: int, *, dim: int, index: int, last: bool) -> Layer:
        """Return the layer for the tiling of this depth."""
        cells = self.first_cells * self.growth**index
        return ExpertLinear(in_dims, out_dim, dim=dim, num_experts=self.num_experts, cells=cells)


class ExpertLinear(Layer):
    """Linear layer on [latent, point, hidden] with the weight of the point's expert, and one bias.

    Points are sorted by expert into blocks of equal size, at most one of each expert not full, and
    all blocks are multiplied at once, each by its expert's weight.

    Args:
        in_dims: widths of its inputs.
        out_dim: width of the result.
        dim: D.
        num_experts: a dimension.
        cells: a side of the box.

    Attributes:
        weight: (num_experts^D, out_dim, sum of in_dims); all experts start alike, so that the
            field starts without jumps.
    """

    def __init__(
        self, in_dims: InputDims, out_dim: int, *, dim: int, num_experts: int, cells: float
    ) -> None:
        super().__init__(in_dims, out_dim)
        self.num_experts = num_experts
        self.cells = cells
        number = num_experts**dim
        self.weight = nn.Parameter(self.weight.detach().expand(number, -1, -1).clone())

    def tiles(self, x: Tensor) -> Tensor:
        """Return the expert, (...,), of each point x (..., D); the last coordinate counts most."""
        cell = ((x.detach() + 1) * (self.cells / 2)).floor().remainder(self.num_experts).long()
        strides = self.num_experts ** torch.arange(x.shape[-1], device=x.device)
        return (cell * strides).sum(dim=-1)

    def forward(self, inputs: LayerInput) -> Tensor:
        """Return (B, N, out_dim)."""
        shapes, num = inputs.x.shape[:2]
        weight, bias = self.scaled()
        tile = self.tiles(inputs.x).flatten()
        blocks = _Blocks(tile, len(weight))
        latent, *matrices = self.columns(weight)
        if latent is None:
            result = bias
        else:
            # what the latents add: a row for each shape and expert, computed once
            rows = torch.einsum("bl,eol->beo", inputs.latents, latent) + bias
            shape = torch.arange(shapes, device=tile.device).repeat_interleave(num)
            shift = rows.flatten(0, 1).index_select(0, shape * len(weight) + tile)
            result = blocks.fill(shift)
        for matrix, value in zip(matrices, (inputs.point, inputs.hidden), strict=True):
            if matrix is not None:
                assert value is not None
                filled = blocks.fill(value.flatten(0, 1))
                result = torch.baddbmm(result, filled, matrix.mT[blocks.expert])
        return blocks.take(result).unflatten(0, (shapes, num))


class _Blocks:
    """Rows sorted into blocks of one expert each.

    Args:
        tile: (M,) the expert of each row.
        number: of experts, E.

    Attributes:
        expert: (K,) of each block.
    """

    def __init__(self, tile: Tensor, number: int) -> None:
        num_rows = len(tile)
        # four blocks an expert waste an eighth of the room on average
        self.size = max(32, -(-num_rows // (4 * number)))
        order = tile.argsort()
        counts = tile.bincount(minlength=number)
        blocks = (counts + self.size - 1) // self.size
        self.expert = torch.arange(number, device=tile.device).repeat_interleave(blocks)
        first_slot = (blocks.cumsum(0) - blocks) * self.size
        first_row = counts.cumsum(0) - counts
        ordered = tile[order]
        rank = torch.arange(num_rows, device=tile.device) - first_row[ordered]
        self.slot = torch.empty_like(order)
        self.slot[order] = first_slot[ordered] + rank
        self.row = torch.full((len(self.expert) * self.size,), -1, device=tile.device)
        self.row[self.slot] = torch.arange(num_rows, device=tile.device)

    def fill(self, rows: Tensor) -> Tensor:
        """Return rows (M, W) in blocks (K, size, W), zero where a block is not full."""
        moved: Tensor = _MoveRows.apply(rows, self.row, self.slot)
        return moved.unflatten(0, (-1, self.size))

    def take(self, blocks: Tensor) -> Tensor:
        """Return the rows (M, W) of blocks (K, size, W) in their own order."""
        moved: Tensor = _MoveRows.apply(blocks.flatten(0, 1), self.slot, self.row)
        return moved


class _MoveRows(torch.autograd.Function):
    """Rows taken by index, zero where it is -1; the backward pass takes them by its inverse.

    Each row goes to one place at most, so that no gradients have to be added up. There is no
    forward mode: torch gives zeros where that of a function like this one is nested.
    """

    @staticmethod
    def forward(rows: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        """Return rows[index]."""
        taken = rows.index_select(0, index.clamp(min=0))
        return taken.masked_fill_((index < 0)[:, None], 0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Keep the indices."""
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient's rows where they came from."""
        index, inverse = ctx.saved_tensors
        return _MoveRows.apply(gradient, inverse, index), None, None

    @staticmethod
    def vmap(
        info: Any, dims: tuple[int | None, ...], rows: Tensor, index: Tensor, inverse: Tensor
    ) -> tuple[Tensor, int]:
        """Move the rows of a batch at once."""
        assert dims[1:] == (None, None) and dims[0] is not None
        wide = rows.movedim(dims[0], -1)  # (M, W, batch)
        moved: Tensor = _MoveRows.apply(wide.flatten(1), index, inverse)
        return moved.unflatten(1, wide.shape[1:]), wide.dim() - 1
