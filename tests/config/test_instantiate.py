import sys
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from inr.config.instantiate import check, instantiate, resolve
from inr.config.sections import check_section, structure
from inr.config.validate import decoder_entry
from inr.hints import nearest
from inr.models.encodings import Positional
from inr.models.mlp import MLP
from inr.training.tracking import Logger
from tests.support.composed import composed

CONTEXT = {"dim": 2, "latent_dim": 5, "out_dim": 1}


def entry(**changes: Any) -> dict[str, Any]:
    settings = {
        **decoder_entry(composed("model=deepsdf")["model"]),
        "hidden_dim": 16,
        "num_layers": 3,
        "skip_layers": [1],
        "activation": {"_target_": "torch.nn.Softplus", "beta": 30},
        "encoding": {
            "_target_": "inr.models.encodings.Positional",
            "num_octaves": 2,
            "include_point": True,
        },
        **changes,
    }
    return {key: value for key, value in settings.items() if value != "absent"}


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """A package of somebody's own, which leaves a mark when it is imported."""
    mark = tmp_path / "imported"
    (tmp_path / "foreign_package").mkdir()
    (tmp_path / "foreign_package" / "__init__.py").write_text("")
    (tmp_path / "foreign_package" / "layers.py").write_text(
        f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
        "class Halve:\n    def __init__(self, *, factor: float) -> None:\n"
        "        self.factor = factor / 2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield mark
    for name in ("foreign_package.layers", "foreign_package"):
        sys.modules.pop(name, None)


def test_builds_inner_entries_with_the_context():
    check(entry(), "model", **CONTEXT)
    decoder = instantiate(entry(), **CONTEXT)
    assert isinstance(decoder, MLP) and isinstance(decoder.encoding, Positional)
    assert decoder.encoding.out_dim == 2 * (1 + 2 * 2)  # the inner entry was given dim=2
    assert decoder.activations[0].beta == 30
    assert decoder.hidden[0].weight.shape == (16, 5 + 10)


def test_null_is_absent():
    check(entry(encoding=None), "model", **CONTEXT)
    assert instantiate(entry(encoding=None), **CONTEXT).encoding is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hiden_dim": 3}, r"unknown key 'model\.hiden_dim'.*did you mean 'hidden_dim'"),
        ({"zzz": 3}, r"unknown key 'model\.zzz'.*allowed: .*hidden_dim"),
        ({"hidden_dim": "absent"}, r"'model' lacks the key 'hidden_dim'"),
        ({"hidden_dim": "wide"}, r"'model\.hidden_dim' is 'wide'.*type int"),
        ({"hidden_dim": 1.5}, r"'model\.hidden_dim' is 1\.5.*type int"),
        ({"hidden_dim": True}, r"'model\.hidden_dim' is True.*type int"),
        ({"hidden_dim": None}, r"'model\.hidden_dim' is None.*type int"),
        ({"weight_norm": 1}, r"'model\.weight_norm' is 1.*type bool"),
        ({"dropout": "0.1"}, r"'model\.dropout' is '0\.1'.*type float"),
        ({"skip_layers": 1}, r"'model\.skip_layers' is 1.*Sequence\[int\]"),
        ({"skip_layers": [1.5]}, r"'model\.skip_layers' is \[1\.5\]"),
        ({"activation": "relu"}, r"'model\.activation' is 'relu'.*Module"),
        ({"activation": None}, r"'model\.activation' is None.*Module"),
        ({"encoding": 4}, r"'model\.encoding' is 4.*Encoding"),
        ({"encoding": {"num_octaves": 4}}, r"'model\.encoding' is .*Encoding"),
        (
            {"activation": {"_target_": "torch.nn.Softplus", "betta": 3}},
            r"unknown key 'model\.activation\.betta'.*did you mean 'beta'",
        ),
        (
            {"activation": {"_target_": "inr.models.activations.GEGLU", "omega": 30.0}},
            r"it takes no settings; .*, add ~model\.activation\.omega",
        ),
        (
            {"encoding": {"_target_": "inr.models.encodings.Positional"}},
            r"'model\.encoding' lacks the key 'num_octaves'",
        ),
    ],
)
def test_a_mistake_names_the_key_and_what_is_allowed(changes, message):
    with pytest.raises(ValueError, match=message):
        check(entry(**changes), "model", **CONTEXT)


def test_a_missing_context_is_a_missing_key():
    with pytest.raises(ValueError, match="lacks the key 'latent_dim'"):
        check(entry(), "model", dim=2, out_dim=1)


def test_a_constructor_that_takes_anything_needs_nothing():
    # torch.nn.Identity(*args, **kwargs)
    identity = entry(activation={"_target_": "torch.nn.Identity"})
    check(identity, "model", **CONTEXT)
    decoder = instantiate(identity, **CONTEXT)
    assert all(isinstance(one, torch.nn.Identity) for one in decoder.activations)


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.run",
        "torch.load",
        "torch.hub.load",
        "torch.nn.x.os.system",
        "torch.nn.functional.os.system",
        "torch.nn.modules.module.os.system",
        "torch.nn.functional.importlib",
        "torch.nn.functional.warnings.warn",
        "torch.nnx.Linear",
        "torch.nn.os",
        "torch.nn",
        "inr",
        "inr.runs.directory.subprocess.run",
        "inr.runs.directory.subprocess",
        "inr.runs.directory.Path",
        "inr.config.instantiate.importlib.import_module",
        "inr.training.wandb_logger.urlsplit",
        "inr.models.mlp.torch",
        "inr.models.mlp.Sequence",
        "inr.models.mlp.MLP.forward",
        "inr.models.mlp.Mpl",
        "inr..models",
        ".inr",
        "",
    ],
)
def test_what_lives_elsewhere_is_refused(target):
    with pytest.raises(ValueError, match=r"_target_|has no class"):
        resolve(target)
    with pytest.raises(ValueError, match=r"_target_|has no class"):
        check({"_target_": target, "command": "false"}, "model")


def test_a_class_that_is_only_passed_on_is_refused():
    # a class of ours that is imported elsewhere in the package is still ours
    assert resolve("inr.models.inr.Latents").__module__ == "inr.models.latents"
    with pytest.raises(ValueError, match=r"is defined in pathlib, which is not allowed"):
        resolve("inr.training.checkpoint.Path")


def test_a_near_name_is_suggested():
    with pytest.raises(ValueError, match=r"no class 'Mpl': .*'MLP'"):
        resolve("inr.models.mlp.Mpl")


def test_a_foreign_package_is_refused_without_importing_it(foreign):
    target = "foreign_package.layers.Halve"
    with pytest.raises(ValueError, match=r"outside inr.models, .*allow=\[foreign_package\]"):
        resolve(target)
    with pytest.raises(ValueError, match="outside"):
        check(entry(activation={"_target_": target, "factor": 1.0}), "model", **CONTEXT)
    assert not foreign.exists()
    # trust in one name is no trust in another that starts alike
    with pytest.raises(ValueError, match="outside"):
        resolve(target, ["foreign"])
    assert not foreign.exists()


def test_a_foreign_package_that_is_allowed(foreign):
    given = {"_target_": "foreign_package.layers.Halve", "factor": 3}
    check(given, "model", ["foreign_package"])
    assert instantiate(given, ["foreign_package"]).factor == 1.5
    assert foreign.exists()
    with pytest.raises(ValueError, match="unknown key"):
        check({**given, "factr": 1}, "model", ["foreign_package"])


@pytest.mark.parametrize("target", ["torch.nn.ReLU", "torch.nn.modules.activation.ReLU"])
def test_torch_by_either_path(target):
    assert resolve(target) is nn.ReLU


def test_optimizers():
    given = {"_target_": "torch.optim.AdamW", "weight_decay": 0.01, "betas": [0.9, 0.99]}
    check(given, "optimizer.algorithm", params=None, lr=0.0)
    weight = nn.Parameter(torch.ones(2))
    optimizer = instantiate(given, params=[weight], lr=0.5)
    assert isinstance(optimizer, torch.optim.AdamW)
    assert (optimizer.defaults["lr"], optimizer.defaults["weight_decay"]) == (0.5, 0.01)
    with pytest.raises(ValueError, match="did you mean 'weight_decay'"):
        check({**given, "wieght_decay": 1}, "optimizer.algorithm", params=None, lr=0.0)


@dataclass(frozen=True)
class Inner:
    size: int
    rate: float | None
    names: list[str]


@dataclass(frozen=True)
class Outer:
    inner: Inner
    kind: str
    either: int | str


GOOD = {"inner": {"size": 3, "rate": 1, "names": ["a"]}, "kind": "k", "either": "latest"}


def test_sections_become_dataclasses():
    check_section(Outer, GOOD)
    assert structure(Outer, GOOD) == Outer(Inner(3, 1, ["a"]), "k", "latest")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inner": {**GOOD["inner"], "siez": 3}}, r"unknown key 'inner\.siez': did you.*'size'"),
        ({"inner": {"size": 3, "rate": 1}}, r"'inner' lacks the key 'names'"),
        ({"inner": {**GOOD["inner"], "rate": "fast"}}, r"'inner\.rate' is 'fast'"),
        ({"inner": {**GOOD["inner"], "names": "a"}}, r"'inner\.names' is 'a'"),
        ({"inner": 3}, r"'inner' is 3; it has to be a group"),
        ({"either": 1.5}, r"'either' is 1\.5"),
        ({"kimd": 1}, r"unknown key 'kimd': did you mean 'kind'"),
    ],
)
def test_sections_with_mistakes(changes, message):
    with pytest.raises(ValueError, match=message):
        check_section(Outer, {**GOOD, **changes})


def test_nearest():
    assert nearest("trian", ["train", "test"]) == "did you mean 'train'?"
    assert nearest("zzz", ["train", "test"]) == "allowed: test, train"


def test_opening_a_run_does_not_run_its_code(tmp_path):
    # our own functions must be no way round the allow-list
    target = tmp_path / "touched"
    entry = {
        "_target_": "inr.config.instantiate.instantiate",
        "allow": ["subprocess"],
        "entry": {"_target_": "subprocess.Popen", "args": ["touch", str(target)]},
    }
    for place in ("logger", "model", "renderer.solid"):
        with pytest.raises(ValueError, match="is outside inr"):
            check(entry, place)
    assert not target.exists()


def test_a_class_that_lacks_a_method_is_refused_before_it_is_made():
    with pytest.raises(ValueError, match=r"'loss\.mine': inr\.losses\.Loss .* lacks forward"):
        check({"_target_": "inr.losses.Loss", "weight": 1.0}, "loss.mine")


def test_a_name_that_reads_as_something_else_is_told_to_be_quoted():
    for value, quoted in ((16, "'16'"), (True, "'true'")):
        with pytest.raises(ValueError, match=rf"needs quotes: \"kind={quoted}\""):
            check_section(Outer, {**GOOD, "kind": value})


def test_a_list_of_one_is_told_to_be_bracketed():
    with pytest.raises(ValueError, match=r"'inner.names' is 'a'.*; write inner\.names=\[a\]"):
        check_section(Outer, {**GOOD, "inner": {**GOOD["inner"], "names": "a"}})


def test_a_place_takes_only_its_kind():
    linear = {"_target_": "torch.nn.Tanh"}
    with pytest.raises(ValueError, match=r"'logger' has to be a Logger; torch.nn.Tanh is not"):
        check(linear, "logger", kind=Logger)
    check({"_target_": "inr.training.tracking.NullLogger"}, "logger", kind=Logger)
    with pytest.raises(ValueError, match=r"'logger' lacks the key '_target_'"):
        check({}, "logger", kind=Logger)
