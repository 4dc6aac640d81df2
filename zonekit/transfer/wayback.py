"""The way back: from any step of a transfer, how the domain returns safely to the losing operator, and what that costs.

The versions that are published stay where they are, and the steps back are laid after them. Each wait is read off the
exact cache model: so the way back is safe and tight for whatever happened, not only for what was planned, as far as that
was safe itself.

A way back is the best there is from where the transfer stands, and not always a safe one: where signatures expire that
the losing operator did not renew, caches may hold them longer than they are valid, and nothing that is done now mends
that. Going on may be no better, and somebody has to choose; so unlike :func:`~zonekit.transfer.plan.plan_transfer`, which
refuses to begin what cannot end well, :func:`way_back` returns it all the same. :attr:`WayBack.is_in_time` says so, and
:func:`prove_way_back` gives the story.
"""

from __future__ import annotations

import enum
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zonekit.errors import PlanError
from zonekit.instants import epoch_seconds, instant_text, utc
from zonekit.transfer.backtrack import merges, steps_back, was_opened
from zonekit.transfer.deadline import needed_until
from zonekit.transfer.plan import Plan, PlannedStep, find_step, recorded_events
from zonekit.transfer.proof import Verdict, prove_schedule
from zonekit.transfer.steps import Effect
from zonekit.transfer.timelines import Event
from zonekit.transfer.versions import Schedule

_IRREVERSIBLE: Final = frozenset((Effect.LOSING_DS_REMOVED, Effect.LOSING_KEYS_WITHDRAWN, Effect.LOSING_STOPS))


class Return(enum.Enum):
    """What a way back amounts to."""

    UNDO = "undo"
    """No resolver was led to the gaining servers: what was added is taken away, what was taken away is put back, and nothing
    is waited for but signatures that the losing operator had let expire."""
    SWITCH_BACK = "switch-back"
    """The NS lead back at once; the rest is as it was when caches are rid of the gaining zone."""
    NEW_TRANSFER = "new-transfer"
    """The NS have to wait: for the losing side to be built up again, or, where nothing was merged, for a gaining DS to leave
    the caches. That is a transfer the other way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """A dated return to the losing operator.

    Attributes:
        plan: the transfer that is broken off.
        turned_at: the instant at which it is.
        kind: what the return amounts to.
        steps: its steps; what each changes is in the schedule.
        schedule: all the versions that are served, those of the transfer so far among them.
        begun: the ids of the steps of the transfer that had begun.
    """

    plan: Plan
    turned_at: datetime
    kind: Return
    steps: tuple[PlannedStep, ...]
    schedule: Schedule
    begun: frozenset[str]

    def step(self, step_id: str) -> PlannedStep:
        """Return a step by its id.

        Raises:
            PlanError: this way back has no such step.
        """
        return find_step(self.steps, step_id, of="this way back")

    @property
    def finished(self) -> datetime:
        """When the domain is as it was before the transfer."""
        return max(planned.completed for planned in self.steps)

    @property
    def returned(self) -> datetime:
        """When the last resolver has left the gaining servers."""
        return next((each.completed for each in self.steps if each.id == "gaining-unreachable"), self.turned_at)

    @property
    def is_in_time(self) -> bool:
        """Whether nobody needs a signature that the losing operator had not renewed by the time it expires."""
        expires = self.plan.facts.losing.signatures_expire
        return expires is None or needed_until(self.schedule, self.plan.resolvers) <= epoch_seconds(expires)

    @property
    def cost(self) -> timedelta:
        """How long the way back takes, from the decision to the end."""
        return self.finished - self.turned_at

    def record(self, step_id: str, *, started: datetime, completed: datetime) -> WayBack:
        """Return the way back with what really happened; every date that rests on it moves accordingly.

        Raises:
            PlanError: no such step, it completed before it started, or it happened before the turn.
            TimeError: an instant is naive.
        """
        self.step(step_id)
        event = Event(utc(started), utc(completed))
        if event.started < self.turned_at:
            raise PlanError(
                f"{step_id} happened at {instant_text(event.started)}, before the way back begins",
                remedy="turn back at an earlier instant",
            )
        return _way_back(self.plan, self.begun, self.turned_at, recorded_events(self.steps) | {step_id: event})


def way_back(plan: Plan, *, at: str | datetime) -> WayBack:
    """Return the earliest way back to the losing operator in which every wait is over.

    What has begun is let finish first. Whoever has the domain at the registry then asks the parent for the changes; a
    change of registrar does not have to be undone for the domain to resolve. Where signatures of the losing operator expire,
    it has to renew them, and no resolver is led to any that it would need after that. A losing operator that does not
    cooperate does nothing else but answer again where it has stopped.

    Args:
        plan: a plan, with what has happened so far.
        at: the instant of turning back, at which every step counts that began before; or the step after which to turn.

    Raises:
        PlanError: no such step, an instant before the plan's start, signatures that expire and that the losing operator
            cannot renew, a profile that never leaves the gaining servers, or a date beyond 2106.
        TimeError: the instant is naive.
    """
    if isinstance(at, str):
        last = plan.step(at)
        place = plan.steps.index(last)
        instant = last.completed
        begun = [
            each
            for number, each in enumerate(plan.steps)
            if each.started < instant or (each.started == instant and number <= place)
        ]
    else:
        instant = utc(at)
        begun = [each for each in plan.steps if each.started < instant]
    if instant < plan.start:
        raise PlanError(
            f"{instant_text(instant)} lies before the plan's start at {instant_text(plan.start)}",
            remedy="there is nothing to turn back from yet",
        )
    return _way_back(plan, frozenset(each.id for each in begun), instant, {})


def _way_back(plan: Plan, begun: frozenset[str], turned_at: datetime, events: dict[str, Event]) -> WayBack:
    steps, schedule = steps_back(plan, begun, turned_at, events)
    effects = {planned.step.effect for planned in plan.steps if planned.id in begun}
    kind = Return.SWITCH_BACK if was_opened(effects) else Return.UNDO
    if not effects.isdisjoint(_final(plan)):
        kind = Return.NEW_TRANSFER
    return WayBack(plan=plan, turned_at=turned_at, kind=kind, steps=steps, schedule=schedule, begun=begun)


def prove_way_back(way: WayBack) -> Verdict:
    """Return the verdict of the exact cache model on the transfer so far and the way back together."""
    return prove_schedule(way.schedule, way.plan.resolvers)


def point_of_no_return(plan: Plan) -> PlannedStep | None:
    """Return the step from which on the NS cannot lead back at once; None where the flow has none.

    Before it the losing DS, the losing keys in the gaining zone and the losing servers are all still there, or, where nothing
    was merged, the losing servers are, and no DS of the gaining side is. After it one of them has to be put back, or that DS
    waited out, which is a transfer the other way. Where the losing operator lets its signatures expire, "at once" is when
    it has renewed them.
    """
    final = _final(plan)
    steps = [planned for planned in plan.steps if planned.step.effect in final]
    return min(steps, key=lambda planned: planned.started, default=None)


def _final(plan: Plan) -> Set[Effect | None]:
    """What keeps the NS from leading back at once."""
    # Where nothing was merged, the gaining DS alone is one by which nothing of the losing operator is proven.
    return _IRREVERSIBLE if merges(plan) else _IRREVERSIBLE | {Effect.DS_ADDED}
