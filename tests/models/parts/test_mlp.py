import copy
import itertools
import math

import pytest
import torch

from inr.models.activations import GEGLU
from inr.models.decoder import Field
from inr.models.encodings import Positional
from inr.models.inr import INR
from inr.models.parts.mlp import FAR, PartMLP
from inr.models.parts.poses import identity_pose, pose_dim
from inr.models.periodic import Sine
from tests.support.making import make_part_latents, make_part_mlp

DIMS = pytest.mark.parametrize("dim", [2, 3])
OPTIONS = ("part_bias", "part_norm", "part_conv", "input_pose", "weight_norm")


def draw_latents(num_shapes: int = 2, *, dim: int, parts: int = 3, latent_dim: int = 4):
    generator = torch.Generator().manual_seed(1)
    pose = identity_pose(num_shapes, parts, dim=dim)
    pose[..., :-1] += 0.2 * torch.randn(pose[..., :-1].shape, generator=generator)
    return torch.cat(
        [torch.randn(num_shapes, parts, latent_dim, generator=generator), pose], dim=-1
    )


def shake(decoder: PartMLP) -> PartMLP:
    """Give what starts alike for all parts values that differ."""
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return decoder.eval()


@DIMS
@pytest.mark.parametrize("option", [*OPTIONS, "softmin", "dropout", "encoding", "all", "none"])
def test_every_option(dim, option):
    changes = dict.fromkeys(OPTIONS, False) | {"softmin": None, "dropout": 0.0}
    for key in OPTIONS:
        changes[key] = option in (key, "all")
    if option in ("softmin", "dropout", "all"):
        changes |= {"softmin": 0.05, "dropout": 0.1}
    if option in ("encoding", "all"):
        changes["encoding"] = Positional(dim=dim, num_octaves=2, include_point=True)
    decoder = make_part_mlp(dim=dim, **changes)
    x, latents = torch.randn(2, 9, dim), draw_latents(dim=dim).requires_grad_()
    field = decoder(x, latents)
    assert field.value.shape == (2, 9, 1) and field.parts.shape == (2, 9, 3)
    (field.value.sum() + field.parts.square().sum()).backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name
    assert (latents.grad[..., :-1].abs().sum(dim=(0, 1)) > 0).all()


@DIMS
@pytest.mark.parametrize("flags", list(itertools.product([False, True], repeat=4)))
def test_permuted_parts_permute_the_outputs(dim, flags):
    options = dict(zip(OPTIONS[:4], flags, strict=True))
    decoder = shake(make_part_mlp(dim=dim, **options))
    other = copy.deepcopy(decoder)
    order = torch.tensor([2, 0, 1])
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if "part_convs" in name and name.endswith("weight"):
                parameter.copy_(parameter[order][:, order])
            elif "part_bias" in name or "norms" in name or "part_convs" in name:
                parameter.copy_(parameter[order])
    x, latents = torch.randn(2, 9, dim), draw_latents(dim=dim)
    latents[1, 0, -1] = 0
    one, turned = decoder(x, latents), other(x, latents[:, order])
    torch.testing.assert_close(turned.parts, one.parts[..., order])
    torch.testing.assert_close(turned.value, one.value)
    if any(flags[:3]):  # what parts have of their own matters
        assert not torch.allclose(decoder(x, latents[:, order]).value, one.value)


@DIMS
def test_the_union_of_two_balls(dim):
    decoder = make_part_mlp(dim=dim, num_parts=2).eval()
    centres = torch.tensor([[0.3] * dim, [-0.2] * dim])
    latents = torch.cat([torch.zeros(1, 2, 4), identity_pose(1, 2, dim=dim)], dim=-1)
    turn = 1 if dim == 2 else 4
    latents[0, :, 4 + turn : 4 + turn + dim] = centres

    def decode(points, constant, part, present):
        return points.norm(dim=-1, keepdim=True) - torch.tensor([0.4, 0.6])[part][:, None, None]

    decoder._decode = decode
    x = torch.rand(1, 500, dim) * 2 - 1
    ground_truth = torch.minimum(
        (x - centres[0]).norm(dim=-1) - 0.4, (x - centres[1]).norm(dim=-1) - 0.6
    )
    field = decoder(x, latents)
    torch.testing.assert_close(field.value[..., 0], ground_truth)
    torch.testing.assert_close(field.parts.amin(dim=-1), ground_truth)


@DIMS
@pytest.mark.parametrize("conv", [False, True])
def test_absent_parts(dim, conv):
    decoder = shake(make_part_mlp(dim=dim, part_conv=conv))
    x, latents = torch.randn(2, 9, dim), draw_latents(dim=dim)
    whole = decoder(x, latents)
    latents[0, 1, -1] = 0
    latents.requires_grad_()
    field = decoder(x, latents)
    assert (field.parts[0, :, 1] == FAR).all()
    assert (field.parts[1] != FAR).all() and torch.allclose(
        field.parts[1],
        whole.parts[1],
        rtol=0,
        atol=1e-6,  # products of fewer rows round otherwise
    )
    assert torch.equal(field.value[0, :, 0], field.parts[0][:, [0, 2]].amin(dim=-1))
    if not conv:
        torch.testing.assert_close(field.parts[0][:, [0, 2]], whole.parts[0][:, [0, 2]])
    (field.value.sum() + field.parts.sum()).backward()
    assert latents.grad.isfinite().all() and (latents.grad[0, 1] == 0).all()
    # whatever an absent part's row holds, nothing of it is seen
    changed = latents.detach().clone()
    changed[0, 1, :4] += 3
    assert torch.equal(decoder(x, changed).value, field.value)
    none = latents.detach().clone()
    none[0, :, -1] = 0
    assert (decoder(x, none).value[0] == FAR).all()


@DIMS
def test_the_soft_least_is_for_training_alone(dim):
    decoder = shake(make_part_mlp(dim=dim, softmin=0.02))
    x, latents = torch.randn(2, 9, dim), draw_latents(dim=dim)
    field = decoder(x, latents)
    assert torch.equal(field.value[..., 0], field.parts.amin(dim=-1))
    soft = decoder.train()(x, latents)
    weights = torch.softmax(-soft.parts / 0.02, dim=-1)
    torch.testing.assert_close(soft.value[..., 0], (weights * soft.parts).sum(dim=-1))
    assert (soft.value >= field.value - 1e-6).all()
    # at any temperature absent parts have no share
    hot = shake(make_part_mlp(dim=dim, softmin=5.0)).train()
    latents[0, 1, -1] = 0
    field = hot(x, latents)
    there = field.parts[0][:, [0, 2]]
    weights = torch.softmax(-there / 5.0, dim=-1)
    torch.testing.assert_close(field.value[0, :, 0], (weights * there).sum(dim=-1))
    latents[:, :, -1] = 0
    latents.requires_grad_()
    field = hot(x, latents)
    assert (field.value == FAR).all()
    field.value.sum().backward()
    assert (latents.grad == 0).all()


@DIMS
@pytest.mark.parametrize("conv", [False, True])
def test_parts_left_out_of_the_union_are_still_heard(dim, conv):
    decoder = shake(make_part_mlp(dim=dim, part_conv=conv))
    x, latents = torch.randn(2, 9, dim), draw_latents(dim=dim)
    left_out = torch.zeros(2, 3, dtype=torch.bool)
    left_out[0, 1] = True
    whole, rest = decoder(x, latents), decoder(x, latents, left_out)
    kept = whole.parts.clone()
    kept[0, :, 1] = FAR
    torch.testing.assert_close(rest.parts, kept)
    torch.testing.assert_close(rest.value[..., 0], kept.amin(dim=-1))


def test_latents_of_another_size_are_refused():
    decoder, x = make_part_mlp(dim=3, part_bias=False), torch.randn(2, 9, 3)
    latents = draw_latents(dim=3)
    for wrong in (latents[:, :2], latents.repeat(1, 2, 1), latents[..., :-1]):
        with pytest.raises(ValueError, match=r"this network takes \(B, 3, 15\)"):
            decoder(x, wrong)


def test_further_channels_are_those_of_the_nearest_part():
    decoder = shake(make_part_mlp(dim=3, out_dim=4))
    x, latents = torch.randn(2, 9, 3), draw_latents(dim=3)
    field = decoder(x, latents)
    assert field.value.shape == (2, 9, 4)
    alone = []
    for part in range(3):
        one = latents.clone()
        one[..., -1] = 0
        one[:, part, -1] = 1
        alone.append(decoder(x, one).value)
    nearest = field.parts.argmin(dim=-1)
    for b, n in itertools.product(range(2), range(9)):
        torch.testing.assert_close(field.value[b, n], alone[nearest[b, n]][b, n])


def make_sines(dim: int) -> PartMLP:
    """As conf/model/siren.yaml has the activation."""
    torch.manual_seed(0)
    sine = Sine(omega=30.0, first_omega=30.0)
    return make_part_mlp(dim=dim, hidden_dim=96, activation=sine, part_bias=True)


@DIMS
def test_sines_start_within_the_bounds_of_siren(dim):
    """Sitzmann et al., section 3.2."""
    decoder = make_sines(dim)
    first, second, output = (
        layer.columns(layer.weight.detach()) for layer in (*decoder.hidden, decoder.output)
    )
    later = math.sqrt(6 / 96) / 30
    for weight, bound in ((first[1], 1 / dim), (second[2], later), (output[2], later)):
        assert 0.9 * bound < weight.abs().max() <= bound


@DIMS
@pytest.mark.parametrize("index", [0, 1])
def test_a_parts_bias_acts_as_the_layers_own(dim, index):
    decoder = make_sines(dim)
    x, latents = torch.randn(2, 9, dim), draw_latents(dim=dim)
    shift = 0.01 * torch.randn(96)
    before = decoder(x, latents).parts
    for_one, for_all = copy.deepcopy(decoder), copy.deepcopy(decoder)
    with torch.no_grad():
        for_one.hidden[index].part_bias[1] += shift
        for_all.hidden[index].bias += shift
    parts = for_one(x, latents).parts
    torch.testing.assert_close(parts[..., 1], for_all(x, latents).parts[..., 1])
    assert (parts[..., 1] - before[..., 1]).abs().max() > 1e-3
    assert torch.equal(parts[..., [0, 2]], before[..., [0, 2]])


def test_latents_and_poses_may_come_apart():
    model = INR(shake(make_part_mlp(dim=3)), make_part_latents(dim=3), output="sdf")
    x, latents = torch.randn(2, 5, 3), draw_latents(dim=3)
    width = pose_dim(3)
    apart = model.decode(x, latents[..., :-width], latents[..., -width:])
    assert isinstance(apart, Field) and torch.equal(apart.value, model.decode(x, latents).value)
    index = torch.tensor([1, 0])
    assert torch.equal(model(x, index).parts, model.decode(x, model.latents(index)).parts)


def test_wrong_settings():
    with pytest.raises(ValueError, match=r"model\.softmin is 0"):
        make_part_mlp(dim=3, softmin=0.0)
    with pytest.raises(ValueError, match="at least 1"):
        make_part_mlp(dim=3, num_layers=0)
    with pytest.raises(ValueError, match=r"model\.part_conv=true does not go with GEGLU"):
        make_part_mlp(dim=3, activation=GEGLU(), part_conv=True)
