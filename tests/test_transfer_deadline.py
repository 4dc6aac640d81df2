"""The deadline that expiring signatures set, to the second, and what each side's capabilities leave of a flow."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_transfer_plan import COOPERATING, NOW, SECOND, an_operator, facts_for, moved, the_facts
from zonekit.errors import DeadlineMissed, PlanError
from zonekit.instants import EPOCH, LATEST
from zonekit.transfer.capabilities import lacks, steps_within
from zonekit.transfer.facts import Facts
from zonekit.transfer.parties import Capability, Channel
from zonekit.transfer.plan import plan_transfer, prove
from zonekit.transfer.profiles import STICKY
from zonekit.transfer.proof import Bogus, Outage, Safe
from zonekit.transfer.steps import STEPS, Effect, Flow

SIGNED_FLOWS = tuple(flow for flow in Flow if flow is not Flow.FROM_UNSIGNED)


def expiring(facts: Facts, at: datetime) -> Facts:
    return replace(facts, losing=replace(facts.losing, signatures_expire=at))


def without(facts: Facts, *capabilities: Capability) -> Facts:
    losing = replace(facts.losing, can=facts.losing.can - set(capabilities))
    if Capability.CHANGE_NS in capabilities:
        losing = replace(losing, name_servers=frozenset())  # old addresses would keep resolvers for ever
    return replace(facts, losing=losing)


# ---- the deadline ---------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(SIGNED_FLOWS).flatmap(lambda flow: st.tuples(st.just(flow), facts_for(flow))), st.integers(1, 99)
)
def test_a_start_at_the_deadline_is_safe_and_one_a_second_later_bogus(
    given_facts: tuple[Flow, Facts], days: int
) -> None:
    flow, facts = given_facts
    expires = NOW + timedelta(days=days)
    try:
        deadline = plan_transfer(expiring(facts, expires), flow=flow, start=NOW).deadline
        assert deadline is None or deadline >= NOW
    except DeadlineMissed as missed:
        deadline = missed.deadline
        assert deadline is not None and deadline < NOW
    if deadline is None:
        return
    in_time = plan_transfer(expiring(facts, expires), flow=flow, start=deadline)
    assert in_time.deadline == deadline and isinstance(prove(in_time), Safe)
    with pytest.raises(DeadlineMissed):
        plan_transfer(expiring(facts, expires), flow=flow, start=deadline + SECOND)
    late = replace(plan_transfer(facts, flow=flow, start=deadline + SECOND), facts=expiring(facts, expires))
    assert isinstance(prove(late), Bogus)


def test_no_signature_that_expires_sets_no_deadline() -> None:
    assert plan_transfer(the_facts(), start=NOW).deadline is None
    unsigned = replace(the_facts(losing_signed=False), parent=replace(the_facts().parent, ds=frozenset()))
    plan = plan_transfer(expiring(unsigned, NOW), flow=Flow.FROM_UNSIGNED, start=NOW)
    assert plan.deadline is None, "nobody needs a signature of a zone without"


def test_a_deadline_is_an_instant_even_where_signatures_expire_first_or_last_of_all() -> None:
    latest = expiring(the_facts(), LATEST)
    deadline = plan_transfer(latest, start=NOW).deadline
    assert deadline is not None
    assert plan_transfer(latest, start=deadline).is_in_time
    with pytest.raises(PlanError):
        plan_transfer(latest, start=deadline + SECOND)
    with pytest.raises(DeadlineMissed, match="the latest start would have been 1970-01-01T00:00:00Z") as missed:
        plan_transfer(expiring(the_facts(), EPOCH), start=NOW)
    assert missed.value.deadline == EPOCH


def test_the_deadline_moves_with_what_has_happened_and_never_stops_anyone_from_recording_it() -> None:
    done = plan_transfer(the_facts(), start=NOW).step("losing-keys-withdrawn").started
    plan = plan_transfer(expiring(the_facts(), done + timedelta(hours=1)), start=NOW)
    assert plan.deadline == NOW + timedelta(hours=1)
    switch = plan.step("ns-changed")
    late = plan
    for step_id in ("ns-changed", "losing-ns-changed"):
        at = switch.started + timedelta(hours=2)
        late = late.record(step_id, started=at, completed=at)
    assert plan.is_in_time and not late.is_in_time
    assert late.deadline is not None and late.deadline < late.start
    assert isinstance(prove(late), Bogus)


def test_a_stale_margin_moves_the_deadline_forward() -> None:
    facts = expiring(the_facts(), NOW + timedelta(days=30))
    timing = replace(facts.timing, stale_margin=timedelta(days=1))
    plain, careful = plan_transfer(facts, start=NOW), plan_transfer(replace(facts, timing=timing), start=NOW)
    assert plain.deadline is not None and careful.deadline is not None
    assert plain.deadline - careful.deadline >= timedelta(days=1)


# ---- capabilities ---------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(COOPERATING).flatmap(lambda flow: st.tuples(st.just(flow), facts_for(flow))),
    st.sets(st.sampled_from((Capability.LOWER_TTLS, Capability.CHANGE_NS, Capability.IMPORT_KSK))),
)
def test_what_is_left_of_a_flow_is_still_safe_and_tight(
    given_facts: tuple[Flow, Facts], missing: set[Capability]
) -> None:
    flow, facts = given_facts
    limited = without(facts, *missing)
    if lacks(limited, flow):
        with pytest.raises(PlanError, match="cannot be"):
            plan_transfer(limited, flow=flow, start=NOW)
        return
    plan = plan_transfer(limited, flow=flow, start=NOW)
    effects = {planned.step.effect for planned in plan.steps}
    assert (Effect.NS_AT_LOSING in effects) is (Capability.CHANGE_NS not in missing)
    assert (Effect.TTLS_LOWERED in effects) is (Capability.LOWER_TTLS in limited.losing.can)
    assert isinstance(prove(plan), Safe)
    for planned in plan.steps:
        done = max([plan.start, *[plan.step(before).completed for before in planned.step.after]])
        if planned.not_before > done:
            assert isinstance(prove(moved(plan, planned.id, -SECOND)), Bogus | Outage), planned


@pytest.mark.parametrize("flow", Flow)
def test_with_every_capability_no_step_is_left_out(flow: Flow) -> None:
    assert steps_within(the_facts(), flow) == STEPS[flow]
    assert lacks(the_facts(), flow) == ()


@pytest.mark.parametrize("flow", COOPERATING)
def test_no_step_depends_on_one_that_is_left_out(flow: Flow) -> None:
    facts = without(the_facts(), Capability.LOWER_TTLS, Capability.CHANGE_NS)
    seen: set[str] = set()
    for step in steps_within(facts, flow):
        assert seen.issuperset(step.after)
        seen.add(step.id)


def test_a_side_that_cannot_re_sign_can_do_nothing_to_a_signed_zone() -> None:
    facts = without(the_facts(), Capability.RE_SIGN)
    assert {lack.what for lack in lacks(facts, Flow.OPERATOR_CHANGE)} == {Capability.RE_SIGN}
    unsigned = replace(facts, losing=replace(facts.losing, keys=()), parent=replace(facts.parent, ds=frozenset()))
    ids = [step.id for step in steps_within(unsigned, Flow.FROM_UNSIGNED)]
    assert "losing-ns-changed" in ids, "an unsigned zone needs no signing"


def test_a_losing_side_that_cannot_change_its_ns_keeps_sticky_resolvers() -> None:
    facts = without(the_facts(), Capability.CHANGE_NS)
    with pytest.raises(PlanError, match="never leaves"):
        plan_transfer(facts, start=NOW, profiles=[STICKY])


def test_a_losing_side_that_does_not_serve_on_is_an_outage_or_no_plan() -> None:
    facts = without(the_facts(), Capability.SERVE_ON)
    with pytest.raises(PlanError, match="the losing operator cannot serve-on"):
        plan_transfer(facts, start=NOW)
    plan = plan_transfer(facts, flow=Flow.THROUGH_INSECURE, start=NOW)
    assert plan.step("losing-stopped").started == plan.step("ns-changed").completed
    assert isinstance(prove(plan), Outage)


def test_a_parent_that_takes_no_requests_leaves_the_scanning_flow() -> None:
    facts = the_facts()
    scanning = replace(facts, parent=replace(facts.parent, channels=frozenset({Channel.SCANNING})))
    assert [flow for flow in COOPERATING if not lacks(scanning, flow)] == [Flow.SCANNING_PARENT]


def test_a_ksk_that_is_not_taken_is_not_missed() -> None:
    plan = plan_transfer(without(the_facts(), Capability.IMPORT_KSK), start=NOW)
    assert isinstance(prove(plan), Safe)
    csk = replace(the_facts(), gaining=an_operator("gaining", csk=True))
    with pytest.raises(PlanError, match="CSK"):
        plan_transfer(without(csk, Capability.IMPORT_KSK), start=NOW)
