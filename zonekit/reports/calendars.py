"""The steps of a plan as a calendar (RFC 5545), for those who carry it out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from zonekit.instants import instant_text, utc
from zonekit.transfer.plan import Plan, PlannedStep
from zonekit.ttl import duration_text

_LINE_OCTETS: Final = 75
_ESCAPES: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
# Names of events are made from this one and what they are about, so that a later plan moves the events of an earlier one.
_NAMESPACE: Final = uuid.UUID("6f6d4d8e-4f0f-5d5c-9d53-0c5b9cbb7b1e")


def calendar_text(plan: Plan, *, stamp: datetime) -> str:
    """Return the steps of a plan as an iCalendar object: one event for each, in UTC, with what it waits for.

    The same domain, flow and step always have the same UID: the calendar of a plan that was made anew moves the events
    of the one before. Lines end in CRLF and have at most 75 octets (RFC 5545 section 3.1).

    Args:
        plan: the plan.
        stamp: when the calendar is made (DTSTAMP, RFC 5545 section 3.8.7.2).

    Raises:
        TimeError: ``stamp`` is naive, or a date lies beyond 2106.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//zonekit//zonekit//EN", "CALSCALE:GREGORIAN"]
    for planned in plan.steps:
        lines += _event_lines(plan, planned, stamp)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _event_lines(plan: Plan, planned: PlannedStep, stamp: datetime) -> Iterator[str]:
    domain = plan.facts.domain.removesuffix(".") or "."
    yield "BEGIN:VEVENT"
    yield f"UID:{uuid.uuid5(_NAMESPACE, f'{plan.facts.domain} {plan.flow.value} {planned.id}')}"
    yield f"DTSTAMP:{_time_text(stamp)}"
    yield f"DTSTART:{_time_text(planned.started)}"
    if planned.completed > planned.started:  # an end has to be later than the start (RFC 5545 section 3.8.2.2)
        yield f"DTEND:{_time_text(planned.completed)}"
    yield f"SUMMARY:{_text(f'{domain}: {planned.step.action} ({planned.step.actor.value})')}"
    yield f"DESCRIPTION:{_text(_description(planned))}"
    yield f"CATEGORIES:{_text(planned.step.actor.value)}"
    yield f"STATUS:{'CONFIRMED' if planned.recorded else 'TENTATIVE'}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _description(planned: PlannedStep) -> str:
    lines = [f"Step {planned.id}. {'It was done then.' if planned.recorded else 'Not before this time.'}"]
    lines += [
        f"Waits until {instant_text(wait.until)} for the {wait.record} to leave the caches:"
        f" {duration_text(wait.interval)} from {wait.since} ({wait.rule})."
        for wait in planned.waits
        if wait.interval
    ]
    if planned.step.confirmed_by:
        lines.append(f"Done when: {planned.step.confirmed_by}.")
    return "\n".join(lines)


def _time_text(instant: datetime) -> str:
    """A date with UTC time, form 2 of RFC 5545 section 3.3.5."""
    return utc(instant).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    """A text value (RFC 5545 section 3.3.11), without control characters, which none may have."""
    return "".join([char for char in text if char.isprintable() or char == "\n"]).translate(_ESCAPES)


def _folded(line: str) -> Iterator[str]:
    """A content line in pieces of at most 75 octets, of which all but the first begin with a space; no character is cut."""
    piece, octets = "", 0
    for char in line:
        size = len(char.encode())
        if octets + size > _LINE_OCTETS:
            yield piece
            piece, octets = " ", 1
        piece, octets = piece + char, octets + size
    yield piece
