"""What ``zonekit plan --record`` puts on record: nothing without the gate, and nothing against it without a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zonekit.cli.arguments import usage_error
from zonekit.cli.exits import Refused
from zonekit.errors import PlanError
from zonekit.instants import instant_text, parse_instant
from zonekit.transfer.gate import may_record
from zonekit.transfer.journal import Missing, Override
from zonekit.transfer.plan import Plan
from zonekit.transfer.timelines import Event

_BY: Final = "zonekit plan --record"
_REMEDY: Final = (
    "record what was done before it, and wait for what is not over; where it happened all the same, or what is on record"
    " was wrong, give --override-by NAME --because TEXT, which stay in the journal"
)


@dataclass(frozen=True, slots=True)
class Said:
    """A step that somebody says was taken, and when."""

    step_id: str
    event: Event


def parse_event(text: str) -> Said:
    """Return what ``STEP=STARTED[/COMPLETED]`` says.

    Raises:
        PlanError: it says something else, or that the step completed before it started.
        TimeError: an instant is none.
    """
    step_id, mark, instants = text.partition("=")
    started, _, completed = instants.partition("/")
    if not mark or not step_id:
        raise PlanError(f"{ascii(text[:60])} is no event", remedy="write STEP=STARTED or STEP=STARTED/COMPLETED")
    return Said(step_id, Event(parse_instant(started), parse_instant(completed or started)))


def override_of(who: str | None, why: str | None, *, now: datetime) -> Override | None:
    """Return the override that the options give.

    Raises:
        UsageError: one is given without the other.
        PlanError: one of them is empty, or not of one line.
    """
    if who is None and why is None:
        return None
    if who is None or why is None:
        raise usage_error("--override-by and --because go together: somebody answers for it, and says why")
    return Override(who=who, why=why, when=now)


def with_recorded(made: Plan, said: Sequence[Said], *, now: datetime, override: Override | None) -> Plan:
    """Return a plan with what is said on record, in the order in which the steps were begun, and each decision on it.

    What is on record already as it is said is left as it is.

    Raises:
        UsageError: a step is named twice.
        PlanError: no such step, one that nobody takes, or an instant that cannot be.
        Refused: something is missing, and nobody answers for it; everything that is missing has a line.
    """
    places = {planned.id: place for place, planned in enumerate(made.steps)}
    for each in said:
        made.step(each.step_id)
        if sum(other.step_id == each.step_id for other in said) > 1:
            raise usage_error(f"--record names {each.step_id} twice: a step happens once")
    reasons: list[str] = []
    for each in sorted(said, key=lambda each: (each.event.started, places[each.step_id])):
        if made.events.get(each.step_id) == each.event:
            continue
        started, completed = each.event.started, each.event.completed
        decision = may_record(
            made, each.step_id, started=started, completed=completed, now=now, by=_BY, override=override
        )
        if isinstance(decision, Missing):
            reasons.append(f"{each.step_id} does not go on record as begun at {instant_text(started)}; missing is")
            reasons += [f"  {lacking}" for lacking in decision.missing]
        made = made.decide(decision).record(each.step_id, started=started, completed=completed)
    if reasons:
        raise Refused(*reasons, _REMEDY)
    return made
