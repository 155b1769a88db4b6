"""Codes of unseen shapes, fitted under frozen weights; and meshes from codes."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from inr.data.store import Draws, SampleStore
from inr.losses import Losses
from inr.models.inr import INR
from inr.shapes.extract import extract_mesh
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.sampling import seed_from_name

# points handed to the network at once: what fits a cache on a CPU, what fills a GPU
POINTS_A_CALL_CPU = 8192
POINTS_A_CALL_GPU = 262144


def fit_codes(
    model: INR,
    store: SampleStore,
    losses: Losses,
    *,
    iterations: int,
    draws: Draws,
    lr: float,
    lr_drop: float,
    init_std: float,
    seed: int,
    stopped: Callable[[], bool] = lambda: False,
    progress: str | None = None,
) -> Tensor:
    """Fit the codes of all shapes of a store together, the network frozen.

    The loss is the sum over shapes of each shape's own, and starts and draws are seeded by shape
    name, so that a shape's result does not depend on which others are fitted beside it.

    Args:
        model: its body decodes; its own codes are not touched.
        store: samples of the shapes.
        losses: those of training, without ramps.
        iterations: of Adam.
        draws: what a step draws for each shape.
        lr: at the start.
        lr_drop: factor on it after half the iterations.
        init_std: of the codes at the start, N(0, init_std^2).
        seed: mixed with each shape's name.
        stopped: asked after each step; where true, the fit ends at once.
        progress: title of the progress bar, None for none.

    Returns:
        Bounded codes (B, L) in the order of the store's shapes.

    Raises:
        FloatingPointError: if a shape's loss is no longer a number.
    """
    device = store.device
    width = model.latents.codes.shape[1]
    if width == 0:  # the network itself is the shape
        return torch.zeros(len(store.names), 0, device=device)
    starts = [seed_from_name(name, seed).standard_normal(width) for name in store.names]
    codes = torch.tensor(np.array(starts) * init_std, dtype=torch.float32, device=device)
    codes.requires_grad_(True)
    generators = [
        torch.Generator(device=store.draws_on).manual_seed(
            int(seed_from_name(name, seed + 1).integers(2**63))
        )
        for name in store.names
    ]
    index = torch.arange(len(store.names), device=store.draws_on)
    optimizer = torch.optim.Adam([codes], lr=lr)
    frozen = [p for p in model.parameters() if p.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    model.eval()
    try:
        for step in tqdm(range(iterations), desc=progress, disable=None if progress else True):
            if step == iterations // 2:
                optimizer.param_groups[0]["lr"] = lr * lr_drop
            batch = store.draw(index, draws, generators)
            total, _ = losses(model, batch, model.latents.constrain(codes), None)
            optimizer.zero_grad(set_to_none=True)
            total.sum().backward()
            optimizer.step()
            if stopped():
                break
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)
    fitted = model.latents.constrain(codes.detach())
    bad = ~fitted.isfinite().all(dim=1)
    if bad.any():
        name = store.names[int(bad.nonzero()[0])]
        raise FloatingPointError(f"the code of '{name}' is no longer finite; lower reconstruct.lr")
    return fitted


def points_a_call(device: torch.device) -> int:
    """Return how many points to hand the network at once."""
    return POINTS_A_CALL_CPU if device.type == "cpu" else POINTS_A_CALL_GPU


def decode_mesh(
    model: INR, code: Tensor, *, dim: int, resolution: int, coarse_to_fine: bool
) -> Mesh:
    """Extract the zero level of one shape's field.

    Args:
        model: decodes the code.
        code: (L,).
        dim: D.
        resolution: points a side of the grid over [-1, 1]^D.
        coarse_to_fine: see inr.shapes.extract; an occupancy, which is no distance, is sampled on
            the whole grid.

    Returns:
        A mesh in the box frame, with no faces where the field has no zero.

    Raises:
        FloatingPointError: if the field is not finite.
    """
    return extract_mesh(
        field_of(model, code),
        dim=dim,
        resolution=resolution,
        coarse_to_fine=coarse_to_fine and model.output == "sdf",
        chunk_size=points_a_call(code.device),
    )


def field_of(model: INR, code: Tensor) -> Callable[[Floats], Floats]:
    """Return one shape's field as a function of numpy points (N, D), giving (N,).

    It is negative inside: of an occupancy it is the logit of being outside.
    """
    sign = -1 if model.output == "occupancy" else 1

    @torch.inference_mode()
    def field(points: Floats) -> Floats:
        x = torch.from_numpy(points.astype(np.float32)).to(code.device)
        values: Floats = model.decode(x[None], code[None]).value[0, :, 0].cpu().numpy()
        return sign * values

    return field
