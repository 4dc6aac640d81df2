"""Facts from zones: what two signed zones and the parent's DS say about a transfer, so that nobody copies it by hand."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from zonekit import rdata as rd
from zonekit.dnskeys import Dnskey, dnskeys_of, signer_of
from zonekit.ds import matches_ds
from zonekit.errors import PlanError
from zonekit.instants import from_epoch_seconds
from zonekit.names import WireName, is_subdomain, name_text, order_key
from zonekit.nodes import HEADER_OCTETS, ttl_of
from zonekit.transfer import values
from zonekit.transfer.parties import OperatorFacts, OperatorKey, begun_already
from zonekit.transfer.versions import DsEntry, Key, Overlap, Source
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

TYPES_OF_THEIR_OWN: Final = frozenset((rd.NS, rd.DNSKEY))
"""What at the apex has a TTL of its own in the facts."""


def facts_of(
    losing_zone: Zone,
    gaining_zone: Zone,
    parent_ds: RRset | None,
    *,
    losing_delay: timedelta,
    gaining_delay: timedelta,
    expiring: Iterable[Source],
) -> tuple[OperatorFacts, OperatorFacts, frozenset[DsEntry], tuple[Overlap, ...]]:
    """Return what the zones say: both operators, the DS records and the servers shared: see :meth:`Facts.from_zones`.

    A name server in the domain that has an address in both zones is one server of both, whatever it is called.

    Raises:
        PlanError: the zones are of different names, a key signs both, a DS is of no key of the losing zone, or a name
            server in the domain has no address.
    """
    if order_key(losing_zone.apex) != order_key(gaining_zone.apex):
        raise PlanError(
            f"the zones are {name_text(losing_zone.apex)} and {name_text(gaining_zone.apex)}",
            remedy="give two versions of one zone",
        )
    for name, delay in (("losing_delay", losing_delay), ("gaining_delay", gaining_delay)):
        values.delay(delay, name)
    losing, gaining = _seen(losing_zone), _seen(gaining_zone)
    expire = frozenset(expiring)
    losing_keys = _operator_keys(losing, gaining, Source.LOSING)
    gaining_keys = _operator_keys(gaining, losing, Source.GAINING)
    servers = _addresses(losing_zone), _addresses(gaining_zone)
    same = {name for name in servers[0].keys() & servers[1].keys() if servers[0][name] == servers[1][name]}
    shared = frozenset().union(*servers[0].values()) & frozenset().union(*servers[1].values())
    return (
        _operator(losing, losing_keys, losing_delay, same, renewed=Source.LOSING not in expire),
        _operator(gaining, gaining_keys, gaining_delay, same, renewed=Source.GAINING not in expire),
        _ds_entries(parent_ds, losing_zone.apex, losing_keys, gaining_keys),
        (Overlap(asked=Source.LOSING, answers=Source.GAINING),) if shared else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one walk through a zone shows.

    Attributes:
        zone: the zone.
        keys: its DNSKEYs that validators use.
        data_ttl: the largest TTL of every RRset that has none of its own in the facts.
        signed: by signer, the types that it signed.
        first_expires: the earliest expiration of a signature; None where there is none.
    """

    zone: Zone
    keys: tuple[Dnskey, ...]
    data_ttl: Ttl
    signed: dict[tuple[int, int], set[int]] = field(default_factory=dict)
    first_expires: datetime | None

    def does(self, key: Dnskey) -> set[int]:
        """The types that a key signed."""
        return self.signed.get((key.algorithm, key.key_tag), set())


def _seen(zone: Zone) -> _Seen:
    dnskeys = zone.get("@", rd.DNSKEY)
    data_ttl, first_expires = 0, None
    signed: dict[tuple[int, int], set[int]] = {}
    for owner, _, rrsets in zone.walk():
        for rdtype, covers, records in rrsets:
            if owner != zone.apex or not TYPES_OF_THEIR_OWN & {rdtype, covers}:
                data_ttl = max(data_ttl, ttl_of(records[0]))
            for record in records if rdtype == rd.RRSIG else ():
                rrsig = record[HEADER_OCTETS:]
                signed.setdefault(signer_of(rrsig), set()).add(covers)
                expires = int.from_bytes(rrsig[8:12], "big")
                first_expires = expires if first_expires is None else min(first_expires, expires)
    return _Seen(
        zone=zone,
        keys=()
        if dnskeys is None
        else tuple(key for key in dnskeys_of(dnskeys) if key.is_zone_key and not key.is_revoked),
        data_ttl=Ttl(data_ttl),
        signed=signed,
        first_expires=None if first_expires is None else from_epoch_seconds(first_expires),
    )


def _operator_keys(own: _Seen, other: _Seen, source: Source) -> dict[Dnskey, OperatorKey]:
    """The keys of one operator, with what each signs."""
    found: dict[Dnskey, OperatorKey] = {}
    for key in own.keys:
        does = own.does(key)
        if key in other.keys:
            if does and other.does(key):
                raise PlanError(
                    f"{name_text(own.zone.apex)}: key {key.key_tag} signs both zones",
                    remedy="each operator signs with keys of its own",
                    rule="RFC 8901 section 2.1.2",
                )
            if not does and (other.does(key) or source is Source.GAINING):
                continue  # the other operator's, published here
        signs_dnskey, signs_data = rd.DNSKEY in does, bool(does - rd.KSK_SIGNED_TYPES)
        role = (
            "CSK"
            if signs_dnskey and signs_data
            else "KSK"
            if signs_dnskey or (key.is_sep and not signs_data)
            else "ZSK"
        )
        name = f"{role} {key.key_tag} of the {source.value} operator"
        if any(name == each.key.name for each in found.values()):
            name += f", algorithm {key.algorithm}"
        found[key] = OperatorKey(
            key=Key(name=name, algorithm=key.algorithm), signs_dnskey=signs_dnskey, signs_data=signs_data
        )
    return found


def _operator(
    seen: _Seen, keys: dict[Dnskey, OperatorKey], delay: timedelta, same: Container[WireName], *, renewed: bool
) -> OperatorFacts:
    zone = seen.zone
    # A server that keeps its name and address changes nothing for those who know it: the overlap is all that counts.
    servers = [name for name in zone.apex_rrset(rd.NS).rdatas if name.lower() not in same]
    return OperatorFacts(
        keys=tuple(keys.values()),
        ns_ttl=zone.apex_rrset(rd.NS).ttl,
        dnskey_ttl=zone.apex_rrset(rd.DNSKEY).ttl if seen.keys else zone.negative_ttl,
        data_ttl=seen.data_ttl,
        negative_ttl=zone.negative_ttl,
        propagation_delay=delay,
        name_servers=frozenset(map(name_text, servers)),
        address_ttl=_address_ttl(zone, [name for name in servers if is_subdomain(name, zone.apex)]),
        signatures_expire=None if renewed else seen.first_expires,
    )


def _addresses(zone: Zone) -> dict[WireName, frozenset[bytes]]:
    """The addresses of the name servers whose names lie in the zone."""
    found = {}
    for server in zone.apex_rrset(rd.NS).rdatas:
        if is_subdomain(server, zone.apex):
            rrsets = [rrset for rdtype in (rd.A, rd.AAAA) if (rrset := zone.find(server, rdtype)) is not None]
            if not rrsets:
                raise PlanError(
                    f"{name_text(zone.apex)}: the name server {name_text(server)} has no address in the zone",
                    remedy="add its A and AAAA records",
                    rule="RFC 1034 section 4.2.1",
                )
            found[server.lower()] = frozenset(rdata for rrset in rrsets for rdata in rrset.rdatas)
    return found


def _address_ttl(zone: Zone, names: Iterable[WireName]) -> Ttl | None:
    """The largest TTL of the addresses of these name servers; None where there are none."""
    rrsets = [zone.find(name, rdtype) for name in names for rdtype in (rd.A, rd.AAAA)]
    return max([rrset.ttl for rrset in rrsets if rrset is not None], default=None)


def _ds_entries(
    parent_ds: RRset | None,
    apex: WireName,
    keys: dict[Dnskey, OperatorKey],
    gaining_keys: dict[Dnskey, OperatorKey],
) -> frozenset[DsEntry]:
    entries = set()
    for rdata in () if parent_ds is None else parent_ds.rdatas:
        key = next((each for each in keys if matches_ds(rdata, apex, each.dnskey_rdata)), None)
        if key is None:
            for theirs, known in gaining_keys.items():
                if known.signs_dnskey and matches_ds(rdata, apex, theirs.dnskey_rdata):
                    raise begun_already(name_text(apex), known.key.name)
            raise PlanError(
                f"{name_text(apex)}: the DS with key tag {int.from_bytes(rdata[:2], 'big')} at the parent is of no key in"
                " the losing zone",
                remedy="have it removed before a transfer, or publish its key",
                rule="RFC 4035 section 2.4",
            )
        entries.add(DsEntry(key=keys[key].key, digest_type=rdata[3]))
    return frozenset(entries)
