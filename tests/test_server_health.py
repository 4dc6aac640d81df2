"""Each finding of following a transfer is caused by what it is of, and by nothing else."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.rounds import QUESTION, round_of
from tests.test_following import Following
from tests.transfer_worlds import DAY, LOSING_SERVERS
from zonekit import rdata as rd
from zonekit.findings import Severity
from zonekit.transfer import live_codes as codes
from zonekit.transfer.answers import Answer, Outcome, Question, Round
from zonekit.transfer.course import Tick
from zonekit.transfer.following import follow
from zonekit.transfer.score import Score, score
from zonekit.transfer.steps import Flow
from zonekit.verifying.codes import Code
from zonekit.zones import RRset, Zone

FLOW = Flow.OPERATOR_CHANGE
MINUTE = timedelta(minutes=1)
_FIRST, _SECOND = LOSING_SERVERS


def under_way(until: str) -> Following:
    """A transfer in which a step was just seen to be done."""
    return copy.copy(_under_way(until))


@functools.cache
def _under_way(until: str) -> Following:
    transfer = Following(FLOW)
    for _ in range(50):
        found = transfer.look()
        if found.step(until).planned.recorded:
            return transfer
        waiting = [each.until for each in found.steps if each.until and each.until > transfer.at]
        if found.next_steps:
            transfer.take(found.next_steps[0].planned.step)
        else:
            transfer.at = min(waiting)
    raise AssertionError(until)


def with_answer(found: Round, server: str, rdtype: int, outcome: Outcome) -> Round:
    """A round in which one server answered one question otherwise."""

    def changed(answer: Answer) -> Answer:
        is_it = answer.rdtype == rdtype
        return Answer(owner=answer.owner, rdtype=rdtype, outcome=outcome, problem="SERVFAIL") if is_it else answer

    return replace(
        found,
        found=tuple(
            replace(each, answers=tuple(map(changed, each.answers))) if each.server.name == server else each
            for each in found.found
        ),
    )


def dead_server(transfer: Following) -> Score:
    return transfer.look({_SECOND: Outcome.SILENT})


def unreachable_server(transfer: Following) -> Score:
    return transfer.look({_SECOND: Outcome.UNREACHABLE})


def dead_party(transfer: Following) -> Score:
    return transfer.look(dict.fromkeys(LOSING_SERVERS, Outcome.SILENT))


def dead_parent(transfer: Following) -> Score:
    return transfer.look({each.name: Outcome.SILENT for each in QUESTION.servers if each.name.endswith("dns.nl.")})


def refusing_server(transfer: Following) -> Score:
    return transfer.look({_SECOND: Outcome.REFUSED})


def caching_server(transfer: Following) -> Score:
    return transfer.look({_SECOND: Outcome.NO_AUTHORITY})


def failing_server(transfer: Following) -> Score:
    return transfer.look({_SECOND: Outcome.FAILED})


def server_that_fails_at_one_type(transfer: Following) -> Score:
    found = with_answer(round_of(transfer.world, transfer.at), _SECOND, rd.CSYNC, Outcome.FAILED)
    return score(follow(transfer.course, found, tick=Tick(at=transfer.at)))


def lying_server(transfer: Following) -> Score:
    assert isinstance(transfer.world.losing, Zone)
    ns = transfer.world.losing.apex_rrset(rd.NS)
    forged = transfer.world.losing.replace(RRset.from_text("example.nl.", ns.ttl, "NS", *LOSING_SERVERS, "ns3.evil."))
    return transfer.look({_SECOND: replace(transfer.world, losing=forged)})


def lagging_parent(transfer: Following) -> Score:
    assert isinstance(transfer.world.ns, RRset)
    return transfer.look({"ns2.dns.nl.": replace(transfer.world, ns=transfer.world.ns.with_ttl(DAY))})


def server_that_nobody_asks(transfer: Following) -> Score:
    question = Question(domain="example.nl.", servers=tuple(s for s in QUESTION.servers if s.name != _SECOND))
    found = round_of(transfer.world, transfer.at, question=question)
    return score(follow(transfer.course, found, tick=Tick(at=transfer.at)))


def clock_set_back(transfer: Following) -> Score:
    transfer.at -= timedelta(hours=1)
    return transfer.look()


def raised_ttl(transfer: Following) -> Score:
    assert isinstance(transfer.world.ns, RRset)
    transfer.world = replace(transfer.world, ns=transfer.world.ns.with_ttl(3 * DAY))
    return transfer.look()


CASES: tuple[tuple[Callable[[Following], Score], Code, Severity], ...] = (
    (dead_server, codes.SERVER_DEAD, Severity.WARNING),
    (unreachable_server, codes.SERVER_DEAD, Severity.WARNING),
    (dead_party, codes.PARTY_DEAD, Severity.ERROR),
    (dead_parent, codes.PARTY_DEAD, Severity.ERROR),
    (refusing_server, codes.SERVER_LAME, Severity.WARNING),
    (caching_server, codes.SERVER_LAME, Severity.WARNING),
    (failing_server, codes.SERVER_FAILS, Severity.WARNING),
    (server_that_fails_at_one_type, codes.SERVER_FAILS, Severity.WARNING),
    (lagging_parent, codes.SERVERS_DISAGREE, Severity.WARNING),
    (server_that_nobody_asks, codes.NOT_ASKED, Severity.WARNING),
    (clock_set_back, codes.CLOCK_SET, Severity.WARNING),
    (raised_ttl, codes.TTL_RAISED, Severity.WARNING),
)


def warnings_of(found: Score) -> dict[str, Severity]:
    return {each.code: each.severity for each in found.at_least(Severity.WARNING)}


@pytest.mark.parametrize(("case", "code", "severity"), CASES, ids=[case.__name__ for case, _, _ in CASES])
@pytest.mark.parametrize("step_id", ["keys-exchanged", "losing-merged"])
def test_each_misfortune_of_a_server_is_told_and_nothing_else(
    case: Callable[[Following], Score], code: Code, severity: Severity, step_id: str
) -> None:
    transfer = under_way(step_id)
    assert not warnings_of(transfer.look())
    assert warnings_of(case(transfer)) == {code.name: severity}


def test_nothing_is_told_where_nothing_is_wrong_from_the_first_look_to_the_last() -> None:
    transfer = under_way("thawed")
    assert not warnings_of(transfer.look())
