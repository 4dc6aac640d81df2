"""What the servers of a transfer answered when each was asked directly: values, whoever did the asking.

A server is asked at each of its addresses for what a transfer turns on: both operators for what stands at the apex of the
zone, the parent for the DS and NS RRsets that it has for the domain. That it says there is no such RRset is an answer
as well; that it says nothing, or nothing of use, is an :class:`Outcome` with the reason in words.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zonekit import rdata as rd
from zonekit.errors import PlanError
from zonekit.instants import utc
from zonekit.names import WireName, order_key, parse_origin
from zonekit.transfer import values
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.zones import RRset

APEX_TYPES: Final = (rd.SOA, rd.NS, rd.DNSKEY, rd.CDS, rd.CDNSKEY, rd.CSYNC)
"""What each server of an operator is asked for at the apex."""
DELEGATION_TYPES: Final = (rd.NS, rd.DS)
"""What each server of the parent is asked for, beside the SOA record above the domain."""
ADDRESS_TYPES: Final = (rd.A, rd.AAAA)
DOMAIN_PORT: Final = 53


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server to be asked, at one of its addresses.

    Attributes:
        source: whose it is; one that serves two parties is asked as a server of each.
        name: its name, absolute and in lower case; servers of one name are one server to those who confirm a step.
        address: its IPv4 or IPv6 address.
        port: where it listens.

    Raises:
        PlanError: a field has the wrong type or is out of bounds.
        DomainNameError: the name is none.
    """

    source: Source
    name: str
    address: str
    port: int = DOMAIN_PORT

    def __post_init__(self) -> None:
        _SERVER_FIELDS.check(self, "a server")

    def __str__(self) -> str:
        port = "" if self.port == DOMAIN_PORT else f"@{self.port}"
        return f"{self.name} ({self.address}{port})"


_SERVER_FIELDS: Final = values.Fields(
    needed={
        "source": values.a(Source),
        "name": values.host,
        "address": values.address,
        "port": values.number(1, 65535),
    }
)


class Outcome(enum.Enum):
    """What came of asking one question."""

    GIVEN = "gives it"
    """The RRset, with authority; of the parent's NS RRset, a referral."""
    THERE_IS_NONE = "says that there is none"
    """An answer with authority that there is no such RRset, or no such name."""
    NO_AUTHORITY = "answers without authority"
    """A referral away, or what looks like a cache: the server does not serve the zone."""
    REFUSED = "refuses"
    """REFUSED or NOTAUTH (RFC 1035 section 4.1.1, RFC 8945)."""
    FAILED = "fails"
    """SERVFAIL or any other error."""
    SILENT = "does not answer"
    """Nothing came in time, by UDP nor by TCP where that was needed."""
    UNREACHABLE = "cannot be reached"
    """The network says so: no route, or nobody listens."""
    UNREADABLE = "gives an answer that cannot be read"
    """No DNS message, or one to another question."""

    @property
    def is_answer(self) -> bool:
        """Whether the server spoke for the zone."""
        return self in (Outcome.GIVEN, Outcome.THERE_IS_NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one server answered to one question.

    Attributes:
        owner: the name it was asked for, in wire form.
        rdtype: the type it was asked for.
        outcome: what came of it.
        rrsets: what it gave that belongs to the question: the RRset and its signatures, and with the parent's NS RRset the
            glue. TTLs are as the server gave them.
        negative_ttl: where it says that there is none, or gives an SOA record, how long a cache may hold that something is not
            there (RFC 2308 section 5), in seconds; None where it does not say.
        problem: where it is no answer, what there was instead, in one line.
    """

    owner: WireName
    rdtype: int
    outcome: Outcome
    rrsets: tuple[RRset, ...] = ()
    negative_ttl: Ttl | None = None
    problem: str = ""

    @property
    def rrset(self) -> RRset | None:
        """The RRset that was asked for, where it was given."""
        return next((each for each in self.rrsets if each.rdtype == self.rdtype), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAnswers:
    """What one server answered at one address.

    Attributes:
        server: the server.
        answers: an answer to each question that it was asked.
        round_trip: the longest that it took to answer one, by UDP and TCP together; None where it answered nothing.
    """

    server: Server
    answers: tuple[Answer, ...]
    round_trip: timedelta | None = None

    def answer(self, rdtype: int, owner: WireName | None = None) -> Answer | None:
        """Return the answer to a question; None where it was not asked. Without an owner, that at the apex."""
        wanted = None if owner is None else order_key(owner)
        return next(
            (
                each
                for each in self.answers
                if each.rdtype == rdtype and (wanted is None or order_key(each.owner) == wanted)
            ),
            None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask in one round.

    Attributes:
        domain: the domain in presentation form.
        servers: whom to ask.
        hosts: the names of name servers in the domain whose addresses the operators' servers are asked for.

    Raises:
        PlanError: no server, one of them twice, or a field of the wrong type.
        DomainNameError: a name is none.
    """

    domain: str
    servers: tuple[Server, ...]
    hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        _QUESTION_FIELDS.check(self, "a question")
        if not self.servers:
            raise PlanError(
                f"{self.domain}: there is no server to ask", remedy="name the servers of both sides and the parent"
            )
        if len(set(self.servers)) < len(self.servers):
            raise PlanError(
                f"{self.domain}: a server is to be asked twice", remedy="name each address of a server once"
            )

    @property
    def apex(self) -> WireName:
        """The domain in wire form."""
        return parse_origin(self.domain)

    @property
    def above(self) -> WireName:
        """The name above the domain in wire form, which lies in the parent zone or is its apex."""
        first = self.apex[0]
        return self.apex[first + 1 :] if first else self.apex

    def of(self, source: Source) -> Iterable[tuple[WireName, int]]:
        """Yield what to ask a server of this party: owner and type.

        >>> server = Server(source=Source.PARENT, name="ns1.dns.nl", address="192.0.2.1")
        >>> question = Question(domain="example.nl", servers=(server,))
        >>> [rd.type_text(rdtype) for _, rdtype in question.of(Source.PARENT)]
        ['NS', 'DS', 'SOA']
        """
        if source is Source.PARENT:
            yield from ((self.apex, rdtype) for rdtype in DELEGATION_TYPES)
            yield self.above, rd.SOA
            return
        yield from ((self.apex, rdtype) for rdtype in APEX_TYPES)
        yield from ((parse_origin(host), rdtype) for host in sorted(self.hosts) for rdtype in ADDRESS_TYPES)


_QUESTION_FIELDS: Final = values.Fields(
    needed={
        "domain": values.origin,
        "servers": values.tuple_of(values.a(Server)),
        "hosts": values.set_of(values.host),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What all the servers answered in one round.

    Attributes:
        question: what they were asked.
        began: when the first question was sent, the whole second that had passed then.
        ended: when the last answer was there, or no more was waited for, the whole second that had not passed before; what
            is counted from here is never too short.
        found: what each server answered.

    Raises:
        PlanError: it ended before it began, or not every server that was to be asked was.
        TimeError: an instant is naive.
    """

    question: Question
    began: datetime
    ended: datetime
    found: tuple[ServerAnswers, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "began", utc(self.began))
        object.__setattr__(self, "ended", utc(self.ended))
        if self.ended < self.began:
            raise PlanError(f"{self.question.domain}: a round ended before it began", remedy="look at the clock")
        if [each.server for each in self.found] != list(self.question.servers):
            raise PlanError(
                f"{self.question.domain}: not every server was asked", remedy="give what each answered, in their order"
            )

    def of(self, source: Source) -> tuple[ServerAnswers, ...]:
        """Return what the servers of one party answered."""
        return tuple(each for each in self.found if each.server.source is source)
