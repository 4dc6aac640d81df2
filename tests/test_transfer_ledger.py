"""What was served before, changes that come out of order, and servers that are loaded late: what a review found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_transfer_plan import DAY, NOW, SECOND, moved, the_facts, ttls
from zonekit.errors import PlanError
from zonekit.transfer.facts import Facts
from zonekit.transfer.ledger import Ledger, Observation, Record
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.proof import Bogus, Outage, Safe
from zonekit.transfer.timelines import Event, line_of
from zonekit.transfer.versions import DataVersion, Overlap, Source
from zonekit.ttl import Ttl

HOUR = timedelta(hours=1)
BOTH = Overlap(asked=Source.LOSING, answers=Source.GAINING)


def quick(**ledger: object) -> Facts:
    """Facts with TTLs of an hour, and what the ledger has."""
    facts = the_facts()
    ttl = Ttl(3600)
    losing = replace(facts.losing, ns_ttl=ttl, dnskey_ttl=ttl, data_ttl=ttl, negative_ttl=ttl)
    parent = replace(facts.parent, ds_ttl=ttl, ns_ttl=ttl)
    seen = (Observation(**ledger),) if ledger else ()  # type: ignore[arg-type]
    return replace(facts, losing=losing, parent=parent, ledger=Ledger(observations=seen))


def early(plan: Plan, step_id: str) -> Plan:
    return moved(plan, step_id, -SECOND)


# ---- the ledger -----------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from((60, 600, DAY)), st.integers(0, DAY)), max_size=6))
def test_a_ledger_of_looks_says_until_when_each_ttl_may_have_been_served(looks: list[tuple[int, int]]) -> None:
    ledger = Ledger()
    at = NOW
    for ttl, later in looks:
        at += timedelta(seconds=later)
        ledger = ledger.saw(source=Source.LOSING, record=Record.DNSKEY, ttl=ttl, at=at)
    now = [seen for seen in ledger.observations if seen.until is None]
    assert [seen.ttl for seen in now] == [ttl for ttl, _ in looks[-1:]]
    assert len({seen.ttl for seen in ledger.observations}) == len(ledger.observations)
    assert all(seen.until is None or seen.until <= at for seen in ledger.observations)
    assert {ttl for ttl, _ in ledger.of(Source.LOSING, Record.DNSKEY)} == {ttl for ttl, _ in looks} - {
        seen.ttl for seen in now
    }


def test_looks_are_given_in_their_order() -> None:
    ledger = Ledger().saw(source=Source.PARENT, record=Record.DS, ttl=60, at=NOW)
    ledger = ledger.saw(source=Source.PARENT, record=Record.DS, ttl=600, at=NOW + HOUR)
    with pytest.raises(PlanError, match="a look at 2026-11-21T12:00:00Z comes after one at 2026-11-21T13:00:00Z"):
        ledger.saw(source=Source.PARENT, record=Record.DS, ttl=60, at=NOW)


def test_an_old_ttl_counts_to_the_first_look_that_showed_another() -> None:
    looks = Ledger().saw(source=Source.LOSING, record=Record.DNSKEY, ttl=DAY, at=NOW - timedelta(days=1))
    looks = looks.saw(source=Source.LOSING, record=Record.DNSKEY, ttl=3600, at=NOW - HOUR)
    plan = plan_transfer(replace(quick(), ledger=looks), start=NOW)
    assert plan.switchover == NOW + timedelta(hours=23)
    assert isinstance(prove(plan), Safe)
    assert isinstance(prove(early(plan, "ns-changed")), Bogus)


def test_what_the_ledger_says_is_served_still_is_a_ttl_of_now() -> None:
    with pytest.raises(
        PlanError, match="a DNSKEY TTL of 86400 of the losing side that is served still, and the facts have"
    ):
        quick(source=Source.LOSING, record=Record.DNSKEY, ttl=DAY)
    assert quick(source=Source.LOSING, record=Record.DNSKEY, ttl=60)


def test_an_address_with_a_longer_ttl_is_data_with_one() -> None:
    plan = plan_transfer(quick(source=Source.LOSING, record=Record.ADDRESS, ttl=7 * DAY, until=NOW), start=NOW)
    assert isinstance(prove(plan), Safe)
    assert plan.step("losing-keys-withdrawn").started == NOW + timedelta(days=7)
    assert isinstance(prove(early(plan, "losing-keys-withdrawn")), Bogus)


def test_a_ttl_that_is_seen_after_the_merge_is_of_what_was_merged() -> None:
    facts = quick(source=Source.LOSING, record=Record.DNSKEY, ttl=DAY, until=NOW + 5 * HOUR)
    plan = plan_transfer(facts, start=NOW)
    assert plan.switchover == NOW + timedelta(days=1)
    assert isinstance(prove(plan), Safe)
    assert isinstance(prove(early(plan, "ns-changed")), Bogus)


# ---- changes of one RRset that overlap ------------------------------------------------------------------------------


def test_a_ttl_that_was_lowered_long_before_a_late_merge_has_run_out_by_then() -> None:
    facts = replace(the_facts(), parent=replace(the_facts().parent, ds_ttl=Ttl(600)))
    plan = plan_transfer(facts, start=NOW)
    late = NOW + timedelta(days=3)
    plan = plan.record("ttls-lowered", started=NOW, completed=NOW).record("losing-merged", started=late, completed=late)
    assert plan.switchover == late + timedelta(minutes=10)
    assert isinstance(prove(plan), Safe)
    assert isinstance(prove(early(plan, "ns-changed")), Bogus)


def test_a_server_may_have_the_later_of_two_changes_and_not_the_one_before() -> None:
    plan = plan_transfer(replace(the_facts(), parent=replace(the_facts().parent, ds_ttl=Ttl(600))), start=NOW)
    days = timedelta(days=10)
    plan = plan.record("losing-merged", started=NOW, completed=NOW + days)
    plan = plan.record("ttls-lowered", started=NOW + SECOND, completed=NOW + SECOND)
    assert plan.switchover == NOW + days + timedelta(minutes=10)
    assert isinstance(prove(plan), Safe)
    assert isinstance(prove(early(plan, "ns-changed")), Bogus)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=3), ttls)
def test_at_any_time_a_line_has_a_version_for_each_state_that_a_server_can_be_in(
    spans: list[tuple[int, int]], ttl: Ttl
) -> None:
    first = DataVersion(source=Source.LOSING, record="", ttl=ttl, signatures=())
    events = [Event(NOW + timedelta(seconds=begin), NOW + timedelta(seconds=begin + length)) for begin, length in spans]
    changes = [
        (event, lambda version, mark=str(number): replace(version, record=version.record + mark))
        for number, event in enumerate(events)
    ]
    line = line_of(first, changes)
    for second in range(-1, 45):
        at = NOW + timedelta(seconds=second)
        served = {
            frozenset(version.record)
            for version in line
            if (version.start is None or version.start <= at) and (version.end is None or at < version.end)
        }
        must = {str(number) for number, event in enumerate(events) if event.completed <= at}
        may = {str(number) for number, event in enumerate(events) if event.started <= at}
        assert served and all(must <= state <= may for state in served)
        assert frozenset(may) in served and frozenset(must) in served


# ---- servers that get the gaining zone late -------------------------------------------------------------------------


@given(st.integers(0, 20), st.sampled_from((Source.LOSING, Source.PARENT)))
def test_a_shared_server_that_is_loaded_late_is_waited_for(days: int, asked: Source) -> None:
    facts = replace(the_facts(), overlaps=(Overlap(asked=asked, answers=Source.GAINING),))
    plan = plan_transfer(facts, start=NOW)
    for step_id in ("ns-changed", "losing-ns-changed"):
        step = plan.step(step_id)
        plan = plan.record(step_id, started=step.started, completed=step.completed)
    late = plan.step("shared-serve").started + timedelta(days=days)
    plan = plan.record("shared-serve", started=late, completed=late)
    assert plan.step("losing-unreachable").started >= late
    if asked is Source.LOSING:
        assert isinstance(prove(plan), Safe), "until it is loaded it answers from the losing zone"


@pytest.mark.parametrize(("stays", "verdict"), [("losing-stopped", Bogus), ("", Outage)])
def test_a_forgotten_shared_server_is_not_safe_to_forget(stays: str, verdict: type) -> None:
    facts = replace(the_facts(), overlaps=(BOTH,))
    plan = plan_transfer(facts, start=NOW)
    late = plan.step("shared-serve").started + timedelta(days=10)
    known = plan.record("shared-serve", started=late, completed=late)
    for step in plan.steps:
        if step.id not in ("shared-serve", stays) and step.step.actor.value != "nobody":
            known = known.record(step.id, started=step.started, completed=step.completed)
    assert isinstance(prove(known), verdict)


def test_an_overlap_ends_after_it_begins() -> None:
    with pytest.raises(PlanError, match="an overlap that ends at"):
        replace(BOTH, start=NOW, end=NOW - HOUR)
    with pytest.raises(PlanError, match="an overlap has a start or an end; leave them out"):
        replace(the_facts(), overlaps=(replace(BOTH, end=NOW),))
