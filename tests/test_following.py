"""A transfer followed round by round: what servers give, and what the score then says of each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.keyring import NOW
from tests.rounds import PARENT_SERVERS, answers_of, round_of
from tests.transfer_worlds import DAY, LOSING_SERVERS, World, start_of
from zonekit import rdata as rd
from zonekit.findings import Severity
from zonekit.transfer.answers import Outcome, Round
from zonekit.transfer.claims import Rest, rest_of
from zonekit.transfer.course import Course, Said, Tick
from zonekit.transfer.facts import Facts
from zonekit.transfer.following import Followed, follow
from zonekit.transfer.glimpses import Elsewhere, parties_of
from zonekit.transfer.parties import Channel
from zonekit.transfer.plan import plan_transfer, prove
from zonekit.transfer.proof import Safe
from zonekit.transfer.score import Score, Stage, score
from zonekit.transfer.sightings import THERE_IS_NONE
from zonekit.transfer.steps import Effect, Flow, Step
from zonekit.transfer.versions import Source
from zonekit.zones import RRset, Zone

MINUTE = timedelta(minutes=1)


def facts_of(world: World) -> Facts:
    """The facts of a world before its transfer."""
    assert isinstance(world.losing, Zone) and isinstance(world.ns, RRset)
    made = Facts.from_zones(
        world.losing,
        world.made if world.gaining_keys else _unsigned_gaining(),
        world.ds if isinstance(world.ds, RRset) else None,
        ds_ttl=2 * DAY,
        ns_ttl=2 * DAY,
        negative_ttl=900,
        losing_delay=MINUTE,
        gaining_delay=MINUTE,
        parent_delay=MINUTE,
        registration_delay=MINUTE,
    )
    parent = replace(made.parent, channels=frozenset(Channel), scan_delay=timedelta(hours=1), check_delay=MINUTE)
    return replace(
        made,
        parent=parent,
        gaining=replace(made.gaining, ns_ttl=DAY, dnskey_ttl=DAY if world.gaining_keys else made.gaining.dnskey_ttl),
    )


def _unsigned_gaining() -> Zone:
    from tests.transfer_worlds import GAINING_SERVERS, LOW, unsigned

    return unsigned(GAINING_SERVERS, ttl=LOW)


class Following:
    """A transfer that is carried out by nothing but what the score says; the gaining zone lies in a file until it is served."""

    def __init__(self, flow: Flow, *, world: World | None = None) -> None:
        self.world = world or start_of(flow)
        self.course = Course.begun(plan_transfer(facts_of(self.world), flow=flow, start=NOW))
        self.steps = tuple(planned.step for planned in self.course.plan.steps)
        self.at = NOW
        self.is_served = False

    def look(self, but: Mapping[str, World | Outcome] | None = None) -> Score:
        return score(self.follow(but))

    def follow(self, but: Mapping[str, World | Outcome] | None = None) -> Followed:
        served = self.world if self.is_served else replace(self.world, gaining=THERE_IS_NONE)
        zone = self.world.gaining
        followed = follow(
            self.course,
            round_of(served, self.at, but=but),
            tick=Tick(at=self.at),
            elsewhere=Elsewhere(gaining=zone if isinstance(zone, Zone) else None),
        )
        self.course = followed.course
        return followed

    def take(self, step: Step) -> None:
        self.world = self.world.after(step, self.steps)
        self.is_served |= step.effect in (Effect.GAINING_SERVES, Effect.SHARED_SERVE)
        self.at += MINUTE
        if rest_of(step) is Rest.PEOPLE:
            self.course = self.course.say(
                Said(step_id=step.id, by="somebody", when=self.at, started=self.at, completed=self.at)
            )


@pytest.mark.parametrize("flow", list(Flow), ids=lambda flow: flow.value)
def test_a_transfer_done_by_what_the_score_says_is_safe_and_comes_to_its_end(flow: Flow) -> None:
    transfer = Following(flow)
    for _ in range(200):
        found = transfer.look()
        assert not found.at_least(Severity.ERROR), (transfer.at, [str(each) for each in found.at_least(Severity.ERROR)])
        if found.is_finished:
            break
        if found.next_steps:
            transfer.take(found.next_steps[0].planned.step)
        else:
            waiting = [each.until for each in found.steps if each.stage is Stage.WAITS and each.until]
            assert waiting, [(each.id, each.stage, [str(one) for one in each.missing]) for each in found.steps]
            transfer.at = min(waiting)
    assert found.is_finished
    assert isinstance(prove(transfer.course.plan), Safe)


def test_ttls_that_are_never_lowered_hold_nothing_up_and_are_over_when_the_losing_operator_has_stopped() -> None:
    transfer = Following(Flow.OPERATOR_CHANGE)
    found = transfer.look()
    while not found.is_finished:
        others = [step for step in found.next_steps if step.id != "ttls-lowered"]
        if others:
            transfer.take(others[0].planned.step)
        else:
            waiting = [each.until for each in found.steps if each.stage is Stage.WAITS and each.until]
            assert waiting, [(each.id, each.stage) for each in found.steps]
            transfer.at = min(waiting)
        found = transfer.look()
        assert not found.at_least(Severity.ERROR)
    left = {step.id: step.stage for step in found.steps if step.stage is not Stage.DONE}
    assert left == {"ttls-lowered": Stage.OVER}
    # The losing RRsets were fetched with a TTL of a day until nobody was led there any more.
    unreachable, removed = (found.step(step_id).since for step_id in ("losing-unreachable", "losing-ds-removed"))
    assert unreachable is not None and removed is not None and removed >= unreachable + timedelta(days=1)
    assert isinstance(prove(transfer.course.plan), Safe)


def test_what_was_done_before_the_plan_starts_counts_from_its_start() -> None:
    transfer = Following(Flow.OPERATOR_CHANGE)
    before = NOW - timedelta(days=1)
    course = transfer.course.say(Said(step_id="frozen", by="both", when=before, started=before, completed=before))
    transfer.course = course
    found = transfer.look()
    assert (found.step("frozen").stage, found.step("frozen").since) == (Stage.DONE, NOW)
    assert found.step("keys-made").stage is Stage.MAY_BEGIN


def test_a_wait_is_over_when_the_clock_says_so_and_not_when_a_round_ends_that_is_rounded_up() -> None:
    transfer = Following(Flow.OPERATOR_CHANGE)
    found = transfer.look()
    while not (waits := found.step("ns-changed").waits) or found.next_steps:
        transfer.take(found.next_steps[0].planned.step)
        found = transfer.look()
    over = max(wait.until for wait in waits)
    second = timedelta(seconds=1)
    for clock, stage in ((over - second, Stage.WAITS), (over, Stage.MAY_BEGIN)):
        rounded_up = replace(round_of(transfer.world, clock), ended=clock + second)
        followed = follow(transfer.course, rounded_up, tick=Tick(at=clock))
        assert score(followed).step("ns-changed").stage is stage


def _without_csync_at(found: Round, name: str, gives: World) -> Round:
    """A round in which one server gives what there is in another world, and does not answer for CSYNC."""
    answers = []
    for each in found.found:
        if each.server.name != name:
            answers.append(each)
            continue
        given = answers_of(each.server, gives, found.question).answers
        silent = [
            replace(answer, outcome=Outcome.SILENT, rrsets=()) if answer.rdtype == rd.CSYNC else answer
            for answer in given
        ]
        answers.append(replace(each, answers=tuple(silent)))
    return replace(found, found=tuple(answers))


def test_a_server_that_answers_only_some_questions_holds_up_what_is_not_done_and_undoes_nothing() -> None:
    transfer = Following(Flow.OPERATOR_CHANGE)
    found = transfer.look()
    while found.step("losing-merged").stage is not Stage.MAY_BEGIN:
        transfer.take(found.next_steps[0].planned.step)
        found = transfer.look()
    before = replace(transfer.world, gaining=THERE_IS_NONE)
    transfer.take(found.step("losing-merged").planned.step)
    elsewhere = Elsewhere(gaining=transfer.world.made)
    served = replace(transfer.world, gaining=THERE_IS_NONE)
    for gives in (before, served):
        partly = _without_csync_at(round_of(served, transfer.at), LOSING_SERVERS[1], gives)
        followed = follow(transfer.course, partly, tick=Tick(at=transfer.at), elsewhere=elsewhere)
        assert followed.parties[Source.LOSING].partial == {LOSING_SERVERS[1]}
        assert score(followed).step("losing-merged").stage is not Stage.DONE
        assert [each.code for each in score(followed).findings if each.severity is Severity.WARNING] == ["server-fails"]
        transfer.course = followed.course
    transfer.at += MINUTE
    assert transfer.look().step("losing-merged").stage is Stage.DONE
    transfer.at += MINUTE
    partly = _without_csync_at(round_of(served, transfer.at), LOSING_SERVERS[1], served)
    followed = follow(transfer.course, partly, tick=Tick(at=transfer.at), elsewhere=elsewhere)
    assert score(followed).step("losing-merged").stage is Stage.DONE and not followed.undone


def test_a_server_of_parent_and_child_does_not_hold_up_what_others_of_the_parent_show() -> None:
    transfer = Following(Flow.OPERATOR_CHANGE)
    found = round_of(replace(transfer.world, gaining=THERE_IS_NONE), transfer.at)
    both = [
        replace(
            each,
            answers=tuple(
                replace(answer, outcome=Outcome.NO_AUTHORITY, rrsets=()) if answer.rdtype == rd.NS else answer
                for answer in each.answers
            ),
        )
        if each.server.name == PARENT_SERVERS[0]
        else each
        for each in found.found
    ]
    assert not parties_of(replace(found, found=tuple(both)))[Source.PARENT].partial
