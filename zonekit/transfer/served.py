"""The TTLs that are served against those that the waits are reckoned with: the largest one served at any time counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zonekit import rdata as rd
from zonekit.names import name_text
from zonekit.nodes import ttl_of
from zonekit.transfer.facts import Facts
from zonekit.transfer.ledger import Record
from zonekit.transfer.versions import Source
from zonekit.transfer.views import View
from zonekit.transfer.zonefacts import TYPES_OF_THEIR_OWN
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class TtlAbove:
    """A TTL that is served and is above every one that is known.

    Attributes:
        record: whose TTL it is, in words.
        rdtype: the type of the RRset that has it; empty where it is that of more than one type.
        seen: the TTL that is served, in seconds.
        known: the largest in the facts and the ledger.
    """

    record: str
    rdtype: str
    seen: int
    known: int

    def __str__(self) -> str:
        return f"{self.record} has a TTL of {self.seen}, and the largest that is known is {self.known}"


def ttls_above(view: View) -> Iterator[TtlAbove]:
    """Yield the TTLs that were seen and are above those of the facts and the ledger; none where there are no facts."""
    facts = view.facts
    if facts is None:
        return
    for record, rdtype, seen, known in (*_of_parent(view, facts), *_of_losing(view, facts)):
        if seen > known:
            yield TtlAbove(record=record, rdtype=rdtype, seen=int(seen), known=int(known))


def largest_ttl(facts: Facts, source: Source, record: Record) -> Ttl:
    """Return the largest TTL of a record of the parent or the losing side that facts and ledger know of."""
    parent, losing = facts.parent, facts.losing
    now = {
        (Source.PARENT, Record.DS): parent.ds_ttl,
        (Source.PARENT, Record.NS): parent.ns_ttl,
        (Source.PARENT, Record.ADDRESS): parent.glue_ttl or Ttl(0),
        (Source.LOSING, Record.NS): losing.ns_ttl,
        (Source.LOSING, Record.DNSKEY): losing.dnskey_ttl,
        (Source.LOSING, Record.ADDRESS): losing.address_ttl or Ttl(0),
        (Source.LOSING, Record.DATA): losing.largest_ttl,
    }
    return max([now[source, record], *[ttl for ttl, _ in facts.ledger.of(source, record)]])


_Pair = tuple[str, str, Ttl, Ttl]


def _of_parent(view: View, facts: Facts) -> Iterator[_Pair]:
    ns = view.sighting.parent_ns
    if view.ds is not None:
        yield "the DS RRset at the parent", "DS", view.ds.ttl, largest_ttl(facts, Source.PARENT, Record.DS)
    if isinstance(ns, RRset):
        yield "the NS RRset at the parent", "NS", ns.ttl, largest_ttl(facts, Source.PARENT, Record.NS)
    glue = view.sighting.parent_glue
    # Of other name servers in the domain no address is waited for: who is led to them by name finds both old and new.
    for rrset in glue if isinstance(glue, tuple) else ():
        if name_text(rrset.owner).lower() in facts.servers_that_stay:
            what = f"{name_text(rrset.owner)} {rrset.type_text} at the parent"
            yield what, rrset.type_text, rrset.ttl, largest_ttl(facts, Source.PARENT, Record.ADDRESS)


def _of_losing(view: View, facts: Facts) -> Iterator[_Pair]:
    zone = view.losing.zone
    if zone is None:
        return
    dnskeys, dnskey_ttl = zone.get("@", rd.DNSKEY), largest_ttl(facts, Source.LOSING, Record.DNSKEY)
    yield "the losing apex NS RRset", "NS", zone.apex_rrset(rd.NS).ttl, largest_ttl(facts, Source.LOSING, Record.NS)
    if dnskeys is not None:
        yield "the losing DNSKEY RRset", "DNSKEY", dnskeys.ttl, dnskey_ttl
    elif not facts.losing.is_signed:
        yield "the proof that there is no losing DNSKEY RRset", "DNSKEY", zone.negative_ttl, dnskey_ttl
    largest = largest_ttl(facts, Source.LOSING, Record.DATA)
    yield "a negative answer of the losing operator", "SOA", zone.negative_ttl, largest
    what, ttl = largest_data(zone)
    yield f"{what} of the losing operator", "", ttl, largest
    for server in sorted(facts.servers_that_stay):
        for rdtype in (rd.A, rd.AAAA):
            address = zone.get(server, rdtype)
            if address is not None:
                known = largest_ttl(facts, Source.LOSING, Record.ADDRESS)
                yield f"{server} {address.type_text} of the losing operator", address.type_text, address.ttl, known


def largest_data(zone: Zone) -> tuple[str, Ttl]:
    """Return the largest TTL in a zone but those of NS and DNSKEY at its apex, and before it what has that."""
    what, largest = "data", 0
    for owner, _, rrsets in zone.walk():
        for rdtype, covers, records in rrsets:
            ttl = ttl_of(records[0])
            if ttl > largest and (owner != zone.apex or not TYPES_OF_THEIR_OWN & {rdtype, covers}):
                what, largest = f"{name_text(owner)} {rd.type_text(rdtype)}", ttl
    return what, Ttl(largest)
