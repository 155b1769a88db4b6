"""Settings and classes that were renamed: old names are refused, but old runs open."""

from collections.abc import Callable, Mapping
from typing import Any

from inr.config.overrides import Overrides

# old to new keys; the keys below them are renamed likewise
KEYS = {
    "optimizer.code_lr": "optimizer.latent_lr",
    "model.code_layers": "model.latent_layers",
    "loss.code": "loss.latent",
    "data.sampling.edge_share": "data.sampling.edge_fraction",
    "prepare.drop_gone": "prepare.drop_missing",
    "truth": "ground_truth",
}
# old to new choices, by group
CHOICES = {"latent": {"codes": "default"}}
# old to new modules with classes that YAML files name
MODULES = {
    "inr.models.bodies": "inr.models.mlp",
    "inr.models.parts": "inr.models.parts.mlp",
    "inr.models.part_codes": "inr.models.parts.latents",
    "inr.metrics.assignment": "inr.metrics.earth_mover",
    "inr.shapes.chairs": "inr.shapes.procedural.chairs",
    "inr.shapes.naca": "inr.shapes.procedural.naca",
}
# of two old names of a class the older one comes last: `in_old_names` takes it
CLASSES = {
    "Codes": "Latents",
    "PartCodes": "PartLatents",
    "LatentNorm": "LatentRegularisation",
    "CodeNorm": "LatentRegularisation",
    "WeightNorm": "WeightDecay",
    "Heat": "HotSpot",
    "Silent": "NullLogger",
    "CornerGridIoU": "GridIoU",
    "Sphere": "GeometricInit",
}
# settings that replace a class which was merged into another, by the old class
ADDED = {
    "inr.metrics.volumes.CornerGridIoU": {"at": "corners"},
    "inr.metrics.volumes.GridIoU": {"at": "centres"},
}


def new_key(key: str) -> str | None:
    """Return the new name of a dotted key, None if it was not renamed."""
    for old, new in KEYS.items():
        if f"{key}.".startswith(f"{old}."):
            return new + key.removeprefix(old)
    return None


def new_target(target: str) -> str | None:
    """Return the new name of a `_target_`, None if it was not renamed."""
    module, _, name = target.rpartition(".")
    if not module.startswith("inr."):
        return None
    new = f"{MODULES.get(module, module)}.{CLASSES.get(name, name)}"
    return new if new != target else None


def renamed_hint(key: str) -> str | None:
    """Return a hint with the new name of a dotted key, None if it was not renamed."""
    new = new_key(key)
    return None if new is None else f"it is now '{new}'"


def refuse_renamed(overrides: Overrides) -> None:
    """Refuse old names on the command line, and name the new ones.

    Raises:
        ValueError: for the first override with an old name.
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
    """Return a configuration in current names; a section has to be nested under its key."""
    return _rename(config, "", KEYS, new_target, ADDED)


def finished_in_new_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a finished shape, by dotted key, in current names."""
    found = dict(settings)
    for key, value in settings.items():
        path, _, name = key.rpartition(".")
        if name == "target":
            found[key] = new_target(value) or value
            found = {f"{path}.{n}": v for n, v in ADDED.get(value, {}).items()} | found
    return found


def in_old_names(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration in its first names, from which hashes in folder names are computed."""
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
