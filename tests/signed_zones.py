"""What a signed zone has to be, worked out by brute force from the RFCs with dnspython, and nothing of zonekit's signer.

``assert_signed`` holds a zone against all of it: who signs what, every signature, and one closed chain of denial.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.NSEC
import dns.rdtypes.ANY.NSEC3
import dns.rrset
from dns.rdatatype import RdataType

from zonekit import rdata as rd
from zonekit.denial import Denial, Nsec, Nsec3, OptOut
from zonekit.keys import SigningKey
from zonekit.signatures import verify_rrset
from zonekit.zones import RRset, Zone

_AT_KSK = {RdataType.DNSKEY, RdataType.CDS, RdataType.CDNSKEY}
_AT_CUT = {RdataType.NS, RdataType.DS}


def assert_signed(zone: Zone, keys: Sequence[SigningKey], denial: Denial, now: datetime) -> None:
    """Fail unless ``zone`` is signed by ``keys`` and by nobody else as RFC 4035 section 2 and RFC 5155 section 7.1 say."""
    world = _World(zone)
    for name, rdtypes in world.types.items():
        for rdtype in rdtypes:
            _assert_rrset_signed(world, name, rdtype, keys, now)
    assert world.signatures <= {(name, rdtype) for name in world.types for rdtype in world.signed_types(name)}, (
        "something non-authoritative is signed"
    )
    match denial:
        case Nsec():
            _assert_nsec_chain(world)
        case Nsec3():
            _assert_nsec3_chain(world, denial)


class _World:
    """The zone as dnspython's objects in plain dictionaries."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.origin = zone.origin
        self.rrsets: dict[tuple[dns.name.Name, int], RRset] = {}
        self.types: dict[dns.name.Name, set[int]] = {}
        self.signatures: set[tuple[dns.name.Name, int]] = set()
        for rrset in zone.rrsets():
            if rrset.rdtype == rd.RRSIG:
                self.signatures.add((rrset.name, rrset.covers))
            else:
                self.types.setdefault(rrset.name, set()).add(rrset.rdtype)
                self.rrsets[rrset.name, rrset.rdtype] = rrset
        # The owner of an NSEC3 is no name of the zone unless it has other data too (RFC 5155 section 7.2.8).
        self.names = {
            name: types - {RdataType.NSEC3} for name, types in self.types.items() if types != {RdataType.NSEC3}
        }

    def _above(self, name: dns.name.Name) -> list[dns.name.Name]:
        found = []
        while name != self.origin:
            name = name.parent()
            found.append(name)
        return found

    def occluded(self, name: dns.name.Name) -> bool:
        return any(
            (RdataType.NS in self.types.get(above, ()) and above != self.origin)
            or RdataType.DNAME in self.types.get(above, ())
            for above in self._above(name)
        )

    def is_cut(self, name: dns.name.Name) -> bool:
        return name != self.origin and RdataType.NS in self.types[name] and not self.occluded(name)

    def authoritative(self) -> list[dns.name.Name]:
        return [name for name in self.names if not self.occluded(name)]

    def signed_types(self, name: dns.name.Name) -> set[int]:
        nsec3 = self.types[name] & {RdataType.NSEC3}
        if self.occluded(name):
            return nsec3
        if self.is_cut(name):
            return self.types[name] & {RdataType.DS, RdataType.NSEC} | nsec3
        return self.types[name]

    def bitmap(self, name: dns.name.Name) -> set[int]:
        types = self.names[name] - {RdataType.NSEC}
        return types & _AT_CUT if self.is_cut(name) else types

    def empty_non_terminals(self, names: Sequence[dns.name.Name]) -> set[dns.name.Name]:
        return {above for name in names for above in self._above(name)} - set(names) - {self.origin}


def _assert_rrset_signed(
    world: _World, name: dns.name.Name, rdtype: int, keys: Sequence[SigningKey], now: datetime
) -> None:
    rrsigs = world.zone.signatures(name, rdtype)
    if rdtype not in world.signed_types(name):
        assert rrsigs is None, f"{name} {rdtype} is not authoritative and has signatures"
        return
    rrset = world.rrsets[name, rdtype]
    at_ksk = name == world.origin and rdtype in _AT_KSK
    expected = [key for key in keys if (key.signs_dnskey if at_ksk else key.signs_zone)]
    assert rrsigs is not None, f"{name} {rdtype} has no signature"
    assert rrsigs.ttl == rrset.ttl
    made_by = sorted((rdata.algorithm, rdata.key_tag) for rdata in rrsigs.to_dnspython())
    assert made_by == sorted((int(key.algorithm), key.key_tag) for key in expected)
    dnskeys = world.zone.apex_rrset(rd.DNSKEY)
    for rrsig in rrsigs.to_dnspython():
        assert rrsig.original_ttl == rrset.ttl
        assert rrsig.labels == len(name) - 1 - name.is_wild()
        assert rrsig.signer == world.origin
        dns.dnssec.validate_rrsig(
            rrset.to_dnspython(), rrsig, {dnskeys.name: dnskeys.to_dnspython()}, now=now.timestamp()
        )
    for rdata in rrsigs.rdatas:
        alone = RRset(owner=rrsigs.owner, rdtype=rd.RRSIG, ttl=rrsigs.ttl, rdatas=(rdata,), covers=rrsigs.covers)
        assert verify_rrset(rrset, alone, dnskeys, now=now)


def _negative_ttl(world: _World) -> int:
    soa = world.rrsets[world.origin, RdataType.SOA]
    return min(int(soa.ttl), int(soa.to_dnspython()[0].minimum))


def _bitmap_of(rdata: dns.rdtypes.ANY.NSEC.NSEC | dns.rdtypes.ANY.NSEC3.NSEC3) -> set[int]:
    return {
        window * 256 + index * 8 + bit
        for window, octets in rdata.windows
        for index, octet in enumerate(octets)
        for bit in range(8)
        if octet & 0x80 >> bit
    }


def _assert_nsec_chain(world: _World) -> None:
    names = sorted(world.authoritative())
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        nsec = world.rrsets[name, RdataType.NSEC]
        assert nsec.ttl == _negative_ttl(world)
        (rdata,) = nsec.to_dnspython()
        assert rdata.next == following
        assert _bitmap_of(rdata) == world.bitmap(name) | {RdataType.RRSIG, RdataType.NSEC}
    assert not any(RdataType.NSEC in types for name, types in world.types.items() if name not in names)
    assert not any(RdataType.NSEC3 in types for types in world.types.values())
    assert RdataType.NSEC3PARAM not in world.types[world.origin]


def _assert_nsec3_chain(world: _World, denial: Nsec3) -> None:
    hashed_owners = {name for name, types in world.types.items() if RdataType.NSEC3 in types}
    names = world.authoritative()
    if denial.opt_out is OptOut.ON:
        names = [name for name in names if not world.is_cut(name) or RdataType.DS in world.types[name]]
    expected: dict[dns.name.Name, set[int]] = {}
    for name in [*names, *world.empty_non_terminals(names)]:
        digest = dns.dnssec.nsec3_hash(name, denial.salt, denial.iterations, 1).lower()
        rdtypes = world.bitmap(name) if name in world.names else set()
        signed = rdtypes - ({RdataType.NS} if name in world.names and world.is_cut(name) else set())
        expected[dns.name.Name([digest.encode(), *world.origin.labels])] = rdtypes | (
            {RdataType.RRSIG} if signed else set()
        )
    assert hashed_owners == set(expected)
    chain = sorted(expected)
    for owner, following in zip(chain, [*chain[1:], chain[0]], strict=True):
        nsec3 = world.rrsets[owner, RdataType.NSEC3]
        assert nsec3.ttl == _negative_ttl(world)
        (rdata,) = nsec3.to_dnspython()
        assert (rdata.algorithm, rdata.iterations, rdata.salt) == (1, denial.iterations, denial.salt)
        assert rdata.flags == denial.opt_out.value
        assert rd.base32_text(rdata.next).encode() == following.labels[0]
        assert _bitmap_of(rdata) == expected[owner]
    (param,) = world.rrsets[world.origin, RdataType.NSEC3PARAM].to_dnspython()
    assert (param.algorithm, param.flags, param.iterations, param.salt) == (1, 0, denial.iterations, denial.salt)
    assert not any(RdataType.NSEC in types for types in world.types.values())
