"""What would break if the NS changed now: the cache model on what both sides and the parent serve at this instant.

Caches may hold anything that is served now, and mix it in every way; what was served before is a matter of waiting, which a
plan knows. So every version here is what was seen, for ever, and the one thing that changes is the NS RRset, now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from zonekit import rdata as rd
from zonekit.dnskeys import Dnskey, signer_of
from zonekit.ds import matches_ds
from zonekit.findings import Severity
from zonekit.names import is_subdomain, name_text, parse_origin
from zonekit.nodes import rdata_of, ttl_of
from zonekit.signatures import Signer
from zonekit.transfer.profiles import PROFILES, ResolverProfile
from zonekit.transfer.proof import Bogus, Outage, failures
from zonekit.transfer.sides import Side, is_signed_by, servers_in, signer_of_key
from zonekit.transfer.sightings import NOT_LOOKED_AT
from zonekit.transfer.steps import Effect
from zonekit.transfer.versions import (
    SIGNING_ALGORITHMS,
    DataVersion,
    DnskeyVersion,
    DsEntry,
    DsVersion,
    Key,
    NsVersion,
    Overlap,
    Schedule,
    Serving,
    Signature,
    Source,
    Version,
)
from zonekit.transfer.views import View
from zonekit.ttl import Ttl
from zonekit.verifying import codes
from zonekit.zones import RRset, Zone

_OPERATORS: Final = (Source.LOSING, Source.GAINING)
_ANY_TTL: Final = Ttl(3600)
"""The TTL of what was not seen, or is not there. No verdict depends on it, for everything here is served for ever."""
_NOT_GOOD: Final = frozenset(
    code.name
    for code in (
        *(codes.RRSIG_MISSING, codes.RRSIG_BOGUS, codes.RRSIG_NOT_TRIED, codes.RRSIG_LABELS, codes.RRSIG_SIGNER),
        *(codes.RRSIG_EXPIRED, codes.RRSIG_NOT_YET_VALID, codes.RRSIG_NEVER_VALID, codes.RRSIG_ORIGINAL_TTL),
        *(codes.RRSIG_WITHOUT_DNSKEY, codes.RRSIG_BY_UNUSABLE_KEY),
    )
)
"""What the verifier finds of an RRset whose signatures are not all good, or not all there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One combination that fails.

    Attributes:
        records: what a resolver holds: DS, DNSKEY and data, or the NS RRset that leads to nobody.
        profiles: the names of the resolver profiles under which it fails.
        is_so_already: whether it fails with the NS as they are too.
        story: what such a resolver fetched when, and why it does not fit.
    """

    records: tuple[str, ...]
    profiles: tuple[str, ...]
    is_so_already: bool
    story: str

    def __str__(self) -> str:
        return f"{' + '.join(self.records)} under {'; '.join(self.profiles)}: {self.story}"


def not_seen_for_breaks(view: View) -> tuple[str, ...]:
    """Return what has to be looked at before it can be said what would break."""
    sighting = view.sighting
    seen = {
        "the losing zone": sighting.losing,
        "the gaining zone": sighting.gaining,
        "the DS RRset at the parent": sighting.parent_ds,
    }
    return tuple(what for what, value in seen.items() if value is NOT_LOOKED_AT)


def breaks_of(view: View, *, profiles: Iterable[ResolverProfile] = PROFILES) -> tuple[Break, ...] | None:
    """Return what would break if the NS changed when this was seen, at the parent and at the losing operator.

    None where too little was looked at (:func:`not_seen_for_breaks`).

    Raises:
        PlanError: there are no profiles.
    """
    if not_seen_for_breaks(view):
        return None
    ns = view.sighting.parent_ns
    has_changed = isinstance(ns, RRset) and _leads_to(view, servers_in(ns), Source.LOSING) == {Source.GAINING}
    by_records: dict[tuple[str, ...], list[Bogus | Outage]] = {}
    for failure in failures(schedule_now(view), profiles):
        by_records.setdefault(_records(failure), []).append(failure)
    return tuple(
        Break(
            records=records,
            profiles=tuple(dict.fromkeys(failure.profile for failure in found)),
            is_so_already=has_changed or any(failure.at is None or failure.at < view.at for failure in found),
            story=found[0].story,
        )
        for records, found in by_records.items()
    )


def _records(failure: Bogus | Outage) -> tuple[str, ...]:
    if isinstance(failure, Outage):
        return (failure.ns.record,)
    return failure.ds.record, failure.dnskey.record, failure.data.record


def schedule_now(view: View) -> Schedule:
    """Return what is served when both NS RRsets change at the instant of the view, and nothing else ever does."""
    names = _key_names(view)
    versions: list[Version] = [_ds(view, names), *_parent_ns(view)]
    for side in view.sides.values():
        if side.zone is not None:
            versions += [_dnskey(side, names), *_data(view, side, names), _own_ns(view, side)]
    servings = [Serving(operator=side.source) for side in view.sides.values() if _is_answering(view, side)]
    shared = view.losing.name_servers() & view.gaining.name_servers()
    overlaps = []
    if shared and _is_shared(view):
        overlaps.append(Overlap(asked=Source.LOSING, answers=Source.GAINING))
    return Schedule(versions=tuple(versions), servings=tuple(servings), overlaps=tuple(overlaps))


def _key_names(view: View) -> dict[Dnskey, Key]:
    """Every key of both sides as the model knows it."""
    found: dict[Dnskey, Key] = {}
    for side in view.sides.values():
        for key in (*side.own, *side.keys):
            if key in found or key.algorithm not in SIGNING_ALGORITHMS:
                continue
            owner = next((other.source for other in view.sides.values() if key in other.own), side.source)
            role = "KSK" if key.is_sep else "ZSK"
            name = f"{role} {key.key_tag} of the {owner.value} operator"
            if any(name == known.name for known in found.values()):
                name += f", algorithm {key.algorithm}"
            found[key] = Key(name=name, algorithm=key.algorithm, key_tag=key.key_tag)
    return found


def _ds(view: View, names: dict[Dnskey, Key]) -> DsVersion:
    if view.ds is None:
        return DsVersion(source=Source.PARENT, record="proof that there is no DS", ttl=_ANY_TTL, entries=frozenset())
    entries = []
    for rdata in view.ds.rdatas:
        if rdata[2] not in SIGNING_ALGORITHMS:
            continue  # which no resolver supports
        key = next(
            (known for dnskey, known in names.items() if matches_ds(rdata, view.apex, dnskey.dnskey_rdata)), None
        )
        unknown = Key(name=f"unknown key with DS {rdata[:36].hex()}", algorithm=rdata[2])
        entries.append(DsEntry(key=key or unknown, digest_type=rdata[3]))
    tags = sorted({int.from_bytes(rdata[:2], "big") for rdata in view.ds.rdatas})
    record = f"DS of key {', '.join(map(str, tags))}"
    return DsVersion(source=Source.PARENT, record=record, ttl=view.ds.ttl, entries=frozenset(entries))


def _dnskey(side: Side, names: dict[Dnskey, Key]) -> DnskeyVersion:
    assert side.zone is not None
    dnskeys = side.zone.get("@", rd.DNSKEY)
    who = f"DNSKEY of the {side.source.value} operator"
    return DnskeyVersion(
        source=side.source,
        record=who if dnskeys is not None else f"proof that there is no {who}",
        ttl=side.zone.negative_ttl if dnskeys is None else dnskeys.ttl,
        keys=frozenset(names[key] for key in side.keys),
        signatures=tuple(Signature(key=names[key]) for key in side.dnskey_signers),
    )


def _data(view: View, side: Side, names: dict[Dnskey, Key]) -> Iterator[DataVersion]:
    """The data of a zone: one version for each set of keys that sign an RRset of it, or of whom a good signature is left."""
    assert side.zone is not None
    by_signer: dict[Signer, list[Key]] = {}
    for key in dict.fromkeys((*side.own, *side.keys)):
        by_signer.setdefault(signer_of_key(key), []).append(names[key])
    ttls = _ttls_by_signers(side.zone)
    made: set[frozenset[Key]] = set()
    for number, signers in enumerate(sorted(map(sorted, ttls))):
        signing = [key for signer in signers for key in by_signer.get(signer, [])]
        made.add(frozenset(signing))
        yield DataVersion(
            source=side.source,
            record=f"data of the {side.source.value} operator" + (f" ({number + 1})" if number else ""),
            ttl=ttls[frozenset(signers)],
            signatures=tuple(Signature(key=key) for key in signing),
        )
    for keys, rrsets in _not_all_good(view, side, names).items():
        if keys not in made:
            first = f"{rrsets[0].type_text} of {name_text(rrsets[0].owner)}"
            more = f" and {len(rrsets) - 1} more" if len(rrsets) > 1 else ""
            yield DataVersion(
                source=side.source,
                record=f"{first}{more} of the {side.source.value} operator",
                ttl=max(rrset.ttl for rrset in rrsets),
                signatures=tuple(Signature(key=key) for key in sorted(keys)),
            )


def _ttls_by_signers(zone: Zone) -> dict[frozenset[Signer], Ttl]:
    """By the signers that its signatures name, the largest TTL of an RRset; of all data where nothing is signed."""
    found: dict[frozenset[Signer], Ttl] = {}
    largest = 0
    for _, _, rrsets in zone.walk():
        by_covered: dict[int, set[Signer]] = {}
        ttls: dict[int, int] = {}
        for rdtype, covers, records in rrsets:
            if rdtype == rd.RRSIG:
                by_covered[covers] = {signer_of(rdata_of(record)) for record in records}
            ttls[covers or rdtype] = max(ttl_of(records[0]), ttls.get(covers or rdtype, 0))
        largest = max(largest, *ttls.values())
        for covers, signers in by_covered.items():
            if covers not in rd.KSK_SIGNED_TYPES:
                of = frozenset(signers)
                found[of] = max(found.get(of, Ttl(0)), Ttl(ttls[covers]))
    return found or {frozenset(): Ttl(largest)}


def _not_all_good(view: View, side: Side, names: dict[Dnskey, Key]) -> dict[frozenset[Key], list[RRset]]:
    """The RRsets that lack a good signature, by the keys whose signatures over them are good (RFC 4035 section 5.3)."""
    zone = side.zone
    assert zone is not None
    found: dict[frozenset[Key], list[RRset]] = {}
    if not side.keys:
        return found
    faulty = {
        (finding.owner, finding.rdtype)
        for finding in view.verifications[side.source].findings
        if finding.severity is Severity.ERROR and finding.code in _NOT_GOOD
    }
    for owner, rdtype in sorted(faulty):
        rrset, rrsigs = zone.get(owner, rdtype), zone.signatures(owner, rdtype)
        if rrset is None or rrset.rdtype in rd.KSK_SIGNED_TYPES:
            continue
        good = [] if rrsigs is None else [key for key in names if is_signed_by(key, rrset, rrsigs, view.at)]
        found.setdefault(frozenset(names[key] for key in good), []).append(rrset)
    return found


def _is_answering(view: View, side: Side) -> bool:
    """Whether an operator's servers answer for the zone: it was seen, and not every server that it names was seen not to."""
    named = side.name_servers()
    return side.zone is not None and (not named or not named <= view.sighting.lacking.get(side.source, frozenset()))


def _parent_ns(view: View) -> Iterator[NsVersion]:
    ns = view.sighting.parent_ns
    named = servers_in(ns) if isinstance(ns, RRset) else view.losing.name_servers()
    unknown = _ANY_TTL if view.facts is None else view.facts.parent.ns_ttl
    ttl = ns.ttl if isinstance(ns, RRset) else unknown
    # Where they have changed already, caches hold what the losing servers gave before.
    now = _leads_to(view, named, Source.LOSING) | {Source.LOSING}
    record = "NS at the parent"
    yield NsVersion(source=Source.PARENT, record=record, ttl=ttl, end=view.at, leads_to=now)
    yield NsVersion(
        source=Source.PARENT,
        record=f"{record} to the gaining operator",
        ttl=ttl,
        start=view.at,
        leads_to=frozenset((Source.GAINING,)),
    )
    glue = _astray(view, named)
    if glue is not None:
        yield glue


def _astray(view: View, named: frozenset[str]) -> NsVersion | None:
    """The glue that leads to nobody: an address that neither zone has, or none where no other name server is named.

    A resolver may know one address of a name server and no other. One without an address it leaves out for the others.
    """
    glue = view.sighting.parent_glue
    inside = {name for name in named if is_subdomain(parse_origin(name), view.apex)}
    if glue is NOT_LOOKED_AT or not inside:
        return None
    rrsets = glue if isinstance(glue, tuple) else ()
    given = {
        name: frozenset().union(*[rrset.rdatas for rrset in rrsets if name_text(rrset.owner).lower() == name])
        for name in inside
    }
    known = {name: view.losing.addresses(name) | view.gaining.addresses(name) for name in inside}
    wrong = {name for name in inside if known[name] and not given[name] <= known[name]}
    if inside == named and not any(given.values()):
        wrong = inside
    if not wrong:
        return None
    return NsVersion(
        source=Source.PARENT,
        record=f"addresses of {', '.join(sorted(wrong))} at the parent",
        ttl=max([rrset.ttl for rrset in rrsets], default=_ANY_TTL),
        leads_to=frozenset(),
    )


def _own_ns(view: View, side: Side) -> NsVersion:
    assert side.zone is not None
    return NsVersion(
        source=side.source,
        record=f"NS of the {side.source.value} operator",
        ttl=side.zone.apex_rrset(rd.NS).ttl,
        leads_to=_leads_to(view, side.name_servers(), side.source),
    )


def _leads_to(view: View, named: frozenset[str], where_moving: Source) -> frozenset[Source]:
    """Whose servers these are: the losing operator's are all that are not the gaining one's.

    A server of both gives the losing zone until it is said to have the gaining one, or nothing but gaining servers is named.
    Servers that keep their names are whose addresses they have where the name was seen.
    """
    gaining = view.gaining_servers
    if named == gaining and not view.moving_servers:
        is_closed = Effect.SHARED_SERVE in view.effects and not _is_shared(view) and where_moving is Source.LOSING
        return frozenset((Source.LOSING if is_closed else Source.GAINING,))
    losing = view.losing.name_servers()
    both = losing & gaining if losing != gaining else frozenset()
    others = named - view.moving_servers
    found = {where_moving} if named & view.moving_servers else set()
    found |= {Source.GAINING} if others & (gaining - both) or (others & both and _is_shared(view)) else set()
    found |= {Source.LOSING} if others & both or others - gaining else set()
    return frozenset(found)


def _is_shared(view: View) -> bool:
    """Whether servers of both operators are said to answer from the gaining zone."""
    return Effect.SHARED_SERVE in view.done_marks
