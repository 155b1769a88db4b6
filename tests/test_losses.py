import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from inr.losses import Batch, ClampedL1, CodeNorm, Losses, Term
from inr.models.inr import Field

GOLDEN = Path(__file__).resolve().parents[2] / "shared" / "golden" / "base_inr" / "losses.npz"
NO_CODES = torch.zeros(1, 0)


def clamped(value: list[float], target: list[float], delta: float | None) -> tuple[Tensor, Tensor]:
    """Return each point's loss, and its gradient with respect to the value."""
    values = torch.tensor(value, requires_grad=True)
    shape = (len(value), 1, 1)  # one point a shape, so that a shape's loss is the point's
    batch = Batch(torch.zeros(len(value), 1, 2), torch.tensor(target).reshape(shape))
    loss = ClampedL1(weight=1.0, delta=delta)(batch, Field(values.reshape(shape), None), NO_CODES)
    loss.sum().backward()
    return loss.detach(), values.grad


@pytest.mark.parametrize("sign", [1, -1])
def test_clamped_l1_by_hand(sign):
    cases = [  # value, target, loss, gradient, all times the sign
        (0.05, 0.02, 0.03, 1),  # both within the clamp
        (-0.04, 0.02, 0.06, -1),
        (0.5, 0.02, 0.48, 1),  # only the value is beyond it: not clamped, it is pulled back
        (0.05, 0.8, 0.05, -1),  # target beyond: what counts is that the value be 0.1
        (0.3, 0.8, 0.0, 0),  # and farther out is as good
        (2.0, 0.8, 0.0, 0),
        (-0.5, 0.8, 0.6, -1),  # the wrong sign, beyond the clamp: still pulled over
    ]
    value, target, loss, gradient = (list(column) for column in zip(*cases, strict=True))
    got, slope = clamped([sign * v for v in value], [sign * t for t in target], 0.1)
    torch.testing.assert_close(got, torch.tensor(loss))
    assert slope.tolist() == [sign * g for g in gradient]


def test_without_a_clamp_it_is_l1():
    got, slope = clamped([2.0, -0.5, 0.3], [0.8, 0.8, 0.4], None)
    torch.testing.assert_close(got, torch.tensor([1.2, 1.3, 0.1]))
    assert slope.tolist() == [1, -1, -1]


def test_a_shape_has_the_mean_of_its_points():
    batch = Batch(torch.zeros(2, 3, 2), torch.tensor([[0.0, 0.1, 0.2], [0.0, 0.0, 0.0]])[..., None])
    field = Field(torch.tensor([[0.3, 0.1, 0.2], [0.06, -0.03, 0.0]])[..., None], None)
    got = ClampedL1(weight=5.0, delta=None)(batch, field, NO_CODES)  # terms do not weigh themselves
    torch.testing.assert_close(got, torch.tensor([0.1, 0.03]))


@pytest.mark.parametrize("delta", [0.0, -0.1])
def test_a_clamp_has_to_be_positive(delta):
    with pytest.raises(ValueError, match="delta is"):
        ClampedL1(weight=1.0, delta=delta)


def test_code_norm_is_the_squared_norm():
    codes = torch.tensor([[3.0, 4.0], [0.0, 0.5]])
    got = CodeNorm(weight=0.1, ramp_epochs=0)(*constant_field(2), codes)
    torch.testing.assert_close(got, torch.tensor([25.0, 0.25]))


def test_code_norm_rises_over_its_ramp():
    ramped = CodeNorm(weight=0.2, ramp_epochs=4)
    assert [ramped.scale(e) for e in range(6)] == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.2, 0.2])
    assert ramped.scale(None) == 0.2  # fitting codes knows no ramp
    assert CodeNorm(weight=0.2, ramp_epochs=0).scale(0) == 0.2


def constant_field(num_shapes: int) -> tuple[Batch, Field]:
    batch = Batch(torch.zeros(num_shapes, 4, 3), torch.full((num_shapes, 4, 1), 0.05))
    return batch, Field(torch.full((num_shapes, 4, 1), 0.02), None)


class Shifted(Term):
    """One plus the mean value, to be weighed."""

    def forward(self, batch: Batch, field: Field, codes: Tensor) -> Tensor:
        return 1 + field.value.mean(dim=(1, 2))


def test_the_total_is_the_weighted_sum_of_each_shape():
    losses = Losses(
        {
            "distance": ClampedL1(weight=2.0, delta=None),
            "code": CodeNorm(weight=0.1, ramp_epochs=10),
            "shifted": Shifted(weight=-1.0),
        }
    )
    codes = torch.tensor([[1.0, 2.0], [0.0, 3.0]], requires_grad=True)
    batch, field = constant_field(2)
    total, values = losses(batch, field, codes, 4)
    torch.testing.assert_close(
        total.detach(),
        torch.tensor([2 * 0.03 + 0.05 * 5 - 1.02, 2 * 0.03 + 0.05 * 9 - 1.02]),
    )
    assert list(values) == ["distance", "code", "shifted"]
    assert values["code"].tolist() == [5, 9] and not values["code"].requires_grad
    fitted, _ = losses(batch, field, codes, None)
    torch.testing.assert_close(fitted.detach() - total.detach(), torch.tensor([0.25, 0.45]))
    total.sum().backward()
    torch.testing.assert_close(codes.grad, 0.05 * 2 * codes.detach())


def test_a_shape_does_not_see_the_others():
    generator = torch.Generator().manual_seed(0)
    points, distances, values, codes = (
        torch.randn(5, 40, width, generator=generator) for width in (2, 1, 1, 7)
    )
    codes = codes[:, 0]
    losses = Losses(
        {
            "distance": ClampedL1(weight=1.0, delta=0.1),
            "code": CodeNorm(weight=0.1, ramp_epochs=0),
        }
    )
    together, _ = losses(Batch(points, distances), Field(values, None), codes, 0)
    for i in range(5):
        one = slice(i, i + 1)
        alone, _ = losses(
            Batch(points[one], distances[one]), Field(values[one], None), codes[one], 0
        )
        torch.testing.assert_close(alone[0], together[i], rtol=1e-6, atol=0)


@pytest.mark.skipif(not GOLDEN.exists(), reason="the published codes' values are not here")
def test_equals_a_published_code():
    with np.load(GOLDEN) as file:
        golden = {name: file[name] for name in file.files}
    pred, target = (torch.from_numpy(golden[name]) for name in ("pred", "target"))
    batch, field = Batch(torch.zeros(1, 512, 3), target[None]), Field(pred[None], None)
    plain = ClampedL1(weight=1.0, delta=None)(batch, field, NO_CODES)
    assert math.isclose(float(plain[0]), float(golden["mean_l1"]), rel_tol=1e-6)
    loss, _ = clamped(pred[:, 0].tolist(), target[:, 0].tolist(), 0.1)
    expected = np.abs(golden["clamped_0.1"] - golden["target"].clip(-0.1, 0.1))[:, 0]
    assert (golden["clamped_0.1"] != golden["pred"]).any()
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-6, atol=1e-8)
