"""The training loop."""

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

# validation metrics that are defined for an empty reconstruction
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
    """Train for `settings.epochs`, or until a signal arrives; last.pt is saved at the end.

    Args:
        model: the model to train; its latents are in the order of the store's shapes.
        store: samples of the training shapes.
        losses: losses to minimise, see inr.losses; their mean over shapes is taken.
        optimizer: optimizer whose parameter groups have their base learning rate as `base_lr`.
        schedule: factor on the base learning rates.
        settings: settings of training.
        seed: seed of the order of the shapes, of the samples and of dropout.
        progress: progress to start from; it is updated in place.
        checkpoints: writer of the checkpoints.
        tracker: log of values.
        validate: function from a model and an epoch to validation metrics.
        draw: function that draws pictures of a model at an epoch.
        interrupt: signal handler, checked after every step.

    Raises:
        FloatingPointError: if the loss is no longer finite.
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
            if interrupt.number:  # interrupted: a resumed run repeats this validation
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
    """Return whether `settings.best_metric` improves on the best value so far.

    A mean distance counts only if no validation shape is reconstructed empty: otherwise leaving
    difficult shapes empty would improve the mean.

    Args:
        metrics: validation metrics by name.
        best: best value so far; None before the first validation.
        settings: settings of training.
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
