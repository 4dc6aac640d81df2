"""Verification: would this zone, this chain from the parent, break now? (RFC 4035, RFC 5155, RFC 7344, RFC 8976)

:func:`verify_zone` judges a whole zone and :func:`verify_chain` what leads from the parent's DS to its keys. Both return
every finding there is, never only the first; :data:`CODES` lists what they can find.
"""

from zonekit.verifying.chain import verify_chain
from zonekit.verifying.codes import CODES, Code
from zonekit.verifying.verification import Extent, Verification
from zonekit.verifying.zone import verify_zone

__all__ = ["CODES", "Code", "Extent", "Verification", "verify_chain", "verify_zone"]
