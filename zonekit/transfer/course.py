"""The course of a transfer so far: its plan, what was seen of each step and since when, and every TTL that was served.

Values alone: :mod:`zonekit.state` keeps them in a file, :mod:`zonekit.transfer.following` adds what a round of questions
shows, and :mod:`zonekit.transfer.score` says what they come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from zonekit.dnskeys import Dnskey
from zonekit.errors import PlanError
from zonekit.instants import instant_text, utc
from zonekit.transfer import values
from zonekit.transfer.answers import Server
from zonekit.transfer.journal import Evidence
from zonekit.transfer.ledger import Ledger, Record
from zonekit.transfer.plan import Plan
from zonekit.transfer.steps import Actor
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl

_V = TypeVar("_V", bound="Watched | TtlSeen | KeySeen | Said | ServerSeen")

BY_RECORD: Final = "the record of the plan"
"""By whom what a plan had on record before it was followed was said."""
BY_ASKING: Final = "zonekit, asking the servers"
"""By whom evidence is that servers gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A reading of the clock, with what shows whether it was set between two readings.

    Attributes:
        at: the instant by the clock.
        boot: which start of which machine it is of; empty where that is not known.
        uptime: how long that had been running, asleep or awake.

    Raises:
        TimeError: ``at`` is naive.
        PlanError: ``boot`` is not of one line, or ``uptime`` is negative.
    """

    at: datetime
    boot: str = ""
    uptime: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))
        if not self.boot.isprintable() or self.uptime < timedelta(0):
            raise PlanError(
                f"a reading of the clock has boot {ascii(self.boot)[:60]} and uptime {self.uptime}",
                remedy="give what the machine says, or leave both out",
            )

    def set_by(self, earlier: Tick) -> timedelta:
        """Return by how much the clock was set since an earlier reading, as far as that shows.

        On another machine, or after a new start, only that it went back shows.

        >>> from datetime import UTC
        >>> noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
        >>> later = Tick(at=noon + timedelta(hours=3), boot="a", uptime=timedelta(hours=2))
        >>> later.set_by(Tick(at=noon, boot="a", uptime=timedelta(hours=1)))
        datetime.timedelta(seconds=7200)
        """
        passed = self.at - earlier.at
        if self.boot and self.boot == earlier.boot:
            return passed - (self.uptime - earlier.uptime)
        return min(passed, timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the rounds so far show of one step.

    Attributes:
        step_id: the step.
        untouched_at: when the last round began in which no server gave it; None where none was seen like that.
        lacking_at: the last round in which some server did not give it; None where there was none.
        lacking: the servers that did not, then.
        done_since: when the first round ended of the present run of rounds in which every server gives it; None where there is
            none.
        done_at: when the last round of that run ended.
        confirming: the servers that gave it then.

    Raises:
        PlanError: the present run lies before a round in which something was lacking, or ends before it begins.
        TimeError: an instant is naive.
    """

    step_id: str
    untouched_at: datetime | None = None
    lacking_at: datetime | None = None
    lacking: frozenset[str] = frozenset()
    done_since: datetime | None = None
    done_at: datetime | None = None
    confirming: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("untouched_at", "lacking_at", "done_since", "done_at"):
            instant = getattr(self, name)
            if instant is not None:
                object.__setattr__(self, name, utc(instant))
        if (self.done_since is None) is not (self.done_at is None):
            raise PlanError(f"{self.step_id}: a run of rounds has a beginning and an end", remedy="give both, or none")
        since, last, lacking = self.done_since, self.done_at, self.lacking_at
        if since is not None and last is not None and (last < since or (lacking is not None and lacking >= since)):
            raise PlanError(
                f"{self.step_id}: it is seen done from {instant_text(since)}, and that contradicts the rest",
                remedy="give the rounds in the order in which they were",
            )

    @property
    def is_done(self) -> bool:
        """Whether every server gives it, as of the last round that showed anything of it."""
        return self.done_since is not None

    def see(self, evidence: Evidence, *, began: datetime | None = None) -> Watched:
        """Return it with what one more round shows; one from before what is known already shows nothing new.

        Of two rounds at one instant the one in which something was lacking counts.

        Args:
            evidence: what the round shows, as of its end.
            began: when the round began; at its end where that is not said. What no server gave was begun after that.
        """
        at = evidence.seen
        known = [each for each in (self.lacking_at, self.done_at) if each is not None]
        if known and at < max(known):
            return self
        if not evidence.lacking:
            if self.lacking_at == at:
                return self
            since = self.done_since or at
            return replace(self, done_since=since, done_at=at, confirming=evidence.confirming)
        untouched = self.untouched_at if evidence.confirming else began or at
        return replace(
            self,
            untouched_at=untouched,
            lacking_at=at,
            lacking=evidence.lacking,
            done_since=None,
            done_at=None,
            confirming=evidence.confirming,
        )

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What it comes to as evidence for the gate: the last look that showed something lacking, and the last since."""
        found = []
        if self.lacking_at is not None:
            found.append(Evidence(step_id=self.step_id, seen=self.lacking_at, by=BY_ASKING, lacking=self.lacking))
        if self.done_at is not None:
            assert self.done_since is not None
            found += [
                Evidence(step_id=self.step_id, seen=seen, by=BY_ASKING, confirming=self.confirming)
                for seen in dict.fromkeys((self.done_since, self.done_at))
            ]
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class TtlSeen:
    """A TTL that a source served, and when that was seen.

    Attributes:
        source: who served it.
        record: of which record.
        ttl: the TTL in seconds.
        first_seen: the first round that showed it.
        last_seen: the last one.
        until: the first round that showed others alone; None where there was none.
    """

    source: Source
    record: Record
    ttl: Ttl
    first_seen: datetime
    last_seen: datetime
    until: datetime | None = None

    def __post_init__(self) -> None:
        _TTL_FIELDS.check(self, "a TTL that was seen")


_TTL_FIELDS: Final = values.Fields(
    needed={
        "source": values.a(Source),
        "record": values.a(Record),
        "ttl": values.ttl,
        "first_seen": values.instant,
        "last_seen": values.instant,
    },
    optional={"until": values.instant},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A step that somebody says is done.

    Attributes:
        step_id: the step.
        by: who says so, in one line.
        when: when that was said.
        started: when the step was begun.
        completed: when it was done.

    Raises:
        PlanError: nobody is named, or it completed before it started.
        TimeError: an instant is naive.
    """

    step_id: str
    by: str
    when: datetime
    started: datetime
    completed: datetime

    def __post_init__(self) -> None:
        for name in ("when", "started", "completed"):
            object.__setattr__(self, name, utc(getattr(self, name)))
        if self.completed < self.started:
            raise PlanError(
                f"{self.step_id} is said to have been done before it was begun", remedy="give both instants"
            )
        self.evidence  # noqa: B018  # which checks who says so

    @property
    def evidence(self) -> Evidence:
        """What it comes to as evidence for the gate."""
        return Evidence(step_id=self.step_id, seen=self.when, by=self.by)

    def counted_from(self, start: datetime) -> Said:
        """Return it with no instant before this one."""
        return replace(
            self, when=max(self.when, start), started=max(self.started, start), completed=max(self.completed, start)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSeen:
    """When a server last answered for the domain, and since when it has not.

    Attributes:
        server: the server at one address.
        last_answered: the last round in which it did; None where it never has.
        silent_since: the first round since then in which it did not; None where it answered in the last one.

    Raises:
        TimeError: an instant is naive.
    """

    server: Server
    last_answered: datetime | None = None
    silent_since: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("last_answered", "silent_since"):
            instant = getattr(self, name)
            if instant is not None:
                object.__setattr__(self, name, utc(instant))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySeen:
    """A key that was seen to sign one operator's zone, and is its own from then on, whatever is to be seen later.

    Attributes:
        source: whose it is.
        key: the key.
        first_seen: the first round that showed it.
    """

    source: Source
    key: Dnskey
    first_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All that is known of a transfer under way.

    Attributes:
        plan: its plan, with what is on record.
        watched: by step, what the rounds so far show of it.
        ttls: every TTL that was seen.
        keys: the keys of both operators.
        said: what people have said, in the order in which they did.
        servers: when each server last answered.
        last: the clock at the last round; None where there was none.

    Raises:
        PlanError: something is about a step that the plan does not have, or a step is watched twice.
    """

    plan: Plan
    watched: Mapping[str, Watched]
    ttls: tuple[TtlSeen, ...] = ()
    keys: tuple[KeySeen, ...] = ()
    said: tuple[Said, ...] = ()
    servers: tuple[ServerSeen, ...] = ()
    last: Tick | None = None

    def __post_init__(self) -> None:
        for step_id in (*self.watched, *[each.step_id for each in self.said]):
            self.plan.step(step_id)
        for step_id, watched in self.watched.items():
            if watched.step_id != step_id:
                raise PlanError(f"{step_id}: what was seen is of {watched.step_id}", remedy="give it by its own step")

    @classmethod
    def begun(cls, plan: Plan) -> Course:
        """Return the course of a transfer of which nothing was seen yet; what the plan has on record was said."""
        said = tuple(
            Said(
                step_id=planned.id,
                by=BY_RECORD,
                when=planned.completed,
                started=planned.started,
                completed=planned.completed,
            )
            for planned in plan.steps
            if planned.recorded and planned.step.actor is not Actor.NOBODY
        )
        return cls(plan=plan, watched={}, said=said)

    def say(self, said: Said) -> Course:
        """Return the course with what somebody says, in the place of what was said of that step before.

        Raises:
            PlanError: the plan has no such step, or nobody takes it.
        """
        if self.plan.step(said.step_id).step.actor is Actor.NOBODY:
            raise PlanError(
                f"{said.step_id} is a wait: nobody takes it",
                remedy="say which steps were taken; the wait moves with them",
            )
        return replace(self, said=(*[each for each in self.said if each.step_id != said.step_id], said))

    def statement(self, step_id: str, *, at: datetime) -> Said | None:
        """Return what was said of a step and counts by an instant: it was done by then, and no round since then denies it.

        What people say is taken at its word, also where no server shows it; what servers give outweighs it.
        """
        watched = self.watched.get(step_id)
        denied_at = None if watched is None else watched.lacking_at
        found = [each for each in self.said_since_start if each.step_id == step_id and each.completed <= at]
        return next((each for each in reversed(found) if denied_at is None or denied_at < each.completed), None)

    def moved(self, by: timedelta) -> Course:
        """Return the course by a clock that was set by this much: every instant in it moves, so that all lasted as long as it did.

        What was served before the transfer is taken to have been so by either clock, and no decision in the journal moves.

        Raises:
            TimeError: an instant would lie outside 1970 to 2106.
            PlanError: a date of the plan would.
        """
        return replace(
            self,
            plan=_plan_moved(self.plan, by),
            watched={
                step_id: _all_moved(each, by, "untouched_at", "lacking_at", "done_since", "done_at")
                for step_id, each in self.watched.items()
            },
            ttls=tuple(_all_moved(each, by, "first_seen", "last_seen", "until") for each in self.ttls),
            keys=tuple(_all_moved(each, by, "first_seen") for each in self.keys),
            said=tuple(_all_moved(each, by, "when", "started", "completed") for each in self.said),
            servers=tuple(_all_moved(each, by, "last_answered", "silent_since") for each in self.servers),
            last=None if self.last is None else replace(self.last, at=self.last.at + by),
        )

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All that confirms steps, or shows that they are not done."""
        seen = [each for watched in self.watched.values() for each in watched.evidence]
        return (*seen, *[each.evidence for each in self.said_since_start])

    @property
    def said_since_start(self) -> tuple[Said, ...]:
        """What people have said, as it counts: nothing from before the plan starts, which knows of no time before."""
        return tuple(each.counted_from(self.plan.start) for each in self.said)


def _all_moved(value: _V, by: timedelta, *names: str) -> _V:
    """A value with these of its instants moved."""
    instants = {name: getattr(value, name) for name in names}
    return replace(value, **{name: at + by for name, at in instants.items() if at is not None})


def _plan_moved(plan: Plan, by: timedelta) -> Plan:
    """The plan from its start by another clock, with nothing on record."""
    ledger = plan.facts.ledger.observations
    later = tuple(replace(each, until=max(each.until, each.until + by)) if each.until else each for each in ledger)
    facts = replace(plan.facts, ledger=Ledger(observations=later))
    return plan.beginning(plan.start + by).with_facts(facts)


def saw_ttl(
    ttls: tuple[TtlSeen, ...], *, source: Source, record: Record, seen: Iterable[int], at: datetime
) -> tuple[TtlSeen, ...]:
    """Return the TTLs that were seen, after a look at one record that showed these, of any server.

    Every other TTL of the record was served until then at most.
    """
    shown = {Ttl(ttl) for ttl in seen}
    if not shown:
        return ttls
    kept = []
    for each in ttls:
        if (each.source, each.record) != (source, record):
            kept.append(each)
        elif each.ttl in shown:
            shown.discard(each.ttl)
            kept.append(replace(each, last_seen=at, until=None))
        else:
            kept.append(each if each.until is not None else replace(each, until=at))
    new = [TtlSeen(source=source, record=record, ttl=ttl, first_seen=at, last_seen=at) for ttl in sorted(shown)]
    return (*kept, *new)
