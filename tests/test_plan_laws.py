"""Laws that every plan keeps: what may move its dates, in which direction, and what may not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_transfer_plan import (
    COOPERATING,
    DAY,
    NOW,
    OBSERVABLE,
    SECOND,
    flows_with_facts,
    moved,
    signed_keys,
    the_facts,
    ttls,
)
from tests.test_transfer_simulation import patient
from zonekit.errors import PlanError, TimeError, TtlError
from zonekit.transfer.certificate import evidence
from zonekit.transfer.check_certificate import check
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.ledger import Ledger, Observation, Record
from zonekit.transfer.parties import OperatorKey
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.profiles import NAMED, ResolverProfile
from zonekit.transfer.proof import Bogus, Outage, Safe
from zonekit.transfer.steps import Actor, Flow, WaitFor
from zonekit.transfer.versions import DsEntry, Key, Overlap, Source
from zonekit.transfer.wayback import prove_way_back, way_back
from zonekit.ttl import Ttl

HOUR = timedelta(hours=1)
DAYS_BEFORE_AND_AFTER = timedelta(days=4)  # a ledger is kept on while the transfer is under way
seconds = st.one_of(st.sampled_from((0, 1, 60, 3600, DAY)), st.integers(0, 7 * DAY)).map(
    lambda count: timedelta(seconds=count)
)
observations = st.builds(
    lambda served, ttl, ago: Observation(
        source=served[0], record=served[1], ttl=ttl, until=NOW + DAYS_BEFORE_AND_AFTER - ago
    ),
    st.sampled_from(OBSERVABLE),
    ttls,
    seconds,
)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    ledger = Ledger()
    for seen in draw(st.lists(observations, max_size=3)):
        ledger = Ledger(observations=(*ledger.observations, seen))
    return ledger


def dates(plan: Plan) -> dict[str, tuple[datetime, datetime]]:
    return {step.id: (step.started, step.completed) for step in plan.steps}


def assert_no_earlier(later: Plan, before: Plan) -> None:
    was = dates(before)
    for step_id, (started, completed) in dates(later).items():
        if step_id in was:
            assert started >= was[step_id][0] and completed >= was[step_id][1], step_id


# ---- what changes nothing -------------------------------------------------------------------------------------------


@given(flows_with_facts, ledgers())
def test_planning_again_gives_the_same_plan(given_facts: tuple[Flow, Facts], ledger: Ledger) -> None:
    flow, facts = given_facts
    plan = plan_transfer(replace(facts, ledger=ledger), flow=flow, start=NOW)
    assert plan_transfer(plan.facts, flow=plan.flow, start=plan.start, profiles=plan.profiles) == plan
    assert isinstance(prove(plan), Safe)


@given(flows_with_facts, st.data())
def test_what_happens_exactly_on_time_changes_nothing(given_facts: tuple[Flow, Facts], data: st.DataObject) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    recorded = plan
    for step in data.draw(st.lists(st.sampled_from(plan.steps), unique_by=lambda each: each.id)):
        recorded = recorded.record(step.id, started=step.started, completed=step.completed)
        assert recorded.record(step.id, started=step.started, completed=step.completed) == recorded
    assert dates(recorded) == dates(plan)
    assert recorded.schedule == plan.schedule


@given(flows_with_facts, ledgers())
def test_what_was_served_before_is_waited_for_and_not_a_second_too_long(
    given_facts: tuple[Flow, Facts], ledger: Ledger
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(replace(facts, ledger=ledger), flow=flow, start=NOW)
    assert isinstance(prove(plan), Safe)
    for planned in plan.steps:
        done = max([plan.start, *[plan.step(before).completed for before in planned.step.after]])
        if planned.not_before > done:
            assert isinstance(prove(moved(plan, planned.id, -SECOND)), Bogus | Outage), planned


def test_addresses_that_were_served_before_are_data_that_is_waited_for() -> None:
    seen = Observation(source=Source.LOSING, record=Record.ADDRESS, ttl=Ttl(30 * DAY), until=NOW)
    plan = plan_transfer(replace(the_facts(), ledger=Ledger(observations=(seen,))), start=NOW)
    assert plan.step("losing-keys-withdrawn").started == NOW + timedelta(days=30)
    assert isinstance(prove(plan), Safe)


@given(flows_with_facts, st.lists(patient, min_size=2, max_size=3))
def test_for_resolvers_that_differ_in_patience_nothing_is_waited_for_in_vain_either(
    given_facts: tuple[Flow, Facts], profiles: list[ResolverProfile]
) -> None:
    flow, facts = given_facts
    if flow in (Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED):
        profiles = [replace(profile, ns_rule=NAMED.ns_rule) for profile in profiles]
    plan = plan_transfer(facts, flow=flow, start=NOW, profiles=profiles)
    assert isinstance(prove(plan), Safe)
    for planned in plan.steps:
        done = max([plan.start, *[plan.step(before).completed for before in planned.step.after]])
        if planned.not_before > done:
            assert isinstance(prove(moved(plan, planned.id, -SECOND)), Bogus | Outage), planned


overlaps = st.sampled_from(
    [
        Overlap(asked=asked, answers=answers)
        for answers in (Source.LOSING, Source.GAINING)
        for asked in Source
        if asked is not answers
    ]
)


@given(flows_with_facts, overlaps, seconds)
def test_shared_servers_change_the_order_and_never_the_safety(
    given_facts: tuple[Flow, Facts], overlap: Overlap, later: timedelta
) -> None:
    flow, facts = given_facts
    shared = replace(facts, overlaps=(overlap,))
    if overlap.answers is Source.LOSING and flow in (Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED):
        with pytest.raises(PlanError, match="until they drop the losing zone"):
            plan_transfer(shared, flow=flow, start=NOW)
        return
    plan = plan_transfer(shared, flow=flow, start=NOW)
    verdict = prove(plan)
    assert isinstance(verdict, Safe), verdict
    seen: set[str] = set()
    for step in plan.steps:
        assert seen.issuperset(step.step.after)
        seen.add(step.id)
    stopped = plan.step("losing-stopped")
    late = plan.record("losing-stopped", started=stopped.started + later, completed=stopped.completed + later)
    assert isinstance(prove(late), Safe), "however long the losing operator serves on"
    if flow in COOPERATING:
        for step_id in ("gaining-serves", "ns-changed", "losing-stopped", "losing-keys-withdrawn"):
            assert isinstance(prove_way_back(way_back(late, at=step_id)), Safe), step_id


# ---- what moves dates, and where to ---------------------------------------------------------------------------------

OPERATOR_TTLS = ("ns_ttl", "dnskey_ttl", "data_ttl", "negative_ttl", "address_ttl")
PARENT_DELAYS = ("propagation_delay", "registration_delay", "scan_delay", "check_delay")
TIMING = ("publish_safety", "retire_safety", "stale_margin", "approval_delay")
PARENT_TTLS = ("ds_ttl", "ns_ttl", "negative_ttl", "glue_ttl")


def longer_by_each(facts: Facts, more: timedelta) -> dict[str, Facts]:
    """The facts with one thing that takes longer, for every such thing."""
    extra = more // SECOND
    found: dict[str, Facts] = {}
    for who in ("losing", "gaining"):
        operator = getattr(facts, who)
        for name in OPERATOR_TTLS:
            names = {name}
            if not operator.is_signed and name in ("dnskey_ttl", "negative_ttl"):
                names = {"dnskey_ttl", "negative_ttl"}  # the same thing, to be changed at once
            elif name == "address_ttl":
                names = {"address_ttl", "data_ttl"}  # addresses are data too
            changed = replace(operator, **{each: Ttl(getattr(operator, each) + extra) for each in names})
            found[f"{who} {name}"] = replace(facts, **{who: changed})
        slow = replace(operator, propagation_delay=operator.propagation_delay + more)
        found[f"{who} propagation_delay"] = replace(facts, **{who: slow})
    parent = facts.parent
    for name in PARENT_TTLS:
        found[f"parent {name}"] = replace(facts, parent=replace(parent, **{name: Ttl(getattr(parent, name) + extra)}))
    for name in PARENT_DELAYS:
        found[f"parent {name}"] = replace(facts, parent=replace(parent, **{name: getattr(parent, name) + more}))
    for name in TIMING:
        found[name] = replace(facts, timing=replace(facts.timing, **{name: getattr(facts.timing, name) + more}))
    return found


@given(flows_with_facts, seconds)
def test_nothing_that_takes_longer_makes_anything_earlier(given_facts: tuple[Flow, Facts], more: timedelta) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    for what, longer in longer_by_each(facts, more).items():
        later = plan_transfer(longer, flow=flow, start=NOW)
        assert_no_earlier(later, plan)
        assert isinstance(prove(later), Safe), what


@given(flows_with_facts, observations)
def test_what_was_served_before_makes_nothing_earlier(given_facts: tuple[Flow, Facts], seen: Observation) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    known = replace(facts, ledger=Ledger(observations=(seen,)))
    assert_no_earlier(plan_transfer(known, flow=flow, start=NOW), plan)


@given(flows_with_facts, ledgers(), st.integers(-300 * DAY, 300 * DAY).map(lambda count: timedelta(seconds=count)))
def test_everything_at_another_time_is_the_same_plan_at_that_time(
    given_facts: tuple[Flow, Facts], ledger: Ledger, by: timedelta
) -> None:
    flow, facts = given_facts
    expires = NOW + timedelta(days=90)
    losing = replace(facts.losing, signatures_expire=expires)
    here = replace(facts, ledger=ledger, losing=losing)
    shifted = Ledger(observations=tuple(replace(each, until=each.until + by) for each in ledger.observations))
    there = replace(facts, ledger=shifted, losing=replace(losing, signatures_expire=expires + by))
    plan = plan_transfer(here, flow=flow, start=NOW)
    moved = plan_transfer(there, flow=flow, start=NOW + by)
    assert dates(moved) == {step_id: (start + by, end + by) for step_id, (start, end) in dates(plan).items()}
    deadlines = plan.deadline, moved.deadline
    assert deadlines[1] == (None if deadlines[0] is None else deadlines[0] + by)


# ---- what happened otherwise ----------------------------------------------------------------------------------------


@given(flows_with_facts, st.data())
def test_what_happens_late_moves_what_follows_and_stays_safe(
    given_facts: tuple[Flow, Facts], data: st.DataObject
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    late = plan
    ids = [step.id for step in plan.steps]
    chosen = data.draw(st.lists(st.sampled_from(ids), unique=True, max_size=4))
    for step_id in sorted(chosen, key=ids.index):  # a wait that was recorded keeps what it waits for from moving
        step = late.step(step_id)
        started = step.started + data.draw(seconds)
        late = late.record(step_id, started=started, completed=started + data.draw(seconds))
    if all(step.started >= step.not_before for step in late.steps):
        assert isinstance(prove(late), Safe)
    for step in late.steps:
        if not step.recorded:
            assert all(
                step.started >= late.step(before).completed for before in step.step.after if before != step.step.scans
            )


@given(flows_with_facts, st.data())
@settings(max_examples=40)
def test_whatever_happened_the_verdict_is_that_of_the_separate_checker(
    given_facts: tuple[Flow, Facts], data: st.DataObject
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    ids = [step.id for step in plan.steps if step.step.actor is not Actor.NOBODY]
    recorded = plan
    for step_id in data.draw(st.permutations(ids)):
        started = NOW + data.draw(seconds)
        recorded = recorded.record(step_id, started=started, completed=started + data.draw(seconds))
    assert [step.id for step in recorded.steps if step.recorded] == ids
    assert isinstance(prove(recorded), Safe) is (check(evidence(recorded)) == [])


@given(flows_with_facts, st.data())
def test_the_order_in_which_events_are_recorded_does_not_matter(
    given_facts: tuple[Flow, Facts], data: st.DataObject
) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    taken = [step for step in plan.steps if step.step.actor is not Actor.NOBODY]
    happened = [(step.id, step.started + data.draw(seconds)) for step in taken[:4]]
    one, other = plan, plan
    for step_id, at in happened:
        one = one.record(step_id, started=at, completed=at)
    for step_id, at in reversed(happened):
        other = other.record(step_id, started=at, completed=at)
    assert one == other


@given(flows_with_facts, seconds, seconds)
@settings(max_examples=40)
def test_a_plan_that_is_resumed_begins_nothing_before_and_stays_safe(
    given_facts: tuple[Flow, Facts], until: timedelta, later: timedelta
) -> None:
    """Everything up to some instant was done on time, and nothing since."""
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    assert plan.resumed(NOW) == plan
    for step in plan.steps:
        if step.completed <= NOW + until and step.step.actor is not Actor.NOBODY:
            plan = plan.record(step.id, started=step.started, completed=step.completed)
    at = NOW + until + later
    resumed = plan.resumed(at)
    assert resumed.start == plan.start and resumed.events == plan.events
    # What a scanner takes it may have taken with the first server, which is on record.
    assert all(step.recorded or step.step.scans or step.started >= at for step in resumed.steps)
    assert_no_earlier(resumed, plan)
    assert isinstance(prove(resumed), Safe)
    assert resumed.resumed(at) == resumed


def test_reversed_events_are_planned_on_and_told_to_be_unsafe() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    swapped = plan.record("ns-changed", started=NOW, completed=NOW)
    swapped = swapped.record("ds-added", started=NOW + HOUR, completed=NOW + HOUR)
    assert isinstance(prove(swapped), Bogus)
    assert swapped.step("losing-unreachable").started >= NOW + timedelta(days=2)


# ---- refusals -------------------------------------------------------------------------------------------------------


def test_events_that_cannot_be_are_refused() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    with pytest.raises(PlanError, match=r"no step 'coffee'.*its steps are frozen, keys-made"):
        plan.record("coffee", started=NOW, completed=NOW)
    with pytest.raises(PlanError, match="before the plan starts"):
        plan.record("ds-added", started=NOW - SECOND, completed=NOW)
    with pytest.raises(PlanError, match="cannot have completed before"):
        plan.record("ds-added", started=NOW + SECOND, completed=NOW)
    with pytest.raises(TimeError, match="no time zone"):
        plan.record("ds-added", started=NOW.replace(tzinfo=None), completed=NOW)
    with pytest.raises(TimeError, match="whole seconds"):
        plan.record("ds-added", started=NOW + timedelta(microseconds=1), completed=NOW + SECOND)
    with pytest.raises(TimeError):
        plan_transfer(the_facts(), start=NOW.replace(tzinfo=None))


def test_a_wait_is_not_over_before_its_time_whatever_is_recorded() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    over = plan.step("losing-unreachable").not_before
    with pytest.raises(PlanError, match=r"losing-unreachable is a wait, recorded as over at .* and not over before"):
        plan.record("losing-unreachable", started=over - SECOND, completed=over)
    waited = plan.record("losing-unreachable", started=over, completed=over)
    assert dates(waited) == dates(plan)
    switch = plan.switchover + SECOND
    with pytest.raises(PlanError, match=r"losing-unreachable is a wait.*record it again when it is over"):
        waited.record("ns-changed", started=switch, completed=switch)
    waited = waited.record("losing-unreachable", started=over + SECOND, completed=over + SECOND)
    assert waited.record("ns-changed", started=switch, completed=switch).step("ns-changed").recorded


def test_facts_that_contradict_each_other_are_refused() -> None:
    facts = the_facts()
    stranger = DsEntry(key=Key(name="a stranger's KSK", algorithm=13), digest_type=2)
    with pytest.raises(PlanError, match="a stranger's KSK, which does not sign"):
        replace(facts, parent=replace(facts.parent, ds=frozenset({stranger})))
    with pytest.raises(PlanError, match="two keys are named"):
        replace(facts, gaining=replace(facts.gaining, keys=facts.losing.keys))
    with pytest.raises(PlanError, match="no ZSK or CSK"):
        replace(facts.losing, keys=signed_keys("losing")[:1])
    idle = (OperatorKey(key=Key(name="idle", algorithm=13)),)
    with pytest.raises(PlanError, match="no KSK or CSK"):
        replace(facts.losing, keys=idle)
    with pytest.raises(PlanError, match="propagation_delay of an operator is -1 day"):
        replace(facts.losing, propagation_delay=-SECOND)
    with pytest.raises(PlanError, match="retire_safety"):
        Timing(retire_safety=timedelta(days=400))
    with pytest.raises(TtlError):
        replace(facts.losing, ns_ttl=Ttl(-1))
    with pytest.raises(TtlError, match="dig"):
        replace(facts.parent, ds_ttl=None)  # type: ignore[arg-type]
    with pytest.raises(TimeError):
        replace(facts.losing, signatures_expire=NOW.replace(tzinfo=None))


@given(flows_with_facts, st.integers(1, 100000))
def test_a_margin_is_on_every_wait_that_something_leaves_the_caches(
    given_facts: tuple[Flow, Facts], seconds_more: int
) -> None:
    """Also on the one for what was served before its TTL was lowered."""
    flow, facts = given_facts
    more = timedelta(seconds=seconds_more)
    plan = plan_transfer(facts, flow=flow, start=NOW)
    careful = plan_transfer(replace(facts, timing=replace(facts.timing, retire_safety=more)), flow=flow, start=NOW)
    for step in plan.steps:
        if (
            WaitFor.LOSING_UNREACHABLE in step.step.waits
            or WaitFor.LOSING_DNSKEY_GONE in step.step.waits
            or WaitFor.LOSING_DATA_GONE in step.step.waits
        ):
            for wait, longer in zip(
                sorted(step.waits, key=str), sorted(careful.step(step.id).waits, key=str), strict=True
            ):
                assert longer.record == wait.record and longer.interval == wait.interval + more
