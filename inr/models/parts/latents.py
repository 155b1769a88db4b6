"""Latents and poses of the parts of each shape."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor, nn

from inr.models.latents import Latents, bound_norm, read_latents
from inr.models.parts.poses import (
    constrain,
    identity_pose,
    mean_pose,
    pose_dim,
    rotation_dim,
    unwrap_angle,
)
from inr.settings import AtLeast, Positive


class PartLatents(Latents):
    """A latent and a pose for each part of each shape (Talabot et al., PartSDF, 2025).

    The latent of a shape is (P, L + K), see inr.models.parts.poses.

    Args:
        names: names of the shapes, in the order of their latents.
        dim: L, width of a part latent.
        num_parts: P, number of parts, those that a shape may lack included.
        max_norm: bound on the Euclidean norm of a part latent, applied at look-up; None for no
            bound.
        pretrained: initial latents and poses: a folder of <name>.npy as stage=reconstruct writes
            it, or a checkpoint of another run; None to draw each component of the latents from
            N(0, 1/L) and take the poses of the data set. Which parts a shape has is always
            taken from the data set, if there is one.
        trainable: whether training changes the latents.
        train_poses: whether training changes the poses.
        space_dim: D, dimension of space.
        poses: name of each shape to its poses (P, K); None for identity poses.
        generator: random generator of the initial latents.

    Raises:
        ValueError: if the settings contradict each other, a shape has no poses or another number
            of parts, or a pretrained latent is missing or has another shape.
    """

    num_parts: int
    poses: nn.Parameter
    present: Tensor

    def __init__(
        self,
        *,
        names: Sequence[str],
        dim: Annotated[int, AtLeast(0)],
        num_parts: Annotated[int, AtLeast(1)],
        max_norm: Annotated[float | None, Positive()],
        pretrained: str | None,
        trainable: bool,
        train_poses: bool,
        space_dim: int,
        poses: Mapping[str, Tensor] | None,
        generator: torch.Generator,
    ) -> None:
        if num_parts < 1:
            raise ValueError(f"latent.num_parts is {num_parts}; it has to be at least 1")
        super().__init__(
            names=[f"{name}/{part}" for name in names for part in range(num_parts)],
            dim=dim,
            max_norm=max_norm,
            spherical=False,
            pretrained=None,
            trainable=trainable or pretrained is not None,
            generator=generator,
        )
        self.num_parts = num_parts
        self.space_dim = space_dim
        latents = self.weight.detach().view(len(names), num_parts, dim)
        if pretrained is not None:
            size = (num_parts, dim + pose_dim(space_dim))
            raw = read_latents(Path(pretrained), names, size)
            if poses is not None:  # a fit may have dropped parts that samples are labelled with
                raw[..., -1] = stack_poses(poses, names, num_parts, space_dim)[..., -1]
        elif poses is None:
            identity = identity_pose(len(names), num_parts, dim=space_dim)
            raw = torch.cat([latents, identity], dim=-1)
        else:
            raw = torch.cat([latents, stack_poses(poses, names, num_parts, space_dim)], dim=-1)
        pieces = self.split(raw)
        self.weight = nn.Parameter(pieces["weight"], requires_grad=trainable)
        self.poses = nn.Parameter(pieces["poses"], requires_grad=train_poses)
        self.register_buffer("present", pieces["present"])

    @property
    def trained_poses(self) -> nn.Parameter | None:
        """Return the poses (S, P, K - 1) if they are trained, else None."""
        return self.poses if self.poses.requires_grad else None

    def forward(self, index: Tensor) -> Tensor:
        """Return the constrained latents (B, P, L + K) of the shapes with index (B,)."""
        pieces = {"weight": self.weight, "poses": self.poses, "present": self.present}
        return self.constrain(self.join({name: piece[index] for name, piece in pieces.items()}))

    def constrain(self, latents: Tensor) -> Tensor:
        """Return constrained latents of raw ones (B, P, L + K): bounded, and with valid poses."""
        width = latents.shape[-1] - pose_dim(self.space_dim)
        latent, pose = latents[..., :width], latents[..., width:]
        bounded = bound_norm(latent, self.max_norm)
        return torch.cat([bounded, constrain(pose, self.space_dim)], dim=-1)

    def init(self, names: Sequence[str], *, std: float, seed: int) -> Tensor:
        """Return initial raw latents of unseen shapes.

        Latents are drawn from N(0, std^2), seeded by name; poses are the means over the training
        shapes. A part is present if some training shape has it; others were never trained.
        """
        latents = super().init(names, std=std, seed=seed).to(self.poses)
        known = self.present.amax(dim=0)[:, None]
        pose = torch.cat([self._mean_pose()[:, :-1], known], dim=-1)
        return torch.cat([latents, pose.expand(len(names), -1, -1)], dim=-1)

    def split(self, raw: Tensor) -> dict[str, Tensor]:
        """Split raw latents into latents (B, P, L), poses (B, P, K - 1) and present (B, P)."""
        width = pose_dim(self.space_dim)
        if raw.dim() < 2 or raw.shape[-1] < width:
            raise RuntimeError(f"size mismatch: {tuple(raw.shape)} is no shape of part latents")
        return {
            "weight": raw[..., :-width].clone(),
            "poses": raw[..., -width:-1].clone(),
            "present": raw[..., -1].clone(),
        }

    def join(self, pieces: Mapping[str, Tensor]) -> Tensor:
        """Return raw latents (B, P, L + K) from the tensors of `split`: its inverse."""
        return torch.cat([pieces["weight"], pieces["poses"], pieces["present"][..., None]], dim=-1)

    def regularised(self, latents: Tensor) -> Tensor:
        """Return the concatenated part latents (B, P L), 0 for parts that a shape lacks."""
        part_latents = latents[..., : -pose_dim(self.space_dim)]
        return (part_latents * latents[..., -1:]).flatten(1)

    def flatten(self) -> Tensor:
        """Return the constrained latents of all shapes as vectors (S, P (L + K)), for priors.

        Parts that a shape lacks have the mean over the shapes that have them. Quaternions have the
        sign, and angles the multiple of 2 pi, that is closest to the mean.
        """
        latents = self.constrain(self.raw())
        turn = latents[..., -pose_dim(self.space_dim) :][..., : rotation_dim(self.space_dim)]
        present = latents[..., -1:]
        mean = self._mean_pose()[:, : turn.shape[-1]]
        if self.space_dim == 2:
            turn.copy_(unwrap_angle(turn, mean))
        else:
            turn *= torch.where((turn * mean).sum(dim=-1, keepdim=True) < 0, -1.0, 1.0)
        mean = (present * latents).sum(dim=0) / present.sum(dim=0).clamp(min=1)
        whole = torch.where(present > 0, latents, mean)
        return torch.cat([whole[..., :-1], present], dim=-1).flatten(1)

    def unflatten(self, vectors: Tensor) -> Tensor:
        """Return the latents (B, P, L + K) of vectors; a part is present from 0.5 on."""
        raw = vectors.view(len(vectors), -1, self.weight.shape[-1] + pose_dim(self.space_dim))
        present = (raw[..., -1:] >= 0.5).to(raw)
        return self.constrain(torch.cat([raw[..., :-1], present], dim=-1))

    def _mean_pose(self) -> Tensor:
        pose = torch.cat([self.poses.detach(), self.present[..., None]], dim=-1)
        return mean_pose(pose, self.space_dim)

    def optional(self) -> Tensor:
        """Return (P,) bool, true for parts that some training shape lacks."""
        return (self.present < 0.5).any(dim=0)


def stack_poses(
    poses: Mapping[str, Tensor], names: Sequence[str], num_parts: int, dim: int
) -> Tensor:
    """Return the poses (B, P, K) of some shapes, from a mapping of name to poses (P, K).

    Raises:
        ValueError: if a shape has no poses, or another number of parts.
    """
    for name in names:
        if name not in poses:
            raise ValueError(
                f"'{name}' has no poses of parts; run stage=prepare on a data set with parts"
            )
        found = poses[name].shape
        if found != (num_parts, pose_dim(dim)):
            raise ValueError(
                f"'{name}' has {found[0]} parts, and latent.num_parts={num_parts}; add "
                f"latent.num_parts={found[0]}"
            )
    return torch.stack([poses[name].float() for name in names])
