"""What lies ahead of a plan: each fact is that of the function it comes from, and told where people look."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings

from tests.test_planfile import plans
from tests.test_transfer_plan import NOW, the_facts
from zonekit.errors import PlanError
from zonekit.reports.outlooks import back_text, turning_back_texts
from zonekit.reports.pages import render_plan_page
from zonekit.transfer.outlook import TurningBack, look_ahead
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.planfile import plan_json, read_plan
from zonekit.transfer.proof import Safe
from zonekit.transfer.steps import Flow
from zonekit.transfer.wayback import Return, prove_way_back, way_back
from zonekit.ttl import Ttl

HOUR = timedelta(hours=1)


def _is_safe_back(plan: Plan, step_id: str) -> bool:
    try:
        return isinstance(prove_way_back(way_back(plan, at=step_id)), Safe)
    except PlanError:
        return False


@given(plans())
@settings(max_examples=15)
def test_every_step_says_what_turning_back_takes_or_why_it_cannot_be(plan: Plan) -> None:
    outlook = look_ahead(plan)
    assert [back.step_id for back in outlook.turning_back] == [
        planned.id for planned in sorted(plan.steps, key=lambda each: each.started)
    ]
    for back in outlook.turning_back:
        if not back.why_not:
            way = way_back(plan, at=back.step_id)
            assert (back.kind, back.cost) == (way.kind, way.cost)
            assert isinstance(prove_way_back(way), Safe)
        else:
            assert back.kind is back.cost is None
            assert not _is_safe_back(plan, back.step_id)
    assert outlook.latest_start == plan.deadline
    assert outlook.critical_path == plan.critical_path


@given(plans())
@settings(max_examples=10)
def test_the_outlook_is_in_the_json_and_changes_nothing_that_is_read(plan: Plan) -> None:
    outlook = look_ahead(plan)
    text = plan_json(plan, outlook=outlook)
    assert read_plan(text) == plan
    told = json.loads(text)["outlook"]
    assert told["critical_path"] == list(outlook.critical_path)
    assert len(told["turning_back"]) == len(plan.steps)
    assert "outlook" not in json.loads(plan_json(plan))


def test_the_published_example() -> None:
    facts = the_facts()
    short = replace(facts, losing=replace(facts.losing, data_ttl=Ttl(3600), negative_ttl=Ttl(3600)))
    outlook = look_ahead(plan_transfer(short, start=NOW))
    assert outlook.saved_by_lowering == 23 * HOUR
    assert outlook.latest_start is None
    assert outlook.critical_path[-2:] == ("losing-unreachable", "losing-keys-withdrawn")
    assert outlook.point_of_no_return == "losing-stopped"
    by_step = {back.step_id: back for back in outlook.turning_back}
    assert by_step["ds-added"] == TurningBack(step_id="ds-added", kind=Return.UNDO, cost=timedelta(0))
    assert by_step["losing-unreachable"].kind is Return.SWITCH_BACK
    assert by_step["losing-keys-withdrawn"].kind is Return.NEW_TRANSFER
    assert look_ahead(plan_transfer(facts, flow=Flow.THROUGH_INSECURE, start=NOW)).saved_by_lowering is None


def test_the_latest_start_is_told_where_signatures_expire() -> None:
    facts = the_facts()
    expires = NOW + timedelta(days=30)
    plan = plan_transfer(replace(facts, losing=replace(facts.losing, signatures_expire=expires)), start=NOW)
    outlook = look_ahead(plan)
    assert outlook.latest_start is not None and NOW < outlook.latest_start < expires
    page = render_plan_page(plan, prove(plan))
    assert f'<time datetime="{outlook.latest_start:%Y-%m-%dT%H:%M:%SZ}">' in page


def test_steps_in_a_row_that_cost_the_same_are_told_once() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    outlook = look_ahead(plan)
    texts = turning_back_texts(outlook)
    assert texts[0] == "after frozen to gaining-serves: what was added is taken away, at once"
    assert len(texts) < len(plan.steps)
    none = TurningBack(step_id="x", kind=None, cost=None, why_not="the operator is gone")
    assert back_text(none) == "no safe way back: the operator is gone"
    page = render_plan_page(plan, prove(plan))
    for back in outlook.turning_back:
        assert f"back from here: {back_text(back)}"[1:] in page
