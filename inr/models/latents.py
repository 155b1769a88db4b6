"""Latents: one learnt vector per shape, looked up inside the model."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from inr.files import open_arrays
from inr.models.stored import migrate
from inr.seeding import seed_from_name
from inr.settings import AtLeast, Positive


class Latents(nn.Module):
    """One latent per shape (the auto-decoder of DeepSDF, Park et al., CVPR 2019, section 4).

    A shape is decoded from its latent (L,), or, if it is made of parts, from a latent and a pose
    per part, (P, L + K) (`inr.models.parts.latents`). Latents are optimised and stored *raw*; the
    decoder's input is *constrained*.

    Args:
        names: names of the shapes, in the order of their latents.
        dim: L, width of a latent; 0 for no latent, to fit a single shape.
        max_norm: bound on the Euclidean norm of a latent, applied at look-up; None for no bound.
        spherical: whether latents are projected onto the unit sphere at look-up.
        pretrained: initial latents: a folder of <name>.npy as stage=reconstruct writes it, or a
            checkpoint of another run; None to draw each component from N(0, 1/L).
        trainable: whether training changes the latents; fitting unseen shapes always does.
        generator: random generator of the initial latents.

    Raises:
        ValueError: if the settings contradict each other, or a pretrained latent is missing or has
            another width.
    """

    num_parts: int | None = None
    spherical: bool
    weight: nn.Parameter

    def __init__(
        self,
        *,
        names: Sequence[str],
        dim: Annotated[int, AtLeast(0)],
        max_norm: Annotated[float | None, Positive()],
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
        """Return the poses of parts if they are trained, at their own learning rate; else None."""
        return None

    def forward(self, index: Tensor) -> Tensor:
        """Return the constrained latents (B, L) of the shapes with index (B,)."""
        return self.constrain(self.weight[index])

    def constrain(self, latents: Tensor) -> Tensor:
        """Return constrained latents of raw ones (B, L): bounded, or on the unit sphere."""
        if self.spherical:
            return nn.functional.normalize(latents, dim=-1)
        return bound_norm(latents, self.max_norm)

    def init(self, names: Sequence[str], *, std: float, seed: int) -> Tensor:
        """Return initial raw latents of unseen shapes, from N(0, std^2), seeded by name."""
        size = self.weight.shape[1:]
        drawn = [seed_from_name(name, seed).standard_normal(size) for name in names]
        return torch.tensor(np.array(drawn) * std, dtype=torch.float32).view(len(names), *size)

    def split(self, raw: Tensor) -> dict[str, Tensor]:
        """Split raw latents (B, ...) into named tensors, each with its own learning rate."""
        return {"weight": raw}

    def join(self, pieces: Mapping[str, Tensor]) -> Tensor:
        """Return raw latents (B, ...) from the tensors of `split`: its inverse."""
        return pieces["weight"]

    def regularised(self, latents: Tensor) -> Tensor:
        """Return the components (B, W) of latents (B, ...) that are regularised."""
        return latents

    def flatten(self) -> Tensor:
        """Return the constrained latents of all shapes as vectors (S, W), for priors."""
        return self.constrain(self.raw())

    def unflatten(self, vectors: Tensor) -> Tensor:
        """Return the latents (B, ...) of vectors (B, W): the inverse of `flatten`."""
        return self.constrain(vectors)

    def raw(self) -> Tensor:
        """Return the raw latents of all shapes, (S, ...)."""
        return self.join(dict(self.state_dict()))

    def load(self, raw: Tensor) -> None:
        """Set the raw latents of all shapes, (S, ...).

        Raises:
            RuntimeError: if the tensor has another shape.
        """
        self.load_state_dict(self.split(raw))


def bound_norm(latents: Tensor, max_norm: float | None) -> Tensor:
    """Scale latents (B, L) with a norm above max_norm down to it, differentiably."""
    if max_norm is None or latents.shape[-1] == 0:
        return latents
    norm = latents.norm(dim=-1, keepdim=True)
    # the clamp keeps the gradient finite for a latent of norm 0
    return latents * (max_norm / norm.clamp(min=max_norm))


def read_latents(path: Path, names: Sequence[str], size: tuple[int, ...]) -> Tensor:
    """Read the latents of some shapes from a folder of <name>.npy or a checkpoint.

    Args:
        path: the folder or the checkpoint.
        names: names of the shapes.
        size: the expected shape of each latent: (L,), or (P, L + K).

    Returns:
        (B, *size) float32, in the order of `names`.

    Raises:
        ValueError: if a latent is missing, unreadable or has another shape.
    """
    if path.is_dir():
        found = {file.stem: file for file in path.glob("*.npy")}
        _check_names(path, found, names)
        latents = [read_latent(found[name]) for name in names]
    else:
        try:
            content = migrate(torch.load(path, map_location="cpu", weights_only=True))
            stored = dict(content["latents"])
        # on any other file torch may raise any exception
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
                f"the latent of '{name}' in '{path}' has shape {tuple(latent.shape)}; the settings "
                f"of 'latent' need {size}"
            )
    return torch.stack(latents) if latents else torch.zeros(0, *size)


def read_latent(path: Path) -> Tensor:
    """Read the latent of one shape, (L,) or (P, L + K), as float32.

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
