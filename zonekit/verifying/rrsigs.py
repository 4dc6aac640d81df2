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
from zonekit.nodes import HEADER_OCTETS, PackedRRset, Record
from zonekit.signatures import Signer, signed_data
from zonekit.ttl import duration_text
from zonekit.verifying import codes
from zonekit.verifying.codes import Code

_KNOWN: Final = frozenset(map(int, Algorithm))
_MODULUS: Final = 2**32
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
    """

    apex: WireName
    keys: Mapping[Signer, tuple[bytes, ...]]
    algorithms: frozenset[int]
    now: int
    carried: frozenset[Signer] = frozenset()


@dataclass(slots=True)
class Tally:
    """What was counted on the way, and what is told once for the zone and not for each RRset.

    Attributes:
        rrsets: how many RRsets have to be signed.
        checked: how many signatures were checked.
        carried_over: how many were good before over the same data.
        first_expiration: the earliest expiration of a good signature, in seconds since 1970.
        signers: who signed anything.
        unknown: how many signatures there are of algorithms that cannot be checked.
        missing: the RRsets that have no signature of an algorithm, by algorithm.
    """

    rrsets: int = 0
    checked: int = 0
    carried_over: int = 0
    first_expiration: int | None = None
    signers: set[Signer] = field(default_factory=set)
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
    lowered = owner.lower()
    ttl = int.from_bytes(records[0][4:8], "big")
    data = signed_data(lowered, rdtype, records)
    labels = label_count(owner)
    good: set[Signer] = set()
    seen: set[int] = set()
    ending: dict[int, int] = {}
    defects: list[tuple[int, Code, str]] = []
    findings: list[Finding] = []
    for record in rrsigs:
        rrsig = record[HEADER_OCTETS:]
        algorithm, key_tag = rrsig[2], rrsig[16] << 8 | rrsig[17]
        signer = (algorithm, key_tag)
        seen.add(algorithm)
        tally.signers.add(signer)
        if record[4:8] != records[0][4:8]:
            rrsig_ttl = int.from_bytes(record[4:8], "big")
            findings.append(
                codes.RRSIG_TTL.found(
                    owner,
                    rdtype,
                    f"the RRSIG by key {key_tag} has TTL {rrsig_ttl}, the RRset {ttl}",
                )
            )
        defect = _field_defect(rules, rrsig, labels, ttl)
        keys = () if defect else rules.keys.get(signer, ())
        if defect is None and not keys:
            defect = codes.RRSIG_WITHOUT_DNSKEY, "the DNSKEY RRset has no such key"
        if defect is None and algorithm not in _KNOWN:
            tally.unknown[algorithm] = tally.unknown.get(algorithm, 0) + 1
            continue
        usable = [key for key in keys if is_usable(key) or _revokes_itself(key, rdtype)]
        if defect is None and not usable:
            defect = codes.RRSIG_BY_UNUSABLE_KEY, "the key is revoked, no zone key, or of another protocol"
        if defect is None:
            if signer in rules.carried and record in before:
                tally.carried_over += 1
            else:
                tally.checked += 1
                if not _is_good(rrsig, usable, data):
                    defect = codes.RRSIG_BOGUS, "the signature is not good over the data"
        if defect is not None:
            defects.append((algorithm, defect[0], f"signature by key {key_tag} (algorithm {algorithm}): {defect[1]}"))
            continue
        if not is_usable(usable[0]):
            continue  # it revokes itself and proves nothing else (RFC 5011 section 2.1)
        good.add(signer)
        left = (int.from_bytes(rrsig[8:12], "big") - rules.now) % _MODULUS
        ending[algorithm] = max(left, ending.get(algorithm, 0))
        end = rules.now + left
        if tally.first_expiration is None or end < tally.first_expiration:
            tally.first_expiration = end
    for algorithm, code, message in defects:
        is_needed = algorithm in rules.algorithms and algorithm not in ending
        findings.append(code.found(owner, rdtype, message, severity=Severity.ERROR if is_needed else Severity.WARNING))
    for algorithm, left in ending.items():
        if left < ttl:
            findings.append(
                codes.RRSIG_EXPIRES_IN_CACHE.found(
                    owner,
                    rdtype,
                    f"the last signature of algorithm {algorithm} expires at {_instant(rules.now + left)}, in"
                    f" {_length(left)}, and caches may keep the RRset for {_length(ttl)}",
                )
            )
    if not rules.algorithms <= seen:
        for algorithm in rules.algorithms - seen:
            tally.missing.setdefault(algorithm, []).append((owner, rdtype))
    return findings, frozenset(good)


def _revokes_itself(key: bytes, rdtype: int) -> bool:
    """Whether a key is revoked and what it signs is the DNSKEY RRset, which is how it says so (RFC 5011 section 2.1)."""
    return rdtype == rd.DNSKEY and bool(key[1] & REVOKE_FLAG) and bool(key[0] << 8 & ZONE_KEY_FLAG)


def _field_defect(rules: SignatureRules, rrsig: bytes, labels: int, ttl: int) -> tuple[Code, str] | None:
    """What is wrong with the fields of a signature, before its key is looked at."""
    original_ttl, expiration, inception = [int.from_bytes(rrsig[at : at + 4], "big") for at in (4, 8, 12)]
    if rrsig[3] != labels:
        return codes.RRSIG_LABELS, f"its labels field is {rrsig[3]}, the owner has {labels}"
    if original_ttl != ttl:
        return codes.RRSIG_ORIGINAL_TTL, f"its Original TTL is {original_ttl}, the RRset's TTL {ttl}"
    signer_name = rrsig[rd.RRSIG_FIXED_OCTETS : name_end(rrsig, rd.RRSIG_FIXED_OCTETS)]
    if signer_name != rules.apex and signer_name.lower() != rules.apex:
        return codes.RRSIG_SIGNER, f"its signer is {name_text(signer_name)}, the zone {name_text(rules.apex)}"
    if not serial_before(inception, expiration):
        return (
            codes.RRSIG_NEVER_VALID,
            f"its inception {_instant(inception)} is not before its expiration {_instant(expiration)}",
        )
    if serial_before(expiration, rules.now):
        ago = (rules.now - expiration) % _MODULUS
        return codes.RRSIG_EXPIRED, f"it expired at {_instant(expiration)}, {_length(ago)} ago"
    if serial_before(rules.now, inception):
        ahead = (inception - rules.now) % _MODULUS
        return codes.RRSIG_NOT_YET_VALID, f"it begins at {_instant(inception)}, in {_length(ahead)}"
    return None


def _is_good(rrsig: bytes, keys: Sequence[bytes], data: bytes) -> bool:
    """Whether one of the keys made a signature over RRs in canonical form (RFC 4034 section 3.1.8.1)."""
    signature_at = name_end(rrsig, rd.RRSIG_FIXED_OCTETS)
    signed = rrsig[: rd.RRSIG_FIXED_OCTETS] + rrsig[rd.RRSIG_FIXED_OCTETS : signature_at].lower() + data
    signature = rrsig[signature_at:]
    return any(verify_signature(key[3], key[4:], signature, signed) for key in keys)


def _instant(seconds: int) -> str:
    return instant_text(from_epoch_seconds(seconds % _MODULUS))


def _length(seconds: int) -> str:
    return duration_text(seconds)
