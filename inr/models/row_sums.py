"""Weighted sums of a table's rows, differentiable to any order and fast on a CPU.

_Gather, _Scatter and _Dot are bilinear, and the derivatives of each are made of the other two. So
they have derivatives of any order, in reverse and forward mode and under torch.func. Autograd's
own backward pass of indexing adds rows one by one, about five times slower on a CPU.

Shapes in this file: R rows of a table of width F; M sums of C rows each, C a power of two.
"""

from typing import Any

import torch
from torch import Tensor


def gather(table: Tensor, weights: Tensor, rows: Tensor) -> Tensor:
    """Return the sums out[m] = sum over c of weights[m, c] table[rows[m, c]].

    Args:
        table: (R, F), the rows to sum.
        weights: (M, C), weights of the rows.
        rows: (M, C), int32 or int64 indices of rows, in [0, R).

    Returns:
        (M, F), differentiable with respect to table and weights.
    """
    assert rows.shape[1].bit_count() == 1, rows.shape
    return _apply(_Gather, table, weights, rows)


class _Bilinear(torch.autograd.Function):
    """Base class of the three; the inputs are two factors, the row indices, and non-tensors."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:3])
        ctx.save_for_forward(*inputs[:3])
        ctx.rest = inputs[3:]


class _Gather(_Bilinear):
    """(M, F): out[m] = sum over c of weights[m, c] table[rows[m, c]]."""

    @staticmethod
    def forward(table: Tensor, weights: Tensor, rows: Tensor) -> Tensor:
        first = torch.arange(0, rows.numel(), rows.shape[1], dtype=rows.dtype, device=rows.device)
        return _sums(table, weights.reshape(-1), rows.reshape(-1), first)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        table, weights, rows = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            _apply(_Scatter, grad, weights, rows, len(table)) if wanted[0] else None,
            _apply(_Dot, table, grad, rows) if wanted[1] else None,
            None,
        )

    @staticmethod
    def jvp(ctx: Any, table: Tensor | None, weights: Tensor | None, _: None) -> Tensor:
        return _product_rule(_Gather, ctx, table, weights)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
        return _fold_batch(_Gather, info.batch_size, in_dims, *inputs), 0


class _Dot(_Bilinear):
    """(M, C): out[m, c] = inner product of table[rows[m, c]] and values[m]."""

    @staticmethod
    def forward(table: Tensor, values: Tensor, rows: Tensor) -> Tensor:
        chosen = table.index_select(0, rows.reshape(-1)).view(*rows.shape, table.shape[1])
        return torch.bmm(chosen, values[:, :, None]).squeeze(-1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        table, values, rows = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            _apply(_Scatter, values, grad, rows, len(table)) if wanted[0] else None,
            _apply(_Gather, table, grad, rows) if wanted[1] else None,
            None,
        )

    @staticmethod
    def jvp(ctx: Any, table: Tensor | None, values: Tensor | None, _: None) -> Tensor:
        return _product_rule(_Dot, ctx, table, values)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
        return _fold_batch(_Dot, info.batch_size, in_dims, *inputs), 0


class _Scatter(_Bilinear):
    """(R, F): out[r] = sum of weights[m, c] values[m] over all m and c with rows[m, c] = r."""

    @staticmethod
    def forward(values: Tensor, weights: Tensor, rows: Tensor, num_rows: int) -> Tensor:
        result = values.new_zeros(num_rows, values.shape[1])
        flat_rows, flat_weights = rows.reshape(-1), weights.reshape(-1)
        if values.device.type != "cpu":
            addends = (weights[:, :, None] * values[:, None]).flatten(0, 1)
            return result.index_add_(0, flat_rows, addends)
        # sorted by row, the addends of each row are contiguous
        sorted_rows, order = torch.sort(flat_rows)
        hit, lengths = torch.unique_consecutive(sorted_rows, return_counts=True)
        # a shift, as an integer division by C is ten times slower
        sources = order.to(rows.dtype) >> (rows.shape[1].bit_length() - 1)
        first = (lengths.cumsum(0) - lengths).to(rows.dtype)
        sums = _sums(values, flat_weights.index_select(0, order), sources, first)
        return result.index_copy_(0, hit.long(), sums)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        values, weights, rows = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            _apply(_Gather, grad, weights, rows) if wanted[0] else None,
            _apply(_Dot, grad, values, rows) if wanted[1] else None,
            None,
            None,
        )

    @staticmethod
    def jvp(ctx: Any, values: Tensor | None, weights: Tensor | None, *_: None) -> Tensor:
        return _product_rule(_Scatter, ctx, values, weights)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
        size, num_rows = info.batch_size, inputs[3]
        values, weights, rows = _lead(size, in_dims[:3], inputs[:3])
        rows = rows + _shifts(size, num_rows, rows)
        flat = (values.flatten(0, 1), weights.flatten(0, 1), rows.flatten(0, 1))
        return _apply(_Scatter, *flat, size * num_rows).view(size, num_rows, -1), 0


def _apply(function: Any, *inputs: Any) -> Tensor:
    result: Tensor = function.apply(*inputs)
    return result


def _sums(table: Tensor, weights: Tensor, rows: Tensor, first: Tensor) -> Tensor:
    """Return weighted sums of rows; `first` has the index of the first addend of each sum."""
    # detached, or embedding_bag would prepare a backward pass that is never used
    result: Tensor = torch.embedding_bag(table.detach(), rows, first, False, 0, False, weights)[0]
    return result


def _product_rule(function: Any, ctx: Any, one: Tensor | None, two: Tensor | None) -> Tensor:
    """Return the tangent of the output for tangents of the two factors; at most one is None."""
    first, second, rows = ctx.saved_tensors
    if one is None:
        return _apply(function, first, two, rows, *ctx.rest)
    tangent = _apply(function, one, second, rows, *ctx.rest)
    return tangent if two is None else tangent + _apply(function, first, two, rows, *ctx.rest)


def _fold_batch(function: Any, size: int, in_dims: tuple[int | None, ...], *inputs: Any) -> Tensor:
    """Evaluate a batch at once: its axis is folded into M, and into R if the table has it."""
    table = inputs[0]
    factor, rows = _lead(size, in_dims[1:], inputs[1:])
    if in_dims[0] is not None:
        table = table.movedim(in_dims[0], 0)
        rows = rows + _shifts(size, table.shape[1], rows)
        table = table.flatten(0, 1)
    result = _apply(function, table, factor.flatten(0, 1), rows.flatten(0, 1))
    return result.view(size, -1, result.shape[1])


def _lead(size: int, in_dims: tuple[int | None, ...], tensors: tuple[Any, ...]) -> list[Tensor]:
    """Return tensors with the batch axis first."""
    return [
        tensor.expand(size, *tensor.shape) if axis is None else tensor.movedim(axis, 0)
        for tensor, axis in zip(tensors, in_dims, strict=True)
    ]


def _shifts(size: int, num_rows: int, rows: Tensor) -> Tensor:
    """Return the index of the first row of each table of a batch, (size, 1, 1)."""
    return torch.arange(0, size * num_rows, num_rows, device=rows.device)[:, None, None]
