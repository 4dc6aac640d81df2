"""Signatures that are there: whether they are good, and whether one that none of the signers made may stay.

An RRSIG names its key by algorithm and key tag (RFC 4034 section 3.1), which here is the *signer*.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from zonekit import rdata as rd
from zonekit.algorithms import verify_signature
from zonekit.dnskeys import signer_of
from zonekit.errors import AlgorithmError, ZonekitError
from zonekit.instants import epoch_seconds, serial_before, utc
from zonekit.keys import DNSKEY_PROTOCOL, REVOKE_FLAG, SEP_FLAG, ZONE_KEY_FLAG, key_tag
from zonekit.names import WILDCARD_LABEL, WireName, is_subdomain, label_count, labels_of, name_end, order_key
from zonekit.nodes import Record, canonical_record, pack_record
from zonekit.zones import RRset

Signer: TypeAlias = tuple[int, int]
"""The algorithm and key tag by which a signature names its key."""


def signed_data(owner: WireName, rdtype: int, records: Sequence[Record]) -> bytes:
    """Return the RRs of an RRset as they are signed; ``owner`` is in lower case (RFC 4034 section 3.1.8.1)."""
    if not rd.has_names_to_lower(rdtype):
        return owner + (records[0] if len(records) == 1 else owner.join(records))
    return b"".join([owner + canonical_record(record) for record in records])


def verify_rrset(rrset: RRset, rrsigs: RRset, dnskeys: RRset, *, now: datetime) -> bool:
    """Whether one of ``rrsigs`` over ``rrset`` is good at ``now`` by one of ``dnskeys`` (RFC 4035 section 5.3).

    Owner, signer, type, labels, validity and the signature itself are checked. The TTL may be lower than the Original
    TTL, as it is after a while in a cache, never higher. Signatures of algorithms unknown here do not count.

    Raises:
        TimeError: ``now`` is naive.
    """
    if order_key(rrset.owner) != order_key(rrsigs.owner) or rrsigs.covers != rrset.rdtype:
        return False
    instant = epoch_seconds(utc(now))
    return any(
        _signature_is_good(rrset, rrsig, dnskeys.owner, dnskey, instant)
        for rrsig in rrsigs.rdatas
        for dnskey in dnskeys.rdatas
    )


def _signature_is_good(rrset: RRset, rrsig: bytes, key_owner: WireName, dnskey: bytes, instant: int) -> bool:
    original_ttl, expiration, inception = (int.from_bytes(rrsig[at : at + 4], "big") for at in (4, 8, 12))
    try:
        return (
            bool(dnskey[0] << 8 & ZONE_KEY_FLAG)  # the zone key flag (RFC 4034 section 2.1.1)
            and not dnskey[1] & REVOKE_FLAG  # good for revoking itself and nothing else (RFC 5011 section 2.1)
            and dnskey[2] == DNSKEY_PROTOCOL
            and not serial_before(instant, inception)
            and not serial_before(expiration, instant)
            and rrset.ttl <= original_ttl
            and _is_made_by(dnskey, key_owner, rrsig, rrset)
        )
    except ZonekitError:
        return False


def _is_made_by(dnskey: bytes, key_owner: WireName, rrsig: bytes, rrset: RRset) -> bool:
    """Whether a key made a signature over the data of an RRset, at whatever time (RFC 4035 section 5.3.2)."""
    labels, original_ttl = rrsig[3], int.from_bytes(rrsig[4:8], "big")
    signature_at = name_end(rrsig, rd.RRSIG_FIXED_OCTETS)
    signer_name = rrsig[rd.RRSIG_FIXED_OCTETS : signature_at].lower()
    owner = rrset.owner.lower()
    if (
        signer_name != key_owner.lower()
        or signer_of(rrsig) != (dnskey[3], key_tag(dnskey))
        or not is_subdomain(rrset.owner, signer_name)
        or label_count(owner) < labels
    ):
        return False
    if label_count(owner) > labels:  # expanded from a wildcard (RFC 4035 section 5.3.2)
        kept = labels_of(owner)[-labels:] if labels else []
        owner = WILDCARD_LABEL + b"".join([bytes((len(label),)) + label for label in kept]) + b"\x00"
    records = [pack_record(rrset.rdtype, original_ttl, rdata) for rdata in rrset.rdatas]
    signed = rrsig[: rd.RRSIG_FIXED_OCTETS] + signer_name + signed_data(owner, rrset.rdtype, records)
    return verify_signature(dnskey[3], dnskey[4:], rrsig[signature_at:], signed)


def signers_of(rrsigs: RRset | None) -> set[Signer]:
    """Return the signer of each signature; of none there are none."""
    return set() if rrsigs is None else {signer_of(rdata) for rdata in rrsigs.rdatas}


def keys_by_signer(dnskeys: Iterable[bytes]) -> dict[Signer, tuple[bytes, ...]]:
    """Return the data of DNSKEYs by signer: one for each, where no two keys share a tag."""
    found: defaultdict[Signer, tuple[bytes, ...]] = defaultdict(tuple)
    for rdata in dnskeys:
        found[rdata[3], key_tag(rdata)] += (rdata,)
    return dict(found)


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The DNSKEYs of a zone by signer.

    Attributes:
        apex: the zone.
        by_signer: the data of the keys that a signer may be: one, where no two keys share a tag.
    """

    apex: WireName
    by_signer: dict[Signer, tuple[bytes, ...]]

    @classmethod
    def of(cls, dnskeys: RRset) -> PublishedKeys:
        """Return the keys of a DNSKEY RRset."""
        return cls(dnskeys.owner, keys_by_signer(dnskeys.rdatas))

    @property
    def signers(self) -> frozenset[Signer]:
        """All of them."""
        return frozenset(self.by_signer)

    @property
    def sep_keys(self) -> frozenset[Signer]:
        """Those with the SEP flag."""
        return self._with_flag(SEP_FLAG)

    @property
    def revoked(self) -> frozenset[Signer]:
        """Those with the REVOKE flag (RFC 5011 section 2.1)."""
        return self._with_flag(REVOKE_FLAG)

    def _with_flag(self, flag: int) -> frozenset[Signer]:
        return frozenset(signer for signer, keys in self.by_signer.items() if any(rdata[1] & flag for rdata in keys))

    def prove(self, rrsig: bytes, rrset: RRset, since: int) -> bool:
        """Whether a signature by one of the keys is good over an RRset and has not expired at ``since``.

        So it is to validators (RFC 4035 section 5.3), which take a TTL below the Original TTL, or labels below the
        owner's; such a signature may be missed where it must not stay. One of an unknown algorithm is taken for good, one
        of a revoked key over the key set alone (RFC 5011 section 2.1).
        """
        if rrset.ttl > int.from_bytes(rrsig[4:8], "big") or has_expired(rrsig, since):
            return False
        if signer_of(rrsig) in self.revoked and rrset.rdtype != rd.DNSKEY:
            return False
        return self._made(rrsig, rrset) is True

    def may_stay(self, rrsig: bytes, rrset: RRset, since: int) -> bool:
        """Whether a signature that none of the signers made may stay over an RRset of the zone.

        Its Original TTL and labels have to be those of the RRset (RFC 4035 section 2.2), it must not have expired at
        ``since``, and it has to be good over the data. That shows where its DNSKEY is published and of a known
        algorithm. Where not, nobody can say; validators that know neither pass it over.

        Args:
            rrsig: the data of the RRSIG.
            rrset: what it covers.
            since: seconds since 1970: when the signatures begin to be valid that are made beside it.
        """
        if (
            int.from_bytes(rrsig[4:8], "big") != rrset.ttl
            or rrsig[3] != label_count(rrset.owner)
            or has_expired(rrsig, since)
        ):
            return False
        return self._made(rrsig, rrset) is not False

    def _made(self, rrsig: bytes, rrset: RRset) -> bool | None:
        """Whether one of the keys made a signature; None where no key has its name."""
        keys = self.by_signer.get(signer_of(rrsig))
        if keys is None:
            return None
        try:
            return any(_is_made_by(rdata, self.apex, rrsig, rrset) for rdata in keys)
        except AlgorithmError:
            return True


def has_expired(rrsig: bytes, since: int) -> bool:
    """Whether the signature in an RRSIG's data expired before an instant, in seconds since 1970."""
    return serial_before(int.from_bytes(rrsig[8:12], "big"), since)
