"""The chain of trust: whether the parent's DS RRset leads to the keys of a zone (RFC 4035 section 5.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from zonekit import rdata as rd
from zonekit.algorithms import DigestType
from zonekit.ds import matches_ds
from zonekit.errors import DsError
from zonekit.findings import Finding, Severity
from zonekit.instants import epoch_seconds, utc
from zonekit.names import WireName, name_text, order_key
from zonekit.nodes import Record, pack_record
from zonekit.signatures import keys_by_signer
from zonekit.verifying import codes
from zonekit.verifying.blocks import KNOWN_DIGESTS, ds_findings
from zonekit.verifying.rrsigs import KNOWN_ALGORITHMS, SignatureRules, Tally, is_usable, judge_rrset
from zonekit.zones import RRset, pack_rrset

_SHA1: Final = int(DigestType.SHA1)


def verify_chain(
    ds: RRset | None, dnskeys: RRset | None, rrsigs: RRset | None, *, now: datetime
) -> tuple[Finding, ...]:
    """Return what is wrong with the chain from the parent's DS RRset to the DNSKEY RRset of a zone, the gravest first.

    The signatures over the DNSKEY RRset are checked, but only told of where they leave no path; :func:`verify_zone` tells
    of each.

    Args:
        ds: the DS RRset at the parent; None where there is none.
        dnskeys: the DNSKEY RRset of the zone; None where there is none.
        rrsigs: the RRSIGs over it.
        now: the instant to judge for.

    Raises:
        DsError: ``ds`` is no DS RRset, or of another owner than the keys; or ``dnskeys`` and ``rrsigs`` are not what they
            are taken for.
        TimeError: ``now`` is naive.
    """
    instant = epoch_seconds(utc(now))
    _check_key_set(dnskeys, rrsigs)
    good: frozenset[bytes] = frozenset()
    if dnskeys is not None:
        rules = signature_rules(dnskeys, instant)
        _, good = judge_rrset(rules, Tally(), dnskeys.owner, pack_rrset(dnskeys), _packed(rrsigs))
    held = dnskeys or ds
    if held is None:
        return ()
    found = chain_findings(held.owner, ds, () if dnskeys is None else dnskeys.rdatas, good)
    return tuple(sorted(found, key=lambda finding: -finding.severity))


def _check_key_set(dnskeys: RRset | None, rrsigs: RRset | None) -> None:
    if dnskeys is not None and dnskeys.rdtype != rd.DNSKEY:
        raise DsError(
            f"{name_text(dnskeys.owner)} {dnskeys.type_text}: a DNSKEY RRset is asked for, this is none",
            remedy='give zone.get("@", "DNSKEY")',
        )
    if rrsigs is not None and (rrsigs.rdtype != rd.RRSIG or rrsigs.covers != rd.DNSKEY):
        raise DsError(
            f"{name_text(rrsigs.owner)} {rrsigs.type_text}: the RRSIGs over a DNSKEY RRset are asked for, these are none",
            remedy='give zone.signatures("@", "DNSKEY")',
        )


def _packed(rrsigs: RRset | None) -> list[Record]:
    return [] if rrsigs is None else [pack_record(rd.RRSIG, rrsigs.ttl, rdata) for rdata in rrsigs.rdatas]


def signature_rules(dnskeys: RRset, now: int) -> SignatureRules:
    """Return what the signatures of the zone with these keys are held against at an instant, in seconds since 1970."""
    algorithms = frozenset(rdata[3] for rdata in dnskeys.rdatas if is_usable(rdata))
    return SignatureRules(dnskeys.owner.lower(), keys_by_signer(dnskeys.rdatas), algorithms, now)


def chain_findings(
    owner: WireName, ds: RRset | None, dnskeys: Sequence[bytes], good: frozenset[bytes]
) -> Iterator[Finding]:
    """Yield what is wrong with the chain, given the DNSKEYs whose signatures over the DNSKEY RRset are good.

    Raises:
        DsError: ``ds`` is no DS RRset, or of another owner.
    """
    if ds is None:
        if dnskeys:
            yield codes.DS_NONE.found(owner, rd.DS, "the zone is signed, and the parent has no DS")
        return
    _check_ds(ds, owner)
    known = [rdata for rdata in ds.rdatas if _is_known(rdata)]
    if not dnskeys and known:
        yield codes.CHAIN_BROKEN.found(owner, rd.DS, "the parent has a DS, and the zone is not signed")
        return
    yield from ds_findings(owner, ds.rdatas)
    by_signer = keys_by_signer(dnskeys)
    defects = {
        rdata: _judge_ds(owner, rdata, by_signer.get((rdata[2], rdata[0] << 8 | rdata[1]), ()), good)
        for rdata in ds.rdatas
    }
    # Beside stronger ones SHA-1 does not count (RFC 4509 section 3).
    counting = [rdata for rdata in known if rdata[3] != _SHA1] or known
    leading = [rdata for rdata in counting if defects[rdata] is None]
    for defect in defects.values():
        if defect is not None and leading:  # validators pass it over and take the one that leads to a key
            yield replace(defect, severity=min(defect.severity, Severity.WARNING))
        elif defect is not None:
            yield defect
    signed_with = {key[3] for key in good}
    for algorithm in sorted({rdata[2] for rdata in known} - signed_with):
        yield codes.DS_ALGORITHM_UNSIGNED.found(
            owner,
            rd.DS,
            f"the DS RRset has algorithm {algorithm}, and no good signature over the DNSKEY RRset is of it",
        )
    if not known:
        yield codes.CHAIN_INSECURE.found(owner, rd.DS, "no DS is of an algorithm and a digest that are known here")
    elif not leading:
        yield codes.CHAIN_BROKEN.found(
            owner, rd.DS, "no DS that counts is of a key with a good signature over the DNSKEY RRset"
        )
    for rdata in known:
        if rdata not in counting and defects[rdata] is None and not any(rdata[:3] == other[:3] for other in leading):
            yield codes.DS_SHA1_IGNORED.found(
                owner,
                rd.DS,
                f"key {rdata[0] << 8 | rdata[1]} has no good DS but one by SHA-1, which does not count beside the others",
                severity=Severity.WARNING if leading else Severity.ERROR,
            )


def _check_ds(ds: RRset, owner: WireName) -> None:
    if ds.rdtype != rd.DS:
        raise DsError(
            f"{name_text(ds.owner)} {ds.type_text}: a DS RRset is asked for, this is none",
            remedy="give the DS RRset that the parent serves",
        )
    if order_key(ds.owner) != order_key(owner):
        raise DsError(
            f"the DS RRset is of {name_text(ds.owner)}, the zone is {name_text(owner)}",
            remedy="give the DS RRset of this zone",
        )


def _is_known(ds_rdata: bytes) -> bool:
    """Whether a DS is of an algorithm and a digest that are known here; validators pass others over."""
    return ds_rdata[2] in KNOWN_ALGORITHMS and ds_rdata[3] in KNOWN_DIGESTS


def _judge_ds(owner: WireName, rdata: bytes, named: Sequence[bytes], good: frozenset[bytes]) -> Finding | None:
    """Return why a DS leads nowhere, or None where it leads to a key that signs or nothing can be said of it.

    Args:
        owner: the zone.
        rdata: the DS.
        named: the DNSKEYs of its algorithm and key tag.
        good: the DNSKEYs whose signatures over the DNSKEY RRset are good.
    """
    tag, algorithm = rdata[0] << 8 | rdata[1], rdata[2]
    place = f"the DS of key {tag} (algorithm {algorithm}, digest type {rdata[3]})"
    if algorithm not in KNOWN_ALGORITHMS:
        return codes.DS_ALGORITHM_UNKNOWN.found(owner, rd.DS, f"{place} is of an algorithm that is not known here")
    if rdata[3] not in KNOWN_DIGESTS:
        return None
    matching = [key for key in named if matches_ds(rdata, owner, key)]
    if matching:
        if not good.isdisjoint(matching):
            return None
        return codes.DS_KEY_SILENT.found(
            owner, rd.DS, f"{place} is of a DNSKEY without a good signature over the DNSKEY RRset"
        )
    if any(not is_usable(key) for key in named):
        return codes.DS_KEY_UNUSABLE.found(
            owner, rd.DS, f"{place} names a DNSKEY that is revoked, no zone key, or of another protocol"
        )
    if named:
        return codes.DS_MISMATCH.found(owner, rd.DS, f"{place} has a digest that is not of that DNSKEY")
    return codes.DS_WITHOUT_DNSKEY.found(owner, rd.DS, f"{place} is of no key in the DNSKEY RRset")
