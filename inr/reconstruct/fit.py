"""The optimisation loop of fitting latents, with frozen weights."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.optim import Adam
from tqdm import tqdm

from inr.data.batch import BatchSpec
from inr.data.store import SampleStore
from inr.losses import Losses
from inr.models.inr import INR
from inr.reconstruct.parts import PartFit, find_present, seeded_generators


def fit_latents(
    model: INR,
    store: SampleStore,
    losses: Losses,
    *,
    iterations: int,
    spec: BatchSpec,
    lr: float,
    lr_drop: float,
    init_std: float,
    seed: int,
    parts: PartFit | None = None,
    stopped: Callable[[], bool] = lambda: False,
    progress: str | None = None,
) -> Tensor:
    """Fit the latents of all shapes of a store together, with the network frozen.

    The loss is the sum over shapes, and initial latents and samples are seeded by the name of the
    shape, so that the result of a shape does not depend on the others of its batch.

    Args:
        model: the model; its own latents do not change.
        store: samples of the shapes.
        losses: losses of training, evaluated without ramps.
        iterations: number of steps of Adam.
        spec: number and kind of the points that a step draws per shape.
        lr: initial learning rate of the latents.
        lr_drop: factor on all learning rates after half of the iterations.
        init_std: standard deviation of the initial latents, N(0, init_std^2).
        seed: seed that is combined with the name of each shape.
        parts: settings for shapes made of parts, whose poses are fitted too; None for others.
        stopped: function called after each step; if it returns true, the fit ends.
        progress: title of the progress bar; None for no bar.

    Returns:
        Constrained latents (B, L), or (B, P, L + K) for shapes made of parts, in the order of the
        store's shapes.

    Raises:
        FloatingPointError: if a latent is no longer finite.
    """
    raw = model.latents.init(store.names, std=init_std, seed=seed).to(store.device)
    rates = {"weight": lr}
    if parts is not None:
        raw, rates["poses"] = parts.place(raw), parts.pose_lr
    pieces = model.latents.split(raw)
    optimizer = _optimizer(pieces, rates)
    if optimizer is not None:
        generators = seeded_generators(store, seed + 1)
        index = torch.arange(len(store.names), device=store.generator_device)
        current_losses = losses if parts is None else parts.early
        with frozen(model):
            for step in tqdm(range(iterations), desc=progress, disable=None if progress else True):
                if step == iterations // 2:
                    current_losses = losses
                    for group in optimizer.param_groups:
                        group["lr"] *= lr_drop
                    if parts is not None and parts.drops:
                        pieces["present"] = find_present(
                            model, store, parts.whole, pieces, spec, seed + 3
                        )
                batch = store.draw(index, spec, generators)
                latents = model.latents.constrain(model.latents.join(pieces))
                total, _ = current_losses(model, batch, latents, None)
                optimizer.zero_grad(set_to_none=True)
                total.sum().backward()
                optimizer.step()
                if stopped():
                    break
    return _check_finite(model.latents.constrain(model.latents.join(pieces)).detach(), store.names)


def _optimizer(pieces: Mapping[str, Tensor], rates: Mapping[str, float]) -> Adam | None:
    """Return the optimizer of the tensors with a learning rate.

    It is None without latents: the network itself is the shape.
    """
    free = {key: rate for key, rate in rates.items() if rate and pieces[key].numel()}
    groups = [{"params": [pieces[key].requires_grad_(True)], "lr": free[key]} for key in free]
    return Adam(groups) if groups else None


def _check_finite(latents: Tensor, names: Sequence[str]) -> Tensor:
    bad = ~latents.isfinite().flatten(1).all(dim=1)
    if bad.any():
        name = names[int(bad.nonzero()[0])]
        raise FloatingPointError(
            f"the latent of '{name}' is no longer finite; lower reconstruct.lr"
        )
    return latents


@contextmanager
def frozen(model: INR) -> Iterator[None]:
    """Set a model to evaluation mode; its parameters do not require gradients in this context."""
    constant = [p for p in model.parameters() if p.requires_grad]
    for parameter in constant:
        parameter.requires_grad_(False)
    model.eval()
    try:
        yield
    finally:
        for parameter in constant:
            parameter.requires_grad_(True)
