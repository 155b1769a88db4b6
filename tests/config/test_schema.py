"""The schema says everything of a setting once, and nothing of one that is not there."""

from dataclasses import is_dataclass
from typing import Any

import pytest

from inr.config.compose import compose, register_resolvers
from inr.config.job import FIXED_GROUPS, FIXED_ON_RESUME, FROM_MANIFEST, LATER_STAGE, OVERRIDABLE
from inr.config.schema import Config
from inr.config.validate import check_config
from inr.settings import Range, get_path, put_path, settings_of

register_resolvers()
SETTINGS = {one.key: one for one in settings_of(Config)}
RANGED = [one for one in SETTINGS.values() if any(isinstance(n, Range) for n in one.notes)]
CHOSEN = [one for one in SETTINGS.values() if one.choices]


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    return compose(["logger=none"])


def changed(config: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    copy = {name: dict(one) if isinstance(one, dict) else one for name, one in config.items()}
    if key.startswith("data."):
        copy["data"] = {n: dict(v) if isinstance(v, dict) else v for n, v in copy["data"].items()}
    put_path(copy, key, value)
    return copy


def test_every_default_is_in_range(composed: dict[str, Any]) -> None:
    for setting in RANGED:
        value = get_path(composed, setting.key)
        ranges = [note for note in setting.notes if isinstance(note, Range)]
        assert value is None or [r.mistake(value) for r in ranges] == [None], setting.key
    for setting in CHOSEN:
        value = get_path(composed, setting.key)
        assert value is None or value in setting.choices, setting.key


@pytest.mark.parametrize("setting", RANGED, ids=lambda one: one.key)
def test_a_number_out_of_range_is_refused_by_name(composed: dict[str, Any], setting: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{setting.key} is -1; it"):
        check_config(changed(composed, setting.key, -1))


@pytest.mark.parametrize("setting", CHOSEN, ids=lambda one: one.key)
def test_a_choice_that_there_is_not_is_refused(composed: dict[str, Any], setting: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{setting.key} is 'nonsense': "):
        check_config(changed(composed, setting.key, "nonsense"))
    with pytest.raises(ValueError, match=rf"^'{setting.key}' is 16; it has to be of type str"):
        check_config(changed(composed, setting.key, 16))


@pytest.mark.parametrize("value", ["'16'", "true", "yes", "16.5", "null"])
def test_what_is_no_whole_number_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"^'train.epochs' is .*; it has to be of type int$"):
        check_config(compose([f"train.epochs={value}"]))


@pytest.mark.parametrize("value", ["yes", "'true'", "1"])
def test_what_is_neither_true_nor_false_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"'train.sign_balanced' is .* of type bool"):
        check_config(compose([f"train.sign_balanced={value}"]))


@pytest.mark.parametrize(
    "line", ["optimizer.lr=inf", "optimizer.latent_lr=nan", "data.sampling.near_variances=[nan,1]"]
)
def test_what_is_not_finite_is_refused(line: str) -> None:
    with pytest.raises(
        ValueError, match=rf"^'{line.partition('=')[0]}' is .*; it has to be finite"
    ):
        check_config(compose([line]))


def test_what_depends_on_settings_is_read_off_the_schema() -> None:
    assert FIXED_GROUPS == ("data", "model", "latent", "loss")
    located = {"data.root", "data.source", "data.name", "data.classes"}
    assert located == set(OVERRIDABLE)
    assert {"data.sign", "data.sampling", "data.seed"} < set(FROM_MANIFEST)
    assert {"seed", "optimizer.algorithm", "train.shapes_per_batch"} < set(FIXED_ON_RESUME)
    assert "train.epochs" not in FIXED_ON_RESUME
    assert set(LATER_STAGE) == {
        "split",
        "eval",
        "reconstruct",
        "sample",
        "edit",
        "renderer",
        "logger",
    }


def test_every_setting_says_what_it_is() -> None:
    assert [
        one.key for one in SETTINGS.values() if not one.doc and not is_dataclass(one.type)
    ] == []


def test_every_setting_of_the_yaml_is_declared(composed: dict[str, Any]) -> None:
    for key in SETTINGS:
        path, _, name = key.rpartition(".")
        assert name in (get_path(composed, path) if path else composed), key
