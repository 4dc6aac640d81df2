"""What the signatures over one RRset are worth (RFC 4035 sections 2.2 and 5.3).

A defect of a signature is an error where no good signature of its algorithm is left over the RRset; where one is,
validators find that, and the defect is a warning. An algorithm whose only signature is defective has that defect alone:
it is not missing as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, verify_signature
from zonekit.findings import Finding, Severity
from zonekit.instants import from_epoch_seconds, instant_text, serial_before
from zonekit.keys import DNSKEY_PROTOCOL, REVOKE_FLAG, ZONE_KEY_FLAG
from zonekit.names import WireName, label_count, name_end, name_text
from zonekit.nodes import HEADER_OCTETS, PackedRRset, Record, ttl_of
from zonekit.signatures import Signer, signed_data
from zonekit.ttl import duration_text
from zonekit.verifying import codes
from zonekit.verifying.codes import Code

_KNOWN: Final = frozenset(map(int, Algorithm))
_MODULUS: Final = 2**32
_MOST_HEADS: Final = 4096
_NOTHING: Final[Mapping[tuple[int, int], list[Record]]] = {}


@dataclass(frozen=True, slots=True)
class SignatureRules:
    """What signatures of a zone are held against; this is what travels to a worker process.

    Attributes:
        apex: the zone, in lower case.
        keys: the DNSKEYs of the zone by algorithm and key tag: one, where no two keys share a tag.
        algorithms: the algorithms that every RRset has to be signed with (RFC 4035 section 2.2).
        now: seconds since 1970.
        carried: the keys whose signatures need not be computed again where they stand over the same data as before.
        heads: what has been found out of signatures' fields so far, by these, labels and TTL.
    """

    apex: WireName
    keys: Mapping[Signer, tuple[bytes, ...]]
    algorithms: frozenset[int]
    now: int
    carried: frozenset[Signer] = frozenset()
    heads: dict[tuple[bytes, tuple[int, bytes]], Head] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class Tally:
    """What was counted on the way, and what is told once for the zone and not for each RRset.

    Attributes:
        rrsets: how many RRsets have to be signed.
        checked: how many signatures were checked.
        carried_over: how many were good before over the same data.
        first_expiration: the earliest expiration of a good signature, in seconds since 1970.
        signers: who signed anything.
        revoked: the revoked keys with a good signature over the DNSKEY RRset, which is what revokes them.
        unknown: how many signatures there are of algorithms that cannot be checked.
        missing: the RRsets that have no signature of an algorithm, by algorithm.
    """

    rrsets: int = 0
    checked: int = 0
    carried_over: int = 0
    first_expiration: int | None = None
    signers: set[Signer] = field(default_factory=set)
    revoked: set[Signer] = field(default_factory=set)
    unknown: dict[int, int] = field(default_factory=dict)
    missing: dict[int, list[tuple[WireName, int]]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Count what another tally has counted as well."""
        self.rrsets += other.rrsets
        self.checked += other.checked
        self.carried_over += other.carried_over
        ends = [end for end in (self.first_expiration, other.first_expiration) if end is not None]
        self.first_expiration = min(ends, default=None)
        self.signers |= other.signers
        self.revoked |= other.revoked
        for algorithm, count in other.unknown.items():
            self.unknown[algorithm] = self.unknown.get(algorithm, 0) + count
        for algorithm, rrsets in other.missing.items():
            self.missing.setdefault(algorithm, []).extend(rrsets)


def is_usable(dnskey: bytes) -> bool:
    """Whether validators take a DNSKEY for a key of the zone (RFC 4034 section 2.1, RFC 5011 section 2.1)."""
    flags = dnskey[0] << 8 | dnskey[1]
    return flags & (ZONE_KEY_FLAG | REVOKE_FLAG) == ZONE_KEY_FLAG and dnskey[2] == DNSKEY_PROTOCOL


def judge_rrset(
    rules: SignatureRules,
    tally: Tally,
    owner: WireName,
    packed: PackedRRset,
    rrsigs: Sequence[Record],
    earlier: Mapping[tuple[int, int], list[Record]] = _NOTHING,
) -> tuple[list[Finding], frozenset[Signer]]:
    """Return what is wrong with the signatures over an RRset that has to be signed, and whose are good.

    Args:
        rules: what they are held against.
        tally: where they are counted.
        owner: the owner, as the zone spells it.
        packed: the RRset.
        rrsigs: the RRSIG records over it.
        earlier: what stood at the owner in a zone that was verified before.
    """
    rdtype, _, records = packed
    tally.rrsets += 1
    same = rules.carried and earlier.get((rdtype, 0)) == records
    before = earlier.get((rd.RRSIG, rdtype), ()) if same else ()
    ttl = records[0][4:8]
    place = (label_count(owner), ttl)
    data = b""
    good: set[Signer] = set()
    seen: set[int] = set()
    ending: dict[int, int] = {}
    defects: list[tuple[int, Code, str]] = []
    findings: list[Finding] = []
    for record in rrsigs:
        signature_at = name_end(record, HEADER_OCTETS + rd.RRSIG_FIXED_OCTETS)
        head = _head(rules, record[HEADER_OCTETS:signature_at], place)
        signer, algorithm = head.signer, head.signer[0]
        seen.add(algorithm)
        tally.signers.add(signer)
        if record[4:8] != ttl:
            findings.append(
                codes.RRSIG_TTL.found(
                    owner,
                    rdtype,
                    f"the RRSIG by key {signer[1]} has TTL {ttl_of(record)}, the RRset {ttl_of(records[0])}",
                )
            )
        defect = head.defect
        if defect is None:
            if algorithm not in _KNOWN:
                tally.unknown[algorithm] = tally.unknown.get(algorithm, 0) + 1
                continue
            if before and signer in rules.carried and record in before:
                tally.carried_over += 1
            else:
                tally.checked += 1
                data = data or signed_data(owner.lower(), rdtype, records)
                signed = head.signed + data
                signature = record[signature_at:]
                if not any(verify_signature(algorithm, key, signature, signed) for key in head.public_keys):
                    defect = codes.RRSIG_BOGUS, "the signature is not good over the data"
        if defect is not None:
            message = f"signature by key {signer[1]} (algorithm {algorithm}): {defect[1]}"
            defects.append((algorithm, defect[0], message))
        elif head.revokes:  # that is all it proves (RFC 5011 section 2.1)
            tally.revoked.add(signer)
        else:
            good.add(signer)
            ending[algorithm] = max(head.left, ending.get(algorithm, 0))
            if tally.first_expiration is None or rules.now + head.left < tally.first_expiration:
                tally.first_expiration = rules.now + head.left
    for algorithm, code, message in defects:
        is_needed = algorithm in rules.algorithms and algorithm not in ending
        findings.append(code.found(owner, rdtype, message, severity=Severity.ERROR if is_needed else Severity.WARNING))
    for algorithm, left in ending.items():
        if left < ttl_of(records[0]):
            findings.append(
                codes.RRSIG_EXPIRES_IN_CACHE.found(
                    owner,
                    rdtype,
                    f"the last signature of algorithm {algorithm} expires at {_instant(rules.now + left)}, in"
                    f" {duration_text(left)}, and caches may keep the RRset for {duration_text(ttl_of(records[0]))}",
                )
            )
    if not rules.algorithms <= seen:
        for algorithm in rules.algorithms - seen:
            tally.missing.setdefault(algorithm, []).append((owner, rdtype))
    return findings, frozenset(good)


@dataclass(frozen=True, slots=True)
class Head:
    """What the fields of a signature say, all but the signature itself; the same for many RRsets of a zone.

    Attributes:
        signer: the algorithm and key tag.
        defect: what is wrong with it, if anything.
        public_keys: the public keys of the DNSKEYs that may have made it.
        signed: the fields as they are signed, the signer's name in lower case (RFC 4034 section 3.1.8.1).
        revokes: whether it is by a revoked key over the DNSKEY RRset, which is how that says so.
        left: how many seconds it is still valid.
    """

    signer: Signer
    defect: tuple[Code, str] | None
    public_keys: tuple[bytes, ...]
    signed: bytes
    revokes: bool
    left: int


def _head(rules: SignatureRules, fields: bytes, place: tuple[int, bytes]) -> Head:
    """What the fields of a signature say over an RRset with so many labels and this TTL."""
    known = rules.heads.get((fields, place))
    if known is None:
        if len(rules.heads) >= _MOST_HEADS:
            rules.heads.clear()
        known = rules.heads[fields, place] = _read_head(rules, fields, place)
    return known


def _read_head(rules: SignatureRules, fields: bytes, place: tuple[int, bytes]) -> Head:
    rdtype, signer = fields[0] << 8 | fields[1], (fields[2], fields[16] << 8 | fields[17])
    keys = rules.keys.get(signer, ())
    usable = tuple(key for key in keys if is_usable(key) or _revokes_itself(key, rdtype))
    defect = _field_defect(rules, fields, place)
    if defect is None and not keys:
        defect = codes.RRSIG_WITHOUT_DNSKEY, "the DNSKEY RRset has no such key"
    elif defect is None and not usable:
        defect = codes.RRSIG_BY_UNUSABLE_KEY, "the key is revoked, no zone key, or of another protocol"
    return Head(
        signer=signer,
        defect=defect,
        public_keys=tuple(key[4:] for key in usable),
        signed=fields[: rd.RRSIG_FIXED_OCTETS] + fields[rd.RRSIG_FIXED_OCTETS :].lower(),
        revokes=bool(usable) and not any(map(is_usable, usable)),
        left=(int.from_bytes(fields[8:12], "big") - rules.now) % _MODULUS,
    )


def _revokes_itself(key: bytes, rdtype: int) -> bool:
    """Whether a key is revoked and what it signs is the DNSKEY RRset, which is how it says so (RFC 5011 section 2.1)."""
    return rdtype == rd.DNSKEY and bool(key[1] & REVOKE_FLAG) and bool(key[0] << 8 & ZONE_KEY_FLAG)


def _field_defect(rules: SignatureRules, fields: bytes, place: tuple[int, bytes]) -> tuple[Code, str] | None:
    """What is wrong with the fields of a signature, before its key is looked at."""
    labels, ttl = place[0], int.from_bytes(place[1], "big")
    original_ttl, expiration, inception = [int.from_bytes(fields[at : at + 4], "big") for at in (4, 8, 12)]
    if fields[3] != labels:
        return codes.RRSIG_LABELS, f"its labels field is {fields[3]}, the owner has {labels}"
    if original_ttl != ttl:
        return codes.RRSIG_ORIGINAL_TTL, f"its Original TTL is {original_ttl}, the RRset's TTL {ttl}"
    signer_name = fields[rd.RRSIG_FIXED_OCTETS :]
    if signer_name.lower() != rules.apex:
        return codes.RRSIG_SIGNER, f"its signer is {name_text(signer_name)}, the zone {name_text(rules.apex)}"
    if not serial_before(inception, expiration):
        return (
            codes.RRSIG_NEVER_VALID,
            f"its inception {_instant(inception)} is not before its expiration {_instant(expiration)}",
        )
    if serial_before(expiration, rules.now):
        ago = (rules.now - expiration) % _MODULUS
        return codes.RRSIG_EXPIRED, f"it expired at {_instant(expiration)}, {duration_text(ago)} ago"
    if serial_before(rules.now, inception):
        ahead = (inception - rules.now) % _MODULUS
        return codes.RRSIG_NOT_YET_VALID, f"it begins at {_instant(inception)}, in {duration_text(ahead)}"
    return None


def _instant(seconds: int) -> str:
    return instant_text(from_epoch_seconds(seconds % _MODULUS))
