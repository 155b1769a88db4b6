"""Shape optimisation: the latent is optimised for a loss on the extracted mesh."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from inr.models.derivatives import scalar_field
from inr.models.inr import INR
from inr.models.vertices import level_vertices
from inr.reconstruct import decode_mesh
from inr.reconstruct.fit import frozen
from inr.shapes.mesh import Mesh


class FittedShape(NamedTuple):
    """Result of `fit_shape`.

    Args:
        latent: constrained latent of the shape.
        mesh: mesh of that latent, box frame.
        history: loss before each step, and last the loss of `mesh`.
    """

    latent: Tensor
    mesh: Mesh
    history: list[float]


def fit_shape(
    model: INR,
    latent: Tensor,
    target: Callable[[Tensor, Tensor], Tensor],
    *,
    dim: int,
    steps: int,
    lr: float,
    resolution: int,
    coarse_to_fine: bool,
    free: Tensor | None = None,
) -> FittedShape:
    """Optimise a shape's latent for a loss on its mesh, with the network frozen.

    Each step extracts the mesh again, so its topology can change, and differentiates its vertices
    (`moving_vertices`): Remelli et al., MeshSDF, NeurIPS 2020.

    Args:
        model: the model to decode with.
        latent: initial latent, (L,), or (P, L + K) for a shape made of parts.
        target: loss function from vertices (V, D) in the box frame and faces (F, D) to a scalar.
        dim: D, dimension of space.
        steps: number of steps of Adam.
        lr: learning rate of Adam.
        resolution: points per side of the extraction grid.
        coarse_to_fine: see `decode_mesh`.
        free: bool mask of the latent's shape, true for entries that may change; None for all.

    Raises:
        FloatingPointError: if the shape vanishes, or the loss or the field is not finite.
        ValueError: if `free` has another shape than the latent.
    """
    if free is not None and free.shape != latent.shape:
        raise ValueError(
            f"free has shape {tuple(free.shape)}; it has to be that of the latent, "
            f"{tuple(latent.shape)}"
        )
    values = latent.detach().clone().requires_grad_(True)
    optimizer = torch.optim.Adam([values], lr=lr)
    extract = partial(
        decode_mesh, model, dim=dim, resolution=resolution, coarse_to_fine=coarse_to_fine
    )
    history: list[float] = []
    with frozen(model):
        while True:
            bounded = model.latents.constrain(values[None])[0]
            mesh = extract(bounded.detach())
            if mesh.is_empty:
                raise FloatingPointError(
                    f"the shape has no surface after {len(history)} steps; start from another "
                    f"latent, or lower lr={lr}"
                )
            faces = torch.from_numpy(mesh.faces).to(latent.device)
            loss = target(moving_vertices(model, bounded, mesh), faces)
            if not loss.isfinite():
                raise FloatingPointError(f"the loss is {loss.item()} after {len(history)} steps")
            history.append(loss.item())
            if len(history) > steps:
                return FittedShape(bounded.detach(), mesh, history)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if free is not None and values.grad is not None:
                values.grad.mul_(free.to(values.device))
            optimizer.step()


def moving_vertices(model: INR, latent: Tensor, mesh: Mesh) -> Tensor:
    """Return the vertices (V, D) of a mesh, differentiable with respect to its latent.

    See `level_vertices`. Vertices on the boundary of the box, where the mesh is capped, have zero
    derivative. At creases between parts, which faces cut across, derivatives are accurate to first
    order in the grid spacing only.

    Args:
        model: the model that the mesh was extracted from.
        latent: constrained latent of the mesh.
        mesh: mesh extracted from the field of that latent.
    """
    vertices = torch.from_numpy(mesh.vertices).to(latent)
    on_wall = (vertices.abs() >= 1).any(dim=-1, keepdim=True)
    return torch.where(on_wall, vertices, level_vertices(scalar_field(model, latent), vertices))
