"""A plan's calendar keeps the rules of RFC 5545."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_planfile import plans
from tests.test_transfer_plan import NOW, the_facts
from zonekit.errors import TimeError
from zonekit.reports.calendars import calendar_text
from zonekit.transfer.plan import Plan, plan_transfer
from zonekit.transfer.steps import Flow

PLAN = plan_transfer(the_facts(), start=NOW)
LATER = NOW + timedelta(days=1)
ONCE = ("UID", "DTSTAMP", "DTSTART", "SUMMARY", "DESCRIPTION", "CATEGORIES", "STATUS", "TRANSP")


def content_lines(text: str) -> list[str]:
    """The unfolded content lines (RFC 5545 section 3.1)."""
    assert text.endswith("\r\n")
    lines = text.encode().split(b"\r\n")[:-1]
    assert all(len(line) <= 75 for line in lines)
    assert all(b"\r" not in line and b"\n" not in line for line in lines)
    for line in lines:
        line.decode()  # no character is cut
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def events(text: str) -> list[dict[str, str]]:
    """The events, each property once."""
    lines = content_lines(text)
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    assert lines[1:3] == ["VERSION:2.0", "PRODID:-//zonekit//zonekit//EN"]
    found: list[dict[str, str]] = []
    for line in lines[4:-1]:
        assert re.match(r"[A-Z-]+:", line), line
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif line != "END:VEVENT":
            assert name not in found[-1]
            found[-1][name] = value
    return found


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=NOW.tzinfo)


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] in "nN" else match[1], value)


@given(plans())
@settings(max_examples=20)
def test_every_step_is_an_event_at_its_time(plan: Plan) -> None:
    found = events(calendar_text(plan, stamp=LATER))
    assert len(found) == len(plan.steps)
    for event, planned in zip(found, plan.steps, strict=True):
        assert set(ONCE) <= set(event)
        assert instant(event["DTSTAMP"]) == LATER
        assert instant(event["DTSTART"]) == planned.started
        if "DTEND" in event:
            assert instant(event["DTEND"]) == planned.completed > planned.started
        else:
            assert planned.completed == planned.started
        assert planned.step.action in unescaped(event["SUMMARY"])
        assert event["STATUS"] == ("CONFIRMED" if planned.recorded else "TENTATIVE")
        for wait in planned.waits:
            assert wait.record in unescaped(event["DESCRIPTION"]) or not wait.interval


def test_a_plan_made_anew_moves_its_events_and_another_flow_has_its_own() -> None:
    uids = {event["UID"] for event in events(calendar_text(PLAN, stamp=NOW))}
    assert len(uids) == len(PLAN.steps)
    late = PLAN.record("ds-added", started=LATER, completed=LATER)
    assert {event["UID"] for event in events(calendar_text(late, stamp=LATER))} == uids
    again = plan_transfer(the_facts(), start=LATER)
    assert {event["UID"] for event in events(calendar_text(again, stamp=LATER))} == uids
    for other in (
        plan_transfer(the_facts(), flow=Flow.REGISTRAR_CHANGE, start=NOW),
        plan_transfer(replace(the_facts(), domain="example.com"), start=NOW),
    ):
        assert not uids & {event["UID"] for event in events(calendar_text(other, stamp=NOW))}
    assert calendar_text(PLAN, stamp=NOW) == calendar_text(PLAN, stamp=NOW)


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=200))
@settings(max_examples=50)
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    planned = PLAN.steps[0]
    plan = replace(PLAN, steps=(replace(planned, step=replace(planned.step, action=text, confirmed_by=text)),))
    (event,) = events(calendar_text(plan, stamp=NOW))
    kept = "".join(char for char in text if char.isprintable() or char == "\n")
    assert unescaped(event["SUMMARY"]) == f"example.nl: {kept} (both operators)"
    assert re.sub(r"\\[\\;,n]", "", event["SUMMARY"]).count(";") == 0


def test_a_stamp_without_a_time_zone_is_refused() -> None:
    with pytest.raises(TimeError, match="no time zone"):
        calendar_text(PLAN, stamp=NOW.replace(tzinfo=None))
