"""A case is kept as text: it comes back equal from every stage, and what is no case is refused without a code in the message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.epp.registrars import HANDED_OUT
from tests.epp.registry import CODE, Registry
from tests.epp.stages import STAGES, Course
from zonekit.epp import case_json, read_case
from zonekit.epp.domains import NameServer
from zonekit.epp.parts import MAX_ELEMENTS, MAX_OCTETS
from zonekit.errors import PlanError
from zonekit.transfer.receipts import Refusal


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


def test_a_case_that_was_told_more_than_one_frame_holds_comes_back_equal() -> None:
    course = Course.begun(Registry())
    course.run("accepted")
    case = course.registry.case
    assert case is not None and case.receipt is not None
    refusals = tuple(Refusal(code="policy", reason="&" * 2000) for _ in range(200))
    keys = tuple(replace(key, publication=None, refusals=refusals) for key in case.receipt.keys)
    large = replace(case, receipt=replace(case.receipt, keys=keys))
    text = case_json(large)
    assert len(text) > 3 * MAX_OCTETS
    assert read_case(text) == large
    servers = tuple(NameServer(name=f"ns{number}.gaining.example") for number in range(MAX_ELEMENTS))
    many = replace(case, offer=replace(case.offer, name_servers=replace(case.offer.name_servers, servers=servers)))
    assert read_case(case_json(many)) == many


def text_of(stage: str) -> str:
    course = Course.begun(Registry())
    course.run(stage)
    assert course.registry.case is not None
    return case_json(course.registry.case)


def retell(case: dict[str, Any], element: str, change: Callable[[str], str]) -> None:
    """Change one element of what was told."""
    found = re.search(rf"<{element}\b.*?</{element}>", case["told"], re.DOTALL)
    assert found is not None
    case["told"] = case["told"].replace(found[0], change(found[0]))


def elsewhere(text: str) -> str:
    assert "example.nl" in text
    return text.replace("example.nl", "example.com")


GIVEN: Final[dict[str, Any]] = json.loads(text_of("requested"))
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
    "a taker that is no party": ("took the announcement", lambda case: case.update(takers=["stranger-rar"])),
    "takers of nothing": ("took the announcement", lambda case: retell(case, "transfer:wait", lambda text: "")),
    "a wait of another domain": ("the wait is of", lambda case: retell(case, "transfer:wait", elsewhere)),
    "a receipt of another domain": ("the receipt is of", lambda case: retell(case, "transfer:receipt", elsewhere)),
    "a transfer of another domain": ("the transfer is of", lambda case: retell(case, "domain:trnData", elsewhere)),
    "a code of another domain": ("of another domain", lambda case: retell(case, "transfer:authInfoNotice", elsewhere)),
    "losing DS of another domain": (
        "of another domain",
        lambda case: retell(case, "transfer:removalNotice", elsewhere),
    ),
    "a transfer by a stranger": (
        "from losing-rar to stranger-rar",
        lambda case: retell(case, "domain:trnData", lambda text: text.replace("gaining-rar", "stranger-rar")),
    ),
    "two waits": (
        "something twice",
        lambda case: retell(case, "transfer:wait", lambda text: text.replace("2026", "2020") + text),
    ),
    "what no case holds": (
        "what no case holds",
        lambda case: retell(case, "transfer:wait", lambda text: text + '<x xmlns="urn:x"/>'),
    ),
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
