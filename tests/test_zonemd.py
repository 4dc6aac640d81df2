"""ZONEMD: the examples of RFC 8976 appendix A, and the peers' verdict on our digests."""

from __future__ import annotations

from pathlib import Path

import dns.zone
import pytest
from hypothesis import given

from tests.keyring import NOW, VALIDITY, ksk, zsk
from tests.peers import assert_accepted, ldns_verify_zone
from tests.strategies import zones
from zonekit import rdata as rd
from zonekit.errors import SigningError
from zonekit.render import render_zone
from zonekit.signing import sign_zone
from zonekit.ttl import Ttl
from zonekit.zonemd import HASH_SHA384, HASH_SHA512, current_zonemd, zone_digest
from zonekit.zones import RRset, Zone

# RFC 8976 appendix A.1: the simple zone.
SIMPLE = [
    RRset.from_text("example.", 86400, "SOA", "ns1.example. admin.example. 2018031900 1800 900 604800 86400"),
    RRset.from_text("example.", 86400, "NS", "ns1.example.", "ns2.example."),
    RRset.from_text("ns1.example.", 3600, "A", "203.0.113.63"),
    RRset.from_text("ns2.example.", 3600, "AAAA", "2001:db8::63"),
]
SIMPLE_DIGEST = "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c"
ZONEMD = RRset.from_text("example.", 86400, "ZONEMD", f"2018031900 1 1 {SIMPLE_DIGEST}")


def test_the_digest_of_the_simple_zone_is_that_of_rfc_8976() -> None:
    zone = Zone.from_rrsets("example", [*SIMPLE, ZONEMD])
    assert zone_digest(zone).hex() == SIMPLE_DIGEST
    assert current_zonemd(zone) == ZONEMD


def test_the_zonemd_and_its_signatures_are_left_out() -> None:
    bare = Zone.from_rrsets("example", SIMPLE)
    assert zone_digest(bare) == zone_digest(bare.replace(ZONEMD))
    assert current_zonemd(bare) is None


def placeholder(zone: Zone, *hashes: int) -> RRset:
    sizes = {HASH_SHA384: 48, HASH_SHA512: 64}
    rdatas = tuple(bytes(4) + bytes((1, number)) + bytes(sizes[number]) for number in hashes)
    return RRset(owner=zone.apex, rdtype=rd.ZONEMD, ttl=Ttl(60), rdatas=rdatas)


@given(zones())
def test_the_digest_is_dnspythons(zone: Zone) -> None:
    made = zone.to_dnspython()
    for scheme in (HASH_SHA384, HASH_SHA512):
        expected = made.compute_digest(dns.zone.DigestHashAlgorithm(scheme))
        assert zone_digest(zone, scheme) == expected.digest


def test_a_signed_zone_with_a_zonemd_passes_the_check_of_ldns(tmp_path: Path) -> None:
    zone = Zone.from_rrsets("example", SIMPLE)
    keys = [ksk(owner="example"), zsk(owner="example")]
    signed = sign_zone(zone.replace(placeholder(zone, HASH_SHA384, HASH_SHA512)), keys, validity=VALIDITY)
    path = tmp_path / "example.zone"
    path.write_text(render_zone(signed))
    assert_accepted(ldns_verify_zone(path, NOW, "-Z"))
    path.write_text(render_zone(signed.replace(SIMPLE[2].with_ttl(1))))
    assert not ldns_verify_zone(path, NOW, "-Z").accepted


def test_what_cannot_be_recomputed_is_refused() -> None:
    zone = Zone.from_rrsets("example", SIMPLE)
    unknown = RRset(owner=zone.apex, rdtype=rd.ZONEMD, ttl=Ttl(60), rdatas=(bytes(4) + b"\xf0\x01" + bytes(48),))
    with pytest.raises(SigningError, match="ZONEMD scheme 240"):
        current_zonemd(zone.replace(unknown))
    with pytest.raises(SigningError, match="hash algorithm 3 is not supported"):
        zone_digest(zone, 3)
