"""Chains of trust that are told in a few words: judged by the cache model, and signed for real resolvers to judge.

Keys are known by short names. A key of the DS RRset that is not among the DNSKEYs is one that nobody publishes. dnspython
signs, for zonekit makes neither SHA-1 digests nor keys of the algorithms that must not sign any more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import dns.dnssec
import dns.rdataset
import dns.rrset
import dns.transaction
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from dns.dnssectypes import DSDigest
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from tests.lab.parent import DELEGATION_TTL, now
from tests.lab.zones import unsigned_zone
from zonekit.transfer.caches import proven_data, proven_keys, validated
from zonekit.transfer.profiles import ResolverProfile
from zonekit.transfer.spans import ALWAYS
from zonekit.transfer.versions import DataVersion, DnskeyVersion, DsEntry, DsVersion, Key, Signature, Source
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

SECURE: Final = "secure"
INSECURE: Final = "insecure"
BOGUS: Final = "bogus"
SEP_ZONE_KEY: Final = 257
VALID: Final = timedelta(days=7)
_RSA_BITS: Final = 2048
_TTL: Final = Ttl(60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What a parent and a child serve.

    Attributes:
        algorithms: the keys, by name, and the algorithm of each.
        ds: the DS RRset: the name of a key and a digest type.
        dnskeys: the keys of the DNSKEY RRset.
        dnskey_by: those that sign it.
        data_by: those that sign everything else.
    """

    algorithms: dict[str, int]
    ds: tuple[tuple[str, int], ...]
    dnskeys: tuple[str, ...]
    dnskey_by: tuple[str, ...]
    data_by: tuple[str, ...]

    @classmethod
    def of_one(cls, algorithm: int, digest_type: int = 2) -> Chain:
        """One key, one DS record."""
        key = ("key",)
        return cls(algorithms={"key": algorithm}, ds=(("key", digest_type),), dnskeys=key, dnskey_by=key, data_by=key)

    def judged(self, profile: ResolverProfile) -> str:
        """What the cache model says a resolver makes of it."""
        keys = {name: Key(name=name, algorithm=algorithm) for name, algorithm in self.algorithms.items()}

        def made_by(names: Sequence[str]) -> tuple[Signature, ...]:
            return tuple([Signature(key=keys[name]) for name in names])

        ds = DsVersion(
            source=Source.PARENT,
            record="DS",
            ttl=_TTL,
            entries=frozenset(DsEntry(key=keys[name], digest_type=digest_type) for name, digest_type in self.ds),
        )
        dnskey = DnskeyVersion(
            source=Source.LOSING,
            record="DNSKEY",
            ttl=_TTL,
            keys=frozenset(keys[name] for name in self.dnskeys),
            signatures=made_by(self.dnskey_by),
        )
        data = DataVersion(source=Source.LOSING, record="data", ttl=_TTL, signatures=made_by(self.data_by))
        proven = proven_keys(ds, dnskey, profile)
        if proven is None:
            return INSECURE
        good = validated(proven, proven_data(dnskey, data, profile), profile.algorithm_rule)
        return SECURE if good == ALWAYS else BOGUS

    def served(self, domain: str, hosts: Sequence[str]) -> tuple[Zone, RRset]:
        """The signed zone, and the DS RRset for its parent."""
        keys = {name: _new_key(algorithm) for name, algorithm in self.algorithms.items()}
        zone = unsigned_zone(domain, hosts).to_dnspython()
        assert zone.origin is not None
        apex = zone.origin

        def sign(transaction: dns.transaction.Transaction, rrset: dns.rrset.RRset) -> None:
            for name in self.dnskey_by if rrset.rdtype == RdataType.DNSKEY else self.data_by:
                private_key, dnskey = keys[name]
                signature = dns.dnssec.sign(
                    rrset,
                    private_key,
                    signer=apex,
                    dnskey=dnskey,
                    inception=now() - timedelta(hours=1),
                    expiration=now() + VALID,
                    origin=apex,
                    policy=dns.dnssec.allow_all_policy,
                )
                transaction.add(rrset.name, rrset.ttl, signature)

        with zone.writer() as transaction:
            for name in self.dnskeys:
                transaction.add(apex, _TTL, keys[name][1])
            dns.dnssec.sign_zone(zone, transaction, keys=[], add_dnskey=False, rrset_signer=sign)
        records = [
            dns.dnssec.make_ds(apex, keys[name][1], DSDigest(digest_type), policy=dns.dnssec.allow_all_policy)
            for name, digest_type in self.ds
        ]
        ds = dns.rrset.from_rdata_list(apex, DELEGATION_TTL, records)
        return Zone.from_dnspython(zone), RRset.from_dnspython(ds)


def _new_key(algorithm: int) -> tuple[dns.dnssec.PrivateKey, DNSKEY]:
    private_key = _PRIVATE[algorithm]()
    return private_key, dns.dnssec.make_dnskey(private_key.public_key(), algorithm, flags=SEP_ZONE_KEY)


_rsa = functools.partial(rsa.generate_private_key, public_exponent=65537, key_size=_RSA_BITS)
_PRIVATE: Final[Mapping[int, Callable[[], dns.dnssec.PrivateKey]]] = {
    5: _rsa,
    7: _rsa,
    8: _rsa,
    10: _rsa,
    13: lambda: ec.generate_private_key(ec.SECP256R1()),
    14: lambda: ec.generate_private_key(ec.SECP384R1()),
    15: ed25519.Ed25519PrivateKey.generate,
    16: ed448.Ed448PrivateKey.generate,
}
ALGORITHMS: Final = tuple(_PRIVATE)


def absent_beside(live: int, absent: int) -> Chain:
    """A DS record of the key that signs, and one of a key that nobody publishes, by their digest types."""
    return Chain(
        algorithms={"live": 13, "absent": 13},
        ds=(("live", live), ("absent", absent)),
        dnskeys=("live",),
        dnskey_by=("live",),
        data_by=("live",),
    )


def two_algorithms(signing: int, other: int, *, dnskey_by_both: bool) -> Chain:
    """DS records of two algorithms, and data signed by one of them only, as in a transfer between two of them."""
    return Chain(
        algorithms={"signing": signing, "other": other},
        ds=(("signing", 2), ("other", 2)),
        dnskeys=("signing", "other"),
        dnskey_by=("signing", "other") if dnskey_by_both else ("signing",),
        data_by=("signing",),
    )
