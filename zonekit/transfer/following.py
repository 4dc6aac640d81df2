"""Following a transfer: the course so far, with what one more round of questions shows of each step.

A step counts as done only when every server that answers gives it, in whatever combination of what the servers of the others
give. One that is dead gives nobody anything, and is reported elsewhere; it holds nothing up but what says that this very
server answers. One that answers some questions and fails at others holds up what is not done yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zonekit import rdata as rd
from zonekit.dnskeys import Dnskey
from zonekit.errors import PlanError
from zonekit.names import is_subdomain, order_key, parse_origin
from zonekit.nodes import ttl_of
from zonekit.transfer.answers import ADDRESS_TYPES, Round
from zonekit.transfer.claims import Rest, rest_of
from zonekit.transfer.course import (
    BY_ASKING,
    Course,
    KeySeen,
    ServerSeen,
    Tick,
    TtlSeen,
    Watched,
    saw_ttl,
)
from zonekit.transfer.facts import Facts
from zonekit.transfer.gate import places_changed_by, see_step
from zonekit.transfer.glimpses import NOTHING_ELSE, Delegation, Elsewhere, Glimpse, Party, glimpses_of, parties_of
from zonekit.transfer.journal import Evidence
from zonekit.transfer.ledger import Record
from zonekit.transfer.plan import Plan, PlannedStep
from zonekit.transfer.served import largest_ttl
from zonekit.transfer.sides import signer_of_key
from zonekit.transfer.steps import Actor, Effect
from zonekit.transfer.timelines import Event
from zonekit.transfer.versions import Source
from zonekit.transfer.zonefacts import TYPES_OF_THEIR_OWN
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

_OPERATORS: Final = (Source.LOSING, Source.GAINING)

# ---- evidence -------------------------------------------------------------------------------------------------------

_OPENING: Final = frozenset((Effect.GAINING_SERVES, Effect.SHARED_SERVE))
"""What is done when each server answers: before resolvers are led to them a dead one is not there yet, afterwards it is one that
others stand in for."""
_NEVER_BY_ITSELF: Final = frozenset(
    (Effect.DS_ADDED, Effect.NS_AT_PARENT, Effect.NS_AT_LOSING, Effect.LOSING_DS_REMOVED, Effect.ALL_DS_REMOVED)
)
"""What does not look done before somebody has done it, so that it is looked for from the start, also where it is too early."""


def evidence_of(
    plan: Plan, step_id: str, glimpses: Sequence[Glimpse], parties: Mapping[Source, Party]
) -> Evidence | None:
    """Return what a round shows of a step: which servers give it, and which do not; None where it does not tell.

    A server that answers some questions only does not tell: it may still give what it always gave.
    """
    step = plan.step(step_id).step
    changed = places_changed_by(step)
    confirming: set[str] = set()
    lacking: set[str] = set()
    tells = not any(parties[source].partial for source in changed)
    for glimpse in glimpses:
        try:
            seen = see_step(plan, step_id, glimpse.sighting, by=BY_ASKING, look=glimpse.look)
        except PlanError:
            tells = False
            continue
        others = frozenset().union(*[parties[source].answering - glimpse.servers[source] for source in changed])
        confirming |= seen.confirming - others
        lacking |= seen.lacking - others
    if step.effect in _OPENING and not any(
        planned.recorded for planned in plan.steps if planned.step.effect is Effect.NS_AT_PARENT
    ):
        gaining = parties[Source.GAINING]
        confirming |= gaining.answering
        lacking |= gaining.dead | gaining.refusing
    if step.effect is Effect.LOSING_STOPS:
        confirming |= parties[Source.LOSING].refusing
    if not lacking and (not confirming or not tells):
        return None
    return Evidence(
        step_id=step_id,
        seen=glimpses[0].sighting.at,
        by=BY_ASKING,
        confirming=frozenset(confirming - lacking),
        lacking=frozenset(lacking),
    )


# ---- the course -----------------------------------------------------------------------------------------------------

_SECOND: Final = timedelta(seconds=1)
_TOLERANCE: Final = timedelta(seconds=5)
"""By how much a clock may be off from the time that passed without having been set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A course with what one round shows.

    Attributes:
        course: the course.
        found: the round.
        parties: what the servers of each party gave.
        glimpses: every combination of that.
        passed: up to when time has passed for sure: what is waited for until then is over.
        clock_set: by how much the clock was set since the round before; nothing was where it is zero.
        undone: the steps that were seen done before, and not in this round.
        raised: the TTLs that are served and above the largest known before, so that the waits are longer.
    """

    course: Course
    found: Round
    parties: Mapping[Source, Party]
    glimpses: tuple[Glimpse, ...]
    passed: datetime
    clock_set: timedelta = timedelta(0)
    undone: tuple[str, ...] = ()
    raised: tuple[TtlSeen, ...] = ()


def follow(
    course: Course,
    found: Round,
    *,
    tick: Tick,
    elsewhere: Elsewhere = NOTHING_ELSE,
    parties: Mapping[Source, Party] | None = None,
) -> Followed:
    """Return the course with what a round shows: steps seen done, or undone, on record; the TTLs; who answered.

    A step is on record as done from the first round on in which every server that answers gives it: what was waited for is
    counted from there, which is never too early. Where the clock was set since the round before, the course moves with it; on
    another machine, or after a new start, it is only seen that a clock went back, and then no time has passed as far as is
    known.

    Nobody is told that a step may begin before it is safe, as long as

    - a server that does not answer here, or answers as lame, gives nobody else anything, and comes back with what the others
      of its party have. One that comes back with something older is seen to, the steps are undone, and all that is waited for
      counts anew; what was begun while it was away has been begun;
    - a TTL that is raised is so at what is asked for, the apex and the delegation, and still is in the next round. Of one that
      is raised and lowered between two rounds, or below the apex, nothing shows: there the TTLs of the facts have to be true;
    - behind an address stands one server: where several do (anycast), only the nearest is asked, and how much later the last
      of them may be has to be in the timing of the plan (``publish_safety``, ``retire_safety``);
    - what people say is so, where no server can show it or denies it later;
    - a clock is not set forward while the machine is off, or by less than a thousandth of the time since the last round.

    Args:
        course: what is known so far.
        found: the round.
        tick: the clock, read when the round had ended.
        elsewhere: what is known of the operators without asking their servers.
        parties: what the servers of each party gave in the round, where that has been worked out already.

    Raises:
        PlanError: the round is of another domain than the plan, or a date comes to lie beyond 2106.
        TimeError: the clock was set so that an instant comes to lie outside 1970 to 2106.
    """
    if order_key(found.question.apex) != order_key(parse_origin(course.plan.facts.domain)):
        raise PlanError(
            f"the plan is of {course.plan.facts.domain}, and {found.question.domain} was asked for",
            remedy="ask for the domain of the plan",
        )
    parties = parties_of(found) if parties is None else parties
    read = _at_end(found, tick)
    clock_set = _clock_set(course.last, read)
    begun = _moved(course, clock_set) if clock_set else course
    if begun.last is not None and found.ended < begun.last.at:
        return _after(begun, found, parties, elsewhere, clock_set)
    elsewhere = _still_elsewhere(begun, elsewhere)
    glimpses = glimpses_of(found, parties, elsewhere=elsewhere, may_stop=_may_stop(begun.plan))
    ttls = _ttls_seen(begun, found, parties)
    known = replace(begun, ttls=ttls, servers=tuple(_servers_seen(begun, found)), last=read)
    known = replace(known, keys=_keys_seen(known, glimpses, found.ended))
    facts = with_ttls_seen(known.plan.facts, known.ttls)
    raised = tuple(_raised(known.ttls, known.plan.facts, facts))
    if facts != known.plan.facts:
        known = replace(known, plan=known.plan.with_facts(facts))
    passed = min(found.ended, tick.at)
    seen = _watch(known, glimpses, parties, found, passed) if glimpses else known
    undone = tuple(
        step_id for step_id, watched in begun.watched.items() if watched.is_done and not seen.watched[step_id].is_done
    )
    return Followed(
        course=seen,
        found=found,
        parties=parties,
        glimpses=glimpses,
        passed=passed,
        clock_set=clock_set,
        undone=undone,
        raised=raised,
    )


def _after(
    course: Course, found: Round, parties: Mapping[Source, Party], elsewhere: Elsewhere, clock_set: timedelta
) -> Followed:
    """What a round shows that ended before one that the course has already: nothing that it does not know better."""
    known = _still_elsewhere(course, elsewhere)
    glimpses = glimpses_of(found, parties, elsewhere=known, may_stop=_may_stop(course.plan))
    return Followed(
        course=course,
        found=found,
        parties=parties,
        glimpses=glimpses,
        passed=found.began,
        clock_set=clock_set,
    )


def _still_elsewhere(course: Course, elsewhere: Elsewhere) -> Elsewhere:
    """What counts of what is known from elsewhere: all keys, and a gaining zone that is not served yet."""
    opening = [each.step.id for each in course.plan.steps if each.step.effect in _OPENING]
    is_served = any(course.watched[step_id].is_done for step_id in opening if step_id in course.watched)
    return replace(elsewhere, gaining=None if is_served else elsewhere.gaining, keys=_known_keys(course, elsewhere))


def _at_end(found: Round, tick: Tick) -> Tick:
    """The reading of the clock as it would have been when a round ended."""
    since = tick.at - found.ended
    return replace(tick, at=found.ended, uptime=max(tick.uptime - since, timedelta(0)))


def _clock_set(last: Tick | None, tick: Tick) -> timedelta:
    """By how much the clock was set, in whole seconds; zero where that is no more than clocks wander.

    A part of a second is rounded to the later instant, for waits that are counted from there.
    """
    if last is None:
        return timedelta(0)
    found = tick.set_by(last)
    wandering = max(_TOLERANCE, abs(tick.at - last.at) / 1000)
    return -(-found // _SECOND) * _SECOND if abs(found) > wandering else timedelta(0)


def _moved(course: Course, by: timedelta) -> Course:
    """The course by a clock that was set, with the same on record as before."""
    moved = course.moved(by)
    assert moved.last is not None  # or it would not be known that the clock was set
    return replace(moved, plan=recorded(moved, at=moved.last.at, passed=moved.last.at))


def _may_stop(plan: Plan) -> bool:
    """Whether the losing operator may stop answering by what is on record."""
    stopping = next((each.step for each in plan.steps if each.step.effect is Effect.LOSING_STOPS), None)
    return stopping is not None and plan.events.keys() >= set(stopping.after)


def _watch(
    course: Course, glimpses: Sequence[Glimpse], parties: Mapping[Source, Party], found: Round, passed: datetime
) -> Course:
    """The course with what a round shows of each step.

    What is newly done may have put an end to what an earlier step claims, so that is looked for first: a step is only taken for
    undone by what still has to hold.
    """
    plan = recorded(course, at=found.ended, passed=passed)
    watched = dict(course.watched)
    has_losing_zone = any(isinstance(glimpse.sighting.losing, Zone) for glimpse in glimpses)
    lacking: dict[str, Evidence] = {}
    while True:
        shown = {}
        for planned in plan.steps:
            if rest_of(planned.step) is not Rest.NOTHING or not _is_looked_for(planned, plan, watched):
                continue
            if not has_losing_zone and planned.id not in _done_in(watched) and _is_of_losing_zone(planned):
                continue  # what is not there any more looks like anything
            evidence = evidence_of(plan, planned.id, glimpses, parties)
            if evidence is not None:
                shown[planned.id] = evidence
        lacking = {step_id: each for step_id, each in shown.items() if each.lacking}
        before = watched
        watched = before | {
            step_id: before.get(step_id, Watched(step_id=step_id)).see(each)
            for step_id, each in shown.items()
            if not each.lacking
        }
        if _done_in(watched) == _done_in(before):
            break  # and nothing else is on record than before
        plan = recorded(replace(course, watched=watched), at=found.ended, passed=passed)
    watched |= {
        step_id: watched.get(step_id, Watched(step_id=step_id)).see(each, began=found.began)
        for step_id, each in lacking.items()
    }
    seen = replace(course, watched=watched)
    return replace(seen, plan=recorded(seen, at=found.ended, passed=passed))


def _done_in(watched: Mapping[str, Watched]) -> frozenset[str]:
    return frozenset(step_id for step_id, each in watched.items() if each.is_done)


def _is_looked_for(planned: PlannedStep, plan: Plan, watched: Mapping[str, Watched]) -> bool:
    """Whether a step that looks done is taken to be: all that shows before it is, or it never looks so by itself."""
    if planned.id in watched or planned.step.effect in _NEVER_BY_ITSELF:
        return True
    return all(
        before.recorded or rest_of(before.step) is Rest.PEOPLE
        for before in map(plan.step, _visible_before(plan, planned))
    )


def is_over(plan: Plan, planned: PlannedStep) -> bool:
    """Return whether a step that was not done has nothing to be done to any more: the losing operator has stopped before it."""
    has_stopped = any(each.recorded and each.step.effect is Effect.LOSING_STOPS for each in plan.steps)
    return not planned.recorded and has_stopped and _is_of_losing_zone(planned)


def _is_of_losing_zone(planned: PlannedStep) -> bool:
    """Whether a step changes nothing but what the losing servers give, as long as they give anything."""
    effect = planned.step.effect
    return (
        effect is not None and effect is not Effect.LOSING_STOPS and places_changed_by(planned.step) == {Source.LOSING}
    )


def _visible_before(plan: Plan, planned: PlannedStep) -> Iterator[str]:
    """The steps that a step comes after; in the place of what only people can confirm, what that comes after."""
    pending = list(planned.step.after)
    while pending:
        before = plan.step(pending.pop())
        yield before.id
        if rest_of(before.step) is Rest.PEOPLE:
            pending += before.step.after


def recorded(course: Course, *, at: datetime, passed: datetime) -> Plan:
    """Return the plan with all on record that was seen or said to be done by an instant, and nothing else.

    What somebody says is taken at its word, unless a round from after that showed that it was not so. A step that was seen is
    begun at the earliest when it may be, or after the last round that showed nothing of it, whichever is later: nobody knows
    when in between, so that nobody is told to have been too early who need not have been. A wait is on record when it is over by
    what has passed for sure, which is a little less: rounds end in whole seconds, rounded up, and clocks are read down.
    """
    counting = {each.step_id: course.statement(each.step_id, at=at) for each in course.said}
    said = {step_id: Event(each.started, each.completed) for step_id, each in counting.items() if each is not None}
    start = course.plan.start
    done = {
        step_id: max(watched.done_since, start)
        for step_id, watched in course.watched.items()
        if watched.done_since is not None
    }
    # No wait depends on when a step was begun, and none is counted from a date that was planned for what is not done by now.
    later = course.plan.with_events({**{step_id: Event(last, last) for step_id, last in done.items()}, **said}).resumed(
        at
    )
    events: dict[str, Event] = {}
    for planned in later.steps:
        before = [events[step_id].completed for step_id in planned.step.after if step_id in events]
        ready = max([start, *before, *[wait.until for wait in planned.waits]])
        if planned.id in said:
            events[planned.id] = said[planned.id]
        elif planned.id in done:
            scanned = events.get(planned.step.scans or "")
            may_begin = ready if scanned is None else scanned.started
            earliest = max(course.watched[planned.id].untouched_at or start, may_begin)
            events[planned.id] = Event(min(earliest, done[planned.id]), done[planned.id])
        elif planned.step.actor is Actor.NOBODY and ready <= passed and _rests_on(planned, later) <= events.keys():
            events[planned.id] = Event(ready, ready)
    return course.plan.with_events(events)


def _rests_on(wait: PlannedStep, plan: Plan) -> frozenset[str]:
    """The steps that a wait comes after, and those that it is counted from."""
    counted_from = {each.since for each in wait.waits}
    return frozenset((*wait.step.after, *[each.id for each in plan.steps if each.id in counted_from]))


# ---- TTLs, keys and servers -----------------------------------------------------------------------------------------


def _ttls_seen(course: Course, found: Round, parties: Mapping[Source, Party]) -> tuple[TtlSeen, ...]:
    shown: dict[tuple[Source, Record], set[int]] = {}
    for source, party in parties.items():
        for each in party.given:
            for record, ttl in _ttls_in(each.what):
                shown.setdefault((source, record), set()).add(ttl)
    ttls = course.ttls
    for (source, record), seen in shown.items():
        ttls = saw_ttl(ttls, source=source, record=record, seen=seen, at=found.ended)
    return ttls


def _ttls_in(what: Zone | Delegation) -> Iterator[tuple[Record, int]]:
    """The TTLs that caches take from this."""
    if isinstance(what, Delegation):
        for rrset, record in ((what.ds, Record.DS), (what.ns, Record.NS)):
            if isinstance(rrset, RRset):
                yield record, rrset.ttl
        yield from ((Record.ADDRESS, rrset.ttl) for rrset in what.glue)
        return
    yield Record.DATA, what.negative_ttl
    servers = {order_key(name) for name in what.apex_rrset(rd.NS).rdatas if is_subdomain(name, what.apex)}
    for owner, _, rrsets in what.walk():
        for rdtype, covers, records in rrsets:
            ttl = ttl_of(records[0])
            if owner == what.apex and TYPES_OF_THEIR_OWN & {rdtype, covers}:
                yield (Record.NS if rd.NS in (rdtype, covers) else Record.DNSKEY), ttl
                continue
            yield Record.DATA, ttl
            if rdtype in ADDRESS_TYPES and order_key(owner) in servers:
                yield Record.ADDRESS, ttl


def with_ttls_seen(facts: Facts, ttls: Iterable[TtlSeen]) -> Facts:
    """Return facts that know of every TTL that is served: a larger one raises a field, and none is ever lowered.

    What was served before the first round nobody has seen, and what was served between two nobody knows for how long.
    """
    seen = tuple(ttls)

    def raised(source: Source, record: Record, known: Ttl) -> Ttl:
        return max(
            [known, *[each.ttl for each in seen if (each.source, each.record, each.until) == (source, record, None)]]
        )

    losing, parent = facts.losing, facts.parent
    dnskey_ttl = raised(Source.LOSING, Record.DNSKEY, losing.dnskey_ttl)
    return replace(
        facts,
        losing=replace(
            losing,
            ns_ttl=raised(Source.LOSING, Record.NS, losing.ns_ttl),
            dnskey_ttl=dnskey_ttl if losing.is_signed else losing.dnskey_ttl,
            data_ttl=raised(Source.LOSING, Record.DATA, losing.data_ttl),
            address_ttl=None
            if losing.address_ttl is None
            else raised(Source.LOSING, Record.ADDRESS, losing.address_ttl),
        ),
        parent=replace(
            parent,
            ds_ttl=raised(Source.PARENT, Record.DS, parent.ds_ttl),
            ns_ttl=raised(Source.PARENT, Record.NS, parent.ns_ttl),
            glue_ttl=None if parent.glue_ttl is None else raised(Source.PARENT, Record.ADDRESS, parent.glue_ttl),
        ),
    )


def _raised(ttls: Iterable[TtlSeen], before: Facts, after: Facts) -> Iterator[TtlSeen]:
    """Yield the TTLs that raised what is known of a record."""
    for each in ttls:
        if each.source is not Source.GAINING:
            known = largest_ttl(before, each.source, each.record)
            if known < each.ttl == largest_ttl(after, each.source, each.record):
                yield each


def _servers_seen(course: Course, found: Round) -> Iterator[ServerSeen]:
    """When each server that was asked now or before last answered."""
    before = {each.server: each for each in course.servers}
    for each in found.found:
        held = before.pop(each.server, ServerSeen(server=each.server))
        if any(answer.outcome.is_answer for answer in each.answers):
            yield ServerSeen(server=each.server, last_answered=found.ended)
        else:
            yield replace(held, silent_since=held.silent_since or found.ended)
    yield from before.values()


def _known_keys(course: Course, elsewhere: Elsewhere) -> Mapping[Source, tuple[Dnskey, ...]]:
    """The keys of each operator that are known whatever is to be seen."""
    return {
        source: tuple(
            dict.fromkeys(
                (*elsewhere.keys.get(source, ()), *[each.key for each in course.keys if each.source is source])
            )
        )
        for source in _OPERATORS
    }


def _keys_seen(course: Course, glimpses: Iterable[Glimpse], at: datetime) -> tuple[KeySeen, ...]:
    """The keys of each operator with those that sign its zone now; a key stays whose it was."""
    held = {each.key: each for each in course.keys}
    for glimpse in glimpses:
        for source, side in glimpse.look.sides.items():
            if side.zone is None:
                continue
            for key in side.own:
                if key in side.keys and (key in side.dnskey_signers or signer_of_key(key) in side.data_signers):
                    held.setdefault(key, KeySeen(source=source, key=key, first_seen=at))
    return tuple(held.values())
