"""Check values from YAML against the types that signatures and schemas declare."""

import inspect
import math
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inr.settings import Range


def check_type(value: Any, hint: Any, where: str) -> None:
    """Check a value from YAML against a type, and against the range of an annotated one.

    Raises:
        ValueError: if it does not fit, naming the key, and the type or the range.
    """
    if any(isinstance(one, float) and not math.isfinite(one) for one in _numbers(value)):
        raise ValueError(f"'{where}' is {value!r}; it has to be finite")
    if not fits(value, hint):
        quoted = ""
        if isinstance(value, int | float) and fits(str(value), hint):
            what = "true or false" if isinstance(value, bool) else "digits"
            typed = str(value).lower()
            quoted = f"; a name of {what} needs quotes: \"{where}='{typed}'\""
        elif isinstance(value, str) and fits([value], hint):
            quoted = f"; write {where}=[{value}]"
        raise ValueError(f"'{where}' is {value!r}; it has to be of type {_name(hint)}{quoted}")
    if typing.get_origin(hint) is typing.Annotated:
        check_range(value, typing.get_args(hint)[1:], where)


def check_range(value: Any, notes: Iterable[Any], where: str) -> None:
    """Check a value against the ranges among the notes of its annotation; null always passes.

    Raises:
        ValueError: if it is out of range, naming the key.
    """
    for note in notes:
        if value is not None and isinstance(note, Range):
            mistake = note.mistake(value)
            if mistake is not None:
                raise ValueError(f"{where} is {value}; {mistake}")


def _numbers(value: Any) -> Iterator[Any]:
    """Yield a value, or those in a list of lists."""
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _numbers(one)
    else:
        yield value


def _name(hint: Any) -> str:
    """Return a type as a person writes it; a Literal of words is a str."""
    if typing.get_origin(hint) is typing.Annotated:
        return _name(typing.get_args(hint)[0])
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__name__
    return re.sub(r"Literal\[[^\]]*\]", "str", str(hint).replace("typing.", ""))


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value from YAML has a type; neither true nor '16' is a number."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return fits(value, arguments[0])
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is typing.Literal:  # the choices themselves are checked elsewhere
        return any(type(value) is type(choice) for choice in arguments)
    if origin in (list, typing.Sequence) or (
        isinstance(origin, type) and origin.__name__ == "Sequence"
    ):
        inner = arguments[0] if arguments else Any
        return isinstance(value, (list, tuple)) and all(fits(item, inner) for item in value)
    if origin is dict:
        return isinstance(value, Mapping) and all(fits(v, arguments[1]) for v in value.values())
    if hint in (None, type(None)):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is str:
        return isinstance(value, str)
    if inspect.isclass(hint) and hint not in (Any, object) and not typing.is_typeddict(hint):
        # only a _target_ entry makes such an object
        return isinstance(value, hint)
    return True  # Any, and types that only a constructor can check
