"""Verification: would this zone, this chain from the parent, break now? (RFC 4035, RFC 5155, RFC 7344, RFC 8976)

:func:`verify_zone` judges a whole zone and :func:`verify_chain` what leads from the parent's DS to its keys. Both return
every finding there is, never only the first; :data:`CODES` lists what they can find.

Each name is loaded from its module when it is first used: the planner needs the codes, and not the verifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zonekit.homes import names_at_home

if TYPE_CHECKING:
    from zonekit.verifying.chain import verify_chain
    from zonekit.verifying.codes import CODES, Code
    from zonekit.verifying.verification import Extent, Verification
    from zonekit.verifying.zone import verify_zone

__all__ = ["CODES", "Code", "Extent", "Verification", "verify_chain", "verify_zone"]

_HOMES: Final = {
    "CODES": "zonekit.verifying.codes",
    "Code": "zonekit.verifying.codes",
    "Extent": "zonekit.verifying.verification",
    "Verification": "zonekit.verifying.verification",
    "verify_chain": "zonekit.verifying.chain",
    "verify_zone": "zonekit.verifying.zone",
}

# Hidden from type checkers, which would otherwise take any misspelt name for an object.
if not TYPE_CHECKING:
    __getattr__, __dir__ = names_at_home(__name__, _HOMES, globals())
