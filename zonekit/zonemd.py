"""ZONEMD: a digest over a whole zone, in the zone (RFC 8976)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from zonekit import rdata as rd
from zonekit.errors import SigningError
from zonekit.names import name_text
from zonekit.nodes import canonical_record, split_node
from zonekit.zones import RRset, Zone

if TYPE_CHECKING:
    from hashlib import _Hash

SCHEME_SIMPLE: Final = 1
HASH_SHA384: Final = 1
HASH_SHA512: Final = 2
ZONEMD_HASHES: Final[dict[int, Callable[[], _Hash]]] = {HASH_SHA384: hashlib.sha384, HASH_SHA512: hashlib.sha512}
_FIXED_OCTETS: Final = 6


def zone_digest(zone: Zone, hash_algorithm: int = HASH_SHA384) -> bytes:
    """Return the digest of a zone under scheme SIMPLE (RFC 8976 section 3.3.1).

    The apex ZONEMD RRset and its RRSIGs are left out; everything else that the zone holds is in it.

    Raises:
        SigningError: the hash algorithm is not SHA-384 (1) or SHA-512 (2).
    """
    if hash_algorithm not in ZONEMD_HASHES:
        raise SigningError(f"ZONEMD hash algorithm {hash_algorithm} is not supported", rule="RFC 8976 section 2.2.3")
    running = ZONEMD_HASHES[hash_algorithm]()
    for owner, node in zone.nodes():
        lowered = owner.lower()
        at_apex = owner == zone.apex
        for rdtype, covers, records in split_node(node):
            if at_apex and rd.ZONEMD in (rdtype, covers):
                continue
            for record in records:
                running.update(lowered + canonical_record(record))
    return running.digest()


def current_zonemd(zone: Zone) -> RRset | None:
    """Return the apex ZONEMD RRset as it has to be for the zone as it stands, or None where the zone has none.

    Serial and digest are new; scheme, hash algorithms and TTL stay.

    Raises:
        SigningError: a scheme or hash algorithm that zonekit cannot recompute; remove that record first.
    """
    present = zone.get("@", rd.ZONEMD)
    if present is None:
        return None
    rdatas = []
    for rdata in present.rdatas:
        scheme, hash_algorithm = rdata[4], rdata[5]
        if scheme != SCHEME_SIMPLE or hash_algorithm not in ZONEMD_HASHES:
            raise SigningError(
                f"{name_text(zone.apex)}: ZONEMD scheme {scheme} with hash {hash_algorithm} cannot be recomputed",
                remedy="remove that record first",
                rule="RFC 8976 section 2.2",
            )
        digest = zone_digest(zone, hash_algorithm)
        rdatas.append(zone.serial.to_bytes(4, "big") + rdata[4:_FIXED_OCTETS] + digest)
    return RRset(owner=present.owner, rdtype=rd.ZONEMD, ttl=present.ttl, rdatas=tuple(rdatas))
