"""Latents of unseen shapes, as the configuration says."""

from collections.abc import Callable, Mapping, Sequence

import torch

from inr.config.factories import fitting_draws, training_store
from inr.config.schema import Config
from inr.data.layout import Layout
from inr.data.observe import open_observed
from inr.data.parts.read import read_poses, read_present
from inr.data.store import SampleStore
from inr.losses import Loss, Losses
from inr.models.inr import INR
from inr.models.parts.latents import stack_poses
from inr.models.parts.poses import Pose, join
from inr.reconstruct import PartFit, fit_latents


class Fitting:
    """Fit the latents of unseen shapes, and where they are made of parts, poses.

    Without part labels the terms that need them are left out; with them, those of the whole shape
    join after half of the iterations (Talabot et al., PartSDF, 2025).

    Args:
        config: says how.
        layout: the data set.
        losses: of training.
    """

    def __init__(self, config: Config, layout: Layout, losses: Losses) -> None:
        self.config = config
        self.layout = layout
        self.losses = losses
        if config.reconstruct.labels and config.reconstruct.observe != "sdf":
            raise ValueError("reconstruct.labels=true needs reconstruct.observe=sdf")
        if not config.reconstruct.labels:
            self.losses = losses.select(lambda term: "labels" not in term.needs)
        if not self.losses.select(lambda term: is_of_whole(term) or "labels" in term.needs).terms:
            remedy = "; add reconstruct.labels=true" if "labels" in losses.needs else ""
            raise ValueError(f"the loss has no term to fit latents of unseen shapes with{remedy}")

    def open(self, names: Sequence[str], device: torch.device) -> SampleStore:
        """Return what is observed of some shapes."""
        settings, dim = self.config.reconstruct, self.config.data.dim
        if settings.observe == "sdf":
            return training_store(self.config, self.layout, names, self.losses, device)
        view = None
        if settings.observe == "partial":
            view = settings.view or [0.0] * (dim - 1) + [1.0]
            if len(view) != dim:
                raise ValueError(
                    f"reconstruct.view is {view}; with data.dim={dim} it is a direction of {dim} "
                    "numbers"
                )
        return open_observed(
            self.layout,
            names,
            dim=dim,
            num_channels=self.config.model["num_channels"],
            view=view,
            offset=settings.offset,
            seed=self.config.seed,
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
        """Return the latents of a store's shapes; see `fit_latents`."""
        settings = self.config.reconstruct
        return fit_latents(
            model,
            store,
            self.losses,
            iterations=iterations,
            draws=fitting_draws(self.config),
            lr=settings.lr,
            lr_drop=settings.lr_drop,
            init_std=settings.init_std,
            seed=self.config.seed,
            parts=self._parts(store.names, model.latents.num_parts),
            stopped=stopped,
            progress=progress,
        )

    def _parts(self, names: Sequence[str], num_parts: int | None) -> PartFit | None:
        if num_parts is None:
            return None
        settings, dim = self.config.reconstruct, self.config.data.dim
        poses = present = None
        if settings.poses != "mean" or settings.labels:
            present = torch.stack([self._present(name, num_parts) for name in names])
        if settings.poses != "mean":
            poses = stack_poses(part_poses(self.layout, names, dim), names, num_parts, dim)
        early = self.losses
        if settings.labels and "labels" in early.needs:
            early = early.select(lambda term: not is_of_whole(term))
        return PartFit(
            pose_lr=0.0 if settings.poses == "given_frozen" else settings.pose_lr,
            poses=poses,
            present=present,
            early=early,
            whole=self.losses.select(is_of_whole),
        )

    def _present(self, name: str, num_parts: int) -> torch.Tensor:
        present = torch.from_numpy(read_present(self.layout, name))
        if len(present) != num_parts:
            raise ValueError(
                f"'{name}' has {len(present)} parts in '{self.layout.root}', and the run was "
                f"trained with {num_parts}"
            )
        return present


def is_of_whole(term: Loss) -> bool:
    """Return whether a term looks at the field of the whole shape."""
    return bool(term.needs) and not term.needs & {"parts", "labels"}


def part_poses(
    layout: Layout, names: Sequence[str], dim: int, num_parts: int | None = None
) -> Mapping[str, torch.Tensor]:
    """Return the poses (P, K) of the parts of each shape by name; see inr.models.parts.poses.

    Args:
        layout: the data set.
        names: the shapes.
        dim: D.
        num_parts: P, that each has to have; None for any number.

    Raises:
        ValueError: if a shape has none, or another number, or a file is not of its form.
    """
    poses = {}
    for name in names:
        rotations, translations, scales, present = read_poses(layout, name, dim, num_parts)
        pose = Pose(*map(torch.from_numpy, (rotations, translations, scales, present)))
        poses[name] = join(pose).float()
    return poses
