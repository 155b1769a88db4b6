"""Vertices that move with their field: the derivative of a mesh by latents and poses."""

import math

import torch
from torch import Tensor

from inr.models.derivatives import ScalarField

# where the field is flatter than this, a vertex would jump more than 10,000 times as far as the
# field changes: no step could follow it
LEAST_SLOPE = 1e-4


def level_vertices(field: ScalarField, vertices: Tensor) -> Tensor:
    """Return vertices as they are, with derivatives for whatever the field depends on.

    A vertex stays on its level set, so that along the unit normal n it moves by -df / |grad f|
    (the implicit function theorem): dx = -n df / |grad f|, Remelli et al., MeshSDF, NeurIPS 2020,
    theorem 1 without its |grad f| = 1. Each keeps to the level that it has, not to 0, so that
    this is exact to first order where extraction put it slightly off the surface; how a vertex
    slides along the surface is not defined, and taken to be not at all.

    The field may be one shape's of a model, `scalar_field(model, latent)` with a latent (and poses)
    that requires a gradient, or any other function; the sign does not matter.

    Args:
        field: maps points (V, D) to values (V,), each of its own point alone.
        vertices: (V, D), on or near a level set.

    Returns:
        (V, D); vertices where the gradient of the field is shorter than LEAST_SLOPE have none.
    """
    x = vertices.detach().clone().requires_grad_(True)
    with torch.enable_grad():
        value = field(x)
        (gradient,) = torch.autograd.grad(value.sum(), x, retain_graph=True, materialize_grads=True)
    squared = gradient.square().sum(dim=-1, keepdim=True)
    steep = squared > LEAST_SLOPE**2
    motion = torch.where(steep, gradient / squared.where(steep, torch.ones_like(squared)), 0)
    # 0 in value, and the change of the field in derivative
    change = value - value.detach()
    return x.detach() - motion * change[:, None]


def mesh_volume(vertices: Tensor, faces: Tensor) -> Tensor:
    """Return the signed volume (3-D) or area (2-D) that a closed mesh encloses, differentiably.

    Args:
        vertices: (V, D).
        faces: (F, D) as those of `inr.shapes.mesh.Mesh`, oriented outward.
    """
    dim = vertices.shape[-1]
    assert faces.shape[-1] == dim, (vertices.shape, faces.shape)
    # about the middle, where less cancels
    first, second, *rest = (vertices - vertices.detach().mean(dim=0))[faces].unbind(dim=1)
    if rest:  # no det(): its derivative is undefined for a face in one plane with the middle
        spanned = (torch.linalg.cross(first, second) * rest[0]).sum()
    else:
        spanned = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).sum()
    return spanned / math.factorial(dim)
