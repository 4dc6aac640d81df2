"""The verdict on a whole zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from zonekit import rdata as rd
from zonekit.errors import ZoneError
from zonekit.executing import done_in_order
from zonekit.findings import Finding
from zonekit.instants import epoch_seconds, from_epoch_seconds, utc
from zonekit.names import WireName, name_text, order_key
from zonekit.nodes import Node, split_node
from zonekit.signatures import keys_by_signer
from zonekit.verifying import codes
from zonekit.verifying.apex import cds_findings, dnskey_findings, zonemd_findings
from zonekit.verifying.blocks import BlockRules, Job, Seen, see_block, see_names
from zonekit.verifying.chain import chain_findings, signature_rules
from zonekit.verifying.data import occluded_findings, server_findings, target_findings
from zonekit.verifying.nsec3 import Chains, chains_of, check_chains
from zonekit.verifying.rrsigs import SignatureRules
from zonekit.verifying.verification import Extent, Verification, in_order
from zonekit.zones import Block, NameStatus, RRset, Zone

if TYPE_CHECKING:
    from concurrent.futures import Executor

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many names have been looked at, and how many there are."""

_NO_CHAINS: Final = Chains()


def verify_zone(
    zone: Zone,
    *,
    now: datetime,
    ds: RRset | None = None,
    previous: Zone | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    extent: Extent = Extent.WHOLE,
) -> Verification:
    """Return the verdict on a zone at an instant: everything that is wrong with it, never only the first.

    Signatures and who has to sign what (RFC 4035 sections 2.2 and 5.3), the NSEC or NSEC3 chain (RFC 4035 section 2.3, RFC
    5155 section 7.1), the keys, CDS and CDNSKEY (RFC 7344), ZONEMD (RFC 8976), and the data as far as it decides what is
    authoritative. :data:`zonekit.verifying.codes.CODES` lists what can be found.

    Args:
        zone: the zone.
        now: the instant that signatures are held against.
        ds: the DS RRset at the parent; without it the chain from there is not judged.
        previous: the zone as it was when it was last verified and nothing was found about its signatures, not even a
            warning. A signature that it has over the same data by the same key is not computed again; all else is judged
            anew.
        executor: where blocks of the zone are judged; here and now when there is none.
        progress: told how far it has come.
        extent: how much of the zone this is. Where it is no more than what servers gave of the apex, nothing is said that
            takes the rest: of denial, of names that others lead to, of a digest over the zone.

    Raises:
        TimeError: ``now`` is naive.
        ZoneError: ``previous`` is a zone of another name.
        DsError: ``ds`` is no DS RRset, or of another zone.

    >>> from datetime import UTC
    >>> from zonekit.zonefile import parse_zone
    >>> zone = parse_zone("nl. 60 SOA ns.nl. a.nl. 1 7200 3600 1209600 300\\nnl. 60 NS ns.nl.\\nns.nl. 60 A 192.0.2.1\\n")
    >>> for finding in verify_zone(zone, now=datetime(2026, 11, 22, tzinfo=UTC)).findings:
    ...     print(finding)
    error: nl. DNSKEY: the zone has no DNSKEY RRset; sign the zone (RFC 4035 section 2.1) [zone-not-signed]
    """
    instant = epoch_seconds(utc(now))
    if previous is not None and order_key(previous.apex) != order_key(zone.apex):
        raise ZoneError(
            f"{name_text(previous.apex)} is no earlier version of {name_text(zone.apex)}",
            remedy="give the zone as it was verified before, or none",
        )
    signatures = _signature_rules(zone, previous, instant)
    is_whole = extent is Extent.WHOLE
    has_nsec, chains = _denial_of(zone) if signatures is not None and is_whole else (False, _NO_CHAINS)
    rules = BlockRules(signatures, has_nsec, zone.negative_ttl, chains.parameters)
    seen = _see(zone, rules, None if signatures is None else previous, executor, progress)
    findings = [*seen.findings, *chains.findings]
    if is_whole:
        findings += server_findings(zone, seen.servers)
        findings += target_findings(zone, seen.targets)
        findings += occluded_findings(zone, seen.occluded, seen.servers)
        findings += zonemd_findings(zone)
    if signatures is None:
        findings.append(codes.ZONE_NOT_SIGNED.found(zone.apex, rd.DNSKEY, "the zone has no DNSKEY RRset"))
    else:
        if not signatures.algorithms:
            findings.append(codes.ZONE_NOT_SIGNED.found(zone.apex, rd.DNSKEY, "no DNSKEY is one that validators use"))
        findings += _missing(seen)
        findings += dnskey_findings(zone, signatures, seen.tally, seen.good)
        findings += cds_findings(zone, seen.good, ds)
        if is_whole:
            findings += _denial_findings(zone, has_nsec, chains, seen)
    if ds is not None:
        dnskeys = zone.get("@", rd.DNSKEY)
        good = seen.good.get(rd.DNSKEY, frozenset())
        findings += chain_findings(zone.apex, ds, () if dnskeys is None else dnskeys.rdatas, good)
    tally = seen.tally
    return Verification(
        zone=name_text(zone.apex),
        serial=zone.serial,
        now=utc(now),
        findings=in_order(findings),
        names=len(zone),
        rrsets=tally.rrsets,
        signatures=tally.checked + tally.carried_over,
        carried_over=tally.carried_over,
        first_expiration=None if tally.first_expiration is None else from_epoch_seconds(tally.first_expiration),
    )


def _signature_rules(zone: Zone, previous: Zone | None, now: int) -> SignatureRules | None:
    """What the signatures of a zone are held against; None where it is not signed."""
    dnskeys = zone.get("@", rd.DNSKEY)
    if dnskeys is None:
        return None
    rules = signature_rules(dnskeys, now)
    before = None if previous is None else previous.get("@", rd.DNSKEY)
    if before is None:
        return rules
    # Only where no other key shares the tag: then it is certain that this very key made the signature.
    earlier = keys_by_signer(before.rdatas)
    same = [signer for signer, keys in rules.keys.items() if keys == earlier.get(signer) and len(keys) == 1]
    return replace(rules, carried=frozenset(same))


def _denial_of(zone: Zone) -> tuple[bool, Chains]:
    """Whether a signed zone has an NSEC chain, and which NSEC3 chains it should have."""
    has_nsec = zone.get("@", rd.NSEC) is not None
    chains = chains_of(zone, has_nsec=has_nsec)
    if not has_nsec and not chains.is_promised:
        has_nsec = any(rrset[0] == rd.NSEC for _, node in zone.nodes() for rrset in split_node(node))
    return has_nsec, chains


# ---- looking at the names -------------------------------------------------------------------------------------------


def _see(
    zone: Zone, rules: BlockRules, previous: Zone | None, executor: Executor | None, progress: Progress | None
) -> Seen:
    """What all the names of a zone show."""
    jobs = [_job(zone, block, previous) for block in zone.blocks]
    apex = [(zone.apex, NameStatus.APEX, split_node(zone.apex_node))]
    earlier = {} if previous is None else {zone.apex.lower(): previous.apex_node}
    seen = see_names(rules, apex, earlier)
    done, names = 1, len(zone)
    work = partial(see_block, rules)
    for job, more in zip(jobs, done_in_order(work, jobs, executor), strict=True):
        seen.add(more)
        done += len(job.block.owners)
        if progress is not None:
            progress(done, names)
    around = seen.order.meet(zone.apex, None) if rules.nsec else None
    if around is not None:
        seen.findings.append(around)
    return seen


def _job(zone: Zone, block: Block, previous: Zone | None) -> Job:
    """A block with what of its surroundings is needed."""
    return Job(block, zone.cut_above(block.owners[0]), _earlier_nodes(previous, block.owners))


def _earlier_nodes(previous: Zone | None, owners: tuple[WireName, ...]) -> Mapping[WireName, Node]:
    if previous is None:
        return {}
    return {owner.lower(): node for owner, node in previous.nodes_between(owners[0], owners[-1])}


# ---- what takes the whole zone --------------------------------------------------------------------------------------


def _missing(seen: Seen) -> Iterator[Finding]:
    """Yield the RRsets without a signature of an algorithm; where nothing has one, that is told of the algorithm."""
    signed_with = {algorithm for algorithm, _ in seen.tally.signers}
    for algorithm, rrsets in sorted(seen.tally.missing.items()):
        if algorithm in signed_with:
            for owner, rdtype in rrsets:
                yield codes.RRSIG_MISSING.found(owner, rdtype, f"there is no signature of algorithm {algorithm}")


def _denial_findings(zone: Zone, has_nsec: bool, chains: Chains, seen: Seen) -> Iterator[Finding]:
    """Yield what is wrong with the denial of existence but for single NSEC records."""
    if has_nsec and seen.nsec3s:
        yield codes.DENIAL_TWICE.found(zone.apex, rd.NSEC, "there are NSEC and NSEC3 records")
    if chains.parameters:
        yield from check_chains(zone, chains, seen.links, seen.nsec3s)
    elif not has_nsec and not chains.is_promised:
        yield codes.DENIAL_MISSING.found(
            zone.apex, rd.NSEC, "there is no NSEC record, and no NSEC3 record of a hash that is defined"
        )
