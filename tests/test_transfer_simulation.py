"""The cache model against a simulation that shares no code with it: what is proven safe is, and what is not is found out."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import simulation
from tests.simulation import Log, simulate
from tests.test_transfer_plan import DAY, NOW, OBSERVABLE, facts_for, flows_with_facts, the_facts, ttls
from tests.unsafe_schedules import UNSAFE, changed
from zonekit.transfer.caches import held
from zonekit.transfer.facts import Facts
from zonekit.transfer.ledger import Ledger, Observation
from zonekit.transfer.plan import plan_transfer, prove
from zonekit.transfer.profiles import NAMED, PROFILES, STICKY, UNBOUND, ResolverProfile
from zonekit.transfer.proof import Bogus, Outage, Safe, prove_schedule
from zonekit.transfer.steps import STEPS, Flow
from zonekit.transfer.timelines import Event, schedule_of
from zonekit.transfer.versions import Overlap, Schedule, Source
from zonekit.ttl import Ttl

HOUR = timedelta(hours=1)
seeds = st.integers(0, 2**32)
patient = st.builds(
    replace,
    st.sampled_from((*PROFILES, STICKY)),
    minimum_ttl=st.sampled_from((Ttl(0), Ttl(0), Ttl(60), Ttl(3600))),
    stale_margin=st.sampled_from((timedelta(0), timedelta(0), HOUR, timedelta(days=1))),
    latency=st.sampled_from((timedelta(0), timedelta(seconds=5))),
)


def test_the_simulation_shares_no_code_with_the_model() -> None:
    tree = ast.parse(Path(simulation.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if name and name.startswith("zonekit")} == {
        "zonekit.transfer.profiles",
        "zonekit.transfer.versions",
    }


def assert_within_the_model(schedule: Schedule, profile: ResolverProfile, log: Log) -> None:
    """Nobody holds what the model says nobody can, and nobody asks whom the model says nobody can."""
    caches = held(schedule, profile)
    for kept in log.kept:
        last = max(kept.since, kept.stale_until - 1)
        live = caches.live[id(kept.version)]
        assert any(start <= kept.since and last < end for start, end in live), (kept, live)
    for asked, operator in log.asked:
        assert any(start <= asked < end for start, end in caches.reach[operator]), (asked, operator, caches.reach)


@given(flows_with_facts, patient, seeds)
@settings(max_examples=120)
def test_no_resolver_sees_a_proven_plan_fail(
    given_facts: tuple[Flow, Facts], profile: ResolverProfile, seed: int
) -> None:
    flow, facts = given_facts
    if flow in (Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED):
        profile = replace(profile, ns_rule=NAMED.ns_rule)  # a losing operator that does not cooperate keeps the others
    plan = plan_transfer(facts, flow=flow, start=NOW, profiles=[*PROFILES, profile])
    verdict = prove(plan)
    assert isinstance(verdict, Safe), verdict
    schedule = plan.schedule
    log = simulate(schedule, profile, seed)
    assert not log.bogus
    assert not log.outages
    assert_within_the_model(schedule, profile, log)


@pytest.mark.parametrize("flow", [Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED])
def test_a_validator_that_trusts_proven_keys_has_to_be_waited_for(flow: Flow) -> None:
    """A real unbound does, for the TTL of the DNSKEY RRset after the DS is gone."""
    facts = the_facts(gaining_signed=flow is Flow.THROUGH_INSECURE)
    facts = replace(facts, parent=replace(facts.parent, ds_ttl=Ttl(3600)))
    for_named = plan_transfer(facts, flow=flow, start=NOW, profiles=[NAMED])
    assert isinstance(prove(for_named), Safe)
    assert isinstance(prove_schedule(for_named.schedule, [UNBOUND]), Bogus)
    assert any(simulate(for_named.schedule, UNBOUND, seed).bogus for seed in range(20))
    for_all = plan_transfer(facts, flow=flow, start=NOW)
    assert for_all.switchover - for_named.switchover == timedelta(seconds=facts.losing.dnskey_ttl)
    assert not any(simulate(for_all.schedule, UNBOUND, seed).bogus for seed in range(20))


@st.composite
def any_schedules(draw: st.DrawFn) -> Schedule:
    """Steps in any order at any time, with overlaps and older TTLs."""
    flow = draw(st.sampled_from(Flow))
    facts = draw(facts_for(flow))
    pairs = [
        (asked, answers) for asked in Source for answers in (Source.LOSING, Source.GAINING) if asked is not answers
    ]
    overlaps = st.sampled_from([Overlap(asked=asked, answers=answers) for asked, answers in pairs])
    seen = st.builds(
        lambda served, ttl, ago: Observation(
            source=served[0], record=served[1], ttl=ttl, until=NOW - timedelta(seconds=ago)
        ),
        st.sampled_from(OBSERVABLE),
        ttls,
        st.integers(0, 2 * DAY),
    )
    facts = replace(
        facts,
        ledger=Ledger(observations=tuple(draw(st.lists(seen, max_size=2)))),
        overlaps=tuple(draw(st.lists(overlaps, max_size=2))),
    )
    events = {}
    for step in STEPS[flow]:
        if step.effect is not None and draw(st.integers(0, 5)):
            started = NOW + timedelta(seconds=draw(st.integers(0, 10 * DAY)))
            events[step.id] = Event(started, started + timedelta(seconds=draw(st.sampled_from((0, 60, 7200, DAY)))))
    return schedule_of(facts, STEPS[flow], events)


@given(any_schedules(), patient, seeds)
@settings(max_examples=120)
def test_what_is_proven_safe_is_whatever_was_done_when(schedule: Schedule, profile: ResolverProfile, seed: int) -> None:
    log = simulate(schedule, profile, seed)
    assert_within_the_model(schedule, profile, log)
    verdict = prove_schedule(schedule, [profile])
    assert not log.bogus or isinstance(verdict, Bogus), verdict
    assert not log.outages or isinstance(verdict, Bogus | Outage), verdict


# ---- what is not safe is found out ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNSAFE)
def test_resolvers_see_what_is_unsafe_by_design_fail(name: str) -> None:
    case = UNSAFE[name]
    assert any(
        log.outages if case.is_outage else log.bogus
        for log in (simulate(case.schedule, case.profile, seed) for seed in range(40))
    )


def test_resolvers_see_plans_cut_short_fail() -> None:
    """Of a wait that binds half is left out. Most of the time some resolver notices within a few runs."""
    unsafe, seen = 0, 0

    @given(flows_with_facts, seeds, st.data())
    @settings(max_examples=80)
    def cut_short(given_facts: tuple[Flow, Facts], seed: int, data: st.DataObject) -> None:
        nonlocal unsafe, seen
        flow, facts = given_facts
        plan = plan_transfer(facts, flow=flow, start=NOW)
        waiting = [step for step in plan.steps if step.step.effect and (step.step.waits or step.id == "losing-stopped")]
        step = data.draw(st.sampled_from(waiting))
        since = plan.start if step.started <= plan.switchover else plan.switchover
        half = (step.started - since) // timedelta(seconds=2) * timedelta(seconds=1)
        schedule = changed(plan, moved={step.id: -half})
        verdict = prove_schedule(schedule, PROFILES)
        if isinstance(verdict, Safe):
            return  # another wait covers it, or there was none
        profile = next(profile for profile in PROFILES if profile.name == verdict.profile)
        logs = (simulate(schedule, profile, seed + number) for number in range(6))
        unsafe += 1
        seen += any(log.bogus or log.outages for log in logs)

    cut_short()
    assert unsafe >= 50
    assert seen >= 0.75 * unsafe, f"{seen} of {unsafe}"


def test_the_same_seed_gives_the_same_run() -> None:
    case = UNSAFE["a merge one way"]
    first, again = [simulate(case.schedule, case.profile, 7) for _ in range(2)]
    assert first == again
    assert first.queries > 500
    assert first.validations > 300
