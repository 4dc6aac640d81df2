"""What lies ahead of a plan besides its dates: the latest start, what holds it up, and what turning back would cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from zonekit.errors import PlanError
from zonekit.transfer.options import lowering_saves
from zonekit.transfer.plan import Plan
from zonekit.transfer.proof import Safe
from zonekit.transfer.steps import Effect
from zonekit.transfer.wayback import Return, point_of_no_return, prove_way_back, way_back


@dataclass(frozen=True, slots=True, kw_only=True)
class TurningBack:
    """What it takes to turn back once a step has been taken.

    Attributes:
        step_id: the step.
        kind: what the return amounts to; None where there is none.
        cost: how long it takes until the domain is as it was; None where there is none.
        why_not: why there is no safe way back; empty where there is.
    """

    step_id: str
    kind: Return | None
    cost: timedelta | None
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a plan's dates come down to.

    Attributes:
        latest_start: when what is left to do has to begin, so that the losing signatures outlast their use; None where none
            expire too early.
        critical_path: the ids of the steps that make the plan as long as it is, the first one first.
        saved_by_lowering: how much sooner all is done because the losing TTLs are lowered; None where they are not.
        point_of_no_return: the id of the step from which on the NS cannot lead back at once; None where there is none.
        turning_back: for each step, in the order in which they are taken, what turning back after it takes.
    """

    latest_start: datetime | None
    critical_path: tuple[str, ...]
    saved_by_lowering: timedelta | None
    point_of_no_return: str | None
    turning_back: tuple[TurningBack, ...]


def look_ahead(plan: Plan) -> Outlook:
    """Return what lies ahead of a plan; every way back is proven with the exact cache model."""
    last = point_of_no_return(plan)
    return Outlook(
        latest_start=plan.deadline,
        critical_path=plan.critical_path,
        saved_by_lowering=_saved_by_lowering(plan),
        point_of_no_return=None if last is None else last.id,
        turning_back=tuple(_turning_back(plan)),
    )


def _saved_by_lowering(plan: Plan) -> timedelta | None:
    if all(planned.step.effect is not Effect.TTLS_LOWERED for planned in plan.steps):
        return None
    try:
        return lowering_saves(plan.facts, start=plan.start, flow=plan.flow, profiles=plan.profiles)
    except PlanError:  # without it the losing signatures would not last
        return None


def _turning_back(plan: Plan) -> Iterator[TurningBack]:
    for planned in sorted(plan.steps, key=lambda each: each.started):
        try:
            way = way_back(plan, at=planned.id)
        except PlanError as error:
            yield TurningBack(step_id=planned.id, kind=None, cost=None, why_not=error.problem)
            continue
        verdict = prove_way_back(way)
        if isinstance(verdict, Safe):
            yield TurningBack(step_id=planned.id, kind=way.kind, cost=way.cost)
        else:
            yield TurningBack(step_id=planned.id, kind=None, cost=None, why_not=verdict.story)
