"""Wrong input: one sentence, exit code 2, nothing written."""

import os
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from inr.config.compose import expand_sweep, group_choices
from inr.config.job import Job
from tests.support.cli import inr

WRONG = {
    ("model=deepsfd",): "did you mean 'deepsdf'?",
    ("experiment=quikstart",): "did you mean 'quickstart'?",
    ("optimizer/schedule=cosin",): "did you mean 'cosine'?",
    ("model.hidden_dm=3",): "did you mean 'model.hidden_dim'?",
    ("trian.epochs=3",): "did you mean 'train.epochs'?",
    ("+train.epoch=3",): "did you mean 'epochs'?",
    ("train.epochs=many",): "'train.epochs' is 'many'; it has to be of type int",
    ("latent.dim=-1",): "latent.dim is -1; it has to be at least 0",
    ("model.num_layers=0",): "model.num_layers is 0; it has to be at least 1",
    ("data.splits.train=1.5",): "data.splits.train is 1.5; it must be a count, or a fraction",
    ("split=[train,train]",): "it names 'train' more than once",
    ("-m", "stage=train", "model.hidden_dim=8,0"): "model.hidden_dim is 0; it has to be at",
    ("train.epochs=0",): "train.epochs is 0; it has to be at least 1",
    ("train.best_metric=valid/iuo",): "did you mean 'valid/iou'?",
    ("stage=trian",): "did you mean 'train'?",
    ("split=tset",): "did you mean 'test'?",
    ("eval.resolution=4",): "eval.resolution is 4; it has to be at least 8",
    ("+loss.mine.weight=1",): "'loss.mine' lacks the key '_target_'",
    ("-m", "model=glob(no*)"): "'model=glob(no*)' matches no choice",
    ("-m", "--cfg", "job"): "--multirun and --cfg exclude each other",
    ("foo",): "'foo' cannot be read; write key=value",
    ("data=meshes",): "no shapes are given; add data.source=",
    (
        "stage=prepare",
        "data=meshes",
        "data.root=d",
    ): "add data.source=<folder of your shapes, or one file>",
    (
        "stage=prepare",
        "data=meshes",
        "data.source=no",
        "data.root=d",
    ): "data.source=no does not exist",
    ("stage=prepare", "data=meshes", "data.source=.", "data.root=d"): "no shape (.obj",
    ("stage=train", "data=meshes", "data.root=d"): "run stage=prepare",
    ("model.output=occupancy",): "loss.distance (inr.losses.ClampedL1) is for model.output=sdf",
    ("loss=occupancy",): "add model.output=occupancy",
    ("model.output=colour",): "model.output is 'colour': allowed: occupancy, sdf",
    ("model.num_channels=0",): "model.num_channels is 0; it has to be 1 or more",
    ("data.dim=null",): "no shape is given; add data.source=<file of one shape>",
    ("reconstruct.observe=part",): "did you mean 'partial'?",
    ("reconstruct.view=[0,0,0]",): "it has to be a direction, not all zero",
    ("data.sampling.near_counts=[9]",): "give as many of one as of the other",
    ("optimizer.lr=-1",): "optimizer.lr is -1; it has to be positive",
    ("train.space_near=2",): "train.space_near is 2; it is a fraction",
    ("sample.interpolate=[a]",): "give the names of two training shapes",
    ("stage=reconstruct",): "add run=latest or run=<directory>",
    ("stage=train", "resume=latest"): "or give resume=<directory>",
    ("stage=reconstruct", "run=latest"): "found no run with a checkpoint",
    ("stage=evaluate", "run=."): "run=. is not a run directory",
    ("resume=nowhere",): "resume=nowhere is not a run directory",
    ("device=cuda:99",): "use device=auto",
    ("device=gpu",): "allowed: auto, cpu, cuda",
    ("latent=none",): "latent=none (a latent of width 0) fits one shape",
    ("data.splits.train=99",): "asks for 99 train + 4 valid + 12 test shapes; there are 48",
    ("model.activation._target_=os.system",): "is outside inr.models, inr.losses",
    ("model.activation._target_=torch.nn.Relu",): "did you mean 'ReLU'?",
    ("logger.mode=onlne",): "logger.mode is 'onlne'",
    ("optimizer.schedule.every=0",): "optimizer.schedule.every is 0; it has to be at least 1",
    ("optimizer.algorithm.lr=-1",): "unknown key 'optimizer.algorithm.lr'",
    ("renderer.solid.crease=100",): "crease",
    ("train.num_renders=0",): "train.num_renders is 0; it has to be at least 1",
    ("train.validate_every=-1",): "train.validate_every is -1; it has to be at least 0",
    ("eval.protocol=Mine/",): "it names a folder",
    ("eval.empty=diagonal",): "it goes with eval.frame=unit_cube",
    ("eval.metrics.iou.resolution=0",): "eval.metrics.iou: inr.metrics.volumes.GridIoU",
    ("eval.metrics.iou.resolutio=9",): "eval.metrics.iou.resolution",
    ("eval.dataset=shapenet",): "eval.dataset is 'shapenet'",
    ("stage=train", "meshes=a", "ground_truth=b"): "goes with stage=evaluate",
    ("stage=evaluate", "meshes=a"): "needs ground_truth as well",
    ("--cfg", "job", "train.epoch=7"): "did you mean 'train.epochs'?",
    ("+model.dim=7",): "'model.dim' cannot be set here",
    ("-m", "model.hidden_dim=32,wide"): "'model.hidden_dim' is 'wide'",
    ("-m", "model=deepsdf,sirene"): "model=sirene: there is no such choice",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_input_is_one_sentence_and_exit_code_2(
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert inr(monkeypatch, *arguments) == 2
    output = capsys.readouterr()
    *_, last = output.err.strip().splitlines()
    assert last.startswith("inr: ")
    assert WRONG[arguments] in last
    assert "Traceback" not in output.err
    assert list(tmp_path.iterdir()) == []


def test_help_names_stages_groups_choices_and_examples(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inr(monkeypatch, "--help") == 0
    text = capsys.readouterr().out
    for stage in ("prepare", "train", "reconstruct", "evaluate", "all"):
        assert f"\n  {stage} " in text
    for group, choices in group_choices().items():
        assert group in text
        assert all(choice in text for choice in choices)
    assert text.count("  python -m inr ") >= 3


def test_a_sweep_is_expanded_to_its_jobs() -> None:
    line = ["stage=train", "model.hidden_dim=32,64", "latent.dim=8,16"]
    jobs = expand_sweep(OverridesParser.create().parse_overrides(line))
    assert [job[1:] for job in jobs] == [
        [f"model.hidden_dim={h}", f"latent.dim={d}"] for h in (32, 64) for d in (8, 16)
    ]


def test_a_glob_is_expanded_to_the_choices_of_its_group(tmp_path: Path) -> None:
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss" / "sine.yaml").touch()
    parse = OverridesParser.create().parse_overrides
    jobs = expand_sweep(parse(["loss=glob(s*,exclude=sal*)"]), [str(tmp_path)])
    assert jobs == [["loss=sine"], ["loss=siren"]]
    with pytest.raises(ValueError, match=r"train\.epochs=glob\(\*\)' matches no choice"):
        expand_sweep(parse(["train.epochs=glob(*)"]))


def test_a_folder_of_ones_own_yaml_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine" / "model" / "narrow.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("defaults:\n  - deepsdf\n  - _self_\nhidden_dim: -5\n")
    ours = ("--config-dir", "mine")
    assert inr(monkeypatch, *ours, "model=narrow") == 2
    assert "model.hidden_dim is -5; it has to be at least 1" in capsys.readouterr().err
    assert inr(monkeypatch, *ours, "model=narow") == 2
    assert "model=narow: there is no such choice; did you mean 'narrow'?" in capsys.readouterr().err
    assert inr(monkeypatch, *ours, "model=narrow", "model.narow_skip=false") == 2
    assert "did you mean 'model.narrow_skip'?" in capsys.readouterr().err
    mine.write_text("_target_: inr.models.mlp.MLP\nwidth_of_mine: 3\n")
    assert inr(monkeypatch, *ours, "model=narrow", "model.width_of_mien=4") == 2
    assert "did you mean 'model.width_of_mine'?" in capsys.readouterr().err
    mine.write_text("width: [1\n  b: {")
    assert inr(monkeypatch, *ours, "model=narrow") == 2
    error = capsys.readouterr().err
    assert "a YAML file cannot be read: " in error and "narrow.yaml" in error
    assert error.count("\n") == 1
    assert inr(monkeypatch, "--config-dir", "nowhere", "stage=train") == 2


def test_an_error_of_a_library_is_not_blamed_on_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(job: object) -> None:
        int("no number")  # a ValueError that is not ours, as raised inside a library
        raise AssertionError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("inr.__main__.find_stage", lambda name, allow: broken)
    assert inr(monkeypatch, "stage=train") == 1
    assert "Traceback" in capsys.readouterr().err


def test_hydra_launches_what_changes_its_own_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else, since it composes the same twice more."""
    seen: list[tuple[bool, str | None, list[str], int]] = []

    def stage(job: Job) -> None:
        launched, variable = GlobalHydra.instance().is_initialized(), os.environ.get("MINE")
        seen.append((launched, variable, job.overrides.lines, job.raw["seed"]))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("inr.__main__.find_stage", lambda name, allow: stage)
    mine = tmp_path / "mine" / "experiment" / "own.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("# @package _global_\nseed: 5\nhydra:\n  job:\n    env_set:\n      MINE: '7'\n")
    assert inr(monkeypatch, "stage=train", "seed=4") == 0
    assert inr(monkeypatch, "stage=train", "hydra.verbose=false") == 0
    assert inr(monkeypatch, "--config-dir", "mine", "experiment=own") == 0
    mine.write_text("# @package _global_\nseed: 6\n")
    assert inr(monkeypatch, "--config-dir", "mine", "experiment=own") == 0
    assert seen == [
        (False, None, ["stage=train", "seed=4"], 4),
        (True, None, ["stage=train"], 0),
        (True, "7", ["experiment=own"], 5),
        (False, None, ["experiment=own"], 6),
    ]
