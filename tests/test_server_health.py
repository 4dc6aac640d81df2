"""Each finding of following a transfer is caused by what it is of, and by nothing else."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.keyring import NOW, VALIDITY
from tests.rounds import QUESTION, round_of
from tests.test_following import Following, facts_of
from tests.transfer_worlds import DAY, LOSING_SERVERS, start_of
from zonekit import rdata as rd
from zonekit.findings import Severity
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey
from zonekit.signing import sign_zone
from zonekit.transfer import live_codes as codes
from zonekit.transfer.answers import Answer, Outcome, Question, Round
from zonekit.transfer.course import Course, Said, Tick
from zonekit.transfer.following import follow
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.score import Score, Stage, score
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import Source
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


def test_a_server_whose_records_do_not_validate_lies_and_a_name_that_it_made_up_is_not_asked() -> None:
    transfer = under_way("keys-exchanged")
    found = lying_server(transfer)
    assert live_codes_of(found) == {codes.SERVER_LIES.name, codes.STEP_UNDONE.name, codes.NOT_ASKED.name}
    lies = next(each for each in found.findings if each.code == codes.SERVER_LIES.name)
    assert _SECOND in lies.message and _FIRST not in lies.message


def test_a_server_that_comes_back_with_an_older_zone_undoes_the_step_and_the_waits_count_from_when_it_is_mended() -> (
    None
):
    transfer = under_way("ds-added")
    back = {_SECOND: start_of(FLOW)}
    transfer.at += timedelta(hours=5)
    found = transfer.look(back)
    assert live_codes_of(found) == {codes.STEP_UNDONE.name, codes.SERVERS_DISAGREE.name}
    told = [each.message for each in found.findings if each.code == codes.STEP_UNDONE.name]
    assert f"losing-merged was done, and {_SECOND} does not give it any more" in told
    assert found.step("losing-merged").stage is Stage.UNDER_WAY
    assert found.step("losing-merged").lacking == {_SECOND}
    transfer.at += timedelta(hours=5)
    assert found.step("ns-changed").stage is Stage.LATER
    mended = transfer.look()
    assert mended.step("losing-merged").since == transfer.at
    counted_from = {each.since: each.counted_from for each in mended.step("ns-changed").planned.waits}
    assert counted_from["losing-merged"] == transfer.at


def test_what_is_said_to_be_done_and_no_server_gives_is_denied_and_what_none_can_show_is_not() -> None:
    transfer = under_way("keys-exchanged")
    transfer.at += timedelta(minutes=1)
    for step_id in ("ds-added", "resolution-verified", "frozen"):
        if step_id in {step.id for step in transfer.steps}:
            said = Said(
                step_id=step_id, by="the registrar", when=transfer.at, started=transfer.at, completed=transfer.at
            )
            transfer.course = transfer.course.say(said)
    found = transfer.look()
    assert live_codes_of(found) == {codes.STEP_DENIED.name}
    (told,) = [each.message for each in found.findings if each.code == codes.STEP_DENIED.name]
    assert told.startswith("the registrar says that ds-added is done, and it is not so at ns1.dns.nl., ns2.dns.nl.")
    assert found.step("ds-added").stage is not Stage.DONE


def test_a_change_of_the_ns_before_its_time_is_told_with_the_story_of_who_suffers() -> None:
    transfer = under_way("gaining-serves")
    step = next(step for step in transfer.steps if step.id == "ns-changed")
    transfer.take(step)
    found = transfer.look()
    assert codes.STEP_TOO_EARLY.name in live_codes_of(found)
    assert found.step("ns-changed").stage is Stage.DONE


def test_losing_signatures_that_end_before_what_is_left_is_done_are_told() -> None:
    transfer = Following(FLOW)
    facts = facts_of(transfer.world)
    late = plan_transfer(facts, flow=FLOW, start=NOW)
    expires = late.finished
    facts = replace(facts, losing=replace(facts.losing, signatures_expire=expires))
    transfer.course = Course.begun(plan_transfer(facts, flow=FLOW, start=NOW))
    assert codes.SIGNATURES_TOO_SHORT.name not in live_codes_of(transfer.look())
    transfer.at += timedelta(days=8)
    assert codes.SIGNATURES_TOO_SHORT.name in live_codes_of(transfer.look())


def test_every_code_is_caused_by_some_case() -> None:
    alone = {codes.SERVER_LIES, codes.STEP_UNDONE, codes.STEP_DENIED, codes.STEP_TOO_EARLY, codes.SIGNATURES_TOO_SHORT}
    assert {code.name for _, code, _ in CASES} | {code.name for code in alone} == codes.LIVE_CODES.keys()


def live_codes_of(found: Score) -> set[str]:
    return {each.code for each in found.findings} & codes.LIVE_CODES.keys()


def test_servers_that_sign_by_themselves_do_not_disagree() -> None:
    transfer = under_way("losing-merged")
    losing = transfer.world.losing
    assert isinstance(losing, Zone)
    again = SignatureValidity.starting(VALIDITY.inception - timedelta(hours=1), timedelta(days=20))
    keys = list(transfer.world.losing_keys)
    ns = losing.apex_rrset(rd.NS)
    resigned = replace(transfer.world, losing=losing.replace(*resign(losing, ns, keys, again)))
    found = transfer.look({_SECOND: resigned})
    assert len(found.followed.parties[Source.LOSING].given) == 2
    assert not live_codes_of(found)


def resign(zone: Zone, rrset: RRset, keys: list[SigningKey], validity: SignatureValidity) -> list[RRset]:
    """The signatures over one RRset, made anew."""
    signed = sign_zone(zone, keys, validity=validity)
    found = signed.find(rrset.owner, rd.RRSIG, rrset.rdtype)
    assert found is not None
    return [found]


def test_nothing_is_told_where_nothing_is_wrong_from_the_first_look_to_the_last() -> None:
    transfer = under_way("thawed")
    assert not warnings_of(transfer.look())
