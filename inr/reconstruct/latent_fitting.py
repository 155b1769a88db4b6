"""Fitting latents by the settings of `reconstruct`: observations, losses, poses, then the loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch

from inr.data.batch import BatchSpec
from inr.data.layout import Layout
from inr.data.observe import open_observed
from inr.data.open_store import open_store
from inr.data.parts.read import read_poses, read_present
from inr.data.store import SampleStore
from inr.files import OUTPUTS
from inr.losses import Loss, Losses
from inr.models.inr import INR
from inr.models.parts.latents import stack_poses
from inr.models.parts.poses import Pose, join
from inr.reconstruct import PartFit, fit_latents
from inr.reconstruct.settings import Reconstruct


class Fitting:
    """Fitting of latents to unseen shapes, and of poses if the shapes are made of parts.

    Without part labels, the terms that need them are left out. With labels, the terms of the whole
    shape are added after half of the iterations (Talabot et al., PartSDF, 2025).

    Args:
        settings: settings of the group `reconstruct`.
        layout: the data set.
        losses: losses of training.
        spec: number and kind of the points that a training step draws per shape; the settings
            replace its number of samples.
        dim: D, dimension of space.
        num_channels: C, number of channels of the model.
        dtype: type in which samples are stored.
        seed: seed that is combined with the name of each shape.

    Raises:
        ValueError: if the settings contradict each other, or no term of the loss can be used.
    """

    def __init__(
        self,
        settings: Reconstruct,
        layout: Layout,
        losses: Losses,
        *,
        spec: BatchSpec,
        dim: int,
        num_channels: int,
        dtype: str,
        seed: int,
    ) -> None:
        self.settings = settings
        self.layout = layout
        self.losses = losses
        self.spec = replace(
            spec, samples=settings.samples_per_shape, sign_balanced=settings.sign_balanced
        )
        self.dim = dim
        self.num_channels = num_channels
        self.dtype = dtype
        self.seed = seed
        if settings.labels and settings.observe != "sdf":
            raise ValueError("reconstruct.labels=true needs reconstruct.observe=sdf")
        if not settings.labels:
            self.losses = losses.select(lambda term: "labels" not in term.needs)
        if not self.losses.select(
            lambda term: uses_whole_shape(term) or "labels" in term.needs
        ).terms:
            remedy = "; add reconstruct.labels=true" if "labels" in losses.needs else ""
            raise ValueError(f"the loss has no term that can fit latents of unseen shapes{remedy}")

    def open_samples(self, names: Sequence[str], device: torch.device) -> SampleStore:
        """Return the samples of some shapes that the loss needs."""
        return open_store(
            self.layout,
            names,
            dim=self.dim,
            num_channels=self.num_channels,
            needs=self.losses.needs,
            device=device,
            dtype=self.dtype,
            fallback=OUTPUTS / "packed",
        )

    def open(self, names: Sequence[str], device: torch.device) -> SampleStore:
        """Return the observations of some shapes: their samples, or points on their surface."""
        settings = self.settings
        if settings.observe == "sdf":
            return self.open_samples(names, device)
        view = None
        if settings.observe == "partial":
            view = settings.view or [0.0] * (self.dim - 1) + [1.0]
            if len(view) != self.dim:
                raise ValueError(
                    f"reconstruct.view is {view}; with data.dim={self.dim} it has to be a "
                    f"direction of {self.dim} numbers"
                )
        return open_observed(
            self.layout,
            names,
            dim=self.dim,
            num_channels=self.num_channels,
            view=view,
            offset=settings.offset,
            seed=self.seed,
            device=device,
        )

    def fit(
        self,
        model: INR,
        store: SampleStore,
        *,
        iterations: int,
        stopped: Callable[[], bool] = lambda: False,
        progress: str | None = None,
    ) -> torch.Tensor:
        """Fit and return the latents of a store's shapes; see `fit_latents`."""
        return fit_latents(
            model,
            store,
            self.losses,
            iterations=iterations,
            spec=self.spec,
            lr=self.settings.lr,
            lr_drop=self.settings.lr_drop,
            init_std=self.settings.init_std,
            seed=self.seed,
            parts=self._parts(store.names, model.latents.num_parts),
            stopped=stopped,
            progress=progress,
        )

    def _parts(self, names: Sequence[str], num_parts: int | None) -> PartFit | None:
        if num_parts is None:
            return None
        settings = self.settings
        poses = present = None
        if settings.poses != "mean" or settings.labels:
            present = torch.stack([self._present(name, num_parts) for name in names])
        if settings.poses != "mean":
            given = part_poses(self.layout, names, self.dim)
            poses = stack_poses(given, names, num_parts, self.dim)
        early = self.losses
        if settings.labels and "labels" in early.needs:
            early = early.select(lambda term: not uses_whole_shape(term))
        return PartFit(
            pose_lr=0.0 if settings.poses == "given_frozen" else settings.pose_lr,
            poses=poses,
            present=present,
            early=early,
            whole=self.losses.select(uses_whole_shape),
        )

    def _present(self, name: str, num_parts: int) -> torch.Tensor:
        present = torch.from_numpy(read_present(self.layout, name))
        if len(present) != num_parts:
            raise ValueError(
                f"'{name}' has {len(present)} parts in '{self.layout.root}', and the run was "
                f"trained with {num_parts}"
            )
        return present


def uses_whole_shape(term: Loss) -> bool:
    """Return whether a term uses the field of the whole shape rather than of its parts."""
    return bool(term.needs) and not term.needs & {"parts", "labels"}


def part_poses(
    layout: Layout, names: Sequence[str], dim: int, num_parts: int | None = None
) -> Mapping[str, torch.Tensor]:
    """Return the name of each shape with the poses (P, K) of its parts.

    Args:
        layout: the data set.
        names: names of the shapes.
        dim: D, dimension of space.
        num_parts: P, required number of parts; None for any.

    Raises:
        ValueError: if a shape has no poses or another number of parts, or a file is invalid.
    """
    poses = {}
    for name in names:
        rotations, translations, scales, present = read_poses(layout, name, dim, num_parts)
        pose = Pose(*map(torch.from_numpy, (rotations, translations, scales, present)))
        poses[name] = join(pose).float()
    return poses
