"""The way back: from every step safe and tight, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_transfer_plan import COOPERATING, DAY, NOW, SECOND, facts_for, the_facts, ttls
from tests.test_transfer_unsafe import in_domain
from zonekit.errors import PlanError, TimeError
from zonekit.transfer.facts import Facts
from zonekit.transfer.parties import Capability
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.profiles import PROFILES, STICKY
from zonekit.transfer.proof import Bogus, Outage, Safe
from zonekit.transfer.steps import Flow
from zonekit.transfer.timelines import leads_to
from zonekit.transfer.versions import DsVersion, Overlap, Source
from zonekit.transfer.wayback import Return, WayBack, point_of_no_return, prove_way_back, way_back
from zonekit.ttl import Ttl

PLAN = plan_transfer(the_facts(), start=NOW)
cooperating = st.sampled_from(COOPERATING).flatmap(lambda flow: st.tuples(st.just(flow), facts_for(flow)))
gaining_can = st.sampled_from((frozenset(Capability), frozenset(Capability) - {Capability.CHANGE_NS}))


def with_gaining(facts: Facts, **changes: object) -> Facts:
    return replace(facts, gaining=replace(facts.gaining, **changes))  # type: ignore[arg-type]


def hurried(way: WayBack, step_id: str) -> WayBack:
    """The way back with one step a second too early; what does not follow from it stays where it was."""
    moved = way
    for planned in way.steps:
        by = SECOND if planned.id == step_id else timedelta(0)
        moved = moved.record(planned.id, started=planned.started - by, completed=planned.completed - by)
        if by:
            return moved
    raise AssertionError(step_id)


# ---- laws -----------------------------------------------------------------------------------------------------------


@given(cooperating, gaining_can)
@settings(max_examples=30)
def test_from_every_step_the_way_back_is_safe_and_tight(
    given_facts: tuple[Flow, Facts], can: frozenset[Capability]
) -> None:
    flow, facts = given_facts
    names = facts.gaining.name_servers if Capability.CHANGE_NS in can else frozenset()
    plan = plan_transfer(with_gaining(facts, can=can, name_servers=names), flow=flow, start=NOW)
    for step in plan.steps:
        way = way_back(plan, at=step.id)
        verdict = prove_way_back(way)
        assert isinstance(verdict, Safe), (step.id, verdict)
        for planned in way.steps:
            if planned.waits:
                early = prove_way_back(hurried(way, planned.id))
                assert isinstance(early, Bogus | Outage), (step.id, planned)


@given(cooperating, st.integers(0, 40 * DAY))
@settings(max_examples=60)
def test_from_every_instant_the_way_back_is_safe_and_ends_where_the_transfer_began(
    given_facts: tuple[Flow, Facts], seconds: int
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    way = way_back(plan, at=NOW + timedelta(seconds=seconds))
    assert isinstance(prove_way_back(way), Safe)
    assert way.turned_at <= way.returned <= way.finished
    left = [
        version for version in way.schedule.versions if version.end is None and version.source is not Source.GAINING
    ]
    (ds,) = [version for version in left if isinstance(version, DsVersion)]
    assert {entry.key for entry in ds.entries} == set(facts.losing.dnskey_signers)
    for version in left:
        assert getattr(version, "leads_to", None) in (None, Source.LOSING, leads_to(facts, Source.LOSING))
    assert {key for version in left for key in getattr(version, "keys", ())} == {each.key for each in facts.losing.keys}
    assert facts.losing.ns_ttl in {version.ttl for version in left if version.source is Source.LOSING}


@given(cooperating)
@settings(max_examples=30)
def test_before_the_point_of_no_return_nothing_is_waited_for_before_the_ns_lead_back(
    given_facts: tuple[Flow, Facts],
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    last = point_of_no_return(plan)
    assert last is not None
    for step in plan.steps:
        way = way_back(plan, at=step.started)
        assert (way.kind is Return.NEW_TRANSFER) is (step.started > last.started)
        if way.kind is Return.NEW_TRANSFER:
            continue
        waiting = {planned.id for planned in way.steps if planned.waits}
        assert not waiting & {"ns-restored", "gaining-ns-changed"}
        if way.kind is Return.UNDO:
            assert not waiting


@given(cooperating, st.sampled_from((0, 60, 3600)).map(lambda seconds: timedelta(seconds=seconds)))
@settings(max_examples=20)
def test_margins_make_the_way_back_longer_and_never_less_safe(
    given_facts: tuple[Flow, Facts], margin: timedelta
) -> None:
    flow, facts = given_facts
    timing = replace(facts.timing, publish_safety=margin, retire_safety=margin, stale_margin=margin)
    plan = plan_transfer(replace(facts, timing=timing), flow=flow, start=NOW)
    without = facts
    for step_id in ("ns-changed", "losing-unreachable", "losing-keys-withdrawn"):
        way = way_back(plan, at=step_id)
        assert isinstance(prove_way_back(way), Safe)
        assert way.cost >= way_back(replace(plan, facts=without), at=step_id).cost


@given(cooperating, ttls)
@settings(max_examples=20)
def test_low_gaining_ttls_never_make_the_way_back_longer(given_facts: tuple[Flow, Facts], lowered: Ttl) -> None:
    flow, facts = given_facts
    low = replace(facts, timing=replace(facts.timing, lowered_ttl=lowered))
    high = with_gaining(low, can=frozenset(Capability) - {Capability.LOWER_TTLS})
    costs = [way_back(plan_transfer(each, flow=flow, start=NOW), at="ns-changed").cost for each in (low, high)]
    assert costs[0] <= costs[1]


def test_recording_the_way_back_as_planned_changes_no_date() -> None:
    way = way_back(PLAN, at="losing-unreachable")
    recorded = way
    for planned in way.steps:
        recorded = recorded.record(planned.id, started=planned.started, completed=planned.completed)
    assert [(each.id, each.started, each.completed) for each in recorded.steps] == [
        (each.id, each.started, each.completed) for each in way.steps
    ]
    assert recorded.schedule == way.schedule


# ---- vectors --------------------------------------------------------------------------------------------------------


def test_before_the_switch_the_transfer_is_undone_at_once() -> None:
    way = way_back(PLAN, at="ds-added")
    assert (way.kind, way.cost) == (Return.UNDO, timedelta(0))
    assert [step.id for step in way.steps] == [
        *("transfer-stopped", "gaining-ds-removed", "gaining-keys-withdrawn", "losing-ttls-restored")
    ]


def test_after_the_switch_the_ns_lead_back_at_once_and_the_rest_waits_for_caches() -> None:
    way = way_back(PLAN, at="losing-unreachable")
    assert way.kind is Return.SWITCH_BACK
    assert way.step("ns-restored").started == way.turned_at
    assert way.returned - way.turned_at == timedelta(days=2), "the parent's NS TTL"
    removed = way.step("gaining-ds-removed")
    assert removed.started - way.returned == timedelta(minutes=10), "the gaining DNSKEY TTL was kept low"
    assert removed.because is not None and removed.because.record.startswith("DNSKEY of the gaining operator")
    assert way.step("gaining-keys-withdrawn").started - way.returned == timedelta(days=1)


def test_the_point_of_no_return_of_the_earliest_plan_is_the_losing_side_stopping() -> None:
    step = point_of_no_return(PLAN)
    assert step is not None and step.id == "losing-stopped"
    later = PLAN.record("losing-stopped", started=PLAN.finished, completed=PLAN.finished)
    step = point_of_no_return(later)
    assert step is not None and step.id == "losing-ds-removed"
    through = plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW)
    assert point_of_no_return(through) is not None


def test_a_removed_ds_has_to_be_back_in_caches_first() -> None:
    removed = PLAN.step("losing-ds-removed")
    way = way_back(PLAN, at=removed.completed + timedelta(hours=1))
    assert way.kind is Return.NEW_TRANSFER
    switch = way.step("ns-restored")
    assert switch.started - way.turned_at == timedelta(days=2)
    assert switch.because is not None and switch.because.record == "DS of the gaining operator"


def test_what_happened_counts_and_not_what_was_planned() -> None:
    switch = PLAN.switchover
    plan = PLAN.record("ns-changed", started=switch, completed=switch + timedelta(hours=2))
    way = way_back(plan, at=switch + timedelta(hours=1))
    assert way.step("transfer-stopped").completed == switch + timedelta(hours=2)
    assert isinstance(prove_way_back(way), Safe)
    late = way.record(
        "ns-restored",
        started=way.step("ns-restored").started,
        completed=way.step("ns-restored").completed + timedelta(hours=5),
    )
    assert late.returned - way.returned == timedelta(hours=5)
    assert isinstance(prove_way_back(late), Safe)


@pytest.mark.parametrize("asked", [Source.LOSING, Source.PARENT])
def test_shared_servers_have_to_drop_the_gaining_zone(asked: Source) -> None:
    facts = replace(the_facts(), overlaps=(Overlap(asked=asked, answers=Source.GAINING),))
    plan = plan_transfer(facts, start=NOW)
    for step in plan.steps:
        assert isinstance(prove_way_back(way_back(plan, at=step.id)), Safe), step.id
    assert way_back(plan, at="gaining-serves").kind is Return.UNDO
    way = way_back(plan, at="shared-serve")
    assert way.kind is Return.SWITCH_BACK, "resolvers came by the shared servers"


def test_sticky_resolvers_leave_only_where_the_gaining_side_changes_its_ns() -> None:
    plan = plan_transfer(the_facts(), start=NOW, profiles=[*PROFILES, STICKY])
    for step in plan.steps:
        assert isinstance(prove_way_back(way_back(plan, at=step.id)), Safe), step.id
    kept = with_gaining(the_facts(), can=frozenset(Capability) - {Capability.CHANGE_NS})
    plan = plan_transfer(kept, start=NOW, profiles=[STICKY])
    with pytest.raises(PlanError, match="never gives up NS of the gaining operator"):
        way_back(plan, at="losing-unreachable")


def test_names_that_stay_are_left_only_where_the_gaining_side_changes_their_addresses() -> None:
    facts = in_domain(the_facts(), losing="ns1.example.nl", gaining="ns1.example.nl")
    for step in plan_transfer(facts, start=NOW).steps:
        way = way_back(plan_transfer(facts, start=NOW), at=step.id)
        assert isinstance(prove_way_back(way), Safe), step.id
    kept = with_gaining(facts, can=frozenset(Capability) - {Capability.CHANGE_NS})
    with pytest.raises(PlanError, match="never gives up addresses of the gaining name servers"):
        way_back(plan_transfer(kept, start=NOW), at="losing-unreachable")


# ---- refusals -------------------------------------------------------------------------------------------------------


def test_what_has_no_way_back_says_so() -> None:
    through = plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW)
    with pytest.raises(PlanError, match="does not take part"):
        way_back(through, at=NOW)
    facts = the_facts()
    expiring = replace(facts, losing=replace(facts.losing, signatures_expire=NOW + timedelta(days=99)))
    with pytest.raises(PlanError, match="signatures of the losing operator expire"):
        way_back(plan_transfer(expiring, start=NOW), at="ns-changed")


def test_bad_instants_and_steps_are_refused() -> None:
    with pytest.raises(PlanError, match="no step 'coffee'"):
        way_back(PLAN, at="coffee")
    with pytest.raises(PlanError, match="before the plan's start"):
        way_back(PLAN, at=NOW - SECOND)
    with pytest.raises(TimeError):
        way_back(PLAN, at=NOW.replace(tzinfo=None))
    way = way_back(PLAN, at="ns-changed")
    with pytest.raises(PlanError, match="no step 'coffee'"):
        way.record("coffee", started=NOW, completed=NOW)
    with pytest.raises(PlanError, match="before the way back begins"):
        way.record("ns-restored", started=NOW, completed=NOW)
    with pytest.raises(TimeError):
        way.record("ns-restored", started=NOW.replace(tzinfo=None), completed=NOW)


@pytest.mark.parametrize("flow", [Flow.THROUGH_INSECURE, Flow.FROM_UNSIGNED])
def test_where_nothing_is_merged_the_gaining_ds_is_the_point_of_no_return(flow: Flow) -> None:
    plan = plan_transfer(the_facts(flow is not Flow.FROM_UNSIGNED), flow=flow, start=NOW)
    late = plan.step("losing-stopped").started + timedelta(days=30)
    plan = plan.record("losing-stopped", started=late, completed=late)
    last = point_of_no_return(plan)
    assert last is not None and last.id == "ds-added"
