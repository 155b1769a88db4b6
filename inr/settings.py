"""What a setting is declared with: its type, range, doc, and what depends on it.

A settings dataclass says all of it once, on the field:

    epochs: Annotated[int, AtLeast(1), "passes over the training shapes"]

Choices are a `Literal`. Defaults live in the YAML files under conf/.
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
    """Range of a number."""

    @abstractmethod
    def mistake(self, value: float) -> str | None:
        """Return what is wrong with a value, None if it is in range."""


@dataclass(frozen=True)
class AtLeast(Range):
    """From a bound on."""

    bound: int

    def mistake(self, value: float) -> str | None:
        """Return what is wrong with a value, None if it is in range."""
        return None if value >= self.bound else f"it has to be at least {self.bound}"


class Positive(Range):
    """Above 0."""

    def mistake(self, value: float) -> str | None:
        """Return what is wrong with a value, None if it is in range."""
        return None if value > 0 else "it has to be positive"


class Fraction(Range):
    """From 0 to 1, both included."""

    def mistake(self, value: float) -> str | None:
        """Return what is wrong with a value, None if it is in range."""
        return None if 0 <= value <= 1 else "it is a fraction, from 0 to 1"


class Role(Enum):
    """What depends on a setting, besides the code that reads it."""

    #: a checkpoint was trained with it: later stages take the run's own, and refuse another
    FIXED_BY_CHECKPOINT = auto()
    #: it may differ although the group that it is in is fixed
    MOVABLE = auto()
    #: the steps of a resumed run would be others with another value
    FIXED_ON_RESUME = auto()
    #: it decides how a shape's files look, and is kept in the data set's manifest
    OF_SAMPLES = auto()
    #: likewise; training takes it from the manifest
    ADOPTED = auto()
    #: it is never taken from a run that is opened
    OF_THIS_JOB = auto()
    #: an experiment named on the command line of a later stage brings its own
    OF_LATER_STAGE = auto()
    #: the numbers of an evaluation depend on it
    OF_NUMBERS = auto()


@dataclass(frozen=True)
class Fingerprint:
    """Mark of a setting that a reconstruction depends on: with another it is made anew.

    Args:
        of: what depends on it: every `mesh`; `fit`, latents that are fitted; `fit_surface`, those
            fitted by losses of surface points; `fit_parts`, those of parts.
        observed: the values of reconstruct.observe for which it matters; empty for all.
    """

    of: Literal["mesh", "fit", "fit_surface", "fit_parts"]
    observed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """One setting of a schema.

    Args:
        key: dotted, from the schema's top.
        type: without what it is annotated with.
        notes: what it is annotated with.
    """

    key: str
    type: Any
    notes: tuple[Any, ...]

    @property
    def doc(self) -> str:
        """Return what it says, one line."""
        return next((note for note in self.notes if isinstance(note, str)), "")

    @property
    def choices(self) -> tuple[Any, ...]:
        """Return the values that it may have; empty for any of its type."""
        literals = [one for one in alternatives(self.type) if typing.get_origin(one) is Literal]
        return tuple(value for one in literals for value in typing.get_args(one))


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the one type that it is."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)


def settings_of(schema: type[Any], prefix: str = "") -> Iterator[Setting]:
    """Yield the settings of a schema, each section before what is in it."""
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
    """Return the value of a dotted key, None where there is none."""
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def put_path(config: dict[str, Any], key: str, value: Any) -> None:
    """Set the value of a dotted key, making the sections on the way."""
    *path, last = key.split(".")
    for name in path:
        config = config.setdefault(name, {})
    config[last] = copy.deepcopy(value)
