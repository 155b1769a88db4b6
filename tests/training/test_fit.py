import math

import pytest
import torch
from torch import Tensor

from inr.losses import Loss
from inr.training.checkpoint import Checkpoints, Progress, load_checkpoint, restore_model
from inr.training.fit import improves
from inr.training.interrupt import Interrupt
from inr.training.schedules import Constant
from tests.support.making import train_settings
from tests.support.training import NotANumber, StopAfter, logged, make_losses, state_of


def test_learns_two_discs(tmp_path, make_model, train):
    model = make_model(dropout=0.0)
    progress = train(model, epochs=80, shapes_per_batch=2)
    assert progress == Progress(epoch=80, batch=0, step=80)
    losses = [line["train/distance"] for line in logged(tmp_path)]
    assert len(losses) == 80 and losses[-1] < 0.5 * losses[0]
    # (0.5, 0) lies in the large disc and outside the small one
    points = torch.tensor([[[0.0, 0.0], [0.5, 0.0], [0.95, 0.0]]]).expand(2, -1, -1)
    value = model.eval()(points, torch.tensor([0, 1])).value[..., 0]
    assert (value < 0).tolist() == [[True, True, False], [True, False, False]]


@pytest.mark.parametrize("steps", [1, 4, 5, 12])
def test_resumed_is_uninterrupted_to_the_bit(
    tmp_path, store, make_model, make_optimizer, steps, train
):
    model = make_model()
    optimizer = make_optimizer(model)
    unbroken = train(model, optimizer, folder=tmp_path / "one")
    assert unbroken == Progress(epoch=6, batch=0, step=12)  # 2 batches an epoch
    expected = state_of(model, optimizer)

    model = make_model()
    optimizer = make_optimizer(model)
    interrupt = Interrupt()
    losses = make_losses(stop=StopAfter(steps, interrupt))
    folder = tmp_path / "two"
    stopped = train(model, optimizer, folder=folder, interrupt=interrupt, losses=losses)
    assert (stopped.step, stopped.epoch, stopped.batch) == (steps, steps // 2, steps % 2)

    content = load_checkpoint(folder / "last.pt")
    model = make_model(seed=9)
    optimizer = make_optimizer(model)
    restore_model(content, model, store.names, folder / "last.pt")
    optimizer.load_state_dict(content["optimizer"])
    torch.manual_seed(1234)
    progress = Progress(**content["progress"])
    assert progress == stopped
    assert train(model, optimizer, folder=folder, progress=progress) == unbroken
    got = state_of(model, optimizer)
    assert expected.keys() == got.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, got[name]), name


def test_seed_decides_the_run(make_model, train):
    def run(seed: int, noise: int) -> Tensor:
        model = make_model()
        torch.manual_seed(noise)
        train(model, epochs=2, seed=seed)
        return model.latents.weight.detach()

    assert torch.equal(run(3, 0), run(3, 1))
    assert not torch.equal(run(3, 0), run(4, 0))


def test_every_epoch_sees_every_shape_once(make_model, train):
    seen = []
    model = make_model()
    model.latents.register_forward_pre_hook(lambda _, given: seen.append(given[0].tolist()))
    train(model, epochs=8)
    epochs = [[*a, *b] for a, b in zip(seen[::2], seen[1::2], strict=True)]
    assert all(sorted(epoch) == [0, 1] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 2  # in either order


def test_a_loss_that_is_no_number_stops_the_run(tmp_path, make_model, train):
    with pytest.raises(FloatingPointError, match=r"no longer a finite number.*optimizer\.lr"):
        train(make_model(), checkpoint_every=1, losses=make_losses(bad=NotANumber(2)))
    assert [line["epoch"] for line in logged(tmp_path)] == [1, 2]
    assert load_checkpoint(tmp_path / "last.pt")["progress"]["epoch"] == 2


def test_spoiled_weights_are_never_saved(tmp_path, store, make_model, make_optimizer):
    model = make_model()
    optimizer = make_optimizer(model)
    checkpoints = Checkpoints(tmp_path, store.names, every=1, epochs=[], keep=9)
    checkpoints.save_epoch(model, optimizer, Progress(epoch=1))
    with torch.no_grad():
        model.latents.weight[0] = math.nan
    with pytest.raises(FloatingPointError, match="no longer finite"):
        checkpoints.save_epoch(model, optimizer, Progress(epoch=2))
    assert load_checkpoint(tmp_path / "last.pt")["progress"]["epoch"] == 1
    assert {path.name for path in tmp_path.glob("*.pt")} == {"last.pt", "epoch_000001.pt"}


def test_cadences(tmp_path, make_model, train):
    calls = []

    def validate(model, epoch):
        assert not model.training
        calls.append(("validate", epoch))
        return {"valid/loss": 10.0 - epoch if epoch < 6 else 20.0, "valid/num_empty": 0.0}

    def draw(model, epoch):
        assert not model.training
        calls.append(("render", epoch))

    class InTraining(Loss):
        def forward(self, inputs):
            assert model.training
            return torch.zeros(len(inputs.latents))

    model = make_model()
    progress = train(
        model,
        epochs=7,
        validate=validate,
        validate_every=2,
        draw=draw,
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
    assert {line["epoch"]: line["valid/loss"] for line in lines if "valid/loss" in line} == {
        2: 8.0,
        4: 6.0,
        6: 20.0,
        7: 20.0,
    }
    assert progress.best == 6.0
    saved = {p.stem: load_checkpoint(p)["progress"]["epoch"] for p in tmp_path.glob("*.pt")}
    assert saved == {"epoch_000001": 1, "epoch_000003": 3, "epoch_000006": 6, "best": 4, "last": 7}


def test_log_every_zero_is_never(tmp_path, make_model, train):
    train(make_model(), log_every=0)
    # the last epoch is logged all the same
    assert [line["epoch"] for line in logged(tmp_path)] == [6]


def test_a_validation_that_a_signal_cuts_short_does_not_count(tmp_path, make_model, train):
    interrupt = Interrupt()
    validated = []

    def cut_short(model, epoch):
        interrupt.number = 15  # what is measured from here on is of latents half fitted
        return {"valid/loss": -1.0, "valid/num_empty": 0.0}

    def validate(model, epoch):
        validated.append(epoch)
        return {"valid/loss": float(epoch), "valid/num_empty": 0.0}

    model = make_model()
    progress = train(model, validate=cut_short, validate_every=2, interrupt=interrupt)
    assert progress.best is None
    assert not (tmp_path / "best.pt").exists()
    assert not any("valid/loss" in line for line in logged(tmp_path))
    train(model, progress=progress, validate=validate, validate_every=2)
    assert validated == [2, 4, 6]  # a resumed run makes up for it
    assert progress.step == 12


def test_logged_values(tmp_path, make_model, train):
    class Counting(Loss):
        """1, 2, 3, ... from step to step."""

        step = 0

        def forward(self, inputs):
            self.step += 1
            return torch.full((len(inputs.latents),), float(self.step))

    model = make_model()
    train(
        model,
        epochs=4,
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


def test_improvement_is_by_the_metric_of_the_settings():
    least = train_settings(best_metric="valid/chamfer_l2", best_mode="min")
    most = train_settings(best_metric="valid/iou", best_mode="max")

    def metrics(value: float, num_empty: float = 0.0) -> dict[str, float]:
        return {"valid/chamfer_l2": value, "valid/iou": value, "valid/num_empty": num_empty}

    assert improves(metrics(2.0), None, least) and improves(metrics(2.0), None, most)
    assert improves(metrics(1.0), 2.0, least) and not improves(metrics(3.0), 2.0, least)
    assert improves(metrics(3.0), 2.0, most) and not improves(metrics(1.0), 2.0, most)
    assert not improves(metrics(2.0), 2.0, least) and not improves(metrics(math.nan), None, most)
    # an empty reconstruction has an IoU, but no distance
    assert improves(metrics(3.0, 1.0), 2.0, most) and not improves(metrics(1.0, 1.0), 2.0, least)
