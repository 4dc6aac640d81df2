"""The proof that a schedule is safe, as data that a stranger can check.

A certificate says what is served when, and claims for each kind of resolver whom it can ask and what its caches can hold,
and for how long: what is hard to find and easy to check. :mod:`zonekit.transfer.check_certificate` describes the format
and checks it; it shares nothing with the planner but that format, so that a registry need not trust the planner.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias

from zonekit.errors import PlanError
from zonekit.transfer.caches import Held, held, holds_like, insecure
from zonekit.transfer.check_certificate import FORMAT, VERSION, check
from zonekit.transfer.plan import Plan
from zonekit.transfer.profiles import ResolverProfile
from zonekit.transfer.spans import NEVER, Spans, span, union
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsEntry,
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
    _check_names(schedule)
    all_held: dict[Hashable, tuple[str, Held]] = {}
    for profile in chosen:
        if holds_like(profile) not in all_held:
            name = f"{profile.name} ({len(all_held)})" if profile.name in dict(all_held.values()) else profile.name
            all_held[holds_like(profile)] = name, held(schedule, profile)
    claimed = dict(all_held.values())
    return {
        "format": FORMAT,
        "version": VERSION,
        "domain": subject.facts.domain if isinstance(subject, Plan) else "",
        **{kind: [_version(each, claimed) for each in _of(schedule, kind)] for kind in _KINDS},
        "servers": {operator.value: _servers(schedule, operator, claimed) for operator in _OPERATORS},
        "overlaps": [
            {"asked": each.asked.value, "answers": each.answers.value, "loaded": _times(span(each.start, each.end))}
            for each in schedule.overlaps
        ],
        "profiles": [_profile(schedule, profile, *all_held[holds_like(profile)]) for profile in chosen],
    }


def _of(schedule: Schedule, kind: str) -> list[Version]:
    return [version for version in schedule.versions if isinstance(version, _KINDS[kind])]


def _check_names(schedule: Schedule) -> None:
    """Refuse two keys of one name, which would be one key to the checker."""
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


def _version(version: Version, claimed: Mapping[str, Held]) -> dict[str, Any]:
    served = {
        "source": version.source.value,
        "record": version.record,
        "ttl": version.ttl,
        "served": _times(span(version.start, version.end)),
        "live": {name: _times(caches.live[id(version)]) for name, caches in claimed.items()},
    }
    match version:
        case NsVersion():
            names = sorted(operator.value for operator in version.leads_to)
            return served | {"leads_to": names, "hosts": sorted(version.hosts)}
        case AddressVersion():
            return served | {"leads_to": version.leads_to.value, "hosts": sorted(version.hosts)}
        case DsVersion():
            return served | {"entries": [_entry(each) for each in sorted(version.entries)]}
        case DnskeyVersion():
            algorithms = {key.name: key.algorithm for key in version.keys}
            return served | {"keys": algorithms, "signatures": _signatures(version.signatures)}
        case DataVersion():
            return served | {"signatures": _signatures(version.signatures)}
        case _:
            raise PlanError(
                f"{version.record} is a version of an unknown kind", remedy="give one of NS, DS, DNSKEY, data"
            )


def _entry(entry: DsEntry) -> dict[str, Any]:
    return {"key": entry.key.name, "algorithm": entry.key.algorithm, "digest_type": entry.digest_type}


def _signatures(signatures: Iterable[Signature]) -> dict[str, Any]:
    """By key, when it has a valid signature there."""
    valid: dict[str, Spans] = {}
    for each in signatures:
        valid[each.key.name] = union(valid.get(each.key.name, NEVER), span(each.inception, each.expiration))
    return {name: _times(spans) for name, spans in valid.items()}


def _servers(schedule: Schedule, operator: Source, claimed: Mapping[str, Held]) -> dict[str, Any]:
    servings = [serving for serving in schedule.servings if serving.operator is operator]
    return {
        "some_answer": _times(union(*[span(each.start, each.end) for each in servings])),
        "all_answer": _times(union(*[span(each.all_start, each.all_end) for each in servings])),
        "reach": {name: _times(caches.reach[operator]) for name, caches in claimed.items()},
    }


def _profile(schedule: Schedule, profile: ResolverProfile, holds_like_it: str, caches: Held) -> dict[str, Any]:
    return {
        "name": profile.name,
        "holds_like": holds_like_it,
        "minimum_ttl": profile.minimum_ttl,
        "stale_margin": profile.stale_margin // timedelta(seconds=1),
        "latency": profile.latency // timedelta(seconds=1),
        "ns_rule": profile.ns_rule.value,
        "algorithms": sorted(profile.algorithms),
        "digests": sorted(profile.digests),
        "digest_rule": profile.digest_rule.value,
        "algorithm_rule": profile.algorithm_rule.value,
        "trusts_proven_keys": profile.trusts_proven_keys,
        "insecure": _times(insecure(schedule, caches, profile)),
    }


def _times(spans: Spans) -> list[list[int | None]]:
    return [[None if math.isinf(end) else int(end) for end in pair] for pair in spans]
