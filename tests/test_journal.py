"""The journal stays with the plan: it moves no date, nothing moves it, and it reads back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_planfile import plans
from tests.test_transfer_plan import NOW, SECOND, the_facts
from zonekit.errors import PlanError
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Journal, Lacking, Missing, Overridden, Override
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.planfile import plan_json, read_plan
from zonekit.transfer.steps import Actor

PLAN = plan_transfer(the_facts(), start=NOW)

lines = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=300)
texts = lines.filter(lambda text: text.strip() != "")
instants = st.integers(0, 10**8).map(lambda seconds: NOW + seconds * SECOND)
servers = st.frozensets(texts, max_size=3)


@st.composite
def decisions(draw: st.DrawFn, plan: Plan) -> Decision:
    """A decision of any kind about steps of a plan, with texts of any kind."""
    steps = st.sampled_from([step.id for step in plan.steps])
    step_id, at = draw(steps), draw(instants)
    if draw(st.booleans()):
        evidence = st.builds(Evidence, step_id=steps, seen=instants, by=texts, confirming=servers)
        lacking = st.builds(Evidence, step_id=steps, seen=instants, by=texts, lacking=servers)
        return Confirmed(step_id=step_id, at=at, evidence=tuple(draw(st.lists(evidence | lacking, max_size=3))))
    missing = tuple(
        draw(st.lists(st.builds(Lacking, step_id=steps, needed=lines, found=lines), min_size=1, max_size=3))
    )
    if draw(st.booleans()):
        return Missing(step_id=step_id, at=at, missing=missing)
    override = Override(who=draw(texts), why=draw(texts), when=at - draw(st.integers(0, 1000)) * SECOND)
    return Overridden(step_id=step_id, at=at, missing=missing, override=override)


@st.composite
def plans_with_a_journal(draw: st.DrawFn) -> Plan:
    """A plan under way in which something was decided."""
    plan = draw(plans())
    for decision in sorted(draw(st.lists(decisions(plan), max_size=4)), key=lambda each: each.at):
        plan = plan.decide(decision)
    return plan


# ---- laws -----------------------------------------------------------------------------------------------------------


@given(plans_with_a_journal())
@settings(max_examples=30)
def test_a_journal_changes_no_date_and_no_verdict(plan: Plan) -> None:
    without = replace(plan, journal=Journal())
    assert plan.steps == without.steps and plan.schedule == without.schedule and plan.deadline == without.deadline
    assert prove(plan) == prove(without)
    assert (plan == without) is (plan.journal == Journal()), "and yet they are not the same plan"


@given(plans_with_a_journal())
@settings(max_examples=30)
def test_planning_again_from_what_is_on_record_gives_the_same_plan_and_undoes_what_somebody_dated(plan: Plan) -> None:
    assert plan.planned_again() == plan
    steps = [step if step.recorded else replace(step, not_before=NOW, started=NOW, waits=()) for step in plan.steps]
    assert replace(plan, steps=tuple(steps)).planned_again() == plan


@given(plans_with_a_journal(), st.data())
@settings(max_examples=30)
def test_deciding_and_recording_do_not_meet(plan: Plan, data: st.DataObject) -> None:
    """Whichever comes first, the plan is the same, and what was decided before stands there as it did."""
    held = plan.journal.decisions
    taken = [step for step in plan.steps if step.step.actor is not Actor.NOBODY and not step.recorded]
    step = data.draw(st.sampled_from(taken))
    drawn = data.draw(decisions(plan))
    decision = replace(drawn, at=max([drawn.at, *[each.at for each in held]]))
    one = plan.decide(decision).record(step.id, started=step.started, completed=step.completed)
    other = plan.record(step.id, started=step.started, completed=step.completed).decide(decision)
    assert one == other
    assert one.journal.decisions == (*held, decision)


@given(plans_with_a_journal())
@settings(max_examples=50)
def test_a_plan_reads_back_with_its_journal(plan: Plan) -> None:
    assert read_plan(plan_json(plan)) == plan


def test_a_plan_from_before_there_was_a_journal_has_an_empty_one() -> None:
    written = json.loads(plan_json(PLAN))
    assert written.pop("journal") == []
    assert read_plan(json.dumps(written)) == PLAN
    assert read_plan(json.dumps(written | {"journal": None})) == PLAN


def test_what_stands_there_is_what_is_documented() -> None:
    lacking = Lacking(step_id="ds-added", needed="every server gives it", found="ns1 was not asked")
    override = Override(who="the engineer", why="it is late", when=NOW)
    seen = Evidence(step_id="frozen", seen=NOW, by="the probe", confirming=frozenset({"b", "a"}))
    plan = PLAN.decide(Confirmed(step_id="keys-made", at=NOW, evidence=(seen,)))
    plan = plan.decide(Missing(step_id="ns-changed", at=NOW, missing=(lacking,)))
    plan = plan.decide(Overridden(step_id="ns-changed", at=NOW, missing=(lacking,), override=override))
    instant = "2026-11-21T12:00:00Z"
    missing = [{"step": "ds-added", "needed": "every server gives it", "found": "ns1 was not asked"}]
    evidence = {"step": "frozen", "seen": instant, "by": "the probe", "confirming": ["a", "b"], "lacking": []}
    assert json.loads(plan_json(plan))["journal"] == [
        {"step": "keys-made", "at": instant, "decision": "confirmed", "evidence": [evidence]},
        {"step": "ns-changed", "at": instant, "decision": "missing", "missing": missing},
        {
            "step": "ns-changed",
            "at": instant,
            "decision": "overridden",
            "missing": missing,
            "override": {"who": "the engineer", "why": "it is late", "when": instant},
        },
    ]


# ---- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "decision",
    [
        Confirmed(step_id="coffee", at=NOW, evidence=()),
        Confirmed(step_id="frozen", at=NOW, evidence=(Evidence(step_id="coffee", seen=NOW, by="a"),)),
        Missing(step_id="frozen", at=NOW, missing=(Lacking(step_id="coffee", needed="a", found="b"),)),
    ],
)
def test_a_decision_about_a_step_that_the_flow_does_not_have_is_refused(decision: Decision) -> None:
    with pytest.raises(PlanError, match="no step 'coffee'"):
        PLAN.decide(decision)
    with pytest.raises(PlanError, match="no step 'coffee'"):
        replace(PLAN, journal=Journal(decisions=(decision,)))


def test_decisions_are_added_in_the_order_in_which_they_are_taken() -> None:
    plan = PLAN.decide(Confirmed(step_id="frozen", at=NOW, evidence=()))
    with pytest.raises(PlanError, match="in the order"):
        plan.decide(Confirmed(step_id="keys-made", at=NOW - SECOND, evidence=()))


CONFIRMED = {"step": "keys-made", "at": "2026-11-21T12:00:00Z", "decision": "confirmed", "evidence": []}
EVIDENCE = {"step": "frozen", "seen": "2026-11-21T12:00:00Z", "by": "the probe"}
LACKING = {"step": "ds-added", "needed": "a", "found": "b"}
MISSING = {"step": "ns-changed", "at": "2026-11-21T12:00:00Z", "decision": "missing", "missing": [LACKING]}
OVERRIDE = {"who": "the engineer", "why": "it is late", "when": "2026-11-21T12:00:00Z"}
OVERRIDDEN = MISSING | {"decision": "overridden", "override": OVERRIDE}


@pytest.mark.parametrize(
    ("journal", "message"),
    [
        ({}, "journal: is an object and not a list"),
        (
            [CONFIRMED | {"decision": "hoped"}],
            "journal[0].decision: 'hoped' is not known; give one of confirmed, missing",
        ),
        ([{"step": "frozen"}], "journal[0].decision: is missing"),
        ([CONFIRMED | {"missing": []}], "journal[0].missing: there is no such field"),
        ([CONFIRMED, CONFIRMED | {"step": "coffee"}], "journal[1].step: operator-change has no step 'coffee'"),
        ([CONFIRMED | {"at": "noon"}], "journal[0].at: "),
        (
            [CONFIRMED, CONFIRMED | {"at": "2026-11-21T11:59:59Z"}],
            "journal[1]: a decision of 2026-11-21T11:59:59Z comes",
        ),
        (
            [CONFIRMED | {"evidence": [EVIDENCE | {"step": "tea"}]}],
            "journal[0].evidence[0].step: operator-change has no",
        ),
        (
            [CONFIRMED | {"evidence": [EVIDENCE | {"by": " "}]}],
            "journal[0].evidence[0]: evidence for frozen says not who",
        ),
        ([CONFIRMED | {"evidence": [EVIDENCE | {"by": "a\nb"}]}], "journal[0].evidence[0].by: is not one line"),
        (
            [CONFIRMED | {"evidence": [EVIDENCE | {"lacking": [7]}]}],
            "journal[0].evidence[0].lacking[0]: is int and not",
        ),
        ([MISSING | {"missing": []}], "journal[0]: of ns-changed it says that something is missing"),
        (
            [MISSING | {"missing": [LACKING, LACKING | {"step": "tea"}]}],
            "journal[0].missing[1].step: operator-change has",
        ),
        ([OVERRIDDEN | {"override": OVERRIDE | {"why": ""}}], "journal[0].override: an override says not why"),
        ([OVERRIDDEN | {"override": {"who": "me", "why": "so"}}], "journal[0].override.when: is missing"),
        (
            [OVERRIDDEN | {"override": OVERRIDE | {"when": "2026-11-21T12:00:01Z"}}],
            "journal[0]: an override of 2026-11-21T12:00:01Z comes after the decision at 2026-11-21T12:00:00Z",
        ),
        ([MISSING | {"decision": "overridden"}], "journal[0].override: is missing"),
    ],
)
def test_a_journal_that_cannot_be_used_is_refused_by_its_path(journal: Any, message: str) -> None:
    written = json.loads(plan_json(PLAN)) | {"journal": journal}
    with pytest.raises(PlanError) as refused:
        read_plan(json.dumps(written))
    assert str(refused.value).startswith(message)
