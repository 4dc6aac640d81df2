"""Corners of signing and of the steps, one by one: each of these was once wrong, or nothing would have noticed."""

from __future__ import annotations

from datetime import timedelta

import dns.zone
import pytest

from tests.keyring import NOW, VALIDITY, csk, ksk, zsk
from tests.signed_zones import assert_signed
from tests.strategies import ORIGIN
from tests.test_apex import plain_zone, signed_zone
from tests.test_signing import FakeHsm, with_signer
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.apex import change_ns, lower_ttls, resign_dnskeys, restore_ttls
from zonekit.denial import Denial, Nsec, Nsec3
from zonekit.errors import KeyTagCollision, SigningError
from zonekit.keys import SigningKey, generate_zsk
from zonekit.names import parse_name
from zonekit.signatures import verify_rrset
from zonekit.signing import Jitter, sign_rrset, sign_zone
from zonekit.ttl import Ttl
from zonekit.zonemd import zone_digest
from zonekit.zones import RRset, Zone

KEYS = (ksk(), zsk())
A = RRset.from_text("www.example.nl.", 300, "A", "192.0.2.1")
DNSKEYS = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(300), rdatas=(zsk().dnskey_rdata,))


def test_key_sets_below_the_apex_are_data_like_any_other() -> None:
    below = [
        RRset.from_text("x.example.nl.", 300, "CDS", "0 0 0 00"),
        RRset.from_text("x.example.nl.", 300, "CDNSKEY", "0 3 0 AA=="),
    ]
    assert_signed(signed_zone(*below), KEYS, Nsec(), NOW)


def test_the_name_of_the_signer_is_in_lower_case() -> None:
    key = generate_zsk("EXAMPLE.NL", algorithm=Algorithm.ED25519)
    rrsigs = sign_rrset(A, [key], validity=VALIDITY)
    assert rrsigs.rdatas[0][18 : 18 + len(ORIGIN)] == parse_name("example.nl.")


def test_every_way_of_signing_asks_a_signer_elsewhere_first() -> None:
    wrong = with_signer(zsk(), FakeHsm(ksk()))
    with pytest.raises(SigningError, match="does not sign for this DNSKEY"):
        sign_rrset(A, [wrong], validity=VALIDITY)
    with pytest.raises(SigningError, match="does not sign for this DNSKEY"):
        resign_dnskeys(signed_zone(), signers=[ksk(), wrong], validity=VALIDITY)


def forged(owner: str, labels: int) -> RRset:
    """A signature over A records at ``owner`` whose every octet is signed, with this count of labels."""
    rrset = RRset.from_text(owner, 300, "A", "192.0.2.1")
    head = sign_rrset(A, [zsk()], validity=VALIDITY).rdatas[0][: 18 + len(ORIGIN)]
    head = head[:3] + bytes((labels,)) + head[4:]
    record = b"\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04" + rrset.rdatas[0]
    rdata = head + zsk().signer.sign(head + rrset.owner + record)
    return RRset(owner=rrset.owner, rdtype=rd.RRSIG, ttl=Ttl(300), rdatas=(rdata,), covers=rd.A)


@pytest.mark.parametrize(
    ("owner", "labels", "good"),
    [("www.example.nl.", 3, True), ("www.example.nl.", 4, False), ("www.example.org.", 3, False)],
)
def test_a_signature_speaks_for_names_of_its_zone_with_as_many_labels(owner: str, labels: int, good: bool) -> None:
    rrset = RRset.from_text(owner, 300, "A", "192.0.2.1")
    assert verify_rrset(rrset, forged(owner, labels), DNSKEYS, now=NOW) is good


def zonemd_at(owner: str) -> RRset:
    return RRset.from_text(owner, 300, "ZONEMD", f"7 1 1 {'00' * 48}")


def test_a_foreign_signature_over_a_zonemd_does_not_outlive_it() -> None:
    theirs = sign_zone(plain_zone(zonemd_at("example.nl.")), [ksk(number=1), zsk(number=1)], validity=VALIDITY)
    ours = sign_zone(theirs, KEYS, validity=VALIDITY)
    rrsigs = ours.signatures("@", "ZONEMD")
    assert rrsigs is not None and len(rrsigs.rdatas) == 1


def test_a_zonemd_below_the_apex_is_digested_like_any_other_record() -> None:
    zone = plain_zone(zonemd_at("www.example.nl."))
    expected = zone.to_dnspython().compute_digest(dns.zone.DigestHashAlgorithm.SHA384)
    assert zone_digest(zone) == expected.digest != zone_digest(plain_zone())


def test_no_signature_stays_that_was_made_over_another_ttl() -> None:
    both = signed_zone().add(sign_rrset(signed_zone().apex_rrset(rd.NS), [zsk(number=1)], validity=VALIDITY))
    rrsigs = both.signatures("@", "NS")
    assert rrsigs is not None and len(rrsigs.rdatas) == 2
    lowered = lower_ttls(both, 600, types=["NS"], signers=KEYS, validity=VALIDITY)
    restored = restore_ttls(lowered.zone, lowered.changes, signers=KEYS, validity=VALIDITY)
    for zone in (lowered.zone, restored.zone):
        rrsigs = zone.signatures("@", "NS")
        assert rrsigs is not None and len(rrsigs.rdatas) == 1
        assert verify_rrset(zone.apex_rrset(rd.NS), rrsigs, zone.apex_rrset(rd.DNSKEY), now=NOW)


def test_another_seed_spreads_expirations_otherwise() -> None:
    first, second = (
        sign_zone(plain_zone(), KEYS, validity=VALIDITY, jitter=Jitter(interval=timedelta(days=5), seed=seed))
        for seed in (1, 2**80)
    )
    assert first != second


def test_a_key_tag_that_a_published_key_has_is_refused() -> None:
    seen: dict[int, SigningKey] = {}
    while True:  # a collision comes after about 300 keys
        key = generate_zsk("example.nl", algorithm=Algorithm.ED25519)
        twin = seen.setdefault(key.key_tag, key)
        if twin is not key:
            break
    published = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(300), rdatas=(twin.dnskey_rdata,))
    with pytest.raises(KeyTagCollision, match=f"share key tag {key.key_tag}"):
        sign_zone(plain_zone(published), [csk(Algorithm.ED25519), key], validity=VALIDITY)


def test_an_ipv6_address_is_an_address_for_a_name_server() -> None:
    zone = plain_zone(RRset.from_text("ns6.example.nl.", 300, "AAAA", "2001:db8::53"))
    assert change_ns(zone, ["ns6"]).apex_rrset(rd.NS).text().endswith(" NS ns6.example.nl.")


def test_a_key_for_dynamic_update_may_stand_beside_a_cname() -> None:
    key = RRset.from_text("x.example.nl.", 300, "KEY", "512 3 13 " + "A" * 86 + "==")
    alias = RRset.from_text("x.example.nl.", 300, "CNAME", "www.example.nl.")
    assert isinstance(plain_zone(key, alias), Zone)
    assert_signed(signed_zone(key, alias), KEYS, Nsec(), NOW)


@pytest.mark.parametrize("denial", [Nsec(), Nsec3()], ids=["NSEC", "NSEC3"])
def test_signatures_of_others_do_not_stay_where_nothing_is_signed(denial: Denial) -> None:
    below = RRset.from_text("www.sub.example.nl.", 300, "A", "192.0.2.1")
    at_cut = RRset.from_text("sub.example.nl.", 300, "A", "192.0.2.1")
    theirs = sign_zone(plain_zone(below, at_cut), [ksk(), zsk(number=1)], validity=VALIDITY)
    delegated = theirs.replace(RRset.from_text("sub.example.nl.", 300, "NS", "ns.example.net."))
    signed = sign_zone(delegated, KEYS, validity=VALIDITY, denial=denial)
    assert signed.signatures("www.sub", "A") is None
    assert signed.signatures("sub", "A") is None
    assert signed.signatures("www", "A") is not None
