"""A case is kept as text: it comes back equal from every stage, and what is no case is refused without a code in the message."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.epp.registrars import HANDED_OUT
from tests.epp.registry import CODE, Registry
from tests.epp.stages import STAGES, Course
from zonekit.epp import case_json, read_case
from zonekit.errors import PlanError


def test_a_case_comes_back_equal_from_every_stage() -> None:
    course = Course.begun(Registry())
    for _ in course.stages():
        case = course.registry.case
        assert case is not None
        text = case_json(case)
        assert read_case(text) == case
        assert case_json(read_case(text)) == text


def test_a_registry_that_keeps_its_case_as_text_carries_the_flow_to_the_end() -> None:
    course = Course.begun(Registry())
    for stage in STAGES.values():
        stage(course)
        assert course.registry.case is not None
        course.registry.case = read_case(case_json(course.registry.case))
    assert course.registry.case.is_over


def text_of(stage: str) -> str:
    course = Course.begun(Registry())
    course.run(stage)
    assert course.registry.case is not None
    return case_json(course.registry.case)


GIVEN: Final[dict[str, Any]] = json.loads(text_of("given"))
BROKEN: Final[dict[str, tuple[str, Callable[[dict[str, Any]], object]]]] = {
    "another format": ("format", lambda case: case.update(format="zonekit-plan")),
    "a later version": ("version", lambda case: case.update(version=2)),
    "nothing told": ("told", lambda case: case.pop("told")),
    "told cut short": ("told", lambda case: case.update(told=case["told"][:-20])),
    "told a number": ("told", lambda case: case.update(told=1)),
    "told a command": ("told", lambda case: case.update(told=case["report"])),
    "told without an offer": (
        "offer",
        lambda case: case.update(told=case["told"].replace("<extension>", "<!--").replace("</extension>", "-->")),
    ),
    "a report that is none": ("report", lambda case: case.update(report=case["told"])),
    "a plan of another flow": ("no step", lambda case: case["plan"].update(flow="registrar-change")),
    "a plan of another domain": ("plan is of", lambda case: case["plan"]["facts"].update(domain="example.com")),
    "a plan that is none": ("plan", lambda case: case.update(plan=[])),
    "evidence of nobody": (r"evidence\[0\]", lambda case: case["evidence"][0].update(by=" ")),
    "evidence of no step": ("no step", lambda case: case["evidence"][0].update(step="nothing")),
    "begun at no instant": (r"begun\[0\]", lambda case: case.update(begun=[{"step": "frozen", "at": "noon"}])),
    "a taker that is no client": ("takers", lambda case: case.update(takers=["a"])),
    "a field that nobody knows": ("surprise", lambda case: case.update(surprise=1)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_case_is_refused(what: str) -> None:
    words, spoil = BROKEN[what]
    case = json.loads(json.dumps(GIVEN))
    spoil(case)
    with pytest.raises(PlanError, match=words) as caught:
        read_case(json.dumps(case))
    for code in (CODE, HANDED_OUT):
        assert code.password not in str(caught.value)
