"""Transfers that are carried out by people and servers of their own pace, and are looked at now and then.

Whoever has a step to take takes it at some instant after a look said that it may begin. Each server of a party takes up what
changes at an instant of its own, and is dead or lame at times; one that comes back has what the others have. What is served by
whom is worked out from that, and so are the true events, for the cache model to judge.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from tests.keyring import NOW
from tests.rounds import QUESTION, answers_of
from tests.transfer_worlds import DAY, GAINING_SERVERS, LOSING_SERVERS, LOW, World, start_of, unsigned
from zonekit import rdata as rd
from zonekit.instants import SignatureValidity
from zonekit.signing import sign_zone
from zonekit.transfer.answers import Outcome, Round, Server
from zonekit.transfer.facts import Facts
from zonekit.transfer.gate import places_changed_by
from zonekit.transfer.ledger import Record
from zonekit.transfer.steps import STEPS, Effect, Flow, Step
from zonekit.transfer.timelines import Event, schedule_of
from zonekit.transfer.versions import DataVersion, DsVersion, NsVersion, Schedule, Source, Version
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

SECOND: Final = timedelta(seconds=1)
_KINDS: Final = {DataVersion: Record.DATA, NsVersion: Record.NS, DsVersion: Record.DS}
_SERVING: Final = (Effect.GAINING_SERVES, Effect.SHARED_SERVE)


RAISED_TTL: Final = 3 * DAY
LONG: Final = SignatureValidity.starting(NOW - timedelta(days=365), timedelta(days=3 * 365))


@functools.cache
def world_with(flow: Flow, taken: frozenset[str], *, data_ttl: int | None = None) -> World:
    """What is served where these steps have been taken, in the order of the table, and no others; signed once for all."""
    steps = STEPS[flow]
    begun = start_of(flow)
    losing, made = unsigned(LOSING_SERVERS), unsigned(GAINING_SERVERS, ttl=LOW)
    if data_ttl is not None:
        losing = losing.replace(
            losing.apex_rrset(rd.SOA).with_ttl(data_ttl)
        )  # which is asked for, as other data is not
    if begun.losing_keys:
        losing = sign_zone(losing, begun.losing_keys, validity=LONG, dnskey_ttl=Ttl(DAY))
    if begun.gaining_keys:
        made = sign_zone(made, begun.gaining_keys, validity=LONG, dnskey_ttl=Ttl(LOW))
    world = replace(begun, losing=losing, gaining=made, made=made, validity=LONG)
    for step in steps:
        if step.id in taken:
            world = world.after(step, steps)
    return world


@dataclass(frozen=True)
class Away:
    """When a server gives nobody anything, and how that shows."""

    since: datetime
    until: datetime
    outcome: Outcome


@dataclass(frozen=True)
class Taken:
    """A step that was taken: when each server began to give it, and when each ceased to give what was before."""

    step: Step
    began: Mapping[str, datetime]
    ceased: Mapping[str, datetime]

    @property
    def event(self) -> Event:
        """When the first server gave it, and when the last one ceased to give what was before."""
        started = min(self.began.values())
        left = self.began if self.step.effect in _SERVING else self.ceased
        return Event(started, max(started, *left.values()))


@dataclass
class Transfer:
    """What is really served in a transfer.

    Attributes:
        flow: the way it is carried out.
        rng: what makes the servers differ.
        away: by server, when it is away.
        taken: what was done so far, or is being done.
        longest: how long it takes at most until the last server has a change, in seconds.
        is_served: whether the gaining servers have begun to load the zone; before that it changes in one place.
        raised: by record, when all servers of its source began to give it with :data:`RAISED_TTL`.
    """

    flow: Flow
    rng: random.Random
    away: Mapping[str, tuple[Away, ...]] = field(default_factory=dict)
    taken: dict[str, Taken] = field(default_factory=dict)
    longest: int = 0
    is_served: bool = False
    raised: Mapping[tuple[Source, Record], datetime] = field(default_factory=dict)

    def take(self, step: Step, at: datetime) -> datetime:
        """Let a step be begun, and return when it is done."""
        began, ceased = {}, {}
        self.is_served |= step.effect in _SERVING
        for server in self.servers_of(step):
            longest = self.longest if server.source is not Source.GAINING or self.is_served else 0
            due = at + timedelta(seconds=self.rng.choice((0, longest, self.rng.randint(0, longest))))
            if step.scans is not None:
                due = max(due, self.taken[step.scans].event.completed)
            away = next((each for each in self.away.get(server.name, ()) if each.since <= due < each.until), None)
            began[server.name] = due if away is None else away.until
            ceased[server.name] = due if away is None else away.since
        self.taken[step.id] = Taken(step, began or {"": at}, ceased or {"": at})
        return max(self.taken[step.id].began.values())

    def servers_of(self, step: Step) -> Iterator[Server]:
        places = places_changed_by(step) if step.effect is not None or step.id == "cds-published" else ()
        if step.effect is None and step.id == "cds-alone":
            places = (Source.GAINING,)
        yield from (server for server in QUESTION.servers if server.source in places)

    @property
    def events(self) -> dict[str, Event]:
        """What really happened."""
        return {step_id: each.event for step_id, each in self.taken.items()}

    @property
    def gaining_file(self) -> Zone | None:
        """The gaining zone where its operator makes it."""
        if self.flow is not Flow.TO_UNSIGNED and "keys-made" not in self.taken:
            return None
        zone = world_with(self.flow, frozenset(self.taken)).gaining
        assert isinstance(zone, Zone)
        return zone

    def served_by(self, server: Server, at: datetime) -> World | Outcome:
        """What a server gives at an instant."""
        away = next((each for each in self.away.get(server.name, ()) if each.since <= at < each.until), None)
        if away is not None:
            return away.outcome
        taken = {
            step_id: each
            for step_id, each in self.taken.items()
            if each.began.get(server.name, each.event.started) <= at
        }
        if server.source is Source.GAINING and not any(each.step.effect in _SERVING for each in taken.values()):
            return Outcome.REFUSED
        raised = {each for each, since in self.raised.items() if since <= at}
        data_ttl = RAISED_TTL if (Source.LOSING, Record.DATA) in raised else None
        world = world_with(self.flow, frozenset(taken), data_ttl=data_ttl)
        if (Source.PARENT, Record.NS) in raised and isinstance(world.ns, RRset):
            world = replace(world, ns=world.ns.with_ttl(RAISED_TTL))
        if (Source.PARENT, Record.DS) in raised and isinstance(world.ds, RRset):
            world = replace(world, ds=world.ds.with_ttl(RAISED_TTL))
        return world

    def schedule(self, facts: Facts, steps: Iterable[Step]) -> Schedule:
        """All versions as they were really served."""
        schedule = schedule_of(facts, tuple(steps), self.events)
        versions = [each for version in schedule.versions for each in self._with_raised(version)]
        return replace(schedule, versions=tuple(versions))

    def _with_raised(self, version: Version) -> Iterator[Version]:
        kind = _KINDS.get(type(version))
        since = None if kind is None else self.raised.get((version.source, kind))
        if since is None or (isinstance(version, DsVersion) and not version.entries):
            yield version
            return
        if version.start is None or version.start < since:
            yield replace(version, end=since if version.end is None else min(since, version.end))
        if version.end is None or version.end > since:
            start = since if version.start is None else max(since, version.start)
            yield replace(version, start=start, ttl=max(version.ttl, Ttl(RAISED_TTL)))

    def is_away(self, server: Server, at: datetime) -> bool:
        """Whether a server gives nobody anything at an instant."""
        return any(each.since <= at < each.until for each in self.away.get(server.name, ()))

    def look(self, at: datetime, clock: datetime) -> Round:
        """What all servers answer at an instant, which a clock calls another."""
        found = tuple(answers_of(server, self.served_by(server, at)) for server in QUESTION.servers)
        return Round(question=QUESTION, began=clock, ended=clock, found=found)
