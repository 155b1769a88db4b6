"""Declaration of settings: type, range, documentation, and what depends on them.

A settings dataclass declares each setting once, on its field:

    epochs: Annotated[int, AtLeast(1), "passes over the training shapes"]

Choices are a `Literal`. Defaults are in the YAML files under conf/.
"""

import copy
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum, auto
from typing import Any, Literal

# a `_target_` entry of the configuration
Target = dict[str, Any]


class Range(ABC):
    """Base class of ranges of a number."""

    @abstractmethod
    def mistake(self, value: float) -> str | None:
        """Return what is wrong with a value; None if it is in range."""


@dataclass(frozen=True)
class AtLeast(Range):
    """At least a bound."""

    bound: int

    def mistake(self, value: float) -> str | None:
        """Return what is wrong with a value; None if it is in range."""
        return None if value >= self.bound else f"it has to be at least {self.bound}"


class Positive(Range):
    """Above 0."""

    def mistake(self, value: float) -> str | None:
        """Return what is wrong with a value; None if it is in range."""
        return None if value > 0 else "it has to be positive"


class Fraction(Range):
    """From 0 to 1, both included."""

    def mistake(self, value: float) -> str | None:
        """Return what is wrong with a value; None if it is in range."""
        return None if 0 <= value <= 1 else "it is a fraction, from 0 to 1"


class Role(Enum):
    """Role of a setting in later stages, in resumed runs and in the data set."""

    #: a checkpoint depends on it: later stages take the run's value, and refuse another
    FIXED_BY_CHECKPOINT = auto()
    #: later stages may override it although its group is FIXED_BY_CHECKPOINT
    OVERRIDABLE = auto()
    #: the training steps depend on it: a resumed run refuses another value
    FIXED_ON_RESUME = auto()
    #: the content of a shape's files depends on it; kept in the manifest of the data set
    AFFECTS_SAMPLES = auto()
    #: as AFFECTS_SAMPLES; later stages take it from the manifest
    FROM_MANIFEST = auto()
    #: never taken from a run that is opened
    JOB_ONLY = auto()
    #: taken from an experiment that the command line of a later stage names
    LATER_STAGE = auto()
    #: the results of an evaluation depend on it
    AFFECTS_METRICS = auto()


@dataclass(frozen=True)
class Fingerprint:
    """Mark of a setting that a reconstruction depends on.

    Args:
        of: results that depend on it: `mesh`, every mesh; `fit`, fitted latents; `fit_surface`,
            latents fitted with losses of surface points; `fit_parts`, fitted part latents.
        observed: values of reconstruct.observe for which it matters; empty for all.
    """

    of: Literal["mesh", "fit", "fit_surface", "fit_parts"]
    observed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """One setting of a schema.

    Args:
        key: dotted key, from the top of the schema.
        type: type, without its annotations.
        notes: annotations: documentation, range, role.
    """

    key: str
    type: Any
    notes: tuple[Any, ...]

    @property
    def doc(self) -> str:
        """Return its documentation, one line."""
        return next((note for note in self.notes if isinstance(note, str)), "")

    @property
    def choices(self) -> tuple[Any, ...]:
        """Return the allowed values; empty if any value of its type is allowed."""
        literals = [one for one in alternatives(self.type) if typing.get_origin(one) is Literal]
        return tuple(value for one in literals for value in typing.get_args(one))


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union; of another type, the type itself."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)


def settings_of(schema: type[Any], prefix: str = "") -> Iterator[Setting]:
    """Yield the settings of a schema, each section before its settings."""
    for name, hint in typing.get_type_hints(schema, include_extras=True).items():
        notes: tuple[Any, ...] = ()
        if typing.get_origin(hint) is typing.Annotated:
            hint, *rest = typing.get_args(hint)
            notes = tuple(rest)
        yield Setting(prefix + name, hint, notes)
        if is_dataclass(hint):
            yield from settings_of(typing.cast(type, hint), f"{prefix}{name}.")


def keys_with(schema: type[Any], role: Role, prefix: str = "") -> tuple[str, ...]:
    """Return the dotted keys of the settings that have a role."""
    return tuple(one.key for one in settings_of(schema, prefix) if role in one.notes)


def get_path(config: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key, None if there is none."""
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def put_path(config: dict[str, Any], key: str, value: Any) -> None:
    """Set the value of a dotted key, creating sections that are missing."""
    *path, last = key.split(".")
    for name in path:
        config = config.setdefault(name, {})
    config[last] = copy.deepcopy(value)
