"""Losses against the values of a published code."""

import numpy as np
import pytest
import torch

from inr.losses import (
    L1,
    L2,
    ClampedL1,
    Curriculum,
    HardSamples,
    LinearHardSamples,
    TrainProgress,
)
from inr.losses.distances import DistanceTerm, clamp_beyond
from tests.support.paths import GOLDEN

VALUES = GOLDEN / "base_inr" / "losses.npz"
pytestmark = pytest.mark.skipif(
    not VALUES.exists(), reason=f"the published codes' values are not at {VALUES}"
)
CURRICULUM = Curriculum(
    weight=1.0,
    tolerances=[0.025, 0.01, 0.0025, 0.0],
    strengths=[0.0, 0.1, 0.2, 0.5],
    ends=[0.1, 0.3, 0.5],
    delta=None,
)


@pytest.fixture(scope="module")
def golden():
    with np.load(VALUES) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize(
    ("name", "term", "when"),
    [
        ("l1", L1(weight=1.0), None),
        ("l1", ClampedL1(weight=1.0, delta=None), None),
        ("l2", L2(weight=1.0), None),
        ("l1-hard", HardSamples(weight=1.0, power=1, strength=0.5, delta=None), None),
        ("l2-hard", HardSamples(weight=1.0, power=2, strength=0.5, delta=None), None),
        ("l1-hard-linear", LinearHardSamples(weight=1.0, power=1, slope=50.0, delta=None), None),
        ("l2-hard-linear", LinearHardSamples(weight=1.0, power=2, slope=50.0, delta=None), None),
        ("curriculum_at_0.05", CURRICULUM, TrainProgress(5, 100)),
        ("curriculum_at_0.2", CURRICULUM, TrainProgress(20, 100)),
        ("curriculum_at_0.4", CURRICULUM, TrainProgress(40, 100)),
        ("curriculum_at_0.9", CURRICULUM, TrainProgress(90, 100)),
        ("curriculum_at_0.9", CURRICULUM, None),
    ],
)
def test_equals_the_published_mean(
    golden, name: str, term: DistanceTerm, when: TrainProgress | None
):
    # in float64, or the mean's own rounding is as large as the tolerance
    pred, target = (torch.from_numpy(golden[n])[:, 0].double() for n in ("pred", "target"))
    loss = float(term.error(pred, target, when).mean())
    assert loss == pytest.approx(float(golden[f"mean_{name}"]), rel=1e-6)


def test_clamps_where_the_target_passes_the_distance(golden):
    pred, target = torch.from_numpy(golden["pred"]), torch.from_numpy(golden["target"])
    clamped, _ = clamp_beyond(pred, target, 0.1)
    assert (golden["clamped_0.1"] != golden["pred"]).any()
    np.testing.assert_allclose(clamped.numpy(), golden["clamped_0.1"], rtol=1e-6, atol=0)
