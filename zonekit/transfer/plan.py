"""The plan of a transfer: a date for every step, and the waits that make it so.

``plan_transfer`` takes facts and a start and dates each step of a flow. Every wait says which record of whom has to leave
the caches, from when that is counted, with which TTL, and by which rule. The dates are those of the exact cache model: a
test proves each plan safe with it, and moves each step to show that nothing is waited for in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, assert_never, cast

from zonekit.errors import DeadlineMissed, PlanError
from zonekit.instants import LATEST, epoch_seconds, instant_text
from zonekit.transfer import values
from zonekit.transfer.capabilities import COOPERATING, lacks, steps_within
from zonekit.transfer.deadline import last_start, needed_until
from zonekit.transfer.facts import Facts
from zonekit.transfer.journal import Confirmed, Decision, Journal
from zonekit.transfer.ledger import Record
from zonekit.transfer.profiles import PROFILES, ResolverProfile, with_stale_margin
from zonekit.transfer.proof import Verdict, prove_schedule
from zonekit.transfer.steps import Actor, Effect, Flow, Lasting, Step, WaitFor, with_shared_servers
from zonekit.transfer.switchover import CachedRecord, Switchover, safe_switchover
from zonekit.transfer.timelines import Event, ds_with_gaining, schedule_of
from zonekit.transfer.versions import DsEntry, Schedule, Source
from zonekit.transfer.waits import UnderWay, Wait

_NOTHING: Final = timedelta(0)


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
        journal: what was decided while it was carried out; no date depends on it.

    Raises:
        PlanError: the journal is about a step that the flow does not have.
    """

    facts: Facts
    flow: Flow
    start: datetime
    profiles: tuple[ResolverProfile, ...]
    steps: tuple[PlannedStep, ...]
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        for decision in self.journal.decisions:
            for step_id in _steps_named(decision):
                self.step(step_id)

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
            CachedRecord(
                record=f"{record.value} as it was served before", ttl=ttl, effective=min(until, changed.completed)
            )
            for source, record, changed in (
                (Source.LOSING, Record.DNSKEY, merged),
                (Source.PARENT, Record.DS, added),
            )
            for ttl, until in facts.ledger.of(source, record)
        ]
        involved = [ns] + [
            CachedRecord(record="NS as it was served before", ttl=ttl, effective=min(until, merged.completed))
            for ttl, until in facts.ledger.of(Source.LOSING, Record.NS)
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
            lambda start: self._dated(self.events, start).schedule,
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

        Nobody takes a mere wait, which need not be recorded: its time confirms it.

        Raises:
            PlanError: no such step, it completed before it started, it happened before the plan's start, a recorded wait
                would end before its time, or a date that rests on it would lie beyond 2106.
            TimeError: an instant is no aware datetime in whole seconds, or outside 1970 to 2106.
        """
        event = self.event(step_id, started=started, completed=completed)
        recorded = self._dated({**self.events, step_id: event}, self.start)
        for planned in recorded.steps:
            check_wait(planned)
        return recorded

    def event(self, step_id: str, *, started: datetime, completed: datetime) -> Event:
        """Return what really happened in a step, where it may be recorded whatever else is.

        Raises:
            PlanError: no such step, it completed before it started, or it happened before the plan's start.
            TimeError: an instant is no aware datetime in whole seconds, or outside 1970 to 2106.
        """
        self.step(step_id)
        event = Event(values.instant(started, f"{step_id} started"), values.instant(completed, f"{step_id} completed"))
        if event.started < self.start:
            raise PlanError(
                f"{step_id} happened at {instant_text(event.started)}, before the plan starts",
                remedy="plan from an earlier start",
            )
        return event

    def with_events(self, events: Mapping[str, Event]) -> Plan:
        """Return the plan with these events on record and no others, and the dates that follow.

        Raises:
            PlanError: no such step, or a date would lie beyond 2106.
        """
        for step_id in events:
            self.step(step_id)
        return self._dated(events, self.start)

    def with_facts(self, facts: Facts) -> Plan:
        """Return the plan on other facts about the same domain, with what is on record, and the dates that follow.

        Raises:
            PlanError: they are of another domain, or lead to other steps, or a date would lie beyond 2106.
        """
        if facts.domain.lower() != self.facts.domain.lower() or steps_for(facts, self.flow) != tuple(
            planned.step for planned in self.steps
        ):
            raise PlanError(
                f"{facts.domain}: these facts are of another transfer than the plan of {self.facts.domain}",
                remedy="plan anew from them",
            )
        return replace(self, facts=facts).planned_again()

    def beginning(self, start: datetime) -> Plan:
        """Return the plan from another start, with nothing on record.

        Raises:
            TimeError: the instant is naive.
            PlanError: a date would lie beyond 2106.
        """
        return replace(self, start=values.instant(start, "start"))._dated({}, start)

    def planned_again(self) -> Plan:
        """Return the plan with the dates that follow from what is on record, whatever dates were put into its steps."""
        return self._dated(self.events, self.start)

    def _dated(self, events: Mapping[str, Event], earliest: datetime) -> Plan:
        """The plan with these events, and nothing else before an instant."""
        plan = _planned(self.facts, self.flow, earliest, self.profiles, events)
        return replace(plan, start=self.start, journal=self.journal)

    def resumed(self, at: datetime) -> Plan:
        """Return the plan with nothing that is not on record before an instant: what should be done by then has not been.

        The start stays. :meth:`record` dates from there again, so record first what has happened.

        Raises:
            TimeError: the instant is naive.
            PlanError: a date would lie beyond 2106.
        """
        return self._dated(self.events, max(self.start, values.instant(at, "the instant of resuming")))

    def decide(self, decision: Decision) -> Plan:
        """Return the plan with one more decision in its journal; its dates stay as they are.

        Raises:
            PlanError: it is about a step that this flow does not have, or was taken before the last one.
        """
        return replace(self, journal=self.journal.add(decision))


def _steps_named(decision: Decision) -> tuple[str, ...]:
    """The ids of the steps that a decision is about."""
    rests_on = decision.evidence if isinstance(decision, Confirmed) else decision.missing
    return (decision.step_id, *[each.step_id for each in rests_on])


def check_wait(planned: PlannedStep) -> None:
    """Check that a wait was not recorded as over before its time.

    Raises:
        PlanError: it was.
    """
    if planned.step.actor is Actor.NOBODY and planned.recorded and planned.started < planned.not_before:
        raise PlanError(
            f"{planned.id} is a wait, recorded as over at {instant_text(planned.started)} and not over before"
            f" {instant_text(planned.not_before)}",
            remedy="leave it out, for time confirms it, or record it again when it is over",
        )


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
    raise PlanError(f"{of} has no step {str(step_id)[:64]!r}", remedy=f"its steps are {ids}")


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
    plan = plan_under_way(facts, flow=flow, start=start, profiles=profiles)
    if not plan.is_in_time:
        raise _too_late(plan)
    return plan


def plan_under_way(facts: Facts, *, flow: Flow, start: datetime, profiles: Iterable[ResolverProfile]) -> Plan:
    """Return the plan of a transfer that is under way, in time or not: there it is for :func:`prove` to say what that does.

    Raises:
        PlanError: as :func:`plan_transfer`, but for the deadline.
        TimeError: ``start`` is no aware datetime in whole seconds, or outside 1970 to 2106.
    """
    chosen = _checked(facts, flow, profiles)
    _check_flow(facts, flow)
    return _planned(facts, flow, values.instant(start, "start"), chosen, {})


_OF_FACTS, _OF_FLOW, _OF_PROFILES = values.a(Facts), values.a(Flow), values.tuple_of(values.a(ResolverProfile))


def _checked(facts: Facts, flow: Flow, profiles: Iterable[ResolverProfile]) -> tuple[ResolverProfile, ...]:
    """The profiles, where all of these are what they have to be."""
    _OF_FACTS(facts, "facts")
    _OF_FLOW(flow, "flow")
    chosen = profiles if profiles is PROFILES else _OF_PROFILES(profiles, "profiles")
    if not chosen:
        raise PlanError("no resolver profile is given to be safe for", remedy="give PROFILES, or some")
    return cast(tuple[ResolverProfile, ...], chosen)


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
    if losing_signed and not facts.parent.ds and flow in COOPERATING:
        raise PlanError(
            f"{facts.domain}: the losing zone is signed and the parent has no DS of it: the domain is insecure, and"
            f" {flow.value} keeps one secure",
            remedy="choose through-insecure, which then has no DS to remove and none to wait for; or have the losing DS added,"
            " and plan this flow when the parent has it",
        )
    missing = "; ".join(map(str, lacks(facts, flow)))
    if missing:
        raise PlanError(f"{facts.domain}: {flow.value} cannot be: {missing}", remedy="choose another flow")


# ---- dating the steps -----------------------------------------------------------------------------------------------


def _planned(
    facts: Facts, flow: Flow, start: datetime, profiles: tuple[ResolverProfile, ...], events: Mapping[str, Event]
) -> Plan:
    under_way = UnderWay(facts, with_stale_margin(profiles, facts.timing.stale_margin))
    steps: list[PlannedStep] = []
    for step in steps_for(facts, flow):
        waits = under_way.waits(step)
        done = [under_way.events[before].completed for before in step.after]
        ready = max([start, *done, *[wait.until for wait in waits]])
        # A scanner may come by as soon as the first server gives what it takes, and has to by when the last one does.
        not_before = ready if step.scans is None else under_way.events[step.scans].started
        event = events.get(step.id)
        planned = event or Event(not_before, ready + duration(facts, step.lasting))
        check_date(facts, step.id, max(not_before, planned.completed), remedy="start earlier")
        under_way.note(step, planned)
        steps.append(
            PlannedStep(
                step=step,
                not_before=not_before,
                started=planned.started,
                completed=planned.completed,
                waits=waits,
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


def check_date(facts: Facts, step: str, date: datetime, *, remedy: str) -> None:
    """Check that a date of a step is one that an instant can say.

    Raises:
        PlanError: it lies beyond 2106.
    """
    if date > LATEST:
        raise PlanError(
            f"{facts.domain}: {step} would come to {date.isoformat()}, after {LATEST.isoformat()}",
            remedy=f"{remedy}, or have the TTLs and delays lowered that it waits for",
            rule="RFC 4034 section 3.1.5",
        )


def steps_for(facts: Facts, flow: Flow) -> tuple[Step, ...]:
    """Return the steps of a flow for these facts, with every DS that is added.

    Where servers overlap, what opens a zone or closes it is another.
    """
    steps = _with_ds_named(facts, steps_within(facts, flow))
    answering = {overlap.answers for overlap in facts.shared_servers}
    if Source.GAINING in answering:
        steps = with_shared_servers(steps)
    return _closed_by_stopping(steps) if Source.LOSING in answering else steps


def _with_ds_named(facts: Facts, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps where more is added to the DS RRset than the gaining DS: they name all of it, for less would be bogus."""
    parent = facts.parent
    held = frozenset() if any(step.effect is Effect.ALL_DS_REMOVED for step in steps) else parent.ds
    left = ds_with_gaining(facts, steps, held)
    gaining = {DsEntry(key=key, digest_type=parent.digest_type) for key in facts.gaining.dnskey_signers}
    adding = next((step for step in steps if step.effect is Effect.DS_ADDED), None)
    if adding is None or left == held | gaining:
        return steps
    named = {
        adding.id: replace(
            adding,
            action=f"add at the parent, all in one update, {_ds_text(left - held)}",
            confirmed_by=f"every server of the parent gives {_ds_text(left)}",
        )
    }
    for step in steps:
        if step.id == adding.scans:
            action = (
                f"publish in both zones, all as CDS records, {_ds_text(left)}, and the CDNSKEY records of these keys"
            )
            named[step.id] = replace(step, action=action)
    return tuple(named.get(step.id, step) for step in steps)


def _ds_text(entries: Iterable[DsEntry]) -> str:
    """Every DS of an RRset, in words."""
    by_type: dict[int, list[str]] = {}
    for entry in sorted(entries, key=lambda each: (each.digest_type, each.key.name)):
        by_type.setdefault(entry.digest_type, []).append(entry.key.name)
    return " and ".join(f"the DS of digest type {kind} of {', '.join(names)}" for kind, names in by_type.items())


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


def duration(facts: Facts, lasting: Lasting) -> timedelta:
    """Return how long a step takes from the request to the last server."""
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
