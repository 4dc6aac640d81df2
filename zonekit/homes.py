"""Names of a package that are loaded from their modules when they are first used (PEP 562)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping


def names_at_home(
    package: str, homes: Mapping[str, str], held: dict[str, object]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package.

    Args:
        package: its name.
        homes: the module that each name is in.
        held: what the package holds already, its ``globals()``; a name that was loaded is kept there.

    Raises:
        AttributeError: from ``__getattr__``, for a name that has no home.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = held[name] = getattr(importlib.import_module(homes[name]), name)
        return value

    def names() -> list[str]:
        return sorted({*held, *homes})

    return load, names
