"""What the signatures over one RRset are worth (RFC 4035 sections 2.2 and 5.3).

A defect of a signature is an error where no good signature of its algorithm is left over the RRset; where one is,
validators find that, and the defect is a warning. An algorithm whose only signature is defective has that defect alone:
it is not missing as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, can_verify, verify_signature
from zonekit.findings import Finding, Severity
from zonekit.instants import from_epoch_seconds, serial_before
from zonekit.keys import DNSKEY_PROTOCOL, REVOKE_FLAG, ZONE_KEY_FLAG
from zonekit.names import WireName, label_count, name_end, name_text
from zonekit.nodes import HEADER_OCTETS, PackedRRset, Record, ttl_of, with_ttl
from zonekit.signatures import Signer, signed_data
from zonekit.ttl import duration_text
from zonekit.verifying import codes
from zonekit.verifying.codes import Code

KNOWN_ALGORITHMS: Final = frozenset(map(int, Algorithm))
_MODULUS: Final = 2**32
_MOST_HEADS: Final = 4096
# A sound RRset has a few signatures, each by one key; validators stop early too (CVE-2023-50387).
_MOST_TRIES: Final = 64
_SIGNER_NAME_AT: Final = HEADER_OCTETS + rd.RRSIG_FIXED_OCTETS
_NOT_GOOD: Final = "the signature is not good over the data"
_TOO_MANY: Final = f"it was not tried after {_MOST_TRIES} others that were not good"
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
        unknown: how many signatures there are of algorithms that cannot be checked, by algorithm.
        keyless: how many signatures there are of algorithms that no DNSKEY has, by algorithm.
        missing: the RRsets that have no signature of an algorithm, by algorithm.
    """

    rrsets: int = 0
    checked: int = 0
    carried_over: int = 0
    first_expiration: int | None = None
    signers: set[Signer] = field(default_factory=set)
    revoked: set[bytes] = field(default_factory=set)
    unknown: Counter[int] = field(default_factory=Counter)
    keyless: Counter[int] = field(default_factory=Counter)
    missing: dict[int, list[tuple[WireName, int]]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Count what another tally has counted as well."""
        self.rrsets += other.rrsets
        self.checked += other.checked
        self.carried_over += other.carried_over
        if other.first_expiration is not None:
            self.count_good(other.first_expiration)
        self.signers |= other.signers
        self.revoked |= other.revoked
        self.unknown.update(other.unknown)
        self.keyless.update(other.keyless)
        for algorithm, rrsets in other.missing.items():
            self.missing.setdefault(algorithm, []).extend(rrsets)

    def count_good(self, expiration: int) -> None:
        """Note until when a good signature is valid, in seconds since 1970."""
        if self.first_expiration is None or expiration < self.first_expiration:
            self.first_expiration = expiration


def is_usable(dnskey: bytes) -> bool:
    """Whether validators take a DNSKEY for a key of the zone (RFC 4034 section 2.1, RFC 5011 section 2.1)."""
    flags = dnskey[0] << 8 | dnskey[1]
    return flags & (ZONE_KEY_FLAG | REVOKE_FLAG) == ZONE_KEY_FLAG and dnskey[2] == DNSKEY_PROTOCOL


# ---- one RRset ------------------------------------------------------------------------------------------------------


def judge_rrset(
    rules: SignatureRules,
    tally: Tally,
    owner: WireName,
    packed: PackedRRset,
    rrsigs: Sequence[Record],
    earlier: Mapping[tuple[int, int], list[Record]] = _NOTHING,
) -> tuple[Sequence[Finding], frozenset[bytes]]:
    """Return what is wrong with the signatures over an RRset that has to be signed, and the DNSKEYs that validate it.

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
    ttl = records[0][4:8]
    place = (label_count(owner), ttl)
    if len(rrsigs) == 1 and not earlier:
        key = _judge_plain(rules, tally, owner, packed, rrsigs[0], place)
        if key is not None:
            return (), frozenset((key,))
    judging = _Judging(rules, tally, owner, packed, place)
    if rules.carried and earlier.get((rdtype, 0)) == records:
        judging.before = earlier.get((rd.RRSIG, rdtype), [])
    for record in rrsigs:
        judging.judge(record)
    return judging.findings(), frozenset(judging.good)


def _judge_plain(
    rules: SignatureRules,
    tally: Tally,
    owner: WireName,
    packed: PackedRRset,
    record: Record,
    place: tuple[int, bytes],
) -> bytes | None:
    """Return the key that made the only signature over an RRset; None where there is anything to tell of it.

    Nearly all there are come this way. It is there for speed alone, and counts only where it has an answer.
    """
    signature_at = name_end(record, _SIGNER_NAME_AT)
    head = _head(rules, record[HEADER_OCTETS:signature_at], place)
    if not head.is_plain or record[4:8] != place[1]:
        return None
    (key,), algorithm = head.keys, head.signer[0]
    signed = head.signed + signed_data(owner.lower(), packed[0], packed[2])
    if not verify_signature(algorithm, head.public_keys[0], record[signature_at:], signed):
        return None
    tally.checked += 1
    tally.signers.add(head.signer)
    tally.count_good(rules.now + head.left)
    return key


@dataclass(slots=True)
class _Judging:
    """The signatures over one RRset, one after the other.

    Attributes:
        rules: what they are held against.
        tally: where they are counted.
        owner: the owner, as the zone spells it.
        packed: the RRset.
        place: the labels and the TTL that signatures should have.
        before: the signatures over the same data in a zone that was verified before.
        good: the DNSKEYs that validate the RRset.
        flawless: the algorithms with a signature that has no defect, each with how many seconds the last is valid.
        seen: the algorithms that there are.
        defects: what is wrong, by algorithm.
        others: what is wrong with RRSIG records, and not with signatures.
        tries: how often a key did not fit a signature.
    """

    rules: SignatureRules
    tally: Tally
    owner: WireName
    packed: PackedRRset
    place: tuple[int, bytes]
    before: Sequence[Record] = ()
    good: set[bytes] = field(default_factory=set)
    flawless: dict[int, int] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    defects: list[tuple[int, Code, str]] = field(default_factory=list)
    others: list[Finding] = field(default_factory=list)
    tries: int = 0

    def judge(self, record: Record) -> None:
        """Judge one signature."""
        signature_at = name_end(record, _SIGNER_NAME_AT)
        head = _head(self.rules, record[HEADER_OCTETS:signature_at], self.place)
        algorithm, tag = head.signer
        self.seen.add(algorithm)
        self.tally.signers.add(head.signer)
        if head.is_keyless:
            self.tally.keyless[algorithm] += 1  # as while an algorithm comes or goes (RFC 6781 section 4.1.4)
            return
        # Where it is the Original TTL, that is the fault, and it is told.
        if record[4:8] not in (self.place[1], head.original_ttl):
            self.others.append(
                codes.RRSIG_TTL.found(
                    self.owner,
                    self.packed[0],
                    f"the RRSIG by key {tag} has TTL {ttl_of(record)}, the RRset {ttl_of(self.packed[2][0])}",
                )
            )
        if algorithm not in KNOWN_ALGORITHMS and not head.defects:
            self.tally.unknown[algorithm] += 1
            return
        defects = list(head.defects)
        key = None
        if head.keys and algorithm in KNOWN_ALGORITHMS:
            key = self._maker(head, record, record[signature_at:])
            if key is None:
                is_tried = self.tries <= _MOST_TRIES
                defects.append((codes.RRSIG_BOGUS, _NOT_GOOD) if is_tried else (codes.RRSIG_NOT_TRIED, _TOO_MANY))
        self.defects += [
            (algorithm, code, f"signature by key {tag} (algorithm {algorithm}): {message}") for code, message in defects
        ]
        if key is None or not head.is_in_time:
            return
        if not is_usable(key):
            self.tally.revoked.add(key)  # and that is all it proves (RFC 5011 section 2.1)
            return
        self.good.add(key)
        self.tally.count_good(self.rules.now + head.left)
        if not defects:
            self.flawless[algorithm] = max(head.left, self.flawless.get(algorithm, 0))

    def _maker(self, head: Head, record: Record, signature: bytes) -> bytes | None:
        """The key that made a signature over the RRset with the signature's Original TTL (RFC 4035 section 5.3.2)."""
        if head.signer in self.rules.carried and record in self.before:
            self.tally.carried_over += 1
            return head.keys[0]
        self.tally.checked += 1
        rdtype, _, records = self.packed
        # Records of one RRset that differ in TTL are a fault of their own.
        original_ttl = int.from_bytes(head.original_ttl, "big")
        same = [each if each[4:8] == head.original_ttl else with_ttl(each, original_ttl) for each in records]
        signed = head.signed + signed_data(self.owner.lower(), rdtype, same)
        for key, public_key in zip(head.keys, head.public_keys, strict=True):
            if self.tries > _MOST_TRIES:
                return None
            if verify_signature(head.signer[0], public_key, signature, signed):
                return key
            self.tries += 1
        return None

    def findings(self) -> list[Finding]:
        """Return what is wrong."""
        rdtype, ttl = self.packed[0], ttl_of(self.packed[2][0])
        found = self.others
        for algorithm, code, message in self.defects:
            # Where no key is in service nothing is asked for, and everything is wrong.
            is_needed = algorithm in self.rules.algorithms or not self.rules.algorithms
            grave = is_needed and algorithm not in self.flawless
            found.append(
                code.found(self.owner, rdtype, message, severity=Severity.ERROR if grave else Severity.WARNING)
            )
        for algorithm, left in self.flawless.items():
            if left < ttl:
                found.append(
                    codes.RRSIG_EXPIRES_IN_CACHE.found(
                        self.owner,
                        rdtype,
                        f"the last signature of algorithm {algorithm} expires at"
                        f" {_instant(self.rules.now + left, self.rules.now)}, in {duration_text(left)}, and caches may keep"
                        f" the RRset for {duration_text(ttl)}",
                    )
                )
        for algorithm in self.rules.algorithms - self.seen:
            self.tally.missing.setdefault(algorithm, []).append((self.owner, rdtype))
        return found


# ---- the fields of a signature --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """What the fields of a signature say, all but the signature itself; the same for many RRsets of a zone.

    Attributes:
        signer: the algorithm and key tag.
        defects: what is wrong with them.
        keys: the DNSKEYs that may have made it; none where its fields make no sense for the RRset.
        public_keys: their public keys.
        signed: the fields as they are signed, the signer's name in lower case (RFC 4034 section 3.1.8.1).
        original_ttl: the Original TTL, as it stands in the field.
        is_in_time: whether it is valid now.
        left: how many seconds it is still valid.
        is_keyless: whether no DNSKEY at all is of its algorithm.
        is_plain: whether there is nothing to tell if it is the only one and good.
    """

    signer: Signer
    defects: tuple[tuple[Code, str], ...]
    keys: tuple[bytes, ...]
    public_keys: tuple[bytes, ...]
    signed: bytes
    original_ttl: bytes
    is_in_time: bool
    left: int
    is_keyless: bool
    is_plain: bool


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
    in_place = tuple(_place_defects(rules, fields, place))
    in_time = tuple(_time_defects(rules, fields))
    keys = rules.keys.get(signer, ())
    usable = tuple(key for key in keys if _may_sign(key, rdtype))
    if not keys:
        of_key: tuple[tuple[Code, str], ...] = ((codes.RRSIG_WITHOUT_DNSKEY, "the DNSKEY RRset has no such key"),)
    elif not usable:
        of_key = ((codes.RRSIG_BY_UNUSABLE_KEY, "the key is revoked, malformed, no zone key, or of another protocol"),)
    else:
        of_key = ()
    makes_sense = all(code is codes.RRSIG_ORIGINAL_TTL for code, _ in in_place)
    defects = (*in_place, *in_time, *of_key)
    left = (int.from_bytes(fields[8:12], "big") - rules.now) % _MODULUS
    return Head(
        signer=signer,
        defects=defects,
        keys=usable if makes_sense else (),
        public_keys=tuple(key[4:] for key in usable) if makes_sense else (),
        signed=fields[: rd.RRSIG_FIXED_OCTETS] + fields[rd.RRSIG_FIXED_OCTETS :].lower(),
        original_ttl=fields[4:8],
        is_in_time=not in_time,
        left=left,
        is_keyless=all(algorithm != signer[0] for algorithm, _ in rules.keys),
        is_plain=not defects
        and len(usable) == 1
        and is_usable(usable[0])
        and signer[0] in KNOWN_ALGORITHMS
        and rules.algorithms == {signer[0]}
        and left >= int.from_bytes(place[1], "big"),
    )


def _may_sign(key: bytes, rdtype: int) -> bool:
    """Whether validators take a signature over a type by a DNSKEY; by a revoked one over the DNSKEY RRset alone.

    That is how it says that it is revoked (RFC 5011 section 2.1).
    """
    if key[3] in KNOWN_ALGORITHMS and not can_verify(key[3], key[4:]):
        return False
    revokes_itself = rdtype == rd.DNSKEY and key[1] & REVOKE_FLAG and key[0] << 8 & ZONE_KEY_FLAG
    return is_usable(key) or bool(revokes_itself)


def _place_defects(rules: SignatureRules, fields: bytes, place: tuple[int, bytes]) -> Iterator[tuple[Code, str]]:
    """Yield what in the fields of a signature is not of the RRset or the zone."""
    labels, ttl = place[0], int.from_bytes(place[1], "big")
    original_ttl, signer_name = int.from_bytes(fields[4:8], "big"), fields[rd.RRSIG_FIXED_OCTETS :]
    if fields[3] != labels:
        yield codes.RRSIG_LABELS, f"its labels field is {fields[3]}, the owner has {labels}"
    if original_ttl != ttl:
        yield codes.RRSIG_ORIGINAL_TTL, f"its Original TTL is {original_ttl}, the RRset's TTL {ttl}"
    if signer_name.lower() != rules.apex:
        yield codes.RRSIG_SIGNER, f"its signer is {name_text(signer_name)}, the zone {name_text(rules.apex)}"


def _time_defects(rules: SignatureRules, fields: bytes) -> Iterator[tuple[Code, str]]:
    """Yield why a signature is not valid now."""
    expiration, inception, now = int.from_bytes(fields[8:12], "big"), int.from_bytes(fields[12:16], "big"), rules.now
    if serial_before(expiration, inception):
        yield (
            codes.RRSIG_NEVER_VALID,
            f"its inception {_instant(inception, now)} is after its expiration {_instant(expiration, now)}",
        )
    elif serial_before(expiration, now):
        ago = (now - expiration) % _MODULUS
        yield codes.RRSIG_EXPIRED, f"it expired at {_instant(expiration, now)}, {duration_text(ago)} ago"
    elif serial_before(now, inception):
        ahead = (inception - now) % _MODULUS
        yield codes.RRSIG_NOT_YET_VALID, f"it begins at {_instant(inception, now)}, in {duration_text(ahead)}"


def _instant(seconds: int, now: int) -> str:
    """The instant nearest to ``now`` that 32 bits of an RRSIG may mean (RFC 4034 section 3.1.5)."""
    nearest = from_epoch_seconds(now + (seconds - now + _MODULUS // 2) % _MODULUS - _MODULUS // 2)
    return nearest.strftime("%Y-%m-%dT%H:%M:%SZ")
