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
from tests.transfer_worlds import GAINING_SERVERS, LOW, World, start_of, unsigned
from zonekit.transfer.answers import Outcome, Round, Server
from zonekit.transfer.claims import Rest, rest_of
from zonekit.transfer.gate import places_changed_by
from zonekit.transfer.steps import STEPS, Actor, Effect, Flow, Step
from zonekit.transfer.timelines import Event
from zonekit.transfer.versions import Source
from zonekit.zones import Zone

SECOND: Final = timedelta(seconds=1)
_SERVING: Final = (Effect.GAINING_SERVES, Effect.SHARED_SERVE)


@functools.cache
def world_with(flow: Flow, taken: frozenset[str]) -> World:
    """What is served where these steps have been taken, in the order of the table, and no others; signed once for all."""
    steps = STEPS[flow]
    begun = start_of(flow)
    made = begun.made if begun.gaining_keys else unsigned(GAINING_SERVERS, ttl=LOW)
    world = replace(begun, gaining=made)
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
    """

    flow: Flow
    rng: random.Random
    away: Mapping[str, tuple[Away, ...]] = field(default_factory=dict)
    taken: dict[str, Taken] = field(default_factory=dict)
    longest: int = 0

    def take(self, step: Step, at: datetime) -> datetime:
        """Let a step be begun, and return when it is done."""
        began, ceased = {}, {}
        for server in self.servers_of(step):
            due = at + timedelta(seconds=self.rng.choice((0, self.longest, self.rng.randint(0, self.longest))))
            if step.scans is not None:
                due = max(due, self.taken[step.scans].event.completed)
            away = next((each for each in self.away.get(server.name, ()) if each.since <= due < each.until), None)
            began[server.name] = due if away is None else away.until
            ceased[server.name] = due if away is None else away.since
        self.taken[step.id] = Taken(step, began or {"": at}, ceased or {"": at})
        return max(self.taken[step.id].began.values())

    def servers_of(self, step: Step) -> Iterator[Server]:
        places = places_changed_by(step) if step.effect is not None or step.id == "cds-published" else ()
        if step.effect is None and step.id in ("cds-alone",):
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
            step_id: each for step_id, each in self.taken.items() if each.began.get(server.name, each.event.started) <= at
        }
        if server.source is Source.GAINING and not any(each.step.effect in _SERVING for each in taken.values()):
            return Outcome.REFUSED
        return world_with(self.flow, frozenset(taken))

    def look(self, at: datetime) -> Round:
        """What all servers answer at an instant."""
        found = tuple(answers_of(server, self.served_by(server, at)) for server in QUESTION.servers)
        return Round(question=QUESTION, began=at, ended=at, found=found)
