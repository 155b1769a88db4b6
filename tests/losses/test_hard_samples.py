import pytest
import torch

from inr.losses import Curriculum, HardSamples, LinearHardSamples, TrainProgress

# value, target; then: the weight's sign of Duan et al.
CASES = [
    (0.05, 0.2, 1),  # too near the surface
    (-0.1, 0.2, 1),  # the wrong side
    (0.5, 0.2, -1),  # beyond its distance: easy
    (-0.05, -0.2, 1),
    (0.1, -0.2, 1),
    (-0.5, -0.2, -1),
    (0.2, 0.2, 0),
]


@pytest.fixture
def points():
    value, target, hard = (torch.tensor(column) for column in zip(*CASES, strict=True))
    return value.float()[:, None], target.float()[:, None], hard.float()[:, None]


@pytest.mark.parametrize("power", [1, 2])
def test_hard_samples_weigh_more_and_easy_ones_less(points, power):
    value, target, hard = points
    term = HardSamples(weight=1.0, power=power, strength=0.3, delta=None)
    wanted = (1 + 0.3 * hard) * (value - target).abs() ** power
    torch.testing.assert_close(term.error(value, target, None), wanted)


@pytest.mark.parametrize("power", [1, 2])
def test_the_linear_form_grows_with_what_is_missing(points, power):
    value, target, _ = points
    term = LinearHardSamples(weight=1.0, power=power, slope=10.0, delta=None)
    missing = torch.tensor([0.15, 0.3, 0, 0.15, 0.3, 0, 0])[:, None]
    wanted = (1 + 10 * missing) * (value - target).abs() ** power
    torch.testing.assert_close(term.error(value, target, None), wanted)


def test_the_linear_weight_is_a_constant_to_the_gradient():
    value = torch.tensor([[0.1]], requires_grad=True)
    term = LinearHardSamples(weight=1.0, power=1, slope=10.0, delta=None)
    term.error(value, torch.tensor([[0.3]]), None).sum().backward()
    assert value.grad.item() == pytest.approx(-3)  # -(1 + 10 * 0.2), not that of the product


@pytest.mark.parametrize(
    "term",
    [
        HardSamples(weight=1.0, power=1, strength=0.5, delta=0.1),
        LinearHardSamples(weight=1.0, power=1, slope=50.0, delta=0.1),
        Curriculum(weight=1.0, tolerances=[0.0], strengths=[0.5], ends=[], delta=0.1),
    ],
)
def test_what_is_beyond_the_clamp_costs_nothing(term):
    value = torch.tensor([[0.3, 0.05, -0.4]], requires_grad=True)
    error = term.error(value, torch.tensor([[0.5, 0.5, -0.2]]), None)
    assert error[0, 0] == 0 and error[0, 2] == 0 and error[0, 1] > 0.05
    error.sum().backward()
    assert value.grad[0, 0] == 0 and value.grad[0, 1] < 0 and value.grad[0, 2] == 0


def make_curriculum() -> Curriculum:
    return Curriculum(
        weight=1.0,
        tolerances=[0.1, 0.05, 0.0],
        strengths=[0.0, 0.2, 0.5],
        ends=[0.2, 0.6],
        delta=None,
    )


def test_the_curriculum_has_stages():
    term = make_curriculum()
    assert [term.stage(TrainProgress(epoch, 10)) for epoch in range(10)] == [
        0,
        0,
        1,
        1,
        1,
        1,
        2,
        2,
        2,
        2,
    ]
    assert term.stage(None) == 2  # latents are fitted to the full accuracy


@pytest.mark.parametrize(
    ("progress", "wanted"),
    [
        (TrainProgress(0, 10), [0.05, 0.2, 0.0]),  # beyond the tolerance, unweighed
        (TrainProgress(5, 10), [0.1 * 1.2, 0.25 * 0.8, 0.0]),
        (TrainProgress(9, 10), [0.15 * 1.5, 0.3 * 0.5, 0.02 * 1.5]),
        (None, [0.15 * 1.5, 0.3 * 0.5, 0.02 * 1.5]),
    ],
)
def test_the_curriculum_by_hand(make_inputs, progress, wanted):
    value = torch.tensor([0.05, 0.5, -0.18])[:, None, None]
    target = torch.tensor([0.2, 0.2, -0.2])[:, None, None]
    inputs = make_inputs("samples", value, target=target)._replace(progress=progress)
    torch.testing.assert_close(make_curriculum()(inputs), torch.tensor(wanted))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ends": [0.5]}, "3, 3 and 1 entries"),
        ({"tolerances": [0.1, 0.0]}, "2, 3 and 2 entries"),
        ({"ends": [0.6, 0.2]}, "has to ascend"),
        ({"ends": [0.2, 1.5]}, "has to ascend between 0 and 1"),
        ({"tolerances": [0.1, -0.1, 0.0]}, "tolerances is"),
        ({"strengths": [0.0, 0.2, 1.5]}, "strength is 1.5"),
    ],
)
def test_the_curriculum_is_checked(changes, message):
    settings = {
        "tolerances": [0.1, 0.05, 0.0],
        "strengths": [0.0, 0.2, 0.5],
        "ends": [0.2, 0.6],
        "delta": None,
    }
    with pytest.raises(ValueError, match=message):
        Curriculum(weight=1.0, **{**settings, **changes})


def test_settings_are_checked():
    with pytest.raises(ValueError, match="strength is 1"):
        HardSamples(weight=1.0, power=1, strength=1.0, delta=None)
    with pytest.raises(ValueError, match="slope is -1"):
        LinearHardSamples(weight=1.0, power=1, slope=-1.0, delta=None)
