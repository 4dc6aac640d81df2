"""Frames built as the examples of RFC 5730, 5731, 5732, 5910 and 8063 are, with names, values and keys of our own.

A frame is named after the RFC and what it shows. The keys and the DS records are of real keys of example.nl: those of
the gaining operator are in ``fixtures/keys/gaining.dnskeys``, and the private half of every one was thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

EXAMPLES: Final[Mapping[str, bytes]] = {
    path.stem: path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.xml"))
}
