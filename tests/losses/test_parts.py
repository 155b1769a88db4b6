import pytest
import torch

from inr.losses import HardSamples, Intersection, Losses, PartDistance
from tests.losses.test_weighted_sum import LATENTS, make_batch, sphere
from tests.support.making import make_model as join_model
from tests.support.making import make_part_latents, make_part_mlp

TERM = Intersection(weight=1.0, temperature=0.02)


def balls(centres: list[float], radius: float = 0.4) -> torch.Tensor:
    """Distances (1, 400, P) to balls along an axis, at points in the box."""
    x = torch.rand(1, 400, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    middles = torch.tensor([[centre, 0.0, 0.0] for centre in centres])
    return torch.cdist(x, middles[None]) - radius


def value(make_inputs, parts: torch.Tensor, term: Intersection = TERM) -> torch.Tensor:
    return term(make_inputs("samples", parts[..., :1], parts=parts))


def test_disjoint_parts_do_not_intersect(make_inputs):
    assert value(make_inputs, balls([-0.5, 0.5])).tolist() == [0]
    assert value(make_inputs, balls([0.0])).tolist() == [0]


def test_the_more_parts_overlap_the_larger_it_is(make_inputs):
    near, nearer = (float(value(make_inputs, balls([-d, d]))) for d in (0.3, 0.2))
    assert 0 < near < nearer


def test_the_shallower_part_is_pushed_out(make_inputs):
    parts = torch.tensor([[[-0.01, -0.2, 0.3], [-0.3, -0.01, -0.4]]]).requires_grad_()
    value(make_inputs, parts).sum().backward()
    # a step against the gradient makes them larger
    assert (parts.grad[0, 0, :2] < 0).all() and parts.grad[0, 0, 2] == 0
    assert parts.grad[0, 0, 0].abs() > 100 * parts.grad[0, 0, 1].abs()
    assert parts.grad[0, 1, 1].abs() > 100 * parts.grad[0, 1, 0].abs()
    torch.testing.assert_close(parts.grad.sum(dim=-1), torch.tensor([[-0.5, -0.5]]))


def test_it_is_the_formula(make_inputs):
    parts = balls([-0.2, 0.0, 0.3])
    total = 0.0
    for row in parts[0]:
        inside = row[row < 0]
        if len(inside) > 1:
            total += float((torch.softmax(inside / 0.1, 0) * inside.abs()).sum())
    got = value(make_inputs, parts, Intersection(weight=1.0, temperature=0.1))
    assert float(got) == pytest.approx(total / 400, rel=1e-5)


def test_nothing_inside_is_no_nan(make_inputs):
    parts = balls([-0.2, 0.2]).abs().requires_grad_()
    result = value(make_inputs, parts)
    result.sum().backward()
    assert result.tolist() == [0] and (parts.grad == 0).all()


def test_each_sample_supervises_its_own_part(make_inputs):
    parts = balls([-0.2, 0.0, 0.3]).requires_grad_()
    labels = torch.arange(400)[None] % 3
    target = torch.randn(1, 400, 1, generator=torch.Generator().manual_seed(1)) / 5
    term = PartDistance(weight=1.0, power=1, strength=0.5, delta=0.1)
    got = term(make_inputs("samples", parts[..., :1], parts=parts, labels=labels, target=target))
    own = torch.stack([parts[0, i, i % 3] for i in range(400)])[None, :, None]
    as_one = HardSamples(weight=1.0, power=1, strength=0.5, delta=0.1)
    torch.testing.assert_close(got, as_one(make_inputs("samples", own, target=target)))
    got.sum().backward()
    others = torch.ones(400, 3, dtype=torch.bool).scatter(1, labels.T, False)
    assert (parts.grad[0][others] == 0).all() and (parts.grad[0][~others] != 0).any()


def test_plain_models_are_refused_by_the_terms_name(make_model):
    losses = Losses({"mine": TERM})
    with pytest.raises(ValueError, match=r"loss\.mine \(Intersection\).*latent=parts.*~loss\.mine"):
        losses(make_model(sphere, latent_dim=3), make_batch(), LATENTS, None)


def test_missing_labels_are_refused_by_the_terms_name():
    model = join_model(make_part_mlp(dim=2), make_part_latents(2, dim=2))
    term = PartDistance(weight=1.0, power=1, strength=0.5, delta=None)
    losses = Losses({"mine": term, "other": TERM})
    latents = model.latents(torch.arange(2))
    with pytest.raises(ValueError, match=r"loss\.mine \(PartDistance\) needs part labels"):
        losses(model, make_batch(), latents, None)
    without = losses.select(lambda term: "labels" not in term.needs)
    total, values = without(model, make_batch(), latents, None)
    assert list(values) == ["other"] and total.shape == (2,)


def test_wrong_settings():
    with pytest.raises(ValueError, match="temperature is 0"):
        Intersection(weight=1.0, temperature=0.0)
