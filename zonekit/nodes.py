"""Nodes: the records at one owner name, packed.

A *record* here is a resource record in wire form without its owner name: type, class, TTL, RDLENGTH, RDATA. A *node* is
all the records at one owner (RFC 1034 section 3.1), one after the other, ordered by type and within a type by canonical
data (RFC 4034 section 6.3). Put the owner's name before a record and you have what an RRSIG signs; put it before every
record of a zone and you have what a ZONEMD digests. So a zone of a million names stays a million byte strings.

RRSIG records begin with the type they cover, so they are ordered by it, and an *RRset* of RRSIGs is the signatures over
one type: their TTL is that type's TTL (RFC 4034 section 3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, TypeAlias

from zonekit.rdata import RRSIG, canonical_rdata, has_names_to_lower

Record: TypeAlias = bytes
Node: TypeAlias = bytes
PackedRRset: TypeAlias = tuple[int, int, list[Record]]
"""A type, the type that its RRSIGs cover (0 for every other type), and the records."""

CLASS_IN: Final = 1
HEADER: Final = struct.Struct(">HHIH")
HEADER_OCTETS: Final = HEADER.size
_EXPIRATION_AT: Final = HEADER_OCTETS + 8
_EXPIRATION_END: Final = _EXPIRATION_AT + 4
_KEY_TAG_AT: Final = HEADER_OCTETS + 16
_KEY_TAG_END: Final = _KEY_TAG_AT + 2
_EMPTY: Final = b""
_IN: Final = CLASS_IN.to_bytes(2, "big")


def pack_record(rdtype: int, ttl: int, rdata: bytes) -> Record:
    """Return a record of class IN."""
    return HEADER.pack(rdtype, CLASS_IN, ttl, len(rdata)) + rdata


def rdata_of(record: Record) -> bytes:
    """Return the data of a record."""
    return record[HEADER_OCTETS:]


def ttl_of(record: Record) -> int:
    """Return the TTL of a record, in seconds."""
    return int.from_bytes(record[4:8], "big")


def with_ttl(record: Record, ttl: int) -> Record:
    """Return the record with another TTL."""
    return record[:4] + ttl.to_bytes(4, "big") + record[8:]


def canonical_record(record: Record) -> Record:
    """Return the record with its data in canonical form; the TTL stays (RFC 4034 section 6.2)."""
    rdtype = record[0] << 8 | record[1]
    if has_names_to_lower(rdtype):
        return record[:HEADER_OCTETS] + canonical_rdata(rdtype, record[HEADER_OCTETS:])
    return record


def record_order(record: Record) -> tuple[bytes, bytes]:
    """Return a key that sorts the records of a node: by type, then by canonical data."""
    rdtype = record[0] << 8 | record[1]
    return record[:2], canonical_rdata(rdtype, record[HEADER_OCTETS:])


def split_node(node: Node) -> list[PackedRRset]:
    """Return the RRsets of a node in order."""
    rdtype, _, _, length = HEADER.unpack_from(node)
    if len(node) == HEADER_OCTETS + length:
        return [(rdtype, node[10] << 8 | node[11] if rdtype == RRSIG else 0, [node])]
    rrsets: list[PackedRRset] = []
    start, end = 0, len(node)
    last_type = last_covered = -1
    while start < end:
        rdtype, _, _, length = HEADER.unpack_from(node, start)
        stop = start + HEADER_OCTETS + length
        covered = node[start + 10] << 8 | node[start + 11] if rdtype == RRSIG else 0
        if rdtype == last_type and covered == last_covered:
            rrsets[-1][2].append(node[start:stop])
        else:
            rrsets.append((rdtype, covered, [node[start:stop]]))
            last_type, last_covered = rdtype, covered
        start = stop
    return rrsets


def find_rrset(node: Node, rdtype: int, covers: int = 0) -> PackedRRset | None:
    """Return the RRset of this type in a node, or None."""
    if rdtype.to_bytes(2, "big") + _IN not in node:
        return None  # and where it is found, it may be in other data
    records: list[Record] = []
    start, end = 0, len(node)
    while start < end:
        found, _, _, length = HEADER.unpack_from(node, start)
        if found > rdtype:
            break
        stop = start + HEADER_OCTETS + length
        if found == rdtype and (found != RRSIG or node[start + 10] << 8 | node[start + 11] == covers):
            records.append(node[start:stop])
        start = stop
    return (rdtype, covers, records) if records and (covers == 0 or rdtype == RRSIG) else None


def signature_tags(nodes: Iterable[Node]) -> set[int]:
    """Return the key tags in the signatures of these nodes (RFC 4034 section 3.1.6)."""
    return _signature_numbers(nodes, _KEY_TAG_AT, _KEY_TAG_END)


def signature_expirations(nodes: Iterable[Node]) -> set[int]:
    """Return the expirations in the signatures of these nodes, as they stand there (RFC 4034 section 3.1.5)."""
    return _signature_numbers(nodes, _EXPIRATION_AT, _EXPIRATION_END)


def _signature_numbers(nodes: Iterable[Node], at: int, to: int) -> set[int]:
    """The numbers between two places of the signatures of these nodes."""
    found: set[bytes] = set()
    for node in nodes:
        start, end = 0, len(node)
        while start < end:
            if node[start + 1] == RRSIG and not node[start]:
                found.add(node[start + at : start + to])
            start += HEADER_OCTETS + (node[start + 8] << 8 | node[start + 9])
    return {int.from_bytes(octets, "big") for octets in found}


def join_node(rrsets: Iterable[PackedRRset]) -> Node:
    """Return the node of these RRsets, in whatever order they come; the records of each are already in order."""
    # No two have the same type and cover the same, so that the order never comes to hang on the records.
    return _EMPTY.join([record for rrset in sorted(rrsets) for record in rrset[2]])
