"""Plans are safe and tight: proven by the exact cache model, which is where the dates come from, moved step by step."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonekit.errors import PlanError, TimeError, TtlError
from zonekit.instants import LATEST
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.ledger import Ledger, Observation, Record
from zonekit.transfer.parties import Capability, Channel, OperatorFacts, OperatorKey, ParentFacts
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.profiles import ResolverProfile
from zonekit.transfer.proof import Bogus, Outage, Safe
from zonekit.transfer.steps import STEPS, Actor, Effect, Flow
from zonekit.transfer.versions import DsEntry, Key, Source
from zonekit.ttl import Ttl

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = 86400
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
COOPERATING = (Flow.OPERATOR_CHANGE, Flow.REGISTRAR_CHANGE, Flow.REGISTRY_FACILITATED, Flow.SCANNING_PARENT)

ttls = st.one_of(st.sampled_from((0, 1, 60, 600, 3600, DAY, 2 * DAY, 7 * DAY)), st.integers(0, 7 * DAY)).map(Ttl)
NO_DELAY = timedelta(0)
NAME_SERVERS = (
    *(frozenset(), frozenset(), frozenset(), frozenset({"ns1.example.nl."})),
    *(frozenset({"ns1.example.nl.", "ns2.example.nl."}), frozenset({"ns2.example.nl.", "ns.example.net."})),
)
OBSERVABLE = (
    *((Source.LOSING, record) for record in Record if record is not Record.DS),
    *((Source.PARENT, record) for record in (Record.NS, Record.DS, Record.ADDRESS)),
)
delays = st.sampled_from((0, 0, 1, 60, 3600)).map(lambda seconds: timedelta(seconds=seconds))


def signed_keys(who: str, csk: bool = False, algorithm: int = 13) -> tuple[OperatorKey, ...]:
    if csk:
        key = Key(name=f"CSK of the {who} operator", algorithm=algorithm)
        return (OperatorKey(key=key, signs_dnskey=True, signs_data=True),)
    ksk, zsk = (Key(name=f"{role} of the {who} operator", algorithm=algorithm) for role in ("KSK", "ZSK"))
    return OperatorKey(key=ksk, signs_dnskey=True), OperatorKey(key=zsk, signs_data=True)


def an_operator(who: str, ttl: int = DAY, *, csk: bool = False, is_signed: bool = True) -> OperatorFacts:
    return OperatorFacts(
        keys=signed_keys(who, csk) if is_signed else (),
        ns_ttl=Ttl(ttl),
        dnskey_ttl=Ttl(ttl),
        data_ttl=Ttl(ttl),
        negative_ttl=Ttl(ttl),
        propagation_delay=NO_DELAY,
        name_servers=frozenset(),
        can=frozenset(Capability),
    )


def ds_of(operator: OperatorFacts, digest_type: int = 2) -> frozenset[DsEntry]:
    return frozenset(DsEntry(key=key, digest_type=digest_type) for key in operator.dnskey_signers)


def a_parent(losing: OperatorFacts, ttl: int) -> ParentFacts:
    """A parent that is quick at everything it can do."""
    return ParentFacts(
        ds=ds_of(losing),
        ds_ttl=Ttl(ttl),
        ns_ttl=Ttl(ttl),
        negative_ttl=Ttl(900),
        propagation_delay=NO_DELAY,
        registration_delay=NO_DELAY,
        scan_delay=NO_DELAY,
        check_delay=NO_DELAY,
        channels=frozenset(Channel),
    )


def unlowered(facts: Facts) -> Facts:
    """The facts with operators that cannot lower their TTLs."""
    can = frozenset(Capability) - {Capability.LOWER_TTLS}
    return replace(facts, losing=replace(facts.losing, can=can), gaining=replace(facts.gaining, can=can))


def the_facts(losing_signed: bool = True, gaining_signed: bool = True) -> Facts:
    """The published example: 24 hours at the operator, 48 for the DS."""
    losing, gaining = an_operator("losing", is_signed=losing_signed), an_operator("gaining", is_signed=gaining_signed)
    parent = a_parent(losing, ttl=2 * DAY)
    return Facts(domain="example.nl", losing=losing, gaining=gaining, parent=parent)


@st.composite
def operators(draw: st.DrawFn, who: str, is_signed: bool = True, names: bool = True) -> OperatorFacts:
    data_ttl, negative_ttl = draw(ttls), draw(ttls)
    return OperatorFacts(
        keys=signed_keys(who, draw(st.booleans())) if is_signed else (),
        ns_ttl=draw(ttls),
        dnskey_ttl=draw(ttls) if is_signed else negative_ttl,
        data_ttl=data_ttl,
        negative_ttl=negative_ttl,
        propagation_delay=draw(delays),
        name_servers=draw(st.sampled_from(NAME_SERVERS)) if names else frozenset(),
        address_ttl=draw(st.sampled_from((Ttl(0), data_ttl))),
    )


@st.composite
def facts_for(draw: st.DrawFn, flow: Flow) -> Facts:
    # A losing operator that does not take part keeps the old addresses in its zone for ever.
    names = any(step.effect is Effect.NS_AT_LOSING for step in STEPS[flow])
    losing = draw(operators("losing", flow is not Flow.FROM_UNSIGNED, names))
    gaining = draw(operators("gaining", flow is not Flow.TO_UNSIGNED, names))
    has_ds = flow not in (Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED) or draw(st.sampled_from((True, True, False)))
    parent = ParentFacts(
        ds=ds_of(losing, draw(st.sampled_from((1, 2)))) if has_ds else frozenset(),
        ds_ttl=draw(ttls),
        ns_ttl=draw(ttls),
        negative_ttl=draw(ttls),
        propagation_delay=draw(delays),
        registration_delay=draw(delays),
        glue_ttl=draw(ttls),
        scan_delay=draw(delays),
        check_delay=draw(delays),
        channels=frozenset(Channel),
    )
    timing = Timing(lowered_ttl=draw(st.sampled_from((Ttl(0), Ttl(600), Ttl(DAY)))), approval_delay=draw(delays))
    facts = Facts(domain="example.nl", losing=losing, gaining=gaining, parent=parent, timing=timing)
    return unlowered(facts) if draw(st.booleans()) else facts


flows_with_facts = st.sampled_from(Flow).flatmap(lambda flow: st.tuples(st.just(flow), facts_for(flow)))


# ---- safe and tight -------------------------------------------------------------------------------------------------


@given(flows_with_facts)
def test_every_plan_is_safe(given_facts: tuple[Flow, Facts]) -> None:
    flow, facts = given_facts
    verdict = prove(plan_transfer(facts, flow=flow, start=NOW))
    assert isinstance(verdict, Safe), verdict


def moved(plan: Plan, step_id: str, by: timedelta) -> Plan:
    """The plan with one step begun earlier or later; whatever follows from it moves along."""
    step = plan.step(step_id)
    if step.step.actor is Actor.NOBODY:
        return waited(plan, step_id, by)
    earlier = plan.start + by
    from_earlier = plan_transfer(plan.facts, flow=plan.flow, start=earlier, profiles=plan.profiles)
    for planned in plan.steps:  # all that does not follow from it stays where it was
        if planned.id == step_id:
            break
        from_earlier = from_earlier.record(planned.id, started=planned.started, completed=planned.completed)
    return from_earlier.record(step_id, started=step.started + by, completed=step.completed + by)


def waited(plan: Plan, step_id: str, by: timedelta) -> Plan:
    """The plan with a mere wait taken to be over earlier or later, which nobody can record; what follows moves along."""
    started_at: dict[str, datetime] = {}
    completed: dict[str, datetime] = {}
    steps = []
    for planned in plan.steps:
        waits = [completed.get(wait.since, wait.counted_from) + wait.interval for wait in planned.waits]
        started = max([plan.start, *[completed[before] for before in planned.step.after], *waits])
        if planned.step.scans is not None:
            started = started_at[planned.step.scans]
        if planned.id == step_id:
            started = planned.started + by
        started_at[planned.id] = started
        completed[planned.id] = started + (planned.completed - planned.started)
        steps.append(replace(planned, started=started, completed=completed[planned.id]))
    return replace(plan, steps=tuple(steps))


@given(flows_with_facts)
def test_a_wait_that_ends_on_time_moves_nothing(given_facts: tuple[Flow, Facts]) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    assert waited(plan, "losing-unreachable", NO_DELAY) == plan


@given(flows_with_facts)
@settings(max_examples=200)
def test_no_wait_is_a_second_too_long(given_facts: tuple[Flow, Facts]) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    for planned in plan.steps:
        done = max([plan.start, *[plan.step(before).completed for before in planned.step.after]])
        if planned.not_before > done:
            verdict = prove(moved(plan, planned.id, -SECOND))
            assert isinstance(verdict, Bogus | Outage), planned


# ---- what a plan says -----------------------------------------------------------------------------------------------


def test_a_day_at_the_operator_and_two_for_the_ds_make_two_days_and_the_ds_binds() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    assert plan.switchover == plan.by_longest_ttl.at == plan.by_longest_ttl.by_longest_ttl == NOW + timedelta(hours=48)
    assert plan.switchover_because is not None
    assert plan.switchover_because.record == "DS RRset without the gaining DS"
    assert plan.by_longest_ttl.because.record == "DS at the parent"
    assert plan.critical_path[-4:] == ("ds-added", "ns-changed", "losing-unreachable", "losing-keys-withdrawn")


@given(st.sampled_from(COOPERATING).flatmap(lambda flow: st.tuples(st.just(flow), facts_for(flow))))
def test_the_simple_rule_is_never_earlier_where_the_gaining_side_is_ready(given_facts: tuple[Flow, Facts]) -> None:
    flow, facts = given_facts
    facts = replace(facts, gaining=replace(facts.gaining, propagation_delay=timedelta(0)))
    plan = plan_transfer(facts, flow=flow, start=NOW)
    assert plan.by_longest_ttl.by_longest_ttl >= plan.switchover
    path = [plan.step(step_id) for step_id in plan.critical_path]
    assert path[0].started == NOW and path[-1].completed == plan.finished
    assert all(first.started <= second.started for first, second in itertools.pairwise(path))


def test_where_nothing_is_merged_the_simple_rule_says_nothing() -> None:
    with pytest.raises(PlanError, match="the simple rule says nothing"):
        _ = plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW).by_longest_ttl


@pytest.mark.parametrize(
    ("flow", "losing", "gaining", "problem"),
    [
        (Flow.OPERATOR_CHANGE, False, True, "the losing zone is not signed"),
        (Flow.OPERATOR_CHANGE, True, False, "the gaining zone is not signed"),
        (Flow.TO_UNSIGNED, True, True, "the gaining zone is signed, and to-unsigned is for one that is not"),
        (Flow.FROM_UNSIGNED, True, True, "the losing zone is signed"),
    ],
)
def test_a_flow_that_does_not_fit_is_refused(flow: Flow, losing: bool, gaining: bool, problem: str) -> None:
    with pytest.raises(PlanError, match=f"{problem}.*choose another flow"):
        plan_transfer(the_facts(losing, gaining), flow=flow, start=NOW)


@pytest.mark.parametrize("flow", [Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED])
def test_a_signed_zone_without_a_ds_has_none_to_remove_and_none_to_wait_for(flow: Flow) -> None:
    facts = the_facts(gaining_signed=flow is Flow.THROUGH_INSECURE)
    island = replace(facts, parent=replace(facts.parent, ds=frozenset()))
    plan = plan_transfer(island, flow=flow, start=NOW)
    assert isinstance(prove(plan), Safe)
    assert plan.switchover == NOW
    assert all(step.step.effect is not Effect.ALL_DS_REMOVED for step in plan.steps)
    had_one = Observation(source=Source.PARENT, record=Record.DS, ttl=Ttl(2 * DAY), until=NOW - HOUR)
    lately = plan_transfer(replace(island, ledger=Ledger(observations=(had_one,))), flow=flow, start=NOW)
    assert lately.switchover >= NOW + timedelta(days=2) - HOUR
    assert isinstance(prove(lately), Safe)


@pytest.mark.parametrize("flow", COOPERATING)
def test_a_flow_that_keeps_a_domain_secure_is_not_for_one_that_is_not(flow: Flow) -> None:
    facts = the_facts()
    island = replace(facts, parent=replace(facts.parent, ds=frozenset()))
    with pytest.raises(
        PlanError, match=r"the domain is insecure, and .*; choose through-insecure, .* or have the losing DS"
    ):
        plan_transfer(island, flow=flow, start=NOW)


def test_a_step_that_the_flow_does_not_have_is_refused() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    with pytest.raises(PlanError, match="operator-change has no step 'nonsense'; its steps are frozen, "):
        plan.step("nonsense")
    with pytest.raises(PlanError, match="has no step"):
        plan.record("nonsense", started=NOW, completed=NOW)


def test_the_ds_ttl_is_never_guessed() -> None:
    with pytest.raises(TtlError, match=r"dig .norecurse DS"):
        replace(the_facts().parent, ds_ttl=None)  # type: ignore[arg-type]


# ---- flows of their own kind ----------------------------------------------------------------------------------------


def test_a_scanner_may_come_at_once_and_comes_at_the_latest_when_it_next_does() -> None:
    facts = the_facts()
    slow = replace(facts.losing, propagation_delay=HOUR)
    parent = replace(facts.parent, scan_delay=timedelta(days=1), registration_delay=HOUR, propagation_delay=HOUR)
    plan = plan_transfer(replace(facts, losing=slow, parent=parent), flow=Flow.SCANNING_PARENT, start=NOW)
    assert isinstance(prove(plan), Safe)
    for scanned, trigger in (
        ("ds-added", "cds-published"),
        ("ns-changed", "losing-ns-changed"),
        ("losing-ds-removed", "cds-alone"),
    ):
        step, published = plan.step(scanned), plan.step(trigger)
        assert step.step.actor is Actor.SCANNER
        assert step.started == published.started
        assert step.completed == published.completed + timedelta(days=1, hours=2)
    assert plan.step("cds-published").started == plan.step("losing-merged").completed == NOW + HOUR
    assert plan.switchover == plan.step("losing-ns-changed").started == NOW + timedelta(days=3, hours=4)
    assert plan.switchover_because is not None
    assert plan.switchover_because.record == "DS RRset without the gaining DS"
    asked = plan_transfer(replace(facts, losing=slow, parent=parent), start=NOW)
    assert plan.finished - asked.finished > timedelta(days=2), "nobody waits for a scanner where one can ask"


def test_what_a_scanner_took_is_recorded_like_any_other_step() -> None:
    facts = the_facts()
    patient = replace(facts, parent=replace(facts.parent, scan_delay=timedelta(days=1)))
    plan = plan_transfer(patient, flow=Flow.SCANNING_PARENT, start=NOW)
    quick = plan.record("ds-added", started=NOW + HOUR, completed=NOW + HOUR)
    assert quick.switchover == NOW + HOUR + timedelta(days=2)
    assert isinstance(prove(quick), Safe)


def test_the_approval_and_the_checks_of_the_registry_take_their_time() -> None:
    facts = the_facts()
    plan = plan_transfer(facts, flow=Flow.REGISTRAR_CHANGE, start=NOW)
    transferred = plan.step("domain-transferred")
    assert transferred.completed - transferred.started == timedelta(days=5)
    assert plan.step("losing-ds-removed").started >= transferred.completed
    checking = replace(facts, parent=replace(facts.parent, check_delay=timedelta(hours=3)))
    plan = plan_transfer(checking, flow=Flow.REGISTRY_FACILITATED, start=NOW)
    assert plan.step("losing-merged").started == NOW + 3 * HOUR
    assert plan.step("wait-announced").started == NOW + 6 * HOUR
    assert plan.switchover == NOW + timedelta(days=2, hours=3), "the second check is done while caches are waited for"


def test_a_scan_or_check_that_nobody_knows_the_length_of_is_not_guessed() -> None:
    for field, how in (("scan_delay", "scanning"), ("check_delay", "key-relay")):
        with pytest.raises(PlanError, match=f"takes changes by {how} and {field} is not known; ask the registry"):
            replace(the_facts().parent, **{field: None})


# ---- instants that cannot be ----------------------------------------------------------------------------------------

OUTSIDE = r"is outside 1970-01-01T00:00:00\+00:00 to 2106-02-07T06:28:15\+00:00"


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        ("2026-11-21", "[a-z]: '2026-11-21' is str and not a datetime; give an aware datetime"),
        (NOW.date(), r"[a-z]: datetime.date\(2026, 11, 21\) is date and not a datetime"),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), rf"[a-z]: 1969-12-31T23:59:59\+00:00 {OUTSIDE}"),
        (datetime.max.replace(tzinfo=UTC), rf"[a-z]: 9999-12-31T23:59:59\.999999\+00:00 {OUTSIDE}"),
    ],
)
def test_an_instant_that_cannot_be_is_refused_wherever_it_is_given(start: datetime, problem: str) -> None:
    facts = the_facts()
    with pytest.raises(TimeError, match=problem):
        plan_transfer(facts, start=start)
    with pytest.raises(TimeError, match=problem):
        replace(facts.losing, signatures_expire=start)
    with pytest.raises(TimeError, match=problem):
        Observation(source=Source.PARENT, record=Record.DS, ttl=Ttl(60), until=start)
    plan = plan_transfer(facts, start=NOW)
    for started, completed in ((NOW, start), (start, NOW)):
        with pytest.raises(TimeError, match=problem):
            plan.record("frozen", started=started, completed=completed)


def test_a_plan_whose_dates_pass_2106_is_refused_with_the_step() -> None:
    in_2100 = datetime(2100, 1, 1, tzinfo=UTC)
    facts = the_facts()
    longest = replace(facts, parent=replace(facts.parent, ds_ttl=Ttl(2**31 - 1)))
    with pytest.raises(PlanError, match=r"ns-changed would come to 2168-01-20T03:14:07.*, after 2106-02-07.*; start"):
        plan_transfer(longest, start=in_2100)
    seen = Observation(source=Source.LOSING, record=Record.DNSKEY, ttl=Ttl(2**31 - 1), until=in_2100)
    with pytest.raises(PlanError, match="losing-ds-removed would come to 2162"):
        plan_transfer(replace(facts, ledger=Ledger(observations=(seen,))), start=NOW)
    with pytest.raises(PlanError, match="ns-changed would come to 2106-02-09"):
        plan_transfer(facts, start=LATEST)
    with pytest.raises(PlanError, match="ns-changed would come to 2106-02-09"):
        plan_transfer(facts, start=NOW).record("ds-added", started=LATEST, completed=LATEST)


def test_a_plan_may_be_done_in_the_last_second_and_not_after_it() -> None:
    length = plan_transfer(the_facts(), start=NOW).finished - NOW
    last = plan_transfer(the_facts(), start=LATEST - length)
    assert last.finished == LATEST
    assert isinstance(prove(last), Safe)
    with pytest.raises(PlanError, match="would come to 2106-02-07T06:28:16"):
        plan_transfer(the_facts(), start=LATEST - length + SECOND)


def test_a_profile_waits_for_no_longer_than_dates_can_say() -> None:
    for field in ("stale_margin", "latency"):
        with pytest.raises(PlanError, match=f"{field} of profile x is 999999999 days.*; give whole seconds, from 0 to"):
            ResolverProfile(name="x", **{field: timedelta.max})
