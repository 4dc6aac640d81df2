"""Name servers on the loopback for the zones of transfers under way, each domain with keys and signatures of its own.

Arguments: how many transfers, how many milliseconds an answer takes, inception and expiration of the signatures. Prints the
ports, two of each party in the order of ``PARTIES``, and serves until its standard input ends. Both zones have the keys of
both operators, and TTLs are low: the gaining DS is about to be added at the parent.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator
from typing import Final

import dns.message
import dns.name
import dns.rdata
import dns.rrset
from dns import rdataclass
from dns.flags import Flag
from dns.rdatatype import RdataType

from tests.bench.drivers.answer import HEADER, question_end, serve
from zonekit import rdata as rd
from zonekit.apex import merge_dnskeys
from zonekit.dnskeys import parse_dnskeys
from zonekit.ds import make_ds
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.keys import SigningKey, generate_ksk, generate_zsk
from zonekit.signing import sign_zone
from zonekit.transfer.answers import APEX_TYPES
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.zonefile import parse_zone
from zonekit.zones import RRset

SERVERS_OF_EACH: Final = 2
PARTIES: Final = (Source.LOSING, Source.GAINING, Source.PARENT)
_PARENT: Final = "example."
_LOW: Final = Ttl(600)
_LARGEST_DATAGRAM: Final = 1232
_TEXT: Final = """\
@ 3600 SOA ns1.{of}.example. hostmaster 7 7200 3600 1209600 300
@ 600 NS ns1.{of}.example.
@ 600 NS ns2.{of}.example.
@ 3600 A 192.0.2.1
"""


def main(transfers: int, milliseconds: int, inception: str, expiration: str) -> None:
    validity = SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration))
    replies: dict[Source, dict[bytes, bytes]] = {party: {} for party in PARTIES}
    for number in range(transfers):
        for party, octets in _replies(domain_of(number), validity):
            replies[party][octets[HEADER : question_end(octets)]] = octets[2:]
    serve(
        [functools.partial(_reply, replies[party]) for party in PARTIES for _ in range(SERVERS_OF_EACH)], milliseconds
    )


def domain_of(number: int) -> str:
    return f"d{number:05}.{_PARENT}"


def _reply(replies: dict[bytes, bytes], query: bytes) -> bytes:
    return query[:2] + replies[query[HEADER : question_end(query)]]


def _replies(domain: str, validity: SignatureValidity) -> Iterator[tuple[Source, bytes]]:
    """Every reply about a transfer, and whose servers give it."""
    losing = _keys(domain, ())
    gaining = _keys(domain, losing)
    for party, own, others in ((Source.LOSING, losing, gaining), (Source.GAINING, gaining, losing)):
        plain = parse_zone(_TEXT.format(of=party.value), domain)
        signed = sign_zone(plain, own, validity=validity, dnskey_ttl=_LOW)
        zone = merge_dnskeys(signed, parse_dnskeys(others), signers=own, validity=validity)
        for rdtype in APEX_TYPES:
            given = [rrset for rrset in (zone.get("@", rdtype), zone.signatures("@", rdtype)) if rrset is not None]
            yield party, _octets(domain, rdtype, "AA", answer=given, authority=[] if given else [zone.soa])
    ds = make_ds([key for key in losing if key.signs_dnskey])
    ns = RRset.from_text(domain, 86400, "NS", *[f"ns{number}.losing.example." for number in (1, 2)])
    soa = RRset.from_text(_PARENT, 900, "SOA", f"ns1.{_PARENT} hostmaster.{_PARENT} 1 7200 3600 1209600 900")
    yield Source.PARENT, _octets(domain, rd.DS, "AA", answer=[ds])
    yield Source.PARENT, _octets(domain, rd.NS, "QR", authority=[ns])
    yield Source.PARENT, _octets(_PARENT, rd.SOA, "AA", answer=[soa])


def _keys(domain: str, others: Iterable[SigningKey]) -> tuple[SigningKey, ...]:
    """A KSK and a ZSK, with other key tags than these and each other."""
    taken = [key.key_tag for key in others]
    ksk = generate_ksk(domain, avoid=taken)
    return ksk, generate_zsk(domain, avoid=[*taken, ksk.key_tag])


def _octets(
    owner: str, rdtype: int, flag: str, *, answer: Iterable[RRset] = (), authority: Iterable[RRset] = ()
) -> bytes:
    message = dns.message.make_response(dns.message.make_query(owner, rd.type_text(rdtype), want_dnssec=True))
    message.flags = Flag.QR | Flag[flag]
    message.answer, message.authority = list(map(_records, answer)), list(map(_records, authority))
    octets = message.to_wire()
    assert len(octets) <= _LARGEST_DATAGRAM, "it would be put by TCP, which is not served here"
    return octets


def _records(rrset: RRset) -> dns.rrset.RRset:
    given = [
        dns.rdata.from_wire(rdataclass.IN, RdataType(rrset.rdtype), rdata, 0, len(rdata)) for rdata in rrset.rdatas
    ]
    return dns.rrset.from_rdata_list(dns.name.from_wire(rrset.owner, 0)[0], rrset.ttl, given)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
