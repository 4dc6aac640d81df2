"""Zones for the laboratory: small, with TTLs in seconds, names that are there, a wildcard, and delegations of none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tests.lab.parent import TLD, new_keys, validity
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey
from zonekit.signing import sign_zone
from zonekit.zones import RRset, Zone

TTL: Final = 4
NEGATIVE_TTL: Final = 2


def unsigned_zone(
    domain: str,
    hosts: Sequence[str],
    *,
    ttl: int = TTL,
    ns_ttl: int | None = None,
    negative_ttl: int = NEGATIVE_TTL,
    serial: int = 1,
    address: str = "192.0.2.1",
    more: Iterable[RRset] = (),
) -> Zone:
    """A zone with the names that the client asks for: ``www`` and a wildcard below ``wild``."""
    soa = f"{hosts[0]} hostmaster.{domain} {serial} 3600 600 86400 {negative_ttl}"
    return Zone.from_rrsets(
        domain,
        [
            RRset.from_text(domain, ttl, "SOA", soa),
            RRset.from_text(domain, ttl if ns_ttl is None else ns_ttl, "NS", *hosts),
            RRset.from_text(f"www.{domain}", ttl, "A", address),
            RRset.from_text(f"*.wild.{domain}", ttl, "A", address),
            RRset.from_text(f"long.{domain}", 3 * ttl, "TXT", '"kept for longer than the rest"'),
            *more,
        ],
    )


def signed_zone(
    zone: Zone,
    keys: Sequence[SigningKey] | None = None,
    *,
    dnskey_ttl: int = TTL,
    valid: SignatureValidity | None = None,
) -> tuple[Zone, tuple[SigningKey, ...]]:
    """The zone signed with these keys, or with a KSK and a ZSK made for it; and the keys."""
    chosen = tuple(keys or new_keys(zone.origin.to_text()))
    return sign_zone(zone, chosen, validity=valid or validity(), dnskey_ttl=dnskey_ttl), chosen


def child(label: str) -> str:
    """A domain under the TLD."""
    return f"{label}.{TLD}"
