import numpy as np
import pytest
import torch

from inr.models.latents import bound_norm
from tests.support.making import make_latents


@pytest.mark.parametrize("dim", [4, 64, 400])
def test_initial_deviation_is_one_over_root_width(dim):
    latents = make_latents(200_000 // dim, dim).weight.detach()
    assert float(latents.std()) == pytest.approx(dim**-0.5, rel=0.01)
    assert abs(float(latents.mean())) < 0.01 * dim**-0.5


def test_seeds_decide_the_latents():
    assert torch.equal(make_latents(seed=3).weight, make_latents(seed=3).weight)
    assert not torch.equal(make_latents(seed=3).weight, make_latents(seed=4).weight)


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    make_latents()
    assert torch.equal(before, torch.get_rng_state())


def test_look_up_gives_the_rows_asked_for():
    latents = make_latents()
    got = latents(torch.tensor([2, 0, 2]))
    assert torch.equal(got, latents.weight[[2, 0, 2]])
    got.sum().backward()
    assert latents.weight.grad[:, 0].tolist() == [1, 0, 2, 0]


def test_only_latents_that_are_too_long_are_scaled():
    latents = make_latents(max_norm=2.0)
    with torch.no_grad():
        latents.weight[0] = torch.tensor([3.0, 4.0, 0, 0, 0, 0])
        latents.weight[1] = torch.tensor([0.3, 0.4, 0, 0, 0, 0])
    got = latents(torch.tensor([0, 1]))
    torch.testing.assert_close(got[0, :2], torch.tensor([1.2, 1.6]))
    assert torch.equal(got[1], latents.weight[1])
    assert latents.weight[0, 0] == 3  # bound at look-up, not in place


def test_bound_has_the_gradient_of_its_formula():
    latent = torch.tensor([[3.0, 4.0], [0.3, 0.4]], dtype=torch.float64)
    jacobian = torch.func.jacrev(lambda c: bound_norm(c, 2.0))(latent)
    direction = latent[0] / 5
    projected = 2 / 5 * (torch.eye(2, dtype=torch.float64) - torch.outer(direction, direction))
    torch.testing.assert_close(jacobian[0, :, 0], projected)
    torch.testing.assert_close(jacobian[1, :, 1], torch.eye(2, dtype=torch.float64))
    assert jacobian[0, :, 1].abs().max() == 0


def test_bound_at_the_origin_has_a_finite_gradient():
    latent = torch.zeros(1, 5, requires_grad=True)
    bound_norm(latent, 1.0).sum().backward()
    assert latent.grad.tolist() == [[1.0] * 5]


@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_width_zero_is_no_latent(max_norm):
    latents = make_latents(dim=0, max_norm=max_norm)
    assert latents(torch.tensor([0, 3])).shape == (2, 0)


def test_wrong_settings():
    with pytest.raises(ValueError, match=r"latent\.dim is -1"):
        make_latents(dim=-1)
    for max_norm in (0.0, -1.0):
        with pytest.raises(ValueError, match=r"latent\.max_norm is"):
            make_latents(max_norm=max_norm)


def test_spherical_latents_have_norm_one():
    latents = make_latents(spherical=True)
    got = latents(torch.tensor([0, 3]))
    torch.testing.assert_close(got.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(got[1], latents.weight[3] / latents.weight[3].norm())
    with pytest.raises(ValueError, match=r"latent\.spherical=true fixes the norm"):
        make_latents(spherical=True, max_norm=1.0)


def test_pretrained_latents_come_by_name(tmp_path):
    for number in (2, 0, 1):
        np.save(tmp_path / f"s{number}.npy", np.full(6, float(number), np.float32))
    latents = make_latents(3, pretrained=str(tmp_path), trainable=False)
    assert latents.weight.detach()[:, 0].tolist() == [0, 1, 2]
    assert not latents.weight.requires_grad
    stored = {f"s{number}": torch.full((6,), 10.0 + number) for number in range(4)}
    torch.save({"latents": stored}, tmp_path / "c.pt")
    stored = make_latents(2, pretrained=str(tmp_path / "c.pt"))
    assert stored.weight.detach()[:, 5].tolist() == [10, 11] and stored.weight.requires_grad


def test_pretrained_latents_that_do_not_fit(tmp_path):
    np.save(tmp_path / "s0.npy", np.zeros(6))
    with pytest.raises(ValueError, match=r"has no latent for 's1' \(1 missing of 2\)"):
        make_latents(2, pretrained=str(tmp_path))
    with pytest.raises(
        ValueError, match=r"'s0' in .* shape \(6,\); the settings of 'latent' need \(7,\)"
    ):
        make_latents(1, 7, pretrained=str(tmp_path))
    (tmp_path / "s0.npy").write_text("no array")
    with pytest.raises(ValueError, match=r"cannot read the latent .*s0\.npy"):
        make_latents(1, pretrained=str(tmp_path))
    with pytest.raises(ValueError, match="neither a folder"):
        make_latents(1, pretrained=str(tmp_path / "nowhere.pt"))
    with pytest.raises(ValueError, match=r"latent\.trainable=false keeps random latents"):
        make_latents(1, trainable=False)
