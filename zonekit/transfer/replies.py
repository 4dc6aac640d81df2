"""What a server's reply says: a DNS message in, an :class:`~zonekit.transfer.answers.Answer` out.

Whoever asked has made sure that the message answers the question. What it is worth depends on whom it comes from: an
operator's server has to speak for the zone, a server of the parent for the zone above it, and there are servers that
serve both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from zonekit import rdata as rd
from zonekit.errors import ZonekitError
from zonekit.names import ROOT, WireName, from_wire_name, is_subdomain, name_text, order_key, to_wire_name
from zonekit.transfer.answers import ADDRESS_TYPES, Answer, Outcome, Question
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.zones import RRset

if TYPE_CHECKING:
    import dns.message
    import dns.rrset

_NOERROR: Final = 0
_FORMERR: Final = 1
_NXDOMAIN: Final = 3
_NOTIMP: Final = 4
_REFUSED: Final = 5
_NOTAUTH: Final = 9
_AA: Final = 0x0400
_TC: Final = 0x0200
_RA: Final = 0x0080
_SOA_MINIMUM_OCTETS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question to one server.

    Attributes:
        domain: the domain that is transferred, in wire form.
        source: whose server was asked.
        owner: the name it was asked for, in wire form.
        rdtype: the type it was asked for.
    """

    domain: WireName
    source: Source
    owner: WireName
    rdtype: int

    def came_to(self, outcome: Outcome, problem: str) -> Answer:
        """Return that it was no answer."""
        return Answer(owner=self.owner, rdtype=self.rdtype, outcome=outcome, problem=problem)

    def given(self, rrsets: Iterable[RRset], negative_ttl: Ttl | None = None) -> Answer:
        """Return what was given."""
        return Answer(
            owner=self.owner,
            rdtype=self.rdtype,
            outcome=Outcome.GIVEN,
            rrsets=tuple(rrsets),
            negative_ttl=negative_ttl,
        )

    def there_is_none(self, negative_ttl: Ttl | None) -> Answer:
        """Return that there is none."""
        return Answer(owner=self.owner, rdtype=self.rdtype, outcome=Outcome.THERE_IS_NONE, negative_ttl=negative_ttl)


def all_asked(question: Question, source: Source) -> tuple[Asked, ...]:
    """Return everything that a server of this party is asked in a round."""
    domain = question.apex
    return tuple(
        Asked(domain=domain, source=source, owner=owner, rdtype=rdtype) for owner, rdtype in question.of(source)
    )


def parse_reply(octets: bytes) -> dns.message.Message:
    """Return the message as :func:`read_reply` takes it: each record for itself, so that every TTL is still there.

    Raises:
        Exception: it is no DNS message; dnspython raises many kinds, not only its own.
    """
    import dns.message

    return dns.message.from_wire(octets, keyring=False, one_rr_per_rrset=True)


def read_reply(message: dns.message.Message, asked: Asked) -> Answer:
    """Return what a reply says, of a message with one record to an RRset; data that fits no type is unreadable.

    Where the records of an RRset differ in TTL the largest counts, for some cache may go by it (RFC 2181 section 5.2).
    """
    try:
        return _read(message, asked)
    except ZonekitError as error:
        return asked.came_to(Outcome.UNREADABLE, error.problem)


def _read(message: dns.message.Message, asked: Asked) -> Answer:
    code = int(message.rcode())
    if code in (_REFUSED, _NOTAUTH):
        return asked.came_to(Outcome.REFUSED, _code_text(code))
    if code in (_FORMERR, _NOTIMP):
        return asked.came_to(
            Outcome.FAILED, f"{_code_text(code)}: it may not know EDNS, and no signed zone can do without (RFC 4035)"
        )
    if code not in (_NOERROR, _NXDOMAIN):
        return asked.came_to(Outcome.FAILED, _code_text(code))
    if message.flags & _TC:
        return asked.came_to(Outcome.FAILED, "the answer is cut short, and there is no longer one")
    if asked.source is not Source.PARENT:
        return _of_operator(message, asked)
    return _delegation(message, asked) if asked.rdtype == rd.NS else _of_parent(message, asked)


def _code_text(code: int) -> str:
    import dns.rcode

    return dns.rcode.to_text(dns.rcode.Rcode.make(code))


# ---- the operators --------------------------------------------------------------------------------------------------


def _of_operator(message: dns.message.Message, asked: Asked) -> Answer:
    if not message.flags & _AA:
        return asked.came_to(Outcome.NO_AUTHORITY, _instead_of_authority(message))
    given = list(_rrsets(message.answer, asked.owner, asked.rdtype))
    if given:
        return asked.given(given)
    if any(_rrsets(message.answer, asked.owner, rd.CNAME)):
        return asked.came_to(Outcome.FAILED, f"{name_text(asked.owner)} is an alias (RFC 2181 section 10.1 and 10.3)")
    soa = _soa(message)
    if soa is None:
        referral = _referred_to(message)
        if referral is not None:
            return asked.came_to(Outcome.NO_AUTHORITY, _referral_text(referral))
        return asked.there_is_none(None)
    if not is_subdomain(soa.owner, asked.domain):
        return asked.came_to(
            Outcome.NO_AUTHORITY, f"it speaks for {name_text(soa.owner)}, and not for {name_text(asked.domain)}"
        )
    return asked.there_is_none(_negative_ttl(soa))


# ---- the parent -----------------------------------------------------------------------------------------------------


def _delegation(message: dns.message.Message, asked: Asked) -> Answer:
    """A parent does not answer for the NS RRset of a delegation: it refers to it (RFC 1034 section 4.3.2, step 3b)."""
    if not message.flags & _AA and not message.flags & _RA and not message.answer:
        delegation = next(_rrsets(message.authority, asked.domain, rd.NS), None)
        if delegation is not None:
            return asked.given((delegation, *_glue(message, asked, delegation)))
    return _of_parent(message, asked)


def _glue(message: dns.message.Message, asked: Asked, delegation: RRset) -> Iterator[RRset]:
    """The addresses of those name servers of a delegation that lie in the domain."""
    for host in delegation.rdatas:
        if is_subdomain(host, asked.domain):
            yield from _rrsets(message.additional, host, *ADDRESS_TYPES)


def _of_parent(message: dns.message.Message, asked: Asked) -> Answer:
    if not message.flags & _AA:
        return asked.came_to(Outcome.NO_AUTHORITY, _instead_of_authority(message))
    domain, soa = name_text(asked.domain), _soa(message)
    given = list(_rrsets(message.answer, asked.owner, asked.rdtype))
    if given and asked.rdtype == rd.SOA:
        return asked.given(given, _negative_ttl(given[0]))
    # RFC 4035 section 3.1.4.1: of what a server of both zones gives, the DS RRset alone comes from above the zone cut.
    if given and asked.rdtype == rd.DS:
        return asked.given(given)
    if given or (soa is not None and order_key(soa.owner) == order_key(asked.domain)):
        return asked.came_to(
            Outcome.NO_AUTHORITY, f"it serves {domain} itself, and answers from there and not from the parent"
        )
    if soa is None:
        return asked.came_to(
            Outcome.NO_AUTHORITY,
            "it says that there is none without the SOA record that shows for which zone it speaks",
        )
    if not is_subdomain(asked.domain, soa.owner):
        return asked.came_to(
            Outcome.NO_AUTHORITY, f"it speaks for {name_text(soa.owner)}, which is no parent of {domain}"
        )
    return asked.there_is_none(_negative_ttl(soa))


# ---- parts of a message ---------------------------------------------------------------------------------------------


def _rrsets(section: Iterable[dns.rrset.RRset], owner: WireName, *rdtypes: int) -> Iterator[RRset]:
    """Yield the RRsets of these types at a name, each followed by its signatures."""
    name = from_wire_name(owner)
    records: dict[tuple[int, int], list[dns.rrset.RRset]] = {(rdtype, 0): [] for rdtype in rdtypes}
    records |= {(rd.RRSIG, rdtype): [] for rdtype in rdtypes}
    for record in section:
        key = int(record.rdtype), int(record.covers)
        if key in records and record.rdclass == 1 and record.name == name:
            records[key].append(record)
    for rdtype in rdtypes:
        if records[rdtype, 0]:
            yield from (_one_rrset(records[key]) for key in ((rdtype, 0), (rd.RRSIG, rdtype)) if records[key])


def _one_rrset(records: list[dns.rrset.RRset]) -> RRset:
    first = records[0]
    return RRset(
        owner=to_wire_name(first.name, ROOT),
        rdtype=int(first.rdtype),
        ttl=Ttl(max(record.ttl for record in records)),
        rdatas=tuple([wire for record in records if (wire := record[0].to_wire()) is not None]),
        covers=int(first.covers),
    )


def _owner_in_authority(message: dns.message.Message, rdtype: int) -> WireName | None:
    return next((to_wire_name(each.name, ROOT) for each in message.authority if each.rdtype == rdtype), None)


def _soa(message: dns.message.Message) -> RRset | None:
    owner = _owner_in_authority(message, rd.SOA)
    return None if owner is None else next(_rrsets(message.authority, owner, rd.SOA), None)


def _referred_to(message: dns.message.Message) -> WireName | None:
    """The zone to which a reply refers: NS records and no SOA record (RFC 2308 section 2.2)."""
    if _owner_in_authority(message, rd.SOA) is not None:
        return None
    return _owner_in_authority(message, rd.NS)


def _negative_ttl(soa: RRset) -> Ttl:
    """The lesser of the SOA record's TTL and its MINIMUM (RFC 2308 section 5)."""
    minimum = int.from_bytes(soa.rdatas[0][-_SOA_MINIMUM_OCTETS:], "big")
    return Ttl(min(soa.ttl, minimum))


def _instead_of_authority(message: dns.message.Message) -> str:
    """What a reply without the AA bit is."""
    if message.flags & _RA:
        return "it offers recursion and answers without the AA bit: a resolver, or what one keeps in its cache"
    referral = _referred_to(message)
    return "it answers without the AA bit" if referral is None else _referral_text(referral)


def _referral_text(zone: WireName) -> str:
    return f"it refers to the servers of {name_text(zone)}"
