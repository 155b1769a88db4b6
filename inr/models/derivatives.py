"""Derivatives of fields with respect to the points, for losses and for analysis.

For analysis, a field is a function from points (..., D) to values (...), where each value depends
on its own point only; `scalar_field` makes one from a model. `Autograd` gives exact derivatives;
`FiniteDifferences` is for fields without useful second derivatives (ReLU, a hash grid). Both have
the same interface and work for any D. Curvatures are those of the level set through each point.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from inr.models.decoder import Field
from inr.models.inr import INR

ScalarField = Callable[[Tensor], Tensor]
# gradients shorter than this are treated as zero
TINY = 1e-8


class Derivatives(ABC):
    """Derivatives of fields at points (..., D); results are detached.

    Args:
        chunk_size: number of points to differentiate at once; it bounds the memory.
    """

    def __init__(self, *, chunk_size: int) -> None:
        if chunk_size < 1:
            raise ValueError(f"chunk_size is {chunk_size}; it has to be at least 1")
        self.chunk_size = chunk_size

    def gradient(self, field: ScalarField, x: Tensor) -> Tensor:
        """Return the gradient (..., D) at x (..., D)."""
        return self._chunked(lambda points: self._gradient(field, points), x)

    def hessian(self, field: ScalarField, x: Tensor) -> Tensor:
        """Return the Hessian (..., D, D) at x (..., D)."""
        return self._chunked(lambda points: self._both(field, points)[1], x)

    def laplacian(self, field: ScalarField, x: Tensor) -> Tensor:
        """Return the trace of the Hessian (...) at x (..., D)."""
        return self._chunked(lambda points: trace(self._both(field, points)[1]), x)

    def mean_curvature(self, field: ScalarField, x: Tensor) -> Tensor:
        """Return the mean curvature (...) at x (..., D); see `mean_curvature`."""
        return self._chunked(lambda points: mean_curvature(*self._both(field, points)), x)

    def gaussian_curvature(self, field: ScalarField, x: Tensor) -> Tensor:
        """Return the Gaussian curvature (...) at x (..., D); see `gaussian_curvature`."""
        return self._chunked(lambda points: gaussian_curvature(*self._both(field, points)), x)

    @abstractmethod
    def _gradient(self, field: ScalarField, x: Tensor) -> Tensor:
        """Return the gradient (N, D) at x (N, D)."""

    @abstractmethod
    def _both(self, field: ScalarField, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradient (N, D) and the Hessian (N, D, D) at x (N, D)."""

    @torch.no_grad()
    def _chunked(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        points = x.detach().reshape(-1, x.shape[-1])
        parts = [function(chunk) for chunk in points.split(self.chunk_size)]
        result = torch.cat(parts)
        return result.reshape(*x.shape[:-1], *result.shape[1:])


class Autograd(Derivatives):
    """Exact derivatives, by torch.func.

    The second derivatives of a piecewise linear field (ReLU) are 0 almost everywhere; use
    FiniteDifferences for it.

    Args:
        chunk_size: number of points to differentiate at once; a Hessian keeps the graphs of both
            passes in memory.
    """

    def _gradient(self, field: ScalarField, x: Tensor) -> Tensor:
        # each value depends on its own point only: the gradient of the sum has all gradients
        gradient: Tensor = torch.func.grad(lambda points: field(points).sum())(x)
        return gradient

    def _both(self, field: ScalarField, x: Tensor) -> tuple[Tensor, Tensor]:
        both: Any = torch.func.vjp(lambda points: self._gradient(field, points), x)
        gradient, pull = both
        rows = [pull(axis.expand_as(x))[0] for axis in torch.eye(x.shape[-1]).to(x)]
        return gradient, torch.stack(rows, dim=-2)


class FiniteDifferences(Derivatives):
    """Derivatives by central differences.

    The error of a smooth field falls with step^2 until rounding dominates. The best step is about
    eps^(1/3) for first and eps^(1/4) for second derivatives: 4e-3 and 2e-2 in float32, 5e-6 and
    1e-4 in float64 (`model.double()`). For a hash grid it should not be much smaller than the
    finest cell.

    Args:
        step: h, box units.
        chunk_size: number of points to differentiate at once; a Hessian evaluates the field at
            1 + 2 D^2 points for each.
    """

    def __init__(self, *, step: float, chunk_size: int) -> None:
        super().__init__(chunk_size=chunk_size)
        if step <= 0:
            raise ValueError(f"step is {step}; it has to be positive")
        self.step = step

    def _gradient(self, field: ScalarField, x: Tensor) -> Tensor:
        steps = self.step * torch.eye(x.shape[-1]).to(x)
        after, before = field(x[:, None] + steps), field(x[:, None] - steps)
        return (after - before) / (2 * self.step)

    def _both(self, field: ScalarField, x: Tensor) -> tuple[Tensor, Tensor]:
        dim = x.shape[-1]
        steps = self.step * torch.eye(dim).to(x)
        after, before = field(x[:, None] + steps), field(x[:, None] - steps)
        squared = (after + before - 2 * field(x)[:, None]) / self.step**2
        hessian = torch.diag_embed(squared)
        for i in range(dim):
            for j in range(i):
                same, other = steps[i] + steps[j], steps[i] - steps[j]
                corners = torch.stack([x + same, x - same, x + other, x - other], dim=1)
                values = field(corners)
                mixed = (values[:, :2].sum(dim=1) - values[:, 2:].sum(dim=1)) / (4 * self.step**2)
                hessian[:, i, j] = hessian[:, j, i] = mixed
        return (after - before) / (2 * self.step), hessian


def trace(hessian: Tensor) -> Tensor:
    """Return the trace (...) of (..., D, D)."""
    return hessian.diagonal(dim1=-2, dim2=-1).sum(dim=-1)


def mean_curvature(gradient: Tensor, hessian: Tensor) -> Tensor:
    """Return the mean of the principal curvatures of a level set.

    div(grad f / |grad f|) / (D - 1) = (|g|^2 tr H - g H g) / ((D - 1) |g|^3): Goldman, Curvature
    formulas for implicit curves and surfaces, CAGD 2005, eq. 4.2 (3.6 in 2-D), with the opposite
    sign: for an outward gradient, a ball of radius r has 1 / r.

    Args:
        gradient: (..., D), g.
        hessian: (..., D, D), H.

    Returns:
        (...), 1 / box unit; NaN where the gradient vanishes.
    """
    unit, scaled, regular = _shape_matrix(gradient, hessian)
    along = (unit * (scaled @ unit[..., None])[..., 0]).sum(dim=-1)
    curvature = (trace(scaled) - along) / (gradient.shape[-1] - 1)
    return torch.where(regular, curvature, torch.nan)


def gaussian_curvature(gradient: Tensor, hessian: Tensor) -> Tensor:
    """Return the product of the D - 1 principal curvatures of a level set.

    -det [[H, g], [g, 0]] / |g|^(D + 1): Goldman, CAGD 2005, eq. 4.1 for surfaces. It holds for
    any D; curvatures are positive for a ball with an outward gradient. In 2-D it is the curvature
    of the curve.

    Args:
        gradient: (..., D), g.
        hessian: (..., D, D), H.

    Returns:
        (...), 1 / box unit^(D - 1); NaN where the gradient vanishes.
    """
    unit, scaled, regular = _shape_matrix(gradient, hessian)
    below = torch.cat([unit, torch.zeros_like(unit[..., :1])], dim=-1)
    bordered = torch.cat(
        [torch.cat([scaled, unit[..., None]], dim=-1), below[..., None, :]], dim=-2
    )
    return torch.where(regular, -torch.linalg.det(bordered), torch.nan)


def _shape_matrix(gradient: Tensor, hessian: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return g / |g|, H / |g|, and a mask of the points where g does not vanish."""
    norm = gradient.norm(dim=-1)
    regular = norm > TINY
    return normalize(gradient), hessian / norm.clamp(min=TINY)[..., None, None], regular


def normalize(gradient: Tensor) -> Tensor:
    """Return vectors (..., D) scaled to unit length; 0, with zero derivative, for zero vectors.

    Dividing by max(norm, eps) instead would give derivatives as large as 1 / eps.
    """
    norm = gradient.norm(dim=-1, keepdim=True)
    return torch.where(norm > TINY, gradient / norm.clamp(min=TINY), torch.zeros_like(gradient))


def scalar_field(model: INR, latent: Tensor, channel: int = 0) -> ScalarField:
    """Return one channel of one shape's field as a function from points (..., D) to values (...).

    For an occupancy, channel 0 is positive inside, so curvatures have the opposite sign.

    Args:
        model: the model, in evaluation mode (`model.eval()`).
        latent: (L,), or (P, L + K) for a shape made of parts; constrained.
        channel: index of the channel, from 0.
    """

    def field(x: Tensor) -> Tensor:
        value = model.decode(x.reshape(1, -1, x.shape[-1]), latent[None]).value
        return value[0, :, channel].reshape(x.shape[:-1])

    return field


def decode_with_gradient(model: INR, points: Tensor, latents: Tensor) -> tuple[Field, Tensor]:
    """Return the field and the gradient of its channel 0, both differentiable.

    Under torch.no_grad or inference_mode, the gradient with respect to the points is computed all
    the same, but the results are detached.

    Args:
        model: the model to decode with.
        points: (B, N, D) points.
        latents: (B, L), or (B, P, L + K) for shapes made of parts; constrained.

    Returns:
        The field, and the gradient (B, N, D).
    """
    again = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.enable_grad():
        # autograd cannot save a tensor created in inference mode, so copy it
        x = points.detach().clone().requires_grad_(True)
        z = latents.clone() if latents.is_inference() else latents
        field = model.decode(x, z)
        (gradient,) = torch.autograd.grad(
            field.value[..., 0].sum(), x, create_graph=again, materialize_grads=True
        )
    if again:
        return field, gradient
    parts = None if field.parts is None else field.parts.detach()
    return Field(field.value.detach(), parts), gradient
