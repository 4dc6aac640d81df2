"""Is a claim true? Each claim that a step makes about what is served is held against what was seen.

A claim is true, false, or not to be told from what was looked at; with it comes what was seen, in words: key tags, TTLs, names.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from zonekit import rdata as rd
from zonekit.algorithms import DigestType
from zonekit.dnskeys import Dnskey, check_intake
from zonekit.ds import CsyncFlag, asks_for, matches_ds
from zonekit.errors import AlgorithmError, SigningKeyError
from zonekit.findings import Severity
from zonekit.names import is_subdomain, name_text, parse_origin
from zonekit.transfer.claims import Claim, Standing, claims_of, steps_after
from zonekit.transfer.expected import findings_at
from zonekit.transfer.facts import Facts
from zonekit.transfer.parties import Capability
from zonekit.transfer.sides import Side, led_to, servers_in, signer_of_key
from zonekit.transfer.sightings import NOT_LOOKED_AT, THERE_IS_NONE
from zonekit.transfer.steps import Actor, Effect, Step
from zonekit.transfer.values import Assumed
from zonekit.transfer.versions import Source
from zonekit.transfer.views import Look, View
from zonekit.verifying import codes
from zonekit.zones import RRset, Zone

_CHAIN_CODES: Final = frozenset(
    code.name
    for code in (
        *(codes.DS_NONE, codes.DS_MISMATCH, codes.DS_WITHOUT_DNSKEY, codes.DS_KEY_SILENT, codes.DS_KEY_UNUSABLE),
        *(codes.DS_ALGORITHM_UNKNOWN, codes.DS_ALGORITHM_UNSIGNED, codes.DS_SHA1_IGNORED),
        *(codes.CHAIN_BROKEN, codes.CHAIN_INSECURE),
    )
)
"""What is a matter of the parent, and not of the zone alone."""
_OTHER: Final = {Source.LOSING: Source.GAINING, Source.GAINING: Source.LOSING}
_APEX_TYPES: Final = (rd.NS, rd.DNSKEY)
_DIGESTS: Final = frozenset(map(int, DigestType))


class Truth(enum.Enum):
    """What was seen says of a claim."""

    TRUE = "true"
    FALSE = "false"
    NOT_SEEN = "not seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A claim, and what was seen of it.

    Attributes:
        claim: the claim.
        truth: whether it is true.
        found: what was seen, in words.
        step_id: the step that makes it.
        actor: who takes that step, and has the claim in hand.
        until: the ids of the steps after which it need not hold any more.
        lacking: the servers that alone make it false: they give something else than what was seen.
    """

    claim: Claim
    truth: Truth
    found: str
    step_id: str
    actor: Actor
    until: tuple[str, ...] = ()
    lacking: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.step_id}: {self.claim.value}: {self.truth.value}: {self.found}"


_Verdict: TypeAlias = tuple[Truth, str]


class _Need(enum.Enum):
    """What has to have been seen before a claim can be judged."""

    LOSING = "the losing zone"
    GAINING = "the gaining zone"
    LOSING_KEYS = "a key of the losing operator"
    GAINING_KEYS = "a key of the gaining operator"
    DS = "the DS RRset at the parent"
    NS = "the NS RRset at the parent"


def view_of(look: Look, steps: Iterable[Step], claimed: Iterable[str], facts: Facts | None) -> View:
    """Return what was seen in the light of a claim, with the steps that may have been taken besides.

    That is what comes next, and in another line of steps than the claimed ones whatever follows on steps that show in what was
    seen, or of which nothing does.

    Raises:
        PlanError: no step is claimed, or the flow has no such step.
    """
    table, ids = tuple(steps), tuple(claimed)
    what = ("view", frozenset(ids), frozenset(step.id for step in table), id(facts))
    return look.known.once(what, lambda: _view_of(look, table, ids, facts))


def _view_of(look: Look, table: tuple[Step, ...], ids: tuple[str, ...], facts: Facts | None) -> View:
    view = View(look, table, ids, facts)
    later = steps_after(table, ids)
    passed = {step.id for step in view.done}
    at_hand = []
    for step in table:
        if step.id in passed or not passed.issuperset(step.after):
            continue
        at_hand.append(step)
        if step.id not in later and all(_verdict(view, claim)[0] is Truth.TRUE for claim in claims_of(step, table)):
            passed.add(step.id)
    return View(look, table, ids, facts, at_hand)


def judge(view: View, standing: Standing) -> Judged:
    """Return whether a claim is true in what was seen, and on every server that was asked.

    Where it is not, and a step that may have been taken by now puts another in its place that is true, it is taken for done.
    """
    truth, found, lacking = _everywhere(view, standing.claim)
    for other, step in standing.or_instead:
        if truth is Truth.TRUE:
            break
        instead, told, _ = _everywhere(view, other)
        if instead is Truth.TRUE:
            truth, found, lacking = instead, f"{step.id} is done already: {told}", frozenset()
    return Judged(
        claim=standing.claim,
        truth=truth,
        found=found,
        step_id=standing.step.id,
        actor=standing.step.actor,
        until=standing.until,
        lacking=lacking,
    )


def _everywhere(view: View, claim: Claim) -> tuple[Truth, str, frozenset[str]]:
    """A verdict, and where it is false for some servers alone, those."""
    truth, found = _verdict(view, claim)
    if truth is not Truth.TRUE:
        return truth, found, frozenset()
    servers: frozenset[str] = frozenset().union(
        *[view.sighting.lacking.get(source, frozenset()) for source in _SERVED_BY.get(claim, ())]
    )
    if not servers or (claim in _OF_LOSING_SERVERS and _may_stop(view)):
        return truth, found, frozenset()
    if claim is Claim.LOSING_SILENT:
        return Truth.FALSE, f"{_names(servers)} still {_verb(servers, 'answers', 'answer')} for the zone", servers
    return Truth.FALSE, f"{_names(servers)} {_verb(servers, 'does', 'do')} not give it; elsewhere {found}", servers


def _may_stop(view: View) -> bool:
    """Whether the losing operator may stop by what is claimed, so that a server of its that is silent already is one that has."""
    done = {step.id for step in view.done}
    return any(step.effect is Effect.LOSING_STOPS and done.issuperset(step.after) for step in view.steps)


def _verdict(view: View, claim: Claim) -> _Verdict:
    return view.known.once(claim, lambda: _judged(view, claim))


def _judged(view: View, claim: Claim) -> _Verdict:
    needs, judging = JUDGES[claim]
    for need in needs:
        lacking = _lacking(view, need)
        if lacking is not None:
            return lacking
    return judging(view)


def _lacking(view: View, need: _Need) -> _Verdict | None:
    """What to say where something was not seen; None where it was."""
    sighting = view.sighting
    match need:
        case _Need.LOSING | _Need.GAINING:
            seen: object = sighting.losing if need is _Need.LOSING else sighting.gaining
            if seen is THERE_IS_NONE:
                return Truth.FALSE, f"{need.value} is not there: its servers do not answer for it"
        case _Need.LOSING_KEYS | _Need.GAINING_KEYS:
            source = Source.LOSING if need is _Need.LOSING_KEYS else Source.GAINING
            return None if view.sides[source].own else _no_own_key(view, need, source)
        case _Need.DS:
            seen = sighting.parent_ds
        case _Need.NS:
            seen = sighting.parent_ns
            if seen is THERE_IS_NONE:
                return Truth.FALSE, "the parent does not delegate the domain"
    return (Truth.NOT_SEEN, f"{need.value} was not looked at") if seen is NOT_LOOKED_AT else None


def _no_own_key(view: View, need: _Need, source: Source) -> _Verdict:
    """What to say where no key of an operator is known."""
    zone, side = view.sighting.zone(source), view.sides[source]
    if not isinstance(zone, Zone):
        return (Truth.NOT_SEEN if zone is NOT_LOOKED_AT else Truth.FALSE), f"{need.value} is not to be seen"
    other = _OTHER[source]
    others = [key for key in side.keys if key in view.sides[other].own]
    if not others:
        return Truth.FALSE, f"the {source.value} zone has no {need.value.removeprefix('a ')}"
    found = f"the {source.value} zone has no {need.value.removeprefix('a ')}"
    return Truth.FALSE, f"{found}: {_keys(others)} {_are(others)} of the {other.value} operator, as in its own zone"


def _told(is_true: bool, found: str) -> _Verdict:
    return (Truth.TRUE if is_true else Truth.FALSE), found


def _keys(keys: Iterable[Dnskey]) -> str:
    """Keys in words, each tag once: key 1, keys 1, 2, or no key."""
    tags = _tags(keys)
    return f"{_verb(tags, 'key', 'keys')} {', '.join(map(str, tags))}" if tags else "no key"


def _tags(keys: Iterable[Dnskey]) -> list[int]:
    return sorted({key.key_tag for key in keys})


def _verb(subjects: Collection[object], of_one: str, of_more: str) -> str:
    return of_more if len(subjects) > 1 else of_one


def _are(keys: Iterable[Dnskey]) -> str:
    return _verb(_tags(keys), "is", "are")


def _names(servers: Iterable[str]) -> str:
    return ", ".join(sorted(servers)) or "none"


# ---- the zones ------------------------------------------------------------------------------------------------------


def _verifies(source: Source) -> Callable[[View], _Verdict]:
    def judging(view: View) -> _Verdict:
        faults = [
            finding
            for finding in findings_at(view, source)
            if finding.severity is Severity.ERROR and finding.code not in _CHAIN_CODES
        ]
        if faults:
            kinds = sorted({finding.code for finding in faults})
            count = f"{len(faults)} finding{'' if len(faults) == 1 else 's'}"
            return Truth.FALSE, f"{count} of severity error: {', '.join(kinds)}"
        checked = view.verifications[source]
        return Truth.TRUE, f"{checked.rrsets} RRsets verify at serial {checked.serial}"

    return judging


def _validates(view: View) -> _Verdict:
    if view.ds is None:
        return Truth.FALSE, "the parent has no DS: the domain is insecure"
    faults = {finding.code for finding in findings_at(view, Source.GAINING) if finding.severity is Severity.ERROR}
    faults |= {each.code for each in findings_at(view, Source.GAINING) if each.code == codes.CHAIN_INSECURE.name}
    if faults:
        return Truth.FALSE, f"the verifier finds {', '.join(sorted(faults))}"
    leading = led_to(view.ds, view.apex, view.gaining.dnskey_signers)
    return Truth.TRUE, f"the DS leads to {_keys(leading)}, and every RRset verifies"


def _unsigned(view: View) -> _Verdict:
    keys = view.gaining.keys
    if keys:
        return Truth.FALSE, f"the gaining zone has {_keys(keys)}"
    return _told(view.ds is None, "no DNSKEY, and " + ("no DS" if view.ds is None else _ds_text(view.ds)))


# ---- DNSKEYs --------------------------------------------------------------------------------------------------------


def _acceptable(view: View) -> _Verdict:
    refused: list[str] = []
    taken: list[str] = []
    for side, offered in ((view.losing, view.gaining.own), (view.gaining, view.losing.keys_for_others)):
        if side.zone is None or not offered:
            continue
        if side.zone.get("@", rd.DNSKEY) is None:
            return Truth.FALSE, f"the {side.source.value} zone is not signed"
        try:
            intake = check_intake(side.zone, offered, max_response_octets=None)
        except (AlgorithmError, SigningKeyError) as error:
            return (
                Truth.NOT_SEEN,
                f"the size of the {side.source.value} DNSKEY response cannot be told: {error.problem}",
            )
        refused += [
            f"{type(each).__name__} for the {side.source.value} zone: {each.problem}" for each in intake.refused
        ]
        taken.append(f"{_keys(intake.accepted)} may go into the {side.source.value} zone")
    return (Truth.FALSE, "; ".join(refused)) if refused else (Truth.TRUE, "; ".join(taken) or "no key is offered")


def _publishes(source: Source) -> Callable[[View], _Verdict]:
    other = _OTHER[source]

    def judging(view: View) -> _Verdict:
        wanted = dict.fromkeys(view.sides[other].keys_for_others)
        if source is Source.LOSING and _takes_ksk(view):
            wanted |= dict.fromkeys(view.gaining.sep_keys)
        published = view.sides[source].keys
        missing = [key for key in wanted if key not in published]
        if missing:
            found = f"{_keys(missing)} of the {other.value} operator {_are(missing)} not in the {source.value} zone"
            return Truth.FALSE, found
        return Truth.TRUE, f"{_keys(wanted)} of the {other.value} operator {_are(wanted)} in the {source.value} zone"

    return judging


def _takes_ksk(view: View) -> bool:
    """Whether somebody said that the losing operator publishes the gaining KSK too, which nothing rests on."""
    can = None if view.facts is None else view.facts.losing.can
    return can is not None and not isinstance(can, Assumed) and Capability.IMPORT_KSK in can


def _losing_signs_dnskey(view: View) -> _Verdict:
    good = view.losing.own_signers
    if not good:
        return _no_signer(view.losing)
    if view.sighting.parent_ds is NOT_LOOKED_AT:
        return Truth.NOT_SEEN, f"signed by {_keys(good)}; the DS RRset at the parent was not looked at"
    if view.ds is None:
        return Truth.FALSE, f"signed by {_keys(good)}, and the parent has no DS"
    leading = led_to(view.ds, view.apex, good)
    if leading:
        return Truth.TRUE, f"signed by {_keys(leading)}, which the DS leads to"
    return _led_elsewhere(view, view.losing)


def _gaining_signs_dnskey(view: View) -> _Verdict:
    good = view.gaining.own_signers
    if not good:
        return _no_signer(view.gaining)
    leading = led_to(view.ds or THERE_IS_NONE, view.apex, good)
    if leading:
        return Truth.TRUE, f"signed by {_keys(leading)}, which the DS leads to"
    if led_to(view.ds or THERE_IS_NONE, view.apex, view.gaining.own):
        return _led_elsewhere(view, view.gaining)
    return Truth.TRUE, f"signed by {_keys(good)}; no DS of the gaining side was seen"


def _no_signer(side: Side) -> _Verdict:
    which = side.source.value
    named = [key for key in side.signing_dnskey if key in side.own]
    told = f", {_keys(named)} {_verb(_tags(named), 'has', 'have')} signed another" if named else ""
    return Truth.FALSE, f"no {which} key has a good signature over the {which} DNSKEY RRset{told}"


def _led_elsewhere(view: View, side: Side) -> _Verdict:
    """Where the DS leads to none of the keys that sign a DNSKEY RRset."""
    leading = led_to(view.ds or THERE_IS_NONE, view.apex, side.own)
    told = f"the DS leads to {_keys(leading)}"
    if not leading:
        assert view.ds is not None
        told = f"{_ds_text(view.ds)}, which {_verb(view.ds.rdatas, 'leads', 'lead')} to no {side.source.value} key"
    return Truth.FALSE, f"{told}, and {_keys(side.own_signers)} signed the DNSKEY RRset"


def _keys_gone(view: View) -> _Verdict:
    losing, nobodys = view.losing.own, view.gaining.nobodys
    left = [key for key in view.gaining.keys if key in losing]
    if left:
        return Truth.FALSE, f"{_keys(left)} of the losing operator {_are(left)} in the gaining zone"
    if nobodys:
        return Truth.NOT_SEEN, _whose(nobodys)
    if losing:
        return Truth.TRUE, f"{_keys(view.gaining.keys)} of the gaining operator alone"
    signing = {*view.gaining.data_signers, *map(signer_of_key, view.gaining.signing_dnskey)}
    silent = [key for key in view.gaining.keys if signer_of_key(key) not in signing]
    if silent:
        told = f"{_keys(silent)} {_verb(_tags(silent), 'signs', 'sign')} nothing"
        return Truth.NOT_SEEN, f"{told}, and the keys of the losing operator are not known"
    return Truth.TRUE, f"{_keys(view.gaining.keys)}, each of which signs the gaining zone"


def _whose(keys: Iterable[Dnskey]) -> str:
    known = tuple(keys)
    told = f"the DS leads to {_keys(known)}, which {_verb(_tags(known), 'signs', 'sign')} nothing"
    return f"{told}, and whose {_verb(_tags(known), 'it is', 'they are')} is not known"


# ---- TTLs -----------------------------------------------------------------------------------------------------------


def _apex_ttls(side: Side) -> dict[str, int]:
    """The TTLs of the apex NS and DNSKEY RRsets, and of their signatures, by what they are of."""
    found = {}
    for rdtype in _APEX_TYPES:
        rrset = None if side.zone is None else side.zone.get("@", rdtype)
        rrsigs = None if side.zone is None else side.zone.signatures("@", rdtype)
        if rrset is not None:
            found[rrset.type_text] = int(rrset.ttl)
        if rrset is not None and rrsigs is not None:
            found[f"RRSIG {rrset.type_text}"] = int(rrsigs.ttl)
            found[f"Original TTL {rrset.type_text}"] = max(int.from_bytes(each[4:8], "big") for each in rrsigs.rdatas)
    return found


def _ttls_text(ttls: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {ttl}" for what, ttl in ttls.items())


def _ttls_low(view: View) -> _Verdict:
    ttls = _apex_ttls(view.losing)
    high = {what: ttl for what, ttl in ttls.items() if ttl > view.lowered_ttl}
    if high:
        return Truth.FALSE, f"{_ttls_text(high)}, more than {view.lowered_ttl}"
    return Truth.TRUE, f"{_ttls_text(ttls)}, none more than {view.lowered_ttl}"


def _ttls_restored(view: View) -> _Verdict:
    ttls = _apex_ttls(view.gaining)
    if view.facts is None:
        is_higher = all(ttl > view.lowered_ttl for ttl in ttls.values())
        told = "all above the lowered TTL" if is_higher else "and nobody says which are to stay"
        return (Truth.TRUE if is_higher else Truth.NOT_SEEN), f"{_ttls_text(ttls)}, {told}"
    wanted = {"NS": int(view.facts.gaining.ns_ttl)}
    if view.facts.gaining.is_signed:
        wanted["DNSKEY"] = int(view.facts.gaining.dnskey_ttl)
    wrong = {what: ttl for what, ttl in ttls.items() if ttl != wanted.get(what.split()[-1], ttl)}
    if wrong:
        return Truth.FALSE, f"{_ttls_text(wrong)}, where {_ttls_text(wanted)} are to stay"
    return Truth.TRUE, _ttls_text(ttls)


# ---- the parent -----------------------------------------------------------------------------------------------------


def _ds_text(ds: RRset) -> str:
    tags = sorted((int.from_bytes(rdata[:2], "big"), rdata[3]) for rdata in ds.rdatas)
    return "DS of " + ", ".join(f"key {tag} (digest type {kind})" for tag, kind in tags)


def _misdigested(view: View, keys: Iterable[Dnskey]) -> list[Dnskey]:
    """The keys that a DS names by tag and algorithm with a digest that is none of theirs."""
    known = tuple(keys)
    rdatas = () if view.ds is None else view.ds.rdatas
    return [
        key
        for key in known
        for rdata in rdatas
        if (rdata[2], int.from_bytes(rdata[:2], "big")) == signer_of_key(key)
        and rdata[3] in _DIGESTS
        and not any(matches_ds(rdata, view.apex, other.dnskey_rdata) for other in known)
    ]


def _both_ds(view: View) -> _Verdict:
    if view.ds is None:
        return Truth.FALSE, "the parent has no DS"
    return _ds_of(view, (view.losing, view.gaining), view.ds)


def _ds_of(view: View, sides: Iterable[Side], ds: RRset) -> _Verdict:
    """Whether the DS RRset leads to each of the sides.

    One path is enough (RFC 4035 section 5.2), of each algorithm that the DS RRset has of that side (section 2.2); a key that
    signs besides may have a DS or not.
    """
    further: list[Dnskey] = []
    for side in sides:
        wrong = _misdigested(view, side.sep_keys)
        if wrong:
            told = f"the digest for {_keys(wrong)} is not of {_verb(_tags(wrong), 'that key', 'those keys')}"
            return Truth.FALSE, f"{_ds_text(ds)}, and {told}"
        paths = side.own_signers or side.sep_keys
        leading = led_to(ds, view.apex, paths)
        if not leading:
            return Truth.FALSE, f"{_ds_text(ds)}, and none of {_keys(side.sep_keys)}"
        algorithms = {key.algorithm for key in leading}
        silent = [key for key in led_to(ds, view.apex, side.own) if key.algorithm not in algorithms]
        if silent:
            told = f"{_keys(silent)} {_verb(_tags(silent), 'has', 'have')} a DS of an algorithm that signs no {side.source.value}"
            return Truth.FALSE, f"{_ds_text(ds)}, and {told} DNSKEY RRset"
        further += [key for key in side.sep_keys if key not in leading]
    told = f"; none of {_keys(further)}, which {_verb(_tags(further), 'signs', 'sign')} besides" if further else ""
    return Truth.TRUE, f"{_ds_text(ds)}{told}"


def _ds_digests(view: View) -> _Verdict:
    if view.ds is None:
        return Truth.TRUE, "the parent has no DS"
    strongest: dict[Dnskey, int] = {}
    for key in (*view.losing.own, *view.gaining.own, *view.gaining.nobodys):
        for rdata in view.ds.rdatas:
            if matches_ds(rdata, view.apex, key.dnskey_rdata):
                strongest[key] = max(rdata[3], strongest.get(key, 0))
    most = max(strongest.values(), default=0)
    weak = [key for key, kind in strongest.items() if kind < most]
    if weak:
        told = f"{_keys(weak)} {_verb(_tags(weak), 'has', 'have')} no DS of digest type {most}"
        return Truth.FALSE, f"{told}, which another key has"
    return Truth.TRUE, f"every key has one of digest type {most}"


def _gaining_ds_alone(view: View) -> _Verdict:
    if view.ds is None:
        return Truth.FALSE, "the parent has no DS"
    known = (*view.gaining.own, *view.gaining.nobodys)
    others = [
        rdata for rdata in view.ds.rdatas if not any(matches_ds(rdata, view.apex, key.dnskey_rdata) for key in known)
    ]
    if others:
        tags = sorted({int.from_bytes(rdata[:2], "big") for rdata in others})
        return Truth.FALSE, f"{_ds_text(view.ds)}: that of {', '.join(map(str, tags))} is of no gaining key"
    truth, found = _ds_of(view, (view.gaining,), view.ds)
    if truth is not Truth.TRUE:
        return truth, found
    silent = [key for key in led_to(view.ds, view.apex, view.gaining.own) if key not in view.gaining.own_signers]
    unknown = [*view.gaining.nobodys, *(() if view.losing.own else silent)]
    if unknown and view.gaining.zone is not None:
        return Truth.NOT_SEEN, f"{_ds_text(view.ds)}: {_whose(unknown)}"
    return truth, found


def _no_ds(view: View) -> _Verdict:
    return (Truth.TRUE, "no DS") if view.ds is None else (Truth.FALSE, _ds_text(view.ds))


def _parent_ns(view: View) -> _Verdict:
    ns = view.sighting.parent_ns
    assert isinstance(ns, RRset)  # or it is said to be lacking
    named, wanted = servers_in(ns), view.gaining_servers
    if not wanted:
        return Truth.NOT_SEEN, f"the parent names {_names(named)}, and the gaining servers are not known"
    if named != wanted:
        return Truth.FALSE, f"the parent names {_names(named)}, the gaining servers are {_names(wanted)}"
    return _glue(view, {name for name in wanted if is_subdomain(parse_origin(name), view.apex)}) or (
        Truth.TRUE,
        f"the parent names {_names(named)}",
    )


def _glue(view: View, inside: set[str]) -> _Verdict | None:
    """What is wrong with the addresses at the delegation of name servers in the domain; None where nothing is (RFC 9471)."""
    if not inside:
        return None
    glue = view.sighting.parent_glue
    lying = f"{_names(inside)} {_verb(inside, 'lies', 'lie')} in the domain"
    if glue is NOT_LOOKED_AT:
        return Truth.NOT_SEEN, f"{lying}, and what addresses the parent has was not looked at"
    given: dict[str, set[bytes]] = {name: set() for name in inside}
    for rrset in glue if isinstance(glue, tuple) else ():
        given.get(name_text(rrset.owner).lower(), set()).update(rrset.rdatas)
    bare = {name for name, addresses in given.items() if not addresses}
    if bare:
        return Truth.FALSE, f"{lying}, and the parent has no address of {_names(bare)}"
    if view.gaining.zone is None:
        return (
            Truth.NOT_SEEN,
            f"{lying}, and whether its addresses at the parent are right shows in the gaining zone alone",
        )
    wrong = {name for name, addresses in given.items() if addresses != view.gaining.addresses(name)}
    if wrong:
        return Truth.FALSE, f"the parent has other addresses of {_names(wrong)} than the gaining zone"
    return None


# ---- name servers ---------------------------------------------------------------------------------------------------


def _losing_ns(view: View) -> _Verdict:
    named, wanted = view.losing.name_servers(), view.gaining_servers
    if not wanted:
        return Truth.NOT_SEEN, f"the losing zone names {_names(named)}, and the gaining servers are not known"
    if named != wanted:
        return Truth.FALSE, f"the losing zone names {_names(named)}, the gaining servers are {_names(wanted)}"
    if view.moving_servers:
        return Truth.FALSE, f"the losing zone has another address of {_names(view.moving_servers)}"
    return Truth.TRUE, f"the losing zone names {_names(named)}"


def _gaining_ns(view: View) -> _Verdict:
    named = view.gaining.name_servers()
    if view.facts is not None and not isinstance(view.facts.gaining.name_servers, Assumed):
        missing = view.facts.gaining.name_servers - named
        if missing:
            return Truth.FALSE, f"the gaining zone names {_names(named)}, and not {_names(missing)}"
    elif Effect.SHARED_SERVE not in view.effects and not view.moving_servers:
        if named in _servers_before(view, view.begun_marks):
            return Truth.FALSE, f"the gaining zone names {_names(named)}, which are the losing servers"
        is_claimed = not view.done_marks.isdisjoint((Effect.NS_AT_LOSING, Effect.NS_AT_PARENT))
        if not is_claimed and named in _servers_before(view, view.done_marks):
            return Truth.NOT_SEEN, f"the gaining zone names {_names(named)}, and so does what has not changed yet"
    return Truth.TRUE, f"the gaining zone names {_names(named)}"


def _servers_before(view: View, marks: frozenset[Effect | str]) -> list[frozenset[str]]:
    """The servers in the NS RRsets that none of these steps changes."""
    before = []
    if Effect.NS_AT_LOSING not in marks and view.losing.zone is not None:
        before.append(view.losing.name_servers())
    if Effect.NS_AT_PARENT not in marks and isinstance(view.sighting.parent_ns, RRset):
        before.append(servers_in(view.sighting.parent_ns))
    return before


def _gaining_answers(view: View) -> _Verdict:
    giving = view.sighting.giving.get(Source.GAINING, frozenset())
    lacking = view.sighting.lacking.get(Source.GAINING, frozenset())
    if lacking:
        return Truth.FALSE, f"{_names(lacking)} {_verb(lacking, 'does', 'do')} not give the gaining zone"
    not_asked = view.gaining.name_servers() - giving
    if not_asked:
        return Truth.NOT_SEEN, f"{_names(not_asked)} {_verb(not_asked, 'was', 'were')} not asked"
    return Truth.TRUE, f"{_names(giving)} {_verb(giving, 'gives', 'give')} it"


def _losing_silent(view: View) -> _Verdict:
    if view.sighting.losing is NOT_LOOKED_AT:
        return Truth.NOT_SEEN, "the losing zone was not looked at"
    if isinstance(view.sighting.losing, Zone):
        return Truth.FALSE, f"the losing zone is served, at serial {view.sighting.losing.serial}"
    return Truth.TRUE, "the losing servers do not answer for the zone"


# ---- what a child asks its parent for -------------------------------------------------------------------------------


def _asked_for(rrset: RRset, view: View, keys: Iterable[Dnskey]) -> list[Dnskey]:
    """The keys that a CDS or CDNSKEY RRset asks for."""
    return [
        key
        for key in keys
        if any(asks_for(rrset.rdtype, rdata, view.apex, [key.dnskey_rdata]) for rdata in rrset.rdatas)
    ]


def _asks_for_others(rrset: RRset, view: View, keys: Iterable[Dnskey]) -> bool:
    """Whether a CDS or CDNSKEY RRset asks for any other key, or for none, which takes the domain out of DNSSEC."""
    rdatas = [key.dnskey_rdata for key in keys]
    return any(not asks_for(rrset.rdtype, rdata, view.apex, rdatas) for rdata in rrset.rdatas)


def _one_sided(view: View) -> _Verdict:
    found: list[str] = []
    unknown: list[str] = []
    for source, side in view.sides.items():
        for rdtype in (rd.CDS, rd.CDNSKEY):
            rrset = None if side.zone is None else side.zone.get("@", rdtype)
            if rrset is None:
                continue
            place = f"{rrset.type_text} is in the {source.value} zone"
            if source is Source.GAINING and view.gaining.own and _is_gaining_ds_due(view):
                if _asks_for_others(rrset, view, view.gaining.own):
                    found.append(f"{place} and asks for another key than the gaining ones")
                continue
            missing = {which: each for which, each in view.sides.items() if not _asked_for(rrset, view, each.sep_keys)}
            lacking = [which.value for which in missing]
            strange = _asks_for_others(rrset, view, [key for each in view.sides.values() for key in each.sep_keys])
            if view.merges and missing and strange and not any(each.own for each in missing.values()):
                unknown.append(f"{place}, and the keys of the {' and the '.join(lacking)} side are not known")
            elif missing or not view.merges:
                asked = f" and does not ask for the {' or '.join(lacking)} side" if missing else ""
                found.append(f"{place}{asked}")
    if unknown and not found:
        return Truth.NOT_SEEN, "; ".join(unknown)
    return _nothing_asked(view, found, "no CDS or CDNSKEY of one side alone")


def _is_gaining_ds_due(view: View) -> bool:
    """Whether the parent has the gaining DS alone, or a step is claimed that makes it so: it may be asked for alone then."""
    claiming = [step for step in (*view.done, *view.at_hand) if Claim.GAINING_DS_ALONE in claims_of(step, view.steps)]
    if any(step in view.done for step in claiming):
        return True
    return bool(claiming) and _verdict(view, Claim.GAINING_DS_ALONE)[0] is Truth.TRUE


def _csyncs(view: View) -> _Verdict:
    found = [
        f"a CSYNC to act on at once is in the {side.source.value} zone"
        for side in view.sides.values()
        if side.zone is not None and (csync := side.zone.get("@", rd.CSYNC)) is not None and _is_immediate(csync)
    ]
    return _nothing_asked(view, found, "no CSYNC to act on at once")


def _nothing_asked(view: View, found: list[str], told: str) -> _Verdict:
    """Where the losing side goes on as it likes, the parent can be asked not to scan, which nobody sees here."""
    if found:
        told = "; ".join(found)
        return (Truth.FALSE, told) if view.merges else (Truth.NOT_SEEN, f"{told}; whether the parent scans is not seen")
    not_looked = [source.value for source in view.sides if view.sighting.zone(source) is NOT_LOOKED_AT]
    if not_looked:
        told = f"{_verb(not_looked, 'zone was', 'zones were')} not looked at"
        return Truth.NOT_SEEN, f"the {' and the '.join(not_looked)} {told}"
    return Truth.TRUE, told


def _is_immediate(csync: RRset) -> bool:
    return bool(int.from_bytes(csync.rdatas[0][4:6], "big") & CsyncFlag.IMMEDIATE)


def _asks_for_exactly(source: Source, wanted_of: tuple[Source, ...]) -> Callable[[View], _Verdict]:
    def judging(view: View) -> _Verdict:
        zone = view.sides[source].zone
        assert zone is not None  # or it is said to be lacking
        wanted = [key for which in wanted_of for key in view.sides[which].sep_keys]
        for rdtype in (rd.CDS, rd.CDNSKEY):
            rrset = zone.get("@", rdtype)
            if rrset is None:
                return Truth.FALSE, f"no {rd.type_text(rdtype)} is in the {source.value} zone"
            place = f"{rrset.type_text} in the {source.value} zone"
            for which in wanted_of:
                keys = view.sides[which].sep_keys
                if not _asked_for(rrset, view, keys):
                    return Truth.FALSE, f"{place} does not ask for {_keys(keys)}"
            if _asks_for_others(rrset, view, wanted):
                return Truth.FALSE, f"{place} asks for another than {_keys(wanted)}"
        return Truth.TRUE, f"CDS and CDNSKEY in the {source.value} zone ask for {_keys(wanted)}"

    return judging


def _losing_csync(view: View) -> _Verdict:
    zone = view.losing.zone
    assert zone is not None  # or it is said to be lacking
    csync = zone.get("@", rd.CSYNC)
    if csync is None:
        return Truth.FALSE, "no CSYNC is in the losing zone"
    serial, flags = int.from_bytes(csync.rdatas[0][:4], "big"), int.from_bytes(csync.rdatas[0][4:6], "big")
    types = set(rd.bitmap_types(csync.rdatas[0][6:]))
    inside = any(is_subdomain(parse_origin(server), view.apex) for server in view.gaining_servers)
    if rd.NS not in types or (inside and types.isdisjoint((rd.A, rd.AAAA))):
        return Truth.FALSE, "the CSYNC does not ask for the NS RRset and the addresses in the domain"
    if not flags & CsyncFlag.IMMEDIATE:
        return Truth.FALSE, "the CSYNC is not to be acted on at once"
    if flags & CsyncFlag.SOAMINIMUM and 0 < (serial - zone.serial) % 2**32 < 2**31:
        return Truth.FALSE, f"the CSYNC counts from serial {serial}, and the zone is at {zone.serial}"
    return Truth.TRUE, f"a CSYNC of serial {serial} asks for the NS RRset"


_BOTH_ZONES: Final = (_Need.LOSING, _Need.GAINING)
_BOTH_KEYS: Final = (_Need.LOSING_KEYS, _Need.GAINING_KEYS)
_BOTH: Final = (Source.LOSING, Source.GAINING)
JUDGES: Final[Mapping[Claim, tuple[tuple[_Need, ...], Callable[[View], _Verdict]]]] = MappingProxyType(
    {
        Claim.LOSING_VERIFIES: ((_Need.LOSING,), _verifies(Source.LOSING)),
        Claim.GAINING_VERIFIES: ((_Need.GAINING, _Need.GAINING_KEYS), _verifies(Source.GAINING)),
        Claim.KEYS_ACCEPTABLE: (_BOTH_KEYS, _acceptable),
        Claim.LOSING_HAS_GAINING_KEYS: ((_Need.LOSING, _Need.GAINING_KEYS), _publishes(Source.LOSING)),
        Claim.LOSING_SIGNS_DNSKEY: ((_Need.LOSING, _Need.LOSING_KEYS), _losing_signs_dnskey),
        Claim.GAINING_HAS_LOSING_KEYS: ((_Need.GAINING, _Need.LOSING_KEYS), _publishes(Source.GAINING)),
        Claim.GAINING_SIGNS_DNSKEY: ((_Need.GAINING, _Need.GAINING_KEYS), _gaining_signs_dnskey),
        Claim.LOSING_TTLS_LOW: ((_Need.LOSING,), _ttls_low),
        Claim.BOTH_DS: ((_Need.DS, *_BOTH_KEYS), _both_ds),
        Claim.DS_DIGESTS: ((_Need.DS, *_BOTH_KEYS), _ds_digests),
        Claim.GAINING_ANSWERS: ((_Need.GAINING,), _gaining_answers),
        Claim.SHARED_ANSWER: ((_Need.GAINING,), _gaining_answers),
        Claim.GAINING_NS: ((_Need.GAINING,), _gaining_ns),
        Claim.PARENT_NS: ((_Need.NS,), _parent_ns),
        Claim.LOSING_NS: ((_Need.LOSING,), _losing_ns),
        Claim.GAINING_DS_ALONE: ((_Need.DS, _Need.GAINING_KEYS), _gaining_ds_alone),
        Claim.NO_DS: ((_Need.DS,), _no_ds),
        Claim.LOSING_KEYS_GONE: ((_Need.GAINING,), _keys_gone),
        Claim.LOSING_SILENT: ((), _losing_silent),
        Claim.GAINING_TTLS_RESTORED: ((_Need.GAINING,), _ttls_restored),
        Claim.NO_ONE_SIDED_CDS: ((), _one_sided),
        Claim.NO_CSYNC: ((), _csyncs),
        Claim.LOSING_CDS_OF_BOTH: ((_Need.LOSING, *_BOTH_KEYS), _asks_for_exactly(Source.LOSING, _BOTH)),
        Claim.GAINING_CDS_OF_BOTH: ((_Need.GAINING, *_BOTH_KEYS), _asks_for_exactly(Source.GAINING, _BOTH)),
        Claim.GAINING_CDS_ALONE: (
            (_Need.GAINING, _Need.GAINING_KEYS),
            _asks_for_exactly(Source.GAINING, (Source.GAINING,)),
        ),
        Claim.LOSING_CSYNC: ((_Need.LOSING,), _losing_csync),
        Claim.GAINING_VALIDATES: ((_Need.GAINING, _Need.GAINING_KEYS, _Need.DS), _validates),
        Claim.GAINING_UNSIGNED: ((_Need.GAINING, _Need.DS), _unsigned),
    }
)
"""By claim, what has to have been seen, and what judges it."""

_OF_LOSING_SERVERS: Final = frozenset(
    (
        *(Claim.LOSING_VERIFIES, Claim.LOSING_HAS_GAINING_KEYS, Claim.LOSING_SIGNS_DNSKEY, Claim.LOSING_TTLS_LOW),
        *(Claim.LOSING_NS, Claim.LOSING_CDS_OF_BOTH, Claim.LOSING_CSYNC),
    )
)
_OF_PARENT: Final = (Source.PARENT,)
_SERVED_BY: Final[Mapping[Claim, tuple[Source, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(_OF_LOSING_SERVERS, (Source.LOSING,)),
        Claim.LOSING_SILENT: (Source.LOSING,),
        **dict.fromkeys((Claim.BOTH_DS, Claim.DS_DIGESTS, Claim.GAINING_DS_ALONE, Claim.NO_DS), _OF_PARENT),
        Claim.PARENT_NS: _OF_PARENT,
        Claim.LOSING_KEYS_GONE: (Source.GAINING,),
        Claim.GAINING_TTLS_RESTORED: (Source.GAINING,),
        Claim.GAINING_CDS_ALONE: (Source.GAINING,),
        Claim.GAINING_VALIDATES: (Source.GAINING, Source.PARENT),
        Claim.GAINING_UNSIGNED: (Source.GAINING, Source.PARENT),
    }
)
"""By claim, whose servers all have to give what makes it true.

Before the gaining servers are to answer, the gaining zone is what they are going to serve; from then on, whether each of them
does is a claim of its own, and these are those that come later.
"""
