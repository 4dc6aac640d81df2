"""The page of a plan is whole, needs nothing else, and keeps what facts supply in its place."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import escape
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings

from tests.test_planfile import plans
from tests.test_transfer_plan import DAY, NOW, an_operator, ds_of, signed_keys, the_facts
from zonekit.errors import RenderError
from zonekit.reports.drawing import NARROW, WIDE, Drawing, Words, draw_plan, numbers_text
from zonekit.reports.pages import render_plan_page
from zonekit.reports.wording import FLOW_TEXTS, in_order
from zonekit.transfer.caches import held
from zonekit.transfer.facts import Facts
from zonekit.transfer.journal import Lacking, Missing, Overridden, Override
from zonekit.transfer.ledger import Ledger, Observation, Record
from zonekit.transfer.parties import OperatorKey
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.profiles import NAMED
from zonekit.transfer.readiness import preflight
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import DsVersion, Key, Source
from zonekit.ttl import Ttl

PLAN = plan_transfer(the_facts(), start=NOW)


class Reader(HTMLParser):
    """The elements of a page: what is open is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append((self.open[-1], data.strip()))

    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]


def page_of(plan: Plan) -> str:
    return render_plan_page(plan, prove(plan))


@given(plans())
@settings(max_examples=15)
def test_every_plan_makes_a_page_that_is_whole(plan: Plan) -> None:
    page = Reader(page_of(plan))
    rows = [attributes for tag, attributes in page.elements if tag == "tr"]
    assert len(rows) == 1 + len(plan.steps)
    assert page.tags().count("h1") == 1
    times = {attributes["datetime"] for tag, attributes in page.elements if tag == "time"}
    assert {planned.started.strftime("%Y-%m-%dT%H:%M:%SZ") for planned in plan.steps} <= times
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    page = page_of(PLAN)
    found = Reader(page)
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base", "use", "image"} & set(
        found.tags()
    )
    for tag, attributes in found.elements:
        assert not {"src", "href", "style", "action", "srcset", "background"} & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes)
    assert set(re.findall(r"url\(([^)]*)\)", page)) == {
        f"#hatch-{name}" for name in ("losing", "gaining", "both", "none")
    }
    assert "@import" not in page
    assert "//" not in page.replace("<!DOCTYPE", "")
    assert "default-src 'none'" in page


def test_a_page_says_its_language_its_title_and_its_table_headers() -> None:
    found = Reader(page_of(PLAN))
    assert ("html", {"lang": "en"}) in found.elements
    assert ("title", "example.nl: transfer plan") in found.words
    scopes = [attributes.get("scope") for tag, attributes in found.elements if tag == "th"]
    assert scopes == ["col"] * 5 + ["row"] * len(PLAN.steps)
    drawings = [attributes for tag, attributes in found.elements if tag == "svg" and attributes.get("role") == "img"]
    ids = {attributes.get("id") for _, attributes in found.elements}
    for attributes in drawings:
        assert set(str(attributes["aria-labelledby"]).split()) <= ids
        assert "viewbox" in attributes
    assert len(drawings) == 2


def test_what_facts_supply_stays_text() -> None:
    evil = '"><script>alert(1)</script><p onclick="\'&amp;</style></svg>{{ 7*7 }}'

    def named(who: str) -> tuple[OperatorKey, ...]:
        return tuple(replace(each, key=Key(name=f"{evil} {each.key.name}", algorithm=13)) for each in signed_keys(who))

    facts = the_facts()
    losing = replace(facts.losing, keys=named("losing"))
    gaining = replace(facts.gaining, keys=named("gaining"))
    profile = replace(NAMED, name=evil)
    hostile = replace(facts, losing=losing, gaining=gaining, parent=replace(facts.parent, ds=ds_of(losing)))
    plan = plan_transfer(hostile, start=NOW, profiles=[profile])
    page, plain = page_of(plan), Reader(page_of(plan_transfer(facts, start=NOW, profiles=[NAMED])))
    found = Reader(page)
    assert found.tags() == plain.tags()
    assert [sorted(attributes) for _, attributes in found.elements] == [
        sorted(attributes) for _, attributes in plain.elements
    ]
    assert any(evil in words for _, words in found.words)
    assert "<script" not in page


def test_a_name_with_control_characters_is_refused() -> None:
    plan = plan_transfer(the_facts(), start=NOW, profiles=[replace(NAMED, name="a\x1b[2J")])
    with pytest.raises(RenderError, match="control character"):
        page_of(plan)


def test_an_unsafe_plan_says_so_and_tells_the_story() -> None:
    facts = the_facts()
    plan = plan_transfer(facts, start=NOW).record("ns-changed", started=NOW, completed=NOW)
    page = page_of(plan)
    assert "Proven safe" not in page
    assert "Not safe: it can go bogus" in page
    assert "a resolver (named) puts the three together" in page
    assert "must not change before T+2d, because of the" in page
    assert "not safe from here, T<" in page
    assert "not safe from here" not in page_of(PLAN)


def test_an_override_is_shown_and_stays_text() -> None:
    evil = "</li></ul><script>alert(1)</script>{{ 7*7 }}"
    missing = tuple(Lacking(step_id="ds-added", needed=f"{number}{evil}", found=evil) for number in range(2))
    override = Override(who=f"the engineer {evil}", why=evil, when=NOW)
    plan = PLAN.decide(Overridden(step_id="ns-changed", at=NOW, missing=missing, override=override))
    plan = plan.decide(Missing(step_id="ns-changed", at=NOW, missing=missing))
    page = page_of(plan)
    words = [text for _, text in Reader(page).words]
    assert "<script" not in page
    assert f"ns-changed by the engineer {evil}, 2026-11-21T12:00:00Z: {evil}" in words
    assert [text for text in words if text.startswith("ds-added: ")] == list(map(str, missing))
    assert "something was missing" not in page_of(PLAN)


def test_the_published_example_says_that_the_ds_binds() -> None:
    page = page_of(PLAN)
    assert "before T+2d, because of the <strong>DS RRset without the gaining DS</strong>" in page
    assert "caches may hold it for 2d" in page
    assert "they change at T+2d" in page, "by the simple rule"


def test_every_flow_is_said_in_words() -> None:
    assert set(FLOW_TEXTS) == set(Flow)


# ---- the drawing ----------------------------------------------------------------------------------------------------


def box(words: Words) -> tuple[float, float, float, float]:
    """Where a text is at most: left, top, right, bottom."""
    width = 6.4 * len(words.text)
    left = words.x - {"start": 0.0, "middle": width / 2, "end": width}[words.anchor]
    return left, words.y - 10, left + width, words.y + 3


def overlapping(first: Words, second: Words) -> bool:
    left, top, right, bottom = box(first)
    other_left, other_top, other_right, other_bottom = box(second)
    return left < other_right and other_left < right and top < other_bottom and other_top < bottom


def assert_neat(drawing: Drawing) -> None:
    for each in drawing.texts:
        left, top, right, bottom = box(each)
        assert left >= -8, each
        assert right <= drawing.width + 8, each
        assert top >= 0
        assert bottom <= drawing.height, each
    by_line = sorted(drawing.texts, key=lambda each: each.y)
    for index, each in enumerate(by_line):
        for other in by_line[index + 1 :]:
            if other.y - each.y > 13:
                break
            assert not overlapping(each, other), (each, other)
    for rect in drawing.rects:
        assert rect.width > 0
        assert rect.x >= 0
        assert rect.x + rect.width <= drawing.width + 2
        assert rect.y + rect.height <= drawing.height


@given(plans())
@settings(max_examples=25)
def test_nothing_in_a_drawing_overlaps_or_hangs_over(plan: Plan) -> None:
    for form in (WIDE, NARROW):
        drawing = draw_plan(plan, form, trouble=plan.switchover, now=plan.start)
        assert_neat(drawing)
        ticks = [each for each in drawing.texts if each.look == "tick"]
        assert 1 <= len(ticks) <= form.width / form.tick_width + 1
        assert ticks[0].text == "T" or any(each.text == "T" for each in ticks)


def test_bars_are_where_the_cache_model_has_the_versions() -> None:
    schedule = PLAN.schedule
    caches = held(schedule, PLAN.profiles[0])
    both = next(
        version for version in schedule.versions if isinstance(version, DsVersion) and len(version.entries) == 2
    )
    (live,) = caches.live[id(both)]
    bars = [rect for rect in draw_plan(PLAN).rects if rect.hint.startswith("DS of both operators:")]
    served, lingering = sorted(bars, key=lambda rect: rect.x)
    assert (served.look, lingering.look) == ("served both", "lingering both")
    assert served.x + served.width == lingering.x
    assert lingering.hint == "DS of both operators: lingers in caches from 2026-11-25T12:10:00Z to 2026-11-27T12:10:00Z"
    assert live[1] == (PLAN.step("losing-ds-removed").completed + timedelta(days=2)).timestamp()
    drawing = draw_plan(PLAN)
    (switch,) = [line for line in drawing.over if line.look == "switch"]
    starts = {rect.x for rect in drawing.rects if rect.look == "served gaining"}
    assert switch.x1 in starts


def test_now_is_a_line_where_somebody_has_looked() -> None:
    drawing = draw_plan(PLAN, now=PLAN.switchover)
    marks = {line.look: line.x1 for line in drawing.over if line.look in ("now", "switch")}
    assert marks["now"] == marks["switch"]
    assert "now, T+2d" in [each.text for each in drawing.texts]
    assert not any(line.look == "now" for line in draw_plan(PLAN).over)


def test_a_bar_shows_what_is_served_and_nobody_is_led_to() -> None:
    hints = [rect.hint for rect in draw_plan(PLAN).rects if rect.look.startswith("idle")]
    assert (
        "NS of the gaining operator: served, and nobody is led to it from 2026-11-21T12:00:00Z to 2026-11-23T12:00:00Z"
        in hints
    )


def with_expiry(days: int) -> Facts:
    facts = the_facts()
    return replace(facts, losing=replace(facts.losing, signatures_expire=NOW + timedelta(days=days)))


def test_a_deadline_that_is_near_is_drawn_and_a_far_one_is_told() -> None:
    near, far = (plan_transfer(with_expiry(days), start=NOW) for days in (8, 40))
    assert any(line.look == "deadline" for line in draw_plan(near).over)
    assert not any(line.look == "deadline" for line in draw_plan(far).over)
    for plan, since in ((near, "T+8d"), (far, "T+40d")):
        assert_neat(draw_plan(plan))
        assert f"({since})" in page_of(plan)
        assert "signatures of the losing operator expire" in page_of(plan)


def test_a_larger_ttl_from_before_has_a_bar_of_its_own() -> None:
    seen = Observation(source=Source.PARENT, record=Record.DS, ttl=Ttl(4 * DAY), until=NOW - timedelta(hours=3))
    plan = plan_transfer(replace(the_facts(), ledger=Ledger(observations=(seen,))), start=NOW)
    labels = [each.text for each in draw_plan(plan).texts if each.look == "label"]
    assert "of the losing operator alone · TTL 4d" in labels
    assert_neat(draw_plan(plan, NARROW))


def test_the_way_through_insecure_shows_that_there_is_no_ds() -> None:
    plan = plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW)
    drawing = draw_plan(plan)
    assert any(rect.look == "served none" for rect in drawing.rects)
    assert any("the domain is insecure" in each.text for each in drawing.texts)
    assert "It is not protected from 2026-11-21T12:00:00Z to" in page_of(plan)


def test_steps_are_numbered_as_they_are_taken() -> None:
    starts = [planned.started for planned in in_order(PLAN)]
    assert all(first <= second for first, second in pairwise(starts))
    assert sorted(planned.id for planned in in_order(PLAN)) == sorted(planned.id for planned in PLAN.steps)
    dash = "\N{EN DASH}"
    assert numbers_text([1, 2, 3, 5, 7, 8]) == f"1{dash}3, 5, 7, 8"
    assert numbers_text([]) == ""


def test_an_operator_that_does_not_sign_is_drawn() -> None:
    facts = replace(the_facts(), gaining=an_operator("gaining", is_signed=False))
    drawing = draw_plan(plan_transfer(facts, flow=Flow.TO_UNSIGNED, start=NOW))
    assert_neat(drawing)
    assert any(each.text.startswith("not signed") for each in drawing.texts)


def test_what_should_be_known_before_the_start_stands_on_the_page() -> None:
    facts = the_facts()
    old = replace(facts, parent=replace(facts.parent, ds=ds_of(facts.losing, 1)))
    plan = plan_transfer(old, start=NOW)
    page = page_of(plan)
    findings = preflight(old, plan=plan)
    assert "sha1-ds" in {finding.code for finding in findings}
    for finding in findings:
        assert escape(finding.message) in page and escape(finding.remedy) in page
