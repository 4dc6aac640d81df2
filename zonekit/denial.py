"""Authenticated denial of existence: what NSEC and NSEC3 chains are made of.

An NSEC chain names every authoritative name and delegation in canonical order (RFC 4034 section 4); an NSEC3 chain
names their hashes, and those of the empty non-terminals (RFC 5155 section 7.1). Their TTL is the negative TTL of the
zone (RFC 9077 section 3).
"""

from __future__ import annotations

import enum
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from zonekit import rdata as rd
from zonekit.errors import SigningError
from zonekit.names import MAX_NAME_OCTETS, WireName, name_text
from zonekit.nodes import PackedRRset, Record, pack_record
from zonekit.zones import NameStatus, RRset, Zone

NSEC3_SHA1: Final = 1
_HASH_OCTETS: Final = 20
# What dnssec-signzone and dnssec-verify take at most; validators stop at less (RFC 9276 section 3.2).
MAX_ITERATIONS: Final = 150
_MAX_SALT_OCTETS: Final = 255
_OPT_OUT_FLAG: Final = 1
DENIAL_TYPES: Final = frozenset((rd.NSEC, rd.NSEC3))
# At a delegation the parent speaks for the NS RRset's presence, the DS RRset and the denial, and for nothing else
# (RFC 4035 section 2.3).
_TYPES_AT_DELEGATION: Final = frozenset((rd.NS, rd.DS))


class OptOut(enum.Enum):
    """Whether NSEC3 records leave insecure delegations out (RFC 5155 section 6)."""

    OFF = 0
    ON = _OPT_OUT_FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class Nsec:
    """Denial by NSEC (RFC 4034 section 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nsec3:
    """Denial by NSEC3 (RFC 5155); no extra iterations and no salt unless asked for (RFC 9276 section 3.1).

    Attributes:
        opt_out: whether insecure delegations are left out of the chain.
        iterations: how often the hash is repeated; validators may treat more than 0 as insecure (RFC 9276 section 3.2).
        salt: octets mixed into every hash.

    Raises:
        SigningError: more than 150 iterations, which name servers and validators refuse, or a salt beyond what the
            record can hold.
    """

    opt_out: OptOut = OptOut.OFF
    iterations: int = 0
    salt: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.iterations <= MAX_ITERATIONS:
            raise SigningError(
                f"NSEC3 iterations {self.iterations} are outside 0 to {MAX_ITERATIONS}",
                remedy="give 0, which is best",
                rule="RFC 9276 section 3.1",
            )
        if len(self.salt) > _MAX_SALT_OCTETS:
            raise SigningError(
                f"an NSEC3 salt of {len(self.salt)} octets is over {_MAX_SALT_OCTETS}", rule="RFC 5155 section 3.1.4"
            )

    @classmethod
    def from_param(cls, rdata: bytes, opt_out: OptOut = OptOut.OFF) -> Nsec3:
        """Return the parameters that the data of an NSEC3PARAM record tells (RFC 5155 section 4.2).

        Raises:
            SigningError: another hash algorithm than SHA-1, or iterations that a chain must not have.
        """
        if rdata[0] != NSEC3_SHA1:
            raise SigningError(
                f"NSEC3 hash algorithm {rdata[0]} is not known", remedy="sign with NSEC", rule="RFC 5155 section 11"
            )
        return cls(opt_out=opt_out, iterations=int.from_bytes(rdata[2:4], "big"), salt=rdata[5 : 5 + rdata[4]])

    def param_rdata(self) -> bytes:
        """Return the data of the NSEC3PARAM record; its flags are 0 (RFC 5155 section 4.1.2)."""
        return self._parameters(0)

    def record_prefix(self) -> bytes:
        """Return the first fields of every NSEC3 record of the chain, up to the salt (RFC 5155 section 3.2)."""
        return self._parameters(self.opt_out.value)

    def _parameters(self, flags: int) -> bytes:
        return bytes((NSEC3_SHA1, flags)) + self.iterations.to_bytes(2, "big") + bytes((len(self.salt),)) + self.salt

    def hash(self, name: WireName) -> bytes:
        """Return the hash of a name in this chain."""
        return nsec3_hash(name, salt=self.salt, iterations=self.iterations)

    def link(self, name: WireName, bitmap: bytes) -> Link:
        """Return the link of a name with these types in this chain."""
        return self.hash(name) + bitmap


Denial: TypeAlias = Nsec | Nsec3


def denial_of(zone: Zone) -> Denial | None:
    """Return what denies existence in a zone, or None where nothing does.

    NSEC3 where the apex has an NSEC3PARAM with flags 0, for that is what servers go by (RFC 5155 section 4.1.2); with
    opt-out where the apex NSEC3 has that flag. An NSEC at the apex comes before an NSEC3PARAM whose chain is not there.

    Raises:
        SigningError: an NSEC3PARAM with parameters that :class:`Nsec3` refuses.
    """
    params = zone.get("@", rd.NSEC3PARAM)
    counting = [rdata for rdata in ([] if params is None else params.rdatas) if not rdata[1]]
    for param in counting:
        nsec3 = apex_nsec3(zone, param)
        if nsec3 is not None:
            return Nsec3.from_param(param, OptOut.ON if nsec3.rdatas[0][1] & _OPT_OUT_FLAG else OptOut.OFF)
    if zone.get("@", rd.NSEC) is not None:
        return Nsec()
    return Nsec3.from_param(counting[0]) if counting else None


def apex_nsec3(zone: Zone, param: bytes) -> RRset | None:
    """Return the NSEC3 RRset of the apex in the chain of an NSEC3PARAM record, or None."""
    return zone.find(apex_nsec3_owner(zone.apex, param), rd.NSEC3)


def apex_nsec3_owner(apex: WireName, param: bytes) -> WireName:
    """Return the owner of the apex's NSEC3 RRset in the chain of an NSEC3PARAM record.

    Raises:
        SigningError: the apex is so long that the name would have over 255 octets.
    """
    digest = nsec3_hash(apex, salt=param[5 : 5 + param[4]], iterations=int.from_bytes(param[2:4], "big"))
    return hashed_owner(digest, apex)


def nsec3_hash(name: WireName, *, salt: bytes = b"", iterations: int = 0) -> bytes:
    """Return the NSEC3 hash, 20 octets of SHA-1, of a name in wire form (RFC 5155 section 5).

    Unlike in :class:`Nsec3`, ``iterations`` has no bound: the chain may be another signer's.

    >>> from zonekit.names import parse_name
    >>> rd.base32_text(nsec3_hash(parse_name("example."), salt=bytes.fromhex("aabbccdd"), iterations=12))
    '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom'
    """
    digest = hashlib.sha1(name.lower() + salt, usedforsecurity=False).digest()
    for _ in range(iterations):
        digest = hashlib.sha1(digest + salt, usedforsecurity=False).digest()
    return digest


def hashed_owner(digest: bytes, apex: WireName) -> WireName:
    """Return the owner name of the NSEC3 record of a hash (RFC 5155 section 3).

    Raises:
        SigningError: the apex is so long that the name would have over 255 octets.
    """
    label = rd.base32_text(digest).encode("ascii")
    owner = bytes((len(label),)) + label + apex
    if len(owner) > MAX_NAME_OCTETS:
        raise SigningError(
            f"{name_text(apex)}: NSEC3 owner names under it have {len(owner)} octets, more than {MAX_NAME_OCTETS}",
            remedy="sign with NSEC",
            rule="RFC 5155 section 3",
        )
    return owner


def nsec_record(next_name: WireName, rdtypes: Iterable[int], ttl: int) -> Record:
    """Return the NSEC record that leads to ``next_name`` (RFC 4034 section 4.1), its name in lower case.

    RFC 4034 section 6.2 lowers that name for signing and RFC 6840 section 5.1 does not; in lower case it is the same
    to validators of either kind.
    """
    return pack_record(rd.NSEC, ttl, next_name.lower() + rd.type_bitmap(rdtypes))


def types_to_list(status: NameStatus, rrsets: Sequence[PackedRRset]) -> list[int]:
    """Return the types of a name that its NSEC or NSEC3 lists, other than RRSIG and the denial itself."""
    at_delegation = status is NameStatus.DELEGATION
    return [
        rdtype
        for rdtype, covers, _ in rrsets
        if not covers and rdtype not in _NEVER_COPIED and (not at_delegation or rdtype in _TYPES_AT_DELEGATION)
    ]


_NEVER_COPIED: Final = frozenset((rd.NSEC, rd.NSEC3))


Link: TypeAlias = bytes
"""A link of an NSEC3 chain: the hash of a name, and behind it the bitmap of its types. Links sort as their owners do."""


def nsec3_bitmap(status: NameStatus, rrsets: Sequence[PackedRRset]) -> bytes:
    """Return the type bitmap of the NSEC3 of a name (RFC 5155 section 7.1): RRSIG is in it where anything is signed."""
    rdtypes = types_to_list(status, rrsets)
    if rdtypes and (rdtypes != [rd.NS] or status is NameStatus.APEX):
        rdtypes.append(rd.RRSIG)
    return rd.type_bitmap(rdtypes)


def is_insecure_delegation(status: NameStatus, rrsets: Sequence[PackedRRset]) -> bool:
    """Whether a name is a delegation without a DS RRset."""
    return status is NameStatus.DELEGATION and all(rdtype != rd.DS for rdtype, _, _ in rrsets)


def nsec3_chain(denial: Nsec3, apex: WireName, links: Iterable[Link], ttl: int) -> Iterator[tuple[WireName, Record]]:
    """Yield the owner and the record of each NSEC3 of a closed chain, in canonical order.

    Raises:
        SigningError: two names have the same hash (RFC 5155 section 7.1, step 6); another salt mends it.
    """
    chain = order_links(links, apex)
    return nsec3_records(denial, apex, chain, chain[0], ttl)


def order_links(links: Iterable[Link], apex: WireName) -> list[Link]:
    """Return the links of a chain in the order of their owners.

    Raises:
        SigningError: two names have the same hash (RFC 5155 section 7.1, step 6); another salt mends it.
    """
    chain = sorted(links)
    if len({link[:_HASH_OCTETS] for link in chain}) < len(chain):
        twice = next(one for one, other in itertools.pairwise(chain) if one[:_HASH_OCTETS] == other[:_HASH_OCTETS])
        raise SigningError(
            f"two names have the same NSEC3 hash, {name_text(link_owner(twice, apex))}",
            remedy="sign with another salt",
            rule="RFC 5155 section 7.1",
        )
    return chain


def nsec3_records(
    denial: Nsec3, apex: WireName, links: Sequence[Link], following: Link, ttl: int
) -> Iterator[tuple[WireName, Record]]:
    """Yield the owner and the record of each NSEC3 of some links in order, the last of which leads to ``following``."""
    prefix = denial.record_prefix() + bytes((_HASH_OCTETS,))
    for link, after in zip(links, (*links[1:], following), strict=True):
        rdata = prefix + after[:_HASH_OCTETS] + link[_HASH_OCTETS:]
        yield link_owner(link, apex), pack_record(rd.NSEC3, ttl, rdata)


def link_owner(link: Link, apex: WireName) -> WireName:
    """Return the owner name of the NSEC3 record of a link."""
    return hashed_owner(link[:_HASH_OCTETS], apex)
