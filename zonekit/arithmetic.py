"""The parts of the ``cryptography`` package that zonekit uses, each loaded when a name of it is first used.

Most of what is done with keys needs a number, a mnemonic or a tag, and no arithmetic. Loading it takes longer than most of a
plan does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__all__ = ["ec", "ed448", "ed25519", "exceptions", "hashes", "padding", "rsa", "serialization", "utils"]

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils
else:

    class _Later:
        """Stands for a module, and loads it when a name of it is first used."""

        def __init__(self, module: str) -> None:
            self._module = module

        def __getattr__(self, name: str) -> object:
            value = getattr(importlib.import_module(self._module), name)
            setattr(self, name, value)  # from now on it is found without coming here
            return value

    exceptions = _Later("cryptography.exceptions")
    hashes = _Later("cryptography.hazmat.primitives.hashes")
    serialization = _Later("cryptography.hazmat.primitives.serialization")
    ec = _Later("cryptography.hazmat.primitives.asymmetric.ec")
    ed448 = _Later("cryptography.hazmat.primitives.asymmetric.ed448")
    ed25519 = _Later("cryptography.hazmat.primitives.asymmetric.ed25519")
    padding = _Later("cryptography.hazmat.primitives.asymmetric.padding")
    rsa = _Later("cryptography.hazmat.primitives.asymmetric.rsa")
    utils = _Later("cryptography.hazmat.primitives.asymmetric.utils")
