"""What the RFCs demand of an EPP frame, as RELAX NG grammars: RFC 5730, 5731, 5732, 5910 and 8063; and zonekit's own.

The grammars say in words of their own what the schemas of those RFCs say. Elements of other namespaces are let through
where the schemas let them stand: what a grammar does not describe it cannot judge.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from lxml import etree

_START: Final = Path(__file__).with_name("epp-1.0.rng")
_HINTS: Final = ("schemaLocation", "noNamespaceSchemaLocation")
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"


def problems(octets: bytes) -> list[str]:
    """Return what is wrong with a frame, by line; an empty list says that it is valid."""
    try:
        frame = etree.fromstring(octets, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    except etree.XMLSyntaxError as error:
        return [f"not well-formed: {error}"]
    _drop_schema_hints(frame)
    grammar = _grammar()
    if grammar.validate(frame):
        return []
    return [f"line {error.line}: {error.message}" for error in grammar.error_log] or ["it does not follow the grammar"]


def assert_valid(octets: bytes) -> None:
    """Fail with what is wrong and with the frame itself, unless it is valid."""
    found = problems(octets)
    assert not found, "\n".join([*found, octets.decode(errors="backslashreplace")])


@functools.cache
def _grammar() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(_START))


def _drop_schema_hints(frame: etree._Element) -> None:
    """Remove where a sender says that its schemas are; that may stand on any element, and means nothing (RFC 5730)."""
    for element in frame.iter(etree.Element):
        for hint in _HINTS:
            element.attrib.pop(f"{{{_INSTANCE}}}{hint}", "")
