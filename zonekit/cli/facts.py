"""What ``zonekit show`` says: the facts of a zone and of a key, gathered, before anything is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, check_public_key
from zonekit.cli.inputs import KeyPair
from zonekit.cli.outputs import denial_text, role_text
from zonekit.denial import denial_of
from zonekit.dnskeys import Dnskey, check_intake, dnskey_signers, dnskeys_of, key_tag_collisions
from zonekit.ds import make_ds
from zonekit.errors import AlgorithmError, DsError, SigningError, SigningKeyError
from zonekit.findings import Finding, Severity
from zonekit.instants import epoch_seconds, from_epoch_seconds, instant_text, serial_before
from zonekit.keys import KeyTiming
from zonekit.names import WireName, name_text
from zonekit.nodes import HEADER_OCTETS, ttl_of
from zonekit.zonefile import ParsedZone
from zonekit.zones import NameStatus, Zone

SIGNS_DNSKEY: Final = "DNSKEY"
SIGNS_ZONE: Final = "zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """A DNSKEY, in public.

    Attributes:
        role: KSK, ZSK or CSK: by what it signs, or by its flags where nothing shows.
        algorithm: the number of its algorithm.
        algorithm_name: the mnemonic; the number where zonekit does not know it.
        bits: the size of the key; None where it is not a sound one.
        signs: what it signs in the zone it was found in, of ``DNSKEY`` and ``zone``.
        ds: the DS record with SHA-256, for a key that a DS may point to.
    """

    role: str
    key_tag: int
    algorithm: int
    algorithm_name: str
    flags: int
    bits: int | None
    signs: tuple[str, ...]
    ds: str | None
    dnskey: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFileFacts:
    """The files of a key.

    Attributes:
        zone: whose key it is.
        key: the public half.
        private: what can be said of the private file: present, absent or unreadable.
        use: what the key is for at this instant, of sign, publish and none; None where its timing could not be read.
        timing: the instants kept beside the key, by their names in :class:`~zonekit.keys.KeyTiming`.
        findings: what should be known about the files.
    """

    zone: str
    key: KeyFacts
    private: str
    use: str | None
    timing: dict[str, str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """The signatures in a zone taken together; instants as text.

    Attributes:
        first_expires: the RRset whose signature expires first.
    """

    count: int
    earliest_inception: str
    latest_inception: str
    earliest_expiration: str
    first_expires: str
    latest_expiration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFacts:
    """The RRsets of one type: how many, and their TTLs in seconds."""

    type: str
    rrsets: int
    least_ttl: int
    largest_ttl: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneFacts:
    """A zone, summed up."""

    zone: str
    serial: int
    names: int
    rrsets: int
    delegations: int
    secure_delegations: int
    denial: str | None
    keys: tuple[KeyFacts, ...]
    signatures: SignatureFacts | None
    dnskey_response_octets: int | None
    negative_ttl: int
    largest_ttl: int
    types: tuple[TypeFacts, ...]
    findings: tuple[Finding, ...]


def key_facts(key: Dnskey, signs: Iterable[str] = ()) -> KeyFacts:
    """Return the facts of one key."""
    does = tuple(signs)
    role = role_text(key)
    if SIGNS_DNSKEY in does and SIGNS_ZONE in does:
        role = "CSK"
    return KeyFacts(
        role=f"revoked {role}" if key.is_revoked else role,
        key_tag=key.key_tag,
        algorithm=key.algorithm,
        algorithm_name=_algorithm_name(key.algorithm),
        flags=key.flags,
        bits=_bits(key),
        signs=does,
        ds=_ds_text(key),
        dnskey=key.text(),
    )


def _algorithm_name(number: int) -> str:
    try:
        return Algorithm(number).name
    except ValueError:
        return str(number)


def _bits(key: Dnskey) -> int | None:
    try:
        return check_public_key(key.algorithm, key.public_key)
    except (AlgorithmError, SigningKeyError):
        return None


def _ds_text(key: Dnskey) -> str | None:
    try:
        return make_ds([key]).text()
    except DsError:
        return None


def key_file_facts(pair: KeyPair, now: datetime) -> KeyFileFacts:
    """Return the facts of a key's files; what it is for depends on the instant."""
    timing = {} if pair.signing_key is None else _timing_texts(pair.signing_key.timing)
    return KeyFileFacts(
        zone=name_text(pair.public_key.owner),
        key=key_facts(pair.public_key),
        private=pair.private,
        use=None if pair.signing_key is None else pair.signing_key.timing.use_at(now).value,
        timing=timing,
        findings=pair.findings,
    )


def _timing_texts(timing: KeyTiming) -> dict[str, str]:
    return {
        each.name: instant_text(value) if isinstance(value, datetime) else str(value)
        for each in fields(timing)
        if (value := getattr(timing, each.name)) is not None
    }


# ---- a zone ---------------------------------------------------------------------------------------------------------

_Signer = tuple[int, int]  # algorithm and key tag


class _Tally:
    """What is counted on one walk through a zone."""

    def __init__(self) -> None:
        self.ttls: dict[int, list[int]] = {}  # by type: how many RRsets, the least and the largest TTL
        self.delegations = 0
        self.secure_delegations = 0
        self.signatures = 0
        self.expirations: list[tuple[int, str]] = []  # the earliest and the latest, each with its RRset
        self.inceptions: list[tuple[int, str]] = []
        self.expired = 0
        self.not_begun = 0
        self.signers: dict[_Signer, set[int]] = {}  # what each covers

    def walk(self, zone: Zone, seconds: int) -> None:
        """Count everything in the zone; signatures are judged at this many seconds since 1970."""
        for owner, status, packed in zone.walk():
            types = {rdtype for rdtype, _, _ in packed}
            if status is NameStatus.DELEGATION:
                self.delegations += 1
                self.secure_delegations += rd.DS in types
            for rdtype, covers, records in packed:
                ttl = ttl_of(records[0])
                count, least, largest = self.ttls.get(rdtype, (0, ttl, ttl))
                self.ttls[rdtype] = [count + 1, min(least, ttl), max(largest, ttl)]
                if rdtype == rd.RRSIG:
                    for record in records:
                        self._add_signature(owner, covers, record[HEADER_OCTETS:], seconds)

    def _add_signature(self, owner: WireName, covers: int, rrsig: bytes, seconds: int) -> None:
        expiration, inception = int.from_bytes(rrsig[8:12], "big"), int.from_bytes(rrsig[12:16], "big")
        self.signatures += 1
        self.expired += serial_before(expiration, seconds)
        self.not_begun += serial_before(seconds, inception)
        self.signers.setdefault((rrsig[2], int.from_bytes(rrsig[16:18], "big")), set()).add(covers)
        for held, instant in ((self.expirations, expiration), (self.inceptions, inception)):
            if not held or instant < held[0][0] or instant > held[-1][0]:
                held.append((instant, f"{name_text(owner)} {rd.type_text(covers)}"))
                held.sort()
                del held[1:-1]


def zone_facts(parsed: ParsedZone, *, now: datetime, expires_within: timedelta) -> ZoneFacts:
    """Return the facts of a zone.

    Args:
        parsed: the zone and what reading it found.
        now: the instant by which signatures have expired or not.
        expires_within: a signature that expires sooner is worth a warning.
    """
    zone, tally = parsed.zone, _Tally()
    tally.walk(zone, epoch_seconds(now))
    dnskeys = zone.get("@", rd.DNSKEY)
    keys = () if dnskeys is None else tuple(sorted(dnskeys_of(dnskeys), key=lambda key: not key.is_sep))
    octets, size_findings = _response_size(zone) if keys else (None, ())
    return ZoneFacts(
        zone=name_text(zone.apex),
        serial=zone.serial,
        names=len(zone),
        rrsets=sum(count for count, _, _ in tally.ttls.values()),
        delegations=tally.delegations,
        secure_delegations=tally.secure_delegations,
        denial=_denial_of(zone),
        keys=tuple(key_facts(key, _signs(tally.signers.get((key.algorithm, key.key_tag), set()))) for key in keys),
        signatures=_signature_facts(tally),
        dnskey_response_octets=octets,
        negative_ttl=zone.negative_ttl,
        largest_ttl=max(largest for _, _, largest in tally.ttls.values()),
        types=tuple(
            TypeFacts(type=rd.type_text(rdtype), rrsets=count, least_ttl=least, largest_ttl=largest)
            for rdtype, (count, least, largest) in sorted(tally.ttls.items())
        ),
        findings=(*parsed.findings, *_findings(zone, keys, tally, now, expires_within), *size_findings),
    )


def _signs(covered: set[int]) -> Iterator[str]:
    """What a key signs, by the types that its signatures cover."""
    if rd.DNSKEY in covered:
        yield SIGNS_DNSKEY
    if covered - rd.KSK_SIGNED_TYPES:
        yield SIGNS_ZONE


def _response_size(zone: Zone) -> tuple[int | None, tuple[Finding, ...]]:
    try:
        intake = check_intake(zone, ())
    except (AlgorithmError, SigningKeyError):
        return None, ()  # a key whose signatures have a length that zonekit does not know
    return intake.response_octets, tuple(each for each in intake.findings if each.severity > Severity.INFO)


def _denial_of(zone: Zone) -> str | None:
    try:
        denial = denial_of(zone)
    except SigningError:  # a chain that zonekit would not make is shown all the same
        params = ", ".join(rd.print_rdata(rd.NSEC3PARAM, rdata) for rdata in zone.apex_rrset(rd.NSEC3PARAM).rdatas)
        return f"NSEC3 (parameters {params})"
    return None if denial is None else denial_text(denial)


def _signature_facts(tally: _Tally) -> SignatureFacts | None:
    if not tally.signatures:
        return None
    return SignatureFacts(
        count=tally.signatures,
        earliest_inception=_instant(tally.inceptions[0][0]),
        latest_inception=_instant(tally.inceptions[-1][0]),
        earliest_expiration=_instant(tally.expirations[0][0]),
        first_expires=tally.expirations[0][1],
        latest_expiration=_instant(tally.expirations[-1][0]),
    )


def _instant(seconds: int) -> str:
    return instant_text(from_epoch_seconds(seconds))


def _findings(
    zone: Zone, keys: tuple[Dnskey, ...], tally: _Tally, now: datetime, expires_within: timedelta
) -> Iterator[Finding]:
    apex = name_text(zone.apex)
    if tally.expired:
        first, rrset = tally.expirations[0]
        yield Finding(
            code="signature-expired",
            severity=Severity.ERROR,
            owner=apex,
            message=f"{tally.expired} of {tally.signatures} signatures have expired, the first, over {rrset}, at"
            f" {_instant(first)}",
            rule="RFC 4035 section 5.3.1",
            remedy="sign the zone again",
        )
    elif tally.signatures and tally.expirations[0][0] < epoch_seconds(now + expires_within):
        first, rrset = tally.expirations[0]
        yield Finding(
            code="signature-expires-soon",
            severity=Severity.WARNING,
            owner=apex,
            message=f"the first signature to expire, over {rrset}, does so at {_instant(first)}",
            remedy="sign the zone again",
        )
    if tally.not_begun:
        last, rrset = tally.inceptions[-1]
        yield Finding(
            code="signature-not-begun",
            severity=Severity.ERROR,
            owner=apex,
            message=f"{tally.not_begun} of {tally.signatures} signatures are not valid yet, the last, over {rrset},"
            f" until {_instant(last)}",
            rule="RFC 4035 section 5.3.1",
            remedy="look at the clock of whatever signed the zone",
        )
    if keys and not dnskey_signers(zone):
        yield Finding(
            code="dnskey-unsigned",
            severity=Severity.ERROR,
            owner=apex,
            rdtype="DNSKEY",
            message="none of the keys in the RRset signs it",
            rule="RFC 4035 section 2.2",
            remedy="sign the zone with a KSK or CSK",
        )
    for algorithm, tag in sorted(tally.signers.keys() - {(key.algorithm, key.key_tag) for key in keys}):
        yield Finding(
            code="signer-not-published",
            severity=Severity.WARNING,
            owner=apex,
            rdtype="RRSIG",
            message=f"signatures by key {tag} (algorithm {algorithm}) are there, and no such key",
            rule="RFC 4035 section 2.2",
            remedy="publish the key, or sign again without it",
        )
    for collision in key_tag_collisions(keys):
        yield Finding(
            code="key-tag-collision",
            severity=Severity.ERROR,
            owner=apex,
            rdtype="DNSKEY",
            message=collision.problem.removeprefix(f"{apex}: "),
            rule=collision.rule,
            remedy=collision.remedy,
        )
