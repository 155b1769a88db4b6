"""The fit loop."""

import logging
import time
from collections.abc import Callable

import torch
from tqdm import tqdm

from inr.data.store import SampleStore
from inr.losses import Losses, TrainProgress
from inr.models.inr import INR
from inr.seeding import mix_seed
from inr.training.batches import Batches, batch_spec
from inr.training.cadence import CadenceTimer, is_due, is_tenth
from inr.training.checkpoint import Checkpoints, Progress
from inr.training.estimate import peak_memory
from inr.training.interrupt import Interrupt
from inr.training.meter import Meter, count_points
from inr.training.schedules import Schedule, set_rates
from inr.training.settings import Train
from inr.training.step import train_step
from inr.training.tracking import Tracker

log = logging.getLogger(__name__)

# validation metrics that an empty reconstruction has as well
DEFINED_IF_EMPTY = ("valid/loss", "valid/iou", "valid/f_score")


def fit(
    model: INR,
    store: SampleStore,
    losses: Losses,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    settings: Train,
    *,
    seed: int,
    progress: Progress,
    checkpoints: Checkpoints,
    tracker: Tracker,
    validate: Callable[[INR, int], dict[str, float]],
    draw: Callable[[INR, int], None],
    interrupt: Interrupt,
) -> None:
    """Train for `settings.epochs`, or until a signal is noted; then last.pt is what to resume from.

    Args:
        model: in training; its latents stand in the order of the store's shapes.
        store: samples of the training shapes.
        losses: see inr.losses; their mean over shapes is minimised.
        optimizer: each parameter group has its base rate as `base_lr`.
        schedule: factor on the base rates.
        settings: how long, on how much at a time, and what is done how often.
        seed: of the order of shapes, the samples and dropout.
        progress: where to start; brought up to date as the loop goes.
        checkpoints: what is saved when.
        tracker: where values go.
        validate: gives validation metrics of a model at an epoch; not called if never due.
        draw: draws pictures of a model at an epoch; likewise.
        interrupt: looked at after every step.

    Raises:
        FloatingPointError: if the loss is no longer a number.
    """
    num_epochs, saved = settings.epochs, time.monotonic()
    batches = Batches(
        store, batch_spec(settings), seed=seed, shapes_per_batch=settings.shapes_per_batch
    )
    meter, timer = Meter(store.device), CadenceTimer(num_epochs)
    total = num_epochs * len(batches)
    bar = tqdm(total=total, initial=progress.step, unit="step", disable=None, leave=False)
    while progress.epoch < num_epochs and not interrupt.number:
        model.train()
        for number, index, batch in batches.of_epoch(progress.epoch, progress.batch):
            torch.manual_seed(mix_seed(seed, progress.epoch, number))  # dropout
            set_rates(optimizer, schedule, progress.epoch + number / len(batches), num_epochs)
            now = TrainProgress(progress.epoch, num_epochs)
            index = index.to(store.device)
            values = train_step(model, losses, optimizer, batch, index, now, settings)
            meter.add(values, count_points(batch))
            progress.step += 1
            progress.batch = number + 1
            bar.update()
            if interrupt.number:
                break
            if time.monotonic() - saved > 60 * settings.checkpoint_minutes:
                checkpoints.save("last", model, optimizer, progress)
                saved = time.monotonic()
        if progress.batch < len(batches):
            break
        progress.epoch, progress.batch = progress.epoch + 1, 0
        epoch = progress.epoch
        if meter.steps and (is_due(epoch, settings.log_every, num_epochs) or epoch == num_epochs):
            meter.waited = batches.seconds()
            means = _epoch_values(meter, model, optimizer)
            tracker.log(means, epoch=epoch, step=progress.step)
            bar.set_postfix_str(_summary(means, list(losses.terms)))
            if is_tenth(epoch, settings.log_every, num_epochs):
                log.info("epoch %d/%d: loss %.6f", epoch, num_epochs, means["train/loss"])
        if is_due(epoch, settings.validate_every, num_epochs):
            with meter.paused(), timer.timed("a validation", settings.validate_every, epoch):
                metrics = validate(model.eval(), epoch)
            if interrupt.number:  # cut short: a resumed run validates this epoch anew
                progress.epoch, progress.batch = epoch - 1, len(batches)
                break
            tracker.log(metrics, epoch=epoch, step=progress.step)
            if improves(metrics, progress.best, settings):
                progress.best = metrics[settings.best_metric]
                checkpoints.save("best", model, optimizer, progress)
        if is_due(epoch, settings.render_every, num_epochs):
            with meter.paused(), timer.timed("a set of pictures", settings.render_every, epoch):
                draw(model.eval(), epoch)
        checkpoints.save_epoch(model, optimizer, progress)
    bar.close()
    checkpoints.save("last", model, optimizer, progress)


def improves(metrics: dict[str, float], best: float | None, settings: Train) -> bool:
    """Return whether `settings.best_metric` beats the best value so far, None before the first.

    A mean distance counts only where every validation shape has one: a model must not win by
    leaving the hard shapes empty.
    """
    metric = settings.best_metric
    value = metrics[metric]
    if value != value or (metrics["valid/num_empty"] and metric not in DEFINED_IF_EMPTY):
        return False
    return best is None or (value < best if settings.best_mode == "min" else value > best)


def _epoch_values(meter: Meter, model: INR, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    values = {f"train/{name}": value for name, value in meter.read().items()}
    for group in optimizer.param_groups:
        values[f"train/lr_{group['name']}"] = group["lr"]
    values["train/latent_norm"] = float(model.latents.weight.detach().norm(dim=-1).mean())
    values["train/memory_gib"] = peak_memory(meter.device) / 2**30
    return values


def _summary(values: dict[str, float], terms: list[str]) -> str:
    losses = [f"{name} {values[f'train/{name}']:.5f}" for name in ("loss", *terms)]
    return (
        f"{' '.join(losses)} {values['train/samples_per_second']:,.0f} samples/s "
        f"{values['train/memory_gib']:.1f} GiB"
    )
