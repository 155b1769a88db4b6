import math

import pytest
import torch
from torch import Tensor

from inr.losses import L1, L2, BinaryCrossEntropy, Channels, ClampedL1, Loss, SignAgnostic


@pytest.fixture
def run(make_inputs):
    """Return each point's loss, and its gradient with respect to the value."""

    def run(term: Loss, value: list[float], target: list[float]) -> tuple[list, list]:
        shape = (len(value), 1, 1)  # one point a shape, so that a shape's loss is the point's
        values = torch.tensor(value, requires_grad=True)
        inputs = make_inputs(
            "samples", values.reshape(shape), target=torch.tensor(target).reshape(shape)
        )
        loss = term(inputs)
        loss.sum().backward()
        return loss.tolist(), values.grad.tolist()

    return run


def column(values: list[float]) -> Tensor:
    return torch.tensor(values)[None, :, None]


@pytest.mark.parametrize("sign", [1, -1])
def test_clamped_l1_by_hand(run, sign):
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
    term = ClampedL1(weight=1.0, delta=0.1)
    got, slope = run(term, [sign * v for v in value], [sign * t for t in target])
    assert got == pytest.approx(loss, abs=1e-7)
    assert slope == [sign * g for g in gradient]


@pytest.mark.parametrize("term", [ClampedL1(weight=1.0, delta=None), L1(weight=1.0)])
def test_without_a_clamp_it_is_l1(run, term):
    got, slope = run(term, [2.0, -0.5, 0.3], [0.8, 0.8, 0.4])
    assert got == pytest.approx([1.2, 1.3, 0.1])
    assert slope == [1, -1, -1]


def test_l2(run):
    got, slope = run(L2(weight=1.0), [2.0, -0.5, 0.3], [0.8, 0.8, 0.4])
    assert got == pytest.approx([1.44, 1.69, 0.01])
    assert slope == pytest.approx([2.4, -2.6, -0.2])


def test_a_shape_has_the_mean_of_its_points(make_inputs):
    target = torch.tensor([[0.0, 0.1, 0.2], [0.0, 0.0, 0.0]])[..., None]
    value = torch.tensor([[0.3, 0.1, 0.2], [0.06, -0.03, 0.0]])[..., None]
    got = L1(weight=5.0)(
        make_inputs("samples", value, target=target)
    )  # terms do not weigh themselves
    torch.testing.assert_close(got, torch.tensor([0.1, 0.03]))


def test_distances_are_those_of_channel_0(make_inputs):
    value, target = torch.tensor([[[0.3, 7.0, -5.0]]]), torch.tensor([[[0.1, 1.0, 1.0]]])
    for term, wanted in (
        (L1(weight=1.0), 0.2),
        (ClampedL1(weight=1.0, delta=0.2), 0.2),
        (SignAgnostic(weight=1.0, power=1), 0.2),
    ):
        assert float(term(make_inputs("samples", value, target=target))) == pytest.approx(wanted)


def test_a_sign_agnostic_loss_knows_no_sign(run):
    value, target = [0.3, -0.3, 0.1, -0.5], [0.1, 0.1, -0.4, -0.5]
    loss, slope = run(SignAgnostic(weight=1.0, power=1), value, target)
    assert loss == pytest.approx([0.2, 0.2, 0.3, 0.0])
    assert slope[:3] == [1, -1, -1]  # away from zero or towards it, each on its own side
    squared, _ = run(SignAgnostic(weight=1.0, power=2), value, target)
    assert squared == pytest.approx([0.04, 0.04, 0.09, 0.0])
    flipped, _ = run(SignAgnostic(weight=1.0, power=1), value, [-t for t in target])
    assert flipped == pytest.approx(loss)
    assert SignAgnostic.needs == {"samples"}  # its sign does not have to be known


def test_binary_cross_entropy_has_positive_logits_inside(run):
    logits, distance = [0.0, 2.0, 2.0, -3.0], [-0.1, -0.1, 0.1, 0.2]
    loss, slope = run(BinaryCrossEntropy(weight=1.0), logits, distance)
    inside = [1 / (1 + math.exp(-x)) for x in logits]
    wanted = [-math.log(p if d < 0 else 1 - p) for p, d in zip(inside, distance, strict=True)]
    assert loss == pytest.approx(wanted, rel=1e-5)
    assert loss[0] == pytest.approx(math.log(2))
    assert slope == pytest.approx([p - (d < 0) for p, d in zip(inside, distance, strict=True)])
    assert BinaryCrossEntropy.output == "occupancy" and L1.output == "sdf"


def test_other_channels_leave_the_first_alone(make_inputs):
    value = torch.tensor([[[9.0, 0.5, 0.2], [9.0, 0.0, 0.0]]], requires_grad=True)
    target = torch.tensor([[[0.0, 0.1, 0.3], [0.0, 0.0, 0.5]]])
    inputs = make_inputs("samples", value, target=target)
    loss = Channels(weight=1.0, power=1)(inputs)
    assert loss.tolist() == pytest.approx([(0.4 + 0.1 + 0 + 0.5) / 4])
    squared = Channels(weight=1.0, power=2)(inputs)
    assert squared.tolist() == pytest.approx([(0.16 + 0.01 + 0 + 0.25) / 4])
    loss.sum().backward()
    assert (value.grad[..., 0] == 0).all() and (value.grad[0, 0, 1:] != 0).all()


@pytest.mark.parametrize(("given", "known"), [(1, 1), (3, 1), (3, 2)])
def test_other_channels_have_to_exist(make_inputs, given, known):
    inputs = make_inputs("samples", torch.zeros(1, 5, given), target=torch.zeros(1, 5, known))
    with pytest.raises(ValueError, match=rf"gives {given} channels and the data {known}"):
        Channels(weight=1.0, power=1)(inputs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClampedL1(weight=1.0, delta=0.0), "delta is 0"),
        (lambda: ClampedL1(weight=1.0, delta=-0.1), "delta is -0.1.*null for no clamp"),
        (lambda: Channels(weight=1.0, power=3), "power is 3; it has to be 1"),
        (lambda: SignAgnostic(weight=1.0, power=0), "power is 0"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()
