"""Check that decoder, latents, losses and data agree on whether shapes are made of parts."""

import inspect
from pathlib import Path

from inr.config.instantiate import instantiate, resolve
from inr.config.schema import Config
from inr.data.batch import check_needs
from inr.data.sources import Family


def check_parts(config: Config) -> None:
    """Check that decoder, latents and losses agree on whether shapes are made of parts.

    Raises:
        ValueError: if they do not, naming the remedy.
    """
    allow, parts = config.allow, config.num_parts is not None
    decoder, latents = str(config.model["_target_"]), config.latent["_target_"]
    if ("num_parts" in inspect.signature(resolve(decoder, allow)).parameters) != parts:
        one, other = (latents, decoder) if parts else (decoder, latents)
        remedy = "model=partsdf, or latent=default" if parts else "latent=parts"
        raise ValueError(f"{one} is for shapes made of parts, and {other} is not; add {remedy}")
    for name, term in config.loss.items():
        needs = resolve(str(term["_target_"]), allow).needs
        check_needs(needs, f"loss.{name} ({term['_target_']})")
        if not parts and {"parts", "labels"} & needs:
            raise ValueError(
                f"loss.{name} ({term['_target_']}) is for shapes made of parts; add model=partsdf "
                f"latent=parts, or leave it out: ~loss.{name}"
            )
    if parts and config.model["output"] != "sdf":
        raise ValueError(
            f"model.output is {config.model['output']}; shapes made of parts are the minimum of "
            "their parts' distances: use model.output=sdf"
        )


def check_family(config: Config) -> None:
    """Check that the shapes of a procedural family have parts if the latents are those of parts.

    Only the first shape is made. A data set that exists already is not checked here.

    Raises:
        ValueError: if the shapes have no parts, or the family cannot be built.
    """
    entry, root = config.data.family, config.data.root
    exists = root is not None and Path(root).exists()
    is_made = config.stage in ("prepare", "train", "all") and not exists
    if entry is None or config.num_parts is None or not is_made:
        return
    family: Family = instantiate(entry, config.allow)
    names = family.names()
    if names and not family.make(names[0]).parts:
        raise ValueError(
            f"the shapes of data.family={entry['_target_']} have no parts, which "
            f"{config.latent['_target_']} needs; take data=chairs, data=meshes with parts beside "
            "the meshes, or a model without parts: model=deepsdf latent=default loss=deepsdf"
        )
