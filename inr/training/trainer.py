"""The fit loop."""

import logging
import math
import time
from collections.abc import Callable

import torch
from torch import Tensor
from tqdm import tqdm

from inr.data.batch import Batch
from inr.data.store import BatchSpec, SampleStore
from inr.losses import Losses, TrainProgress
from inr.models.inr import INR
from inr.seeding import mix_seed
from inr.training.batches import Batches
from inr.training.cadence import CadenceTimer, is_due, is_tenth
from inr.training.checkpoint import Checkpoints, Progress
from inr.training.estimate import peak_memory
from inr.training.interrupt import Interrupt
from inr.training.schedules import Schedule
from inr.training.tracking import Tracker

log = logging.getLogger(__name__)


def fit(
    model: INR,
    store: SampleStore,
    losses: Losses,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    *,
    progress: Progress,
    num_epochs: int,
    shapes_per_batch: int,
    draws: BatchSpec,
    seed: int,
    checkpoints: Checkpoints,
    tracker: Tracker,
    validate: Callable[[INR, int], dict[str, float]],
    validate_every: int,
    is_better: Callable[[dict[str, float], float | None], float | None],
    render: Callable[[INR, int], None],
    render_every: int,
    log_every: int,
    save_every_seconds: float,
    interrupt: Interrupt,
) -> None:
    """Train until num_epochs, or until a signal is noted; then last.pt is what to resume from.

    Args:
        model: in training; its latents stand in the order of the store's shapes.
        store: samples of the training shapes.
        losses: see inr.losses; their mean over shapes is minimised.
        optimizer: each parameter group has its base rate as `base_lr`.
        schedule: factor on the base rates.
        progress: where to start; brought up to date as the loop goes.
        num_epochs: passes over all shapes, those already done included.
        shapes_per_batch: B.
        draws: what a step draws for each shape.
        seed: of the order of shapes, the samples and dropout.
        checkpoints: what is saved when.
        tracker: where values go.
        validate: gives validation metrics of a model at an epoch; not called if never due.
        validate_every: cadence in epochs, and once at the end; 0 for never. render_every and
            log_every likewise.
        is_better: given metrics and the best value so far, gives the new best, or None.
        render: makes pictures of a model at an epoch.
        render_every: cadence in epochs.
        log_every: cadence in epochs; the values are means since the last time.
        save_every_seconds: last.pt is never older than this, for what no signal announces.
        interrupt: looked at after every step.

    Raises:
        FloatingPointError: if the loss is no longer a number.
    """
    device = store.device
    drawn = Batches(store, draws, seed=seed, shapes_per_batch=shapes_per_batch)
    batches = math.ceil(len(store.names) / shapes_per_batch)
    meter, costs = Meter(device), CadenceTimer(num_epochs)
    saved = time.monotonic()
    bar = tqdm(
        total=num_epochs * batches, initial=progress.step, unit="step", disable=None, leave=False
    )
    while progress.epoch < num_epochs and not interrupt.number:
        model.train()
        for number, index, batch in drawn.of_epoch(progress.epoch, progress.batch):
            torch.manual_seed(mix_seed(seed, progress.epoch, number))  # dropout
            set_rates(optimizer, schedule, progress.epoch + number / batches, num_epochs)
            latents = model.latents(index.to(device))
            total, values = losses(model, batch, latents, TrainProgress(progress.epoch, num_epochs))
            loss = total.mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            meter.add({"loss": loss.detach(), **{k: v.mean() for k, v in values.items()}})
            meter.count(count_points(batch))
            progress.step += 1
            progress.batch = number + 1
            bar.update()
            if interrupt.number:
                break
            if time.monotonic() - saved > save_every_seconds:
                checkpoints.save("last", model, optimizer, progress)
                saved = time.monotonic()
        if progress.batch < batches:
            break
        progress.epoch, progress.batch = progress.epoch + 1, 0
        epoch = progress.epoch
        if meter.steps and (is_due(epoch, log_every, num_epochs) or epoch == num_epochs):
            meter.waited = drawn.seconds()
            values = _epoch_values(meter, model, optimizer)
            parts = [f"{name} {values[f'train/{name}']:.5f}" for name in ("loss", *losses.terms)]
            bar.set_postfix_str(
                f"{' '.join(parts)} {values['train/samples_per_second']:,.0f} samples/s "
                f"{values['train/memory_gib']:.1f} GiB"
            )
            tracker.log(values, epoch=epoch, step=progress.step)
            if is_tenth(epoch, log_every, num_epochs):
                log.info("epoch %d/%d: loss %.6f", epoch, num_epochs, values["train/loss"])
        if is_due(epoch, validate_every, num_epochs):
            started = time.perf_counter()
            metrics = validate(model.eval(), epoch)
            if interrupt.number:  # cut short: a resumed run validates this epoch anew
                progress.epoch, progress.batch = epoch - 1, batches
                break
            tracker.log(metrics, epoch=epoch, step=progress.step)
            best = is_better(metrics, progress.best)
            if best is not None:
                progress.best = best
                checkpoints.save("best", model, optimizer, progress)
            seconds = time.perf_counter() - started
            meter.started += seconds
            costs.note("a validation", seconds, validate_every, epoch)
        if is_due(epoch, render_every, num_epochs):
            started = time.perf_counter()
            render(model.eval(), epoch)
            seconds = time.perf_counter() - started
            meter.started += seconds
            costs.note("a set of pictures", seconds, render_every, epoch)
        checkpoints.save_epoch(model, optimizer, progress)
    bar.close()
    checkpoints.save("last", model, optimizer, progress)


class Meter:
    """Average values over steps without waiting for the device at each.

    Args:
        device: where the sums live.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.reset()

    def reset(self) -> None:
        """Forget what was added."""
        self.sums: dict[str, Tensor] = {}
        self.steps = 0
        self.samples = 0
        self.waited = 0.0  # seconds, for batches
        self.started = time.perf_counter()

    def add(self, values: dict[str, Tensor]) -> None:
        """Add the values of one step."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0) + value
        self.steps += 1

    def count(self, samples: int) -> None:
        """Count samples, for the speed."""
        self.samples += samples

    def read(self) -> dict[str, float]:
        """Return the means and the speed since the last time; waits for the device.

        Raises:
            FloatingPointError: if the loss is not a finite number.
        """
        means = {name: float(value) / self.steps for name, value in self.sums.items()}
        if not math.isfinite(means["loss"]):
            raise FloatingPointError(
                "the loss is no longer a finite number; lower optimizer.lr, or resume from an "
                "earlier checkpoint"
            )
        elapsed = max(time.perf_counter() - self.started, 1e-9)
        means["samples_per_second"] = self.samples / elapsed
        means["data_fraction"] = self.waited / elapsed
        self.reset()
        return means


def set_rates(
    optimizer: torch.optim.Optimizer, schedule: Schedule, epoch: float, num_epochs: int
) -> None:
    """Set every parameter group's learning rate for a (fractional) epoch."""
    factor = schedule(epoch, num_epochs)
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor


def count_points(batch: Batch) -> int:
    """Return how many points of all shapes a batch holds."""
    sets = [batch.samples and batch.samples.points, batch.surface and batch.surface.points]
    return sum(x.shape[0] * x.shape[1] for x in [*sets, batch.space] if x is not None)


def _epoch_values(meter: Meter, model: INR, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    values = {f"train/{name}": value for name, value in meter.read().items()}
    for group in optimizer.param_groups:
        values[f"train/lr_{group['name']}"] = group["lr"]
    values["train/latent_norm"] = float(model.latents.weight.detach().norm(dim=-1).mean())
    values["train/memory_gib"] = peak_memory(meter.device) / 2**30
    return values
