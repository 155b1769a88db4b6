import pytest
import torch
from torch import nn

from inr.config.factories import build_optimizer
from inr.config.instantiate import check
from inr.config.schema import Config
from inr.config.sections import structure
from inr.config.validate import check_config
from inr.models.decoder import Decoder, OwnLearningRate
from inr.models.encodings import Encoding
from tests.support.composed import composed
from tests.support.making import make_latents, make_mlp, make_model, make_part_mlp


class Fast(OwnLearningRate, nn.Module):
    lr_factor = 4.0

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))


class Scaled(Decoder):
    """A ball about the origin, whose radius has a learning rate of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1))
        self.fast = Fast()

    def forward(self, x, latents):
        return x.norm(dim=-1, keepdim=True) * self.fast.scale - self.shift


def test_a_module_with_its_own_learning_rate_is_a_group_of_its_own():
    model = make_model(Scaled(), make_latents(2, 4))
    config = structure(Config, composed("data.dim=2"))
    groups = {group["name"]: group for group in build_optimizer(config, model).param_groups}
    assert list(groups) == ["network", "network_x4", "latents"]
    assert groups["network_x4"]["params"] == [model.decoder.fast.scale]
    assert groups["network_x4"]["lr"] == 4 * groups["network"]["lr"]
    assert groups["network"]["params"] == [model.decoder.shift]


def test_a_model_that_is_no_decoder_is_told_what_to_derive_from():
    raw = composed("data.dim=2")
    raw["model"] = {"_target_": "torch.nn.Tanh", "output": "sdf", "num_channels": 1}
    with pytest.raises(ValueError, match=r"'model' has to be .*Decoder.*Tanh"):
        check_config(raw)
    with pytest.raises(ValueError, match=r"derive your class from inr\.models\.decoder\.Decoder$"):
        check_config(raw)


def test_an_encoding_has_to_be_one():
    entry = composed()["model"]
    entry = {k: v for k, v in entry.items() if k not in ("output", "num_channels")}
    entry["encoding"] = {"_target_": "torch.nn.Tanh"}
    context = {"dim": 2, "latent_dim": 1, "out_dim": 1, "num_parts": 1}
    with pytest.raises(ValueError, match=r"'model\.encoding' has to be .*Encoding.*Tanh"):
        check(entry, "model", kind=Decoder, **context)


def test_a_base_class_alone_is_no_decoder():
    for base in (Decoder, Encoding):
        with pytest.raises(TypeError, match="abstract"):
            base()


@pytest.mark.parametrize("part_conv", [False, True])
def test_independent_parts_decode_alone(part_conv):
    decoder = make_part_mlp(dim=2, part_conv=part_conv)
    assert decoder.num_parts == 3 and decoder.parts_are_independent != part_conv


def test_a_function_of_the_model_is_called_within_it():
    model = make_model(make_mlp(), make_latents(3, 4, max_norm=0.1))
    index = torch.tensor([2, 0])
    inside = []
    model.register_forward_pre_hook(lambda *_: inside.append(True))
    model.register_forward_hook(lambda *_: inside.clear())

    def evaluate(inr, latents):
        assert inr is model and inside == [True]
        assert torch.equal(latents, model.latents(index))
        return {"latents": latents}

    assert model(evaluate, index)["latents"].norm(dim=-1).max() <= 0.1 + 1e-6
    assert not inside
