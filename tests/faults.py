"""Everything that can be wrong with a signed zone, one fault at a time: what each is called, and how it is made.

A fault changes a :class:`~tests.drafts.Draft` and says at which owner it is to be found. ``FAULTS`` is the table of all
of them, and ``inject`` puts one or several into a base zone. Some are no faults at all, but what is allowed and easily
taken for one: their codes are none, or of severity INFO.

What the peers say of each is the same or in :mod:`tests.disagreements`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.drafts import (
    ALL,
    ANY_DENIAL,
    EXPIRATION,
    INCEPTION,
    NSEC,
    NSEC3,
    ONE_ALGORITHM,
    ORIGIN,
    TTL,
    Base,
    Draft,
    Link,
    Pen,
    Slip,
    Stage,
    rrsig,
    wire,
)
from tests.keyring import NOW, ksk, zsk
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, public_key_octets
from zonekit.denial import Nsec, Nsec3, hashed_owner, nsec_record
from zonekit.ds import DigestType
from zonekit.findings import Severity
from zonekit.instants import epoch_seconds
from zonekit.keys import generate_zsk, key_tag
from zonekit.names import label_count, name_text, parse_name
from zonekit.nodes import pack_record, rdata_of, ttl_of, with_ttl
from zonekit.ttl import Ttl
from zonekit.verifying.codes import CODES
from zonekit.zones import RRset, Zone

Inject: TypeAlias = Callable[[Draft], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        name: what it is called.
        codes: those of the findings that it causes; its own first, then what comes of it unavoidably.
        severity: how grave the gravest of them is; None where there are none.
        stage: what is there when it is put in.
        bases: the zones that it can be put into.
        claims: what it needs for itself; two faults with a claim in common do not go together, and one that claims the
            zone goes with no other.
        inject: puts it into a draft, and returns the owner that its own code is found at.
    """

    name: str
    codes: tuple[str, ...]
    severity: Severity | None
    stage: Stage
    bases: tuple[str, ...]
    claims: frozenset[str]
    inject: Inject

    @property
    def is_clean(self) -> bool:
        """Whether zonekit calls a zone clean that has nothing but this."""
        return self.severity is not Severity.ERROR

    def __str__(self) -> str:
        return self.name


_FAULTS: dict[str, Fault] = {}
FAULTS: Final[Mapping[str, Fault]] = _FAULTS


def _fault(
    *codes: str,
    stage: Stage,
    bases: tuple[str, ...] = ANY_DENIAL,
    severity: Severity | None = None,
    claims: Iterable[str] = (),
) -> Callable[[Inject], Inject]:
    """Put a function into the table, under its own name with hyphens; the severity is that of its codes unless given."""

    def register(inject: Inject) -> Inject:
        name = inject.__name__.strip("_").replace("_", "-")
        assert name not in _FAULTS, name
        gravest = max((CODES[code].severity for code in codes), default=None)
        _FAULTS[name] = Fault(
            name=name,
            codes=codes,
            severity=gravest if severity is None else severity,
            stage=stage,
            bases=bases,
            claims=frozenset(claims),
            inject=inject,
        )
        return inject

    return register


_data = functools.partial(_fault, stage=Stage.DATA)
_chain = functools.partial(_fault, stage=Stage.CHAIN)
_signatures = functools.partial(_fault, stage=Stage.SIGNATURES)
_parent = functools.partial(_fault, stage=Stage.PARENT, bases=("nsec",), claims=["DS", "DNSKEY"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A zone with faults in it.

    Attributes:
        zone: the zone.
        places: the owner at which each fault is to be found, in presentation form.
        ds: what the parent has, where a fault is about that.
    """

    zone: Zone
    places: Mapping[str, str]
    ds: RRset | None


def inject(base: Base, faults: Iterable[Fault], random: Random) -> Injected:
    """Return a base zone with faults in it, at places that ``random`` chooses."""
    draft = Draft.of(base, random)
    chosen = list(faults)
    places: dict[str, str] = {}

    def put_in(stage: Stage) -> None:
        for fault in chosen:
            if fault.stage is stage:
                places[fault.name] = name_text(wire(fault.inject(draft)))

    put_in(Stage.DATA)
    draft.make_chain()
    put_in(Stage.CHAIN)
    draft.sign_all()
    put_in(Stage.SIGNATURES)
    put_in(Stage.PARENT)
    return Injected(zone=draft.finish(), places=places, ds=draft.ds)


# ---- signatures: the octets, and each field -------------------------------------------------------------------------


def _flip(octets: bytes, bit: int) -> bytes:
    """The octets with a bit turned, counted from the end."""
    changed = bytearray(octets)
    changed[-1 - bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@_signatures("rrsig-bogus", bases=ALL)
def signature_bit_flipped(draft: Draft) -> str:
    host, bit = draft.host(), draft.random.randrange(8 * 32)
    draft.edit(host, rd.RRSIG, lambda record: _flip(record, bit), covers=rd.A)
    return host


@_signatures("rrsig-bogus", bases=ALL)
def data_bit_flipped(draft: Draft) -> str:
    host, bit = draft.host(), draft.random.randrange(32)
    draft.edit(host, rd.A, lambda record: _flip(record, bit))
    return host


@_signatures("rrsig-bogus", bases=ALL, claims=["SOA", "ZONEMD"])
def soa_serial_raised_without_signing(draft: Draft) -> str:
    draft.edit("@", rd.SOA, lambda record: _flip(record, 16 * 8))
    return "@"


@_signatures("rrsig-bogus", bases=ALL)
def signature_cut_short(draft: Draft) -> str:
    host = draft.host()

    def cut(record: bytes) -> bytes:
        return pack_record(rd.RRSIG, ttl_of(record), rdata_of(record)[:-1])

    draft.edit(host, rd.RRSIG, cut, covers=rd.A)
    return host


@_signatures("rrsig-bogus")
def signature_of_another_owner(draft: Draft) -> str:
    host, other = draft.host(), draft.host()
    draft.drop(host, rd.RRSIG, rd.A)
    records = draft.get(host, rd.A)
    draft.records[wire(host)] += [rrsig(wire(other), records, pen) for pen in draft.zsks]
    return host


@_signatures("rrsig-labels", bases=ALL)
def labels_too_many(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(labels=label_count(wire(host)) + 1))
    return host


@_signatures("rrsig-labels", bases=ALL)
def labels_too_few(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(labels=label_count(wire(host)) - 1))
    return host


@_signatures("rrsig-labels", claims=["*.wild"])
def labels_count_the_asterisk(draft: Draft) -> str:
    draft.sign_again("*.wild", rd.A, slip=Slip(labels=label_count(wire("*.wild")) + 1))
    return "*.wild"


@_signatures("rrsig-original-ttl", bases=ALL)
def ttl_raised_above_original(draft: Draft) -> str:
    host = draft.host()
    draft.edit(host, rd.A, lambda record: with_ttl(record, 2 * TTL))
    draft.sign_again(host, rd.A, slip=Slip(original_ttl=TTL))
    return host


@_signatures("rrsig-original-ttl", bases=ALL)
def ttl_lowered_below_original(draft: Draft) -> str:
    host = draft.host()
    draft.edit(host, rd.A, lambda record: with_ttl(record, TTL // 2))
    draft.sign_again(host, rd.A, slip=Slip(original_ttl=TTL))
    return host


@_signatures("rrsig-ttl", bases=ALL)
def rrsig_ttl_differs(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(ttl=TTL // 2))
    return host


_NOW: Final = epoch_seconds(NOW)
_DAY: Final = 86400


@_signatures("rrsig-expired", bases=ALL)
def expired(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(inception=_NOW - 9 * _DAY, expiration=_NOW - 1))
    return host


@_signatures("rrsig-not-yet-valid", bases=ALL)
def not_yet_valid(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(inception=_NOW + 1))
    return host


@_signatures("rrsig-never-valid", bases=ALL)
def expiration_before_inception(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(inception=_NOW + 60, expiration=_NOW - 60))
    return host


@_signatures("rrsig-never-valid")
def expiration_before_inception_long_ago(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(inception=_NOW - 60, expiration=_NOW - 120))
    return host


@_signatures("rrsig-expires-in-cache", bases=ALL)
def expires_within_the_ttl(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(expiration=_NOW + TTL - 1))
    return host


@_signatures(bases=ALL)
def expires_right_after_the_ttl(draft: Draft) -> str:
    """Allowed: what is fetched now has left the caches when the signature expires."""
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(expiration=_NOW + TTL))
    return host


@_signatures(bases=ALL)
def inception_is_now(draft: Draft) -> str:
    """Allowed: a signature is valid in the second of its inception (RFC 4034 section 3.1.5)."""
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(inception=_NOW))
    return host


@_signatures("rrsig-signer", bases=ALL)
def wrong_signer(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(signer=parse_name("example.net.")))
    return host


@_signatures("rrsig-signer")
def signer_is_the_parent(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(signer=parse_name("nl.")))
    return host


@_signatures("rrsig-without-dnskey", bases=ONE_ALGORITHM)
def unknown_key_tag(draft: Draft) -> str:
    host = draft.host()
    pen = draft.zsks[0]
    taken = {each.tag for each in draft.base.keys}
    tag = next(tag for tag in range(pen.tag + 1, pen.tag + 9) if tag % 65536 not in taken) % 65536
    draft.sign_again(host, rd.A, slip=Slip(tag=tag))
    return host


@_signatures("rrsig-without-dnskey", claims=["other keys"])
def signed_by_an_unpublished_key(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, Pen.of(zsk(number=1)))
    return host


@_signatures("rrsig-without-dnskey", "rrsig-missing", claims=["other keys"])
def wrong_algorithm_number(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, slip=Slip(algorithm=Algorithm.ED25519))
    return host


# ---- signatures: missing, and beside others -------------------------------------------------------------------------


def _unsigned(name: str, rdtype: int) -> Inject:
    def drop(draft: Draft) -> str:
        draft.drop(name, rd.RRSIG, rdtype)
        return name

    return drop


@_signatures("rrsig-missing", bases=ALL)
def signature_missing(draft: Draft) -> str:
    host = draft.host()
    draft.drop(host, rd.RRSIG, rd.A)
    return host


@_signatures("rrsig-missing", bases=ALL, claims=["SOA"])
def signature_missing_over_soa(draft: Draft) -> str:
    return _unsigned("@", rd.SOA)(draft)


@_signatures("rrsig-missing", claims=["NS"])
def signature_missing_over_ns(draft: Draft) -> str:
    return _unsigned("@", rd.NS)(draft)


@_signatures("rrsig-missing", claims=["DNSKEY"])
def signature_missing_over_dnskey(draft: Draft) -> str:
    return _unsigned("@", rd.DNSKEY)(draft)


@_signatures("rrsig-missing", claims=["secure"])
def signature_missing_over_ds(draft: Draft) -> str:
    return _unsigned("secure", rd.DS)(draft)


@_signatures("rrsig-missing", claims=["moved"])
def signature_missing_over_dname(draft: Draft) -> str:
    return _unsigned("moved", rd.DNAME)(draft)


@_signatures("rrsig-missing", claims=["*.wild"])
def signature_missing_over_wildcard(draft: Draft) -> str:
    return _unsigned("*.wild", rd.A)(draft)


@_signatures("rrsig-missing", bases=NSEC)
def signature_missing_over_nsec(draft: Draft) -> str:
    return _unsigned(draft.host(), rd.NSEC)(draft)


@_signatures("rrsig-missing", bases=NSEC, claims=["open"])
def signature_missing_over_nsec_at_delegation(draft: Draft) -> str:
    return _unsigned("open", rd.NSEC)(draft)


@_signatures("rrsig-missing", bases=NSEC3)
def signature_missing_over_nsec3(draft: Draft) -> str:
    owner = draft.hashed(draft.host())
    draft.drop(owner, rd.RRSIG, rd.NSEC3)
    return name_text(owner)


@_signatures("rrsig-missing", bases=NSEC3, claims=["NSEC3PARAM"])
def signature_missing_over_nsec3param(draft: Draft) -> str:
    return _unsigned("@", rd.NSEC3PARAM)(draft)


@_signatures("rrsig-missing", bases=("two-algorithms",))
def signature_of_one_algorithm_missing(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, draft.random.choice(draft.zsks))
    return host


@_signatures("rrsig-bogus", bases=("two-algorithms",))
def signature_of_one_algorithm_bogus(draft: Draft) -> str:
    host = draft.host()
    first, second = draft.random.sample(draft.zsks, 2)
    draft.sign_again(host, rd.A, first)
    draft.records[wire(host)].append(_flip(rrsig(wire(host), draft.get(host, rd.A), second), 3))
    return host


@_signatures("rrsig-bogus", severity=Severity.WARNING, bases=ALL)
def bad_signature_beside_a_good_one(draft: Draft) -> str:
    host = draft.host()
    draft.records[wire(host)].append(_flip(draft.random.choice(draft.get(host, rd.RRSIG, rd.A)), 9))
    return host


@_signatures("rrsig-expired", severity=Severity.WARNING, bases=ALL)
def expired_signature_beside_a_good_one(draft: Draft) -> str:
    host = draft.host()
    slip = Slip(inception=_NOW - 9 * _DAY, expiration=_NOW - 1)
    draft.sign(host, rd.A, draft.random.choice(draft.zsks), slip=slip)
    return host


@_signatures("rrsig-without-dnskey", severity=Severity.WARNING, claims=["other keys"])
def signature_by_an_unpublished_key_beside_a_good_one(draft: Draft) -> str:
    host = draft.host()
    draft.sign(host, rd.A, Pen.of(zsk(number=1)))
    return host


@_signatures("rrsig-without-dnskey", severity=Severity.WARNING, claims=["other keys"])
def signature_of_an_algorithm_to_come(draft: Draft) -> str:
    """Where an algorithm rollover begins: signatures go before the DNSKEY (RFC 6781 section 4.1.4)."""
    host = draft.host()
    draft.sign(host, rd.A, Pen.of(zsk(Algorithm.ED25519)))
    return host


@_signatures(bases=ALL)
def ksk_signs_data_too(draft: Draft) -> str:
    """Allowed: any zone key may sign any RRset."""
    host = draft.host()
    draft.sign(host, rd.A, draft.random.choice(draft.ksks))
    return host


@_signatures(bases=ALL)
def signed_twice_by_one_key(draft: Draft) -> str:
    """Allowed: an older signature that has not expired."""
    host = draft.host()
    draft.sign(host, rd.A, slip=Slip(inception=INCEPTION - 60, expiration=EXPIRATION - 60))
    return host


@_signatures(bases=ALL, claims=["DNSKEY"])
def zsk_signs_the_dnskeys_too(draft: Draft) -> str:
    """Allowed, and what BIND does unless told otherwise."""
    draft.sign("@", rd.DNSKEY, *draft.zsks)
    return "@"


@_signatures()
def signature_in_capitals(draft: Draft) -> str:
    """Allowed: the signer's name is compared and signed in lower case (RFC 4034 section 6.2, RFC 6840 section 5.1)."""
    host = draft.host()

    def capitals(record: bytes) -> bytes:
        head = len(record) - len(rdata_of(record)) + rd.RRSIG_FIXED_OCTETS
        return record[:head] + ORIGIN.upper() + record[head + len(ORIGIN) :]

    draft.edit(host, rd.RRSIG, capitals, covers=rd.A)
    return host


# ---- signatures where there must be none ----------------------------------------------------------------------------


@_signatures("rrsig-not-allowed", bases=ALL, claims=["ns1.secure"])
def glue_is_signed(draft: Draft) -> str:
    draft.sign("ns1.secure", rd.A)
    return "ns1.secure"


@_signatures("rrsig-not-allowed", bases=ALL, claims=["secure NS"])
def delegation_ns_is_signed(draft: Draft) -> str:
    draft.sign("secure", rd.NS)
    return "secure"


@_signatures("rrsig-covers-nothing", severity=Severity.WARNING, bases=ALL)
def signature_over_nothing(draft: Draft) -> str:
    host = draft.host()
    draft.add(host, "AAAA", "2001:db8::1")
    draft.sign(host, rd.AAAA)
    draft.drop(host, rd.AAAA)
    return host


@_signatures("rrsig-covers-nothing", severity=Severity.ERROR)
def signature_at_a_name_with_nothing_else(draft: Draft) -> str:
    draft.add("nothing", "A", "192.0.2.9")
    draft.sign("nothing", rd.A)
    draft.drop("nothing", rd.A)
    return "nothing"


@_signatures("rrsig-not-allowed")
def signature_over_signatures(draft: Draft) -> str:
    host = draft.host()
    owner = wire(host)
    over = draft.get(host, rd.RRSIG, rd.A)
    draft.records[owner] += [rrsig(owner, over, pen) for pen in draft.zsks]
    return host


# ---- DNSKEYs --------------------------------------------------------------------------------------------------------


@_signatures("dnskey-not-signed-by-sep", claims=["DNSKEY"])
def dnskeys_signed_by_the_zsk_alone(draft: Draft) -> str:
    draft.sign_again("@", rd.DNSKEY, *draft.zsks)
    return "@"


@_data("algorithm-signs-nothing", claims=["DNSKEY", "other keys"])
def algorithm_that_signs_nothing(draft: Draft) -> str:
    draft.put("@", rd.DNSKEY, TTL, ksk(Algorithm.ED25519).dnskey_rdata)
    return "@"


@_data("dnskey-stand-by", claims=["other keys"])
def stand_by_zsk(draft: Draft) -> str:
    """Allowed: a key that is published ahead of a rollover (RFC 6781 section 4.1.1.1)."""
    draft.put("@", rd.DNSKEY, TTL, zsk(number=1).dnskey_rdata)
    return "@"


@_data("dnskey-stand-by", claims=["other keys"])
def stand_by_ksk(draft: Draft) -> str:
    """Allowed: a KSK of another provider, or one that the parent's DS is about to be of (RFC 8901 section 2.1)."""
    draft.put("@", rd.DNSKEY, TTL, ksk(number=1).dnskey_rdata)
    return "@"


@_data("dnskey-revoked-silently", claims=["other keys"])
def revoked_ksk_that_signs_nothing(draft: Draft) -> str:
    draft.put("@", rd.DNSKEY, TTL, Pen.of(ksk(number=1)).revoked().dnskey)
    return "@"


@_signatures(
    "dnskey-revoked-silently", "rrsig-by-unusable-key", severity=Severity.ERROR, claims=["DNSKEY", "other keys"]
)
def revoked_ksk_that_signs_data_and_not_the_dnskeys(draft: Draft) -> str:
    host, revoked = draft.host(), Pen.of(ksk(number=1)).revoked()
    draft.put("@", rd.DNSKEY, TTL, revoked.dnskey)
    draft.sign_again("@", rd.DNSKEY)
    draft.sign(host, rd.A, revoked)
    return "@"


@_signatures("dnskey-revoked-silently", "rrsig-bogus", severity=Severity.ERROR, claims=["DNSKEY", "other keys"])
def revoked_ksk_whose_own_signature_is_bogus(draft: Draft) -> str:
    revoked = Pen.of(ksk(number=1)).revoked()
    draft.put("@", rd.DNSKEY, TTL, revoked.dnskey)
    draft.sign_again("@", rd.DNSKEY)
    draft.records[ORIGIN].append(_flip(rrsig(ORIGIN, draft.get("@", rd.DNSKEY), revoked), 3))
    return "@"


@_data("dnskey-revoked", claims=["other keys", "DNSKEY"])
def revoked_ksk_that_signs_its_revocation(draft: Draft) -> str:
    """Allowed: how a key is revoked (RFC 5011 section 2.1)."""
    revoked = Pen.of(ksk(number=1)).revoked()
    draft.put("@", rd.DNSKEY, TTL, revoked.dnskey)
    draft.ksks.append(revoked)
    return "@"


def _revoked_signer(draft: Draft) -> Pen:
    """A revoked key that is published and signs the DNSKEY RRset: so only what else it signs is wrong."""
    revoked = Pen.of(ksk(number=1)).revoked()
    draft.put("@", rd.DNSKEY, TTL, revoked.dnskey)
    draft.sign_again("@", rd.DNSKEY, *draft.ksks, revoked)
    return revoked


@_signatures("rrsig-by-unusable-key", "dnskey-revoked", claims=["DNSKEY", "other keys"])
def signed_by_a_revoked_key(draft: Draft) -> str:
    host = draft.host()
    draft.sign_again(host, rd.A, _revoked_signer(draft))
    return host


@_signatures("rrsig-by-unusable-key", "dnskey-revoked", severity=Severity.WARNING, claims=["DNSKEY", "other keys"])
def signed_by_a_revoked_key_too(draft: Draft) -> str:
    host = draft.host()
    draft.sign(host, rd.A, _revoked_signer(draft))
    return host


@_data("dnskey-protocol", claims=["other keys"])
def dnskey_of_another_protocol(draft: Draft) -> str:
    rdata = zsk(number=1).dnskey_rdata
    draft.put("@", rd.DNSKEY, TTL, rdata[:2] + b"\x02" + rdata[3:])
    return "@"


@_data("dnskey-not-zone-key", claims=["other keys"])
def dnskey_without_zone_flag(draft: Draft) -> str:
    draft.put("@", rd.DNSKEY, TTL, b"\x00\x00" + zsk(number=1).dnskey_rdata[2:])
    return "@"


@_signatures("rrsig-by-unusable-key", "dnskey-not-zone-key", claims=["DNSKEY", "other keys"])
def signed_by_a_key_without_zone_flag(draft: Draft) -> str:
    host = draft.host()
    pen = replace(Pen.of(zsk(number=1)), dnskey=b"\x00\x00" + zsk(number=1).dnskey_rdata[2:])
    draft.put("@", rd.DNSKEY, TTL, pen.dnskey)
    draft.sign_again("@", rd.DNSKEY)
    draft.sign_again(host, rd.A, pen)
    return host


@_data("dnskey-malformed", claims=["other keys"])
def malformed_dnskey(draft: Draft) -> str:
    draft.put("@", rd.DNSKEY, TTL, zsk(number=1).dnskey_rdata[:-1])
    return "@"


@_data("dnskey-malformed")
def dnskey_that_is_no_point_of_the_curve(draft: Draft) -> str:
    draft.put("@", rd.DNSKEY, TTL, b"\x01\x00\x03\x0d" + bytes(63) + b"\x01")
    return "@"


@_data("dnskey-weak", bases=("rsasha256",))
def rsa_key_of_768_bits(draft: Draft) -> str:
    modulus = (3 << 766 | 1).to_bytes(96, "big")
    draft.put("@", rd.DNSKEY, TTL, b"\x01\x00\x03\x08\x03\x01\x00\x01" + modulus)
    return "@"


@functools.cache
def _colliding_dnskeys() -> tuple[bytes, bytes]:
    """Two DNSKEYs of one algorithm with one key tag; that takes about 300 tries."""
    taken = {pen(number=number).key_tag for pen in (ksk, zsk) for number in range(2)}
    seen: dict[int, bytes] = {}
    while True:
        key = generate_zsk("example.nl", algorithm=Algorithm.ECDSAP256SHA256, avoid=taken)
        twin = seen.setdefault(key.key_tag, key.dnskey_rdata)
        if twin != key.dnskey_rdata:
            return twin, key.dnskey_rdata


@_data("key-tag-collision", "dnskey-stand-by")
def key_tag_collision(draft: Draft) -> str:
    draft.put("@", rd.DNSKEY, TTL, *_colliding_dnskeys())
    return "@"


@_data("dnskey-below-apex", claims=["other keys"])
def dnskey_below_the_apex(draft: Draft) -> str:
    host = draft.host()
    draft.put(host, rd.DNSKEY, TTL, ksk(number=1).dnskey_rdata)
    return host


@functools.cache
def _rsasha1_pens(algorithm: int) -> tuple[Pen, Pen]:
    """A KSK and a ZSK of an algorithm that zonekit does not sign with (RFC 9905 section 2)."""

    def pen(flags: bytes) -> Pen:
        private = rsa.generate_private_key(65537, 2048)
        dnskey = flags + bytes((3, algorithm)) + public_key_octets(private)
        return Pen(dnskey, lambda data: private.sign(data, padding.PKCS1v15(), hashes.SHA1()))

    return pen(b"\x01\x01"), pen(b"\x01\x00")


def _sign_with(draft: Draft, ksk_pen: Pen, zsk_pen: Pen) -> None:
    """Have the draft signed with these keys instead of its own."""
    draft.drop("@", rd.DNSKEY)
    draft.put("@", rd.DNSKEY, TTL, *{ksk_pen.dnskey, zsk_pen.dnskey})
    draft.ksks, draft.zsks = [ksk_pen], [zsk_pen]


@_data("algorithm-dated", bases=NSEC, claims=["DNSKEY", "zone"])
def signed_with_rsasha1(draft: Draft) -> str:
    _sign_with(draft, *_rsasha1_pens(Algorithm.RSASHA1))
    return "@"


@_data("algorithm-dated", bases=("nsec3",), claims=["DNSKEY", "zone"])
def signed_with_nsec3rsasha1(draft: Draft) -> str:
    _sign_with(draft, *_rsasha1_pens(Algorithm.NSEC3RSASHA1))
    return "@"


_UNKNOWN_ALGORITHM: Final = 100


def _unknown_pen(flags: bytes) -> Pen:
    dnskey = flags + bytes((3, _UNKNOWN_ALGORITHM)) + hashlib.sha256(flags).digest()
    return Pen(dnskey, lambda data: hashlib.sha512(dnskey + data).digest())


@_data("algorithm-unknown", "rrsig-unchecked", claims=["zone"])
def signed_with_an_unknown_algorithm_too(draft: Draft) -> str:
    pens = _unknown_pen(b"\x01\x01"), _unknown_pen(b"\x01\x00")
    draft.put("@", rd.DNSKEY, TTL, *(pen.dnskey for pen in pens))
    draft.ksks.append(pens[0])
    draft.zsks.append(pens[1])
    return "@"


@_data(claims=["DNSKEY", "zone"])
def signed_with_a_csk(draft: Draft) -> str:
    """Allowed: one key that signs everything (RFC 6781 section 3.1)."""
    (pen,) = draft.ksks
    _sign_with(draft, pen, pen)
    return "@"


@_data("zone-not-signed", claims=["DNSKEY", "chain", "zone"], bases=NSEC)
def zone_is_not_signed(draft: Draft) -> str:
    draft.drop("@", rd.DNSKEY)
    draft.ksks, draft.zsks, draft.denial = [], [], None
    return "@"


# ---- NSEC -----------------------------------------------------------------------------------------------------------

_nsec = functools.partial(_chain, bases=NSEC)


@_nsec("denial-missing", claims=["chain", "zone"])
def no_denial_at_all(draft: Draft) -> str:
    for owner in [owner for owner in draft.records if draft.get(owner, rd.NSEC)]:
        draft.drop(owner, rd.NSEC)
    return "@"


@_nsec("nsec-missing")
def nsec_missing(draft: Draft) -> str:
    host = draft.host()
    draft.drop(host, rd.NSEC)
    return host


@_nsec("nsec-missing", claims=["open"])
def nsec_missing_at_delegation(draft: Draft) -> str:
    draft.drop("open", rd.NSEC)
    return "open"


@_nsec("nsec-missing", claims=["apex NSEC"])
def nsec_missing_at_the_apex(draft: Draft) -> str:
    draft.drop("@", rd.NSEC)
    return "@"


@_nsec("nsec-not-allowed", claims=["ns1.secure"])
def nsec_at_glue(draft: Draft) -> str:
    record = nsec_record(wire("secure"), (rd.A, rd.NSEC), draft.negative_ttl)
    draft.put("ns1.secure", rd.NSEC, draft.negative_ttl, rdata_of(record))
    return "ns1.secure"


@_nsec("nsec-not-allowed", claims=["alias NSEC"])
def nsec_at_an_empty_non_terminal(draft: Draft) -> str:
    record = nsec_record(wire("deep.ent"), (rd.RRSIG, rd.NSEC), draft.negative_ttl)
    draft.put("ent", rd.NSEC, draft.negative_ttl, rdata_of(record))
    draft.edit_nsec("alias", following="ent")
    return "ent"


@_nsec("nsec-not-allowed", "occluded-data", severity=Severity.ERROR, claims=["moved"])
def nsec_below_a_dname(draft: Draft) -> str:
    draft.add("below.moved", "TXT", "lost")
    record = nsec_record(wire("ns1"), (rd.TXT, rd.NSEC), draft.negative_ttl)
    draft.put("below.moved", rd.NSEC, draft.negative_ttl, rdata_of(record))
    return "below.moved"


@_chain("nsec-not-allowed", severity=Severity.WARNING, bases=NSEC3)
def nsec_in_a_zone_with_nsec3(draft: Draft) -> str:
    host = draft.host()
    record = nsec_record(wire(host), (rd.A, rd.TXT, rd.RRSIG, rd.NSEC), draft.negative_ttl)
    draft.put(host, rd.NSEC, draft.negative_ttl, rdata_of(record))
    _change_link(draft, host, _with_types(lambda types: types | {rd.NSEC}))
    return host


@_nsec("nsec-next")
def nsec_next_skips_a_name(draft: Draft) -> str:
    host = draft.host()
    draft.edit_nsec(host, following="voice")
    return host


@_nsec("nsec-next")
def nsec_next_is_no_name(draft: Draft) -> str:
    host = draft.host()
    draft.edit_nsec(host, following=f"a.{host}")
    return host


@_nsec("nsec-next", claims=["www"])
def last_nsec_not_to_the_apex(draft: Draft) -> str:
    draft.edit_nsec("www", following="zzz")
    return "www"


@_nsec("nsec-next", claims=["www"])
def last_nsec_to_the_first_name(draft: Draft) -> str:
    draft.edit_nsec("www", following="alias")
    return "www"


@_nsec("nsec-bitmap")
def nsec_bitmap_type_too_many(draft: Draft) -> str:
    host = draft.host()
    draft.edit_nsec(host, types=lambda types: types | {rd.MX})
    return host


@_nsec("nsec-bitmap")
def nsec_bitmap_type_too_few(draft: Draft) -> str:
    host = draft.host()
    draft.edit_nsec(host, types=lambda types: types - {rd.TXT})
    return host


@_nsec("nsec-bitmap")
def nsec_bitmap_without_rrsig(draft: Draft) -> str:
    host = draft.host()
    draft.edit_nsec(host, types=lambda types: types - {rd.RRSIG})
    return host


@_nsec("nsec-bitmap")
def nsec_bitmap_without_nsec(draft: Draft) -> str:
    host = draft.host()
    draft.edit_nsec(host, types=lambda types: types - {rd.NSEC})
    return host


@_nsec("nsec-bitmap", claims=["open"])
def nsec_bitmap_lists_glue(draft: Draft) -> str:
    draft.add("open", "NS", "open")
    draft.add("open", "A", "192.0.2.9")
    draft.edit_nsec("open", types=lambda types: types | {rd.A})
    return "open"


@_nsec("nsec-bitmap", claims=["open"])
def nsec_bitmap_without_ns_at_delegation(draft: Draft) -> str:
    draft.edit_nsec("open", types=lambda types: types - {rd.NS})
    return "open"


@_nsec("nsec-ttl")
def nsec_ttl(draft: Draft) -> str:
    host = draft.host()
    draft.edit(host, rd.NSEC, lambda record: with_ttl(record, TTL))
    return host


@_nsec("nsec-duplicate")
def two_nsecs(draft: Draft) -> str:
    host = draft.host()
    (record,) = draft.get(host, rd.NSEC)
    draft.edit_nsec(host, types=lambda types: types | {rd.MX})
    draft.records[wire(host)].append(record)
    return host


@_nsec(claims=["voice"])
def nsec_next_in_capitals(draft: Draft) -> str:
    """Allowed: names are compared without regard to case, and this one is signed as it stands (RFC 6840 section 5.1)."""
    draft.edit_nsec("voice", following="*.WILD")
    return "voice"


# ---- NSEC3 ----------------------------------------------------------------------------------------------------------

_nsec3 = functools.partial(_chain, bases=NSEC3)


def _change_link(draft: Draft, name: str, change: Callable[[Link], Link]) -> str:
    owner = draft.hashed(name)
    draft.set_link(owner, change(draft.link(owner)))
    return name_text(owner)


def _with_types(change: Callable[[set[int]], set[int]]) -> Callable[[Link], Link]:
    return lambda link: replace(link, bitmap=rd.type_bitmap(change(set(rd.bitmap_types(link.bitmap)))))


@_nsec3("nsec3-missing", claims=["chain", "zone"])
def no_nsec3_at_all(draft: Draft) -> str:
    for owner in draft.hashed_owners():
        draft.drop(owner, rd.NSEC3)
    return "@"


@_nsec3("nsec3-missing", claims=["chain"])
def nsec3_missing_and_chain_closed(draft: Draft) -> str:
    host = draft.host()
    draft.unlink(draft.hashed(host))
    return host


@_nsec3("nsec3-missing", claims=["chain"])
def nsec3_missing(draft: Draft) -> str:
    host = draft.host()
    draft.drop(draft.hashed(host), rd.NSEC3)
    return host


@_nsec3("nsec3-missing", claims=["chain", "ent"])
def nsec3_missing_of_an_empty_non_terminal(draft: Draft) -> str:
    draft.unlink(draft.hashed("ent"))
    return "ent"


@_nsec3("nsec3-missing", claims=["chain"])
def nsec3_missing_of_a_secure_delegation(draft: Draft) -> str:
    draft.unlink(draft.hashed("secure"))
    return "secure"


@_chain("nsec3-missing", bases=("nsec3",), claims=["chain", "open"])
def nsec3_missing_of_an_insecure_delegation(draft: Draft) -> str:
    draft.unlink(draft.hashed("open"))
    return "open"


@_nsec3("nsec3-orphan", claims=["chain"])
def orphan_nsec3_in_the_chain(draft: Draft) -> str:
    return name_text(draft.insert(draft.hash("nobody")))


@_nsec3("nsec3-orphan", claims=["chain"])
def orphan_nsec3_outside_the_chain(draft: Draft) -> str:
    owner = draft.hashed("nobody")
    draft.set_link(owner, replace(draft.link(draft.before(owner)), bitmap=b""))
    return name_text(owner)


@_nsec3("nsec3-orphan", claims=["chain"])
def removed_name_whose_nsec3_stays(draft: Draft) -> str:
    host = draft.host()
    draft.drop(host, rd.A)
    draft.drop(host, rd.TXT)
    return name_text(draft.hashed(host))


@_nsec3("nsec3-next", claims=["chain"])
def nsec3_next_skips_a_hash(draft: Draft) -> str:
    return _change_link(draft, draft.host(), lambda link: replace(link, next_hash=draft.link(_owner(link)).next_hash))


@_nsec3("nsec3-next", claims=["chain"])
def nsec3_next_is_no_hash_of_the_chain(draft: Draft) -> str:
    return _change_link(draft, draft.host(), lambda link: replace(link, next_hash=_flip(link.next_hash, 5)))


@_nsec3("nsec3-next", claims=["chain"])
def last_nsec3_not_to_the_first(draft: Draft) -> str:
    first, last = draft.hashed_owners()[0], draft.hashed_owners()[-1]
    draft.set_link(last, replace(draft.link(last), next_hash=draft.link(first).next_hash))
    return name_text(last)


def _owner(link: Link) -> bytes:
    """The owner of the NSEC3 that another leads to."""
    return hashed_owner(link.next_hash, ORIGIN)


@_nsec3("nsec3-bitmap")
def nsec3_bitmap_type_too_many(draft: Draft) -> str:
    return _change_link(draft, draft.host(), _with_types(lambda types: types | {rd.MX}))


@_nsec3("nsec3-bitmap")
def nsec3_bitmap_type_too_few(draft: Draft) -> str:
    return _change_link(draft, draft.host(), _with_types(lambda types: types - {rd.TXT}))


@_nsec3("nsec3-bitmap")
def nsec3_bitmap_without_rrsig(draft: Draft) -> str:
    return _change_link(draft, draft.host(), _with_types(lambda types: types - {rd.RRSIG}))


@_nsec3("nsec3-bitmap")
def nsec3_bitmap_lists_nsec3(draft: Draft) -> str:
    return _change_link(draft, draft.host(), _with_types(lambda types: types | {rd.NSEC3}))


@_chain("nsec3-bitmap", bases=("nsec3",), claims=["open"])
def nsec3_bitmap_with_rrsig_at_insecure_delegation(draft: Draft) -> str:
    return _change_link(draft, "open", _with_types(lambda types: types | {rd.RRSIG}))


@_nsec3("nsec3-bitmap", claims=["ent"])
def nsec3_bitmap_of_an_empty_non_terminal(draft: Draft) -> str:
    return _change_link(draft, "ent", lambda link: replace(link, bitmap=rd.type_bitmap([rd.A, rd.RRSIG])))


@_nsec3("nsec3-orphan", "nsec3-missing", claims=["chain"])
def nsec3_at_another_hash(draft: Draft) -> str:
    link = draft.unlink(draft.hashed(draft.host()))
    return name_text(draft.insert(draft.hash("nobody"), link.bitmap))


@_nsec3("nsec3-owner", claims=["chain"])
def nsec3_below_a_hash(draft: Draft) -> str:
    owner = draft.hashed(draft.host())
    below = b"\x03sub" + owner
    draft.set_link(below, draft.link(owner))
    return name_text(below)


@_nsec3("nsec3-parameters", claims=["chain"])
def nsec3_with_other_iterations(draft: Draft) -> str:
    return _change_link(draft, draft.host(), lambda link: replace(link, iterations=1))


@_nsec3("nsec3-parameters", claims=["chain"])
def nsec3_with_another_salt(draft: Draft) -> str:
    return _change_link(draft, draft.host(), lambda link: replace(link, salt=b"\x01"))


@_nsec3("nsec3-parameters", claims=["chain"])
def nsec3_with_another_hash_algorithm(draft: Draft) -> str:
    return _change_link(draft, draft.host(), lambda link: replace(link, hash_algorithm=2))


@_nsec3("nsec3-next", claims=["chain"])
def nsec3_next_is_too_short(draft: Draft) -> str:
    return _change_link(draft, draft.host(), lambda link: replace(link, next_hash=link.next_hash[:19]))


@_nsec3("nsec3-flags", claims=["chain"])
def nsec3_with_unknown_flags(draft: Draft) -> str:
    return _change_link(draft, draft.host(), lambda link: replace(link, flags=link.flags | 0x80))


@_nsec3("nsec3-ttl")
def nsec3_ttl(draft: Draft) -> str:
    owner = draft.hashed(draft.host())
    draft.edit(owner, rd.NSEC3, lambda record: with_ttl(record, TTL))
    return name_text(owner)


@_nsec3("nsec3-duplicate", claims=["chain"])
def two_nsec3s(draft: Draft) -> str:
    owner = draft.hashed(draft.host())
    (record,) = draft.get(owner, rd.NSEC3)
    link = Link.parse(rdata_of(record))
    draft.put(owner, rd.NSEC3, draft.negative_ttl, _with_types(lambda types: types | {rd.MX})(link).rdata())
    return name_text(owner)


@_chain("nsec3-opt-out", bases=("opt-out",), claims=["chain"])
def opt_out_flag_missing(draft: Draft) -> str:
    covering = draft.before(draft.hashed("open"))
    draft.set_link(covering, replace(draft.link(covering), flags=0))
    return name_text(covering)


@_chain(bases=("opt-out",), claims=["chain"])
def opt_out_with_an_insecure_delegation_in_the_chain(draft: Draft) -> str:
    """Allowed: an insecure delegation may have its NSEC3 (RFC 5155 section 6)."""
    return name_text(draft.insert(draft.hash("open"), rd.type_bitmap([rd.NS])))


@_chain(bases=("opt-out",), claims=["chain"])
def opt_out_flag_where_it_is_needed_alone(draft: Draft) -> str:
    """Allowed: only spans over delegations that are left out need the flag (RFC 5155 section 6)."""
    needed = {draft.before(draft.hashed(name)) for name in ("open", "plain", "branch.twig", "twig")}
    for owner in draft.hashed_owners():
        if owner not in needed:
            draft.set_link(owner, replace(draft.link(owner), flags=0))
    return "@"


@_chain(bases=("nsec3",), claims=["chain"])
def opt_out_flag_with_every_delegation_in_the_chain(draft: Draft) -> str:
    """Allowed: what may opt out need not (RFC 5155 section 6)."""
    for owner in draft.hashed_owners():
        draft.set_link(owner, replace(draft.link(owner), flags=1))
    return "@"


@_data("nsec3-iterations", bases=("nsec3",), claims=["chain", "zone"])
def nsec3_iterations(draft: Draft) -> str:
    _use_chain(draft, Nsec3(iterations=5))
    return "@"


@_data("nsec3-iterations", severity=Severity.ERROR, bases=("nsec3",), claims=["chain", "zone"])
def nsec3_iterations_beyond_what_is_taken(draft: Draft) -> str:
    draft.drop("@", rd.NSEC3PARAM)
    draft.put("@", rd.NSEC3PARAM, 0, b"\x01\x00\x00\xc8\x00")
    draft.denial = _UnboundedNsec3()
    return "@"


class _UnboundedNsec3(Nsec3):
    """200 iterations, which :class:`Nsec3` itself refuses."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "iterations", 200)


@_data("nsec3-salt", bases=("nsec3",), claims=["chain", "zone"])
def nsec3_salt(draft: Draft) -> str:
    """Allowed, and of no use (RFC 9276 section 3.1)."""
    _use_chain(draft, Nsec3(salt=b"\xca\xfe"))
    return "@"


def _use_chain(draft: Draft, denial: Nsec3) -> None:
    draft.denial = denial
    draft.drop("@", rd.NSEC3PARAM)
    draft.put("@", rd.NSEC3PARAM, 0, denial.param_rdata())


def _apex_param(draft: Draft, rdata: bytes) -> str:
    """Replace the NSEC3PARAM, and the chain is made as before."""
    draft.drop("@", rd.NSEC3PARAM)
    draft.put("@", rd.NSEC3PARAM, 0, rdata)
    return "@"


@_data("nsec3param-missing", bases=NSEC3, claims=["NSEC3PARAM"])
def nsec3param_missing(draft: Draft) -> str:
    draft.drop("@", rd.NSEC3PARAM)
    return "@"


@_data("nsec3-parameters", bases=NSEC3, claims=["NSEC3PARAM", "chain", "zone"])
def nsec3param_with_another_salt(draft: Draft) -> str:
    return _apex_param(draft, Nsec3(salt=b"\x01").param_rdata())


@_data("nsec3param-missing", "nsec3param-flags", bases=NSEC3, claims=["NSEC3PARAM"])
def nsec3param_with_flags(draft: Draft) -> str:
    return _apex_param(draft, b"\x01\x01\x00\x00\x00")


@_data("nsec3param-flags", bases=NSEC3, claims=["NSEC3PARAM"])
def nsec3param_with_flags_beside_a_good_one(draft: Draft) -> str:
    draft.put("@", rd.NSEC3PARAM, 0, b"\x01\x80\x00\x00\x00")
    return "@"


@_data("nsec3param-unknown", bases=NSEC3, claims=["NSEC3PARAM"])
def nsec3param_of_an_unknown_hash(draft: Draft) -> str:
    draft.put("@", rd.NSEC3PARAM, 0, b"\x02\x00\x00\x00\x00")
    return "@"


@_data("nsec3param-not-at-apex", bases=ANY_DENIAL)
def nsec3param_below_the_apex(draft: Draft) -> str:
    host = draft.host()
    draft.put(host, rd.NSEC3PARAM, 0, b"\x01\x00\x00\x00\x00")
    return host


@_chain("denial-twice", bases=("nsec3",), claims=["chain", "zone"])
def both_chains(draft: Draft) -> str:
    """Allowed: on the way from one to the other (RFC 5155 section 10.4)."""
    _make_nsec_too(draft)
    for owner in draft.hashed_owners():
        link = draft.link(owner)
        if link.bitmap:  # every type of the name but NSEC3 is listed (RFC 5155 section 7.1)
            draft.set_link(owner, _with_types(lambda types: types | {rd.NSEC, rd.RRSIG})(link))
    return "@"


def _make_nsec_too(draft: Draft) -> None:
    nsec3, draft.denial = draft.denial, Nsec()
    draft.make_chain()
    draft.denial = nsec3


# ---- data -----------------------------------------------------------------------------------------------------------


@_data("ttl-differs", "rrsig-original-ttl", "rrsig-ttl", severity=Severity.ERROR, bases=ALL)
def ttls_differ(draft: Draft) -> str:
    host = draft.host()
    draft.add(host, "A", "192.0.2.9", ttl=TTL // 2)
    return host


@_data("cname-and-other-data")
def cname_beside_other_data(draft: Draft) -> str:
    host = draft.host()
    draft.add(host, "CNAME", "voice")
    return host


@_data("singleton-twice", claims=["www"])
def two_cnames(draft: Draft) -> str:
    draft.add("www", "CNAME", "voice")
    return "www"


@_data("singleton-twice", claims=["moved"])
def two_dnames(draft: Draft) -> str:
    draft.add("moved", "DNAME", "example.org.")
    return "moved"


@_data("singleton-twice", claims=["SOA"])
def two_soas(draft: Draft) -> str:
    draft.add("@", "SOA", "ns1 hostmaster 2026112102 14400 3600 1209600 900")
    return "@"


@_data("soa-below-apex")
def soa_below_the_apex(draft: Draft) -> str:
    host = draft.host()
    draft.add(host, "SOA", "ns1 hostmaster 1 14400 3600 1209600 900")
    return host


_DS_TEXT: Final = "251 13 2 db65ff285fa5c72b2788abffdede7a1c00ee018cd32cff817035f8526386f3bc"


@_data("ds-at-apex", claims=["DS at apex"])
def ds_at_the_apex(draft: Draft) -> str:
    draft.add("@", "DS", _DS_TEXT)
    return "@"


@_data("dname-beside-ns", claims=["open"])
def dname_beside_ns(draft: Draft) -> str:
    draft.add("open", "DNAME", "example.net.")
    return "open"


@_data("wildcard-ns", claims=["*.many"])
def wildcard_ns(draft: Draft) -> str:
    draft.add("*.many", "NS", "ns2.example.net.")
    return "*.many"


@_data("wildcard-dname", claims=["*.many"])
def wildcard_dname(draft: Draft) -> str:
    draft.add("*.many", "DNAME", "example.net.")
    return "*.many"


@_data("ds-without-ns")
def ds_without_ns(draft: Draft) -> str:
    host = draft.host()
    draft.add(host, "DS", _DS_TEXT)
    return host


@_data("occluded-data", severity=Severity.ERROR, claims=["moved"])
def data_below_a_dname(draft: Draft) -> str:
    draft.add("below.moved", "TXT", "lost")
    return "below.moved"


@_data("occluded-data", claims=["www.secure"])
def data_below_a_delegation(draft: Draft) -> str:
    draft.add("www.secure", "TXT", "lost")
    return "www.secure"


@_data("occluded-data", claims=["www.secure"])
def address_below_a_delegation_that_is_no_glue(draft: Draft) -> str:
    draft.add("www.secure", "A", "192.0.2.9")
    return "www.secure"


@_data("glue-missing", claims=["lab"])
def glue_missing(draft: Draft) -> str:
    draft.add("lab", "NS", "ns1.lab")
    return "lab"


@_data("glue-missing", severity=Severity.WARNING, claims=["lab"])
def glue_missing_for_one_of_two(draft: Draft) -> str:
    draft.add("lab", "NS", "ns1.lab", "ns2.example.net.")
    return "lab"


@_data(claims=["lab"])
def name_server_in_another_delegation_with_glue(draft: Draft) -> str:
    """Allowed: sibling glue (RFC 9471 section 2.2)."""
    draft.add("lab", "NS", "ns1.secure")
    return "lab"


@_data(claims=["lab"])
def name_server_in_another_delegation_without_glue(draft: Draft) -> str:
    """Allowed: who asks finds its address in that zone (RFC 9471 section 2.2)."""
    draft.add("lab", "NS", "ns9.sealed")
    return "lab"


@_data(claims=["lab"])
def name_server_by_a_wildcard(draft: Draft) -> str:
    """Allowed: its address comes of the wildcard (RFC 4592 section 3.3.1)."""
    draft.add("lab", "NS", "ns1.wild")
    return "lab"


@_data("ns-is-alias", claims=["lab"])
def name_server_by_a_wildcard_alias(draft: Draft) -> str:
    draft.add("*.tame", "CNAME", "ns1")
    draft.add("lab", "NS", "ns1.tame")
    return "lab"


@_data("ns-is-alias", claims=["lab"])
def name_server_below_a_dname(draft: Draft) -> str:
    draft.add("lab", "NS", "ns1.moved")
    return "lab"


@_data()
def no_mail(draft: Draft) -> str:
    """Allowed: the null MX (RFC 7505)."""
    host = draft.host()
    draft.add(host, "MX", "0 .")
    return host


@_data()
def name_in_capitals(draft: Draft) -> str:
    """Allowed: names are signed and ordered in lower case (RFC 4034 section 6)."""
    draft.add("Capital.LETTERS", "MX", "10 MAIL")
    return "Capital.LETTERS"


@_data("ns-without-address", claims=["NS"])
def name_server_without_address(draft: Draft) -> str:
    draft.add("@", "NS", "ns3")
    return "@"


@_data("ns-is-alias", claims=["NS"])
def name_server_is_an_alias(draft: Draft) -> str:
    draft.add("@", "NS", "alias")
    return "@"


@_data("ns-is-alias", claims=["lab"])
def name_server_of_a_delegation_is_an_alias(draft: Draft) -> str:
    draft.add("lab", "NS", "alias")
    return "lab"


@_data("target-is-alias")
def mail_server_is_an_alias(draft: Draft) -> str:
    host = draft.host()
    draft.add(host, "MX", "10 alias")
    return host


@_data("ds-digest-dated", claims=["lab"])
def delegation_with_a_sha1_ds(draft: Draft) -> str:
    draft.add("lab", "NS", "ns2.example.net.")
    draft.add("lab", "DS", "251 13 1 db65ff285fa5c72b2788abffdede7a1c00ee018c")
    return "lab"


@_data("ds-digest-unknown", claims=["lab"])
def delegation_with_a_ds_of_an_unknown_digest(draft: Draft) -> str:
    draft.add("lab", "NS", "ns2.example.net.")
    draft.add("lab", "DS", "251 13 200 db65ff285fa5c72b2788abffdede7a1c00ee018c")
    return "lab"


# ---- what the child asks the parent for -----------------------------------------------------------------------------


def _ds_rdata(dnskey: bytes, digest_type: int = DigestType.SHA256) -> bytes:
    """The data of the DS or CDS of a DNSKEY, whatever that is (RFC 4034 section 5.1.4)."""
    hash_name = {DigestType.SHA1: "sha1", DigestType.SHA384: "sha384"}.get(DigestType(digest_type), "sha256")
    digest = hashlib.new(hash_name, ORIGIN + dnskey).digest()
    return key_tag(dnskey).to_bytes(2, "big") + bytes((dnskey[3], digest_type)) + digest


_DELETE_CDS: Final = bytes(5)
_cds = functools.partial(_data, claims=["CDS"])


@_cds()
def cds_and_cdnskey(draft: Draft) -> str:
    """Allowed, and as it should be."""
    _put_cds(draft, *(pen.dnskey for pen in draft.ksks))
    return "@"


def _put_cds(draft: Draft, *dnskeys: bytes) -> None:
    draft.put("@", rd.CDS, TTL, *map(_ds_rdata, dnskeys))
    draft.put("@", rd.CDNSKEY, TTL, *dnskeys)


@_cds()
def cds_without_cdnskey(draft: Draft) -> str:
    """Allowed: which of the two a parent takes is its own affair (RFC 7344 section 3)."""
    draft.put("@", rd.CDS, TTL, _ds_rdata(draft.ksks[0].dnskey))
    return "@"


@_cds("cds-breaks-chain", "cds-without-dnskey", claims=["other keys", "CDS"])
def cds_of_an_unknown_key(draft: Draft) -> str:
    _put_cds(draft, ksk(number=1).dnskey_rdata)
    return "@"


@_cds("cds-breaks-chain", "cds-without-dnskey", claims=["other keys", "CDS"])
def cdnskey_of_an_unknown_key(draft: Draft) -> str:
    draft.put("@", rd.CDNSKEY, TTL, ksk(number=1).dnskey_rdata)
    return "@"


@_cds("cds-without-dnskey", claims=["other keys", "CDS"])
def cds_of_an_unknown_key_beside_a_good_one(draft: Draft) -> str:
    _put_cds(draft, ksk(number=1).dnskey_rdata, draft.ksks[0].dnskey)
    return "@"


@_cds("cds-breaks-chain", "dnskey-stand-by", claims=["other keys", "CDS"])
def cds_of_a_key_that_does_not_sign(draft: Draft) -> str:
    draft.put("@", rd.DNSKEY, TTL, ksk(number=1).dnskey_rdata)
    _put_cds(draft, ksk(number=1).dnskey_rdata)
    return "@"


@_cds("cds-cdnskey-differ", "dnskey-stand-by", claims=["other keys", "CDS"])
def cds_and_cdnskey_differ(draft: Draft) -> str:
    other = ksk(number=1).dnskey_rdata
    draft.put("@", rd.DNSKEY, TTL, other)
    draft.put("@", rd.CDS, TTL, _ds_rdata(draft.ksks[0].dnskey))
    draft.put("@", rd.CDNSKEY, TTL, draft.ksks[0].dnskey, other)
    return "@"


@_cds("cds-delete")
def cds_delete(draft: Draft) -> str:
    draft.put("@", rd.CDS, TTL, _DELETE_CDS)
    return "@"


@_cds("cds-delete")
def cds_and_cdnskey_delete(draft: Draft) -> str:
    draft.put("@", rd.CDS, TTL, _DELETE_CDS)
    draft.put("@", rd.CDNSKEY, TTL, b"\x00\x00\x03\x00\x00")
    return "@"


@_cds("cds-delete-not-alone")
def cds_delete_beside_others(draft: Draft) -> str:
    draft.put("@", rd.CDS, TTL, _DELETE_CDS, _ds_rdata(draft.ksks[0].dnskey))
    return "@"


@_cds("cds-delete-not-alone")
def cds_delete_malformed(draft: Draft) -> str:
    draft.put("@", rd.CDS, TTL, b"\x00\x00\x00\x00\x01")
    return "@"


@_data("cds-not-at-apex")
def cds_below_the_apex(draft: Draft) -> str:
    host = draft.host()
    draft.put(host, rd.CDS, TTL, _ds_rdata(draft.ksks[0].dnskey))
    draft.put(host, rd.CDNSKEY, TTL, draft.ksks[0].dnskey)
    return host


# ---- ZONEMD ---------------------------------------------------------------------------------------------------------


def _with_zonemd(draft: Draft, made: Callable[[int, bytes], tuple[int, bytes]]) -> str:
    draft.put("@", rd.ZONEMD, TTL, bytes(4) + b"\x01\x01" + bytes(48))
    draft.zonemd = made
    return "@"


_zonemd = functools.partial(_data, claims=["ZONEMD"])


@_zonemd(bases=ALL)
def zonemd_is_right(draft: Draft) -> str:
    """Allowed, and as it should be."""
    return _with_zonemd(draft, lambda serial, digest: (serial, digest))


@_zonemd("zonemd-digest")
def zonemd_digest_wrong(draft: Draft) -> str:
    return _with_zonemd(draft, lambda serial, digest: (serial, _flip(digest, 100)))


@_zonemd("zonemd-digest", severity=Severity.WARNING)
def zonemd_digest_wrong_beside_a_right_one(draft: Draft) -> str:
    _with_zonemd(draft, lambda serial, digest: (serial, digest))
    draft.more_zonemds.append(draft.get("@", rd.SOA)[0][-20:-16] + b"\x01\x02" + bytes(64))
    return "@"


@_zonemd("zonemd-serial")
def zonemd_serial_wrong(draft: Draft) -> str:
    return _with_zonemd(draft, lambda serial, digest: (serial - 1, digest))


@_zonemd("zonemd-unchecked")
def zonemd_of_an_unknown_scheme(draft: Draft) -> str:
    """Allowed: who does not know the scheme passes it over (RFC 8976 section 4)."""
    soa = rdata_of(draft.get("@", rd.SOA)[0])
    draft.put("@", rd.ZONEMD, TTL, soa[-20:-16] + b"\xf0\x01" + bytes(48))
    return "@"


@_zonemd("zonemd-duplicate")
def two_zonemds_of_one_scheme(draft: Draft) -> str:
    soa = rdata_of(draft.get("@", rd.SOA)[0])
    draft.put("@", rd.ZONEMD, TTL, *(soa[-20:-16] + b"\x01\x01" + bytes((number,)) * 48 for number in range(2)))
    return "@"


@_data("zonemd-not-at-apex")
def zonemd_below_the_apex(draft: Draft) -> str:
    host = draft.host()
    draft.put(host, rd.ZONEMD, TTL, bytes(4) + b"\x01\x01" + bytes(48))
    return host


# ---- the chain from the parent --------------------------------------------------------------------------------------


def _ds(draft: Draft, *rdatas: bytes) -> str:
    draft.ds = RRset(owner=ORIGIN, rdtype=rd.DS, ttl=Ttl(TTL), rdatas=rdatas)
    return "@"


def _good_ds(draft: Draft) -> bytes:
    return _ds_rdata(draft.ksks[0].dnskey)


@_parent()
def ds_as_it_should_be(draft: Draft) -> str:
    """Allowed, and as it should be."""
    return _ds(draft, _good_ds(draft))


@_parent("ds-mismatch", "chain-broken")
def ds_of_another_digest(draft: Draft) -> str:
    return _ds(draft, _flip(_good_ds(draft), 7))


@_parent("ds-mismatch", severity=Severity.WARNING)
def ds_of_another_digest_beside_a_good_one(draft: Draft) -> str:
    return _ds(draft, _flip(_good_ds(draft), 7), _good_ds(draft))


@_parent("ds-without-dnskey", "chain-broken", claims=["other keys", "DS", "DNSKEY"])
def ds_without_dnskey(draft: Draft) -> str:
    return _ds(draft, _ds_rdata(ksk(number=1).dnskey_rdata))


@_parent("ds-without-dnskey", claims=["other keys", "DS", "DNSKEY"])
def ds_without_dnskey_beside_a_good_one(draft: Draft) -> str:
    return _ds(draft, _ds_rdata(ksk(number=1).dnskey_rdata), _good_ds(draft))


@_data("ds-key-silent", "dnskey-stand-by", bases=NSEC, claims=["DS", "other keys", "DNSKEY"])
def ds_of_a_stand_by_key_beside_a_good_one(draft: Draft) -> str:
    """Allowed: double-DS rollovers (RFC 6781 section 4.1.2), and the other operator's in model 2 (RFC 8901 section 2.1.2)."""
    draft.put("@", rd.DNSKEY, TTL, ksk(number=1).dnskey_rdata)
    return _ds(draft, _ds_rdata(ksk(number=1).dnskey_rdata), _good_ds(draft))


@_data("chain-broken", "ds-key-silent", "dnskey-stand-by", bases=NSEC, claims=["DS", "other keys", "DNSKEY"])
def ds_of_a_stand_by_key_alone(draft: Draft) -> str:
    draft.put("@", rd.DNSKEY, TTL, ksk(number=1).dnskey_rdata)
    return _ds(draft, _ds_rdata(ksk(number=1).dnskey_rdata))


@_data("ds-key-unusable", "chain-broken", "dnskey-revoked", bases=NSEC, claims=["DS", "other keys", "DNSKEY"])
def ds_of_a_revoked_key(draft: Draft) -> str:
    revoked = Pen.of(ksk(number=1)).revoked()
    draft.put("@", rd.DNSKEY, TTL, revoked.dnskey)
    draft.ksks.append(revoked)
    return _ds(draft, _ds_rdata(revoked.dnskey))


@_parent("ds-algorithm-unsigned", "ds-without-dnskey", claims=["other keys", "DS", "DNSKEY"])
def ds_of_an_algorithm_that_the_zone_does_not_have(draft: Draft) -> str:
    """Who insists on every algorithm of the DS RRset fails (RFC 4035 section 2.2, RFC 6840 section 5.11)."""
    return _ds(draft, _ds_rdata(ksk(Algorithm.ED25519).dnskey_rdata), _good_ds(draft))


@_parent("ds-algorithm-unknown")
def ds_of_an_unknown_algorithm_beside_a_good_one(draft: Draft) -> str:
    return _ds(draft, _ds_rdata(_unknown_pen(b"\x01\x01").dnskey), _good_ds(draft))


@_parent("chain-insecure", "ds-algorithm-unknown")
def ds_of_an_unknown_algorithm(draft: Draft) -> str:
    return _ds(draft, _ds_rdata(_unknown_pen(b"\x01\x01").dnskey))


@_parent("chain-insecure", "ds-digest-unknown")
def ds_of_an_unknown_digest(draft: Draft) -> str:
    rdata = _good_ds(draft)
    return _ds(draft, rdata[:3] + b"\xc8" + rdata[4:])


@_parent("ds-digest-dated")
def ds_of_sha1(draft: Draft) -> str:
    return _ds(draft, _ds_rdata(draft.ksks[0].dnskey, DigestType.SHA1))


@_data("ds-sha1-ignored", "ds-digest-dated", bases=NSEC, claims=["DS", "other keys", "DNSKEY"])
def ds_of_sha1_beside_one_of_sha256(draft: Draft) -> str:
    other = Pen.of(ksk(number=1))
    draft.put("@", rd.DNSKEY, TTL, other.dnskey)
    draft.ksks.append(other)
    return _ds(draft, _ds_rdata(other.dnskey, DigestType.SHA1), _ds_rdata(draft.ksks[0].dnskey))


@_signatures("ds-algorithm-unsigned", "rrsig-missing", bases=("two-algorithms",), claims=["DS", "DNSKEY"])
def ds_of_an_algorithm_that_does_not_sign_the_dnskeys(draft: Draft) -> str:
    draft.sign_again("@", rd.DNSKEY, draft.ksks[0])
    return _ds(draft, *(_ds_rdata(pen.dnskey) for pen in draft.ksks))


@_data("cds-signer", bases=NSEC, claims=["DS", "CDS", "DNSKEY"])
def cds_signed_by_the_zsk(draft: Draft) -> str:
    draft.put("@", rd.CDS, TTL, _good_ds(draft))
    draft.signers[rd.CDS] = draft.zsks
    return _ds(draft, _good_ds(draft))
