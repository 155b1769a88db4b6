"""New latents: drawn from a prior fitted to the trained ones, or interpolated between two."""

import torch
from torch import Tensor


def draw_gaussian(latents: Tensor, num_shapes: int, generator: torch.Generator) -> Tensor:
    """Draw latents from a Gaussian with the trained latents' mean and diagonal covariance.

    Args:
        latents: (S, L), trained latents.
        num_shapes: number of latents to draw.
        generator: random generator on the CPU.

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

    Each kept component is drawn from N(0, its variance); the others are at the mean.

    Args:
        latents: (S, L), trained latents.
        num_shapes: number of latents to draw.
        explained_variance: fraction of the total variance that the kept components explain at
            least.
        generator: random generator on the CPU.

    Returns:
        (num_shapes, L), on the device of the latents.

    Raises:
        ValueError: if there are fewer than two latents, or the fraction is not in (0, 1].
    """
    _check_enough(latents)
    if not 0 < explained_variance <= 1:
        raise ValueError(
            f"sample.explained_variance is {explained_variance}; it has to be above 0 and at most 1"
        )
    mean = latents.mean(dim=0)
    _, singular, axes = torch.linalg.svd(latents - mean, full_matrices=False)
    variance = singular.square() / (len(latents) - 1)
    fraction = variance.cumsum(dim=0) / variance.sum()
    # tolerance: rounding of the sum must not add a component
    kept = int((fraction < explained_variance - 1e-6).sum()) + 1
    noise = torch.randn(num_shapes, kept, generator=generator).to(latents)
    return mean + (noise * variance[:kept].sqrt()) @ axes[:kept]


def interpolate(start: Tensor, end: Tensor, num_steps: int, *, spherical: bool) -> Tensor:
    """Return latents (num_steps, L) interpolated between two, both ends included.

    Args:
        start: (L,), the first latent.
        end: (L,), the last latent.
        num_steps: number of latents, at least 2.
        spherical: whether to interpolate along the great circle (slerp: Shoemake, SIGGRAPH 1985,
            section 3.3), for latents on a sphere; else along the straight line.

    Raises:
        ValueError: if num_steps is below 2.
    """
    if num_steps < 2:
        raise ValueError(
            f"sample.num_shapes is {num_steps}; an interpolation includes both ends, so it has to "
            "be at least 2"
        )
    t = torch.linspace(0, 1, num_steps, device=start.device, dtype=start.dtype)[:, None]
    if spherical:
        cosine = torch.nn.functional.cosine_similarity(start, end, dim=0).clamp(-1, 1)
        angle = torch.acos(cosine)
        if angle > 1e-4:
            sine = torch.sin(angle)
            return (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / sine
    return (1 - t) * start + t * end


def _check_enough(latents: Tensor) -> None:
    if len(latents) < 2 or latents.shape[1] == 0:
        raise ValueError(
            f"the run has {len(latents)} latents of width {latents.shape[1]}; drawing new ones "
            "needs at least two training shapes and latent.dim of at least 1"
        )
