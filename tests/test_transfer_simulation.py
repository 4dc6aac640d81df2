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
from tests.test_transfer_plan import DAY, NOW, ds_of, facts_for, flows_with_facts, signed_keys, the_facts, ttls
from zonekit.transfer.caches import held
from zonekit.transfer.facts import Facts, Ledger, Observation, Record
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.profiles import NAMED, PROFILES, STICKY, UNBOUND_HARDENED, WITHOUT_ED448, ResolverProfile
from zonekit.transfer.proof import Bogus, Outage, Safe, prove_schedule
from zonekit.transfer.steps import STEPS, Flow
from zonekit.transfer.timelines import Event, schedule_of
from zonekit.transfer.versions import DnskeyVersion, DsVersion, Overlap, Schedule, Serving, Source, Version
from zonekit.ttl import Ttl

HOUR = timedelta(hours=1)
PLAN = plan_transfer(the_facts(), start=NOW)
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
@settings(max_examples=150)
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


@st.composite
def any_schedules(draw: st.DrawFn) -> Schedule:
    """Steps in any order at any time, with overlaps and older TTLs."""
    flow = draw(st.sampled_from(Flow))
    facts = draw(facts_for(flow))
    overlaps = st.builds(
        Overlap, asked=st.sampled_from(Source), answers=st.sampled_from((Source.LOSING, Source.GAINING))
    )
    seen = st.builds(
        Observation,
        source=st.sampled_from((Source.PARENT, Source.LOSING)),
        record=st.sampled_from((Record.NS, Record.DNSKEY, Record.DS)),
        ttl=ttls,
        until=st.integers(0, 2 * DAY).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    )
    facts = replace(
        facts,
        ledger=Ledger(observations=tuple(draw(st.lists(seen, max_size=2)))),
        overlaps=tuple(each for each in draw(st.lists(overlaps, max_size=2)) if each.asked is not each.answers),
    )
    events = {}
    for step in STEPS[flow]:
        if step.effect is not None and draw(st.integers(0, 5)):
            started = NOW + timedelta(seconds=draw(st.integers(0, 10 * DAY)))
            events[step.id] = Event(started, started + timedelta(seconds=draw(st.sampled_from((0, 60, 7200, DAY)))))
    return schedule_of(facts, STEPS[flow], events)


@given(any_schedules(), patient, seeds)
@settings(max_examples=200)
def test_what_is_proven_safe_is_whatever_was_done_when(schedule: Schedule, profile: ResolverProfile, seed: int) -> None:
    log = simulate(schedule, profile, seed)
    assert_within_the_model(schedule, profile, log)
    verdict = prove_schedule(schedule, [profile])
    assert not log.bogus or isinstance(verdict, Bogus), verdict
    assert not log.outages or isinstance(verdict, Bogus | Outage), verdict
