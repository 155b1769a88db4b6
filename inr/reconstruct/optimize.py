"""Shapes fitted to a wish: gradients of a loss of the mesh, with respect to the latent."""

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
    """Shape fitted to a target.

    Args:
        latent: of the shape, as the model decodes it.
        mesh: of that latent, box frame.
        history: the loss before each step, and that of the mesh.
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
    """Change a shape's latent until its mesh is as wanted, the network frozen.

    Each step extracts the mesh anew, so that its topology may change, and follows the derivative
    of its vertices (`moving_vertices`): Remelli et al., MeshSDF, NeurIPS 2020.

    Args:
        model: decodes the latent.
        latent: where to start: (L,), or what else the model takes for one shape.
        target: the loss of vertices (V, D) in the box frame and faces (F, D), a scalar.
        dim: D.
        steps: of Adam.
        lr: its step, in units of the latent.
        resolution: points a side of the grid that is extracted from.
        coarse_to_fine: see `decode_mesh`.
        free: of the latent's shape, which of its entries may change (True); None for all.

    Raises:
        FloatingPointError: if the shape vanishes, or the loss or the field is no longer a number.
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
    """Return the vertices (V, D) of a latent's mesh with their derivative; see `level_vertices`.

    Those on the wall of the box, where the mesh is closed flat, have none. Where parts meet in a
    crease, faces span it, and derivatives are right to first order in the grid's spacing only.

    Args:
        model: decodes the latent.
        latent: of which the derivative is.
        mesh: extracted from the field of that latent.
    """
    vertices = torch.from_numpy(mesh.vertices).to(latent)
    on_wall = (vertices.abs() >= 1).any(dim=-1, keepdim=True)
    return torch.where(on_wall, vertices, level_vertices(scalar_field(model, latent), vertices))
