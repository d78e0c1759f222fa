"""Preference pairs labelled with self-reference AI feedback: what users import, and what every process shares."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfref.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    """The clients, imported when first asked for: `selfref --help` must not pay for an HTTP library."""
    if name in __all__:
        return getattr(import_module("selfref.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
