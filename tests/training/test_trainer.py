import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from inr.losses import ClampedL1, LatentNorm, Loss, Losses, LossInputs, TrainProgress
from inr.seeding import mix_seed
from inr.training.checkpoint import Checkpoints, Progress, load_checkpoint, restore_model
from inr.training.interrupt import Interrupt
from inr.training.schedules import Constant, Cosine
from inr.training.tracking import NullLogger, Tracker
from inr.training.trainer import Meter, fit, set_rates
from tests.support.making import DRAWS

CPU = torch.device("cpu")


def make_losses(**more: Loss) -> Losses:
    return Losses(
        {
            "distance": ClampedL1(weight=1.0, delta=None),
            "latent": LatentNorm(weight=1e-3, ramp_epochs=4),
            **more,
        }
    )


def train(folder: Path, store, model, optimizer, **changes) -> Progress:
    folder.mkdir(exist_ok=True)
    progress = changes.pop("progress", None) or Progress()
    every, epochs = changes.pop("checkpoint_every", 0), changes.pop("checkpoint_epochs", [])
    settings = {
        "num_epochs": 6,
        "shapes_per_batch": 1,
        "draws": DRAWS,
        "seed": 0,
        "checkpoints": Checkpoints(folder, store.names, every=every, epochs=epochs, keep=99),
        "tracker": Tracker(folder, NullLogger()),
        "validate": lambda model, epoch: pytest.fail("not asked for"),
        "validate_every": 0,
        "is_better": lambda metrics, best: None,
        "render": lambda model, epoch: pytest.fail("not asked for"),
        "render_every": 0,
        "log_every": 1,
        "save_every_seconds": 1e9,
        "interrupt": Interrupt(),
    }
    losses = changes.pop("losses", None) or make_losses()
    schedule = changes.pop("schedule", None) or Cosine(final=0.1, warmup=0.1)
    fit(model, store, losses, optimizer, schedule, progress=progress, **{**settings, **changes})
    return progress


def logged(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def latents(model, optimizer) -> dict[str, Tensor]:
    latent = dict(model.state_dict())
    for number, values in optimizer.state_dict()["state"].items():
        latent.update({f"{number}.{key}": value for key, value in values.items()})
    return latent


def test_learns_two_discs(tmp_path, store, make_model, make_optimizer):
    model = make_model(dropout=0.0)
    progress = train(
        tmp_path, store, model, make_optimizer(model), num_epochs=80, shapes_per_batch=2
    )
    assert progress == Progress(epoch=80, batch=0, step=80)
    losses = [line["train/distance"] for line in logged(tmp_path)]
    assert len(losses) == 80 and losses[-1] < 0.5 * losses[0]
    # (0.5, 0) lies in the large disc and outside the small one
    points = torch.tensor([[[0.0, 0.0], [0.5, 0.0], [0.95, 0.0]]]).expand(2, -1, -1)
    value = model.eval()(points, torch.tensor([0, 1])).value[..., 0]
    assert (value < 0).tolist() == [[True, True, False], [True, False, False]]


class StopAfter(Loss):
    """Sets an interrupt's number in a given step, as a signal would."""

    def __init__(self, steps: int, interrupt: Interrupt) -> None:
        super().__init__(weight=0.0)
        self.steps = steps
        self.interrupt = interrupt

    def forward(self, inputs: LossInputs) -> Tensor:
        self.steps -= 1
        if self.steps == 0:
            self.interrupt.number = 15
        return torch.zeros(len(inputs.latents))


@pytest.mark.parametrize("steps", [1, 4, 5, 12])
def test_resumed_is_uninterrupted_to_the_bit(tmp_path, store, make_model, make_optimizer, steps):
    model = make_model()
    optimizer = make_optimizer(model)
    unbroken = train(tmp_path / "one", store, model, optimizer)
    assert unbroken == Progress(epoch=6, batch=0, step=12)  # 2 batches an epoch
    expected = latents(model, optimizer)

    model = make_model()
    optimizer = make_optimizer(model)
    interrupt = Interrupt()
    losses = make_losses(stop=StopAfter(steps, interrupt))
    folder = tmp_path / "two"
    stopped = train(folder, store, model, optimizer, interrupt=interrupt, losses=losses)
    assert (stopped.step, stopped.epoch, stopped.batch) == (steps, steps // 2, steps % 2)

    content = load_checkpoint(folder / "last.pt")
    model = make_model(seed=9)
    optimizer = make_optimizer(model)
    restore_model(content, model, store.names, folder / "last.pt")
    optimizer.load_state_dict(content["optimizer"])
    torch.manual_seed(1234)
    progress = Progress(**content["progress"])
    assert progress == stopped
    assert train(folder, store, model, optimizer, progress=progress) == unbroken
    got = latents(model, optimizer)
    assert expected.keys() == got.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, got[name]), name


def test_seed_decides_the_run(tmp_path, store, make_model, make_optimizer):
    def run(seed: int, noise: int) -> Tensor:
        model = make_model()
        torch.manual_seed(noise)
        train(tmp_path, store, model, make_optimizer(model), num_epochs=2, seed=seed)
        return model.latents.weight.detach()

    assert torch.equal(run(3, 0), run(3, 1))
    assert not torch.equal(run(3, 0), run(4, 0))


def test_every_epoch_sees_every_shape_once(tmp_path, store, make_model, make_optimizer):
    seen = []
    model = make_model()
    model.latents.register_forward_pre_hook(lambda _, given: seen.append(given[0].tolist()))
    train(tmp_path, store, model, make_optimizer(model), num_epochs=8)
    epochs = [[*a, *b] for a, b in zip(seen[::2], seen[1::2], strict=True)]
    assert all(sorted(epoch) == [0, 1] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 2  # in either order


class NotANumber(Loss):
    """Spoils the loss, and with it the weights, from an epoch on (from 0)."""

    def __init__(self, epoch: int) -> None:
        super().__init__(weight=1.0)
        self.epoch = epoch

    def scale(self, progress: TrainProgress | None) -> float:
        return math.nan if progress is not None and progress.epoch >= self.epoch else 0.0

    def forward(self, inputs: LossInputs) -> Tensor:
        return inputs.latents.sum(dim=1)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path, store, make_model, make_optimizer):
    model = make_model()
    with pytest.raises(FloatingPointError, match=r"no longer a finite number.*optimizer\.lr"):
        train(
            tmp_path,
            store,
            model,
            make_optimizer(model),
            checkpoint_every=1,
            losses=make_losses(bad=NotANumber(2)),
        )
    assert [line["epoch"] for line in logged(tmp_path)] == [1, 2]
    assert load_checkpoint(tmp_path / "last.pt")["progress"]["epoch"] == 2


@pytest.mark.parametrize("settings", [{"log_every": 4}, {"log_every": 100}])
def test_spoiled_weights_are_never_saved(tmp_path, store, make_model, make_optimizer, settings):
    model = make_model()
    with pytest.raises(FloatingPointError):
        train(
            tmp_path,
            store,
            model,
            make_optimizer(model),
            checkpoint_every=1,
            losses=make_losses(bad=NotANumber(2)),
            **settings,
        )
    for path in tmp_path.glob("*.pt"):
        latents = load_checkpoint(path)["latents"]
        assert all(latent.isfinite().all() for latent in latents.values()), path.name


def test_cadences(tmp_path, store, make_model, make_optimizer):
    calls = []

    def validate(model, epoch):
        assert not model.training
        calls.append(("validate", epoch))
        return {"valid/x": 10.0 - epoch if epoch < 6 else 20.0}

    def render(model, epoch):
        assert not model.training
        calls.append(("render", epoch))

    class InTraining(Loss):
        def forward(self, inputs):
            assert model.training
            return torch.zeros(len(inputs.latents))

    def is_better(metrics, best):
        value = metrics["valid/x"]
        return value if best is None or value < best else None

    model = make_model()
    progress = train(
        tmp_path,
        store,
        model,
        make_optimizer(model),
        num_epochs=7,
        validate=validate,
        validate_every=2,
        is_better=is_better,
        render=render,
        render_every=3,
        log_every=5,
        checkpoint_every=3,
        checkpoint_epochs=[1],
        losses=make_losses(mode=InTraining(weight=0.0)),
    )
    assert calls == [
        ("validate", 2),
        ("render", 3),
        ("validate", 4),
        ("validate", 6),
        ("render", 6),
        ("validate", 7),  # and both at the end
        ("render", 7),
    ]
    lines = logged(tmp_path)
    assert [line["epoch"] for line in lines if "train/loss" in line] == [5, 7]
    assert {line["epoch"]: line["valid/x"] for line in lines if "valid/x" in line} == {
        2: 8.0,
        4: 6.0,
        6: 20.0,
        7: 20.0,
    }
    assert progress.best == 6.0
    saved = {p.stem: load_checkpoint(p)["progress"]["epoch"] for p in tmp_path.glob("*.pt")}
    assert saved == {"epoch_000001": 1, "epoch_000003": 3, "epoch_000006": 6, "best": 4, "last": 7}


def test_log_every_zero_is_never(tmp_path, store, make_model, make_optimizer):
    model = make_model()
    train(tmp_path, store, model, make_optimizer(model), log_every=0)
    # the last epoch is logged all the same
    assert [line["epoch"] for line in logged(tmp_path)] == [6]


def test_a_validation_that_a_signal_cuts_short_does_not_count(
    tmp_path, store, make_model, make_optimizer
):
    interrupt = Interrupt()
    validated = []

    def cut_short(model, epoch):
        interrupt.number = 15  # what is measured from here on is of latents half fitted
        return {"valid/x": -1.0}

    def validate(model, epoch):
        validated.append(epoch)
        return {"valid/x": float(epoch)}

    model = make_model()
    progress = train(
        tmp_path,
        store,
        model,
        make_optimizer(model),
        validate=cut_short,
        validate_every=2,
        is_better=lambda metrics, best: metrics["valid/x"],
        interrupt=interrupt,
    )
    assert progress.best is None
    assert not (tmp_path / "best.pt").exists()
    assert not any("valid/x" in line for line in logged(tmp_path))
    train(
        tmp_path,
        store,
        model,
        make_optimizer(model),
        progress=progress,
        validate=validate,
        validate_every=2,
        is_better=lambda metrics, best: None,
    )
    assert validated == [2, 4, 6]  # a resumed run makes up for it
    assert progress.step == 12


def test_logged_values(tmp_path, store, make_model, make_optimizer):
    class Counting(Loss):
        """1, 2, 3, ... from step to step."""

        step = 0

        def forward(self, inputs):
            self.step += 1
            return torch.full((len(inputs.latents),), float(self.step))

    model = make_model()
    train(
        tmp_path,
        store,
        model,
        make_optimizer(model),
        num_epochs=4,
        log_every=2,
        schedule=Constant(),
        losses=make_losses(count=Counting(weight=0.0)),
    )
    first, second = logged(tmp_path)
    assert (first["step"], second["step"]) == (4, 8)
    assert first["train/count"] == pytest.approx(2.5)  # the mean of steps 1 to 4
    assert second["train/count"] == pytest.approx(6.5)
    assert first["train/lr_network"] == 5e-3 and first["train/lr_latents"] == 1e-2
    norm = float(model.latents.weight.detach().norm(dim=1).mean())
    assert second["train/latent_norm"] == pytest.approx(norm)
    assert second["train/samples_per_second"] > 0 and second["train/memory_gib"] > 0


def test_meter_forgets_what_it_gave():
    meter = Meter(CPU)
    for value in (1.0, 3.0):
        meter.add({"loss": torch.tensor(value)})
        meter.count(10)
    assert meter.read()["loss"] == 2
    meter.add({"loss": torch.tensor(7.0)})
    assert meter.read()["loss"] == 7
    meter.add({"loss": torch.tensor(math.inf)})
    with pytest.raises(FloatingPointError):
        meter.read()


def test_set_rates(make_model, make_optimizer):
    optimizer = make_optimizer(make_model())
    for epoch, factor in ((50, 0.5), (0, 1.0), (100, 0.0)):  # not cumulative
        set_rates(optimizer, Cosine(final=0.0, warmup=0.0), epoch, 100)
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates == pytest.approx([5e-3 * factor, 1e-2 * factor])


def test_mixed_seeds_differ():
    seeds = {mix_seed(a, b, c) for a in range(6) for b in range(6) for c in range(6)}
    assert len(seeds) == 216 and all(0 <= seed < 2**63 for seed in seeds)
