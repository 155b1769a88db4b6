"""Check `_target_` entries of the configuration, and build objects from them.

A `_target_` entry names a class; its schema is the signature of the constructor. Arguments that the
entry does not set because other settings decide them (the dimension of space, the latent width) are
its *context*: they are passed by name to every constructor that has a parameter of that name.
"""

import importlib
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inr.config.renamed import ADDED, new_target
from inr.config.type_checks import check_type
from inr.hints import nearest
from inr.settings import alternatives

# the only packages whose classes an entry may name, besides those that the user allows
ALLOWED = (
    "inr.models",
    "inr.losses",
    "inr.shapes",
    "inr.training",
    "inr.metrics",
    "inr.render",
    "torch.optim",
    "torch.nn",
)


def resolve(target: str, allow: Iterable[str] = ()) -> type[Any]:
    """Import the class that `target` names, and check the module that defines it.

    Checking the prefix of the string is not enough ('torch.nn.x.os.system' has an allowed one), so
    the `__module__` of the class has to be in an allowed package.

    Raises:
        ValueError: if there is no such class, or it is defined outside the allowed packages.
    """
    found: type[Any] = _import_allowed(
        target, (*ALLOWED, *allow), "_target_", "class", inspect.isclass
    )
    return found


def resolve_function(target: str, allowed: Iterable[str], *, key: str) -> Callable[..., Any]:
    """Import the function that `target` names, and check the module that defines it.

    Args:
        target: dotted path of the function.
        allowed: packages that may define it.
        key: key of the configuration, for messages.

    Raises:
        ValueError: if there is no such function, or it is defined outside the allowed packages.
    """
    found: Callable[..., Any] = _import_allowed(
        target, tuple(allowed), key, "function", inspect.isfunction
    )
    return found


def _import_allowed(
    target: str, allowed: tuple[str, ...], key: str, kind: str, is_kind: Callable[[object], bool]
) -> Any:
    if not any(target.startswith(prefix + ".") for prefix in allowed):
        raise ValueError(
            f"{key} '{target}' is outside {', '.join(allowed)}; "
            f"to trust it, add allow=[{target.split('.')[0]}]"
        )
    new = new_target(target)
    if new is not None:
        settings = [f"{name}={value}" for name, value in ADDED.get(target, {}).items()]
        given = f" with {', '.join(settings)}" if settings else ""
        raise ValueError(f"{key} '{target}' is now called '{new}'{given}")
    module_name, _, name = target.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ValueError(f"{key} '{target}' cannot be imported: {error}") from error
    public = {n: v for n, v in vars(module).items() if is_kind(v) and n[0] != "_"}
    if name not in public:
        raise ValueError(f"'{module_name}' has no {kind} '{name}': {nearest(name, public)}")
    home = public[name].__module__
    if not any(home == prefix or home.startswith(prefix + ".") for prefix in allowed):
        raise ValueError(f"{key} '{target}' is defined in {home}, which is not allowed")
    return public[name]


def check(
    entry: Mapping[str, Any],
    where: str,
    allow: Iterable[str] = (),
    *,
    kind: Any = object,
    **context: Any,
) -> None:
    """Check a `_target_` entry, and the entries inside it, against the constructors' signatures.

    Args:
        entry: configuration of one object.
        where: key of the entry, for messages.
        allow: packages that the user trusts besides ours.
        kind: type, or union of types, that is accepted here; a Protocol has to be a runtime one.
        context: arguments that are passed by name to constructors that take them.

    Raises:
        ValueError: for an unknown key, a missing key or a wrong type, naming the key.
    """
    if "_target_" not in entry:
        raise ValueError(f"'{where}' lacks the key '_target_', which names a class")
    target = resolve(str(entry["_target_"]), allow)
    if not _is_kind(target, kind):
        raise ValueError(
            f"'{where}' has to be a {getattr(kind, '__name__', kind)}; {entry['_target_']} is not"
            f"{_remedy(kind)}"
        )
    if inspect.isabstract(target):
        lacking = ", ".join(sorted(target.__abstractmethods__))
        raise ValueError(f"'{where}': {entry['_target_']} is abstract: it lacks {lacking}")
    given = {key: value for key, value in entry.items() if key != "_target_"}
    parameters = dict(inspect.signature(target).parameters)
    hints = _type_hints(target)
    for key, value in given.items():
        if key not in parameters:
            settable = [
                n for n, p in parameters.items() if n not in context and not _is_variadic(p)
            ]
            hint = nearest(key, settable) if settable else "it takes no settings"
            raise ValueError(
                f"unknown key '{where}.{key}' for {entry['_target_']}: {hint}; if it belongs to "
                f"what this replaces, add ~{where}.{key}"
            )
        if key in context:
            raise ValueError(f"'{where}.{key}' cannot be set here: other settings decide it")
        if isinstance(value, Mapping) and "_target_" in value:
            inner = hints.get(key, Any)
            if typing.get_origin(inner) is typing.Annotated:
                inner = typing.get_args(inner)[0]
            check(value, f"{where}.{key}", allow, kind=inner, **context)
        else:
            check_type(value, hints.get(key, Any), f"{where}.{key}")
    for name, parameter in parameters.items():
        required = parameter.default is inspect.Parameter.empty and not _is_variadic(parameter)
        if required and name not in given and name not in context:
            raise ValueError(f"'{where}' lacks the key '{name}' that {entry['_target_']} needs")


def _remedy(kind: Any) -> str:
    """Return a hint at the base class of a kind; empty if the kind is not a class."""
    if not inspect.isclass(kind) or getattr(kind, "_is_protocol", False):
        return ""
    return f"; derive your class from {kind.__module__}.{kind.__qualname__}"


def _is_variadic(parameter: inspect.Parameter) -> bool:
    """Return whether a parameter is *args or **kwargs, as those of nn.Module."""
    return parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def instantiate(entry: Mapping[str, Any], allow: Iterable[str] = (), **context: Any) -> Any:
    """Build the object of a checked `_target_` entry, and before it those of the entries inside."""
    target = resolve(str(entry["_target_"]), allow)
    arguments = {
        key: instantiate(value, allow, **context)
        if isinstance(value, Mapping) and "_target_" in value
        else value
        for key, value in entry.items()
        if key != "_target_"
    }
    for name, value in context.items():
        if name in inspect.signature(target).parameters and name not in arguments:
            arguments[name] = value
    try:
        return target(**arguments)
    except (TypeError, ValueError) as error:  # constructors of torch raise them too
        raise ValueError(f"{entry['_target_']}: {error}") from error


def _is_kind(target: type[Any], kind: Any) -> bool:
    return any(
        one is Any or (inspect.isclass(one) and issubclass(target, one))
        for one in alternatives(kind)
    )


def _type_hints(target: Callable[..., Any]) -> dict[str, Any]:
    try:
        signature = target.__init__ if inspect.isclass(target) else target
        return typing.get_type_hints(signature, include_extras=True)
    except (NameError, TypeError):  # some annotations of torch do not resolve at run time
        return {}
