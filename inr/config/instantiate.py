"""The only place that turns configuration into objects, and checks it before anything runs.

A `_target_` entry names a class; its schema is the constructor's signature. What the
configuration cannot know (the dimension of space, the latent width) is its *context*: handed by
name to every constructor that asks for it.
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

# the packages whose classes are parts of an experiment, and nothing else of ours
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
    """Import the class that `target` names, and check where it really lives.

    A prefix of the string proves nothing ('torch.nn.x.os.system' is a string too), so the
    object's own `__module__` is what has to lie under an allowed package.

    Raises:
        ValueError: if there is no such class, or it lives outside the allowed packages.
    """
    found: type[Any] = _import_allowed(
        target, (*ALLOWED, *allow), "_target_", "class", inspect.isclass
    )
    return found


def resolve_function(target: str, allowed: Iterable[str], *, key: str) -> Callable[..., Any]:
    """Import the function that `target` names, and check as `resolve` does where it really lives.

    Args:
        target: a dotted path.
        allowed: packages that it may live in.
        key: of the configuration, for messages.

    Raises:
        ValueError: if there is no such function, or it lives outside the allowed packages.
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
            f"to trust it, add allow=[{target.split('.')[0]}] to the command line"
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
        raise ValueError(f"{key} '{target}' is really {home}.{name}, which is not allowed")
    return public[name]


def check(
    entry: Mapping[str, Any],
    where: str,
    allow: Iterable[str] = (),
    *,
    kind: Any = object,
    **context: Any,
) -> None:
    """Check a `_target_` entry, and those inside it, against the constructors' signatures.

    Args:
        entry: the configuration of one object.
        where: its key.
        allow: packages that the user trusts besides ours.
        kind: the type (or union of types) that the place takes; protocols have to be runtime ones.
        context: what constructors are handed by name.

    Raises:
        ValueError: for an unknown key, a missing one or a wrong type, naming the key.
    """
    if "_target_" not in entry:
        raise ValueError(f"'{where}' lacks the key '_target_', which names a class")
    target = resolve(str(entry["_target_"]), allow)
    if not _makes(target, kind):
        raise ValueError(
            f"'{where}' has to be a {getattr(kind, '__name__', kind)}; {entry['_target_']} is none"
            f"{_remedy(kind)}"
        )
    if inspect.isabstract(target):
        lacking = ", ".join(sorted(target.__abstractmethods__))
        raise ValueError(f"'{where}': {entry['_target_']} cannot be made, since it lacks {lacking}")
    given = {key: value for key, value in entry.items() if key != "_target_"}
    parameters = dict(inspect.signature(target).parameters)
    hints = _type_hints(target)
    for key, value in given.items():
        if key not in parameters:
            settable = [n for n, p in parameters.items() if n not in context and not _is_rest(p)]
            hint = nearest(key, settable) if settable else "it takes no settings"
            raise ValueError(
                f"unknown key '{where}.{key}' for {entry['_target_']}: {hint}; if it belongs to "
                f"what this replaces, add ~{where}.{key}"
            )
        if key in context:
            raise ValueError(f"'{where}.{key}' is not for you to set: other settings decide it")
        if isinstance(value, Mapping) and "_target_" in value:
            inner = hints.get(key, Any)
            check(value, f"{where}.{key}", allow, kind=inner, **context)
        else:
            check_type(value, hints.get(key, Any), f"{where}.{key}")
    for name, parameter in parameters.items():
        required = parameter.default is inspect.Parameter.empty and not _is_rest(parameter)
        if required and name not in given and name not in context:
            raise ValueError(f"'{where}' lacks the key '{name}' that {entry['_target_']} needs")


def _remedy(kind: Any) -> str:
    """Return what a class has to derive from to be of a kind, empty where that is not a class."""
    if not inspect.isclass(kind) or getattr(kind, "_is_protocol", False):
        return ""
    return f"; a class of one's own derives from {kind.__module__}.{kind.__qualname__}"


def _is_rest(parameter: inspect.Parameter) -> bool:
    """Return whether it stands for arguments of any name, as those that nn.Module declares."""
    return parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def instantiate(entry: Mapping[str, Any], allow: Iterable[str] = (), **context: Any) -> Any:
    """Build what a checked `_target_` entry names, inner entries first."""
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
    except (TypeError, ValueError) as error:  # torch's own constructors check as ours do
        raise ValueError(f"{entry['_target_']}: {error}") from error


def _makes(target: type[Any], kind: Any) -> bool:
    return any(
        one is Any or (inspect.isclass(one) and issubclass(target, one))
        for one in alternatives(kind)
    )


def _type_hints(target: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except (NameError, TypeError):  # torch's own annotations do not all resolve at run time
        return {}
