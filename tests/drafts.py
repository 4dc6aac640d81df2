"""Drafts: signed zones on the workbench, where a test can put in exactly one thing that is wrong.

A draft goes through four stages. Its data is there first; then its NSEC or NSEC3 chain is made, then all is signed, and
at last a ZONEMD is computed where it is to have one. What is changed at one stage is right again in all that the later
stages make: a wrong bitmap has a good signature, and data that was added is in the chain.

Nothing here checks anything, and a zone may come out that :class:`Zone` would refuse to be made of.
"""

from __future__ import annotations

import bisect
import enum
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from tests.keyring import VALIDITY, ksk, zsk
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.denial import (
    Denial,
    Nsec,
    Nsec3,
    OptOut,
    hashed_owner,
    is_insecure_delegation,
    nsec3_bitmap,
    nsec3_chain,
    nsec_record,
    types_to_list,
)
from zonekit.instants import epoch_seconds
from zonekit.keys import SigningKey, key_tag
from zonekit.names import (
    WILDCARD_LABEL,
    WireName,
    label_count,
    labels_of,
    name_end,
    name_text,
    order_key,
    parse_name,
)
from zonekit.nodes import Record, pack_record, rdata_of, record_order, ttl_of
from zonekit.signatures import signed_data
from zonekit.signing import is_signed_here
from zonekit.zonefile import parse_zone
from zonekit.zonemd import zone_digest
from zonekit.zones import NameStatus, RRset, Zone, cut_blocks, missing_ancestors

ORIGIN: Final = parse_name("example.nl.")
TTL: Final = 3600
HOSTS: Final = tuple(f"host{number:02}" for number in range(1, 17))

ZONE_TEXT: Final = """\
$ORIGIN example.nl.
$TTL 3600
@ SOA ns1 hostmaster 2026112101 14400 3600 1209600 900
@ NS ns1
@ NS ns2.example.net.
@ A 192.0.2.80
@ MX 10 mail
@ TXT "v=spf1 mx -all"
ns1 A 192.0.2.53
ns1 AAAA 2001:db8::53
mail A 192.0.2.25
www CNAME @
alias CNAME host01
*.wild A 192.0.2.83
_sip._tcp SRV 10 60 5060 voice
voice A 192.0.2.60
deep.ent A 192.0.2.61
secure NS ns1.secure
secure DS 249 13 2 db65ff285fa5c72b2788abffdede7a1c00ee018cd32cff817035f8526386f3ba
ns1.secure A 192.0.2.54
sealed NS ns2.example.net.
sealed DS 250 13 2 db65ff285fa5c72b2788abffdede7a1c00ee018cd32cff817035f8526386f3bb
plain NS ns1.plain
plain NS ns2.example.net.
ns1.plain A 192.0.2.55
ns1.plain AAAA 2001:db8::55
open NS ns2.example.net.
branch.twig NS ns2.example.net.
moved DNAME example.net.
""" + "".join(f"{host} A 192.0.2.{number}\n{host} TXT {host}\n" for number, host in enumerate(HOSTS, 100))


# ---- keys -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pen:
    """A key that signs whatever it is told to: the data of its DNSKEY, and what makes the signatures."""

    dnskey: bytes
    sign: Callable[[bytes], bytes]

    @classmethod
    def of(cls, key: SigningKey) -> Pen:
        """Return the pen of a key."""
        return cls(key.dnskey_rdata, key.signer.sign)

    @property
    def algorithm(self) -> int:
        """The number of its algorithm."""
        return self.dnskey[3]

    @property
    def tag(self) -> int:
        """Its key tag."""
        return key_tag(self.dnskey)

    def revoked(self) -> Pen:
        """Return the same key with the REVOKE flag (RFC 5011 section 2.1)."""
        return replace(self, dnskey=bytes((self.dnskey[0], self.dnskey[1] | 0x80)) + self.dnskey[2:])


INCEPTION: Final = epoch_seconds(VALIDITY.inception)
EXPIRATION: Final = epoch_seconds(VALIDITY.expiration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What a signature says that it would not have to; what is None or empty is as it should be."""

    labels: int | None = None
    original_ttl: int | None = None
    expiration: int = EXPIRATION
    inception: int = INCEPTION
    signer: WireName = ORIGIN
    algorithm: int | None = None
    tag: int | None = None
    ttl: int | None = None


_RIGHT: Final = Slip()


def rrsig(owner: WireName, records: Sequence[Record], pen: Pen, slip: Slip = _RIGHT) -> Record:
    """Return the RRSIG record over records of one type; it is good over what it says itself (RFC 4034 section 3.1)."""
    rdtype, ttl = int.from_bytes(records[0][:2], "big"), ttl_of(records[0])
    labels = label_count(owner) if slip.labels is None else slip.labels
    original_ttl = ttl if slip.original_ttl is None else slip.original_ttl
    head = (
        rdtype.to_bytes(2, "big")
        + bytes((pen.algorithm if slip.algorithm is None else slip.algorithm, labels))
        + original_ttl.to_bytes(4, "big")
        + slip.expiration.to_bytes(4, "big")
        + slip.inception.to_bytes(4, "big")
        + (pen.tag if slip.tag is None else slip.tag).to_bytes(2, "big")
        + slip.signer
    )
    covered = sorted((pack_record(rdtype, original_ttl, rdata_of(record)) for record in records), key=record_order)
    data = signed_data(_expanded_from(owner.lower(), labels), rdtype, covered)
    return pack_record(rd.RRSIG, ttl if slip.ttl is None else slip.ttl, head + pen.sign(head + data))


def _expanded_from(owner: WireName, labels: int) -> WireName:
    """The owner that is signed: a wildcard where the labels field is too low (RFC 4035 section 5.3.2)."""
    if labels >= label_count(owner):
        return owner
    kept = labels_of(owner)[-labels:] if labels else []
    return WILDCARD_LABEL + b"".join([bytes((len(label),)) + label for label in kept]) + b"\x00"


# ---- bases ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A zone to put faults in: how it denies, and what it is signed with."""

    name: str
    denial: Denial
    ksks: tuple[Pen, ...]
    zsks: tuple[Pen, ...]

    @property
    def keys(self) -> tuple[Pen, ...]:
        """All its keys."""
        return *self.ksks, *self.zsks


_P256: Final = Algorithm.ECDSAP256SHA256
_BASES: Final[dict[str, tuple[Denial, tuple[Algorithm, ...]]]] = {
    "nsec": (Nsec(), (_P256,)),
    "nsec3": (Nsec3(), (_P256,)),
    "opt-out": (Nsec3(opt_out=OptOut.ON), (_P256,)),
    "two-algorithms": (Nsec(), (_P256, Algorithm.ED25519)),
    "rsasha256": (Nsec3(salt=b"\xab\xcd"), (Algorithm.RSASHA256,)),
    "rsasha512": (Nsec(), (Algorithm.RSASHA512,)),
    "ecdsap384": (Nsec(), (Algorithm.ECDSAP384SHA384,)),
    "ed25519": (Nsec3(), (Algorithm.ED25519,)),
    "ed448": (Nsec(), (Algorithm.ED448,)),
}
NSEC: Final = ("nsec",)
NSEC3: Final = ("nsec3", "opt-out")
ANY_DENIAL: Final = (*NSEC, *NSEC3)
ONE_ALGORITHM: Final = (*ANY_DENIAL, "rsasha256", "rsasha512", "ecdsap384", "ed25519", "ed448")
ALL: Final = tuple(_BASES)


@functools.cache
def base(name: str) -> Base:
    """Return a base by its name."""
    denial, algorithms = _BASES[name]
    return Base(
        name=name,
        denial=denial,
        ksks=tuple(Pen.of(ksk(algorithm)) for algorithm in algorithms),
        zsks=tuple(Pen.of(zsk(algorithm)) for algorithm in algorithms),
    )


@functools.cache
def plain_records() -> tuple[tuple[WireName, Record], ...]:
    """Return every record of the unsigned zone."""
    zone = parse_zone(ZONE_TEXT, origin="example.nl")
    return tuple(
        (rrset.owner, pack_record(rrset.rdtype, rrset.ttl, rdata)) for rrset in zone.rrsets() for rdata in rrset.rdatas
    )


def wire(name: str) -> WireName:
    """Return a name, relative to the origin unless it ends in a dot; ``@`` is the origin."""
    return ORIGIN if name == "@" else parse_name(name, ORIGIN)


# ---- NSEC3 records --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The fields of an NSEC3 record (RFC 5155 section 3.2)."""

    flags: int
    iterations: int
    salt: bytes
    next_hash: bytes
    bitmap: bytes
    hash_algorithm: int = 1

    @classmethod
    def parse(cls, rdata: bytes) -> Link:
        """Return the fields of an NSEC3's data."""
        next_at = 5 + rdata[4]
        bitmap_at = next_at + 1 + rdata[next_at]
        return cls(
            hash_algorithm=rdata[0],
            flags=rdata[1],
            iterations=int.from_bytes(rdata[2:4], "big"),
            salt=rdata[5:next_at],
            next_hash=rdata[next_at + 1 : bitmap_at],
            bitmap=rdata[bitmap_at:],
        )

    def rdata(self) -> bytes:
        """Return the data."""
        head = bytes((self.hash_algorithm, self.flags)) + self.iterations.to_bytes(2, "big")
        return head + _counted(self.salt) + _counted(self.next_hash) + self.bitmap


def _counted(octets: bytes) -> bytes:
    return bytes((len(octets),)) + octets


# ---- drafts ---------------------------------------------------------------------------------------------------------


class Stage(enum.IntEnum):
    """What is there when a draft is changed."""

    DATA = 1
    CHAIN = 2
    SIGNATURES = 3
    PARENT = 4


@dataclass(slots=True, kw_only=True)
class Draft:
    """A zone under way.

    Attributes:
        base: what it is of.
        random: what chooses the places.
        ksks: the keys that sign DNSKEY, CDS and CDNSKEY.
        zsks: the keys that sign the rest.
        denial: the chain that will be made; None for none at all.
        records: the records of each owner.
        hosts: those that no fault has taken as its place.
        signers: the keys that sign a type at the apex, where they are not those that usually do.
        zonemd: the serial and the digest that a ZONEMD is to have, from those it should have; None for no ZONEMD.
        more_zonemds: ZONEMDs beside that one.
        ds: what the parent has; None where that is not looked at.
    """

    base: Base
    random: Random
    ksks: list[Pen]
    zsks: list[Pen]
    denial: Denial | None
    records: dict[WireName, list[Record]] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    signers: dict[int, list[Pen]] = field(default_factory=dict)
    zonemd: Callable[[int, bytes], tuple[int, bytes]] | None = None
    more_zonemds: list[bytes] = field(default_factory=list)
    ds: RRset | None = None

    @classmethod
    def of(cls, base: Base, random: Random) -> Draft:
        """Return the draft of a base zone, with its DNSKEYs and without signatures or a chain."""
        draft = cls(
            base=base,
            random=random,
            ksks=list(base.ksks),
            zsks=list(base.zsks),
            denial=base.denial,
            hosts=random.sample(HOSTS, len(HOSTS)),
        )
        for owner, record in plain_records():
            draft.records.setdefault(owner, []).append(record)
        draft.put("@", rd.DNSKEY, TTL, *(pen.dnskey for pen in base.keys))
        if isinstance(base.denial, Nsec3):
            draft.put("@", rd.NSEC3PARAM, 0, base.denial.param_rdata())
        return draft

    # -- places

    def host(self) -> str:
        """Return a host, with A and TXT, that no other fault of this draft has."""
        return self.hosts.pop()

    # -- records

    def put(self, name: str | WireName, rdtype: int, ttl: int, *rdatas: bytes) -> None:
        """Add records."""
        owner = wire(name) if isinstance(name, str) else name
        self.records.setdefault(owner, []).extend(pack_record(rdtype, ttl, rdata) for rdata in rdatas)

    def add(self, name: str, rdtype: str, *texts: str, ttl: int = TTL) -> None:
        """Add records whose data is given as text, with names relative to the origin."""
        number = rd.parse_type(rdtype)
        self.put(name, number, ttl, *(rd.parse_rdata(number, text.encode(), ORIGIN) for text in texts))

    def get(self, name: str | WireName, rdtype: int, covers: int = 0) -> list[Record]:
        """Return the records of a type, or the RRSIGs over one."""
        owner = wire(name) if isinstance(name, str) else name
        return [record for record in self.records.get(owner, []) if _kind(record) == (rdtype, covers)]

    def drop(self, name: str | WireName, rdtype: int, covers: int = 0) -> list[Record]:
        """Take the records of a type away, or the RRSIGs over one, and return them."""
        owner = wire(name) if isinstance(name, str) else name
        gone = self.get(owner, rdtype, covers)
        assert gone, f"{name_text(owner)} has no {rd.type_text(rdtype)} {covers}"
        self.records[owner] = [record for record in self.records[owner] if record not in gone]
        if not self.records[owner]:
            del self.records[owner]
        return gone

    def edit(self, name: str | WireName, rdtype: int, change: Callable[[Record], Record], covers: int = 0) -> None:
        """Change each record of a type."""
        owner = wire(name) if isinstance(name, str) else name
        changed = [change(record) for record in self.drop(owner, rdtype, covers)]
        self.records.setdefault(owner, []).extend(changed)

    # -- signatures

    def pens_for(self, owner: WireName, rdtype: int) -> list[Pen]:
        """Return the keys that sign an RRset."""
        if owner == ORIGIN and rdtype in self.signers:
            return self.signers[rdtype]
        return self.ksks if owner == ORIGIN and rdtype in rd.KSK_SIGNED_TYPES else self.zsks

    def sign(self, name: str | WireName, rdtype: int, *pens: Pen, slip: Slip = _RIGHT) -> None:
        """Add signatures over an RRset, by the keys that sign it unless others are given."""
        owner = wire(name) if isinstance(name, str) else name
        for pen in pens or self.pens_for(owner, rdtype):
            self.records[owner].append(rrsig(owner, self.get(owner, rdtype), pen, slip))

    def sign_again(self, name: str | WireName, rdtype: int, *pens: Pen, slip: Slip = _RIGHT) -> None:
        """Replace the signatures over an RRset."""
        self.drop(name, rd.RRSIG, rdtype)
        self.sign(name, rdtype, *pens, slip=slip)

    # -- NSEC

    def edit_nsec(
        self, name: str, *, following: str | None = None, types: Callable[[set[int]], set[int]] = set
    ) -> None:
        """Change the next name and the types of the NSEC at a name."""

        def change(record: Record) -> Record:
            rdata = rdata_of(record)
            end = name_end(rdata)
            next_name = rdata[:end] if following is None else wire(following)
            return pack_record(
                rd.NSEC, ttl_of(record), next_name + rd.type_bitmap(types(set(rd.bitmap_types(rdata[end:]))))
            )

        self.edit(name, rd.NSEC, change)

    # -- NSEC3

    def hash(self, name: str) -> bytes:
        """Return the hash of a name in the zone's chain."""
        assert isinstance(self.denial, Nsec3)
        return self.denial.hash(wire(name))

    def hashed(self, name: str) -> WireName:
        """Return the owner of the NSEC3 of a name."""
        return hashed_owner(self.hash(name), ORIGIN)

    def link(self, owner: WireName) -> Link:
        """Return the fields of the NSEC3 at an owner."""
        (record,) = self.get(owner, rd.NSEC3)
        return Link.parse(rdata_of(record))

    def set_link(self, owner: WireName, link: Link) -> None:
        """Put these fields in place of those of the NSEC3 at an owner, or make one there."""
        there = self.drop(owner, rd.NSEC3) if self.get(owner, rd.NSEC3) else []
        self.put(owner, rd.NSEC3, ttl_of(there[0]) if there else self.negative_ttl, link.rdata())

    def hashed_owners(self) -> list[WireName]:
        """Return the owners of the NSEC3 records, in order."""
        return sorted((owner for owner in self.records if self.get(owner, rd.NSEC3)), key=order_key)

    def before(self, owner: WireName) -> WireName:
        """Return the owner of the NSEC3 that stands before another in the chain, or would."""
        chain = self.hashed_owners()
        return chain[bisect.bisect_left(chain, order_key(owner), key=order_key) - 1]

    def unlink(self, owner: WireName) -> Link:
        """Take an NSEC3 out of the chain and close the chain behind it."""
        before = self.before(owner)
        link = self.link(owner)
        self.drop(owner, rd.NSEC3)
        self.set_link(before, replace(self.link(before), next_hash=link.next_hash))
        return link

    def insert(self, digest: bytes, bitmap: bytes = b"") -> WireName:
        """Put an NSEC3 into the chain and return its owner."""
        owner = hashed_owner(digest, ORIGIN)
        before = self.before(owner)
        link = self.link(before)
        self.set_link(before, replace(link, next_hash=digest))
        self.set_link(owner, replace(link, bitmap=bitmap))
        return owner

    @property
    def negative_ttl(self) -> int:
        """The TTL of NSEC and NSEC3 records (RFC 9077 section 3)."""
        soa = self.get("@", rd.SOA)[0]
        return min(ttl_of(soa), int.from_bytes(soa[-4:], "big"))

    # -- the stages

    def zone(self) -> Zone:
        """Return the zone as it stands."""
        pairs = {owner: b"".join(sorted(records, key=record_order)) for owner, records in self.records.items()}
        apex = pairs.pop(ORIGIN)
        return Zone.from_blocks(ORIGIN, apex, cut_blocks(sorted(pairs.items(), key=lambda pair: order_key(pair[0]))))

    def make_chain(self) -> None:
        """Make the NSEC or NSEC3 chain."""
        match self.denial:
            case Nsec():
                self._make_nsec()
            case Nsec3():
                self._make_nsec3(self.denial)

    def _names(self) -> list[tuple[WireName, NameStatus, list[tuple[int, int, list[Record]]]]]:
        return [
            (owner, status, rrsets)
            for owner, status, rrsets in self.zone().walk()
            if status in (NameStatus.APEX, NameStatus.AUTHORITATIVE, NameStatus.DELEGATION)
        ]

    def _make_nsec(self) -> None:
        names = self._names()
        for (owner, status, rrsets), (following, _, _) in zip(names, [*names[1:], names[0]], strict=True):
            types = (*types_to_list(status, rrsets), rd.RRSIG, rd.NSEC)
            self.records[owner].append(nsec_record(following, types, self.negative_ttl))

    def _make_nsec3(self, denial: Nsec3) -> None:
        bitmaps = {
            owner: nsec3_bitmap(status, rrsets)
            for owner, status, rrsets in self._names()
            if denial.opt_out is OptOut.OFF or not is_insecure_delegation(status, rrsets)
        }
        bitmaps |= dict.fromkeys(missing_ancestors(list(bitmaps), ORIGIN), b"")
        links = [denial.link(owner, bitmap) for owner, bitmap in bitmaps.items()]
        for owner, record in nsec3_chain(denial, ORIGIN, links, self.negative_ttl):
            self.records.setdefault(owner, []).append(record)

    def sign_all(self) -> None:
        """Sign every RRset that is to be signed."""
        for owner, status, rrsets in self.zone().walk():
            for rdtype, _, _ in rrsets:
                if is_signed_here(status, rdtype) and rdtype != rd.RRSIG:
                    self.sign(owner, rdtype)

    def finish(self) -> Zone:
        """Return the zone, with its ZONEMD where it has one."""
        if self.zonemd is None:
            return self.zone()
        zone = self.zone()
        serial, digest = self.zonemd(zone.serial, zone_digest(zone))
        (old,) = self.drop("@", rd.ZONEMD)
        zonemd = serial.to_bytes(4, "big") + b"\x01\x01" + digest
        self.put("@", rd.ZONEMD, ttl_of(old), zonemd, *self.more_zonemds)
        self.sign_again("@", rd.ZONEMD)
        return self.zone()


def _kind(record: Record) -> tuple[int, int]:
    rdtype = int.from_bytes(record[:2], "big")
    return rdtype, int.from_bytes(rdata_of(record)[:2], "big") if rdtype == rd.RRSIG else 0


def zone_lines(zone: Zone) -> Iterator[str]:
    """Yield a line for every record, the SOA first, whatever stands beside what; names are absolute."""
    later: list[str] = []
    for owner, node in zone.nodes():
        for record in _records_of(node):
            rdtype, _ = _kind(record)
            text = rd.print_rdata(rdtype, rdata_of(record))
            line = f"{name_text(owner)} {ttl_of(record)} IN {rd.type_text(rdtype)} {text}\n"
            if owner == zone.apex and rdtype != rd.SOA:
                later.append(line)
            else:
                yield line
        yield from later
        later.clear()


def _records_of(node: bytes) -> Iterable[Record]:
    start = 0
    while start < len(node):
        stop = start + 10 + int.from_bytes(node[start + 8 : start + 10], "big")
        yield node[start:stop]
        start = stop
