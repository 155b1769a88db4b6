"""Check that decoder, latents, losses and data agree on whether shapes are made of parts."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inr.config.instantiate import instantiate, resolve
from inr.data.sources import Family
from inr.models.parts.latents import PartLatents


def has_part_latents(raw: Mapping[str, Any]) -> bool:
    """Return whether a configuration has one latent per part."""
    return issubclass(resolve(str(raw["latent"]["_target_"]), raw["allow"]), PartLatents)


def check_parts(raw: Mapping[str, Any]) -> None:
    """Check that decoder, latents and losses agree on whether shapes are made of parts.

    Raises:
        ValueError: if they do not, naming the remedy.
    """
    allow, parts = raw["allow"], has_part_latents(raw)
    decoder, latents = str(raw["model"]["_target_"]), raw["latent"]["_target_"]
    if ("num_parts" in inspect.signature(resolve(decoder, allow)).parameters) != parts:
        one, other = (latents, decoder) if parts else (decoder, latents)
        remedy = "model=partsdf, or latent=default" if parts else "latent=parts"
        raise ValueError(f"{one} is for shapes made of parts, and {other} is not; add {remedy}")
    for name, term in raw["loss"].items():
        needs = resolve(str(term["_target_"]), allow).needs
        if not parts and {"parts", "labels"} & needs:
            raise ValueError(
                f"loss.{name} ({term['_target_']}) is for shapes made of parts; add model=partsdf "
                f"latent=parts, or leave it out: ~loss.{name}"
            )
    if parts and raw["model"]["output"] != "sdf":
        raise ValueError(
            f"model.output is {raw['model']['output']}; shapes made of parts are the minimum of "
            "their parts' distances: use model.output=sdf"
        )


def check_family(raw: Mapping[str, Any]) -> None:
    """Check that the shapes of a procedural family have parts if the latents are those of parts.

    Only the first shape is made. A data set that exists already is not checked here.

    Raises:
        ValueError: if the shapes have no parts, or the family cannot be built.
    """
    entry, root = raw["data"]["family"], raw["data"]["root"]
    is_made = raw["stage"] in ("prepare", "train", "all") and entry is not None
    if not is_made or not has_part_latents(raw) or (root is not None and Path(root).exists()):
        return
    family: Family = instantiate(entry, raw["allow"])
    names = family.names()
    if names and not family.make(names[0]).parts:
        raise ValueError(
            f"the shapes of data.family={entry['_target_']} have no parts, which "
            f"{raw['latent']['_target_']} needs; take data=chairs, data=meshes with parts beside "
            "the meshes, or a model without parts: model=deepsdf latent=default loss=deepsdf"
        )
