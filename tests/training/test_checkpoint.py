import pickle
from pathlib import Path

import pytest
import torch

from inr.models.latents import read_latents
from inr.training.checkpoint import (
    Checkpoints,
    Progress,
    epoch_label,
    find_checkpoint,
    load_checkpoint,
    restore_model,
)
from tests.support.making import make_model as make_model_of
from tests.support.making import make_part_latents, make_part_mlp

CPU = torch.device("cpu")
NAMES = ["large", "small"]


def make_checkpoints(folder: Path, **changes) -> Checkpoints:
    return Checkpoints(folder, NAMES, **{"every": 0, "epochs": [], "keep": 2, **changes})


@pytest.fixture
def saved(tmp_path, make_model, make_optimizer):
    """A model that took a step, and its checkpoint."""
    model = make_model()
    optimizer = make_optimizer(model)
    model(torch.randn(2, 5, 2), torch.tensor([0, 1])).value.sum().backward()
    optimizer.step()
    progress = Progress(epoch=7, batch=1, step=99, best=0.25)
    path = make_checkpoints(tmp_path / "checkpoints").save("last", model, optimizer, progress)
    return path, model, optimizer


def test_round_trip(saved, make_model, make_optimizer):
    path, model, optimizer = saved
    content = load_checkpoint(path)
    assert Progress(**content["progress"]) == Progress(epoch=7, batch=1, step=99, best=0.25)
    other = make_model(seed=5)
    restore_model(content, other, NAMES, path)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name
    restored = make_optimizer(other)
    restored.load_state_dict(content["optimizer"])
    for mine, theirs in zip(
        optimizer.state_dict()["state"].values(),
        restored.state_dict()["state"].values(),
        strict=True,
    ):
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)


@pytest.fixture
def part_model():
    torch.manual_seed(0)
    decoder = make_part_mlp(dim=2, part_conv=True)
    return make_model_of(decoder, make_part_latents(2, dim=2, train_poses=True))


def as_format_1(path: Path) -> Path:
    """Write a checkpoint as format 1 had it."""
    content = torch.load(path, weights_only=True)
    groups = content["optimizer"]["param_groups"]
    old = {
        "format": 1,
        "body": {k.replace("part_convs.", "exchanges."): v for k, v in content["decoder"].items()},
        "codes": content["latents"],
        "optimizer": {
            **content["optimizer"],
            "param_groups": [
                {**g, "name": {"latents": "codes"}.get(g["name"], g["name"])} for g in groups
            ],
        },
        "progress": content["progress"],
    }
    torch.save(old, path.with_name("old.pt"))
    return path.with_name("old.pt")


def test_format_1_is_read(tmp_path, part_model, make_optimizer):
    optimizer = make_optimizer(part_model)
    part_model(torch.randn(2, 5, 2), torch.tensor([0, 1])).value.sum().backward()
    optimizer.step()
    path = make_checkpoints(tmp_path).save("last", part_model, optimizer, Progress(epoch=3))
    old = as_format_1(path)
    written = torch.load(old, weights_only=True)
    assert any(name.startswith("exchanges.") for name in written["body"])
    content, expected = load_checkpoint(old), load_checkpoint(path)
    assert content["format"] == 2 and content["progress"] == expected["progress"]
    assert content["optimizer"]["param_groups"] == expected["optimizer"]["param_groups"]
    assert list(content["latents"]) == NAMES
    before = {name: tensor.clone() for name, tensor in part_model.state_dict().items()}
    with torch.no_grad():
        for parameter in part_model.parameters():
            parameter.zero_()
    restore_model(content, part_model, NAMES, old)
    for name, tensor in part_model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    # latent.pretrained=<checkpoint> reads it as well
    latents = read_latents(old, ["small"], tuple(part_model.latents.raw().shape[1:]))
    assert torch.equal(latents[0], part_model.latents.raw()[1])


def test_latents_are_keyed_by_name(saved, make_model):
    path, model, _ = saved
    content = load_checkpoint(path)
    assert list(content["latents"]) == NAMES
    assert torch.equal(content["latents"]["small"], model.latents.weight[1])
    turned = make_model(seed=5)
    restore_model(content, turned, ["small", "large"], path)
    assert torch.equal(turned.latents.weight, model.latents.weight.flip(0))
    one = make_model(seed=5, num_shapes=1)
    restore_model(content, one, ["small"], path)
    assert torch.equal(one.latents.weight[0], model.latents.weight[1])


def test_a_shape_without_a_latent_is_named(saved, make_model):
    path, _, _ = saved
    content = load_checkpoint(path)
    with pytest.raises(ValueError, match=r"no latent for 'medium' \(1 missing of 2\)"):
        restore_model(content, make_model(), ["large", "medium"], path)


@pytest.mark.parametrize(
    "changes", [{"hidden_dim": 17}, {"num_layers": 3}, {"weight_norm": True}, {"latent_dim": 5}]
)
def test_a_model_of_another_kind_says_what_differs(saved, make_model, changes):
    path, _, _ = saved
    with pytest.raises(ValueError, match=r"last\.pt' does not fit .*config\.yaml: .*(size|key)"):
        restore_model(load_checkpoint(path), make_model(**changes), NAMES, path)


def test_latents_of_several_widths_say_what_differs(saved, make_model):
    path, _, _ = saved
    content = load_checkpoint(path)
    content["latents"]["small"] = torch.zeros(9)
    with pytest.raises(ValueError, match=r"does not fit the run's config\.yaml: .*\w"):
        restore_model(content, make_model(), NAMES, path)


def test_a_failed_save_leaves_the_old_file(saved, make_model, make_optimizer, monkeypatch):
    path, model, optimizer = saved
    before = path.read_bytes()

    def fail(content, file):
        Path(file).write_bytes(b"half of it")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="no space"):
        make_checkpoints(path.parent).save("last", model, optimizer, Progress())
    assert path.read_bytes() == before
    assert list(path.parent.glob("*.pt")) == [path]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"every": 2, "keep": 2}, {8, 10}),
        ({"every": 2, "keep": 0}, set()),
        ({"every": 2, "keep": 99}, {2, 4, 6, 8, 10}),
        ({"every": 2, "keep": 1, "epochs": [3, 4]}, {3, 4, 10}),
        ({"every": 0, "keep": 1, "epochs": [1, 7]}, {1, 7}),
    ],
)
def test_what_is_kept(tmp_path, make_model, make_optimizer, settings, expected):
    model = make_model()
    optimizer = make_optimizer(model)
    checkpoints = make_checkpoints(tmp_path, **settings)
    for epoch in range(1, 11):
        checkpoints.save_epoch(model, optimizer, Progress(epoch=epoch))
    assert {int(p.stem[6:]) for p in tmp_path.glob("epoch_*.pt")} == expected
    assert {p.name for p in tmp_path.iterdir()} == {
        "last.pt",
        *(f"{epoch_label(epoch)}.pt" for epoch in expected),
    }
    newest = 10 if settings["every"] else 7
    assert load_checkpoint(tmp_path / "last.pt")["progress"]["epoch"] == newest


def test_find_checkpoint(tmp_path):
    for name in ("last", "best", "epoch_000100"):
        (tmp_path / f"{name}.pt").touch()
    for epoch, name in (("latest", "last"), ("best", "best"), (100, "epoch_000100")):
        assert find_checkpoint(tmp_path, epoch) == tmp_path / f"{name}.pt"
    assert find_checkpoint(tmp_path, "100").stem == "epoch_000100"
    with pytest.raises(ValueError, match=r"'epoch_000200'.*available: best, epoch_000100, last"):
        find_checkpoint(tmp_path, 200)
    for epoch in ("newest", "-1", "1.5"):
        with pytest.raises(ValueError, match="latest, best or a number"):
            find_checkpoint(tmp_path, epoch)
    with pytest.raises(ValueError, match="stopped before its first"):
        find_checkpoint(tmp_path / "nowhere", "latest")


class Payload:
    """Creates a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_code_in_a_checkpoint_is_not_run(tmp_path, how):
    mark, path = tmp_path / "ran", tmp_path / "evil.pt"
    content = {"format": 1, "decoder": Payload(mark)}
    if how == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"cannot read the checkpoint .*evil\.pt"):
        load_checkpoint(path)
    assert not mark.exists()
    torch.load(path, weights_only=False) if how == "torch" else pickle.loads(path.read_bytes())
    assert mark.exists()  # it would have run


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_checkpoint(saved, fraction):
    path, _, _ = saved
    whole = path.read_bytes()
    path.write_bytes(whole[: int(fraction * len(whole))])
    with pytest.raises(ValueError, match=r"cannot read the checkpoint .*last\.pt"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"text", b"PK\x03\x04 no archive", bytes(1000), b"\x80\x02."])
def test_another_file(tmp_path, content):
    path = tmp_path / "last.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint"):
        load_checkpoint(path)


def test_a_file_of_another_program(tmp_path):
    path = tmp_path / "last.pt"
    for content in (torch.zeros(3), {"epoch": 3}, {"format": 3}, {"format": 1}):
        torch.save(content, path)
        with pytest.raises(ValueError, match=r"not a checkpoint of this program \(format 2\)"):
            load_checkpoint(path)
    with pytest.raises(ValueError, match="cannot read"):
        load_checkpoint(tmp_path / "missing.pt")
