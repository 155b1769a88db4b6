"""Compose the configuration with Hydra; explain a mistake on the command line in one sentence."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from inr.config.overrides import Overrides, is_hydra_key, parse_overrides
from inr.config.renamed import CHOICES, refuse_renamed
from inr.hints import find_nearest, nearest

PACKAGE = Path(__file__).resolve().parents[1]
# inr/conf in an installed package; conf beside the package in a checkout
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"


# settings of Hydra that make it do more for a single job than compose its configuration
LAUNCH_SETTINGS = ("mode", "verbose", "output_subdir", "callbacks", "job.chdir", "job.env_set")


@dataclass(frozen=True)
class Composed:
    """Composed configuration of one job.

    Args:
        raw: resolved configuration.
        overrides: overrides as typed, without those of Hydra's own settings.
        name: experiment or model.
        needs_hydra: whether settings of Hydra itself are changed, so that it has to launch the job.
    """

    raw: dict[str, Any]
    overrides: list[str]
    name: str
    needs_hydra: bool


def register_resolvers() -> None:
    """Register the OmegaConf resolvers with which conf/config.yaml names directories."""
    OmegaConf.register_new_resolver("inr.name", job_name, replace=True)
    OmegaConf.register_new_resolver("inr.slug", slug, replace=True)


def job_name(choices: Mapping[str, Any]) -> str:
    """Return the name of the experiment, or of the model if there is no experiment."""
    return slug(str(choices.get("experiment") or choices["model"]))


def slug(text: str) -> str:
    """Return a text with characters that do not belong in a file name replaced by dashes."""
    kept = "".join(c if c.isalnum() or c in "=,._+-" else "-" for c in text)
    return kept[:120]


def check_command_line(
    overrides: Sequence[str], *, multirun: bool, config_dir: str | None
) -> list[Composed]:
    """Return the composed configuration of every job.

    Args:
        overrides: overrides on the command line.
        multirun: whether they describe a sweep (-m).
        config_dir: folder of the user's own YAML files, searched first.

    Raises:
        ValueError: for the first mistake, with the nearest valid name.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise ValueError(f"--config-dir {config_dir} is not a folder")
    parsed = parse_overrides(overrides)
    search = [str(Path(config_dir).resolve())] if config_dir is not None else []
    jobs = expand_sweep(parsed, search) if multirun else [[str(o.input_line) for o in parsed]]
    for job in jobs:
        refuse_renamed(Overrides(job))
    return [compose_job(job, search) for job in jobs]


def compose(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the resolved configuration for these overrides; see `compose_job`."""
    return compose_job(overrides).raw


def compose_job(overrides: Sequence[str], search: Sequence[str] = ()) -> Composed:
    """Return the composed configuration for these overrides.

    Args:
        overrides: overrides as typed, of one job and not of a sweep.
        search: folders of YAML files, searched besides conf/.

    Raises:
        ValueError: for an unknown group choice or key, with the nearest valid name, or a YAML file
            that cannot be read.
    """
    parsed = parse_overrides(overrides)
    # settings of Hydra itself are not part of the configuration
    task = [str(one.input_line) for one in parsed if not is_hydra_key(one.key_or_group)]
    found = [str(one.input_line) for one in parsed if one.key_or_group == "hydra.searchpath"]
    if search:
        found.append(f"hydra.searchpath=[{','.join('file://' + folder for folder in search)}]")
    with _own_hydra(), hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            config = hydra.compose("config", overrides=[*task, *found], return_hydra_config=True)
            with open_dict(config):
                settings = config.pop("hydra")
            raw = to_plain(config)
        except (HydraException, OmegaConfBaseException) as error:
            raise ValueError(_explain(error, [*task, *found])) from error
        except yaml.YAMLError as error:
            raise ValueError(
                f"a YAML file cannot be read: {' '.join(str(error).split())}"
            ) from error
    needs_hydra = len(task) < len(parsed) or any(
        OmegaConf.select(settings, key) for key in LAUNCH_SETTINGS
    )
    return Composed(raw, task, job_name(settings.runtime.choices), needs_hydra)


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Put aside the Hydra of the job that is running, which allows no other beside it."""
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        yield
    finally:
        GlobalHydra.instance().hydra = running


def to_plain(config: DictConfig) -> dict[str, Any]:
    """Return a configuration as plain, resolved dictionaries.

    Raises:
        ValueError: if a value that has no default is missing.
    """
    missing = OmegaConf.missing_keys(config)
    if missing:
        key = min(missing)
        raise ValueError(f"'{key}' has no default; add {key}=<value> to the command line")
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def expand_sweep(overrides: Sequence[Override], search: Sequence[str] = ()) -> list[list[str]]:
    """Return the overrides of each job, as Hydra's basic sweeper expands them.

    Args:
        overrides: overrides of a sweep.
        search: folders of YAML files, searched besides conf/.

    Raises:
        ValueError: if a glob matches no choice of its group.
    """
    choices = []
    for override in overrides:
        pattern = override.value()
        if isinstance(pattern, Glob):
            key = override.get_key_element()
            names = pattern.filter(group_choices(search).get(override.key_or_group, []))
            if not names:
                raise ValueError(f"'{override.input_line}' matches no choice of a group")
            choices.append([f"{key}={name}" for name in names])
        elif override.is_sweep_override() and override.is_discrete_sweep():
            key = override.get_key_element()
            choices.append([f"{key}={value}" for value in override.sweep_string_iterator()])
        elif not override.is_sweep_override():  # an interval is expanded by its own sweeper
            choices.append([str(override.input_line)])
    return [list(job) for job in product(*choices)]


def group_choices(search: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the choices of each configuration group in conf/, and in further folders."""
    found: dict[str, set[str]] = {}
    for root in (CONF, *map(Path, search)):
        for path in root.glob("*/**/*.yaml"):
            found.setdefault(path.parent.relative_to(root).as_posix(), set()).add(path.stem)
    return {group: sorted(found[group]) for group in sorted(found)}


def _explain(error: Exception, overrides: Sequence[str]) -> str:
    """Return one sentence on what is wrong with the overrides; call it inside Hydra's context."""
    from inr.config.job import FIXED_GROUPS  # imports torch, which --help does not need

    missing = re.search(r"Could not find '([^']+)/([^/']+)'", str(error))
    groups = group_choices()
    if missing is not None and missing[1] in groups:
        group, choice = missing.groups()
        # Hydra lists one choice per line, including those in the user's own folders
        found = re.search(r"Available options in '[^']*':((?:\n\t\S+)+)", str(error))
        choices = found[1].split() if found else groups[group]
        new = CHOICES.get(group.replace("/", "."), {}).get(choice)
        if new is not None:
            return f"{group}={choice}: that choice is now called {group}={new}"
        return f"{group}={choice}: there is no such choice; {nearest(choice, choices)}"
    parsed = parse_overrides(overrides)
    chosen = [
        str(o.input_line)
        for o in parsed
        if o.key_or_group in groups or is_hydra_key(o.key_or_group)  # folders of the user's own
    ]
    known = _flat_keys(_compose_choices(chosen))
    for override in parsed:
        key = override.key_or_group
        if is_hydra_key(key):
            continue
        if key not in groups and key not in known and not override.is_add():
            group, kept = key.split(".")[0], ""
            if group in FIXED_GROUPS and {"run", "resume"} & {o.key_or_group for o in parsed}:
                kept = f"; the {group} of a run cannot be changed: leave it out"
            return f"unknown key '{key}': {_nearest_key(key, [*known, *groups])}{kept}"
    return " ".join(str(error).split())


def _compose_choices(overrides: Sequence[str]) -> Any:
    """Return the configuration of these group choices, or the default one if they are invalid."""
    try:
        return OmegaConf.to_container(hydra.compose("config", overrides=list(overrides)))
    except (HydraException, OmegaConfBaseException):
        return OmegaConf.to_container(hydra.compose("config"))


def _nearest_key(key: str, known: Sequence[str]) -> str:
    """Return a hint naming the nearest key: in the same section if that exists, else anywhere."""
    section, _, name = key.rpartition(".")
    siblings = [other.rpartition(".")[2] for other in known if other.rpartition(".")[0] == section]
    if section and not siblings:
        found = find_nearest(key, known)
        return "see python -m inr --cfg job" if found is None else f"did you mean '{found}'?"
    hint = nearest(name, siblings)
    return hint.replace("mean '", f"mean '{section}.") if section else hint


def _flat_keys(config: Any, prefix: str = "") -> list[str]:
    """Return the dotted keys of a configuration, including those of its sections."""
    keys: list[str] = []
    for key, value in config.items() if isinstance(config, dict) else []:
        keys += [prefix + str(key), *_flat_keys(value, f"{prefix}{key}.")]
    return keys
