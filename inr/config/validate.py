"""Check the whole configuration before anything runs."""

from collections.abc import Mapping
from typing import Any

import torch

from inr.config.formats import build_formats
from inr.config.instantiate import check, resolve
from inr.config.schema import Config
from inr.config.sections import check_choice, check_section, structure
from inr.config.validate_eval import check_eval
from inr.config.validate_parts import check_family, check_parts
from inr.data.journal import Shard
from inr.data.names.paths import Naming, mistake_in
from inr.data.prepare.inside import SOUP_SIGNS, Soups
from inr.data.settings import SPLITS
from inr.data.sources import Family
from inr.losses import Loss
from inr.models.decoder import Decoder
from inr.models.inr import OUTPUTS
from inr.models.latents import Latents
from inr.render.interface import Renderer, Renderer2D
from inr.training.schedules import Schedule
from inr.training.tracking import Logger


def check_config(raw: Mapping[str, Any]) -> None:
    """Check the whole configuration before anything runs.

    Raises:
        ValueError: for the first mistake, naming the key and what is allowed.
    """
    check_section(Config, raw)
    config: Config = structure(Config, raw)
    allow = raw["allow"]
    splits = [raw["split"]] if isinstance(raw["split"], str) else raw["split"]
    if not isinstance(splits, list) or not splits:
        raise ValueError(f"split is {raw['split']!r}; it has to be one of {', '.join(SPLITS)}")
    for split in splits:
        check_choice("split", split, SPLITS)
        if splits.count(split) > 1:
            raise ValueError(f"split is {splits}; it names '{split}' more than once")
    _check_prepare(raw)
    if raw["data"]["dim"] not in (2, 3):
        raise ValueError(
            f"data.dim is {raw['data']['dim']}; it has to be 2 or 3 (null works if it can be "
            "inferred from the suffix of data.source)"
        )
    _check_together(raw)
    _check_naming(raw["data"]["name"], raw["data"]["classes"])
    context = {"dim": 2, "latent_dim": 1, "out_dim": 1, "num_parts": 1}
    check(decoder_entry(raw["model"]), "model", allow, kind=Decoder, **context)
    known: dict[str, Any] = {"names": [], "generator": None, "space_dim": 2, "poses": None}
    check(raw["latent"], "latent", allow, kind=Latents, **known)
    for name, term in raw["loss"].items():
        check(term, f"loss.{name}", allow, kind=Loss)
    check_parts(config)
    _check_output(raw)
    check_eval(raw)
    optimizer = raw["optimizer"]
    check(
        optimizer["algorithm"],
        "optimizer.algorithm",
        allow,
        kind=torch.optim.Optimizer,
        params=None,
        lr=0.0,
    )
    check(optimizer["schedule"], "optimizer.schedule", allow, kind=Schedule)
    check(raw["logger"], "logger", allow, kind=Logger)
    check(raw["renderer"]["solid"], "renderer.solid", allow, kind=Renderer)
    check(raw["renderer"]["flat"], "renderer.flat", allow, kind=Renderer2D)
    build_formats(raw["data"]["formats"], allow)
    if raw["data"]["family"] is not None:
        check(raw["data"]["family"], "data.family", allow, kind=Family)
        check_family(config)


def decoder_entry(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `_target_` entry of the decoder: `model` without `output` and `num_channels`.

    Raises:
        ValueError: if it lacks `output` or `num_channels`.
    """
    for key in ("output", "num_channels"):
        if key not in model:
            raise ValueError(f"'model' lacks the key '{key}'")
    return {key: value for key, value in model.items() if key not in ("output", "num_channels")}


def _check_output(raw: Mapping[str, Any]) -> None:
    """Check the loss terms, and that they fit the output of the model."""
    output, num_channels = raw["model"]["output"], raw["model"]["num_channels"]
    check_choice("model.output", output, OUTPUTS)
    if not isinstance(num_channels, int) or isinstance(num_channels, bool) or num_channels < 1:
        raise ValueError(f"model.num_channels is {num_channels!r}; it has to be 1 or more")
    if not raw["loss"]:
        raise ValueError("'loss' has no term; choose one with loss=<preset>")
    for name, term in raw["loss"].items():
        wanted = resolve(str(term["_target_"]), raw["allow"]).output
        if wanted not in (None, output):
            remedy = "loss=occupancy" if output == "occupancy" else "model.output=occupancy"
            raise ValueError(
                f"loss.{name} ({term['_target_']}) is for model.output={wanted}, which is "
                f"{output}; add {remedy}"
            )


def _check_together(raw: Mapping[str, Any]) -> None:
    """Check settings that have to fit one another."""
    ends = raw["sample"]["interpolate"]
    if len(ends) not in (0, 2):
        raise ValueError(f"sample.interpolate is {ends}; give the names of two training shapes")
    if ends and raw["sample"]["num_shapes"] < 2:
        raise ValueError(
            "sample.num_shapes is 1; an interpolation includes both ends: give at least 2"
        )
    view = raw["reconstruct"]["view"]
    if view is not None and not any(view):
        raise ValueError(f"reconstruct.view is {view}; it has to be a direction, not all zero")
    data = raw["data"]
    if data["sign"] in SOUP_SIGNS and data["thickness"] is not None:
        Soups(data["gap"], data["thickness"]).step(data["dim"])
    recipe = data["sampling"]
    counts, variances = recipe["near_counts"], recipe["near_variances"]
    if len(counts) != len(variances) or min([*counts, *variances, recipe["num_uniform"]]) < 0:
        raise ValueError(
            f"data.sampling.near_counts is {counts} and near_variances {variances}; give as many "
            "of one as of the other, none negative"
        )


def _check_prepare(raw: Mapping[str, Any]) -> None:
    shard = Shard.parse(raw["prepare"]["shard"])
    if shard.count > 1 and raw["stage"] != "prepare":
        raise ValueError(
            f"prepare.shard={raw['prepare']['shard']} goes with stage=prepare; the other stages "
            "need all shards to be done"
        )
    splits = raw["data"]["splits"]
    folds = splits["folds"]
    if folds is not None and (folds < 2 or splits["fold"] >= folds):
        raise ValueError(
            f"data.splits.folds is {folds} and data.splits.fold {splits['fold']}; there have to be "
            "at least 2 folds, counted from 0"
        )


def _check_naming(name: str | None, classes: list[str] | str | None) -> None:
    mistake = None if name is None else mistake_in(name)
    if mistake is not None:
        raise ValueError(f"data.name is {name}; {mistake}")
    if classes is not None and not (name and classes and Naming(name).has_class):
        raise ValueError(
            f"data.classes is {classes}, of data.name={name}; it takes names of classes, and a "
            "data.name that has {class}"
        )
