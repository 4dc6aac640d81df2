"""The gate before each step: does the evidence confirm what the step rests on, and is its time come?

A step may begin when every step that it comes after, or that its waits are counted from, is confirmed, by evidence from
after that step was taken, and when its waits are over. What is missing is listed; somebody may override it, by name, with a reason, and that stays in the
journal. Nothing here asks a server or a clock: evidence in, a decision out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from zonekit.errors import PlanError
from zonekit.instants import instant_text, utc
from zonekit.transfer.claims import Claim, Rest, claims_of, rest_of, standing_claims
from zonekit.transfer.facts import Facts
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Lacking, Missing, Overridden, Override
from zonekit.transfer.judging import Truth, judge, view_of
from zonekit.transfer.plan import Plan, PlannedStep
from zonekit.transfer.sightings import Sighting
from zonekit.transfer.steps import Actor, Effect, Step
from zonekit.transfer.timelines import Event
from zonekit.transfer.versions import Source
from zonekit.transfer.views import Look
from zonekit.transfer.waits import Wait

NO_SERVERS: Final[Mapping[Source, frozenset[str]]] = MappingProxyType({})
_LOSING: Final = (Effect.GAINING_KEYS_AT_LOSING, Effect.TTLS_LOWERED, Effect.NS_AT_LOSING, Effect.LOSING_STOPS)
_GAINING: Final = (
    *(Effect.LOSING_KEYS_AT_GAINING, Effect.GAINING_SERVES, Effect.SHARED_SERVE),
    *(Effect.LOSING_KEYS_WITHDRAWN, Effect.GAINING_TTLS_RESTORED),
)
_CHANGES: Final = MappingProxyType(
    dict.fromkeys(Effect, Source.PARENT)
    | dict.fromkeys(_LOSING, Source.LOSING)
    | dict.fromkeys(_GAINING, Source.GAINING)
)
"""Whose servers give something else when a step is done."""


def may_begin(
    plan: Plan,
    step_id: str,
    evidence: Iterable[Evidence],
    *,
    now: datetime,
    override: Override | None = None,
    servers: Mapping[Source, frozenset[str]] = NO_SERVERS,
) -> Decision:
    """Return whether a step of a plan may begin now: confirmed, missing with the list of what is, or overridden.

    Every step that it comes after or that its waits are counted from, directly or by others, has to be confirmed; a step that
    waits for nothing but time is so when its time has passed. The plan's dates should be those of what has been recorded: see :meth:`Plan.record`.

    Args:
        plan: the plan, with what has happened so far.
        step_id: the step to begin.
        evidence: all there is, in any order.
        now: the instant of the decision.
        override: somebody's decision to begin all the same; without effect where nothing is missing.
        servers: every server of a source, by the names that evidence gives them; a step that changes what those serve is
            confirmed only when each has been asked. Without, the evidence is taken at its word.

    Raises:
        PlanError: no such step, evidence for a step that the plan does not have, or an override from after ``now``.
        TimeError: ``now`` is naive.
    """
    at = utc(now)
    step = plan.step(step_id)
    if override is not None and override.when > at:
        raise PlanError(
            f"an override of {instant_text(override.when)} comes after the decision at {instant_text(at)}",
            remedy="give the instant at which it was decided",
        )
    seen = tuple(evidence)
    for each in seen:
        plan.step(each.step_id)
    used: list[Evidence] = []
    missing = []
    for before in _before(plan, step):
        confirming, lacking = _confirmation(before, seen, at, servers)
        used += confirming
        missing += lacking
    missing += _not_over(step, at)
    if not missing:
        return Confirmed(step_id=step_id, at=at, evidence=tuple(used))
    if override is not None:
        return Overridden(step_id=step_id, at=at, missing=tuple(missing), override=override)
    return Missing(step_id=step_id, at=at, missing=tuple(missing))


def may_record(
    plan: Plan,
    step_id: str,
    *,
    started: datetime,
    completed: datetime,
    now: datetime,
    by: str,
    override: Override | None = None,
) -> Decision:
    """Return whether a step may go on record as done: the gate's answer for the instant at which it was begun.

    What is on record already is the evidence: each recorded step counts as seen when it was completed. The dates are those
    that follow from it, and not those that somebody may have put into the plan. A step that is
    recorded with other instants is missing "one record", so that a correction needs an override too, and what was said
    before stays in the journal.

    Args:
        plan: the plan, with what is on record so far.
        step_id: the step that was done.
        started: when it was begun.
        completed: when it was done on every server.
        now: the instant of the decision, which is that of the recording and not of the step.
        by: who or what records it.
        override: somebody's decision to record it all the same; without effect where nothing is missing.

    Raises:
        PlanError: no such step, one that nobody takes, one that would have completed before it started, or an override from
            after ``now``.
        TimeError: an instant is naive.
    """
    plan = plan.planned_again()
    step = plan.step(step_id)
    event = Event(utc(started), utc(completed))
    if step.step.actor is Actor.NOBODY:
        raise PlanError(
            f"{step_id} is a wait: nobody takes it, and time confirms it at {instant_text(step.not_before)}",
            remedy="record the steps that people take; the wait moves with them",
        )
    evidence = [
        Evidence(step_id=done.id, seen=done.completed, by=by)
        for done in plan.steps
        if done.recorded and done.step.actor is not Actor.NOBODY
    ]
    asked = may_begin(plan, step_id, evidence, now=_asked_at(plan, step, event))
    missing = asked.missing if isinstance(asked, Missing) else ()
    was = plan.events.get(step_id, event)
    if was != event:
        found = f"it is recorded as begun at {instant_text(was.started)} and done at {instant_text(was.completed)}"
        missing = (Lacking(step_id=step_id, needed="one record of a step", found=found), *missing)
    if isinstance(asked, Confirmed) and not missing:
        return replace(asked, at=now)
    if override is None:
        return Missing(step_id=step_id, at=now, missing=missing)
    return Overridden(step_id=step_id, at=now, missing=missing, override=override)


def _asked_at(plan: Plan, step: PlannedStep, event: Event) -> datetime:
    """The instant for which the gate is asked about a step that was done.

    A scanner may take what the first server gives it, so that it need not have waited until the last one did.
    """
    if step.step.scans is None:
        return event.started
    published = plan.step(step.step.scans)
    has_begun = published.recorded and published.started <= event.started
    return max(event.started, published.completed) if has_begun else event.started


def is_confirmed(
    plan: Plan,
    step_id: str,
    evidence: Iterable[Evidence],
    *,
    now: datetime,
    servers: Mapping[Source, frozenset[str]] = NO_SERVERS,
) -> bool:
    """Return whether the evidence shows that a step is done on every server; the arguments are those of :func:`may_begin`.

    Raises:
        PlanError: no such step.
        TimeError: ``now`` is naive.
    """
    return not _confirmation(plan.step(step_id), tuple(evidence), utc(now), servers)[1]


def see_step(plan: Plan, step_id: str, sighting: Sighting, *, by: str, look: Look | None = None) -> Evidence:
    """Return what was seen as evidence for a step: confirming it, or with what lacks.

    Each claim of the step is held against what was seen (:func:`~zonekit.transfer.judging.judge`). Evidence names the servers
    that were asked, and ``the losing zone``, ``the gaining zone`` or ``the parent``, so that a later look takes its place.

    Args:
        plan: the plan, with what has happened so far.
        step_id: the step.
        sighting: what was seen.
        by: who or what saw it.
        look: what follows from what was seen, where that has been worked out already.

    Raises:
        PlanError: no such step, one that only people or time can confirm, one that something on record has superseded, what
            was seen is of another domain or does not tell, or nobody is named.
    """
    planned = plan.step(step_id)
    step = planned.step
    steps = [each.step for each in plan.steps]
    check_domain(plan.facts, sighting)
    claimed = tuple(dict.fromkeys((step_id, *plan.events)))
    view = view_of(Look(sighting) if look is None else look, steps, claimed, plan.facts)
    own = claims_of(step, steps)
    standing = standing_claims(steps, claimed, view.at_hand)
    judged = [judge(view, each) for each in standing if each.claim in own]
    false = [each for each in judged if each.truth is Truth.FALSE]
    rest = rest_of(step)
    if not false and rest is not Rest.NOTHING:
        raise PlanError(
            f"{step_id} does not show in zones: {step.confirmed_by}",
            remedy="time confirms it" if rest is Rest.TIME else "have it said, and give that as evidence",
        )
    if own and not judged:
        raise PlanError(f"{step_id} is superseded by what is on record", remedy="look at the last step that was taken")
    not_seen = [each for each in judged if each.truth is Truth.NOT_SEEN]
    if not false and not_seen:
        raise PlanError(
            f"{step_id}: {'; '.join(f'{each.claim.value}: {each.found}' for each in not_seen)}",
            remedy="look at that as well",
        )
    sources = places_changed_by(step)
    giving = _servers_of(sighting.giving, sources) | {_PLACES[source] for source in sources}
    lacking = _servers_of(sighting.lacking, sources)
    if any(each.claim not in _OF_SERVERS and not each.lacking for each in false):
        return Evidence(step_id=step_id, seen=sighting.at, by=by, lacking=giving | lacking)
    return Evidence(step_id=step_id, seen=sighting.at, by=by, confirming=giving, lacking=lacking)


_PLACES: Final = MappingProxyType(
    {Source.LOSING: "the losing zone", Source.GAINING: "the gaining zone", Source.PARENT: "the parent"}
)
_OF_SERVERS: Final = frozenset((Claim.GAINING_ANSWERS, Claim.SHARED_ANSWER))
"""Claims about each server by itself; all others are about what they give."""
_BOTH: Final = frozenset((Source.LOSING, Source.GAINING))
_WITHOUT_EFFECT: Final = MappingProxyType(
    {
        "keys-made": frozenset((Source.GAINING,)),
        "losing-verified": frozenset((Source.LOSING,)),
        "cds-alone": frozenset((Source.GAINING,)),
        "resolution-verified": frozenset((Source.GAINING, Source.PARENT)),
        "end-verified": frozenset((Source.GAINING, Source.PARENT)),
    }
)


def places_changed_by(step: Step) -> frozenset[Source]:
    """Return whose servers show that a step is done."""
    if step.effect is not None:
        return frozenset((_CHANGES[step.effect],))
    return _WITHOUT_EFFECT.get(step.id, _BOTH)


def _servers_of(servers: Mapping[Source, frozenset[str]], sources: Iterable[Source]) -> frozenset[str]:
    return frozenset().union(*[servers.get(source, frozenset()) for source in sources])


def check_domain(facts: Facts, sighting: Sighting) -> None:
    """Check that what was seen is of the domain that facts are about.

    Raises:
        PlanError: it is of another.
    """
    if facts.domain.lower() != sighting.domain.lower():
        raise PlanError(
            f"the facts are of {facts.domain}, and what was seen is of {sighting.domain}",
            remedy="give the plan or the facts of this domain",
        )


def _before(plan: Plan, step: PlannedStep) -> Iterator[PlannedStep]:
    """The steps that a step rests on, directly or by others, in the order of the plan."""
    wanted = _rests_on(step)
    for planned in reversed(plan.steps):
        if planned.id in wanted:
            wanted |= _rests_on(planned)
    yield from (planned for planned in plan.steps if planned.id in wanted)


def _rests_on(planned: PlannedStep) -> set[str]:
    """What a step comes after, and what its waits are counted from: a wait is as sure as what it is counted from."""
    return {*planned.step.after, *[wait.since for wait in planned.waits]}


def _confirmation(
    planned: PlannedStep, evidence: tuple[Evidence, ...], at: datetime, servers: Mapping[Source, frozenset[str]]
) -> tuple[list[Evidence], list[Lacking]]:
    """The evidence that confirms a step, or what is lacking."""
    needed = planned.step.confirmed_by
    if planned.step.actor is Actor.NOBODY:
        return [], list(_not_over(planned, at))
    if planned.recorded and planned.completed > at:
        found = f"it is recorded as done only at {instant_text(planned.completed)}"
        return [], [Lacking(step_id=planned.id, needed=needed, found=found)]
    about = [each for each in evidence if each.step_id == planned.id and each.seen <= at]
    if not about:
        return [], [Lacking(step_id=planned.id, needed=needed, found="nothing has been seen of it")]
    since = [each for each in about if not planned.recorded or each.seen >= planned.completed]
    if not since:
        last = max(each.seen for each in about)
        found = f"what was seen, last at {instant_text(last)}, is from before it was done"
        return [], [Lacking(step_id=planned.id, needed=needed, found=found)]
    late = max((each.seen for each in about if each.lacking), default=planned.completed)
    if planned.step.effect is not None and not planned.recorded and late > planned.completed:
        found = f"not done before {instant_text(late)}, later than planned: record when it was, for the waits count from there"
        return [], [Lacking(step_id=planned.id, needed=needed, found=found)]
    latest = _latest_of_each(since)
    if latest.lacking:
        found = f"not so at {', '.join(sorted(latest.lacking))}, {instant_text(latest.seen)}, says {latest.by}"
        return [], [Lacking(step_id=planned.id, needed=needed, found=found)]
    asked_of = servers.get(_CHANGES[planned.step.effect], frozenset()) if planned.step.effect else frozenset()
    not_asked = asked_of - latest.confirming
    if not_asked:
        found = f"{', '.join(sorted(not_asked))} {'was' if len(not_asked) == 1 else 'were'} not asked"
        return [], [Lacking(step_id=planned.id, needed=needed, found=found)]
    return since, []


def _latest_of_each(evidence: Iterable[Evidence]) -> Evidence:
    """All that was seen as one: of each server the latest answer; of two at one instant the one that lacks counts."""
    lacks: dict[str, bool] = {}
    ordered = sorted(evidence, key=lambda each: each.seen)
    for each in ordered:
        same_instant = {server for other in ordered if other.seen == each.seen for server in other.lacking}
        lacks |= {server: server in same_instant for server in each.confirming | each.lacking}
    latest = ordered[-1]
    lacking = frozenset(server for server in lacks if lacks[server])
    confirming = frozenset(lacks) - lacking
    if (latest.confirming, latest.lacking) == (confirming, lacking):
        return latest
    return replace(latest, confirming=confirming, lacking=lacking)


def _not_over(planned: PlannedStep, at: datetime) -> Iterator[Lacking]:
    """The waits of a step that are not over, or its time, where that has not come."""
    if at >= planned.not_before:
        return
    waits = [wait for wait in planned.waits if wait.until > at]
    for wait in waits:
        yield not_over(planned, wait)
    if not waits:
        found = f"its time is {instant_text(planned.not_before)}"
        yield Lacking(step_id=planned.id, needed="the steps before it", found=found)


def not_over(planned: PlannedStep, wait: Wait) -> Lacking:
    """Return what a step lacks while this wait of its is not over."""
    return Lacking(step_id=planned.id, needed=str(wait), found=f"that is not over before {instant_text(wait.until)}")
