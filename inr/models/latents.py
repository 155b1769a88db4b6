"""Latents: one learnt vector a shape, looked up inside the model."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from inr.files import open_arrays
from inr.models.stored import migrate
from inr.seeding import seed_from_name


class Latents(nn.Module):
    """One latent a shape (the auto-decoder of DeepSDF, Park et al., CVPR 2019, section 4).

    A shape's latent is all that it is decoded from: here (L,); of shapes made of parts a latent and
    a pose for each part, (P, L + K) (`inr.models.parts.latents`). Latents are *raw* as they are
    optimised and stored, and *constrained* as the decoder gets them.

    Args:
        names: the shapes, in the order of their latents.
        dim: L, width of a latent; 0 for none, to fit a single shape.
        max_norm: bound on a latent's Euclidean norm, applied at look-up; None for no bound.
        spherical: whether latents are projected on the unit sphere at look-up.
        pretrained: where the latents start: a folder of <name>.npy as stage=reconstruct writes it,
            or a checkpoint of another run; None for N(0, 1/L) a component.
        trainable: whether training changes them; those fitted to unseen shapes always change.
        generator: of the initial latents.

    Raises:
        ValueError: if the settings contradict each other, or a pretrained latent is missing or of
            another width.
    """

    num_parts: int | None = None
    spherical: bool
    weight: nn.Parameter

    def __init__(
        self,
        *,
        names: Sequence[str],
        dim: int,
        max_norm: float | None,
        spherical: bool,
        pretrained: str | None,
        trainable: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        if dim < 0:
            raise ValueError(f"latent.dim is {dim}; it has to be 0 (no latent) or more")
        if max_norm is not None and max_norm <= 0:
            raise ValueError(f"latent.max_norm is {max_norm}; it has to be positive, or null")
        if spherical and max_norm is not None:
            raise ValueError("latent.spherical=true fixes the norm; set latent.max_norm=null")
        if not trainable and pretrained is None and dim > 0:
            raise ValueError(
                "latent.trainable=false keeps random latents; give latent.pretrained=<folder>"
            )
        self.max_norm = max_norm
        self.spherical = spherical
        if pretrained is None:
            std = 1 / math.sqrt(max(dim, 1))
            latents = torch.randn(len(names), dim, generator=generator) * std
        else:
            latents = read_latents(Path(pretrained), names, (dim,))
        self.weight = nn.Parameter(latents, requires_grad=trainable)

    @property
    def trained_poses(self) -> nn.Parameter | None:
        """Return the poses of parts, which have a learning rate of their own; None if constant."""
        return None

    def forward(self, index: Tensor) -> Tensor:
        """Return the constrained latents (B, L) of the shapes index (B,)."""
        return self.constrain(self.weight[index])

    def constrain(self, latents: Tensor) -> Tensor:
        """Return latents (B, L) as the decoder gets them: bounded, or on the unit sphere."""
        if self.spherical:
            return nn.functional.normalize(latents, dim=-1)
        return bound_norm(latents, self.max_norm)

    def init(self, names: Sequence[str], *, std: float, seed: int) -> Tensor:
        """Return raw latents of other shapes to fit from: latents N(0, std^2), seeded by name."""
        size = self.weight.shape[1:]
        drawn = [seed_from_name(name, seed).standard_normal(size) for name in names]
        return torch.tensor(np.array(drawn) * std, dtype=torch.float32).view(len(names), *size)

    def split(self, raw: Tensor) -> dict[str, Tensor]:
        """Return the pieces of raw latents (B, ...) by name, each optimised at its own rate."""
        return {"weight": raw}

    def join(self, pieces: Mapping[str, Tensor]) -> Tensor:
        """Return raw latents (B, ...) from their pieces: the inverse of `split`."""
        return pieces["weight"]

    def regularised(self, latents: Tensor) -> Tensor:
        """Return the numbers (B, W) of latents (B, ...) that regularisers penalise."""
        return latents

    def flatten(self) -> Tensor:
        """Return the latents of all shapes as vectors (S, W), to fit a prior or interpolate."""
        return self.constrain(self.raw())

    def unflatten(self, vectors: Tensor) -> Tensor:
        """Return the latents (B, ...) of vectors (B, W) of the space of `flatten`."""
        return self.constrain(vectors)

    def raw(self) -> Tensor:
        """Return the raw latents of all shapes, (S, ...)."""
        return self.join(dict(self.state_dict()))

    def load(self, raw: Tensor) -> None:
        """Set the raw latents of all shapes, (S, ...).

        Raises:
            RuntimeError: if they are of another shape.
        """
        self.load_state_dict(self.split(raw))


def bound_norm(latents: Tensor, max_norm: float | None) -> Tensor:
    """Scale latents (B, L) that are longer than max_norm back to it, differentiably."""
    if max_norm is None or latents.shape[-1] == 0:
        return latents
    norm = latents.norm(dim=-1, keepdim=True)
    # the floor keeps the gradient finite for a latent at the origin
    return latents * (max_norm / norm.clamp(min=max_norm))


def read_latents(path: Path, names: Sequence[str], size: tuple[int, ...]) -> Tensor:
    """Read the latents of some shapes from a folder of <name>.npy or a checkpoint.

    Args:
        path: of the folder or the checkpoint.
        names: the shapes.
        size: what each has to be: (L,), or (P, L + K).

    Returns:
        (B, *size) float32, in the order of the names.

    Raises:
        ValueError: if one is missing, unreadable or of another size.
    """
    if path.is_dir():
        found = {file.stem: file for file in path.glob("*.npy")}
        _check_names(path, found, names)
        latents = [read_latent(found[name]) for name in names]
    else:
        try:
            content = migrate(torch.load(path, map_location="cpu", weights_only=True))
            stored = dict(content["latents"])
        # on another file torch raises whatever its parser stumbles over
        except Exception as error:
            raise ValueError(
                f"latent.pretrained={path} is neither a folder of <name>.npy nor a checkpoint: "
                f"{error}"
            ) from error
        _check_names(path, stored, names)
        latents = [stored[name].float() for name in names]
    for name, latent in zip(names, latents, strict=True):
        if latent.shape != size:
            raise ValueError(
                f"the latent of '{name}' in '{path}' has shape {tuple(latent.shape)}; 'latent' as "
                f"it is set needs {size}"
            )
    return torch.stack(latents) if latents else torch.zeros(0, *size)


def read_latent(path: Path) -> Tensor:
    """Read one shape's latent (L,), of parts (P, L + K), float32.

    Raises:
        ValueError: if the file cannot be read.
    """
    try:
        with open_arrays(path) as latent:
            return torch.from_numpy(np.asarray(latent, dtype=np.float32))
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f"cannot read the latent '{path}': {error}") from error


def _check_names(path: Path, found: Mapping[str, object], names: Sequence[str]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(
            f"latent.pretrained={path} has no latent for '{missing[0]}' ({len(missing)} missing of "
            f"{len(names)})"
        )
