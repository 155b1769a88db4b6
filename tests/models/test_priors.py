import pytest
import torch

from inr.models.priors import draw_gaussian, draw_pca, interpolate
from tests.support.making import generator


def trained(num_shapes: int = 4000) -> torch.Tensor:
    """Latents that vary by 2, 1 and 0.1 along three orthogonal axes, about a mean."""
    axes = torch.linalg.qr(torch.randn(5, 5, generator=generator(1))).Q[:3]
    scores = torch.randn(num_shapes, 3, generator=generator(2)) * torch.tensor([2.0, 1.0, 0.1])
    return scores @ axes + torch.arange(5.0)


def test_gaussian_has_the_mean_and_spread_of_the_latents():
    latents = trained()
    drawn = draw_gaussian(latents, 20000, generator())
    assert drawn.shape == (20000, 5)
    torch.testing.assert_close(drawn.mean(dim=0), latents.mean(dim=0), atol=0.06, rtol=0)
    torch.testing.assert_close(drawn.std(dim=0), latents.std(dim=0), atol=0.05, rtol=0.02)


@pytest.mark.parametrize(("fraction", "rank"), [(0.5, 1), (0.9, 2), (0.9995, 3), (1.0, 3)])
def test_pca_keeps_the_components_that_explain_enough(fraction, rank):
    latents = trained()
    drawn = draw_pca(latents, 6000, fraction, generator())
    centred = drawn - latents.mean(dim=0)
    assert int((torch.linalg.svdvals(centred) > 1e-2).sum()) == rank
    variance = torch.linalg.eigvalsh(centred.T.cov()).flip(0)[:rank]
    expected = torch.tensor([4.0, 1.0, 0.01])[:rank]
    torch.testing.assert_close(variance, expected, rtol=0.1, atol=0)


def test_pca_of_fewer_shapes_than_components():
    latents = torch.randn(3, 64, generator=generator())
    drawn = draw_pca(latents, 10, 1.0, generator())
    assert drawn.shape == (10, 64) and drawn.isfinite().all()


def test_seeds_decide():
    latents = trained(20)
    for draw in (lambda g: draw_gaussian(latents, 4, g), lambda g: draw_pca(latents, 4, 0.9, g)):
        assert torch.equal(draw(generator(3)), draw(generator(3)))
        assert not torch.equal(draw(generator(3)), draw(generator(4)))


def test_interpolation_is_even_and_has_its_ends():
    one, other = torch.tensor([1.0, 0.0, 2.0]), torch.tensor([0.0, 4.0, 0.0])
    steps = interpolate(one, other, 5, spherical=False)
    assert torch.equal(steps[0], one) and torch.equal(steps[-1], other)
    torch.testing.assert_close(steps[2], (one + other) / 2)


def test_spherical_interpolation_stays_on_the_sphere_at_even_angles():
    one, other = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    steps = interpolate(one, other, 4, spherical=True)
    angle = torch.atan2(steps[:, 1], steps[:, 0])
    torch.testing.assert_close(angle, torch.linspace(0, torch.pi / 2, 4))
    torch.testing.assert_close(steps.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(interpolate(one, one, 3, spherical=True), one.expand(3, -1))


def test_what_cannot_be():
    with pytest.raises(ValueError, match="has 1 latents of width 5"):
        draw_gaussian(trained(1), 2, generator())
    with pytest.raises(ValueError, match="width 0"):
        draw_pca(torch.zeros(3, 0), 2, 0.9, generator())
    with pytest.raises(ValueError, match=r"explained_variance is 0\.0"):
        draw_pca(trained(9), 2, 0.0, generator())
    with pytest.raises(ValueError, match=r"sample\.num_shapes is 1"):
        interpolate(torch.zeros(2), torch.zeros(2), 1, spherical=False)
