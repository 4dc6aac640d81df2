"""What servers would answer: rounds of questions made from zones, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from tests.transfer_worlds import GAINING_SERVERS, LOSING_SERVERS, World
from zonekit import rdata as rd
from zonekit.names import parse_origin
from zonekit.transfer.answers import Answer, Outcome, Question, Round, Server, ServerAnswers
from zonekit.transfer.versions import Source
from zonekit.zones import RRset, Zone

PARENT_SERVERS: Final = ("ns1.dns.nl.", "ns2.dns.nl.")
_FIRST_OCTETS: Final = {Source.LOSING: "192.0.2", Source.GAINING: "198.51.100", Source.PARENT: "203.0.113"}


def servers_of(source: Source, names: Iterable[str]) -> tuple[Server, ...]:
    """Servers with an address each."""
    return tuple(
        Server(source=source, name=name, address=f"{_FIRST_OCTETS[source]}.{number}")
        for number, name in enumerate(names, start=1)
    )


QUESTION: Final = Question(
    domain="example.nl.",
    servers=(
        *servers_of(Source.LOSING, LOSING_SERVERS),
        *servers_of(Source.GAINING, GAINING_SERVERS),
        *servers_of(Source.PARENT, PARENT_SERVERS),
    ),
)


def answers_of(server: Server, gives: World | Outcome, question: Question = QUESTION) -> ServerAnswers:
    """What one server answers that gives what there is of its party in a world, or fails like this."""
    answers = tuple(_answer(server, gives, *each) for each in question.of(server.source))
    answered = any(each.outcome.is_answer for each in answers)
    return ServerAnswers(server=server, answers=answers, round_trip=timedelta(milliseconds=20) if answered else None)


def _answer(server: Server, gives: World | Outcome, owner: bytes, rdtype: int) -> Answer:
    if isinstance(gives, Outcome):
        return Answer(owner=owner, rdtype=rdtype, outcome=gives, problem="" if gives.is_answer else "as told")
    if server.source is Source.PARENT:
        if rdtype not in (rd.DS, rd.NS):
            return _given(owner, rdtype, ())
        rrset = gives.ds if rdtype == rd.DS else gives.ns
        return _given(owner, rdtype, (rrset,) if isinstance(rrset, RRset) else ())
    zone = gives.losing if server.source is Source.LOSING else gives.gaining
    if not isinstance(zone, Zone):
        return Answer(owner=owner, rdtype=rdtype, outcome=Outcome.REFUSED, problem="REFUSED")
    name = parse_origin(owner) if isinstance(owner, str) else owner
    found = [zone.find(name, rdtype), zone.find(name, rd.RRSIG, rdtype)]
    return _given(owner, rdtype, [rrset for rrset in found if rrset is not None])


def _given(owner: bytes, rdtype: int, rrsets: Iterable[RRset]) -> Answer:
    held = tuple(rrsets)
    if not any(rrset.rdtype == rdtype for rrset in held):
        return Answer(owner=owner, rdtype=rdtype, outcome=Outcome.THERE_IS_NONE)
    return Answer(owner=owner, rdtype=rdtype, outcome=Outcome.GIVEN, rrsets=held)


def round_of(
    world: World, at: datetime, *, but: Mapping[str, World | Outcome] | None = None, question: Question = QUESTION
) -> Round:
    """A round in which every server gives what there is in a world, but for some, by their names."""
    differing = but or {}
    found = tuple(answers_of(server, differing.get(server.name, world), question) for server in question.servers)
    return Round(question=question, began=at, ended=at, found=found)
