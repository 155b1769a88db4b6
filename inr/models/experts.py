"""Layers whose weight depends on the position of the point."""

from typing import Any

import torch
from torch import Tensor, nn

from inr.models.layers import InputDims, Layer, LayerFactory, LayerInput


class Experts(LayerFactory):
    """Position-dependent weights on a hierarchy of tilings (Hao et al., NeurIPS 2022, section 3).

    Layer l divides space into cells of side 2 / (first_cells growth^l), starting at the lower
    corner of the box. A tile of num_experts^D cells repeats over all space, also outside the box,
    and each cell of a tile has its own weight. The field is discontinuous at the boundaries of
    cells whose weights differ.

    Args:
        num_experts: number of weights per dimension, at least 1.
        first_cells: cells per side of the box in the first layer.
        growth: factor on the number of cells from layer to layer; 2 for coarse to fine, as
            published; 1/2 for fine to coarse.

    Raises:
        ValueError: if a setting is out of range.
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
        """Return the layer with the tiling of its index."""
        cells = self.first_cells * self.growth**index
        return ExpertLinear(in_dims, out_dim, dim=dim, num_experts=self.num_experts, cells=cells)


class ExpertLinear(Layer):
    """Linear layer on [latent, point, hidden] with one weight per expert and one shared bias.

    Points are sorted by expert into blocks of equal size, padded where needed, and all blocks are
    multiplied at once, each by its expert's weight.

    Args:
        in_dims: widths of the inputs.
        out_dim: width of the output.
        dim: D, dimension of space.
        num_experts: number of experts per dimension.
        cells: number of cells per side of the box.

    Attributes:
        weight: (num_experts^D, out_dim, sum of in_dims); equal for all experts initially, so
            that the initial field is continuous.
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
        """Return the expert index (...) of each point of x (..., D); axis 0 varies fastest."""
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
            # the latents' contribution, computed once per shape and expert
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
        tile: (M,), the expert of each row.
        number: E, number of experts.

    Attributes:
        expert: (K,), the expert of each block.
    """

    def __init__(self, tile: Tensor, number: int) -> None:
        num_rows = len(tile)
        # four blocks per expert: on average an eighth of the rows is padding
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
        """Return the rows (M, W) as blocks (K, size, W), padded with zeros."""
        moved: Tensor = _MoveRows.apply(rows, self.row, self.slot)
        return moved.unflatten(0, (-1, self.size))

    def take(self, blocks: Tensor) -> Tensor:
        """Return the rows (M, W) of blocks (K, size, W) in their original order."""
        moved: Tensor = _MoveRows.apply(blocks.flatten(0, 1), self.slot, self.row)
        return moved


class _MoveRows(torch.autograd.Function):
    """Rows gathered by index, zero where it is -1; the backward pass gathers by the inverse index.

    Each row is used at most once, so the backward pass needs no sums. Forward-mode derivatives
    are not defined: torch returns zeros when those of a custom function are nested.
    """

    @staticmethod
    def forward(rows: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        """Return rows[index]."""
        taken = rows.index_select(0, index.clamp(min=0))
        return taken.masked_fill_((index < 0)[:, None], 0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Save the indices."""
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient with respect to the rows."""
        index, inverse = ctx.saved_tensors
        return _MoveRows.apply(gradient, inverse, index), None, None

    @staticmethod
    def vmap(
        info: Any, dims: tuple[int | None, ...], rows: Tensor, index: Tensor, inverse: Tensor
    ) -> tuple[Tensor, int]:
        """Gather the rows of a whole batch at once."""
        assert dims[1:] == (None, None) and dims[0] is not None
        wide = rows.movedim(dims[0], -1)  # (M, W, batch)
        moved: Tensor = _MoveRows.apply(wide.flatten(1), index, inverse)
        return moved.unflatten(1, wide.shape[1:]), wide.dim() - 1
