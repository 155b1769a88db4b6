"""Settings and classes that have another name than before: old ones are refused, old runs open."""

from collections.abc import Callable, Mapping
from typing import Any

from inr.config.overrides import Overrides

# what was typed before, and what it is now; likewise what lies below it
KEYS = {
    "optimizer.code_lr": "optimizer.latent_lr",
    "model.code_layers": "model.latent_layers",
    "loss.code": "loss.latent",
    "data.sampling.edge_share": "data.sampling.edge_fraction",
    "prepare.drop_gone": "prepare.drop_missing",
    "truth": "ground_truth",
}
# of a group's choices
CHOICES = {"latent": {"codes": "default"}}
# modules whose classes YAML files name
MODULES = {
    "inr.models.bodies": "inr.models.mlp",
    "inr.models.parts": "inr.models.parts.mlp",
    "inr.models.part_codes": "inr.models.parts.latents",
    "inr.metrics.assignment": "inr.metrics.earth_mover",
    "inr.shapes.chairs": "inr.shapes.procedural.chairs",
    "inr.shapes.naca": "inr.shapes.procedural.naca",
}
CLASSES = {
    "Codes": "Latents",
    "PartCodes": "PartLatents",
    "CodeNorm": "LatentNorm",
    "Heat": "HotSpot",
    "Silent": "NullLogger",
    "CornerGridIoU": "GridIoU",
    "Sphere": "GeometricInit",
}
# settings that tell apart what were classes of their own, by the class of before
ADDED = {
    "inr.metrics.volumes.CornerGridIoU": {"at": "corners"},
    "inr.metrics.volumes.GridIoU": {"at": "centres"},
}


def new_key(key: str) -> str | None:
    """Return what a dotted key is called now, None if it was not renamed."""
    for old, new in KEYS.items():
        if f"{key}.".startswith(f"{old}."):
            return new + key.removeprefix(old)
    return None


def new_target(target: str) -> str | None:
    """Return what a `_target_` is called now, None if it was not renamed."""
    module, _, name = target.rpartition(".")
    if not module.startswith("inr."):
        return None
    new = f"{MODULES.get(module, module)}.{CLASSES.get(name, name)}"
    return new if new != target else None


def now_called(key: str) -> str | None:
    """Return a hint at what a dotted key is called now, None if it was not renamed."""
    new = new_key(key)
    return None if new is None else f"it is now '{new}'"


def refuse_renamed(overrides: Overrides) -> None:
    """Refuse what was typed before, naming what it is now.

    Raises:
        ValueError: for the first override of that kind.
    """
    for one in overrides:
        choice = CHOICES.get(one.key, {}).get(one.value) if isinstance(one.value, str) else None
        if choice is not None:
            raise ValueError(f"'{one.line}': that choice is now called {one.key}={choice}")
        for key in one.keys:
            new = new_key(key)
            if new is not None:
                raise ValueError(f"'{one.line}': the setting {key} is now called {new}")


def in_new_names(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration, or a part of one in its place, in today's names."""
    return _rename(config, "", KEYS, new_target, ADDED)


def finished_in_new_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a finished shape was made with, a flat key each, in today's names."""
    found = dict(settings)
    for key, value in settings.items():
        path, _, name = key.rpartition(".")
        if name == "target":
            found[key] = new_target(value) or value
            found = {f"{path}.{n}": v for n, v in ADDED.get(value, {}).items()} | found
    return found


def in_old_names(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration in the names of before, of which names on disk are made."""
    return _rename(config, "", {new: old for old, new in KEYS.items()}, _old_target, {})


def _old_target(target: str) -> str:
    module, _, name = target.rpartition(".")
    modules = {new: old for old, new in MODULES.items()}
    classes = {new: old for old, new in CLASSES.items()}
    return f"{modules.get(module, module)}.{classes.get(name, name)}"


def _rename(
    config: Mapping[str, Any],
    where: str,
    keys: Mapping[str, str],
    targets: Callable[[str], str | None],
    added: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    found = {}
    for name, value in config.items():
        key = f"{where}{name}"
        if isinstance(value, Mapping):
            value = _rename(value, f"{key}.", keys, targets, added)
        elif name == "_target_":
            value = targets(str(value)) or value
        found[keys.get(key, key).rpartition(".")[2]] = value
    return {**added.get(str(config.get("_target_")), {}), **found}
