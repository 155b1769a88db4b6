"""Derivatives of mesh vertices with respect to the field's latents and poses."""

import math

import torch
from torch import Tensor

from inr.models.derivatives import ScalarField

# smallest gradient norm of the field for which a vertex has a derivative: below, a vertex would
# move by more than 10,000 times the change of the field
MIN_SLOPE = 1e-4


def level_vertices(field: ScalarField, vertices: Tensor) -> Tensor:
    """Return the vertices unchanged, with derivatives with respect to the field's parameters.

    A vertex stays on its level set, so by the implicit function theorem dx = -n df / |grad f| with
    the unit normal n: Remelli et al., MeshSDF, NeurIPS 2020, theorem 1, without the assumption
    |grad f| = 1. Each vertex keeps its own level rather than 0, so this is exact to first order
    even if extraction placed it slightly off the surface. Vertices do not move tangentially.

    The field may be that of a shape, `scalar_field(model, latent)` with a latent (or poses) that
    requires a gradient, or any other function, of either sign.

    Args:
        field: function from points (V, D) to values (V,), each of its own point only.
        vertices: (V, D), on or near a level set.

    Returns:
        (V, D); the derivative is 0 where the gradient of the field is shorter than MIN_SLOPE.
    """
    x = vertices.detach().clone().requires_grad_(True)
    with torch.enable_grad():
        value = field(x)
        (gradient,) = torch.autograd.grad(value.sum(), x, retain_graph=True, materialize_grads=True)
    squared = gradient.square().sum(dim=-1, keepdim=True)
    steep = squared > MIN_SLOPE**2
    motion = torch.where(steep, gradient / squared.where(steep, torch.ones_like(squared)), 0)
    # its value is 0, its derivative that of the field
    change = value - value.detach()
    return x.detach() - motion * change[:, None]


def mesh_volume(vertices: Tensor, faces: Tensor) -> Tensor:
    """Return the signed volume (3-D) or area (2-D) that a closed mesh encloses, differentiably.

    Args:
        vertices: (V, D), vertices of the mesh.
        faces: (F, D), faces as in `inr.shapes.mesh.Mesh`, oriented outward.
    """
    dim = vertices.shape[-1]
    assert faces.shape[-1] == dim, (vertices.shape, faces.shape)
    # relative to the centroid, which reduces cancellation
    first, second, *rest = (vertices - vertices.detach().mean(dim=0))[faces].unbind(dim=1)
    if rest:  # not det(), whose derivative is undefined for a face coplanar with the centroid
        spanned = (torch.linalg.cross(first, second) * rest[0]).sum()
    else:
        spanned = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).sum()
    return spanned / math.factorial(dim)
