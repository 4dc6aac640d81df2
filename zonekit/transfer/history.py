"""What happened in a transfer, and when: the difference between its course before and after, in words.

The course says how things stand; this says how they came to be so. :mod:`zonekit.state` adds what happened to a log at every
update and takes nothing out.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from zonekit.instants import instant_text, utc
from zonekit.transfer.course import Course, TtlSeen, Watched
from zonekit.transfer.journal import Confirmed, Decision, Missing, Overridden
from zonekit.transfer.plan import Plan
from zonekit.ttl import duration_text


class What(enum.Enum):
    """What kind of thing happened."""

    BEGUN = "begun"
    """The transfer."""
    PLAN_REVISED = "plan revised"
    """Its facts, its flow, or dates of what is still to come."""
    STEP_RECORDED = "step recorded"
    """What really happened was put on record, or taken off it again."""
    DECIDED = "decided"
    """The gate said whether a step may begin, or somebody did."""
    SAID = "said"
    """Somebody says that a step is done."""
    SEEN_DONE = "seen done"
    """The first round of a run of rounds in which every server gives a step."""
    LACKING_AGAIN = "lacking again"
    """A round in which some server did not, after such a run."""
    TTL_SERVED = "TTL served"
    """A round that showed a TTL for the first time, or again after others alone."""
    TTL_GONE = "TTL gone"
    """A round that showed others alone."""
    SERVER_SILENT = "server silent"
    """The first round in which a server did not answer any more."""
    SERVER_ANSWERS = "server answers"
    """A round in which it did again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened.

    Attributes:
        at: when: the round, the statement or the decision that it is of; where none is, when it was noted.
        what: what kind of thing.
        text: the rest of it for people, in one line.
        step_id: the step that it is about; None where it is about none.

    Raises:
        TimeError: ``at`` is naive.
    """

    at: datetime
    what: What
    text: str
    step_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))

    def __str__(self) -> str:
        step = "" if self.step_id is None else f" {self.step_id}"
        return f"{instant_text(self.at)} {self.what.value}{step}: {self.text}"


def beginning(course: Course, *, at: datetime) -> tuple[Happening, ...]:
    """Return what happened when a transfer was begun, at this instant, with all that its course has already."""
    plan = course.plan
    text = f"{plan.flow.value}; {_dates_text(plan)}"
    return (Happening(at=at, what=What.BEGUN, text=text), *happenings(Course.begun(plan), course, at=at))


def happenings(before: Course, after: Course, *, at: datetime) -> tuple[Happening, ...]:
    """Return what happened between two courses of a transfer, ordered by when it did; ``at`` is when that is noted."""
    found = [
        *_recorded(before.plan, after.plan, at),
        *_revised(before.plan, after.plan, at),
        *_decided(before.plan, after.plan),
        *_said(before, after),
        *_seen(before, after),
        *_ttls(before, after),
        *_servers(before, after, at),
    ]
    return tuple(sorted(found, key=lambda each: each.at))


# ---- the plan -------------------------------------------------------------------------------------------------------


def _recorded(before: Plan, after: Plan, at: datetime) -> Iterator[Happening]:
    earlier, later = before.events, after.events
    for step_id, event in later.items():
        if earlier.get(step_id) != event:
            text = f"begun {instant_text(event.started)}, done {instant_text(event.completed)}"
            yield Happening(at=event.completed, what=What.STEP_RECORDED, step_id=step_id, text=text)
    for step_id in earlier:
        if step_id not in later:
            yield Happening(at=at, what=What.STEP_RECORDED, step_id=step_id, text="is not on record any more")


def _revised(before: Plan, after: Plan, at: datetime) -> Iterator[Happening]:
    changed = [
        what
        for what, is_changed in (
            (f"the flow is {after.flow.value}", before.flow is not after.flow),
            (f"it starts at {instant_text(after.start)}", before.start != after.start),
            ("other facts", before.facts != after.facts),
            ("other resolver profiles", before.profiles != after.profiles),
            ("other dates", _dates_ahead(before, after) != _dates_ahead(after, after)),
        )
        if is_changed
    ]
    if changed:
        yield Happening(at=at, what=What.PLAN_REVISED, text=f"{', '.join(changed)}; {_dates_text(after)}")


def _dates_ahead(plan: Plan, revised: Plan) -> list[tuple[datetime, datetime, datetime]]:
    """The dates in a plan of what the revised one has not on record."""
    recorded = revised.events
    return [(each.not_before, each.started, each.completed) for each in plan.steps if each.id not in recorded]


def _dates_text(plan: Plan) -> str:
    return f"the switch is planned for {instant_text(plan.switchover)}, the end for {instant_text(plan.finished)}"


def _decided(before: Plan, after: Plan) -> Iterator[Happening]:
    earlier = frozenset(before.journal.decisions)
    for decision in after.journal.decisions:
        if decision not in earlier:
            yield Happening(at=decision.at, what=What.DECIDED, step_id=decision.step_id, text=_decision_text(decision))


def _decision_text(decision: Decision) -> str:
    match decision:
        case Confirmed():
            return "may begin"
        case Missing():
            return f"may not begin: {'; '.join(map(str, decision.missing))}"
        case Overridden():
            missing = "; ".join(map(str, decision.missing))
            return f"begun by {decision.override.who}, because {decision.override.why}, although {missing}"
        case _:
            assert_never(decision)


# ---- what was said and seen -----------------------------------------------------------------------------------------


def _said(before: Course, after: Course) -> Iterator[Happening]:
    for each in after.said:
        if each not in before.said:
            text = f"{each.by}: begun {instant_text(each.started)}, done {instant_text(each.completed)}"
            yield Happening(at=each.when, what=What.SAID, step_id=each.step_id, text=text)


def _seen(before: Course, after: Course) -> Iterator[Happening]:
    for step_id, now in after.watched.items():
        earlier = before.watched.get(step_id, Watched(step_id=step_id))
        if earlier.done_since == now.done_since:
            continue
        if earlier.is_done and now.lacking_at not in (None, earlier.lacking_at):
            assert now.lacking_at is not None
            text = f"not given by {_listed(now.lacking)}"
            yield Happening(at=now.lacking_at, what=What.LACKING_AGAIN, step_id=step_id, text=text)
        if now.done_since is not None:
            text = f"given by {_listed(now.confirming)}"
            yield Happening(at=now.done_since, what=What.SEEN_DONE, step_id=step_id, text=text)


def _listed(servers: frozenset[str]) -> str:
    return ", ".join(sorted(servers)) or "every server"


def _ttls(before: Course, after: Course) -> Iterator[Happening]:
    earlier = {(each.source, each.record, each.ttl): each for each in before.ttls}
    for each in after.ttls:
        known = earlier.get((each.source, each.record, each.ttl))
        was_served, is_served = known is not None and known.until is None, each.until is None
        if known is None or (is_served and not was_served):
            yield _ttl_happening(each, What.TTL_SERVED, each.first_seen if known is None else each.last_seen)
        if each.until is not None and (known is None or was_served):
            yield _ttl_happening(each, What.TTL_GONE, each.until)


def _ttl_happening(seen: TtlSeen, what: What, at: datetime) -> Happening:
    text = f"{seen.record.value} of the {seen.source.value} side, {duration_text(seen.ttl)}"
    return Happening(at=at, what=what, text=text)


def _servers(before: Course, after: Course, at: datetime) -> Iterator[Happening]:
    was_silent = {each.server: each.silent_since is not None for each in before.servers}
    for each in after.servers:
        silent_before = was_silent.get(each.server, False)
        text = f"{each.server}, {each.server.source.value}"
        if each.silent_since is not None and not silent_before:
            yield Happening(at=each.silent_since, what=What.SERVER_SILENT, text=text)
        elif each.silent_since is None and silent_before:
            yield Happening(at=each.last_answered or at, what=What.SERVER_ANSWERS, text=text)
