"""The proof that a schedule is safe, as data that a stranger can check.

A certificate says what is served when, and claims for each kind of resolver what its caches can hold, and by which keys
every DS, DNSKEY and data that can be held at once is proven. :mod:`zonekit.transfer.check_certificate` describes the
format and checks it; it shares nothing with the planner but that format, so that a registry need not trust the planner.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from zonekit.errors import PlanError
from zonekit.instants import epoch_seconds
from zonekit.transfer.caches import Held, counted_entries, held, holds_like, insecure
from zonekit.transfer.check_certificate import FORMAT, VERSION, check
from zonekit.transfer.plan import Plan
from zonekit.transfer.profiles import AlgorithmRule, ResolverProfile
from zonekit.transfer.spans import Spans, intersection, span, union
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsVersion,
    Key,
    NsVersion,
    Schedule,
    Signature,
    Source,
    Version,
)

Certificate: TypeAlias = dict[str, Any]
"""A JSON object, as :mod:`json` reads and writes it."""

_KINDS: Final[Mapping[str, type[Version]]] = {
    "ns": NsVersion,
    "addresses": AddressVersion,
    "ds": DsVersion,
    "dnskey": DnskeyVersion,
    "data": DataVersion,
}
_OPERATORS: Final = (Source.LOSING, Source.GAINING)


def certificate(subject: Plan | Schedule, profiles: Iterable[ResolverProfile] | None = None) -> Certificate:
    """Return the certificate of a plan or schedule: its evidence, after the checker found nothing wrong with it.

    Args:
        subject: what is certified.
        profiles: the resolvers it is safe for; those of the plan unless given.

    Raises:
        PlanError: it is not safe, or a schedule is given without profiles.
    """
    found = evidence(subject, profiles)
    complaints = check(found)
    if complaints:
        raise PlanError(
            f"this cannot be certified: {complaints[0]}" + f", and {len(complaints) - 1} more" * (len(complaints) > 1),
            remedy="prove it, and mend what the counterexample shows",
        )
    return found


def certificate_text(subject: Plan | Schedule, profiles: Iterable[ResolverProfile] | None = None) -> str:
    """Return the certificate of a plan or schedule as JSON text, the same for the same plan.

    Raises:
        PlanError: as for :func:`certificate`.
    """
    return json.dumps(certificate(subject, profiles), sort_keys=True, separators=(",", ":")) + "\n"


def evidence(subject: Plan | Schedule, profiles: Iterable[ResolverProfile] | None = None) -> Certificate:
    """Return what can be said for a plan or schedule, safe or not, in the form of a certificate.

    The checker refuses it where the schedule is not safe, and says why.

    Raises:
        PlanError: a schedule is given without profiles, or no profile at all, or two keys share a name.
    """
    schedule = subject.schedule if isinstance(subject, Plan) else subject
    if profiles is None and isinstance(subject, Plan):
        profiles = subject.resolvers
    chosen = tuple(profiles or ())
    if not chosen:
        raise PlanError("no resolver profiles are given to certify for", remedy="give PROFILES, or your own")
    all_held: dict[Hashable, tuple[int, ResolverProfile, Held]] = {}
    for profile in chosen:
        all_held.setdefault(holds_like(profile), (len(all_held), profile, held(schedule, profile)))
    return {
        "format": FORMAT,
        "version": VERSION,
        "domain": subject.facts.domain if isinstance(subject, Plan) else "",
        "keys": _keys(schedule),
        **{kind: [_version(each) for each in _of(schedule, kind)] for kind in _KINDS},
        "servings": [
            {
                "operator": serving.operator.value,
                **{name: _instant(getattr(serving, name)) for name in ("start", "all_start", "all_end", "end")},
            }
            for serving in schedule.servings
        ],
        "overlaps": [
            {
                "asked": each.asked.value,
                "answers": each.answers.value,
                "start": _instant(each.start),
                "end": _instant(each.end),
            }
            for each in schedule.overlaps
        ],
        "caches": [_caches(schedule, profile, caches) for _, profile, caches in all_held.values()],
        "profiles": [_profile(schedule, profile, *all_held[holds_like(profile)][::2]) for profile in chosen],
    }


def _of(schedule: Schedule, kind: str) -> list[Version]:
    return [version for version in schedule.versions if isinstance(version, _KINDS[kind])]


def _keys(schedule: Schedule) -> list[dict[str, Any]]:
    keys: set[Key] = set()
    for version in schedule.versions:
        match version:
            case DsVersion():
                keys |= {entry.key for entry in version.entries}
            case DnskeyVersion():
                keys |= {*version.keys, *[signature.key for signature in version.signatures]}
            case DataVersion():
                keys |= {signature.key for signature in version.signatures}
    names = [key.name for key in keys]
    if len(set(names)) < len(names):
        twice = next(name for name in sorted(names) if names.count(name) > 1)
        raise PlanError(f"two keys are named {twice}", remedy="give each key its own name")
    return [{"name": key.name, "algorithm": key.algorithm} for key in sorted(keys)]


def _version(version: Version) -> dict[str, Any]:
    served = {
        "source": version.source.value,
        "record": version.record,
        "ttl": version.ttl,
        "start": _instant(version.start),
        "end": _instant(version.end),
    }
    match version:
        case NsVersion():
            names = sorted(operator.value for operator in version.leads_to)
            return served | {"leads_to": names, "hosts": sorted(version.hosts)}
        case AddressVersion():
            return served | {"leads_to": version.leads_to.value, "hosts": sorted(version.hosts)}
        case DsVersion():
            entries = [{"key": each.key.name, "digest_type": each.digest_type} for each in sorted(version.entries)]
            return served | {"entries": entries}
        case DnskeyVersion():
            keys = sorted(key.name for key in version.keys)
            return served | {"keys": keys, "signatures": _signatures(version.signatures)}
        case DataVersion():
            return served | {"signatures": _signatures(version.signatures)}
        case _:
            raise PlanError(
                f"{version.record} is a version of an unknown kind", remedy="give one of NS, DS, DNSKEY, data"
            )


def _signatures(signatures: Iterable[Signature]) -> list[dict[str, Any]]:
    return [
        {"key": each.key.name, "inception": _instant(each.inception), "expiration": _instant(each.expiration)}
        for each in signatures
    ]


def _caches(schedule: Schedule, profile: ResolverProfile, caches: Held) -> dict[str, Any]:
    return {
        "ns_rule": profile.ns_rule.value,
        "minimum_ttl": profile.minimum_ttl,
        "stale_margin": profile.stale_margin // timedelta(seconds=1),
        "latency": profile.latency // timedelta(seconds=1),
        "reach": {operator.value: _spans(caches.reach[operator]) for operator in _OPERATORS},
        **{
            kind: [
                {"fetched": _spans(caches.fetched[id(each)]), "live": _spans(caches.live[id(each)])}
                for each in _of(schedule, kind)
            ]
            for kind in _KINDS
        },
    }


def _profile(schedule: Schedule, profile: ResolverProfile, number: int, caches: Held) -> dict[str, Any]:
    live = caches.live
    triples = [
        {"ds": i, "dnskey": j, "data": k, "paths": _paths(ds, dnskey, data, profile, together)}
        for i, ds in enumerate(_of(schedule, "ds"))
        for j, dnskey in enumerate(_of(schedule, "dnskey"))
        if (both := intersection(live[id(ds)], live[id(dnskey)]))
        for k, data in enumerate(_of(schedule, "data"))
        if (together := intersection(both, live[id(data)]))
    ]
    return {
        "name": profile.name,
        "caches": number,
        "algorithms": sorted(profile.algorithms),
        "digests": sorted(profile.digests),
        "digest_rule": profile.digest_rule.value,
        "algorithm_rule": profile.algorithm_rule.value,
        "trusts_proven_keys": profile.trusts_proven_keys,
        "insecure": _spans(insecure(schedule, caches, profile)),
        "triples": triples,
    }


def _paths(ds: Version, dnskey: Version, data: Version, profile: ResolverProfile, together: Spans) -> list[list[str]]:
    """The pairs of keys that prove data while the three can be held; none where no DS record counts."""
    assert isinstance(ds, DsVersion) and isinstance(dnskey, DnskeyVersion) and isinstance(data, DataVersion)
    tops = sorted({entry.key for entry in counted_entries(ds, profile)} & dnskey.keys)
    bottoms = [key for key in sorted(dnskey.keys) if key.algorithm in profile.algorithms]
    return [
        [top.name, bottom.name]
        for top in tops
        for bottom in bottoms
        if profile.algorithm_rule is AlgorithmRule.ANY or top.algorithm == bottom.algorithm
        if intersection(together, intersection(_valid(dnskey.signatures, top), _valid(data.signatures, bottom)))
    ]


def _valid(signatures: Iterable[Signature], key: Key) -> Spans:
    return union(*[span(each.inception, each.expiration) for each in signatures if each.key == key])


def _instant(instant: datetime | None) -> int | None:
    return None if instant is None else epoch_seconds(instant)


def _spans(spans: Spans) -> list[list[int | None]]:
    return [[None if math.isinf(end) else int(end) for end in pair] for pair in spans]
