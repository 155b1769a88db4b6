"""Names of before: refused on the command line, understood in runs that have them."""

import pytest

from inr.config.compose import check_command_line, compose, register_resolvers
from inr.config.instantiate import resolve
from inr.config.migrate import SCHEMA_VERSION, migrate
from inr.config.renamed import (
    CHOICES,
    CLASSES,
    KEYS,
    finished_in_new_names,
    in_new_names,
    in_old_names,
)
from inr.config.validate import check_config
from inr.settings import get_path, put_path

register_resolvers()
OLD_LINES = {
    "optimizer.code_lr=1e-3": "the setting optimizer.code_lr is now called optimizer.latent_lr",
    "++optimizer.code_lr=1e-3": "optimizer.latent_lr",
    "optimizer={code_lr: 1e-3}": "optimizer.latent_lr",
    "model.code_layers=all": "model.latent_layers",
    "~loss.code": "the setting loss.code is now called loss.latent",
    "loss.code.weight=1e-3": "the setting loss.code.weight is now called loss.latent.weight",
    "data.sampling.edge_share=0.2": "data.sampling.edge_fraction",
    "prepare.drop_gone=true": "prepare.drop_missing",
    "truth=somewhere": "the setting truth is now called ground_truth",
    "latent=codes": "that choice is now called latent=default",
}


@pytest.mark.parametrize("line", OLD_LINES)
def test_an_old_name_is_refused_with_the_new_one(line: str) -> None:
    with pytest.raises(ValueError, match=r"is now called") as error:
        check_command_line([line], multirun=False, config_dir=None)
    assert OLD_LINES[line] in str(error.value) and f"'{line}'" in str(error.value)


def test_every_renamed_setting_is_tried_here() -> None:
    tried = " ".join(OLD_LINES)
    assert all(old in tried for old in KEYS)
    assert all(f"{group}={old}" in tried for group, olds in CHOICES.items() for old in olds)


def test_a_class_that_became_a_setting_of_another() -> None:
    with pytest.raises(ValueError, match=r"called 'inr\.metrics\.volumes\.GridIoU' with at=c"):
        resolve("inr.metrics.volumes.CornerGridIoU")
    for old, at in (("CornerGridIoU", "corners"), ("GridIoU", "centres")):
        target = f"inr.metrics.volumes.{old}"
        new = {"_target_": "inr.metrics.volumes.GridIoU", "resolution": 64, "at": at}
        assert in_new_names({"iou": {"_target_": target, "resolution": 64}}) == {"iou": new}
        made = finished_in_new_names({"metrics.iou.target": target, "seed": 0})
        assert made["metrics.iou.at"] == at and made["metrics.iou.target"] == new["_target_"]
    today = {"metrics.iou.target": "inr.metrics.volumes.GridIoU", "metrics.iou.at": "corners"}
    assert finished_in_new_names(today) == today


@pytest.mark.parametrize("old", CLASSES)
def test_an_old_class_is_refused_with_the_new_one(old: str) -> None:
    with pytest.raises(ValueError, match=rf"is now called '.*\.{CLASSES[old]}'"):
        resolve(f"inr.models.latents.{old}")


def test_an_old_key_in_a_yaml_of_ones_own_is_named() -> None:
    config = compose([])
    config["optimizer"]["code_lr"] = config["optimizer"].pop("latent_lr")
    with pytest.raises(ValueError, match=r"'optimizer\.code_lr': it is now 'optimizer.latent_lr'"):
        check_config(config)


def test_a_run_of_before_is_read_in_todays_names() -> None:
    now = compose(["data=chairs", "logger=none"])
    before = in_old_names(now)
    for old, new in KEYS.items():
        assert get_path(before, new) is None
        assert in_new_names({"x": get_path(before, old)}) == {"x": get_path(now, new)}, old
    assert before["latent"]["_target_"] == "inr.models.latents.Codes"
    assert before["data"]["family"]["_target_"] == "inr.shapes.chairs.Chairs"
    assert in_new_names(before) == now
    migrated = migrate(before, SCHEMA_VERSION - 1)
    assert migrated == now
    check_config(migrated)


@pytest.mark.parametrize("old", ["LatentNorm", "CodeNorm"])
def test_a_class_that_was_renamed_twice_is_read_by_both_names(old: str) -> None:
    now = compose(["logger=none"])
    target = now["loss"]["latent"]["_target_"]
    assert in_old_names(now)["loss"]["code"]["_target_"] == "inr.losses.CodeNorm"
    before = compose(["logger=none"])
    before["loss"]["latent"]["_target_"] = f"inr.losses.{old}"
    assert migrate(before, SCHEMA_VERSION - 1) == now
    made = finished_in_new_names({"loss.latent.target": f"inr.losses.{old}"})
    assert made == {"loss.latent.target": target}


def test_a_setting_that_is_newer_than_the_run_has_its_default() -> None:
    config = compose(["logger=none"])
    given = config["train"].pop("keep_checkpoints")
    put_path(config, "eval.seed", 7)
    migrated = migrate(config, SCHEMA_VERSION)
    assert migrated["train"]["keep_checkpoints"] == given
    assert migrated["eval"]["seed"] == 7 and "keep_checkpoints" not in config["train"]
