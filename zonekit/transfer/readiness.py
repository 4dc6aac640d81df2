"""What to know before a transfer starts: from the facts, from the two zones, and from the timing of their keys.

A finding of severity ERROR makes a plan unsafe or impossible as things are, a WARNING costs some resolvers or somebody's
time unless it is dealt with, an INFO explains a date. Codes are stable words; each finding says what to do about it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from zonekit import rdata as rd
from zonekit.algorithms import RSA_ALGORITHMS, Algorithm
from zonekit.denial import Denial, Nsec, Nsec3, denial_of
from zonekit.dnskeys import (
    MAX_RESPONSE_OCTETS,
    Dnskey,
    check_intake,
    dnskey_signers,
    dnskeys_of,
    keys_to_take,
    signer_of,
)
from zonekit.ds import CsyncFlag, asks_for
from zonekit.errors import DeadlineMissed, DnskeyRefused, PlanError, ZoneError
from zonekit.findings import Finding, Severity
from zonekit.instants import instant_text
from zonekit.keys import SigningKey
from zonekit.names import is_subdomain, name_text, order_key
from zonekit.nodes import HEADER_OCTETS, split_node
from zonekit.transfer.capabilities import COOPERATING, is_able, lacks
from zonekit.transfer.facts import Facts
from zonekit.transfer.parties import Capability, OperatorFacts
from zonekit.transfer.plan import Plan, plan_transfer, steps_for
from zonekit.transfer.profiles import PROFILES, STICKY
from zonekit.transfer.steps import Effect, Flow
from zonekit.transfer.values import Assumed
from zonekit.transfer.versions import Key, Source
from zonekit.ttl import duration_text
from zonekit.zones import RRset, Zone, ZoneDiff

_SHA1_ALGORITHMS: Final = frozenset(map(int, (Algorithm.RSASHA1, Algorithm.NSEC3RSASHA1)))
_SHA1_DIGEST: Final = 1
_SKEW: Final = 4
_ASSUMED_RSA_OCTETS: Final = 256
# Octets of the public key field and of a signature, by algorithm (RFC 6605 section 4, RFC 8080 sections 3 and 4); of RSA
# with the exponent 65537 (RFC 3110 section 2).
_OCTETS: Final[Mapping[int, tuple[int, int]]] = MappingProxyType(
    {
        **dict.fromkeys(map(int, RSA_ALGORITHMS), (4 + _ASSUMED_RSA_OCTETS, _ASSUMED_RSA_OCTETS)),
        int(Algorithm.ECDSAP256SHA256): (64, 64),
        int(Algorithm.ECDSAP384SHA384): (96, 96),
        int(Algorithm.ED25519): (32, 64),
        int(Algorithm.ED448): (57, 114),
    }
)
MAX_DIFFERENCES: Final = 100
"""How many RRsets that differ between two zones get a finding of their own."""


# ---- from the facts -------------------------------------------------------------------------------------------------


def preflight(
    facts: Facts, *, flow: Flow = Flow.OPERATOR_CHANGE, start: datetime | None = None, plan: Plan | None = None
) -> tuple[Finding, ...]:
    """Return what the facts say that should be known before a transfer starts, the gravest first.

    The codes are ``algorithms-differ``, ``algorithm-unsupported``, ``key-tag-collision``, ``sha1-algorithm``, ``sha1-ds``, ``ds-digests-differ``,
    ``ttl-skew``, ``servers-in-zone``, ``servers-shared``, ``response-too-large``, ``capability-missing``,
    ``capability-limited``, ``capabilities-assumed``, ``name-servers-not-given``, ``signatures-expire``,
    ``sticky-resolvers`` and ``plan-impossible``.

    Args:
        facts: what is known about the domain.
        flow: the way the transfer is to be carried out.
        start: when it is to begin; its dates are held against the expiration of signatures.
        plan: a plan that exists already, also one under way; its facts and flow count instead of the others.

    Raises:
        TimeError: ``start`` is naive.
    """
    chosen_flow = flow if plan is None else plan.flow
    known = facts if plan is None else plan.facts
    found = [
        *_algorithms(known, chosen_flow),
        *_key_tags(known),
        *_digests(known, chosen_flow),
        *_ttls(known),
        *_servers(known),
        *_response(known, chosen_flow),
        *_capabilities(known, chosen_flow),
        *_expiring(known, chosen_flow, start, plan),
        *_assumed(known),
        *_staying(known, chosen_flow, plan),
    ]
    return tuple(sorted(found, key=lambda finding: -finding.severity))


def _finding(
    facts: Facts, code: str, severity: Severity, message: str, *, rule: str = "", remedy: str = "", rdtype: str = ""
) -> Finding:
    return Finding(
        code=code, severity=severity, owner=facts.domain, rdtype=rdtype, message=message, rule=rule, remedy=remedy
    )


def _staying(facts: Facts, flow: Flow, plan: Plan | None) -> Iterator[Finding]:
    """Resolvers that stay with the losing servers, where nothing but the parent leads away from them."""
    steps = steps_for(facts, flow) if plan is None else [planned.step for planned in plan.steps]
    profiles = PROFILES if plan is None else plan.profiles
    if STICKY not in profiles and all(step.effect is not Effect.NS_AT_LOSING for step in steps):
        yield _finding(
            facts,
            "sticky-resolvers",
            Severity.WARNING,
            "the losing zone goes on naming its own servers: a resolver that never leaves such a child stays there, as Knot"
            " Resolver does in an insecure domain whose servers send their NS RRset along with every answer",
            rule="RFC 6781 section 4.3.5.1",
            remedy="have the losing operator change its own NS RRset, or stop answering as the plan says: such a resolver then"
            " gets no answer until its NS RRset has run out",
            rdtype="NS",
        )


def algorithms_of(operator: OperatorFacts) -> frozenset[int]:
    """Return the numbers of the algorithms that an operator signs with."""
    return frozenset(key.algorithm for key in (*operator.dnskey_signers, *operator.data_signers))


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def _algorithms(facts: Facts, flow: Flow) -> Iterator[Finding]:
    losing, gaining = algorithms_of(facts.losing), algorithms_of(facts.gaining)
    if losing and gaining and losing != gaining:
        merges = flow in COOPERATING
        yield _finding(
            facts,
            "algorithms-differ",
            Severity.ERROR if merges else Severity.INFO,
            f"the losing side signs with algorithm {_listed(losing)}, the gaining side with {_listed(gaining)}"
            + (": no data has signatures of all the algorithms in the DS RRset" if merges else ""),
            rule="RFC 4035 section 2.2, RFC 8901 section 4",
            remedy="let the gaining side use the losing side's algorithm and roll to another after the transfer; or roll"
            " on the losing side first; or go through insecure"
            if merges
            else "",
            rdtype="DNSKEY",
        )
    for who, algorithms in (("losing", losing), ("gaining", gaining)):
        unsupported = algorithms.difference(*(profile.algorithms for profile in PROFILES))
        if unsupported:
            yield _finding(
                facts,
                "algorithm-unsupported",
                Severity.WARNING if who == "losing" else Severity.ERROR,
                f"the {who} side signs with algorithm {_listed(unsupported)}, which no validator is known to support: the"
                " domain is not protected by it",
                rule="RFC 9904",
                remedy="sign with algorithm 13",
                rdtype="DNSKEY",
            )
        old = algorithms & _SHA1_ALGORITHMS
        if old:
            yield _finding(
                facts,
                "sha1-algorithm",
                Severity.WARNING if who == "losing" else Severity.ERROR,
                f"the {who} side signs with algorithm {_listed(old)}, which validators without SHA-1 take for insecure:"
                " for them the domain is not protected during the transfer",
                rule="RFC 9905 section 2",
                remedy="roll to algorithm 13 on the losing side first, or accept it until the transfer is over"
                if who == "losing"
                else "sign with algorithm 13",
                rdtype="DNSKEY",
            )


def _key_tags(facts: Facts) -> Iterator[Finding]:
    by_tag: defaultdict[tuple[int, int], list[Key]] = defaultdict(list)
    for each in (*facts.losing.keys, *facts.gaining.keys):
        if each.key.key_tag is not None:
            by_tag[each.key.algorithm, each.key.key_tag].append(each.key)
    for (algorithm, tag), keys in sorted(by_tag.items()):
        if len(keys) > 1:
            yield _finding(
                facts,
                "key-tag-collision",
                Severity.WARNING,
                f"{' and '.join(sorted(key.name for key in keys))} share key tag {tag} and algorithm {algorithm}:"
                " validators have to try both, and may refuse to",
                rule="RFC 4034 appendix B",
                remedy="have the gaining side generate another key",
                rdtype="DNSKEY",
            )


def _digests(facts: Facts, flow: Flow) -> Iterator[Finding]:
    digests = frozenset(entry.digest_type for entry in facts.parent.ds)
    ours = facts.parent.digest_type
    if digests == {_SHA1_DIGEST}:
        yield _finding(
            facts,
            "sha1-ds",
            Severity.WARNING,
            "the DS at the parent is a SHA-1 digest alone: where validators do without SHA-1 the domain is not protected,"
            " and beside a SHA-256 DS of the gaining side it does not count",
            rule="RFC 4509 section 3, RFC 9904",
            remedy="add the losing SHA-256 DS in the same update as the gaining one",
            rdtype="DS",
        )
    if flow not in COOPERATING or not digests or digests == {ours}:
        return
    stronger = max(digests) > ours
    yield _finding(
        facts,
        "ds-digests-differ",
        Severity.WARNING,
        f"the losing DS has digest type {_listed(digests)}, the gaining one gets {ours}: some validators go by the"
        f" strongest digest alone and would take no notice of the {'gaining' if stronger else 'losing'} DS",
        rule="RFC 4509 section 3, RFC 6840 section 5.2",
        remedy=f"add the DS of both sides with digest type {max(*digests, ours)} in one update",
        rdtype="DS",
    )


def _ttls(facts: Facts) -> Iterator[Finding]:
    losing, gaining, parent = facts.losing, facts.gaining, facts.parent
    pairs = [
        ("NS", "the parent's", parent.ns_ttl, "the losing zone's own", losing.ns_ttl),
        ("NS", "the losing", losing.ns_ttl, "the gaining", gaining.ns_ttl),
        ("", "the longest losing data", losing.data_ttl, "the longest gaining data", gaining.data_ttl),
    ]
    if losing.is_signed and gaining.is_signed:
        pairs.append(("DNSKEY", "the losing", losing.dnskey_ttl, "the gaining", gaining.dnskey_ttl))
    if losing.is_signed:
        pairs.append(("DNSKEY", "the losing DNSKEY", losing.dnskey_ttl, "the longest losing data", losing.data_ttl))
    for rdtype, one, ttl, other, other_ttl in pairs:
        if max(ttl, other_ttl) > _SKEW * min(ttl, other_ttl):
            yield _finding(
                facts,
                "ttl-skew",
                Severity.INFO,
                f"{one} {rdtype or 'TTL'} has {duration_text(ttl)}, {other} {duration_text(other_ttl)}: caches are rid of the"
                " one long before the other",
                rule="RFC 7583 section 3.2.1",
                remedy="the longer one makes the wait: lower it well before the start, if its operator can",
                rdtype=rdtype,
            )


def _servers(facts: Facts) -> Iterator[Finding]:
    for who, operator in (("losing", facts.losing), ("gaining", facts.gaining)):
        inside = facts.servers_in_domain(operator)
        if inside:
            stay = facts.servers_that_stay
            cached = "" if operator.address_ttl is None else f", and cached for {duration_text(operator.address_ttl)}"
            yield _finding(
                facts,
                "servers-in-zone",
                Severity.WARNING,
                f"the {who} name servers {', '.join(sorted(inside))} lie in the domain: their addresses are in the zone"
                f" and at the parent{cached}",
                rule="RFC 1034 section 4.2.1, RFC 9471 section 2.1",
                remedy="change these addresses with the NS RRset, at the parent and in the losing zone"
                if stay
                else "keep the losing servers' addresses in the gaining zone until they are left, put the gaining ones' into"
                " the losing zone with its NS RRset, and give the registrar their glue",
                rdtype="NS",
            )
    for overlap in facts.shared_servers:
        asked = "the parent" if overlap.asked is Source.PARENT else f"the {overlap.asked.value} operator"
        gaining = overlap.answers is Source.GAINING
        how = (
            "as soon as they have loaded it, before any NS change"
            if gaining
            else "until they drop it, after any NS change"
        )
        yield _finding(
            facts,
            "servers-shared",
            Severity.WARNING,
            f"servers of {asked} answer for the {overlap.answers.value} zone {how}",
            rule="RFC 1034 section 4.3.2",
            remedy="load that zone on them when the plan says so: after all its other servers, and when the NS may change"
            if gaining
            else "drop that zone from them as soon as the plan lets the losing operator stop",
            rdtype="NS",
        )


def _response(facts: Facts, flow: Flow) -> Iterator[Finding]:
    if flow not in COOPERATING:
        return
    losing, gaining = facts.losing, facts.gaining
    theirs = [each.key for each in gaining.keys]
    if Capability.IMPORT_KSK not in losing.can:
        theirs = sorted(gaining.keys_for_others)
    merged_at = (
        ("losing", losing, [*(each.key for each in losing.keys), *theirs]),
        ("gaining", gaining, [*(each.key for each in gaining.keys), *sorted(losing.keys_for_others)]),
    )
    for who, operator, keys in merged_at:
        octets = _response_octets(facts.domain, keys, operator.dnskey_signers)
        if octets is not None and octets > MAX_RESPONSE_OCTETS:
            assumed = any(key.algorithm in RSA_ALGORITHMS for key in keys)
            yield _response_finding(facts.domain, who, octets, " if RSA keys have 2048 bits" if assumed else "")


def _response_finding(domain: str, who: str, octets: int, condition: str = "") -> Finding:
    return Finding(
        code="response-too-large",
        severity=Severity.WARNING,
        owner=domain,
        rdtype="DNSKEY",
        message=f"with the keys of both the {who} DNSKEY response has {octets} octets{condition}, more than"
        f" {MAX_RESPONSE_OCTETS}",
        rule="DNS Flag Day 2020, RFC 9715",
        remedy="make sure that the servers answer over TCP, publish only the keys the other side needs, or use ECDSA keys",
    )


def _response_octets(domain: str, keys: Iterable[Key], signers: Iterable[Key]) -> int | None:
    """The octets of a DNSKEY response, as :func:`zonekit.dnskey_response_octets` counts them; None where not known."""
    owner = len(domain) + 1 if domain != "." else 1
    record = 2 + HEADER_OCTETS
    try:
        return (
            (12 + owner + 4 + 11)
            + sum(record + 4 + _OCTETS[key.algorithm][0] for key in keys)
            + sum(record + 18 + owner + _OCTETS[key.algorithm][1] for key in signers)
        )
    except KeyError:
        return None


def _capabilities(facts: Facts, flow: Flow) -> Iterator[Finding]:
    for lack in lacks(facts, flow):
        yield _finding(
            facts,
            "capability-missing",
            Severity.ERROR,
            f"{flow.value} cannot be carried out: {lack}",
            rule="RFC 6781 section 4.3.5",
            remedy="choose another flow; through-insecure asks the least of the losing side",
        )
    limits = (
        (Capability.LOWER_TTLS, "its old records stay in caches for their whole TTL after the NS change"),
        (
            Capability.CHANGE_NS,
            "resolvers that take its own NS RRset stay with it for one more TTL of that, some for ever",
        ),
    )
    for capability, cost in limits:
        if not is_able(facts.losing, capability) and flow in COOPERATING:
            yield _finding(
                facts,
                "capability-limited",
                Severity.INFO if capability is Capability.LOWER_TTLS else Severity.WARNING,
                f"the losing operator cannot {capability.value}: {cost}",
                rule="RFC 6781 section 4.3.5.1",
                remedy="have the losing operator serve on for as long as the plan says",
            )
    if flow not in COOPERATING and not is_able(facts.losing, Capability.SERVE_ON):
        yield _finding(
            facts,
            "capability-limited",
            Severity.ERROR,
            "the losing operator stops as soon as the NS change: resolvers are sent to servers that do not answer for up to"
            f" {duration_text(facts.parent.ns_ttl)}",
            rule="RFC 6781 section 4.3.5.2",
            remedy="agree with the losing operator on how long it serves on, or have the registrar lower the NS TTL",
        )


def _assumed(facts: Facts) -> Iterator[Finding]:
    """What the facts leave out, and the plan takes for granted."""
    for who, operator in (("losing", facts.losing), ("gaining", facts.gaining)):
        if isinstance(operator.can, Assumed):
            yield _finding(
                facts,
                "capabilities-assumed",
                Severity.INFO,
                f"assumed: the {who} operator can {', '.join(capability.value for capability in Capability)}; nobody said so",
                rule="RFC 6781 section 4.3.5",
                remedy=f"ask it, and list what it can do as can of the {who} operator",
            )
        if isinstance(operator.name_servers, Assumed):
            yield _finding(
                facts,
                "name-servers-not-given",
                Severity.INFO,
                f"the name servers of the {who} operator are not given: assumed is that none lies in the domain, and none is of"
                " both operators",
                rule="RFC 9471 section 2.1",
                remedy=f"list them as name_servers of the {who} operator: dig +norecurse NS, at its own servers",
                rdtype="NS",
            )


def _expiring(facts: Facts, flow: Flow, start: datetime | None, plan: Plan | None) -> Iterator[Finding]:
    if facts.gaining.signatures_expire is not None:
        yield _finding(
            facts,
            "signatures-expire",
            Severity.ERROR,
            f"signatures of the gaining operator expire at {instant_text(facts.gaining.signatures_expire)} and are not"
            " renewed: the domain is bogus from then on",
            rule="RFC 4035 section 5.3.1",
            remedy="have the gaining operator renew its signatures",
            rdtype="RRSIG",
        )
    if plan is None and start is not None:
        try:
            plan = plan_transfer(facts, flow=flow, start=start)
        except DeadlineMissed as missed:
            yield _finding(
                facts,
                "signatures-expire",
                Severity.ERROR,
                missed.problem.removeprefix(f"{facts.domain}: "),
                rule=missed.rule,
                remedy=missed.remedy,
                rdtype="RRSIG",
            )
        except PlanError as error:
            if not lacks(facts, flow):  # else it has been said already
                problem = error.problem.removeprefix(f"{facts.domain}: ")
                yield _finding(facts, "plan-impossible", Severity.ERROR, problem, rule=error.rule, remedy=error.remedy)
    if plan is not None and plan.deadline is not None:
        in_time = plan.is_in_time
        yield _finding(
            facts,
            "signatures-expire",
            Severity.INFO if in_time else Severity.ERROR,
            "the losing operator does not renew its signatures: what is left to do has to begin at"
            f" {instant_text(plan.deadline)} at the latest" + ("" if in_time else ", which the plan does not"),
            rule="RFC 4035 section 5.3.1",
            remedy="begin in time"
            if in_time
            else "have the losing operator renew its signatures, or go through insecure",
            rdtype="RRSIG",
        )


# ---- from the two zones ---------------------------------------------------------------------------------------------


def preflight_zones(losing_zone: Zone, gaining_zone: Zone) -> tuple[Finding, ...]:
    """Return what the two signed zones say that should be known before a transfer starts, the gravest first.

    The codes are ``content-differs``, ``content-ttl-differs``, ``denial-mix``, ``cds-flips-ds``, ``csync-flips-ns``,
    ``rollover-under-way``, ``key-tag-collision``, ``response-too-large``, ``key-refused``, ``servers-in-zone`` and
    ``glue-missing``. DNSKEY and denial are looked at where both zones are signed, CDS and CSYNC where one is.

    Args:
        losing_zone: the zone as the losing operator serves it.
        gaining_zone: the zone as the gaining operator is going to.

    Raises:
        ZoneError: the two are zones of different names.
    """
    if order_key(losing_zone.apex) != order_key(gaining_zone.apex):
        raise ZoneError(f"{name_text(losing_zone.apex)} and {name_text(gaining_zone.apex)} are different zones")
    found = [*_contents(losing_zone, gaining_zone), *_servers_in_zone(losing_zone, gaining_zone)]
    found += _one_sided(losing_zone, gaining_zone)
    if all(zone.get("@", rd.DNSKEY) is not None for zone in (losing_zone, gaining_zone)):
        found += _denials(losing_zone, gaining_zone)
        for who, zone in (("losing", losing_zone), ("gaining", gaining_zone)):
            found += _rollover_under_way(who, zone)
        found += _intake("gaining", gaining_zone, losing_zone)
        found += _intake("losing", losing_zone, gaining_zone)
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: -finding.severity))


_DNSSEC_TYPES: Final = frozenset(
    (rd.RRSIG, rd.NSEC, rd.NSEC3, rd.NSEC3PARAM, rd.DNSKEY, rd.CDS, rd.CDNSKEY, rd.CSYNC, rd.ZONEMD)
)


def _contents(losing_zone: Zone, gaining_zone: Zone) -> Iterator[Finding]:
    apex = order_key(losing_zone.apex)

    def counts(rrset: RRset) -> bool:
        at_apex = order_key(rrset.owner) == apex
        return rrset.rdtype not in _DNSSEC_TYPES and not (at_apex and rrset.rdtype in (rd.SOA, rd.NS))

    diff: ZoneDiff = losing_zone.diff(gaining_zone)
    differing = [(rrset, "is in the losing zone alone") for rrset in diff.removed if counts(rrset)]
    differing += [(rrset, "is in the gaining zone alone") for rrset in diff.added if counts(rrset)]
    changed = [(was, now) for was, now in diff.changed if counts(was)]
    differing += [(was, "has other data in the gaining zone") for was, now in changed if not was.same_data(now)]
    differing.sort(key=lambda pair: (order_key(pair[0].owner), pair[0].rdtype))
    for rrset, how in itertools.islice(differing, MAX_DIFFERENCES):
        yield _zone_finding(
            losing_zone,
            "content-differs",
            Severity.WARNING,
            how,
            owner=name_text(rrset.owner),
            rdtype=rrset.type_text,
            remedy="copy the zone once more, or make sure that the change is meant: caches mix what both serve",
        )
    left = len(differing) - MAX_DIFFERENCES
    if left > 0:
        yield _zone_finding(
            losing_zone,
            "content-differs",
            Severity.WARNING,
            f"{left} more RRsets differ between the two zones",
            remedy="compare the two zones with Zone.diff",
        )
    ttls = [was for was, now in changed if was.same_data(now)]
    if ttls:
        yield _zone_finding(
            losing_zone,
            "content-ttl-differs",
            Severity.INFO,
            f"{len(ttls)} RRsets have another TTL in the gaining zone, the first at {name_text(ttls[0].owner)}"
            f" {ttls[0].type_text}",
            rule="RFC 2181 section 5.2",
            remedy="the longer one counts while both are in caches",
        )


def _zone_finding(
    zone: Zone,
    code: str,
    severity: Severity,
    message: str,
    *,
    owner: str = "",
    rdtype: str = "",
    rule: str = "RFC 6781 section 4.3.5.1",
    remedy: str = "",
) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        owner=owner or name_text(zone.apex),
        rdtype=rdtype,
        message=message,
        rule=rule,
        remedy=remedy,
    )


def _servers_in_zone(losing_zone: Zone, gaining_zone: Zone) -> Iterator[Finding]:
    for who, zone in (("losing", losing_zone), ("gaining", gaining_zone)):
        for server in zone.apex_rrset(rd.NS).rdatas:
            if not is_subdomain(server, zone.apex):
                continue
            name = name_text(server)
            yield _zone_finding(
                zone,
                "servers-in-zone",
                Severity.WARNING,
                f"the {who} name server {name} has its name in the zone: the parent needs its glue, and its address is"
                " cached like other data",
                rdtype="NS",
                rule="RFC 9471 section 2.1",
                remedy="give the registrar the glue with the NS change, and the planner the TTL of the address",
            )
            for there, other in (("losing", losing_zone), ("gaining", gaining_zone)):
                if all(other.find(server, rdtype) is None for rdtype in (rd.A, rd.AAAA)):
                    yield _zone_finding(
                        zone,
                        "glue-missing",
                        Severity.ERROR,
                        f"the {there} zone has no address of the {who} name server {name}: whoever asks there cannot reach it",
                        owner=name,
                        rdtype="A",
                        rule="RFC 1912 section 2.3",
                        remedy=f"add its A and AAAA records to the {there} zone until the transfer is over",
                    )


def _denials(losing_zone: Zone, gaining_zone: Zone) -> Iterator[Finding]:
    losing, gaining = denial_of(losing_zone), denial_of(gaining_zone)
    if losing == gaining or losing is None or gaining is None:
        return
    mixed = isinstance(losing, Nsec) is not isinstance(gaining, Nsec)
    yield _zone_finding(
        losing_zone,
        "denial-mix",
        Severity.WARNING if mixed else Severity.INFO,
        f"the losing zone denies with {_denial_text(losing)}, the gaining one with {_denial_text(gaining)}: each answer"
        " validates by itself, caches that answer from NSEC records use those of one side alone",
        rule="RFC 8901 section 5.2, RFC 8198",
        remedy="use one method on both sides during the transfer, and change it afterwards" if mixed else "",
    )


def _denial_text(denial: Denial) -> str:
    match denial:
        case Nsec():
            return "NSEC"
        case Nsec3():
            opt_out = ", opt-out" if denial.opt_out.value else ""
            return f"NSEC3 ({denial.iterations} iterations, {len(denial.salt)} octets of salt{opt_out})"


def _seps(zone: Zone) -> tuple[Dnskey, ...]:
    """What the parent should have a DS of: the keys that sign the DNSKEY RRset, or could; none where there is no such RRset."""
    if zone.get("@", rd.DNSKEY) is None:
        return ()
    signing = dnskey_signers(zone)
    return tuple(key for key in signing if key.is_sep) or tuple(
        key for key in dnskeys_of(zone.apex_rrset(rd.DNSKEY)) if key.is_sep
    )


def _one_sided(losing_zone: Zone, gaining_zone: Zone) -> Iterator[Finding]:
    """CDS, CDNSKEY and CSYNC that would change DS or NS at a parent that scans, while the transfer is under way."""
    keys = {"losing": _seps(losing_zone), "gaining": _seps(gaining_zone)}
    for who, zone in (("losing", losing_zone), ("gaining", gaining_zone)):
        for rdtype in (rd.CDS, rd.CDNSKEY):
            rrset = zone.get("@", rdtype)
            if rrset is None:
                continue
            missing = [
                side
                for side, seps in keys.items()
                if not any(
                    asks_for(rdtype, rdata, zone.apex, [key.dnskey_rdata]) for rdata in rrset.rdatas for key in seps
                )
            ]
            if missing:
                yield _zone_finding(
                    zone,
                    "cds-flips-ds",
                    Severity.ERROR,
                    f"the {rrset.type_text} RRset of the {who} zone does not ask for the DS of the {' or '.join(missing)}"
                    " side: a parent that scans would remove it, or bring back what was removed",
                    rdtype=rrset.type_text,
                    rule="RFC 7344 section 4.1, RFC 8901 section 8",
                    remedy="publish CDS and CDNSKEY of both sides in both zones, or none, until the transfer is over; where one"
                    " zone is not signed or the domain goes through insecure, none",
                )
        csync = zone.get("@", rd.CSYNC)
        if csync is not None and int.from_bytes(csync.rdatas[0][4:6], "big") & CsyncFlag.IMMEDIATE:
            yield _zone_finding(
                zone,
                "csync-flips-ns",
                Severity.ERROR,
                f"the {who} zone has a CSYNC that a parent acts on at once: it would change the NS RRset on its own",
                rdtype="CSYNC",
                rule="RFC 7477 section 2.1.1.2",
                remedy="remove it until the NS may change",
            )


def _rollover_under_way(who: str, zone: Zone) -> Iterator[Finding]:
    """Keys that are published and sign nothing, or more than one that signs the same: a rollover under way."""
    keys = [key for key in dnskeys_of(zone.apex_rrset(rd.DNSKEY)) if key.is_zone_key]
    signing = {
        signer_of(record[HEADER_OCTETS:])
        for _, node in zone.nodes()
        for rdtype, _, records in split_node(node)
        if rdtype == rd.RRSIG
        for record in records
    }
    for key in keys:
        if key.is_revoked or (key.algorithm, key.key_tag) not in signing:
            state = "is revoked" if key.is_revoked else "signs nothing"
            yield _zone_finding(
                zone,
                "rollover-under-way",
                Severity.WARNING,
                f"key {key.key_tag} of the {who} zone {state}: a rollover is under way, or it is a key of another signer",
                rdtype="DNSKEY",
                rule="RFC 7583 section 3, RFC 8901 section 6",
                remedy="finish the rollover and stop all others before the transfer starts",
            )


def _intake(who: str, zone: Zone, other: Zone) -> Iterator[Finding]:
    """What there is to say against the other side's keys in this zone."""
    offered = keys_to_take(other)
    intake = check_intake(zone, offered, max_response_octets=None)
    for refused in intake.refused:
        yield _refused_finding(who, refused)
    if intake.response_octets > MAX_RESPONSE_OCTETS:
        yield _response_finding(name_text(zone.apex), who, intake.response_octets)


def _refused_finding(who: str, refused: DnskeyRefused) -> Finding:
    kind = type(refused).__name__
    return Finding(
        code="key-tag-collision" if kind == "KeyTagCollision" else "key-refused",
        severity=Severity.ERROR,
        owner=refused.owner,
        rdtype="DNSKEY",
        message=f"the {who} side cannot take a key: {refused.problem.removeprefix(f'{refused.owner}: ')}",
        rule=refused.rule or "RFC 6781 section 4.3.5.1",
        remedy=refused.remedy or "ask for another key",
    )


# ---- from the timing of keys ----------------------------------------------------------------------------------------


def preflight_rollovers(keys: Iterable[SigningKey], plan: Plan) -> tuple[Finding, ...]:
    """Return a finding ``rollover-scheduled`` for every event in the timing of keys that falls into a plan (RFC 7583).

    Args:
        keys: keys with the timing that their files have, of either side.
        plan: the plan; its start and its last step bound the time.
    """
    found = []
    for key in keys:
        for event in ("publish", "activate", "revoke", "inactive", "delete", "ds_publish", "ds_removed", "sync_delete"):
            instant: datetime | None = getattr(key.timing, event)
            if instant is not None and plan.start < instant <= plan.finished:
                found.append(
                    Finding(
                        code="rollover-scheduled",
                        severity=Severity.WARNING,
                        owner=name_text(key.owner),
                        rdtype="DNSKEY",
                        message=f"{key.role.value} {key.key_tag} has {event.replace('_', ' ')} at {instant_text(instant)},"
                        f" {duration_text(plan.finished - instant)} before the plan is done",
                        rule="RFC 8901 section 6",
                        remedy="put it off until the transfer is over: dnssec-settime, or pause dnssec-policy",
                    )
                )
    return tuple(found)
