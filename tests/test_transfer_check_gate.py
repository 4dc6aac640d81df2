"""What a transfer check says to the gate: it opens on what is known, and on nothing that somebody merely planned."""

from __future__ import annotations

from dataclasses import replace

from tests.keyring import NOW
from tests.test_gate import PLAN
from tests.test_transfer_check import HOUR, the_facts
from tests.transfer_worlds import GAINING, GAINING_SERVERS, LOSING_SERVERS, world_at
from zonekit.transfer.checking import check_transfer
from zonekit.transfer.gate import may_begin, see_step
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Missing
from zonekit.transfer.plan import Plan, plan_transfer
from zonekit.transfer.sightings import Sighting
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import Source

FLOW = Flow.OPERATOR_CHANGE
BEFORE_NS = (
    *("frozen", "keys-made", "keys-exchanged", "gaining-merged", "losing-merged", "ttls-lowered", "ds-added"),
    "gaining-serves",
)
READY = world_at(FLOW, "gaining-serves")


def recorded(plan: Plan, *step_ids: str) -> Plan:
    """The plan with these steps done as planned."""
    for step_id in step_ids:
        planned = plan.step(step_id)
        plan = plan.record(step_id, started=planned.started, completed=planned.completed)
    return plan


def lacking(decision: Decision | None) -> dict[str, str]:
    """What a decision is missing, by step."""
    assert isinstance(decision, Missing)
    return {each.step_id: each.needed for each in decision.missing}


# ---- waits count from what happened ---------------------------------------------------------------------------------


def test_a_planned_date_that_nobody_recorded_starts_no_wait() -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), "frozen")
    late = replace(READY.seen(), at=plan.switchover + 48 * HOUR)
    decision = check_transfer(late, step=READY.taken, plan=plan).decision
    assert isinstance(decision, Missing)
    assert [str(each) for each in decision.missing] == [
        f"{step_id}: a record of when it was done; seen to be done at 2026-11-25T12:00:00Z; the waits count from when it was"
        for step_id in ("losing-merged", "ds-added")
    ]
    told = recorded(plan, "losing-merged", "ds-added")
    assert isinstance(check_transfer(late, step=READY.taken, plan=told).decision, Confirmed)


def test_what_was_seen_done_by_the_planned_date_was_done_by_then() -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), "frozen")
    late = replace(READY.seen(), at=plan.switchover)
    looks = [see_step(plan, step_id, READY.seen(), by="a probe") for step_id in ("losing-merged", "ds-added")]
    assert isinstance(check_transfer(late, step=READY.taken, plan=plan, evidence=looks).decision, Confirmed)
    gone = Evidence(step_id="ds-added", seen=NOW + HOUR, by="a probe", lacking=frozenset({"the parent"}))
    decision = check_transfer(late, step=READY.taken, plan=plan, evidence=[*looks, gone]).decision
    assert lacking(decision).keys() == {"ds-added"}


def test_waits_that_nobody_takes_count_from_what_somebody_did() -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), *BEFORE_NS)
    world = world_at(FLOW, "losing-ns-changed")
    much_later = replace(world.seen(), at=plan.finished)
    check = check_transfer(much_later, step=world.taken, plan=plan)
    assert check.decision is not None and check.decision.step_id == "losing-ds-removed", "what somebody takes next"
    assert lacking(check.decision) == dict.fromkeys(("ns-changed", "losing-ns-changed"), "a record of when it was done")
    told = recorded(plan, "ns-changed", "losing-ns-changed")
    assert isinstance(check_transfer(much_later, step=world.taken, plan=told).decision, Confirmed)


# ---- what is missing or would break is missing at the gate ----------------------------------------------------------


def test_the_gate_is_not_open_while_something_is_missing_or_would_break() -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), *BEFORE_NS)
    seen = replace(READY.seen(), at=plan.switchover)
    assert isinstance(check_transfer(seen, step="frozen", plan=plan).decision, Confirmed)
    for broken in (
        replace(seen, gaining=GAINING),
        Sighting(at=seen.at, parent_ns=seen.parent_ns),
        replace(seen, giving={}, lacking={Source.GAINING: frozenset(GAINING_SERVERS)}),
    ):
        check = check_transfer(broken, step="frozen", plan=plan)
        assert check.missing or check.breaks
        told = lacking(check.decision)
        assert told.keys() >= {need.step_id for need in check.missing}
        if check.breaks:
            assert told["ns-changed"] == "every combination of what is served validates and is answered"


def test_several_servers_that_were_not_asked_were_not() -> None:
    evidence = [Evidence(step_id=step.id, seen=step.completed, by="a probe") for step in PLAN.steps]
    for names, words in (
        (LOSING_SERVERS, "were not asked"),
        (LOSING_SERVERS[:1], f"{LOSING_SERVERS[0]} was not asked"),
    ):
        servers = {Source.LOSING: frozenset(names)}
        decision = may_begin(PLAN, "ns-changed", evidence, now=PLAN.switchover, servers=servers)
        assert isinstance(decision, Missing) and all(words in each.found for each in decision.missing)
