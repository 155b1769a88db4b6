"""Latents of unseen shapes, fitted under frozen weights."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from tqdm import tqdm

from inr.data.store import BatchSpec, SampleStore
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
    """Fit the latents of all shapes of a store together, the network frozen.

    The loss is the sum over shapes of each shape's own, and starts and draws are seeded by shape
    name, so that a shape's result does not depend on which others are fitted beside it.

    Args:
        model: its decoder decodes; its own latents are not touched.
        store: samples of the shapes.
        losses: those of training, without ramps.
        iterations: of Adam.
        spec: what a step draws for each shape.
        lr: of latents, at the start.
        lr_drop: factor on all rates after half the iterations.
        init_std: of the latents at the start, N(0, init_std^2).
        seed: mixed with each shape's name.
        parts: for shapes made of parts, whose poses are fitted as well.
        stopped: asked after each step; where true, the fit ends at once.
        progress: title of the progress bar, None for none.

    Returns:
        Bounded latents (B, L), of parts (B, P, L + K), in the order of the store's shapes.

    Raises:
        FloatingPointError: if a shape's loss is no longer a number.
    """
    raw = model.latents.init(store.names, std=init_std, seed=seed).to(store.device)
    rates = {"weight": lr}
    if parts is not None:
        raw, rates["poses"] = parts.place(raw), parts.pose_lr
    pieces = model.latents.split(raw)
    free = {key: rate for key, rate in rates.items() if rate and pieces[key].numel()}
    if free:  # else the network itself is the shape
        groups = [{"params": [pieces[key].requires_grad_(True)], "lr": free[key]} for key in free]
        optimizer = torch.optim.Adam(groups)
        generators = seeded_generators(store, seed + 1)
        index = torch.arange(len(store.names), device=store.generator_device)
        now = losses if parts is None else parts.early
        with frozen(model):
            for step in tqdm(range(iterations), desc=progress, disable=None if progress else True):
                if step == iterations // 2:
                    now = losses
                    for group in optimizer.param_groups:
                        group["lr"] *= lr_drop
                    if parts is not None and parts.drops:
                        pieces["present"] = find_present(
                            model, store, parts.whole, pieces, spec, seed + 3
                        )
                batch = store.draw(index, spec, generators)
                latents = model.latents.constrain(model.latents.join(pieces))
                total, _ = now(model, batch, latents, None)
                optimizer.zero_grad(set_to_none=True)
                total.sum().backward()
                optimizer.step()
                if stopped():
                    break
    return _check_finite(model.latents.constrain(model.latents.join(pieces)).detach(), store.names)


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
    """Set a model to evaluation, its parameters constant until this is left."""
    constant = [p for p in model.parameters() if p.requires_grad]
    for parameter in constant:
        parameter.requires_grad_(False)
    model.eval()
    try:
        yield
    finally:
        for parameter in constant:
            parameter.requires_grad_(True)
