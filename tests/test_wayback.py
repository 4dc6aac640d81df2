"""The way back: from every step safe and tight, and what it costs."""

from __future__ import annotations

import bisect
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation import simulate
from tests.test_plan_laws import overlaps
from tests.test_transfer_deadline import SIGNED_FLOWS, expiring, without
from tests.test_transfer_plan import COOPERATING, DAY, NOW, SECOND, ds_of, facts_for, flows_with_facts, the_facts, ttls
from tests.test_transfer_simulation import assert_within_the_model, patient, seeds
from tests.test_transfer_unsafe import in_domain
from zonekit.errors import PlanError, TimeError
from zonekit.instants import LATEST, epoch_seconds, from_epoch_seconds
from zonekit.transfer.facts import Facts
from zonekit.transfer.parties import Capability
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.profiles import NAMED, PROFILES, STICKY, UNBOUND, ResolverProfile
from zonekit.transfer.proof import Bogus, Outage, Safe, prove_schedule
from zonekit.transfer.steps import STEPS, Actor, Flow
from zonekit.transfer.timelines import schedule_of
from zonekit.transfer.versions import DsVersion, Overlap, Schedule, Source
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


def assert_tight(way: WayBack) -> None:
    """Every wait that is a second shorter is found out."""
    for planned in way.steps:
        if planned.waits:
            early = prove_way_back(hurried(way, planned.id))
            assert isinstance(early, Bogus | Outage), planned


@given(flows_with_facts, gaining_can, st.sampled_from((PROFILES, (NAMED,))))
@settings(max_examples=60)
def test_from_every_step_the_way_back_is_safe_and_tight(
    given_facts: tuple[Flow, Facts], can: frozenset[Capability], profiles: tuple[ResolverProfile, ...]
) -> None:
    flow, facts = given_facts
    names = facts.gaining.name_servers if Capability.CHANGE_NS in can else frozenset()
    facts = with_gaining(facts, can=can, name_servers=names)
    plan = plan_transfer(facts, flow=flow, start=NOW, profiles=profiles)
    for step in plan.steps:
        way = way_back(plan, at=step.id)
        verdict = prove_way_back(way)
        assert isinstance(verdict, Safe), (step.id, verdict)
        assert_tight(way)


def what_is_left(schedule: Schedule) -> set[tuple[object, ...]]:
    """What the parent and the losing operator serve in the end; DS records by their keys, for a scanner picks the digest."""
    return {
        (
            *(type(version), version.source, version.ttl),
            *[getattr(version, name, None) for name in ("keys", "leads_to", "hosts", "signatures")],
            frozenset(entry.key for entry in getattr(version, "entries", ())),
        )
        for version in schedule.versions
        if version.end is None and version.source is not Source.GAINING
    }


@given(flows_with_facts, st.data())
@settings(max_examples=150)
def test_from_every_instant_the_way_back_is_safe_and_tight_and_ends_where_the_transfer_began(
    given_facts: tuple[Flow, Facts], data: st.DataObject
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    begun = data.draw(st.sampled_from([planned.started for planned in plan.steps]))
    way = way_back(
        plan, at=begun + timedelta(seconds=data.draw(st.sampled_from((1, 60, 7200)) | st.integers(0, 7 * DAY)))
    )
    assert isinstance(prove_way_back(way), Safe)
    assert_tight(way)
    assert way.turned_at <= way.returned <= way.finished
    before = schedule_of(facts, STEPS[flow], {})
    assert what_is_left(way.schedule) == what_is_left(before)
    (ds,) = [version for version in way.schedule.versions if isinstance(version, DsVersion) and version.end is None]
    assert ds.entries == facts.parent.ds or flow is Flow.SCANNING_PARENT, "which may have strengthened the digest"
    serves = [serving for serving in way.schedule.servings if serving.end is None]
    assert [serving.operator for serving in serves] == [Source.LOSING]


@given(flows_with_facts)
@settings(max_examples=60)
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


@given(flows_with_facts, st.sampled_from((0, 60, 3600)).map(lambda seconds: timedelta(seconds=seconds)))
@settings(max_examples=40)
def test_margins_make_the_way_back_longer_and_never_less_safe(
    given_facts: tuple[Flow, Facts], margin: timedelta
) -> None:
    flow, facts = given_facts
    timing = replace(facts.timing, publish_safety=margin, retire_safety=margin, stale_margin=margin)
    plan = plan_transfer(replace(facts, timing=timing), flow=flow, start=NOW)
    for step in plan.steps:
        way = way_back(plan, at=step.id)
        assert isinstance(prove_way_back(way), Safe)
        assert way.cost >= way_back(replace(plan, facts=facts), at=step.id).cost


@given(cooperating, ttls)
@settings(max_examples=20)
def test_low_gaining_ttls_never_make_the_way_back_longer(given_facts: tuple[Flow, Facts], lowered: Ttl) -> None:
    flow, facts = given_facts
    low = replace(facts, timing=replace(facts.timing, lowered_ttl=lowered))
    high = with_gaining(low, can=frozenset(Capability) - {Capability.LOWER_TTLS})
    costs = [way_back(plan_transfer(each, flow=flow, start=NOW), at="ns-changed").cost for each in (low, high)]
    assert costs[0] <= costs[1]


@given(flows_with_facts, st.data())
@settings(max_examples=40)
def test_whoever_is_late_on_the_way_back_stays_safe(given_facts: tuple[Flow, Facts], data: st.DataObject) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    for planned in plan.steps:
        late, longer = [timedelta(seconds=data.draw(st.sampled_from((0, 0, 0, 1, 7200, DAY)))) for _ in range(2)]
        now = plan.step(planned.id)
        plan = plan.record(planned.id, started=now.started + late, completed=now.completed + late + longer)
    assert isinstance(prove(plan), Safe)
    way = way_back(plan, at=data.draw(st.sampled_from(plan.steps)).id)
    for planned in way.steps:
        late, longer = [timedelta(seconds=data.draw(st.sampled_from((0, 0, 1, 7200, 3 * DAY)))) for _ in range(2)]
        now = way.step(planned.id)
        way = way.record(planned.id, started=now.started + late, completed=now.completed + late + longer)
    verdict = prove_way_back(way)
    assert isinstance(verdict, Safe), verdict


@given(flows_with_facts, patient, st.data(), seeds)
@settings(max_examples=100)
def test_no_resolver_sees_the_domain_fail_on_the_way_back(
    given_facts: tuple[Flow, Facts], profile: ResolverProfile, data: st.DataObject, seed: int
) -> None:
    flow, facts = given_facts
    if flow in (Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED):
        profile = replace(profile, ns_rule=NAMED.ns_rule)  # a losing operator that does not cooperate keeps the others
    plan = plan_transfer(facts, flow=flow, start=NOW, profiles=[*PROFILES, profile])
    way = way_back(plan, at=data.draw(st.sampled_from(plan.steps)).id)
    assert isinstance(prove_way_back(way), Safe)
    log = simulate(way.schedule, profile, seed)
    assert not log.bogus
    assert not log.outages
    assert_within_the_model(way.schedule, profile, log)


@given(flows_with_facts, st.data())
@settings(max_examples=40)
def test_recording_the_way_back_as_planned_changes_no_date(
    given_facts: tuple[Flow, Facts], data: st.DataObject
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    way = way_back(plan, at=data.draw(st.sampled_from(plan.steps)).id)
    recorded = way
    for planned in way.steps:
        recorded = recorded.record(planned.id, started=planned.started, completed=planned.completed)
    assert [(each.id, each.started, each.completed) for each in recorded.steps] == [
        (each.id, each.started, each.completed) for each in way.steps
    ]
    assert recorded.schedule == way.schedule


# ---- signatures that expire -----------------------------------------------------------------------------------------

signed_with_facts = st.sampled_from(SIGNED_FLOWS).flatmap(lambda flow: st.tuples(st.just(flow), facts_for(flow)))


def let_expire(plan: Plan, at: datetime) -> Plan:
    """The plan with its dates, of a losing operator that turns out not to renew its signatures."""
    return replace(plan, facts=expiring(plan.facts, at))


def first_in_time(plan: Plan, turned_at: datetime) -> datetime | None:
    """The earliest expiration with which the way back from an instant is in time."""

    def is_in_time(seconds: int) -> bool:
        return way_back(let_expire(plan, from_epoch_seconds(seconds)), at=turned_at).is_in_time

    around = epoch_seconds(turned_at)
    span = range(around - 60 * DAY, around + 60 * DAY)
    found = bisect.bisect_left(span, True, key=is_in_time)
    return from_epoch_seconds(span[found]) if 0 < found < len(span) else None


@given(signed_with_facts, st.integers(0, 20 * DAY), st.integers(-20 * DAY, 20 * DAY))
@settings(max_examples=60)
def test_what_expires_before_caches_are_rid_of_it_is_proven_bogus_and_nothing_else(
    given_facts: tuple[Flow, Facts], seconds: int, later: int
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    turned_at = NOW + timedelta(seconds=seconds)
    way = way_back(let_expire(plan, turned_at + timedelta(seconds=later)), at=turned_at)
    verdict = prove_way_back(way)
    assert isinstance(verdict, Safe if way.is_in_time else Bogus), verdict
    if facts.parent.ds:  # or nobody asks for signatures
        assert way.step("losing-signatures-renewed").started == turned_at, "whatever else has to be finished first"
        assert what_is_left(way.schedule) == what_is_left(schedule_of(facts, STEPS[flow], {}))
    if way.is_in_time:
        assert_tight(way)


@given(signed_with_facts, st.integers(0, 20 * DAY))
@settings(max_examples=30)
def test_the_edge_is_sharp_to_the_second(given_facts: tuple[Flow, Facts], seconds: int) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    turned_at = NOW + timedelta(seconds=seconds)
    edge = first_in_time(plan, turned_at)
    if edge is None:
        return
    assert isinstance(prove_way_back(way_back(let_expire(plan, edge), at=turned_at)), Safe)
    late = prove_way_back(way_back(let_expire(plan, edge - SECOND), at=turned_at))
    assert isinstance(late, Bogus) and late.bogus_for == SECOND


by_request = st.sampled_from((Flow.OPERATOR_CHANGE, Flow.REGISTRAR_CHANGE))


@given(by_request.flatmap(lambda flow: st.tuples(st.just(flow), facts_for(flow))), st.data())
@settings(max_examples=60)
def test_the_ns_wait_for_new_signatures_only_where_caches_would_keep_the_old_ones_too_long(
    given_facts: tuple[Flow, Facts], data: st.DataObject
) -> None:
    flow, facts = given_facts
    facts = without(facts, Capability.CHANGE_NS)  # so that the losing operator has nothing else to do first
    facts = replace(facts, losing=replace(facts.losing, propagation_delay=timedelta(hours=1)))
    plan = plan_transfer(facts, flow=flow, start=NOW)
    turned_at = plan.step("losing-unreachable").completed + SECOND
    longest = max(version.ttl for version in plan.schedule.versions if version.source is Source.LOSING)
    expires = turned_at + timedelta(seconds=longest + data.draw(st.integers(-7200, 7200)))
    way = way_back(let_expire(plan, expires), at=turned_at)
    if not isinstance(prove_way_back(way), Safe):
        return
    waits = "losing-signatures-renewed" in way.step("ns-restored").step.after
    renewed, restored = way.step("losing-signatures-renewed").completed, way.step("ns-restored")
    if waits and restored.started == renewed:
        early = restored.started - SECOND
        assert isinstance(prove_way_back(way.record("ns-restored", started=early, completed=early)), Bogus)
    if waits:
        sooner = way_back(let_expire(plan, renewed + timedelta(seconds=longest)), at=turned_at)
        assert "losing-signatures-renewed" not in sooner.step("ns-restored").step.after


def test_a_losing_operator_that_lets_signatures_expire_signs_anew_first() -> None:
    delay = timedelta(hours=2)
    facts = without(the_facts(), Capability.CHANGE_NS)
    facts = replace(facts, losing=replace(facts.losing, propagation_delay=delay))
    plan = plan_transfer(expiring(facts, NOW + timedelta(days=30)), start=NOW)
    unreachable = plan.step("losing-unreachable").completed
    way = way_back(plan, at="losing-unreachable")
    renewed = way.step("losing-signatures-renewed")
    assert (renewed.started, renewed.completed) == (unreachable, unreachable + delay)
    assert renewed.step.actor is Actor.LOSING
    assert way.step("ns-restored").started == unreachable, "what caches take until then stays valid in them"
    assert isinstance(prove_way_back(way), Safe)
    edge = unreachable + delay + timedelta(days=1)
    assert way_back(let_expire(plan, edge), at="losing-unreachable").step("ns-restored").started == unreachable
    soon = way_back(let_expire(plan, edge - SECOND), at="losing-unreachable")
    assert soon.step("ns-restored").started == unreachable + delay
    assert soon.kind is Return.SWITCH_BACK
    early = soon.record("ns-restored", started=unreachable, completed=unreachable)
    verdict = prove_way_back(early)
    assert isinstance(verdict, Bogus) and verdict.bogus_for == SECOND


def test_what_caches_keep_when_it_expires_is_no_silent_danger() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    turned_at = plan.step("losing-unreachable").completed
    gone = turned_at + timedelta(days=1)  # when caches are rid of what the losing operator gave last
    in_time = way_back(let_expire(plan, gone), at=turned_at)
    assert in_time.is_in_time and isinstance(prove_way_back(in_time), Safe)
    late = way_back(let_expire(plan, gone - SECOND), at=turned_at)
    assert not late.is_in_time
    verdict = prove_way_back(late)
    assert isinstance(verdict, Bogus) and verdict.at == gone - SECOND and verdict.bogus_for == SECOND
    assert "have expired" in verdict.story


def test_the_losing_ds_comes_back_when_what_has_expired_is_gone() -> None:
    plan = plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW)
    no_ds = plan.step("ns-changed").started
    for expires in (no_ds, no_ds + timedelta(hours=5)):
        way = way_back(let_expire(plan, expires), at=no_ds)
        assert way.kind is Return.UNDO and way.is_in_time
        restored = way.step("losing-ds-restored")
        assert restored.started == no_ds + timedelta(days=1)
        assert restored.because is not None and restored.because.rule == "RFC 4035 section 5.3.1"
        assert isinstance(prove_way_back(way), Safe)
        assert isinstance(prove_way_back(hurried(way, "losing-ds-restored")), Bogus)
    at_the_edge = way_back(let_expire(plan, no_ds + timedelta(days=1)), at=no_ds)
    assert at_the_edge.step("losing-ds-restored").started == no_ds


def test_signatures_that_nobody_needs_are_left_to_expire() -> None:
    unsigned = expiring(the_facts(losing_signed=False), NOW)
    way = way_back(plan_transfer(unsigned, flow=Flow.FROM_UNSIGNED, start=NOW), at="ds-added")
    assert "losing-signatures-renewed" not in {each.id for each in way.steps}
    insecure = replace(the_facts(), parent=replace(the_facts().parent, ds=frozenset()))
    plan = plan_transfer(expiring(without(insecure, Capability.RE_SIGN), NOW), flow=Flow.THROUGH_INSECURE, start=NOW)
    way = way_back(plan, at="ns-changed")
    assert not {"losing-signatures-renewed", "losing-ds-restored"} & {each.id for each in way.steps}
    assert way.is_in_time and isinstance(prove_way_back(way), Safe)


# ---- flows without a merge ------------------------------------------------------------------------------------------


def ids(way: WayBack) -> list[str]:
    return [planned.id for planned in way.steps]


@pytest.mark.parametrize("flow", [Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED])
def test_before_the_ns_changed_the_losing_ds_comes_back_at_once(flow: Flow) -> None:
    facts = the_facts(gaining_signed=flow is Flow.THROUGH_INSECURE)
    facts = replace(facts, parent=replace(facts.parent, propagation_delay=timedelta(hours=3)))
    plan = plan_transfer(facts, flow=flow, start=NOW)
    way = way_back(plan, at="all-ds-removed")
    assert (way.kind, way.cost) == (Return.UNDO, timedelta(hours=3))
    assert ids(way) == ["transfer-stopped", "gaining-stopped", "losing-ds-restored"]
    assert way.step("losing-ds-restored").step.actor is Actor.REGISTRAR
    removed = plan.step("all-ds-removed")
    in_the_middle = way_back(plan, at=removed.started + timedelta(hours=1))
    assert in_the_middle.step("losing-ds-restored").started == removed.completed, "what has begun is let finish"
    assert in_the_middle.cost == timedelta(hours=5)
    assert ids(way_back(plan, at="gaining-serves")) == ["transfer-stopped", "gaining-stopped"]


def test_a_gaining_ds_goes_first_and_is_waited_out() -> None:
    plan = plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW)
    turned_at = plan.step("ds-added").completed + timedelta(hours=1)
    way = way_back(plan, at=turned_at)
    assert way.kind is Return.NEW_TRANSFER
    assert ids(way) == [
        *("transfer-stopped", "gaining-ds-removed", "losing-serves-again", "ns-restored", "gaining-ns-changed"),
        *("gaining-unreachable", "gaining-stopped", "losing-ds-restored"),
    ]
    restored = way.step("ns-restored")
    assert restored.because is not None and restored.because.record.endswith("trusted since the DS proved it")
    assert restored.started - way.turned_at == timedelta(days=3), "two for the DS, one for keys that it had proven"
    assert way.returned - restored.started == timedelta(days=2), "the parent's NS TTL"
    assert way.finished - way.returned == timedelta(days=1), "data and keys of the gaining operator"
    for_named = way_back(replace(plan, profiles=(NAMED,)), at=turned_at)
    assert for_named.step("ns-restored").started - way.turned_at == timedelta(days=2)
    assert isinstance(prove_schedule(for_named.schedule, [NAMED]), Safe)
    assert isinstance(prove_schedule(for_named.schedule, [UNBOUND]), Bogus)


def test_a_losing_operator_that_does_not_cooperate_only_has_to_answer_again() -> None:
    plan = plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW)
    for step in plan.steps:
        way = way_back(plan, at=step.id)
        asked = {each.id for each in way.steps if each.step.actor is Actor.LOSING}
        assert asked == ({"losing-serves-again"} if "losing-stopped" in way.begun else set())


def test_to_unsigned_can_turn_back_at_once_until_the_losing_servers_stop() -> None:
    plan = plan_transfer(the_facts(gaining_signed=False), flow=Flow.TO_UNSIGNED, start=NOW)
    last = point_of_no_return(plan)
    assert last is not None and last.id == "losing-stopped"
    way = way_back(plan, at="losing-unreachable")
    assert way.kind is Return.SWITCH_BACK
    assert way.step("ns-restored").started == way.turned_at
    because = way.step("losing-ds-restored").because
    assert because is not None and because.until == way.returned + timedelta(days=1)


def test_a_domain_that_was_insecure_ends_insecure() -> None:
    plan = plan_transfer(the_facts(losing_signed=False), flow=Flow.FROM_UNSIGNED, start=NOW, profiles=[NAMED])
    turned_at = plan.step("ds-added").completed + timedelta(hours=1)
    way = way_back(plan, at=turned_at)
    because = way.step("ns-restored").because
    assert because is not None and because.record == "DS of the gaining operator"
    assert because.until == turned_at + timedelta(days=2)
    assert "losing-ds-restored" not in ids(way)
    assert {"gaining-ds-removed", "losing-ns-restored"} <= set(ids(way))


@given(flows_with_facts, overlaps, st.sampled_from((0, 3600, 9 * DAY)))
@settings(max_examples=80)
def test_shared_servers_change_the_order_of_the_way_back_and_never_its_safety(
    given_facts: tuple[Flow, Facts], overlap: Overlap, seconds: int
) -> None:
    flow, facts = given_facts
    if overlap.answers is Source.LOSING and flow in (Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED):
        return  # no plan
    plan = plan_transfer(replace(facts, overlaps=(overlap,)), flow=flow, start=NOW)
    later = plan.step("losing-stopped").completed + timedelta(seconds=seconds)
    plan = plan.record("losing-stopped", started=later, completed=later)
    for step in plan.steps:
        way = way_back(plan, at=step.id)
        verdict = prove_way_back(way)
        assert isinstance(verdict, Safe), (step.id, verdict)
        seen: set[str] = set()
        for planned in way.steps:
            assert seen.issuperset(planned.step.after), planned
            seen.add(planned.id)


def test_sticky_resolvers_are_led_back_to_an_unsigned_zone_by_the_gaining_ns() -> None:
    facts = the_facts(losing_signed=False)
    plan = plan_transfer(facts, flow=Flow.FROM_UNSIGNED, start=NOW, profiles=[*PROFILES, STICKY])
    for step in plan.steps:
        assert isinstance(prove_way_back(way_back(plan, at=step.id)), Safe), step.id
    kept = with_gaining(facts, can=frozenset(Capability) - {Capability.CHANGE_NS})
    plan = plan_transfer(kept, flow=Flow.FROM_UNSIGNED, start=NOW, profiles=[STICKY])
    with pytest.raises(PlanError, match="never gives up NS of the gaining operator"):
        way_back(plan, at="ds-added")


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


def test_a_pending_change_of_registrar_is_called_off_and_not_waited_for() -> None:
    plan = plan_transfer(the_facts(), flow=Flow.REGISTRAR_CHANGE, start=NOW)
    turned_at = plan.step("domain-transferred").started + timedelta(hours=1)
    assert turned_at < plan.step("domain-transferred").completed
    way = way_back(plan, at=turned_at)
    assert (way.kind, way.step("ns-restored").started) == (Return.SWITCH_BACK, turned_at)


def test_a_scanning_parent_takes_what_the_zones_ask_for_when_it_comes_by() -> None:
    facts = replace(the_facts(), parent=replace(the_facts().parent, scan_delay=timedelta(hours=6)))
    plan = plan_transfer(facts, flow=Flow.SCANNING_PARENT, start=NOW)
    restored = way_back(plan, at="losing-unreachable").step("ns-restored")
    assert restored.step.actor is Actor.SCANNER
    assert restored.completed - restored.started == timedelta(hours=6)


@pytest.mark.parametrize("flow", COOPERATING)
def test_a_losing_ds_of_a_weak_digest_comes_back_with_the_strong_one_beside_the_gaining_ds(flow: Flow) -> None:
    facts = the_facts()
    facts = replace(facts, parent=replace(facts.parent, ds=ds_of(facts.losing, digest_type=1)))
    plan = plan_transfer(facts, flow=flow, start=NOW)
    way = way_back(plan, at=plan.step("losing-ds-removed").completed + timedelta(hours=1))
    assert isinstance(prove_way_back(way), Safe)
    served = {each.record: each.entries for each in way.schedule.versions if isinstance(each, DsVersion)}
    assert served["DS of both operators again"] == served["DS of both operators"]
    left = ds_of(facts.losing, digest_type=2 if flow is Flow.SCANNING_PARENT else 1)
    assert served["DS of the losing operator again"] == left


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


@pytest.mark.parametrize("flow", SIGNED_FLOWS)
def test_a_losing_operator_that_cannot_renew_its_signatures_is_no_place_to_go_back_to(flow: Flow) -> None:
    facts = the_facts(gaining_signed=flow is not Flow.TO_UNSIGNED)
    plan = plan_transfer(expiring(facts, NOW + timedelta(days=99)), flow=flow, start=NOW)
    assert isinstance(prove_way_back(way_back(plan, at="ns-changed")), Safe)
    plan = replace(plan, facts=without(plan.facts, Capability.RE_SIGN))
    with pytest.raises(PlanError, match=r"expire at 2027-02-28T12:00:00Z, and it cannot sign its zone anew; go on"):
        way_back(plan, at="ns-changed")


def test_a_way_back_whose_dates_pass_2106_is_refused_with_the_step() -> None:
    length = PLAN.finished - NOW
    plan = plan_transfer(the_facts(), start=LATEST - length)
    way = way_back(plan, at="gaining-serves")
    assert way.kind is Return.UNDO
    with pytest.raises(PlanError, match=r"on the way back ns-restored would come to 2106-.*; turn back earlier"):
        way_back(plan, at="losing-keys-withdrawn")
    way = way_back(plan_transfer(the_facts(), start=LATEST - timedelta(days=30)), at="ns-changed")
    with pytest.raises(PlanError, match="on the way back gaining-unreachable would come to 2106-02-09"):
        way.record("ns-restored", started=LATEST, completed=LATEST)


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
