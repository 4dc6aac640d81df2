"""The plan of a transfer: a date for every step, and the waits that make it so.

``plan_transfer`` takes facts and a start and dates each step of a flow. Every wait says which record of whom has to leave
the caches, from when that is counted, with which TTL, and by which rule. The dates are those of the exact cache model: a
test proves each plan safe with it, and moves each step to show that nothing is waited for in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, assert_never

from zonekit.errors import DeadlineMissed, PlanError
from zonekit.instants import LATEST, epoch_seconds, instant_text, utc
from zonekit.transfer.capabilities import lacks, steps_within
from zonekit.transfer.deadline import last_start, needed_until
from zonekit.transfer.facts import Facts
from zonekit.transfer.intervals import (
    dnskey_retirement_interval,
    ds_publication_interval,
    ds_retirement_interval,
    ksk_publication_interval,
    zsk_retirement_interval,
)
from zonekit.transfer.ledger import Record
from zonekit.transfer.profiles import PROFILES, NsRule, ResolverProfile, with_stale_margin
from zonekit.transfer.proof import Verdict, prove_schedule
from zonekit.transfer.steps import Effect, Flow, Lasting, Step, WaitFor, with_shared_servers
from zonekit.transfer.switchover import CachedRecord, Switchover, safe_switchover
from zonekit.transfer.timelines import Event, leads_to, schedule_of
from zonekit.transfer.versions import Schedule, Source
from zonekit.ttl import Ttl, duration_text

_NOTHING: Final = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Something a step waits for.

    Attributes:
        since: the event from which it is counted.
        counted_from: that instant.
        interval: how long it takes from there.
        record: what has to leave the caches.
        rule: who says so.
    """

    since: str
    counted_from: datetime
    interval: timedelta
    record: str
    rule: str

    @property
    def until(self) -> datetime:
        """When it is over."""
        return self.counted_from + self.interval

    def __str__(self) -> str:
        return (
            f"{self.record}: {duration_text(self.interval)} from {self.since} at {instant_text(self.counted_from)}"
            f" ({self.rule})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step with its dates.

    Attributes:
        step: the step of the flow.
        not_before: the first safe instant.
        started: when it begins.
        completed: when it is done on every server.
        waits: what it waits for, the one that binds first.
        recorded: whether this is what really happened.
    """

    step: Step
    not_before: datetime
    started: datetime
    completed: datetime
    waits: tuple[Wait, ...]
    recorded: bool = False

    @property
    def id(self) -> str:
        """The id of the step."""
        return self.step.id

    @property
    def because(self) -> Wait | None:
        """The wait that binds, or None where the step follows on those before it at once."""
        return next((wait for wait in self.waits if wait.until == self.not_before), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A dated transfer.

    Attributes:
        facts: what it rests on.
        flow: the way it is carried out.
        start: the instant before which nothing is done.
        profiles: the resolver profiles that its waits are made for.
        steps: its steps, in the order of the flow.
    """

    facts: Facts
    flow: Flow
    start: datetime
    profiles: tuple[ResolverProfile, ...]
    steps: tuple[PlannedStep, ...]

    @property
    def events(self) -> dict[str, Event]:
        """What really happened so far, by step."""
        return recorded_events(self.steps)

    def step(self, step_id: str) -> PlannedStep:
        """Return a step by its id.

        Raises:
            PlanError: this flow has no such step.
        """
        return find_step(self.steps, step_id, of=self.flow.value)

    @property
    def switchover(self) -> datetime:
        """The instant at which the NS may change at the parent."""
        return self._switch.started

    @property
    def switchover_because(self) -> Wait | None:
        """What binds it; None where nothing had to be waited for."""
        return self._switch.because

    @property
    def _switch(self) -> PlannedStep:
        """The NS change at the parent, or what it is taken from by a scanner that may be quick."""
        changed = self.step("ns-changed")
        return changed if changed.step.scans is None else self.step(changed.step.scans)

    @property
    def by_longest_ttl(self) -> Switchover:
        """The switch by the published simple rule beside the exact one: the longest TTL of all the records involved.

        It counts from the last of the two changes at the losing operator and the parent.

        Raises:
            PlanError: a flow in which nothing is merged before the switch.
        """
        facts = self.facts
        changes = {planned.step.effect: planned for planned in self.steps}
        merged, added = changes.get(Effect.GAINING_KEYS_AT_LOSING), changes.get(Effect.DS_ADDED)
        if merged is None or added is None or added.started > self.switchover:
            raise PlanError(
                f"in {self.flow.value} no keys are merged before the switch, so that the simple rule says nothing",
                remedy="use the switchover itself",
            )
        dnskey = CachedRecord(
            record="DNSKEY of the losing operator", ttl=facts.losing.dnskey_ttl, effective=merged.completed
        )
        ds = CachedRecord(record="DS at the parent", ttl=facts.parent.ds_ttl, effective=added.completed)
        ns = CachedRecord(record="NS of the losing operator", ttl=facts.losing.ns_ttl, effective=merged.completed)
        earlier = [
            CachedRecord(record=f"{seen.record.value} as it was served before", ttl=seen.ttl, effective=seen.until)
            for seen in facts.ledger.observations
            if seen.source is not Source.GAINING and seen.record in (Record.DNSKEY, Record.DS)
        ]
        involved = [ns] + [
            CachedRecord(record="NS as it was served before", ttl=seen.ttl, effective=seen.until)
            for seen in facts.ledger.of(Source.LOSING, Record.NS)
        ]
        return safe_switchover([dnskey, ds, *earlier], involved=involved)

    @property
    def critical_path(self) -> tuple[str, ...]:
        """The ids of the steps that make the plan as long as it is, the first one first."""
        last = max(self.steps, key=lambda planned: planned.completed)
        path = [last.id]
        while True:
            planned = self.step(path[-1])
            because = planned.because
            before = [self.step(step_id) for step_id in planned.step.after]
            if because is not None and any(each.id == because.since for each in self.steps):
                path.append(because.since)
            elif before:
                path.append(max(before, key=lambda each: each.completed).id)
            else:
                return tuple(reversed(path))

    @property
    def finished(self) -> datetime:
        """When the last step is done."""
        return max(planned.completed for planned in self.steps)

    @property
    def resolvers(self) -> tuple[ResolverProfile, ...]:
        """The resolvers that it is proven for: its profiles, each with the stale margin of the facts (RFC 8767)."""
        return with_stale_margin(self.profiles, self.facts.timing.stale_margin)

    @property
    def deadline(self) -> datetime | None:
        """The latest instant at which what is left to do may begin, so that the losing signatures outlast their use.

        None where no signatures of the losing operator expire, or they do after all is done whenever it begins. One before
        ``start`` says that it is too late.
        """
        expires = self.facts.losing.signatures_expire
        if expires is None:
            return None
        return last_start(
            lambda start: _planned(self.facts, self.flow, start, self.profiles, self.events).schedule,
            start=self.start,
            expires=expires,
            profiles=self.resolvers,
        )

    @property
    def is_in_time(self) -> bool:
        """Whether nobody needs a signature of the losing operator any more when the first of them expires."""
        expires = self.facts.losing.signatures_expire
        return expires is None or needed_until(self.schedule, self.resolvers) <= epoch_seconds(expires)

    @property
    def schedule(self) -> Schedule:
        """All the versions that are served when the plan is carried out as dated."""
        events = {planned.id: Event(planned.started, planned.completed) for planned in self.steps}
        return schedule_of(self.facts, [planned.step for planned in self.steps], events)

    def record(self, step_id: str, *, started: datetime, completed: datetime) -> Plan:
        """Return the plan with what really happened; every date that rests on it moves accordingly.

        A step that was taken before it was safe stays as it happened: :func:`prove` tells what that does.

        Raises:
            PlanError: no such step, it completed before it started, it happened before the plan's start, or a date that
                rests on it would lie beyond 2106.
            TimeError: an instant is no aware datetime in whole seconds, or outside 1970 to 2106.
        """
        self.step(step_id)
        event = Event(utc(started), utc(completed))
        if event.started < self.start:
            raise PlanError(
                f"{step_id} happened at {instant_text(event.started)}, before the plan starts",
                remedy="plan from an earlier start",
            )
        return _planned(self.facts, self.flow, self.start, self.profiles, {**self.events, step_id: event})


def find_step(steps: Iterable[PlannedStep], step_id: str, *, of: str) -> PlannedStep:
    """Return the step with this id.

    Raises:
        PlanError: there is none.
    """
    held = tuple(steps)
    for planned in held:
        if planned.id == step_id:
            return planned
    ids = ", ".join(planned.id for planned in held)
    raise PlanError(f"{of} has no step {step_id[:64]!r}", remedy=f"its steps are {ids}")


def recorded_events(steps: Iterable[PlannedStep]) -> dict[str, Event]:
    """Return what really happened, by step."""
    return {planned.id: Event(planned.started, planned.completed) for planned in steps if planned.recorded}


def plan_transfer(
    facts: Facts,
    *,
    flow: Flow = Flow.OPERATOR_CHANGE,
    start: datetime,
    profiles: Iterable[ResolverProfile] = PROFILES,
) -> Plan:
    """Return the earliest plan of a transfer in which every wait is over; :func:`prove` says whether it is safe.

    What no waiting mends stays: differing algorithms under a profile that lacks one, say, or shared servers that answer
    before the rest have loaded the zone.

    Args:
        facts: what is known about the domain.
        flow: the way to carry it out.
        start: the instant before which nothing is done.
        profiles: the resolvers to be safe for.

    Raises:
        DeadlineMissed: signatures that the losing operator does not renew expire too early (RFC 4035 section 5.3.1).
        PlanError: the flow does not fit the facts, or asks for what one side cannot do, or a date would lie beyond 2106.
        TimeError: ``start`` is no aware datetime in whole seconds, or outside 1970 to 2106.
    """
    chosen = tuple(profiles)
    if not chosen:
        raise PlanError("no resolver profile is given to be safe for", remedy="give PROFILES, or some")
    _check_flow(facts, flow)
    plan = _planned(facts, flow, utc(start), chosen, {})
    if not plan.is_in_time:
        raise _too_late(plan)
    return plan


def _too_late(plan: Plan) -> DeadlineMissed:
    expires, deadline = plan.facts.losing.signatures_expire, plan.deadline
    assert expires is not None and deadline is not None
    return DeadlineMissed(
        f"{plan.facts.domain}: signatures of the losing operator expire at {instant_text(expires)}, before caches are"
        f" rid of what needs them; the latest start would have been {instant_text(deadline)}",
        deadline=deadline,
        remedy="have the losing operator renew its signatures or lower its TTLs before the start, or go through insecure",
        rule="RFC 4035 section 5.3.1",
    )


def prove(plan: Plan) -> Verdict:
    """Return the verdict of the exact cache model on a plan as it is dated."""
    return prove_schedule(plan.schedule, plan.resolvers)


def _check_flow(facts: Facts, flow: Flow) -> None:
    losing_signed, gaining_signed = facts.losing.is_signed, facts.gaining.is_signed
    signed = {
        Flow.TO_UNSIGNED: (True, False),
        Flow.FROM_UNSIGNED: (False, True),
    }.get(flow, (True, True))
    for who, is_signed, needed in (
        ("losing", losing_signed, signed[0]),
        ("gaining", gaining_signed, signed[1]),
    ):
        if is_signed is not needed:
            raise PlanError(
                f"{facts.domain}: the {who} zone is {'' if is_signed else 'not '}signed, and {flow.value} is for one"
                f" that is{'' if needed else ' not'}",
                remedy=f"choose another flow, or give the {who} operator's keys",
            )
    if losing_signed and not facts.parent.ds and flow is not Flow.THROUGH_INSECURE:
        raise PlanError(
            f"{facts.domain}: the losing zone is signed and the parent has no DS of it: the domain is insecure",
            remedy="add the DS first, or give no keys of the losing operator and choose from-unsigned",
        )
    missing = "; ".join(map(str, lacks(facts, flow)))
    if missing:
        raise PlanError(f"{facts.domain}: {flow.value} cannot be: {missing}", remedy="choose another flow")


# ---- dating the steps -----------------------------------------------------------------------------------------------


def _planned(
    facts: Facts, flow: Flow, start: datetime, profiles: tuple[ResolverProfile, ...], events: Mapping[str, Event]
) -> Plan:
    under_way = _UnderWay(facts, with_stale_margin(profiles, facts.timing.stale_margin))
    steps: list[PlannedStep] = []
    for step in _steps_for(facts, flow):
        waits = sorted(under_way.waits(step), key=lambda wait: wait.until, reverse=True)
        done = [under_way.events[before].completed for before in step.after]
        ready = max([start, *done, *[wait.until for wait in waits]])
        # A scanner may come by as soon as the first server gives what it takes, and has to by when the last one does.
        not_before = ready if step.scans is None else under_way.events[step.scans].started
        event = events.get(step.id)
        planned = event or Event(not_before, ready + _duration(facts, step.lasting))
        _check_date(facts, step, max(not_before, planned.completed))
        under_way.note(step, planned)
        steps.append(
            PlannedStep(
                step=step,
                not_before=not_before,
                started=planned.started,
                completed=planned.completed,
                waits=tuple(waits),
                recorded=event is not None,
            )
        )
    return Plan(
        facts=facts,
        flow=flow,
        start=start,
        profiles=profiles,
        steps=tuple(steps),
    )


def _check_date(facts: Facts, step: Step, date: datetime) -> None:
    """Refuse a date that no instant can say."""
    if date > LATEST:
        raise PlanError(
            f"{facts.domain}: {step.id} would come to {date.isoformat()}, after {LATEST.isoformat()}",
            remedy="start earlier, or have the TTLs and delays lowered that it waits for",
            rule="RFC 4034 section 3.1.5",
        )


def _steps_for(facts: Facts, flow: Flow) -> tuple[Step, ...]:
    """The steps of a flow; where servers overlap, those that open a zone to resolvers or close it are others."""
    steps = steps_within(facts, flow)
    answering = {overlap.answers for overlap in facts.shared_servers}
    if Source.GAINING in answering:
        steps = with_shared_servers(steps)
    return _closed_by_stopping(steps) if Source.LOSING in answering else steps


def _closed_by_stopping(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps where resolvers come to the losing zone for as long as it is loaded, whatever the NS say."""
    stopping = next(step for step in steps if step.effect is Effect.LOSING_STOPS)
    gone = {WaitFor.LOSING_DNSKEY_GONE, WaitFor.LOSING_DATA_GONE}
    rest = [
        step if gone.isdisjoint(step.waits) else replace(step, after=(*step.after, stopping.id))
        for step in steps
        if step is not stopping
    ]
    place = 1 + max(index for index, step in enumerate(rest) if step.id in stopping.after)
    return (*rest[:place], stopping, *rest[place:])


def _duration(facts: Facts, lasting: Lasting) -> timedelta:
    """How long a step takes from the request to the last server."""
    parent = facts.parent
    requested = parent.registration_delay + parent.propagation_delay
    match lasting:
        case Lasting.NOTHING:
            return _NOTHING
        case Lasting.LOSING:
            return facts.losing.propagation_delay
        case Lasting.GAINING:
            return facts.gaining.propagation_delay
        case Lasting.BOTH:
            return max(facts.losing.propagation_delay, facts.gaining.propagation_delay)
        case Lasting.REQUEST:
            return requested
        case Lasting.SCAN:
            assert parent.scan_delay is not None  # or the parent does not scan, and there is no such flow
            return parent.scan_delay + requested
        case Lasting.CHECK:
            assert parent.check_delay is not None  # or it relays no keys
            return parent.check_delay
        case Lasting.APPROVAL:
            return facts.timing.approval_delay
        case _:
            assert_never(lasting)


class _UnderWay:
    """What has been dated so far, and the waits that follow from it."""

    def __init__(self, facts: Facts, profiles: tuple[ResolverProfile, ...]) -> None:
        self._facts = facts
        self._profiles = profiles
        # Servers that others share with the losing zone are asked for it for as long as they have it.
        self._is_shared = any(overlap.answers is Source.LOSING for overlap in facts.shared_servers)
        self._sticky = any(profile.ns_rule is NsRule.STICKY for profile in profiles)
        self.events: dict[str, Event] = {}
        self._of: dict[Effect, tuple[Step, Event]] = {}

    def note(self, step: Step, event: Event) -> None:
        """Take note of a step that is dated."""
        self.events[step.id] = event
        if step.effect is not None:
            self._of[step.effect] = (step, event)

    def waits(self, step: Step) -> Iterator[Wait]:
        """The waits of a step."""
        for wait_for in step.waits:
            yield from _WAITS[wait_for](self)

    def _kept(self, ttl: int) -> int:
        """How long, in seconds, the most patient resolver keeps what it got with this TTL."""
        return max([profile.kept(ttl) for profile in self._profiles])

    # -- one method for each thing waited for

    def losing_dnskey_merged(self) -> Iterator[Wait]:
        """The losing DNSKEY RRset without the gaining keys leaves the caches."""
        margin = self._facts.timing.publish_safety
        yield self._wait_after(
            Effect.GAINING_KEYS_AT_LOSING,
            "losing DNSKEY RRset without the gaining keys",
            ksk_publication_interval(_NOTHING, self._kept(self._facts.losing.dnskey_ttl)) + margin,
            "RFC 7583 section 3.3.1",
        )
        yield from self._observed(Source.LOSING, Record.DNSKEY, margin)

    def gaining_dnskey_merged(self) -> Iterator[Wait]:
        """The gaining DNSKEY RRset without the losing keys is given by no server; no cache can have it yet."""
        yield self._wait_after(
            Effect.LOSING_KEYS_AT_GAINING,
            "gaining DNSKEY RRset without the losing keys",
            _NOTHING,
            "RFC 6781 section 4.3.5.1",
        )

    def both_ds(self) -> Iterator[Wait]:
        """The DS RRset without the gaining DS leaves the caches."""
        margin = self._facts.timing.publish_safety
        yield self._wait_after(
            Effect.DS_ADDED,
            "DS RRset without the gaining DS",
            ds_publication_interval(_NOTHING, self._kept(self._facts.parent.ds_ttl)) + margin,
            "RFC 7583 section 3.3.2",
        )
        yield from self._observed(Source.PARENT, Record.DS, margin)

    def no_ds(self) -> Iterator[Wait]:
        """The DS RRset leaves the caches, and then the keys that it proved where those are trusted on."""
        margin = self._facts.timing.retire_safety
        are_trusted_on = any(profile.trusts_proven_keys for profile in self._profiles)
        trust = timedelta(seconds=self._kept(self._facts.losing.dnskey_ttl)) if are_trusted_on else _NOTHING
        yield self._wait_after(
            Effect.ALL_DS_REMOVED,
            "DS RRset",
            ds_retirement_interval(_NOTHING, self._kept(self._facts.parent.ds_ttl)) + trust + margin,
            "RFC 6781 section 4.3.5.2",
        )
        yield from self._observed(Source.PARENT, Record.DS, trust + margin)
        if are_trusted_on:
            yield from self._observed(Source.LOSING, Record.DNSKEY, margin)

    def losing_unreachable(self) -> Iterator[Wait]:
        """Resolvers leave the losing servers: by the parent's NS RRset, by the losing zone's own, and by addresses."""
        facts = self._facts
        rule = "RFC 6781 section 4.3.5.1"
        changed = self._of.get(Effect.NS_AT_LOSING)
        if changed is None:
            self._check_that_resolvers_leave()
        by_parent = list(self._led_by_parent(rule))
        yield from by_parent
        # A resolver takes what the losing zone names while it is led there, and no longer than that is served.
        since, last = "the last referral", max(wait.until for wait in by_parent)
        stays = self._sticky or self._is_shared or facts.servers_that_stay
        if changed is not None and (stays or changed[1].completed < last):
            since, last = changed[0].id, changed[1].completed
        if leads_to(facts, Source.LOSING):
            yield from self._observed(Source.LOSING, Record.NS, _NOTHING)
            yield from self._before_lowering("losing NS RRset as it was", facts.losing.ns_ttl, _NOTHING, rule)
            kept = timedelta(seconds=self._kept(self._lowered(facts.losing.ns_ttl)))
            yield _wait(since, last, kept, "losing NS RRset", rule)
        if facts.servers_that_stay and facts.losing.address_ttl is not None:
            kept = timedelta(seconds=self._kept(facts.losing.address_ttl))
            yield _wait(since, last, kept, "addresses of the losing name servers in the zone", rule)
            yield from self._observed(Source.LOSING, Record.ADDRESS, _NOTHING)

    def _led_by_parent(self, rule: str) -> Iterator[Wait]:
        facts = self._facts
        if leads_to(facts, Source.LOSING):
            kept = timedelta(seconds=self._kept(facts.parent.ns_ttl))
            yield self._wait_after(Effect.NS_AT_PARENT, "parent's NS RRset", kept, rule)
            yield from self._observed(Source.PARENT, Record.NS, _NOTHING)
        if facts.servers_that_stay and facts.parent.glue_ttl is not None:
            kept = timedelta(seconds=self._kept(facts.parent.glue_ttl))
            what = "addresses of the losing name servers at the parent"
            yield self._wait_after(Effect.NS_AT_PARENT, what, kept, rule)
            yield from self._observed(Source.PARENT, Record.ADDRESS, _NOTHING)

    def _check_that_resolvers_leave(self) -> None:
        """Where the losing zone goes on naming its own servers, nothing else may hold resolvers there."""
        domain = self._facts.domain
        if self._is_shared:
            raise PlanError(
                f"{domain}: shared servers lead resolvers to the losing ones until they drop the losing zone",
                remedy="drop it from them before the transfer, or have the losing operator change its own NS RRset",
            )
        if self._sticky:
            raise PlanError(
                f"{domain}: a resolver that never leaves a child which goes on naming itself stays at the losing servers"
                " for ever",
                remedy="have the losing operator change its own NS RRset, or plan without such profiles",
            )
        if self._facts.servers_that_stay:
            raise PlanError(
                f"{domain}: name servers keep their names, and a losing zone that goes on giving their old addresses keeps"
                " resolvers for ever",
                remedy="have the losing operator change these addresses, or give the gaining name servers other names",
            )

    def losing_dnskey_gone(self) -> Iterator[Wait]:
        """Every DNSKEY RRset of the losing operator leaves the caches."""
        margin, ttl = self._facts.timing.retire_safety, self._facts.losing.dnskey_ttl
        rule = "RFC 7583 section 3.3.2"
        yield from self._observed(Source.LOSING, Record.DNSKEY, margin)
        yield from self._before_lowering("losing DNSKEY RRset as it was", ttl, margin, rule)
        interval = dnskey_retirement_interval(_NOTHING, self._kept(self._lowered(ttl))) + margin
        yield self._wait_unreachable("losing DNSKEY RRset", interval, rule)

    def losing_data_gone(self) -> Iterator[Wait]:
        """All data of the losing operator leaves the caches."""
        margin, losing = self._facts.timing.retire_safety, self._facts.losing
        rule = "RFC 7583 section 3.2.1"
        for record in (Record.NS, Record.DATA):
            yield from self._observed(Source.LOSING, record, margin)
        yield from self._before_lowering("losing NS RRset as it was", losing.ns_ttl, margin, rule)
        ttl = max(losing.largest_ttl, self._lowered(losing.ns_ttl))
        interval = zsk_retirement_interval(_NOTHING, _NOTHING, self._kept(ttl)) + margin
        yield self._wait_unreachable("data of the losing operator", interval, rule)

    # -- how a wait is made

    def _lowered(self, ttl: Ttl) -> Ttl:
        """The TTL of a losing NS or DNSKEY RRset since it was lowered, where it was."""
        return self._facts.lowered(ttl) if Effect.TTLS_LOWERED in self._of else ttl

    def _before_lowering(self, record: str, ttl: Ttl, margin: timedelta, rule: str) -> Iterator[Wait]:
        """The wait for a losing RRset with the TTL that it had before it was lowered, where it was."""
        if self._lowered(ttl) < ttl:
            yield self._wait_after(Effect.TTLS_LOWERED, record, timedelta(seconds=self._kept(ttl)) + margin, rule)

    def _wait_after(self, effect: Effect, record: str, interval: timedelta, rule: str) -> Wait:
        """A wait that is counted from when a change was on every server."""
        if effect not in self._of:
            raise PlanError(
                f"{self._facts.domain}: nothing in this flow makes the {record} go", remedy="plan with a whole flow"
            )
        step, event = self._of[effect]
        return _wait(step.id, event.completed, interval, record, rule)

    def _wait_unreachable(self, record: str, interval: timedelta, rule: str) -> Wait:
        since = "losing-unreachable"
        if self._is_shared:
            since = max(since, "losing-stopped", key=lambda step_id: self.events[step_id].completed)
        return _wait(since, self.events[since].completed, interval, record, rule)

    def _observed(self, source: Source, record: Record, margin: timedelta) -> Iterator[Wait]:
        """Waits for what was served before, with the TTLs it had then."""
        for seen in self._facts.ledger.of(source, record):
            what = f"{record.value} of the {source.value} side with a TTL of {duration_text(seen.ttl)}"
            interval = timedelta(seconds=self._kept(seen.ttl)) + margin
            yield _wait("its last sighting", seen.until, interval, what, "RFC 7583 section 3.3.1")


def _wait(since: str, counted_from: datetime, interval: timedelta, record: str, rule: str) -> Wait:
    return Wait(since=since, counted_from=counted_from, interval=interval, record=record, rule=rule)


_WAITS: Final[Mapping[WaitFor, Callable[[_UnderWay], Iterator[Wait]]]] = MappingProxyType(
    {
        WaitFor.LOSING_DNSKEY_MERGED: _UnderWay.losing_dnskey_merged,
        WaitFor.GAINING_DNSKEY_MERGED: _UnderWay.gaining_dnskey_merged,
        WaitFor.BOTH_DS: _UnderWay.both_ds,
        WaitFor.NO_DS: _UnderWay.no_ds,
        WaitFor.LOSING_UNREACHABLE: _UnderWay.losing_unreachable,
        WaitFor.LOSING_DNSKEY_GONE: _UnderWay.losing_dnskey_gone,
        WaitFor.LOSING_DATA_GONE: _UnderWay.losing_data_gone,
    }
)
