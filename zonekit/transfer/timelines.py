"""From the steps of a flow and their instants to the versions that are served: the schedule that is proven."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from zonekit.errors import PlanError
from zonekit.instants import instant_text
from zonekit.transfer.facts import Facts
from zonekit.transfer.ledger import Record
from zonekit.transfer.parties import Capability, OperatorFacts
from zonekit.transfer.spans import span
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
    Signature,
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
    data = [_data(Source.LOSING, losing, "data of the losing operator")]
    versions: list[Version] = [
        *_parent_ns(facts, by_effect),
        *_parent_ds(facts, by_effect, table),
        *_losing_ns(facts, by_effect),
        *_losing_dnskey(facts, by_effect),
        *_gaining_dnskey(facts, by_effect, kept_low),
        *_gaining_ns(facts, by_effect, kept_low),
        *_with_earlier(data, facts, Record.DATA),
        *_earlier(data, facts, Record.ADDRESS),
        _data(Source.GAINING, gaining, "data of the gaining operator"),
    ]
    signatures = {
        source: operator.signatures(operator.data_signers)
        for source, operator in ((Source.LOSING, losing), (Source.GAINING, gaining))
    }
    versions += [
        as_data(version, signatures[version.source])
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
        last = serves.completed
        if (shared := by_effect.get(Effect.SHARED_SERVE)) is not None:
            # Until they have the gaining zone, servers of the losing operator have no other when that stops, and those of
            # the parent refer resolvers to themselves when the NS have changed.
            nothing_else = {Source.LOSING: stops, Source.PARENT: by_effect.get(Effect.NS_AT_PARENT)}
            for overlap in facts.shared_servers:
                without = nothing_else.get(overlap.asked)
                if without is not None and without.started < shared.completed:
                    last = max(last, shared.completed)
        servings.append(Serving(operator=Source.GAINING, start=serves.started, all_start=last))
    return Schedule(versions=tuple(versions), servings=tuple(servings), overlaps=_overlaps(facts, table, by_effect))


def _overlaps(facts: Facts, steps: Iterable[Step], events: Mapping[Effect, Event]) -> tuple[Overlap, ...]:
    """The servers that answer for another party.

    Those that get the gaining zone last answer from it from then on. Until then they give the losing zone, or refer to it,
    also to resolvers that the gaining operator's NS RRset leads there.
    """
    if all(step.effect is not Effect.SHARED_SERVE for step in steps):
        return facts.shared_servers
    opened = events.get(Effect.SHARED_SERVE)
    found = []
    for overlap in facts.shared_servers:
        if overlap.answers is Source.LOSING:
            found.append(overlap)
            continue
        if opened is not None:
            found.append(replace(overlap, start=opened.started))
        end = None if opened is None else opened.completed
        found.append(Overlap(asked=Source.GAINING, answers=Source.LOSING, end=end))
    return tuple(found)


def _data(source: Source, operator: OperatorFacts, record: str) -> DataVersion:
    return DataVersion(
        source=source, record=record, ttl=operator.largest_ttl, signatures=operator.signatures(operator.data_signers)
    )


def as_data(ns: NsVersion, signatures: tuple[Signature, ...]) -> DataVersion:
    """Return the NS RRset of a zone as what it is besides: signed data like any other."""
    return DataVersion(
        source=ns.source, record=ns.record, ttl=ns.ttl, start=ns.start, end=ns.end, signatures=signatures
    )


def line_of(first: _V, changes: Iterable[tuple[Event | None, Callable[[_V], _V]]]) -> list[_V]:
    """The versions of one RRset: the first, and what each change that takes place makes of it, in the order of their starts.

    A server may have one change and not another that is under way as well, so every combination that there can be counts.
    """
    at_once: dict[Event, list[Callable[[_V], _V]]] = {}
    for event, change in changes:
        if event is not None:
            at_once.setdefault(event, []).append(change)
    events = sorted(at_once, key=lambda event: (event.started, event.completed))
    line = []
    for done in itertools.product((False, True), repeat=len(events)):
        begun = [event.started for event, is_done in zip(events, done, strict=True) if is_done]
        gone = [event.completed for event, is_done in zip(events, done, strict=True) if not is_done]
        start, end = max(begun, default=first.start), min(gone, default=first.end)
        if start is not None and end is not None and end <= start:
            continue
        version = replace(first, start=start, end=end)
        for event, is_done in zip(events, done, strict=True):
            for change in at_once[event] if is_done else ():
                version = change(version)
        line.append(version)
    return sorted(line, key=lambda version: span(version.start, None))


def _earlier(line: list[_V], facts: Facts, record: Record) -> list[_V]:
    """What the versions of one RRset were with the TTLs that the ledger has."""
    return [
        replace(version, ttl=ttl, end=until if version.end is None else min(until, version.end))
        for ttl, until in facts.ledger.of(line[0].source, record)
        for version in line
        if version.start is None or version.start < until
    ]


def _with_earlier(line: list[_V], facts: Facts, record: Record) -> list[_V]:
    return [*_earlier(line, facts, record), *line]


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

    line = line_of(first, [(events.get(Effect.NS_AT_PARENT), to_gaining)])
    return _with_earlier(line, facts, Record.NS)


def ds_with_gaining(facts: Facts, steps: Iterable[Step], held: frozenset[DsEntry]) -> frozenset[DsEntry]:
    """Return the DS RRset that comes of adding the gaining DS to the one that the parent holds.

    Beside a stronger digest a weaker one may not count (RFC 4509 section 3), so the keys of both get the same ones, in the
    same update. A scanner leaves nothing beside what the CDS records ask for (RFC 7344 section 4), and those ask for no
    weaker ones.
    """
    added = facts.parent.digest_type
    types = {added, *(each.digest_type for each in held if each.digest_type > added)}
    keys = {*facts.gaining.dnskey_signers, *(entry.key for entry in held)}
    asked = frozenset(DsEntry(key=key, digest_type=kind) for key in keys for kind in types)
    is_scanned = any(step.effect is Effect.DS_ADDED and step.scans is not None for step in steps)
    return asked if is_scanned else held | asked


def _parent_ds(facts: Facts, events: Mapping[Effect, Event], steps: Iterable[Step]) -> list[DsVersion]:
    parent, gaining_keys = facts.parent, set(facts.gaining.dnskey_signers)
    first = DsVersion(
        source=Source.PARENT,
        record="DS of the losing operator" if parent.ds else "proof that there is no DS",
        ttl=parent.ds_ttl if parent.ds else parent.negative_ttl,
        entries=parent.ds,
    )

    def added(version: DsVersion) -> DsVersion:
        entries = ds_with_gaining(facts, steps, version.entries)
        record = "DS of both operators" if version.entries else "DS of the gaining operator"
        return replace(version, record=record, ttl=parent.ds_ttl, entries=entries)

    def removed(version: DsVersion) -> DsVersion:
        left = frozenset(entry for entry in version.entries if entry.key in gaining_keys)
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
    line = line_of(first, changes)
    before = replace(line[0], record="DS of the losing operator", entries=seen) if seen else line[0]
    return [*_earlier([before, *line[1:]], facts, Record.DS), *line]


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
    return _with_earlier(line_of(first, changes), facts, Record.NS)


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
        *_with_earlier(line_of(glue, [(events.get(Effect.NS_AT_PARENT), to_gaining)]), facts, Record.ADDRESS),
        *_with_earlier(line_of(own, [(events.get(Effect.NS_AT_LOSING), to_gaining)]), facts, Record.ADDRESS),
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
    return _with_earlier(line_of(first, changes), facts, Record.DNSKEY)


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

    return line_of(first, [(events.get(Effect.GAINING_TTLS_RESTORED), restored)] if first.ttl != ttl else [])


def _gaining_dnskey(facts: Facts, events: Mapping[Effect, Event], kept_low: bool) -> list[DnskeyVersion]:
    ttl = facts.gaining.dnskey_ttl
    kept_low = kept_low and facts.gaining.is_signed  # how long it is known that there are no keys is the SOA's matter
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
    return line_of(first, changes)


def _dnskey(source: Source, operator: OperatorFacts, record: str) -> DnskeyVersion:
    return DnskeyVersion(
        source=source,
        record=record if operator.keys else f"proof that there is no {record}",
        ttl=operator.dnskey_ttl,
        keys=frozenset(each.key for each in operator.keys),
        signatures=operator.signatures(operator.dnskey_signers),
    )
