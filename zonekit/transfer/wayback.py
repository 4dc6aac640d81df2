"""The way back: from any step of a cooperating transfer, how the domain returns safely to the losing operator.

The versions that are published stay where they are, and the steps back are laid after them: what was taken away is put
back and waited for, the NS lead back, and what the gaining side added goes last. Each wait is read off the exact cache
model: it lasts until no cache holds what the step would clash with. So the way back is safe and tight for whatever
happened, not only for what was planned, as far as that was safe itself.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from zonekit.errors import PlanError
from zonekit.instants import instant_text, utc
from zonekit.transfer.caches import held, holds_like
from zonekit.transfer.capabilities import COOPERATING, is_able
from zonekit.transfer.parties import Capability
from zonekit.transfer.plan import Plan, PlannedStep, find_step, recorded_events
from zonekit.transfer.proof import Verdict, prove_schedule
from zonekit.transfer.spans import instant_of
from zonekit.transfer.steps import Actor, Effect, Step
from zonekit.transfer.timelines import Event, leads_to, schedule_of
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsVersion,
    NsVersion,
    Schedule,
    Serving,
    Source,
    Version,
)
from zonekit.transfer.waits import Wait

_NOTHING: Final = timedelta(0)
_V = TypeVar("_V", bound=Version)
_IRREVERSIBLE: Final = (Effect.LOSING_DS_REMOVED, Effect.LOSING_KEYS_WITHDRAWN, Effect.LOSING_STOPS)


class Return(enum.Enum):
    """What a way back amounts to."""

    UNDO = "undo"
    """No resolver was led to the gaining servers: what was added is taken away, and nothing is waited for."""
    SWITCH_BACK = "switch-back"
    """The NS lead back at once; what was added goes when caches are rid of the gaining zone."""
    NEW_TRANSFER = "new-transfer"
    """The losing side has to be built up again first, and waited for: a transfer the other way."""


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
        return _Back(self.plan, self.begun, self.turned_at, recorded_events(self.steps) | {step_id: event}).way()


def way_back(plan: Plan, *, at: str | datetime) -> WayBack:
    """Return the earliest safe way back to the losing operator.

    What has begun is let finish first. Whoever has the domain at the registry then asks the parent for the changes; a
    change of registrar does not have to be undone for the domain to resolve.

    Args:
        plan: a plan of a flow in which both sides cooperate, with what has happened so far.
        at: the instant of turning back, at which every step counts that began before; or the step after which to turn.

    Raises:
        PlanError: no such step, an instant before the plan's start, a flow without cooperation, signatures that the losing
            operator does not renew, or a profile that never leaves the gaining servers.
        TimeError: the instant is naive.
    """
    if plan.flow not in COOPERATING:
        raise PlanError(
            f"{plan.flow.value} has no way back: the losing operator does not take part",
            remedy="plan a new transfer with the operators exchanged",
        )
    expires = plan.facts.losing.signatures_expire
    if expires is not None:
        raise PlanError(
            f"there is no way back: signatures of the losing operator expire at {instant_text(expires)}",
            remedy="have the losing operator renew its signatures first, and say so in the facts",
            rule="RFC 4035 section 5.3.1",
        )
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
    return _Back(plan, frozenset(each.id for each in begun), instant, {}).way()


def prove_way_back(way: WayBack) -> Verdict:
    """Return the verdict of the exact cache model on the transfer so far and the way back together."""
    return prove_schedule(way.schedule, way.plan.resolvers)


def point_of_no_return(plan: Plan) -> PlannedStep | None:
    """Return the step from which on the NS cannot lead back at once; None where the flow has none.

    Before it the losing DS, the losing keys in the gaining zone and the losing servers are all still there. After it one of
    them has to be put back and waited for, which is a transfer the other way.
    """
    effects = {planned.step.effect for planned in plan.steps}
    merges = Effect.GAINING_KEYS_AT_LOSING in effects
    # Where nothing was merged, the gaining DS alone is one by which nothing of the losing operator is proven.
    final = _IRREVERSIBLE if merges else (*_IRREVERSIBLE, Effect.DS_ADDED)
    steps = [planned for planned in plan.steps if planned.step.effect in final]
    return min(steps, key=lambda planned: planned.started, default=None)


# ---- the steps back -------------------------------------------------------------------------------------------------


class _Back:
    """The way back in the making: the versions so far, and the steps that are laid after them."""

    def __init__(self, plan: Plan, begun: frozenset[str], turned_at: datetime, events: Mapping[str, Event]) -> None:
        self._plan = plan
        self._facts = plan.facts
        self._begun = begun
        self._turned_at = turned_at
        self._recorded = events
        so_far = [planned for planned in plan.steps if planned.id in begun]
        self._effects = {planned.step.effect for planned in so_far}
        self._settled = max([turned_at, *[planned.completed for planned in so_far]])
        steps = [planned.step for planned in plan.steps]
        before = schedule_of(
            plan.facts, steps, {planned.id: Event(planned.started, planned.completed) for planned in so_far}
        )
        self._versions = list(before.versions)
        self._servings = list(before.servings)
        self._overlaps = before.overlaps
        self._profiles = tuple({holds_like(each): each for each in plan.resolvers}.values())
        self._steps: dict[str, PlannedStep] = {}

    def way(self) -> WayBack:
        """Lay all the steps."""
        self._lay(
            Step(
                id="transfer-stopped",
                actor=Actor.BOTH,
                action="begin no further step of the transfer, and let finish what has begun",
                confirmed_by="both operators say so",
            ),
            completed=self._settled,
        )
        self._put_back()
        self._lead_back()
        self._take_away()
        return WayBack(
            plan=self._plan,
            turned_at=self._turned_at,
            kind=self._kind(),
            steps=tuple(self._steps.values()),
            schedule=self._schedule(),
            begun=self._begun,
        )

    def _kind(self) -> Return:
        if not self._effects.isdisjoint(_IRREVERSIBLE):
            return Return.NEW_TRANSFER
        return Return.SWITCH_BACK if self._was_opened() else Return.UNDO

    def _was_opened(self) -> bool:
        """Whether resolvers may have come to the gaining servers."""
        by_ns = not self._effects.isdisjoint((Effect.NS_AT_PARENT, Effect.NS_AT_LOSING))
        return by_ns or Effect.SHARED_SERVE in self._effects

    def _put_back(self) -> None:
        """What the losing side needs before a resolver is led to it again."""
        facts, parent = self._facts, self._at_parent()
        stopped = ("transfer-stopped",)
        if Effect.LOSING_DS_REMOVED in self._effects:
            entries = frozenset(each for version in self._of(DsVersion) for each in version.entries)
            self._lay(
                Step(
                    id="losing-ds-restored",
                    actor=self._parent_actor(),
                    action="add the losing DS at the parent again, of each digest type that stood beside the gaining one",
                    after=stopped,
                    confirmed_by="every server of the parent gives both DS records",
                ),
                lasts=parent,
                change=lambda event: self._change(
                    DsVersion,
                    Source.PARENT,
                    event,
                    lambda ds: replace(
                        ds, record="DS of both operators again", entries=entries, ttl=facts.parent.ds_ttl
                    ),
                ),
            )
        if Effect.LOSING_KEYS_WITHDRAWN in self._effects:
            keys = facts.losing.keys_for_others
            self._lay(
                Step(
                    id="losing-keys-restored",
                    actor=Actor.GAINING,
                    action="publish the losing keys in the gaining zone again and re-sign its DNSKEY RRset",
                    after=stopped,
                    confirmed_by="every gaining server gives the merged DNSKEY RRset",
                ),
                lasts=facts.gaining.propagation_delay,
                change=lambda event: self._change(
                    DnskeyVersion,
                    Source.GAINING,
                    event,
                    lambda dnskey: replace(
                        dnskey,
                        record="DNSKEY of the gaining operator with the losing keys again",
                        keys=dnskey.keys | keys,
                    ),
                ),
            )
        if Effect.LOSING_STOPS in self._effects:
            put_back = ("losing-ds-restored", "losing-keys-restored")
            # On servers that it shares with others, loading the zone is what leads resolvers to it.
            by_overlap = any(overlap.answers is Source.LOSING for overlap in facts.shared_servers)
            self._lay(
                Step(
                    id="losing-serves-again",
                    actor=Actor.LOSING,
                    action="load the losing zone again on all its servers, with the gaining keys in it",
                    after=(*stopped, *self._laid(*(put_back if by_overlap else ()))),
                    confirmed_by="every losing server answers for the zone",
                ),
                lasts=facts.losing.propagation_delay,
                waits=self._fits_losing() if by_overlap else (),
                change=lambda event: self._servings.append(
                    Serving(operator=Source.LOSING, start=event.started, all_start=event.completed)
                ),
            )
        if Effect.NS_AT_LOSING in self._effects:
            self._lay(
                Step(
                    id="losing-ns-restored",
                    actor=Actor.LOSING,
                    action="change the apex NS RRset of the losing zone back to its own servers",
                    after=(*stopped, *self._laid("losing-serves-again")),
                    confirmed_by="every losing server names the losing servers",
                ),
                lasts=facts.losing.propagation_delay,
                change=lambda event: self._lead(Source.LOSING, Source.LOSING, event),
            )

    def _lead_back(self) -> None:
        """The NS lead to the losing servers once every cache fits what those serve."""
        facts = self._facts
        ready = (
            "transfer-stopped",
            *self._laid("losing-ns-restored", "losing-serves-again", "losing-ds-restored", "losing-keys-restored"),
        )
        if Effect.NS_AT_PARENT in self._effects:
            self._lay(
                Step(
                    id="ns-restored",
                    actor=self._parent_actor(),
                    action="change the NS RRset at the parent back to the losing servers",
                    after=ready,
                    confirmed_by="every server of the parent names the losing servers",
                ),
                lasts=self._at_parent(),
                waits=self._fits_losing(),
                change=lambda event: self._lead(Source.PARENT, Source.LOSING, event),
            )
        if self._was_opened() and is_able(facts.gaining, Capability.CHANGE_NS):
            self._lay(
                Step(
                    id="gaining-ns-changed",
                    actor=Actor.GAINING,
                    action="change the apex NS RRset of the gaining zone to the losing servers",
                    after=ready,
                    confirmed_by="every gaining server names the losing servers",
                ),
                lasts=facts.gaining.propagation_delay,
                waits=self._fits_losing(),
                change=lambda event: self._lead(Source.GAINING, Source.LOSING, event),
            )
        if self._was_opened():
            self._lay(
                Step(
                    id="gaining-unreachable",
                    actor=Actor.NOBODY,
                    action="wait until no NS RRset leads to the gaining servers",
                    after=(*ready, *self._laid("ns-restored", "gaining-ns-changed")),
                    confirmed_by="the time",
                ),
                waits=self._gone(
                    _leads_to_gaining,
                    _NOTHING,
                    "RFC 6781 section 4.3.5.1",
                ),
            )

    def _take_away(self) -> None:
        """What the gaining side added goes when nothing in a cache needs it."""
        facts = self._facts
        after = ("transfer-stopped", *self._laid("gaining-unreachable"))
        retire = facts.timing.retire_safety
        if Effect.GAINING_SERVES in self._effects:
            self._lay(
                Step(
                    id="gaining-stopped",
                    actor=Actor.GAINING,
                    action="stop answering for the zone",
                    after=after,
                    confirmed_by="the gaining servers refuse queries for the zone",
                ),
                lasts=facts.gaining.propagation_delay,
                change=self._stop_gaining,
            )
        if any(overlap.answers is Source.GAINING for overlap in facts.shared_servers):
            after = (*after, *self._laid("gaining-stopped"))  # they are asked for as long as they have the zone
        if Effect.DS_ADDED in self._effects:
            ours = set(facts.gaining.dnskey_signers)
            self._lay(
                Step(
                    id="gaining-ds-removed",
                    actor=self._parent_actor(),
                    action="remove the gaining DS at the parent",
                    after=after,
                    confirmed_by="every server of the parent gives the losing DS alone",
                ),
                lasts=self._at_parent(),
                waits=self._gone(
                    lambda version: isinstance(version, DnskeyVersion) and version.source is Source.GAINING,
                    retire,
                    "RFC 7583 section 3.3.2",
                ),
                change=lambda event: self._change(
                    DsVersion,
                    Source.PARENT,
                    event,
                    lambda ds: replace(
                        ds,
                        record="DS of the losing operator again",
                        entries=frozenset(each for each in ds.entries if each.key not in ours),
                    ),
                ),
            )
        if Effect.GAINING_KEYS_AT_LOSING in self._effects:
            theirs = {each.key for each in facts.gaining.keys}
            self._lay(
                Step(
                    id="gaining-keys-withdrawn",
                    actor=Actor.LOSING,
                    action="withdraw the gaining keys from the losing zone and re-sign its DNSKEY RRset",
                    after=after,
                    confirmed_by="every losing server gives its own keys alone",
                ),
                lasts=facts.losing.propagation_delay,
                waits=self._gone(
                    lambda version: isinstance(version, DataVersion) and version.source is Source.GAINING,
                    retire,
                    "RFC 7583 section 3.2.1",
                ),
                change=lambda event: self._change(
                    DnskeyVersion,
                    Source.LOSING,
                    event,
                    lambda dnskey: replace(
                        dnskey, record="DNSKEY of the losing operator alone again", keys=dnskey.keys - theirs
                    ),
                ),
            )
        if Effect.TTLS_LOWERED in self._effects:
            self._lay(
                Step(
                    id="losing-ttls-restored",
                    actor=Actor.LOSING,
                    action="raise the TTLs of the apex NS and DNSKEY RRsets to what they were",
                    after=(*after, *self._laid("gaining-stopped", "gaining-ds-removed", "gaining-keys-withdrawn")),
                    confirmed_by="every losing server gives the TTLs that it gave before",
                ),
                lasts=facts.losing.propagation_delay,
                change=self._restore_ttls,
            )

    # -- how a step is laid

    def _lay(
        self,
        step: Step,
        *,
        lasts: timedelta = _NOTHING,
        completed: datetime | None = None,
        waits: Iterable[Wait] = (),
        change: Callable[[Event], None] = lambda event: None,
    ) -> None:
        done = max([self._turned_at, *[self._steps[before].completed for before in step.after]])
        binding = tuple(
            sorted((wait for wait in waits if wait.until > done), key=lambda wait: wait.until, reverse=True)
        )
        not_before = max([done, *[wait.until for wait in binding]])
        recorded = self._recorded.get(step.id)
        event = recorded or Event(not_before, not_before + lasts if completed is None else max(completed, not_before))
        self._steps[step.id] = PlannedStep(
            step=step,
            not_before=not_before,
            started=event.started,
            completed=event.completed,
            waits=binding,
            recorded=recorded is not None,
        )
        change(event)

    def _laid(self, *step_ids: str) -> tuple[str, ...]:
        return tuple(step_id for step_id in step_ids if step_id in self._steps)

    def _parent_actor(self) -> Actor:
        actor = self._plan.step("ns-changed").step.actor
        is_transferred = actor is Actor.LOSING_REGISTRAR and "domain-transferred" in self._begun
        return Actor.GAINING_REGISTRAR if is_transferred else actor

    def _at_parent(self) -> timedelta:
        return self._facts.parent.registration_delay + self._facts.parent.propagation_delay

    # -- what a step changes

    def _of(self, kind: type[_V]) -> Iterator[_V]:
        return (version for version in self._versions if isinstance(version, kind))

    def _change(self, kind: type[_V], source: Source, event: Event, change: Callable[[_V], _V]) -> None:
        """End the open versions of a kind and source with an event, and begin what they become."""
        for place, version in enumerate(tuple(self._versions)):
            if isinstance(version, kind) and version.source is source and version.end is None:
                end = event.completed if version.start is None else max(version.start, event.completed)
                self._versions[place] = replace(version, end=end)
                self._versions.append(replace(change(version), start=event.started, end=None))

    def _lead(self, source: Source, to: Source, event: Event) -> None:
        record = (
            f"NS {'at the parent' if source is Source.PARENT else f'of the {source.value} operator'}, back to losing"
        )
        named = leads_to(self._facts, to)
        self._change(NsVersion, source, event, lambda ns: replace(ns, record=record, leads_to=named))
        back = record.replace("NS", "addresses of the name servers that stay", 1)
        self._change(AddressVersion, source, event, lambda each: replace(each, record=back, leads_to=to))

    def _stop_gaining(self, event: Event) -> None:
        self._servings = [
            replace(serving, all_end=event.started, end=event.completed)
            if serving.operator is Source.GAINING
            else serving
            for serving in self._servings
        ]

    def _restore_ttls(self, event: Event) -> None:
        losing = self._facts.losing
        ns_ttl, dnskey_ttl = losing.ns_ttl, losing.dnskey_ttl
        self._change(NsVersion, Source.LOSING, event, lambda ns: replace(ns, ttl=max(ns.ttl, ns_ttl)))
        self._change(DnskeyVersion, Source.LOSING, event, lambda dnskey: replace(dnskey, ttl=dnskey_ttl))
        self._versions.append(
            DataVersion(
                source=Source.LOSING,
                record="NS of the losing operator, TTL restored",
                ttl=ns_ttl,
                start=event.started,
                signatures=losing.signatures(losing.data_signers),
            )
        )

    def _schedule(self) -> Schedule:
        return Schedule(versions=tuple(self._versions), servings=tuple(self._servings), overlaps=self._overlaps)

    # -- what a step waits for

    def _fits_losing(self) -> list[Wait]:
        """The waits for all that answers of the losing servers would clash with."""
        secured = {entry.key for entry in self._facts.parent.ds}
        proving = self._facts.losing.keys_for_others

        def clashes(version: Version) -> bool:
            match version:
                case DsVersion():
                    return bool(version.entries) and not secured <= {entry.key for entry in version.entries}
                case DnskeyVersion(source=Source.GAINING):
                    return not proving <= version.keys
                case _:
                    return False

        return self._gone(clashes, self._facts.timing.publish_safety, "RFC 6781 section 4.3.5.1")

    def _gone(self, concerns: Callable[[Version], bool], margin: timedelta, rule: str) -> list[Wait]:
        """A wait for each version concerned that a cache may hold, by the most patient resolver."""
        waits = []
        schedule = self._schedule()
        for profile in self._profiles:
            caches = held(schedule, profile)
            for version in filter(concerns, schedule.versions):
                live = caches.live[id(version)]
                if not live:
                    continue
                if math.isinf(live[-1][1]):
                    raise PlanError(
                        f"{self._facts.domain}: a resolver ({profile.name}) never gives up {version.record}",
                        remedy="have the gaining operator change its own NS RRset and addresses, or plan without such profiles",
                    )
                until, fetched = instant_of(live[-1][1]), instant_of(caches.fetched[id(version)][-1][1])
                assert until is not None and fetched is not None
                waits.append(
                    Wait(
                        since="its last fetch",
                        counted_from=fetched,
                        interval=until - fetched + margin,
                        record=version.record,
                        rule=rule,
                    )
                )
        return waits


def _leads_to_gaining(version: Version) -> bool:
    match version:
        case NsVersion():
            return Source.GAINING in version.leads_to
        case AddressVersion():
            return version.leads_to is Source.GAINING
        case _:
            return False
