"""The gate: nothing begins on hope, what is missing is said in full, and an override has a name and stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_transfer_plan import NOW, SECOND, facts_for, flows_with_facts, the_facts
from zonekit.errors import PlanError, TimeError
from zonekit.transfer.facts import Facts
from zonekit.transfer.gate import is_confirmed, may_begin, may_record
from zonekit.transfer.journal import Confirmed, Evidence, Journal, Lacking, Missing, Overridden, Override
from zonekit.transfer.plan import Plan, plan_transfer
from zonekit.transfer.steps import Actor, Flow
from zonekit.transfer.versions import Source

PLAN = plan_transfer(the_facts(), start=NOW)


def all_evidence(plan: Plan) -> list[Evidence]:
    """Somebody saw every step done as soon as it was."""
    return [Evidence(step_id=step.id, seen=step.completed, by="the probe") for step in plan.steps]


OVERRIDE = Override(who="the engineer on duty", why="the last server is out of service", when=NOW)


# ---- laws -----------------------------------------------------------------------------------------------------------


@given(flows_with_facts)
def test_on_the_day_with_all_the_evidence_every_step_may_begin_and_not_a_second_before(
    given_facts: tuple[Flow, Facts],
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    evidence = all_evidence(plan)
    for step in plan.steps:
        # What a scanner takes it may take before all that gives it is confirmed.
        ready = max([step.started, *[plan.step(before).completed for before in step.step.after]])
        assert isinstance(may_begin(plan, step.id, evidence, now=ready), Confirmed)
        early = may_begin(plan, step.id, evidence, now=step.started - SECOND)
        if step.step.after or step.waits:
            assert isinstance(early, Missing) and early.missing


@given(facts_for(Flow.OPERATOR_CHANGE), st.data())
def test_one_confirmation_less_stops_all_that_follows_and_is_listed(facts: Facts, data: st.DataObject) -> None:
    plan = plan_transfer(facts, start=NOW)
    taken = data.draw(st.sampled_from([step.id for step in plan.steps if step.step.actor is not Actor.NOBODY]))
    evidence = [each for each in all_evidence(plan) if each.step_id != taken]
    follows = {taken}
    for step in plan.steps:
        decision = may_begin(plan, step.id, evidence, now=plan.finished)
        if follows & {*step.step.after, *[wait.since for wait in step.waits]}:
            follows.add(step.id)
            assert isinstance(decision, Missing)
            assert [lacking.step_id for lacking in decision.missing] == [taken]
        else:
            assert isinstance(decision, Confirmed)


def recorded(plan: Plan, *step_ids: str) -> Plan:
    """The plan with these steps recorded as planned, in this order, each as the gate decides on it."""
    for step_id in step_ids:
        step = plan.step(step_id)
        decision = may_record(
            plan, step_id, started=step.started, completed=step.completed, now=plan.finished, by="the engineer"
        )
        assert isinstance(decision, Confirmed), decision
        plan = plan.decide(decision).record(step_id, started=step.started, completed=step.completed)
    return plan


@given(flows_with_facts)
def test_what_is_done_as_planned_goes_on_record_step_by_step_and_changes_no_date(
    given_facts: tuple[Flow, Facts],
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    taken = [step.id for step in plan.steps if step.step.actor is not Actor.NOBODY]
    done = recorded(plan, *taken)
    assert [(step.started, step.completed) for step in done.steps] == [
        (step.started, step.completed) for step in plan.steps
    ]
    assert [decision.step_id for decision in done.journal.decisions] == taken
    assert done.journal.overrides == ()


@given(flows_with_facts, st.data())
def test_what_was_begun_a_second_early_is_missing_what_it_should_have_waited_for(
    given_facts: tuple[Flow, Facts], data: st.DataObject
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    step = data.draw(st.sampled_from([step for step in plan.steps if step.step.actor is not Actor.NOBODY]))
    ids = [each.id for each in plan.steps if each.step.actor is not Actor.NOBODY]
    before = recorded(plan, *ids[: ids.index(step.id)])
    early = may_record(
        before, step.id, started=step.not_before - SECOND, completed=step.completed, now=plan.finished, by="a"
    )
    assert isinstance(early, Missing) and early.missing
    override = Override(who="the engineer", why="it happened", when=plan.finished)
    taken = may_record(
        before,
        step.id,
        started=step.not_before - SECOND,
        completed=step.completed,
        now=plan.finished,
        by="a",
        override=override,
    )
    assert taken == Overridden(step_id=step.id, at=plan.finished, missing=early.missing, override=override)


# ---- vectors --------------------------------------------------------------------------------------------------------


def test_the_ns_change_needs_every_merge_and_its_time() -> None:
    decision = may_begin(PLAN, "ns-changed", [], now=NOW)
    assert isinstance(decision, Missing)
    steps = [lacking.step_id for lacking in decision.missing]
    assert {"losing-merged", "gaining-merged", "ds-added", "gaining-serves", "frozen"} <= set(steps)
    told = [str(lacking) for lacking in decision.missing if lacking.step_id == "ns-changed"]
    assert any("DS RRset without the gaining DS: 2d" in each and "2026-11-23T12:00:00Z" in each for each in told)
    with pytest.raises(PlanError, match=r"ns-changed may not begin at 2026-11-21T12:00:00Z.*losing-merged"):
        decision.raise_if_missing()


def test_one_server_that_lacks_is_enough_until_it_gives_what_is_asked() -> None:
    at = PLAN.switchover
    rest = [each for each in all_evidence(PLAN) if each.step_id != "losing-merged"]
    first = Evidence(
        step_id="losing-merged", seen=NOW, by="the probe", confirming=frozenset({"ns1"}), lacking=frozenset({"ns2"})
    )
    decision = may_begin(PLAN, "ns-changed", [*rest, first], now=at)
    assert isinstance(decision, Missing) and "not so at ns2" in decision.missing[0].found
    second = Evidence(step_id="losing-merged", seen=NOW + SECOND, by="the probe", confirming=frozenset({"ns2"}))
    assert isinstance(may_begin(PLAN, "ns-changed", [second, *rest, first], now=at), Confirmed)
    undone = Evidence(step_id="losing-merged", seen=at, by="the probe", lacking=frozenset({"ns1"}))
    assert isinstance(may_begin(PLAN, "ns-changed", [*rest, first, second, undone], now=at), Missing)
    assert isinstance(may_begin(PLAN, "ns-changed", [*rest, first, second, undone], now=at - SECOND), Missing)


def test_every_server_that_is_known_has_to_be_asked() -> None:
    servers = {Source.LOSING: frozenset({"ns1", "ns2"})}
    one = Evidence(step_id="losing-merged", seen=NOW, by="the probe", confirming=frozenset({"ns1"}))
    both = Evidence(step_id="losing-merged", seen=NOW, by="the probe", confirming=frozenset({"ns1", "ns2"}))
    assert is_confirmed(PLAN, "losing-merged", [one], now=NOW)
    assert not is_confirmed(PLAN, "losing-merged", [one], now=NOW, servers=servers)
    assert is_confirmed(PLAN, "losing-merged", [both], now=NOW, servers=servers)
    rest = [each for each in all_evidence(PLAN) if each.step_id != "losing-merged"]
    decision = may_begin(PLAN, "ns-changed", [*rest, one], now=PLAN.switchover, servers=servers)
    assert isinstance(decision, Missing) and "ns2 was not asked" in str(decision.missing[0])
    parent = [Evidence(step_id="frozen", seen=NOW, by="both operators")]
    assert is_confirmed(PLAN, "frozen", parent, now=NOW, servers=servers), "no matter of servers"


def test_of_two_answers_at_one_instant_the_one_that_lacks_counts() -> None:
    gives = Evidence(step_id="ds-added", seen=NOW, by="a", confirming=frozenset({"ns1"}))
    lacks = Evidence(step_id="ds-added", seen=NOW, by="b", lacking=frozenset({"ns1"}))
    for evidence in ([gives, lacks], [lacks, gives]):
        assert not is_confirmed(PLAN, "ds-added", evidence, now=NOW)
    assert is_confirmed(PLAN, "ds-added", [gives], now=NOW)
    assert not is_confirmed(PLAN, "ds-added", [gives], now=NOW - SECOND), "not seen yet"


def test_evidence_from_before_a_step_was_done_confirms_nothing() -> None:
    done = NOW + timedelta(hours=3)
    plan = PLAN.record("losing-merged", started=NOW, completed=done)
    early = Evidence(step_id="losing-merged", seen=done - SECOND, by="the probe")
    assert not is_confirmed(plan, "losing-merged", [early], now=done)
    on_time = Evidence(step_id="losing-merged", seen=done, by="the probe")
    assert is_confirmed(plan, "losing-merged", [early, on_time], now=done)


def test_time_alone_confirms_what_waits_for_nothing_else() -> None:
    until = PLAN.step("losing-unreachable").not_before
    assert is_confirmed(PLAN, "losing-unreachable", [], now=until)
    assert not is_confirmed(PLAN, "losing-unreachable", [], now=until - SECOND)


def test_an_override_says_who_and_why_and_stays_with_what_was_missing() -> None:
    decision = may_begin(PLAN, "ns-changed", [], now=NOW, override=OVERRIDE)
    assert isinstance(decision, Overridden) and decision.override is OVERRIDE
    refused = may_begin(PLAN, "ns-changed", [], now=NOW)
    assert isinstance(refused, Missing) and decision.missing == refused.missing
    needless = may_begin(PLAN, "frozen", [], now=NOW, override=OVERRIDE)
    assert isinstance(needless, Confirmed), "nothing was missing, so nothing is overridden"
    journal = Journal().add(refused).add(decision).add(needless)
    assert journal.overrides == (decision,) and journal.decisions == (refused, decision, needless)


def test_a_wait_that_is_counted_from_a_step_needs_that_step_too() -> None:
    """The losing DS outlives the losing DNSKEY RRset with its lower TTL; who knows that it was lowered?"""
    assert "ttls-lowered" in {wait.since for wait in PLAN.step("losing-ds-removed").waits}
    evidence = [each for each in all_evidence(PLAN) if each.step_id != "ttls-lowered"]
    decision = may_begin(PLAN, "losing-ds-removed", evidence, now=PLAN.finished)
    assert isinstance(decision, Missing)
    assert [lacking.step_id for lacking in decision.missing] == ["ttls-lowered"]


def test_a_step_that_is_recorded_as_done_later_is_told_as_that() -> None:
    plan = PLAN.record("ds-added", started=NOW, completed=NOW + SECOND)
    decision = may_begin(plan, "ns-changed", all_evidence(plan), now=NOW)
    assert isinstance(decision, Missing)
    (told,) = [each for each in decision.missing if each.step_id == "ds-added"]
    assert told.found == "it is recorded as done only at 2026-11-21T12:00:01Z"


def test_a_correction_needs_somebody_to_answer_for_it_and_keeps_what_was_said_before() -> None:
    plan = recorded(PLAN, "frozen")
    later = NOW + timedelta(hours=1)
    again = {"started": later, "completed": later, "now": later, "by": "the engineer"}
    refused = may_record(plan, "frozen", **again)  # type: ignore[arg-type]
    assert isinstance(refused, Missing)
    assert [str(each) for each in refused.missing] == [
        "frozen: one record of a step; it is recorded as begun at 2026-11-21T12:00:00Z and done at 2026-11-21T12:00:00Z"
    ]
    corrected = may_record(plan, "frozen", **again, override=OVERRIDE)  # type: ignore[arg-type]
    assert isinstance(corrected, Overridden) and corrected.missing == refused.missing
    same = may_record(plan, "frozen", started=NOW, completed=NOW, now=later, by="the engineer")
    assert isinstance(same, Confirmed), "the same again is no correction"


def test_a_decision_to_record_is_of_the_instant_at_which_it_is_recorded() -> None:
    """The override is from today, and the step from yesterday."""
    today = NOW + timedelta(days=1)
    override = replace(OVERRIDE, when=today)
    decision = may_record(
        PLAN, "ns-changed", started=NOW, completed=NOW, now=today, by="the engineer", override=override
    )
    assert isinstance(decision, Overridden) and decision.at == today
    assert any("2026-11-23T12:00:00Z" in each.found for each in decision.missing), "as of when it was begun"


def test_a_scanner_may_have_taken_what_the_first_server_gave() -> None:
    facts = the_facts()
    slow = replace(facts.losing, propagation_delay=timedelta(hours=1))
    plan = plan_transfer(replace(facts, losing=slow), flow=Flow.SCANNING_PARENT, start=NOW)
    ids = [step.id for step in plan.steps]
    done = recorded(plan, *ids[: ids.index("ds-added")])
    published = done.step("cds-published")
    assert published.completed > published.started
    for by, kind in ((-SECOND, Missing), (timedelta(0), Confirmed)):
        at = published.started + by
        decision = may_record(done, "ds-added", started=at, completed=at, now=plan.finished, by="the registry")
        assert isinstance(decision, kind), decision


# ---- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "why"), [("", "it is late"), ("the engineer", " ")])
def test_an_override_without_a_name_or_a_reason_is_refused(who: str, why: str) -> None:
    with pytest.raises(PlanError, match="override"):
        Override(who=who, why=why, when=NOW)


def test_bad_evidence_and_bad_times_are_refused() -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(PlanError, match="who saw it"):
        Evidence(step_id="ds-added", seen=NOW, by="")
    with pytest.raises(PlanError, match="gives it and does not"):
        Evidence(step_id="ds-added", seen=NOW, by="a", confirming=frozenset({"ns1"}), lacking=frozenset({"ns1"}))
    with pytest.raises(TimeError):
        Evidence(step_id="ds-added", seen=naive, by="a")
    with pytest.raises(TimeError):
        Override(who="a", why="b", when=naive)
    with pytest.raises(TimeError):
        may_begin(PLAN, "ds-added", [], now=naive)
    with pytest.raises(PlanError, match="no step 'coffee'"):
        may_begin(PLAN, "coffee", [], now=NOW)
    with pytest.raises(PlanError, match="no step 'coffee'"):
        may_begin(PLAN, "ds-added", [Evidence(step_id="coffee", seen=NOW, by="a")], now=NOW)
    with pytest.raises(PlanError, match="comes after the decision"):
        may_begin(PLAN, "ds-added", [], now=NOW - SECOND, override=OVERRIDE)
    late = may_begin(PLAN, "frozen", [], now=NOW + SECOND)
    with pytest.raises(PlanError, match="in the order"):
        Journal().add(late).add(may_begin(PLAN, "frozen", [], now=NOW))


def test_a_step_that_was_done_later_than_planned_has_to_be_recorded_first() -> None:
    """Its waits count from when it was done; evidence says no more than that it was not done before."""
    late = NOW + timedelta(days=1)
    seen = [each for each in all_evidence(PLAN) if each.step_id != "ds-added"]
    seen.append(Evidence(step_id="ds-added", seen=late - SECOND, by="the probe", lacking=frozenset({"ns1"})))
    seen.append(Evidence(step_id="ds-added", seen=late, by="the probe", confirming=frozenset({"ns1"})))
    decision = may_begin(PLAN, "ns-changed", seen, now=PLAN.switchover)
    assert isinstance(decision, Missing)
    assert "record when it was" in decision.missing[0].found
    plan = PLAN.record("ds-added", started=late, completed=late)
    assert isinstance(may_begin(plan, "ns-changed", seen, now=PLAN.switchover), Missing)
    assert isinstance(may_begin(plan, "ns-changed", seen, now=plan.switchover), Confirmed)


def test_texts_that_would_break_a_line_are_refused() -> None:
    with pytest.raises(PlanError, match="is not one line"):
        Override(who="the engineer", why="it is\nlate", when=NOW)
    with pytest.raises(PlanError, match="is not one line"):
        Evidence(step_id="ds-added", seen=NOW, by="a\x1b[2J")
    with pytest.raises(PlanError, match="is not one line"):
        Evidence(step_id="ds-added", seen=NOW, by="a", lacking=frozenset({"ns1\r"}))
    with pytest.raises(PlanError, match="is not one line"):
        Lacking(step_id="ds-added", needed="a", found="b\x00")


def test_decisions_that_contradict_themselves_are_refused() -> None:
    lacking = (Lacking(step_id="ds-added", needed="a", found="b"),)
    with pytest.raises(PlanError, match="something is missing, and not what"):
        Missing(step_id="ds-added", at=NOW, missing=())
    with pytest.raises(PlanError, match="something is missing, and not what"):
        Overridden(step_id="ds-added", at=NOW, missing=(), override=OVERRIDE)
    with pytest.raises(PlanError, match="comes after the decision"):
        Overridden(step_id="ds-added", at=NOW - SECOND, missing=lacking, override=OVERRIDE)
    with pytest.raises(TimeError):
        Confirmed(step_id="ds-added", at=NOW.replace(tzinfo=None), evidence=())
    with pytest.raises(PlanError, match="in the order"):
        Journal(decisions=tuple(Missing(step_id="ds-added", at=at, missing=lacking) for at in (NOW, NOW - SECOND)))


def test_what_cannot_go_on_record_is_refused() -> None:
    with pytest.raises(
        PlanError, match=r"losing-unreachable is a wait: nobody takes it, and time confirms it at 2026-"
    ):
        may_record(PLAN, "losing-unreachable", started=NOW, completed=NOW, now=NOW, by="a", override=OVERRIDE)
    with pytest.raises(PlanError, match="no step 'coffee'"):
        may_record(PLAN, "coffee", started=NOW, completed=NOW, now=NOW, by="a")
    with pytest.raises(PlanError, match="cannot have completed before"):
        may_record(PLAN, "frozen", started=NOW, completed=NOW - SECOND, now=NOW, by="a")
    with pytest.raises(PlanError, match="comes after the decision"):
        may_record(
            PLAN,
            "ns-changed",
            started=NOW,
            completed=NOW,
            now=NOW,
            by="a",
            override=replace(OVERRIDE, when=NOW + SECOND),
        )
    with pytest.raises(TimeError):
        may_record(PLAN, "frozen", started=NOW, completed=NOW, now=NOW.replace(tzinfo=None), by="a")
