"""XML as it came: reading it without being led astray, and keeping what zonekit has no value for.

What another party sends is read with no document type, so no entities, no network and no file, and within bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

MAX_OCTETS = 2**20
"""How long a frame may be."""


def parse_xml(octets: bytes, *, max_octets: int = MAX_OCTETS) -> etree._Element:
    """Return the root element of a document.

    Raises:
        FrameError: it is too long, no well-formed XML, or has a document type.
    """
    raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An element that zonekit has no value for, kept as it came.

    Attributes:
        xml: it in canonical form (C14N), with the namespaces that it needs.

    Raises:
        FrameError: it is no element by itself.
    """

    xml: str
