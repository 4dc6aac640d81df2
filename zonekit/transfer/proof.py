"""The verdict on a schedule: safe, or a counterexample with its story.

A schedule is safe when it is safe under every resolver profile asked about. Where it is not, the verdict says under
which one, from when, for how long altogether, and what a resolver that is caught has fetched when.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from zonekit.errors import PlanError
from zonekit.instants import instant_text
from zonekit.transfer.caches import (
    Clash,
    Held,
    clashes,
    counted_entries,
    held,
    holds_like,
    insecure,
    outages,
    validates_like,
)
from zonekit.transfer.profiles import AlgorithmRule, ResolverProfile
from zonekit.transfer.spans import Seconds, Spans, instant_of, total, union
from zonekit.transfer.versions import DataVersion, DnskeyVersion, DsVersion, NsVersion, Schedule, Version
from zonekit.ttl import duration_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time under one profile; None for an end that lies in eternity."""

    profile: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """No resolver of these profiles can see the domain bogus, and none is sent to servers that do not answer.

    Attributes:
        profiles: the names of the profiles.
        insecure: when a resolver may find the domain unsigned, by profile.
    """

    profiles: tuple[str, ...]
    insecure: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bogus:
    """A resolver can see the domain bogus.

    Attributes:
        profile: the name of the profile.
        at: the first instant at which it can; None where that lies before all that is known.
        ds: the DS version that a cache holds then.
        dnskey: the DNSKEY version.
        data: the version of the data.
        bogus_for: for how long altogether somebody can; None for ever.
        story: what that resolver fetched when, and why it does not fit.
    """

    profile: str
    at: datetime | None
    ds: DsVersion
    dnskey: DnskeyVersion
    data: DataVersion
    bogus_for: timedelta | None
    story: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A resolver can be sent to servers of which none answers.

    Attributes:
        profile: the name of the profile.
        at: the first instant at which it can.
        ns: the NS version that leads there.
        out_for: for how long altogether somebody can; None for ever.
        story: what that resolver fetched when.
    """

    profile: str
    at: datetime | None
    ns: NsVersion
    out_for: timedelta | None
    story: str


Verdict: TypeAlias = Safe | Bogus | Outage


def prove_schedule(schedule: Schedule, profiles: Iterable[ResolverProfile]) -> Verdict:
    """Return whether a schedule is safe under each of these profiles, or else how it fails under the first that fails.

    Bogus comes before outage.

    Raises:
        PlanError: there are no profiles.
    """
    chosen = tuple(profiles)
    if not chosen:
        raise PlanError("no resolver profile is given, and nothing is safe for nobody", remedy="give PROFILES, or some")
    windows: list[Window] = []
    outage: Outage | None = None
    all_held: dict[Hashable, Held] = {}
    found_safe: set[Hashable] = set()
    for profile in chosen:
        holds = holds_like(profile)
        if holds not in all_held:
            all_held[holds] = held(schedule, profile)
            outage = outage or _outage(schedule, all_held[holds], profile)
        caches = all_held[holds]
        validates = holds, validates_like(schedule, profile)
        if validates not in found_safe:
            found = sorted(clashes(schedule, caches, profile), key=_earliest_and_longest)
            if found:
                return _bogus(found, caches, profile)
            found_safe.add(validates)
        windows += [
            Window(profile=profile.name, start=instant_of(start), end=instant_of(end))
            for start, end in insecure(schedule, caches, profile)
        ]
    return outage or Safe(profiles=tuple(profile.name for profile in chosen), insecure=tuple(windows))


def failures(schedule: Schedule, profiles: Iterable[ResolverProfile]) -> tuple[Bogus | Outage, ...]:
    """Return every way in which a schedule fails: each triple that is bogus, and each NS version that leads to nobody.

    One that fails in the same way under several profiles is told once for each of them, the earliest first.

    Raises:
        PlanError: there are no profiles.
    """
    chosen = tuple(profiles)
    if not chosen:
        raise PlanError("no resolver profile is given, and nothing fails for nobody", remedy="give PROFILES, or some")
    found: list[tuple[Seconds, Bogus | Outage]] = []
    for profile in chosen:
        caches = held(schedule, profile)
        for clash in clashes(schedule, caches, profile):
            found.append((clash.bad[0][0], _bogus([clash], caches, profile)))
        for ns, bad in outages(schedule, caches):
            found.append((bad[0][0], _out(ns, bad, caches, profile)))
    return tuple(failure for _, failure in sorted(found, key=lambda pair: pair[0]))


def _earliest_and_longest(clash: Clash) -> tuple[Seconds, Seconds]:
    return clash.bad[0][0], -clash.bad[0][1]


def _bogus(found: list[Clash], caches: Held, profile: ResolverProfile) -> Bogus:
    worst = found[0]
    at = worst.bad[0][0]
    held_then = [_fetch_text(version, caches, at) for version in (worst.ds, worst.dnskey, worst.data)]
    reason = _reason(worst, caches, profile, at)
    return Bogus(
        profile=profile.name,
        at=instant_of(at),
        ds=worst.ds,
        dnskey=worst.dnskey,
        data=worst.data,
        bogus_for=total(union(*[clash.bad for clash in found])),
        story=" ".join([*held_then, f"{_when(at)} a resolver ({profile.name}) puts the three together: {reason}."]),
    )


def _outage(schedule: Schedule, caches: Held, profile: ResolverProfile) -> Outage | None:
    found = sorted(outages(schedule, caches), key=lambda pair: pair[1])
    if not found:
        return None
    ns, bad = found[0]
    return replace(_out(ns, bad, caches, profile), out_for=total(union(*[spans for _, spans in found])))


def _out(ns: NsVersion, bad: Spans, caches: Held, profile: ResolverProfile) -> Outage:
    at = bad[0][0]
    return Outage(
        profile=profile.name,
        at=instant_of(at),
        ns=ns,
        out_for=total(bad),
        story=f"{_fetch_text(ns, caches, at)} {_when(at)} none of the servers that it names answers for the zone.",
    )


def _fetch_text(version: Version, caches: Held, at: Seconds) -> str:
    """What a cache that holds this version at ``at`` fetched, and when at the latest."""
    fetch = max(min(at, last - 1) for first, last in caches.fetched[id(version)] if first <= at)
    return f"{_when(fetch)} a cache fetches {version.record} (TTL {duration_text(version.ttl)})."


def _when(seconds: Seconds) -> str:
    instant = instant_of(seconds)
    return "Long before" if instant is None else f"At {instant_text(instant)}"


def _reason(clash: Clash, caches: Held, profile: ResolverProfile, at: Seconds) -> str:
    entries = counted_entries(clash.ds, profile)
    delegated = {entry.key for entry in entries}
    signing = {signature.key for signature in clash.dnskey.signatures}
    proving = {signature.key for signature in clash.data.signatures}
    if at >= caches.live[id(clash.ds)][-1][1]:
        return "it still trusts the keys that it proved while it had the DS, and they did not sign the data"
    if not delegated & signing & clash.dnskey.keys:
        return "no DS record that counts is of a key that signed this DNSKEY RRset"
    if not proving & clash.dnskey.keys:
        return "no key that signed the data is in this DNSKEY RRset"
    if profile.algorithm_rule is AlgorithmRule.ALL:
        return "an algorithm of the DS RRset does not lead to the data, and this resolver asks that all do"
    return "the signatures that would prove it have expired"
