"""What Losses decodes, passes to its terms and sums."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from inr.data.batch import set_of
from inr.losses import (
    L1,
    NEEDS,
    Batch,
    ClampedL1,
    Eikonal,
    LatentRegularisation,
    Loss,
    Losses,
    LossInputs,
    NormalAlignment,
    Samples,
    SurfaceDistance,
    SurfacePoints,
    TrainProgress,
)

NOW = TrainProgress(4, 100)
# what a shape that is not made of parts can give
OF_ANY = NEEDS.keys() - {"parts", "labels"}


class Spy(Loss):
    """A term that keeps its inputs."""

    def __init__(self, *needs: str) -> None:
        super().__init__(weight=0.0)
        self.needs = frozenset(needs)

    def forward(self, inputs: LossInputs) -> Tensor:
        self.inputs = inputs
        return inputs.latents.new_zeros(len(inputs.latents))


def make_batch(*, num_shapes: int = 2, dim: int = 2, channels: int = 1) -> Batch:
    generator = torch.Generator().manual_seed(1)

    def draw(num: int, width: int) -> Tensor:
        return torch.randn(num_shapes, num, width, generator=generator)

    normals = torch.nn.functional.normalize(draw(5, dim), dim=-1)
    return Batch(
        samples=Samples(draw(4, dim), draw(4, channels)),
        surface=SurfacePoints(draw(5, dim), normals),
        space=draw(6, dim),
    )


def sphere(x: Tensor, latents: Tensor) -> Tensor:
    """Return the distance to a sphere of radius sum of latents, and one more channel."""
    radius = latents.sum(dim=-1)[:, None]
    return torch.stack([x.norm(dim=-1) - radius, x[..., 0]], dim=-1)


LATENTS = torch.tensor([[0.3, 0.2, 0.0], [0.1, 0.1, 0.5]])


def test_needs_are_the_union():
    losses = Losses({"a": L1(weight=1.0), "b": Eikonal(weight=1.0, where="space", power=2)})
    assert losses.needs == {"samples", "signed", "space.gradient"}
    assert {set_of(need) for need in losses.needs} == {"samples", "space"}
    assert {set_of(need) for need in NEEDS} == {"samples", "surface", "space"}
    assert Losses({}).needs == frozenset()


@pytest.mark.parametrize(
    "needs",
    [
        (),
        ("samples",),
        ("signed",),
        ("surface",),
        ("normals",),
        ("space",),
        ("samples.gradient",),
        ("surface.gradient", "normals"),
        ("space.gradient", "samples"),
    ],
)
def test_a_term_sees_what_it_asked_for_and_nothing_more(make_model, needs):
    spy, batch = Spy(*needs), make_batch()
    everything = Spy(*OF_ANY)
    Losses({"spy": spy, "everything": everything})(
        make_model(sphere, latent_dim=3), batch, LATENTS, NOW
    )
    for name in ("samples", "surface", "space"):
        samples, full = getattr(spy.inputs, name), getattr(everything.inputs, name)
        assert full is not None and full.gradient is not None
        if name not in {set_of(need) for need in needs}:
            assert samples is None
            continue
        torch.testing.assert_close(samples.value, full.value)
        assert (samples.gradient is not None) == (f"{name}.gradient" in needs)
        assert (samples.normal is not None) == (name == "surface" and "normals" in needs)
        assert (samples.target is not None) == (name == "samples")
    assert spy.inputs.latents is LATENTS and spy.inputs.progress is NOW


@pytest.mark.parametrize(
    ("needs", "calls"),
    [((), []), (("space",), [6]), (("signed", "samples.gradient"), [4]), (OF_ANY, [4, 5, 6])],
)
def test_only_what_is_needed_is_decoded_and_once(make_model, needs, calls):
    model = make_model(sphere, latent_dim=3)
    Losses({"spy": Spy(*needs), "again": Spy(*needs)})(model, make_batch(), LATENTS, NOW)
    assert model.decoder.calls == calls


def test_what_is_seen_is_right(make_model):
    batch, spy = make_batch(channels=2), Spy(*OF_ANY)
    Losses({"spy": spy})(make_model(sphere, latent_dim=3), batch, LATENTS, None)
    samples, surface, space = spy.inputs.samples, spy.inputs.surface, spy.inputs.space
    assert samples.target is batch.samples.targets and surface.normal is batch.surface.normals
    for inputs, points in (
        (samples, batch.samples.points),
        (surface, batch.surface.points),
        (space, batch.space),
    ):
        torch.testing.assert_close(inputs.value.detach(), sphere(points, LATENTS))
        unit = points / points.norm(dim=-1, keepdim=True)  # of channel 0 alone
        torch.testing.assert_close(inputs.gradient.detach(), unit)
    assert spy.inputs.progress is None


WITHOUT = {
    "samples": (L1(weight=1.0), r"loss\.mine \(L1\) needs samples with distances"),
    "surface": (SurfaceDistance(weight=1.0), r"loss\.mine \(SurfaceDistance\) needs points on"),
    "space": (
        Eikonal(weight=1.0, where="space", power=1),
        r"loss\.mine \(Eikonal\) needs off-surface points",
    ),
}


@pytest.mark.parametrize("missing", WITHOUT)
def test_a_missing_set_is_refused_by_the_terms_name(make_model, missing):
    term, message = WITHOUT[missing]
    losses = Losses({"latent": LatentRegularisation(weight=1.0, ramp_epochs=0), "mine": term})
    batch = make_batch()._replace(**{missing: None})
    with pytest.raises(ValueError, match=message + r".*~loss\.mine"):
        losses(make_model(sphere, latent_dim=3), batch, LATENTS, NOW)
    losses(make_model(sphere, latent_dim=3), make_batch(), LATENTS, NOW)


def test_missing_normals_are_refused_by_the_terms_name(make_model):
    batch = make_batch()
    batch = batch._replace(surface=batch.surface._replace(normals=None))
    losses = Losses({"mine": NormalAlignment(weight=1.0, cosine=True)})
    with pytest.raises(ValueError, match=r"loss\.mine \(NormalAlignment\) needs normals"):
        losses(make_model(sphere, latent_dim=3), batch, LATENTS, NOW)
    Losses({"surface": SurfaceDistance(weight=1.0)})(
        make_model(sphere, latent_dim=3), batch, LATENTS, NOW
    )


def test_a_term_gets_the_attributes_that_it_names_and_no_other(make_model):
    named, other = Spy("samples", "samples.confidence"), Spy("samples.flow:2", "surface")
    values = {"confidence": torch.rand(2, 4), "flow": torch.rand(2, 4, 2)}
    batch, model = make_batch()._replace(attributes=values), make_model(sphere, latent_dim=3)
    losses = Losses({"named": named, "other": other})
    losses(model, batch, LATENTS, NOW)
    assert named.inputs.samples.attributes.keys() == {"confidence"}
    assert named.inputs.samples.attributes["confidence"] is values["confidence"]
    assert other.inputs.samples.attributes.keys() == {"flow"}
    assert other.inputs.surface.attributes == {}
    message = (
        r"loss\.named \(Spy\) needs the attribute 'confidence' of the samples, which .*~loss\.named"
    )
    with pytest.raises(ValueError, match=message):
        losses(model, make_batch(), LATENTS, NOW)


def test_a_misspelt_need_is_refused_by_the_terms_name():
    message = r"loss\.mine \(Spy\): 'surface\.gradeint' .*did you mean 'surface\.gradient'"
    with pytest.raises(ValueError, match=message):
        Losses({"mine": Spy("surface.gradeint")})


def test_needs_that_are_no_set_are_refused_by_the_terms_name():
    term = Spy("samples")
    term.needs = "samples"
    with pytest.raises(
        ValueError, match=r"loss\.mine \(Spy\): needs is 'samples'; it has to be a set"
    ):
        Losses({"mine": term})


class Shifted(Loss):
    """One plus the mean value, to be weighed."""

    needs = frozenset({"samples"})

    def forward(self, inputs: LossInputs) -> Tensor:
        return 1 + inputs.samples.value.mean(dim=(1, 2))


def constant(x: Tensor, latents: Tensor) -> Tensor:
    return torch.full_like(x[..., :1], 0.02)


def test_the_total_is_the_weighted_sum_of_each_shape(make_model):
    losses = Losses(
        {
            "distance": ClampedL1(weight=2.0, delta=None),
            "latent": LatentRegularisation(weight=0.1, ramp_epochs=10),
            "shifted": Shifted(weight=-1.0),
        }
    )
    latents = torch.tensor([[1.0, 2.0], [0.0, 3.0]], requires_grad=True)
    samples = Samples(torch.zeros(2, 4, 3), torch.full((2, 4, 1), 0.05))
    model, batch = make_model(constant, latent_dim=2), Batch(samples, None, None)
    total, values = losses(model, batch, latents, TrainProgress(4, 100))
    torch.testing.assert_close(
        total.detach(),
        torch.tensor([2 * 0.03 + 0.05 * 5 - 1.02, 2 * 0.03 + 0.05 * 9 - 1.02]),
    )
    assert list(values) == ["distance", "latent", "shifted"]
    assert values["latent"].tolist() == [5, 9] and not values["latent"].requires_grad
    fitted, _ = losses(model, batch, latents, None)
    torch.testing.assert_close(fitted.detach() - total.detach(), torch.tensor([0.25, 0.45]))
    total.sum().backward()
    torch.testing.assert_close(latents.grad, 0.05 * 2 * latents.detach())


def all_terms() -> Mapping[str, Loss]:
    return {
        "distance": ClampedL1(weight=1.0, delta=0.1),
        "surface": SurfaceDistance(weight=2.0),
        "normals": NormalAlignment(weight=0.3, cosine=False),
        "eikonal": Eikonal(weight=0.1, where="space", power=2),
        "latent": LatentRegularisation(weight=0.1, ramp_epochs=0),
    }


def ellipse(x: Tensor, latents: Tensor) -> Tensor:
    """Return a field whose gradient depends on the latent, and is not of unit length."""
    return (x * (1 + latents[:, None, : x.shape[-1]])).norm(dim=-1, keepdim=True) - 0.5


@pytest.mark.parametrize("dim", [2, 3])
def test_a_shape_does_not_see_the_others(make_model, dim):
    losses, model = Losses(all_terms()), make_model(ellipse, latent_dim=dim)
    batch = make_batch(num_shapes=5, dim=dim)
    latents = torch.randn(5, dim, generator=torch.Generator().manual_seed(0)) / 3
    together, _ = losses(model, batch, latents, NOW)
    for i in range(5):
        one = slice(i, i + 1)
        alone = Batch(
            Samples(*(t[one] for t in batch.samples)),
            SurfacePoints(*(t[one] for t in batch.surface)),
            batch.space[one],
        )
        total, _ = losses(model, alone, latents[one], NOW)
        torch.testing.assert_close(total[0], together[i], rtol=1e-5, atol=0)


@pytest.mark.parametrize("frozen", [False, True])
def test_latents_get_the_gradient_of_the_gradient(make_model, frozen):
    # d/dcode of terms that hold the gradient with respect to x, against differences
    model = make_model(ellipse, latent_dim=2).double().requires_grad_(not frozen)
    batch = make_batch()
    batch = Batch(
        Samples(*(t.double() for t in batch.samples)),
        SurfacePoints(*(t.double() for t in batch.surface)),
        batch.space.double(),
    )
    latents = torch.tensor([[0.2, -0.3], [0.5, 0.1]], dtype=torch.float64, requires_grad=True)
    losses = Losses(all_terms())
    assert torch.autograd.gradcheck(lambda c: losses(model, batch, c, None)[0], (latents,))
    if not frozen:
        factor = model.decoder.factor
        (slope,) = torch.autograd.grad(losses(model, batch, latents, NOW)[0].sum(), factor)
        step = 1e-6
        with torch.no_grad():
            factor += step
            after = losses(model, batch, latents, NOW)[0].sum()
            factor -= 2 * step
            before = losses(model, batch, latents, NOW)[0].sum()
        assert slope.item() == pytest.approx(float(after - before) / (2 * step), rel=1e-5)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_the_loss_is_the_same_where_gradients_are_off(make_model, context):
    losses, model, batch = Losses(all_terms()), make_model(ellipse, latent_dim=2), make_batch()
    latents = torch.tensor([[0.2, -0.3], [0.5, 0.1]])
    wanted, _ = losses(model, batch, latents, NOW)
    with context():
        inside = Batch(  # drawn there, as validation draws it
            Samples(*(t.clone() for t in batch.samples)),
            SurfacePoints(*(t.clone() for t in batch.surface)),
            batch.space.clone(),
        )
        got, _ = losses(model, inside, latents.clone(), NOW)
    assert wanted.requires_grad and not got.requires_grad
    torch.testing.assert_close(got, wanted.detach())


def test_a_field_that_does_not_depend_on_the_point(make_model):
    batch, model = make_batch(), make_model(constant)
    losses = Losses({"eikonal": Eikonal(weight=1.0, where="space", power=2)})
    total, _ = losses(model, batch, torch.zeros(2, 0), NOW)
    assert total.tolist() == [1, 1]  # a gradient of zero
