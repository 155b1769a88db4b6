"""New latents from trained ones: drawn from a distribution fitted to them, or between two."""

import torch
from torch import Tensor


def draw_gaussian(latents: Tensor, num_shapes: int, generator: torch.Generator) -> Tensor:
    """Draw latents whose components are independent, each with the trained ones' mean and spread.

    Args:
        latents: (S, L) trained latents.
        num_shapes: how many to draw.
        generator: on the CPU.

    Returns:
        (num_shapes, L), on the device of the latents.

    Raises:
        ValueError: if there are fewer than two latents.
    """
    _check_enough(latents)
    noise = torch.randn(num_shapes, latents.shape[1], generator=generator).to(latents)
    return latents.mean(dim=0) + noise * latents.std(dim=0)


def draw_pca(
    latents: Tensor, num_shapes: int, explained_variance: float, generator: torch.Generator
) -> Tensor:
    """Draw latents in the principal subspace of the trained ones.

    Each principal component is drawn from N(0, its variance), the others are left at the mean.

    Args:
        latents: (S, L) trained latents.
        num_shapes: how many to draw.
        explained_variance: fraction of the total variance that the kept components hold at least.
        generator: on the CPU.

    Returns:
        (num_shapes, L), on the device of the latents.

    Raises:
        ValueError: if there are fewer than two latents, or the fraction is not in (0, 1].
    """
    _check_enough(latents)
    if not 0 < explained_variance <= 1:
        raise ValueError(
            f"sample.explained_variance is {explained_variance}; it has to be above 0, at most 1"
        )
    mean = latents.mean(dim=0)
    _, singular, axes = torch.linalg.svd(latents - mean, full_matrices=False)
    variance = singular.square() / (len(latents) - 1)
    fraction = variance.cumsum(dim=0) / variance.sum()
    # the rounding of a sum must not ask for one component more
    kept = int((fraction < explained_variance - 1e-6).sum()) + 1
    noise = torch.randn(num_shapes, kept, generator=generator).to(latents)
    return mean + (noise * variance[:kept].sqrt()) @ axes[:kept]


def interpolate(one: Tensor, other: Tensor, num_steps: int, *, spherical: bool) -> Tensor:
    """Return latents from one (L,) to the other, both ends included, (num_steps, L).

    Args:
        one: the first latent.
        other: the last.
        num_steps: how many latents, at least 2.
        spherical: along the great circle (Shoemake, SIGGRAPH 1985, section 3.3), for latents on a
            sphere; else along the straight line.

    Raises:
        ValueError: if there are fewer than two steps.
    """
    if num_steps < 2:
        raise ValueError(f"sample.num_shapes is {num_steps}; an interpolation has both its ends")
    t = torch.linspace(0, 1, num_steps, device=one.device, dtype=one.dtype)[:, None]
    if spherical:
        cosine = torch.nn.functional.cosine_similarity(one, other, dim=0).clamp(-1, 1)
        angle = torch.acos(cosine)
        if angle > 1e-4:
            sine = torch.sin(angle)
            return (torch.sin((1 - t) * angle) * one + torch.sin(t * angle) * other) / sine
    return (1 - t) * one + t * other


def _check_enough(latents: Tensor) -> None:
    if len(latents) < 2 or latents.shape[1] == 0:
        raise ValueError(
            f"the run has {len(latents)} latents of width {latents.shape[1]}; to draw new ones "
            "takes two trained shapes and latent.dim of at least 1"
        )
