"""A course of a transfer that any process can take further.

Whatever :func:`further` adds once, it adds to every table of the state, so that half of an update shows.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from zonekit.transfer.course import Course, Said, Tick, TtlSeen
from zonekit.transfer.journal import Lacking, Missing
from zonekit.transfer.ledger import Record
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.planfile import read_facts
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
FACTS: Final = read_facts((Path(__file__).parent.parent / "fixtures" / "transfers" / "example.nl.toml").read_text())
BEGUN: Final = Course.begun(plan_transfer(FACTS, start=NOW))
STEP: Final = BEGUN.plan.steps[0].id


def further(course: Course, by: str) -> Course:
    """The course with one thing more of every kind, which is the same whoever adds it but for who says so."""
    count = len(course.said)
    at = NOW + count * MINUTE
    missing = Lacking(step_id=STEP, needed="more", found=f"{count}")
    seen = TtlSeen(source=Source.LOSING, record=Record.NS, ttl=Ttl(count), first_seen=at, last_seen=at)
    return replace(
        course,
        plan=course.plan.decide(Missing(step_id=STEP, at=at, missing=(missing,))),
        ttls=(*course.ttls, seen),
        said=(*course.said, Said(step_id=STEP, by=by, when=at, started=at, completed=at)),
        last=Tick(at=at, boot="boot", uptime=timedelta(seconds=count)),
    )


def length(course: Course) -> int:
    """How often :func:`further` was applied, where all that it adds is there."""
    counts = {len(course.said), len(course.ttls), len(course.plan.journal.decisions)}
    assert len(counts) == 1, f"half of an update: {counts}"
    assert course.last is None or course.last.uptime == timedelta(seconds=len(course.said) - 1)
    return counts.pop()
