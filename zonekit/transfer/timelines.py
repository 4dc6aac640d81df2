"""From the steps of a flow and their instants to the versions that are served: the schedule that is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from zonekit.errors import PlanError
from zonekit.instants import instant_text
from zonekit.transfer.facts import Facts
from zonekit.transfer.ledger import Record
from zonekit.transfer.parties import Capability, OperatorFacts
from zonekit.transfer.steps import Effect, Step
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsEntry,
    DsVersion,
    NsVersion,
    Overlap,
    Schedule,
    Serving,
    Source,
    Version,
)
from zonekit.ttl import Ttl

_V = TypeVar("_V", bound=Version)


@dataclass(frozen=True, slots=True)
class Event:
    """When a step was begun, and when it was done on every server.

    Raises:
        PlanError: it was done before it was begun.
    """

    started: datetime
    completed: datetime

    def __post_init__(self) -> None:
        if self.completed < self.started:
            raise PlanError(
                f"a step that started at {instant_text(self.started)} cannot have completed before, at"
                f" {instant_text(self.completed)}",
                remedy="check the two instants",
            )


def schedule_of(facts: Facts, steps: Iterable[Step], events: Mapping[str, Event]) -> Schedule:
    """Return what is served over time when the steps take place as said; a step without an event does not."""
    table = tuple(steps)
    by_effect = {step.effect: events[step.id] for step in table if step.effect is not None and step.id in events}
    losing, gaining = facts.losing, facts.gaining
    kept_low = any(step.effect is Effect.GAINING_TTLS_RESTORED for step in table)
    stops, serves = by_effect.get(Effect.LOSING_STOPS), by_effect.get(Effect.GAINING_SERVES)
    versions: list[Version] = [
        *_parent_ns(facts, by_effect),
        *_parent_ds(facts, by_effect),
        *_losing_ns(facts, by_effect),
        *_losing_dnskey(facts, by_effect),
        *_gaining_dnskey(facts, by_effect, kept_low),
        *_gaining_ns(facts, by_effect, kept_low),
        *_earlier(_data(Source.LOSING, losing, "data of the losing operator"), facts, Record.DATA),
        *_earlier(_data(Source.LOSING, losing, "addresses of the losing operator"), facts, Record.ADDRESS),
        _data(Source.LOSING, losing, "data of the losing operator"),
        _data(Source.GAINING, gaining, "data of the gaining operator"),
    ]
    versions += [
        _as_data(version, losing if version.source is Source.LOSING else gaining)
        for version in versions
        if isinstance(version, NsVersion) and version.source is not Source.PARENT
    ]
    if facts.servers_that_stay:
        versions += _addresses(facts, by_effect)
    servings = [
        Serving(operator=Source.LOSING)
        if stops is None
        else Serving(operator=Source.LOSING, all_end=stops.started, end=stops.completed)
    ]
    if serves is not None:
        servings.append(Serving(operator=Source.GAINING, start=serves.started, all_start=serves.completed))
    return Schedule(versions=tuple(versions), servings=tuple(servings), overlaps=_overlaps(facts, table, by_effect))


def _overlaps(facts: Facts, steps: Iterable[Step], events: Mapping[Effect, Event]) -> tuple[Overlap, ...]:
    """The servers that answer for another party, those that get the gaining zone last from then on."""
    if all(step.effect is not Effect.SHARED_SERVE for step in steps):
        return facts.shared_servers
    to_losing = [overlap for overlap in facts.shared_servers if overlap.answers is Source.LOSING]
    opened = events.get(Effect.SHARED_SERVE)
    if opened is None:
        return tuple(to_losing)
    to_gaining = [overlap for overlap in facts.shared_servers if overlap.answers is Source.GAINING]
    return (*to_losing, *[replace(overlap, start=opened.started) for overlap in to_gaining])


def _data(source: Source, operator: OperatorFacts, record: str) -> DataVersion:
    return DataVersion(
        source=source, record=record, ttl=operator.largest_ttl, signatures=operator.signatures(operator.data_signers)
    )


def _as_data(ns: NsVersion, operator: OperatorFacts) -> DataVersion:
    """The NS RRset of a zone as what it is besides: signed data like any other."""
    return DataVersion(
        source=ns.source,
        record=ns.record,
        ttl=ns.ttl,
        start=ns.start,
        end=ns.end,
        signatures=operator.signatures(operator.data_signers),
    )


def _line(first: _V, changes: Iterable[tuple[Event | None, Callable[[_V], _V]]]) -> list[_V]:
    """The versions of one RRset: the first, and one for each change that takes place, in the order of their starts.

    A server that has a change has those before it too, so a version is gone as soon as any later one is on every server.
    """
    at_once: dict[Event, list[Callable[[_V], _V]]] = {}
    for event, change in changes:
        if event is not None:
            at_once.setdefault(event, []).append(change)
    line: list[_V] = [first]
    events = sorted(at_once, key=lambda event: (event.started, event.completed))
    for number, event in enumerate(events):
        gone = min(later.completed for later in events[number:])
        line[-1] = replace(line[-1], end=gone if line[-1].start is None else max(gone, line[-1].start))
        after = replace(line[-1], start=event.started, end=None)
        for change in at_once[event]:
            after = change(after)
        line.append(after)
    return line


def _earlier(first: _V, facts: Facts, record: Record) -> list[_V]:
    """What was served before, with the TTLs it had then."""
    return [replace(first, ttl=seen.ttl, end=seen.until) for seen in facts.ledger.of(first.source, record)]


def _parent_ns(facts: Facts, events: Mapping[Effect, Event]) -> list[NsVersion]:
    first = NsVersion(
        source=Source.PARENT,
        record="NS at the parent to the losing operator",
        ttl=facts.parent.ns_ttl,
        leads_to=leads_to(facts, Source.LOSING),
        hosts=facts.servers_that_stay,
    )

    def to_gaining(version: NsVersion) -> NsVersion:
        record = "NS at the parent to the gaining operator"
        return replace(version, record=record, leads_to=leads_to(facts, Source.GAINING))

    return [*_earlier(first, facts, Record.NS), *_line(first, [(events.get(Effect.NS_AT_PARENT), to_gaining)])]


def _parent_ds(facts: Facts, events: Mapping[Effect, Event]) -> list[DsVersion]:
    parent = facts.parent
    # Beside a stronger digest a weaker one may not count (RFC 4509 section 3), so the keys of both get the same.
    types = {parent.digest_type, *(each.digest_type for each in parent.ds if each.digest_type > parent.digest_type)}
    ours = frozenset(DsEntry(key=key, digest_type=kind) for key in facts.gaining.dnskey_signers for kind in types)
    theirs = parent.ds | {DsEntry(key=entry.key, digest_type=kind) for entry in parent.ds for kind in types}
    first = DsVersion(
        source=Source.PARENT,
        record="DS of the losing operator" if parent.ds else "proof that there is no DS",
        ttl=parent.ds_ttl if parent.ds else parent.negative_ttl,
        entries=parent.ds,
    )

    def added(version: DsVersion) -> DsVersion:
        if version.entries:
            return replace(version, record="DS of both operators", entries=theirs | ours)
        return replace(version, record="DS of the gaining operator", ttl=parent.ds_ttl, entries=ours)

    def removed(version: DsVersion) -> DsVersion:
        left = version.entries & ours
        record = "DS of the gaining operator" if left else "proof that there is no DS"
        return replace(version, record=record, entries=left, ttl=parent.ds_ttl if left else parent.negative_ttl)

    def none(version: DsVersion) -> DsVersion:
        return replace(version, record="proof that there is no DS", ttl=parent.negative_ttl, entries=frozenset())

    changes = [
        (events.get(Effect.ALL_DS_REMOVED), none),
        (events.get(Effect.DS_ADDED), added),
        (events.get(Effect.LOSING_DS_REMOVED), removed),
    ]
    # Where there is no DS any more, one that was seen before was of the losing operator.
    seen = parent.ds or frozenset(
        DsEntry(key=key, digest_type=parent.digest_type) for key in facts.losing.dnskey_signers
    )
    before = replace(first, record="DS of the losing operator", entries=seen) if seen else first
    return [*_earlier(before, facts, Record.DS), *_line(first, changes)]


def _losing_ns(facts: Facts, events: Mapping[Effect, Event]) -> list[NsVersion]:
    first = NsVersion(
        source=Source.LOSING,
        record="NS of the losing operator",
        ttl=facts.losing.ns_ttl,
        leads_to=leads_to(facts, Source.LOSING),
        hosts=facts.servers_that_stay,
    )

    def lowered(version: NsVersion) -> NsVersion:
        return replace(version, record="NS of the losing operator, TTL lowered", ttl=facts.lowered(version.ttl))

    def to_gaining(version: NsVersion) -> NsVersion:
        record = "NS of the losing operator to the gaining one"
        return replace(version, record=record, leads_to=leads_to(facts, Source.GAINING))

    changes = [(events.get(Effect.TTLS_LOWERED), lowered), (events.get(Effect.NS_AT_LOSING), to_gaining)]
    return [*_earlier(first, facts, Record.NS), *_line(first, changes)]


def leads_to(facts: Facts, operator: Source) -> frozenset[Source]:
    """Return whom an operator's NS RRset leads to by its names alone: nobody where all of them stay."""
    servers = facts.losing.name_servers if operator is Source.LOSING else facts.gaining.name_servers
    stay = facts.servers_that_stay
    return frozenset() if stay and servers <= stay else frozenset((operator,))


def _addresses(facts: Facts, events: Mapping[Effect, Event]) -> list[AddressVersion]:
    """The addresses of the name servers whose names stay, at the parent and in both zones.

    Who has the old ones goes on asking the losing servers, whatever NS RRset names them.
    """
    losing_ttl, gaining_ttl, glue_ttl = facts.losing.address_ttl, facts.gaining.address_ttl, facts.parent.glue_ttl
    assert losing_ttl is not None and gaining_ttl is not None and glue_ttl is not None  # or there are no such facts
    stay = facts.servers_that_stay

    def to_gaining(version: AddressVersion) -> AddressVersion:
        record = version.record.replace("losing", "gaining")
        return replace(version, record=record, leads_to=Source.GAINING)

    def first(source: Source, where: str, ttl: Ttl) -> AddressVersion:
        record = f"addresses of the losing name servers {where}"
        return AddressVersion(source=source, record=record, ttl=ttl, hosts=stay, leads_to=Source.LOSING)

    glue = first(Source.PARENT, "at the parent", glue_ttl)
    own = first(Source.LOSING, "in the zone", losing_ttl)
    return [
        *_earlier(glue, facts, Record.ADDRESS),
        *_earlier(own, facts, Record.ADDRESS),
        *_line(glue, [(events.get(Effect.NS_AT_PARENT), to_gaining)]),
        *_line(own, [(events.get(Effect.NS_AT_LOSING), to_gaining)]),
        replace(to_gaining(own), source=Source.GAINING, ttl=gaining_ttl),
    ]


def _losing_dnskey(facts: Facts, events: Mapping[Effect, Event]) -> list[DnskeyVersion]:
    first = _dnskey(Source.LOSING, facts.losing, "DNSKEY of the losing operator")
    takes_ksk = Capability.IMPORT_KSK in facts.losing.can  # without, what signs data is all it publishes, and enough
    theirs = frozenset(each.key for each in facts.gaining.keys) if takes_ksk else facts.gaining.keys_for_others

    def merged(version: DnskeyVersion) -> DnskeyVersion:
        return replace(
            version, record="DNSKEY of the losing operator with the gaining keys", keys=version.keys | theirs
        )

    def lowered(version: DnskeyVersion) -> DnskeyVersion:
        return replace(version, record=f"{version.record}, TTL lowered", ttl=facts.lowered(version.ttl))

    changes = [(events.get(Effect.GAINING_KEYS_AT_LOSING), merged), (events.get(Effect.TTLS_LOWERED), lowered)]
    return [*_earlier(first, facts, Record.DNSKEY), *_line(first, changes)]


def _gaining_ns(facts: Facts, events: Mapping[Effect, Event], kept_low: bool) -> list[NsVersion]:
    ttl = facts.gaining.ns_ttl
    first = NsVersion(
        source=Source.GAINING,
        record="NS of the gaining operator",
        ttl=facts.lowered(ttl) if kept_low else ttl,
        leads_to=leads_to(facts, Source.GAINING),
        hosts=facts.servers_that_stay,
    )

    def restored(version: NsVersion) -> NsVersion:
        return replace(version, record="NS of the gaining operator, TTL restored", ttl=ttl)

    return _line(first, [(events.get(Effect.GAINING_TTLS_RESTORED), restored)] if first.ttl != ttl else [])


def _gaining_dnskey(facts: Facts, events: Mapping[Effect, Event], kept_low: bool) -> list[DnskeyVersion]:
    ttl = facts.gaining.dnskey_ttl
    first = _dnskey(Source.GAINING, facts.gaining, "DNSKEY of the gaining operator")
    first = replace(first, ttl=facts.lowered(ttl) if kept_low else ttl)
    theirs = facts.losing.keys_for_others

    def merged(version: DnskeyVersion) -> DnskeyVersion:
        return replace(
            version, record="DNSKEY of the gaining operator with the losing keys", keys=version.keys | theirs
        )

    def withdrawn(version: DnskeyVersion) -> DnskeyVersion:
        return replace(version, record="DNSKEY of the gaining operator alone", keys=version.keys - theirs)

    def restored(version: DnskeyVersion) -> DnskeyVersion:
        return replace(version, record=f"{version.record}, TTL restored", ttl=ttl)

    changes = [
        (events.get(Effect.LOSING_KEYS_AT_GAINING), merged),
        (events.get(Effect.LOSING_KEYS_WITHDRAWN), withdrawn),
    ]
    if first.ttl != ttl:
        changes.append((events.get(Effect.GAINING_TTLS_RESTORED), restored))
    return _line(first, changes)


def _dnskey(source: Source, operator: OperatorFacts, record: str) -> DnskeyVersion:
    return DnskeyVersion(
        source=source,
        record=record if operator.keys else f"proof that there is no {record}",
        ttl=operator.dnskey_ttl,
        keys=frozenset(each.key for each in operator.keys),
        signatures=operator.signatures(operator.dnskey_signers),
    )
