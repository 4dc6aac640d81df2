"""The exact cache model: which versions resolvers may hold at one instant, and whether they fit together.

A cache may hold what was served while its server could be asked, for as long as its TTL. Different caches, forwarders
behind caches and validators behind those mix what they hold in every way there is. So a schedule is safe when at no
instant three versions that can be held at once, a DS, a DNSKEY and any data, fail to validate. Versions do not change
while they last, so this is decided by intersecting spans of time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar, assert_never

from zonekit.transfer.profiles import AlgorithmRule, DigestRule, NsRule, ResolverProfile
from zonekit.transfer.spans import ALWAYS, NEVER, Spans, difference, intersection, lasting, span, union
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsEntry,
    DsVersion,
    NsVersion,
    Schedule,
    Signature,
    Source,
    Version,
)

_OPERATORS: Final = (Source.LOSING, Source.GAINING)
_SHA1: Final = 1
_Reach: TypeAlias = dict[Source, Spans]
_V = TypeVar("_V", bound=Version)


@dataclass(frozen=True, slots=True)
class Held:
    """What caches may hold under one profile.

    Attributes:
        reach: when a resolver may ask each operator's servers.
        fetched: for each version, by its identity, when it may be fetched.
        live: for each version, by its identity, when a cache may hold it.
    """

    reach: Mapping[Source, Spans]
    fetched: Mapping[int, Spans]
    live: Mapping[int, Spans]


def held(schedule: Schedule, profile: ResolverProfile) -> Held:
    """Return what caches may hold of a schedule, and when."""
    serving = _serving(schedule)
    fetched, reach = _led_by_names_and_addresses(schedule, profile, serving)
    for version in schedule.versions:
        if id(version) not in fetched:
            fetched[id(version)] = _asked(version, serving, reach)
    live = {id(version): lasting(fetched[id(version)], profile.kept(version.ttl)) for version in schedule.versions}
    return Held(reach=reach, fetched=fetched, live=live)


def _serving(schedule: Schedule) -> dict[Source, Spans]:
    """When each source answers; the parent always does."""
    spans = {Source.PARENT: ALWAYS, Source.LOSING: NEVER, Source.GAINING: NEVER}
    for serving in schedule.servings:
        spans[serving.operator] = union(spans[serving.operator], span(serving.start, serving.end))
    return spans


def _asked(version: Version, serving: _Reach, reach: _Reach) -> Spans:
    """When a version is served by somebody who can be asked."""
    served = intersection(span(version.start, version.end), serving[version.source])
    return served if version.source is Source.PARENT else intersection(served, reach[version.source])


def _led_by_names_and_addresses(
    schedule: Schedule, profile: ResolverProfile, serving: _Reach
) -> tuple[dict[int, Spans], _Reach]:
    """When each NS and address version may be fetched and used, and when that leads resolvers to each operator.

    Addresses lead to servers, and some of those serve addresses: so the two take turns until nothing is added. Addresses
    by which a server leads to itself are fetched for as long as it has them, once somebody is there: one of several name
    servers gives the addresses of the others again before they have run out.
    """
    addresses = [version for version in schedule.versions if isinstance(version, AddressVersion)]
    of_addresses = {
        id(version): span(version.start, version.end) if version.source is Source.PARENT else NEVER
        for version in addresses
    }
    names = [version for version in _of(schedule, NsVersion) if version.hosts]
    rounds = 0
    while True:
        leading = [(each, lasting(of_addresses[id(each)], profile.kept(each.ttl))) for each in addresses]
        fetched, reach = _referrals(schedule, profile, serving, leading)
        before = dict(of_addresses)
        for version in addresses:
            if version.source is not Source.PARENT:
                of_addresses[id(version)] = _asked(version, serving, reach)
                # The other way round is an odd schedule, which might go on for ever: then all of the time counts.
                if version.leads_to is version.source or rounds > len(addresses):
                    named = [lasting(fetched[id(ns)], profile.kept(ns.ttl)) for ns in names if ns.hosts & version.hosts]
                    again = intersection(span(version.start, version.end), union(*named))
                    stayed = _never_left(of_addresses[id(version)], again, serving[version.source])
                    of_addresses[id(version)] = union(of_addresses[id(version)], stayed)
        if of_addresses == before:
            return fetched | of_addresses, reach
        rounds += 1


def _referrals(
    schedule: Schedule, profile: ResolverProfile, serving: _Reach, addresses: Iterable[tuple[AddressVersion, Spans]]
) -> tuple[dict[int, Spans], _Reach]:
    """When each NS version may be fetched and used, and when that leads resolvers to each operator.

    The parent's NS RRset leads to a child's, and that may lead on to the other child's; none is used to come back to
    where it came from, so that a child which goes on naming itself keeps a resolver for one TTL of its NS RRset and no
    longer. In the sticky profile it keeps it.
    """
    versions = [version for version in schedule.versions if isinstance(version, NsVersion)]
    by_parent = [version for version in versions if version.source is Source.PARENT]
    fetched: dict[int, Spans] = {id(version): span(version.start, version.end) for version in by_parent}

    def kept(version: NsVersion) -> Spans:
        return lasting(fetched[id(version)], profile.kept(version.ttl))

    def leads(version: NsVersion, operator: Source) -> Spans:
        if operator in version.leads_to or not version.hosts:
            return kept(version) if operator in version.leads_to else NEVER
        to_it = [live for each, live in addresses if each.leads_to is operator and each.hosts & version.hosts]
        return intersection(kept(version), union(*to_it))

    def led_to(operator: Source, referrals: Iterable[NsVersion]) -> Spans:
        return union(*[leads(version, operator) for version in referrals])

    first = _with_overlaps({operator: led_to(operator, by_parent) for operator in _OPERATORS}, schedule, serving)
    of = {operator: [version for version in versions if version.source is operator] for operator in _OPERATORS}
    for operator in _OPERATORS:
        fetched |= {id(version): _asked(version, serving, first) for version in of[operator]}
    onward = {
        Source.LOSING: union(first[Source.LOSING], led_to(Source.LOSING, of[Source.GAINING])),
        Source.GAINING: union(first[Source.GAINING], led_to(Source.GAINING, of[Source.LOSING])),
    }
    for operator in _OPERATORS:
        arrived = onward[operator]
        for version in sorted(of[operator], key=lambda each: span(each.start, each.end)):
            fetched[id(version)] = _asked(version, serving, {operator: arrived})
            if profile.ns_rule is NsRule.STICKY and (operator in version.leads_to or version.hosts):
                fetched[id(version)] = _never_left(
                    fetched[id(version)], span(version.start, version.end), serving[operator]
                )
                arrived = union(arrived, leads(version, operator))
    reach = {operator: union(first[operator], led_to(operator, versions)) for operator in _OPERATORS}
    return fetched, _with_overlaps(reach, schedule, serving)


def _with_overlaps(reach: _Reach, schedule: Schedule, serving: _Reach) -> _Reach:
    """The reach with the servers that answer for another source as soon as they have that zone too."""
    opened = dict(reach)
    for overlap in schedule.overlaps * 2:  # the one asked may be open by another
        asked = ALWAYS if overlap.asked is Source.PARENT else opened[overlap.asked]
        has_it = intersection(serving[overlap.answers], span(overlap.start, overlap.end))
        opened[overlap.answers] = union(opened[overlap.answers], intersection(asked, has_it))
    return opened


def _never_left(fetched: Spans, served: Spans, serving: Spans) -> Spans:
    """When a version is fetched by resolvers that stay once they are there: from then to its end."""
    return tuple(
        [
            (min(first for first, last in inside), end)
            for start, end in intersection(served, serving)
            if (inside := intersection(fetched, ((start, end),)))
        ]
    )


# ---- what validates -------------------------------------------------------------------------------------------------


def counted_entries(ds: DsVersion, profile: ResolverProfile) -> frozenset[DsEntry]:
    """Return the DS records that a resolver goes by; when there are none the domain is insecure to it.

    Records of unsupported algorithms and digests do not count (RFC 4035 section 5.2), nor those that the digest rule
    passes over.
    """
    supported = [
        entry
        for entry in ds.entries
        if entry.key.algorithm in profile.algorithms and entry.digest_type in profile.digests
    ]
    strongest = max((entry.digest_type for entry in supported), default=0)
    match profile.digest_rule:
        case DigestRule.ALL:
            return frozenset(supported)
        case DigestRule.IGNORE_SHA1:
            return frozenset(entry for entry in supported if entry.digest_type != _SHA1 or strongest == _SHA1)
        case DigestRule.STRONGEST:
            return frozenset(entry for entry in supported if entry.digest_type == strongest)
        case _:
            assert_never(profile.digest_rule)


def proven_keys(ds: DsVersion, dnskey: DnskeyVersion, profile: ResolverProfile) -> dict[int, Spans] | None:
    """Return by algorithm when a DNSKEY RRset is proven by a DS RRset, or None where the domain is insecure.

    An algorithm that counts and proves nothing is there, and never.
    """
    entries = counted_entries(ds, profile)
    if not entries:
        return None
    proven: dict[int, Spans] = {entry.key.algorithm: NEVER for entry in entries}
    delegated = {entry.key for entry in entries} & dnskey.keys
    for signature in dnskey.signatures:
        if signature.key in delegated:
            proven[signature.key.algorithm] = union(proven[signature.key.algorithm], _valid(signature))
    return proven


def proven_data(dnskey: DnskeyVersion, data: DataVersion, profile: ResolverProfile) -> dict[int, Spans]:
    """Return by algorithm when data is proven by a DNSKEY RRset that is proven itself."""
    proven: dict[int, Spans] = defaultdict(lambda: NEVER)
    for signature in data.signatures:
        if signature.key in dnskey.keys and signature.key.algorithm in profile.algorithms:
            proven[signature.key.algorithm] = union(proven[signature.key.algorithm], _valid(signature))
    return proven


def _valid(signature: Signature) -> Spans:
    return span(signature.inception, signature.expiration)


def validated(keys: Mapping[int, Spans], data: Mapping[int, Spans], rule: AlgorithmRule) -> Spans:
    """Return when a chain of trust leads to the data: by one algorithm, or by all of the DS RRset."""
    match rule:
        case AlgorithmRule.ANY:
            return intersection(union(*keys.values()), union(*data.values()))
        case AlgorithmRule.ALL:
            whole = ALWAYS
            for algorithm, spans in keys.items():
                whole = intersection(whole, intersection(spans, data.get(algorithm, NEVER)))
            return whole
        case _:
            assert_never(rule)


def validates_like(schedule: Schedule, profile: ResolverProfile) -> Hashable:
    """Return what the verdict on a schedule depends on, of all that a profile says about validation.

    Two profiles with the same answer here find the same triples bogus, which spares looking twice.
    """
    counted = tuple([counted_entries(ds, profile) for ds in _of(schedule, DsVersion)])
    signing = {signature.key.algorithm for data in _of(schedule, DataVersion) for signature in data.signatures}
    one_algorithm = len({entry.key.algorithm for entries in counted for entry in entries} | signing) == 1
    rule = AlgorithmRule.ANY if one_algorithm else profile.algorithm_rule
    return counted, profile.algorithms & signing, rule, profile.trusts_proven_keys


def holds_like(profile: ResolverProfile) -> Hashable:
    """Return what of a profile decides what its caches hold."""
    return profile.ns_rule, profile.minimum_ttl, profile.stale_margin, profile.latency


# ---- what goes wrong ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clash:
    """A DS, a DNSKEY and data that caches may hold at once and that do not validate, and when."""

    ds: DsVersion
    dnskey: DnskeyVersion
    data: DataVersion
    bad: Spans


def clashes(schedule: Schedule, caches: Held, profile: ResolverProfile) -> Iterator[Clash]:
    """Yield every triple of versions that is bogus at some instant."""
    ds_versions = [version for version in _of(schedule, DsVersion) if caches.live[id(version)]]
    dnskey_versions = [version for version in _of(schedule, DnskeyVersion) if caches.live[id(version)]]
    data_versions = [version for version in _of(schedule, DataVersion) if caches.live[id(version)]]
    for dnskey in dnskey_versions:
        by_data = [(data, proven_data(dnskey, data, profile)) for data in data_versions]
        for ds in ds_versions:
            keys = proven_keys(ds, dnskey, profile)
            if keys is None:
                continue
            together = intersection(caches.live[id(ds)], caches.live[id(dnskey)])
            trusted = _trusted(keys, together, dnskey, caches, profile)
            for data, proofs in by_data if together else ():
                good = validated(keys, proofs, profile.algorithm_rule)
                bad = NEVER if good == ALWAYS else difference(intersection(together, caches.live[id(data)]), good)
                if trusted:
                    alone = intersection(trusted, caches.live[id(data)])
                    bad = union(bad, difference(alone, validated(_all_proven(keys), proofs, profile.algorithm_rule)))
                if bad:
                    yield Clash(ds, dnskey, data, bad)


def _trusted(
    keys: Mapping[int, Spans], together: Spans, dnskey: DnskeyVersion, caches: Held, profile: ResolverProfile
) -> Spans:
    """When a DNSKEY RRset is trusted that was proven while the DS RRset was there, and it is there no more."""
    if not profile.trusts_proven_keys or together == caches.live[id(dnskey)]:
        return NEVER
    proven = intersection(together, validated(keys, _all_proven(keys), profile.algorithm_rule))
    kept = intersection(lasting(proven, profile.kept(dnskey.ttl)), caches.live[id(dnskey)])
    return difference(kept, together)


def _all_proven(keys: Mapping[int, Spans]) -> dict[int, Spans]:
    """What is known of proven keys: that they are."""
    return dict.fromkeys(keys, ALWAYS)


def outages(schedule: Schedule, caches: Held) -> Iterator[tuple[NsVersion, Spans]]:
    """Yield every NS version that leads only to servers of which one does not answer, and when it does.

    A resolver may know one address of an operator and no other, so all its servers have to answer, at each address that a
    cache may hold of them.
    """
    answering = dict.fromkeys(_OPERATORS, NEVER)
    for serving in schedule.servings:
        spans = span(serving.all_start, serving.all_end)
        answering[serving.operator] = union(answering[serving.operator], spans)
    for version in _of(schedule, NsVersion):
        live = caches.live[id(version)]
        bad = NEVER
        if version.leads_to or not version.hosts:
            bad = difference(live, union(*[answering[operator] for operator in version.leads_to]))
        for address in _of(schedule, AddressVersion):
            if address.hosts & version.hosts:
                known = intersection(live, caches.live[id(address)])
                bad = union(bad, difference(known, answering[address.leads_to]))
        if bad:
            yield version, bad


def insecure(schedule: Schedule, caches: Held, profile: ResolverProfile) -> Spans:
    """Return when a resolver may hold a DS RRset by which the domain is not protected."""
    return union(*[caches.live[id(ds)] for ds in _of(schedule, DsVersion) if not counted_entries(ds, profile)])


def _of(schedule: Schedule, kind: type[_V]) -> list[_V]:
    return [version for version in schedule.versions if isinstance(version, kind)]
