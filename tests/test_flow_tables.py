"""What holds for the tables of the flows themselves: who takes a step, and what comes after what."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.test_transfer_plan import NOW, the_facts
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.steps import STEPS, Actor, Effect, Flow, Step, with_shared_servers
from zonekit.transfer.wayback import way_back

NS_CHANGES = (Effect.NS_AT_PARENT, Effect.NS_AT_LOSING)
AT_PARENT = (Effect.DS_ADDED, Effect.NS_AT_PARENT, Effect.LOSING_DS_REMOVED, Effect.ALL_DS_REMOVED)
every_flow = pytest.mark.parametrize("flow", Flow)


def before(steps: Iterable[Step], step: Step) -> set[str]:
    """The ids of all that a step comes after, directly or by others."""
    by_id = {each.id: each for each in steps}
    found: set[str] = set()
    to_see = [*step.after]
    while to_see:
        step_id = to_see.pop()
        if step_id not in found:
            found.add(step_id)
            to_see += by_id[step_id].after
    return found


@every_flow
def test_every_step_stands_after_those_that_it_comes_after(flow: Flow) -> None:
    seen: set[str] = set()
    for step in STEPS[flow]:
        assert step.id not in seen and seen.issuperset(step.after)
        seen.add(step.id)


# ---- the change of the name servers ---------------------------------------------------------------------------------


@every_flow
def test_neither_side_changes_the_ns_before_the_other_may(flow: Flow) -> None:
    steps = STEPS[flow]
    changes = [step for step in steps if step.effect in NS_CHANGES and step.scans is None]
    found = [before(steps, step) for step in changes]
    assert all(each == found[0] for each in found)
    assert all(step.waits == changes[0].waits for step in changes)


def test_the_domain_does_not_move_before_the_registry_has_verified_the_losing_zone() -> None:
    steps = STEPS[Flow.REGISTRY_FACILITATED]
    for step in steps:
        if step.effect in NS_CHANGES:
            assert {"losing-verified", "wait-announced", "authinfo-given"} <= before(steps, step), step.id


@every_flow
def test_servers_that_are_asked_already_get_the_gaining_zone_before_any_ns_change(flow: Flow) -> None:
    steps = with_shared_servers(STEPS[flow])
    (opening,) = (step for step in steps if step.effect is Effect.SHARED_SERVE)
    changes = [step for step in steps if step.effect in NS_CHANGES]
    assert all(opening.id in before(steps, step) for step in changes)
    first = next(step for step in STEPS[flow] if step.effect in NS_CHANGES)
    assert set(opening.after) == {"gaining-serves", *first.after} and opening.waits == first.waits


# ---- who takes a step -----------------------------------------------------------------------------------------------


@every_flow
def test_where_the_registrar_stays_it_is_one_and_otherwise_the_sponsor_asks_the_parent(flow: Flow) -> None:
    steps = STEPS[flow]
    if all(step.id != "domain-transferred" for step in steps):
        assert not {step.actor for step in steps} & {Actor.LOSING_REGISTRAR, Actor.GAINING_REGISTRAR}
        return
    assert Actor.REGISTRAR not in {step.actor for step in steps}
    for step in steps:
        if step.effect in AT_PARENT and step.actor is not Actor.REGISTRY:
            is_transferred = "domain-transferred" in before(steps, step)
            assert step.actor is (Actor.GAINING_REGISTRAR if is_transferred else Actor.LOSING_REGISTRAR), step.id
    (authinfo,) = (step for step in steps if step.id == "authinfo-given")
    assert authinfo.actor is Actor.LOSING_REGISTRAR


def test_on_the_way_back_it_is_the_sponsor_of_then_who_asks_the_parent() -> None:
    plan = plan_transfer(the_facts(), flow=Flow.REGISTRAR_CHANGE, start=NOW)
    transferred = plan.step("domain-transferred")
    assert transferred.started == plan.step("ns-changed").started
    later = plan.record("domain-transferred", started=plan.finished, completed=plan.finished)
    assert way_back(later, at="ns-changed").step("ns-restored").step.actor is Actor.LOSING_REGISTRAR
    assert way_back(plan, at="domain-transferred").step("ns-restored").step.actor is Actor.GAINING_REGISTRAR
