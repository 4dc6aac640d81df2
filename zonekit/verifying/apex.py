"""What stands at the apex and speaks of the whole zone: DNSKEY, CDS and CDNSKEY, ZONEMD."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from zonekit import rdata as rd
from zonekit.algorithms import STATUS, Algorithm, DigestType, Requirement, can_verify, check_public_key
from zonekit.ds import asks_for, asks_for_removal, digest_dnskey, is_removal, matches_ds
from zonekit.errors import SigningKeyError
from zonekit.findings import Finding, Severity
from zonekit.keys import DNSKEY_PROTOCOL, REVOKE_FLAG, SEP_FLAG, ZONE_KEY_FLAG, key_tag
from zonekit.names import name_text
from zonekit.signatures import Signer, keys_by_signer
from zonekit.verifying import codes
from zonekit.verifying.chain import chain_findings
from zonekit.verifying.rrsigs import KNOWN_ALGORITHMS, SignatureRules, Tally, is_usable
from zonekit.zonemd import SCHEME_SIMPLE, ZONEMD_HASHES, zone_digest
from zonekit.zones import RRset, Zone

_DIGESTS: Final = frozenset(int(digest) for digest in DigestType if digest is not DigestType.SHA1)
_RETIRED: Final[Mapping[int, str]] = {1: "RSAMD5", 3: "DSA", 6: "DSA-NSEC3-SHA1", 12: "ECC-GOST"}
"""Algorithms that nobody may sign with any more, and that are not known here (RFC 9904, RFC 9906)."""
_NOBODY: Final[frozenset[bytes]] = frozenset()
Goods: TypeAlias = Mapping[int, frozenset[bytes]]
"""For each type at the apex, the DNSKEYs whose signatures over that RRset are good."""


def dnskey_findings(zone: Zone, rules: SignatureRules, tally: Tally, good: Goods) -> Iterator[Finding]:
    """Yield what is wrong with the DNSKEY RRset, given who signed anything and whose signatures are good."""
    dnskeys = zone.apex_rrset(rd.DNSKEY)
    signing = good.get(rd.DNSKEY, _NOBODY)
    for rdata in dnskeys.rdatas:
        yield from _judge_dnskey(zone, rdata, tally)
    for (algorithm, tag), rdatas in rules.keys.items():
        if len(rdatas) > 1:
            yield codes.KEY_TAG_COLLISION.found(
                zone.apex, rd.DNSKEY, f"{len(rdatas)} DNSKEYs of algorithm {algorithm} have key tag {tag}"
            )
    yield from _algorithm_findings(zone, rules, tally)
    if signing and not any(rdata[1] & SEP_FLAG for rdata in signing):
        tags = ", ".join(map(str, sorted(map(key_tag, signing))))
        yield codes.DNSKEY_NOT_SIGNED_BY_SEP.found(
            zone.apex, rd.DNSKEY, f"the DNSKEY RRset is signed by {tags}, without the SEP flag"
        )


def _judge_dnskey(zone: Zone, rdata: bytes, tally: Tally) -> Iterator[Finding]:
    flags, algorithm, tag = rdata[0] << 8 | rdata[1], rdata[3], key_tag(rdata)
    place = f"DNSKEY {tag} (algorithm {algorithm})"
    if rdata[2] != DNSKEY_PROTOCOL:
        yield codes.DNSKEY_PROTOCOL.found(zone.apex, rd.DNSKEY, f"{place} has protocol {rdata[2]}")
        return
    if not flags & ZONE_KEY_FLAG:
        yield codes.DNSKEY_NOT_ZONE_KEY.found(zone.apex, rd.DNSKEY, f"{place} has flags {flags}")
        return
    if algorithm in KNOWN_ALGORITHMS:
        if not can_verify(algorithm, rdata[4:]):
            yield codes.DNSKEY_MALFORMED.found(zone.apex, rd.DNSKEY, f"{place} has no usable public key")
        else:
            try:
                check_public_key(algorithm, rdata[4:])
            except SigningKeyError as error:
                yield codes.DNSKEY_WEAK.found(zone.apex, rd.DNSKEY, f"{place}: {error.problem}")
    if flags & REVOKE_FLAG:
        if flags & SEP_FLAG and rdata not in tally.revoked:
            yield codes.DNSKEY_REVOKED_SILENTLY.found(
                zone.apex, rd.DNSKEY, f"{place} is a revoked KSK without a good signature over the DNSKEY RRset"
            )
        else:
            yield codes.DNSKEY_REVOKED.found(zone.apex, rd.DNSKEY, f"{place} is revoked")
    elif (algorithm, tag) not in tally.signers:
        yield codes.DNSKEY_STAND_BY.found(zone.apex, rd.DNSKEY, f"{place} signs nothing in this zone")


def _algorithm_findings(zone: Zone, rules: SignatureRules, tally: Tally) -> Iterator[Finding]:
    signed_with = {algorithm for algorithm, _ in tally.signers}
    for algorithm in sorted(rules.algorithms):
        if algorithm not in signed_with:
            yield codes.ALGORITHM_SIGNS_NOTHING.found(
                zone.apex, rd.DNSKEY, f"the DNSKEY RRset has algorithm {algorithm}, and nothing is signed with it"
            )
        if algorithm in KNOWN_ALGORITHMS and STATUS[Algorithm(algorithm)].signing is Requirement.MUST_NOT:
            yield codes.ALGORITHM_DATED.found(
                zone.apex, rd.DNSKEY, f"algorithm {algorithm}, {Algorithm(algorithm).name}, rests on SHA-1"
            )
        elif algorithm in _RETIRED:
            yield codes.ALGORITHM_DATED.found(
                zone.apex, rd.DNSKEY, f"algorithm {algorithm}, {_RETIRED[algorithm]}, must not be signed with"
            )
        elif algorithm not in KNOWN_ALGORITHMS:
            yield codes.ALGORITHM_UNKNOWN.found(zone.apex, rd.DNSKEY, f"algorithm {algorithm} is not known here")
    for algorithm, count in sorted(tally.keyless.items()):
        yield codes.RRSIG_KEYLESS.found(
            zone.apex, rd.RRSIG, f"{count} signatures are of algorithm {algorithm}, of which there is no DNSKEY"
        )
    for algorithm, count in sorted(tally.unknown.items()):
        yield codes.RRSIG_UNCHECKED.found(
            zone.apex, rd.RRSIG, f"{count} signatures are of algorithm {algorithm}, which is not known here"
        )


# ---- CDS and CDNSKEY ------------------------------------------------------------------------------------------------


def cds_findings(zone: Zone, good: Goods, ds: RRset | None) -> Iterator[Finding]:
    """Yield what keeps a parent from taking the CDS and CDNSKEY RRsets (RFC 7344 section 4.1, RFC 8078 section 4)."""
    rrsets = [rrset for rdtype in (rd.CDS, rd.CDNSKEY) if (rrset := zone.get("@", rdtype)) is not None]
    removing = []
    for rrset in rrsets:
        if any(asks_for_removal(rrset.rdtype, rdata) for rdata in rrset.rdatas):
            removing.append(rrset)
            if is_removal(rrset.rdtype, rrset.rdatas):
                yield codes.CDS_DELETE.found(zone.apex, rrset.rdtype, "it asks for the removal of the DS RRset")
            else:
                yield codes.CDS_DELETE_NOT_ALONE.found(
                    zone.apex, rrset.rdtype, "a record of algorithm 0 stands beside others, or has other fields"
                )
    if removing and len(removing) < len(rrsets):
        yield codes.CDS_CDNSKEY_DIFFER.found(
            zone.apex, rd.CDS, "one of CDS and CDNSKEY asks for the removal of the DS RRset, the other does not"
        )
    for rrset in rrsets:
        if ds is not None and not _signed_by_trusted(zone, rrset, ds, good):
            yield codes.CDS_SIGNER.found(zone.apex, rrset.rdtype, "no key that the parent's DS leads to has signed it")
    if removing:
        return
    if len(rrsets) > 1:
        yield from _differing(zone, *rrsets)
    dnskeys = zone.get("@", rd.DNSKEY)
    published = () if dnskeys is None else dnskeys.rdatas
    by_signer = keys_by_signer(published)
    for rrset in rrsets:
        for rdata in rrset.rdatas:
            yield from _judge_asking(zone, rrset.rdtype, rdata, by_signer)
        broken, severity = _why_broken(zone, rrset, published, good)
        if broken:
            yield codes.CDS_BREAKS_CHAIN.found(zone.apex, rrset.rdtype, broken, severity=severity)


def _named_by(rdtype: int, rdata: bytes) -> Signer:
    """The algorithm and key tag that a CDS or CDNSKEY asks for the DS of."""
    return (rdata[3], key_tag(rdata)) if rdtype == rd.CDNSKEY else (rdata[2], rdata[0] << 8 | rdata[1])


def _judge_asking(
    zone: Zone, rdtype: int, rdata: bytes, by_signer: Mapping[Signer, Sequence[bytes]]
) -> Iterator[Finding]:
    """Yield what is to be said of one CDS or CDNSKEY record."""
    signer = _named_by(rdtype, rdata)
    named = by_signer.get(signer, ())
    if rdtype == rd.CDS and rdata[3] not in _DIGESTS:
        yield codes.CDS_DIGEST.found(
            zone.apex, rdtype, f"it asks for a DS of key {signer[1]} with a digest of type {rdata[3]}"
        )
    if asks_for(rdtype, rdata, zone.apex, named):
        return
    if rdtype == rd.CDS and any(map(is_usable, named)):
        yield codes.CDS_MISMATCH.found(
            zone.apex, rdtype, f"it asks for a DS of key {signer[1]} with a digest that is not of that DNSKEY"
        )
    else:
        yield codes.CDS_WITHOUT_DNSKEY.found(
            zone.apex, rdtype, f"it asks for the DS of key {signer[1]}, which the DNSKEY RRset does not have"
        )


def _differing(zone: Zone, cds: RRset, cdnskey: RRset) -> Iterator[Finding]:
    keys = keys_by_signer(cdnskey.rdatas)
    digested: set[bytes] = set()
    lone = []
    for rdata in cds.rdatas:
        found = {key for key in keys.get(_named_by(rd.CDS, rdata), ()) if asks_for(rd.CDS, rdata, zone.apex, [key])}
        digested |= found
        if not found:
            lone.append(rdata)
    undigested = [key for key in cdnskey.rdatas if key not in digested]
    tags = [str(rdata[0] << 8 | rdata[1]) for rdata in lone]
    parts = []
    if lone:
        parts.append(f"the CDS of key {', '.join(tags)} has no CDNSKEY")
    if undigested:
        parts.append(f"the CDNSKEY {', '.join(str(key_tag(key)) for key in undigested)} has no CDS")
    if parts:
        yield codes.CDS_CDNSKEY_DIFFER.found(zone.apex, rd.CDS, "; ".join(parts))


def _why_broken(zone: Zone, rrset: RRset, published: tuple[bytes, ...], good: Goods) -> tuple[str, Severity]:
    """Why the DS RRset that is asked for would not validate the DNSKEY RRset; empty where it would."""
    rdatas = rrset.rdatas
    if rrset.rdtype == rd.CDNSKEY:
        rdatas = tuple(digest_dnskey(zone.apex, rdata, DigestType.SHA256) for rdata in rdatas)
    wanted = RRset(owner=zone.apex, rdtype=rd.DS, ttl=rrset.ttl, rdatas=rdatas)
    found = chain_findings(zone.apex, wanted, published, good.get(rd.DNSKEY, _NOBODY))
    held = list(found)
    breaking = [each for each in held if each.severity is Severity.ERROR and each.code != codes.DS_MISMATCH.name]
    severity = Severity.ERROR
    if not breaking:
        breaking = [each for each in held if each.code == codes.CHAIN_INSECURE.name]
        severity = Severity.WARNING
    return "; ".join(dict.fromkeys(finding.message for finding in breaking)), severity


def _signed_by_trusted(zone: Zone, rrset: RRset, ds: RRset, good: Goods) -> bool:
    signing = good.get(rrset.rdtype, _NOBODY)
    return any(matches_ds(rdata, zone.apex, key) for key in signing for rdata in ds.rdatas)


# ---- ZONEMD ---------------------------------------------------------------------------------------------------------


def zonemd_findings(zone: Zone) -> Iterator[Finding]:
    """Yield what is wrong with the ZONEMD RRset at the apex; one record that verifies is enough (RFC 8976 section 4)."""
    zonemds = zone.get("@", rd.ZONEMD)
    if zonemds is None:
        return
    verified = False
    failures: list[tuple[codes.Code, str]] = []
    kinds = [rdata[4:6] for rdata in zonemds.rdatas]
    digests: dict[int, bytes] = {}
    for rdata in zonemds.rdatas:
        serial, scheme, algorithm = int.from_bytes(rdata[:4], "big"), rdata[4], rdata[5]
        place = f"the ZONEMD with scheme {scheme} and hash {algorithm}"
        if kinds.count(rdata[4:6]) > 1:
            failures.append((codes.ZONEMD_DUPLICATE, f"{place} is there {kinds.count(rdata[4:6])} times"))
        elif scheme != SCHEME_SIMPLE or algorithm not in ZONEMD_HASHES:
            yield codes.ZONEMD_UNCHECKED.found(zone.apex, rd.ZONEMD, f"{place} cannot be checked here")
        elif serial != zone.serial:
            failures.append((codes.ZONEMD_SERIAL, f"{place} is of serial {serial}, the SOA has {zone.serial}"))
        else:
            if algorithm not in digests:
                digests[algorithm] = zone_digest(zone, algorithm)
            if rdata[6:] == digests[algorithm]:
                verified = True
            else:
                failures.append((codes.ZONEMD_DIGEST, f"{place} is not of {name_text(zone.apex)} as it stands"))
    severity = Severity.WARNING if verified else Severity.ERROR
    for code, message in dict.fromkeys(failures):
        yield code.found(zone.apex, rd.ZONEMD, message, severity=severity)
