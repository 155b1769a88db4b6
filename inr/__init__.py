"""Experiments with implicit neural representations of shapes, in 2-D and 3-D."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inr.runs.trained import load_run

__all__ = ["__version__", "load_run"]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    # on first use: torch takes seconds to import, and our own modules import this one
    if name == "load_run":
        from inr.runs.trained import load_run

        return load_run
    raise AttributeError(f"module 'inr' has no attribute '{name}'")
