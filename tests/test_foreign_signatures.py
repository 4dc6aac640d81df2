"""Keys and signatures that are not the signers': what of them stays, what goes, and what is refused before it is lost.

An operator meets them in a transfer, in its own rollovers, and in zones that another program signed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.keyring import NOW, VALIDITY, csk, ksk, zsk
from tests.peers import assert_every_verifier_accepts
from tests.signed_zones import assert_signed
from tests.strategies import ORIGIN
from tests.test_signing import DENIALS, KEYS, rrsigs_of, small_zone
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.apex import (
    change_ns,
    lower_ttls,
    merge_dnskeys,
    resign_dnskeys,
    with_serial,
    withdraw_dnskeys,
)
from zonekit.denial import Nsec
from zonekit.dnskeys import Dnskey, dnskeys_of, parse_dnskeys, signer_of
from zonekit.ds import delete_cdnskey, make_cdnskey, make_cds
from zonekit.errors import KeyTagCollision, SerialError, SigningError, SigningKeyError
from zonekit.files import write_zone
from zonekit.instants import SignatureValidity
from zonekit.keys import KeyRole, SigningKey, generate_zsk, key_tag
from zonekit.nodes import pack_record
from zonekit.signatures import Signer, signers_of
from zonekit.signing import ForeignRecords, sign_rrset, sign_zone
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

LATER = SignatureValidity.starting(NOW + timedelta(days=1), timedelta(days=14))
MUCH_LATER = SignatureValidity.starting(NOW + timedelta(days=30), timedelta(days=14))


def signer(key: SigningKey) -> Signer:
    return int(key.algorithm), key.key_tag


def signers_over(zone: Zone, rdtype: str, owner: str = "@") -> set[Signer]:
    return signers_of(zone.signatures(owner, rdtype))


def signed(*keys: SigningKey, more: tuple[RRset, ...] = ()) -> Zone:
    return sign_zone(small_zone(*more), keys or KEYS, validity=VALIDITY)


# ---- sign_zone ------------------------------------------------------------------------------------------------------


def test_foreign_signatures_are_left_alone_unless_asked() -> None:
    other = [ksk(number=1), zsk(number=1)]
    theirs = sign_zone(small_zone(), other, validity=VALIDITY)
    both = sign_zone(theirs, KEYS, validity=VALIDITY)
    for owner, covered in ((("www.example.nl."), rd.A), ("example.nl.", rd.NS), ("example.nl.", rd.SOA)):
        rrsigs = both.signatures(owner, covered)
        foreign = theirs.signatures(owner, covered)
        assert rrsigs is not None and foreign is not None
        assert set(foreign.rdatas) < set(rrsigs.rdatas)
    dnskey_rrsigs = both.signatures("@", rd.DNSKEY)
    assert dnskey_rrsigs is not None and len(dnskey_rrsigs.rdatas) == 1, "the DNSKEY RRset changed under it"
    ours_alone = sign_zone(theirs, KEYS, validity=VALIDITY, foreign_records=ForeignRecords.DROP_SIGNATURES)
    assert all(len(rrsigs.rdatas) == 1 for rrsigs in rrsigs_of(ours_alone).values())


def test_signatures_over_nothing_go() -> None:
    theirs = sign_zone(small_zone(), [ksk(number=1), zsk(number=1)], validity=VALIDITY)
    for denial in DENIALS:
        without = sign_zone(theirs.remove("www", "A"), KEYS, validity=VALIDITY, denial=denial)
        assert "www" not in without


@pytest.mark.parametrize("replacement", [(60, "192.0.2.1"), (99999, "192.0.2.1"), (3600, "192.0.2.99")])
@pytest.mark.parametrize("is_published", [True, False])
def test_a_foreign_signature_that_its_rrset_left_behind_goes(replacement: tuple[int, str], is_published: bool) -> None:
    ttl, address = replacement
    theirs = sign_zone(small_zone(), [ksk(number=1), zsk(number=1)], validity=VALIDITY)
    changed = theirs.replace(RRset.from_text("www.example.nl.", ttl, "A", address))
    if not is_published:
        changed = changed.remove("@", "DNSKEY")
    signed = sign_zone(changed, KEYS, validity=VALIDITY)
    rrsigs = signed.signatures("www", "A")
    assert rrsigs is not None
    # By a key that is nowhere to be seen, a signature over other data looks like any other.
    unseen = not is_published and ttl == 3600
    assert {signer_of(rdata) for rdata in rrsigs.rdatas} == {
        (int(key.algorithm), key.key_tag) for key in ((zsk(), zsk(number=1)) if unseen else (zsk(),))
    }
    untouched = signed.signatures("@", "NS")
    assert untouched is not None and len(untouched.rdatas) == 2


def test_a_foreign_signature_of_an_unknown_algorithm_stays() -> None:
    dnskey = RRset.from_text("example.nl.", 3600, "DNSKEY", "256 3 250 AwEAAQ==")
    tag = dnskeys_of(dnskey)[0].key_tag
    times = "20261221120000 20261121110000"
    rrsig = RRset.from_text("www.example.nl.", 3600, "RRSIG", f"A 250 3 3600 {times} {tag} example.nl. AAAA")
    signed = sign_zone(small_zone().replace(dnskey, rrsig), KEYS, validity=VALIDITY)
    rrsigs = signed.signatures("www", "A")
    assert rrsigs is not None and rrsig.rdatas[0] in rrsigs.rdatas


def test_a_foreign_signature_has_the_ttl_of_what_it_covers() -> None:
    theirs = sign_zone(small_zone(), [ksk(number=1), zsk(number=1)], validity=VALIDITY)
    odd = theirs.signatures("www", "A")
    assert odd is not None
    signed = sign_zone(theirs.replace(odd.with_ttl(5)), KEYS, validity=VALIDITY)
    rrsigs = signed.signatures("www", "A")
    assert rrsigs is not None and len(rrsigs.rdatas) == 2 and rrsigs.ttl == 3600


def revocation() -> tuple[RRset, RRset]:
    """A DNSKEY RRset of our keys and one that is revoked, and the signature that revokes it (RFC 5011 section 2.1)."""
    live = ksk(number=1).dnskey_rdata
    revoked = bytes((live[0], live[1] | 0x80)) + live[2:]
    keys = tuple(key.dnskey_rdata for key in KEYS)
    dnskeys = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(3600), rdatas=(*keys, revoked))
    head = sign_rrset(dnskeys, [ksk(number=1)], validity=VALIDITY).rdatas[0][: 18 + len(ORIGIN)]
    head = head[:16] + key_tag(revoked).to_bytes(2, "big") + head[18:]
    records = [ORIGIN + pack_record(rd.DNSKEY, 3600, rdata) for rdata in dnskeys.rdatas]
    rdata = head + ksk(number=1).signer.sign(head + b"".join(records))
    return dnskeys, RRset(owner=ORIGIN, rdtype=rd.RRSIG, ttl=Ttl(3600), rdatas=(rdata,), covers=rd.DNSKEY)


def test_a_revoked_key_goes_on_signing_its_own_revocation() -> None:
    dnskeys, rrsig = revocation()
    zone = sign_zone(small_zone(dnskeys, rrsig), KEYS, validity=VALIDITY)
    rrsigs = zone.signatures("@", "DNSKEY")
    assert rrsigs is not None and rrsig.rdatas[0] in rrsigs.rdatas


def test_a_key_that_is_published_signs_nothing() -> None:
    silent = zsk(number=1)
    for foreign in ForeignRecords:
        signed = sign_zone(small_zone(), KEYS, validity=VALIDITY, published=[silent], foreign_records=foreign)
        assert_signed(signed, KEYS, Nsec(), NOW)
        published = {key.dnskey_rdata for key in (*KEYS, silent)}
        assert set(signed.apex_rrset(rd.DNSKEY).rdatas) == published
        again = sign_zone(signed, KEYS, validity=VALIDITY, published=[silent], foreign_records=foreign)
        assert again == signed
    with pytest.raises(SigningError, match=r"the keys belong to example\.org\."):
        sign_zone(small_zone(), KEYS, validity=VALIDITY, published=[zsk(owner="example.org")])


def test_foreign_keys_go_when_asked_and_with_them_what_asks_for_their_ds() -> None:
    theirs = sign_zone(small_zone(), [ksk(number=1), zsk(number=1)], validity=VALIDITY, dnskey_ttl=777)
    keys = theirs.apex_rrset(rd.DNSKEY)
    asking = theirs.replace(make_cds(keys, ttl=60), make_cdnskey(keys, ttl=60))
    ours = sign_zone(asking, KEYS, validity=VALIDITY, foreign_records=ForeignRecords.DROP)
    assert_signed(ours, KEYS, Nsec(), NOW)
    assert ours.apex_rrset(rd.DNSKEY).ttl == 777
    assert set(ours.apex_rrset(rd.DNSKEY).rdatas) == {key.dnskey_rdata for key in KEYS}
    assert ours.get("@", "CDS") is None and ours.get("@", "CDNSKEY") is None
    both = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(60), rdatas=(*keys.rdatas, ksk().dnskey_rdata))
    mixed = theirs.replace(make_cds(both, ttl=60), delete_cdnskey("example.nl", ttl=60))
    ours = sign_zone(mixed, KEYS, validity=VALIDITY, foreign_records=ForeignRecords.DROP)
    assert ours.get("@", "CDS") == make_cds([ksk()], ttl=60)
    assert ours.get("@", "CDNSKEY") == delete_cdnskey("example.nl", ttl=60)
    unsigned = sign_zone(small_zone(), KEYS, validity=VALIDITY, foreign_records=ForeignRecords.DROP)
    assert unsigned == sign_zone(small_zone(), KEYS, validity=VALIDITY)


def test_a_foreign_signature_that_has_expired_goes() -> None:
    theirs = signed(ksk(number=1), zsk(number=1))
    again = sign_zone(theirs, KEYS, validity=MUCH_LATER)
    assert signers_over(again, "NS") == {signer(zsk())}


def test_a_signature_that_was_expanded_from_a_wildcard_does_not_stay() -> None:
    wild = RRset.from_text("*.example.nl.", 3600, "A", "192.0.2.1")
    theirs = signed(ksk(number=1), zsk(number=1), more=(wild,))
    rrsigs = theirs.signatures("*", "A")
    own = theirs.signatures("www", "A")
    assert rrsigs is not None and own is not None
    expanded = RRset(owner=own.owner, rdtype=rd.RRSIG, ttl=own.ttl, rdatas=rrsigs.rdatas, covers=rd.A)
    again = sign_zone(theirs.replace(expanded), KEYS, validity=VALIDITY)
    assert signers_over(again, "A", "www") == {signer(zsk())}
    assert signers_over(again, "A", "*") == {signer(zsk()), signer(zsk(number=1))}


def test_what_a_published_key_signed_before_goes() -> None:
    before = signed(*KEYS, zsk(number=1))
    rolled = sign_zone(before, [ksk(), zsk(number=1)], validity=VALIDITY, published=[zsk()])
    assert_signed(rolled, [ksk(), zsk(number=1)], Nsec(), NOW)
    stepped = with_serial(rolled, signers=[ksk(), zsk(number=1)], validity=LATER)
    assert_signed(stepped, [ksk(), zsk(number=1)], Nsec(), NOW + timedelta(days=1))


def test_a_published_key_is_checked_like_any_other() -> None:
    with pytest.raises(SigningError, match="not a zone key, or revoked"):
        revoked = Dnskey.from_rdata(ORIGIN, b"\x01\x81" + ksk(number=1).dnskey_rdata[2:])
        sign_zone(small_zone(), KEYS, validity=VALIDITY, published=[revoked])
    first, twin = colliding_keys()
    with pytest.raises(KeyTagCollision):
        sign_zone(small_zone(), [csk(Algorithm.ED25519), first], validity=VALIDITY, published=[twin])


def test_a_key_that_is_dropped_collides_with_nothing() -> None:
    first, twin = colliding_keys()
    theirs = small_zone(RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(60), rdatas=(first.dnskey_rdata,)))
    keys = [csk(Algorithm.ED25519), twin]
    with pytest.raises(KeyTagCollision):
        sign_zone(theirs, keys, validity=VALIDITY)
    assert_signed(sign_zone(theirs, keys, validity=VALIDITY, foreign_records=ForeignRecords.DROP), keys, Nsec(), NOW)


def colliding_keys() -> tuple[SigningKey, SigningKey]:
    """Two keys of one algorithm with one key tag; that takes about 300 tries."""
    taken = {csk(Algorithm.ED25519).key_tag, ksk(Algorithm.ED25519).key_tag}
    seen: dict[int, SigningKey] = {}
    while True:
        key = generate_zsk("example.nl", algorithm=Algorithm.ED25519, avoid=taken)
        twin = seen.setdefault(key.key_tag, key)
        if twin is not key:
            return twin, key


def test_a_zone_is_signed_with_the_serial_asked_for() -> None:
    theirs = signed(ksk(number=1), zsk(number=1))
    ours = sign_zone(theirs, KEYS, validity=VALIDITY, serial=8)
    assert ours.serial == 8
    assert signers_over(ours, "SOA") == {signer(zsk())}, "what they signed was another serial"
    assert signers_over(ours, "NS") == {signer(zsk()), signer(zsk(number=1))}
    lowered = lower_ttls(ours, 600, signers=KEYS, validity=LATER).zone
    assert signers_over(lowered, "NS") == {signer(zsk())}
    with pytest.raises(SerialError, match="serial 6 is not after 7"):
        sign_zone(small_zone(), KEYS, validity=VALIDITY, serial=6)


# ---- steps ----------------------------------------------------------------------------------------------------------


def test_a_signature_left_from_before_a_rollover_may_go() -> None:
    """As BIND leaves a zone: it signs the SOA with the new ZSK at once and the rest when that is due."""
    both = signed(*KEYS, zsk(number=1))
    soa_by_new = sign_rrset(both.soa, [zsk(number=1)], validity=VALIDITY)
    rolling = both.replace(soa_by_new)
    signers = [ksk(), zsk(number=1)]
    lowered = lower_ttls(rolling, 600, signers=signers, validity=LATER).zone
    assert signers_over(lowered, "NS") == {signer(zsk(number=1))}
    changed = change_ns(rolling, ["ns.example.net."], signers=signers, validity=LATER)
    assert signers_over(changed, "NS") == {signer(zsk(number=1))}
    with pytest.raises(SigningError, match="is signed by"):
        change_ns(rolling, ["ns.example.net."], signers=KEYS, validity=LATER)


@pytest.mark.parametrize("validity", [LATER, MUCH_LATER])
def test_a_signature_that_is_void_already_is_not_missed(validity: SignatureValidity) -> None:
    good = signed(*KEYS, zsk(number=1), ksk(number=1))
    if validity is LATER:
        other = RRset.from_text(
            "example.nl.", 3600, "SOA", "ns1.example.net. admin.example.nl. 9 7200 3600 1209600 300"
        )
        void = sign_rrset(other, [zsk(), zsk(number=1)], validity=VALIDITY)
        zone = good.replace(void)
    else:
        zone = good  # all that the other key signed has expired by then
    assert signers_over(with_serial(zone, signers=KEYS, validity=validity), "SOA") == {signer(zsk())}


def test_re_signing_repairs_a_key_set_that_another_ksk_signed_before_it_changed() -> None:
    zone = signed(*KEYS, ksk(number=1))
    dnskeys = zone.apex_rrset(rd.DNSKEY)
    more = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=dnskeys.ttl, rdatas=(*dnskeys.rdatas, zsk(number=1).dnskey_rdata))
    repaired = resign_dnskeys(zone.replace(more), signers=KEYS, validity=LATER)
    assert signers_over(repaired, "DNSKEY") == {signer(ksk())}


def with_key_set_signed_by(zone: Zone, *keys: SigningKey) -> Zone:
    return zone.replace(sign_rrset(zone.apex_rrset(rd.DNSKEY), keys, validity=VALIDITY))


def test_the_signature_of_a_zsk_over_the_key_set_is_not_missed() -> None:
    """As dnssec-signzone makes it without -x."""
    zone = with_key_set_signed_by(signed(), ksk(), zsk())
    merged = merge_dnskeys(zone, parse_dnskeys(zsk(number=1)), signers=[ksk()], validity=LATER, serial=zone.serial)
    assert signers_over(merged, "DNSKEY") == {signer(ksk())}


def test_a_key_without_the_sep_flag_may_be_the_one_that_the_ds_is_of() -> None:
    alone = zsk(number=1)
    zone = sign_zone(small_zone(), KEYS, validity=VALIDITY, published=[alone])
    merged = parse_dnskeys(zsk(number=2))
    with pytest.raises(SigningError, match=f"DNSKEY: it is signed by {alone.key_tag}"):
        merge_dnskeys(with_key_set_signed_by(zone, ksk(), alone), merged, signers=KEYS, validity=LATER)
    by_zsks = with_key_set_signed_by(signed(*KEYS, alone), zsk(), alone)
    with pytest.raises(SigningError, match=rf"DNSKEY: it is signed by .*{alone.key_tag}.*; leave this RRset as it is"):
        merge_dnskeys(by_zsks, merged, signers=[ksk()], validity=LATER, serial=by_zsks.serial)


def test_adding_that_key_to_the_signers_does_not_lose_its_signature_over_the_key_set() -> None:
    alone = zsk(number=1)
    zone = sign_zone(small_zone(), KEYS, validity=VALIDITY, published=[alone])
    zone = with_key_set_signed_by(zone, ksk(), alone)
    with pytest.raises(SigningError, match=r"DNSKEY: it is signed by .*; leave this RRset as it is, or withdraw"):
        merge_dnskeys(zone, parse_dnskeys(zsk(number=2)), signers=[*KEYS, alone], validity=LATER)


def test_a_csk_that_is_given_as_ksk_does_not_lose_its_signatures_over_data() -> None:
    """dnssec-keygen -f KSK makes such keys, and dnssec-signzone -z signs everything with them."""
    zone = signed(csk())
    as_ksk = replace(csk(), role=KeyRole.KSK)
    new_zsk = zsk(number=1)
    with pytest.raises(SigningError, match=f"SOA: it is signed by {csk().key_tag}.*with the role to sign this"):
        merge_dnskeys(zone, parse_dnskeys(new_zsk), signers=[as_ksk, new_zsk], validity=LATER)
    merged = merge_dnskeys(zone, parse_dnskeys(new_zsk), signers=[csk()], validity=LATER)
    assert signers_over(merged, "SOA") == {signer(csk())}


def test_no_key_that_is_nowhere_published_signs_alone() -> None:
    first, twin = colliding_keys()
    keys = [ksk(Algorithm.ED25519), first]
    with pytest.raises(SigningError, match="the DNSKEY RRset lacks the signer"):
        with_serial(signed(*keys), signers=[keys[0], twin], validity=LATER)
    both, staying = signed(csk(), ksk(number=1), zsk(number=1)), [ksk(number=1), zsk(number=1)]
    left = withdraw_dnskeys(both, parse_dnskeys(csk()), signers=staying, validity=LATER, serial=both.serial)
    assert signers_over(left, "SOA") == {signer(csk()), signer(zsk(number=1))}
    with pytest.raises(SigningError, match="SOA: no ZSK that the zone publishes is among the signers"):
        with_serial(left, signers=[csk()], validity=MUCH_LATER)  # all else has expired by then


def test_a_signature_that_has_expired_does_not_let_a_key_go() -> None:
    short = SignatureValidity.starting(NOW, timedelta(days=2))
    zone = signed(*KEYS, zsk(number=1))
    ns = zone.apex_rrset(rd.NS)
    by_both = [sign_rrset(ns, [zsk()], validity=short), sign_rrset(ns, [zsk(number=1)], validity=VALIDITY)]
    rrsigs = RRset(
        owner=ORIGIN, rdtype=rd.RRSIG, ttl=ns.ttl, rdatas=by_both[0].rdatas + by_both[1].rdatas, covers=rd.NS
    )
    zone = zone.replace(rrsigs)
    after = SignatureValidity.starting(NOW + timedelta(days=5), timedelta(days=14))
    with pytest.raises(SigningError, match="signs this zone"):
        withdraw_dnskeys(zone, parse_dnskeys(zsk(number=1)), signers=KEYS, validity=after)
    assert withdraw_dnskeys(zone, parse_dnskeys(zsk(number=1)), signers=KEYS, validity=LATER)


def test_a_new_serial_leaves_no_signature_over_the_old_one() -> None:
    theirs = signed(ksk(number=1), zsk(number=1)).remove("@", "DNSKEY")
    ours = sign_zone(theirs, KEYS, validity=VALIDITY, serial=8)
    assert signers_over(ours, "SOA") == {signer(zsk())}
    assert signers_over(ours, "NS") == {signer(zsk()), signer(zsk(number=1))}


def test_a_new_key_leaves_no_signature_over_the_old_key_set() -> None:
    theirs = signed(ksk(number=1), zsk(number=1))
    rrsig = sign_rrset(theirs.apex_rrset(rd.DNSKEY), [ksk(number=2)], validity=VALIDITY)  # of a key that is nowhere
    ours = sign_zone(theirs.replace(rrsig), KEYS, validity=VALIDITY)
    assert signers_over(ours, "DNSKEY") == {signer(ksk())}


def test_where_the_soa_has_no_signature_every_published_key_counts() -> None:
    zone = signed(*KEYS, zsk(number=1)).remove("@", "RRSIG", "SOA")
    with pytest.raises(SigningError, match=f"NS: it is signed by {zsk(number=1).key_tag}"):
        change_ns(zone, ["ns.example.net."], signers=KEYS, validity=LATER, serial=zone.serial)


def test_an_rrset_with_signatures_of_two_algorithms_keeps_two() -> None:
    both = signed(*KEYS, ksk(Algorithm.ED25519), zsk(Algorithm.ED25519))
    zone = both.replace(sign_rrset(both.soa, [zsk()], validity=VALIDITY))
    with pytest.raises(SigningError, match="NS: no ZSK of algorithm 15"):
        change_ns(zone, ["ns.example.net."], signers=KEYS, validity=LATER)


def test_what_a_revoked_key_signed_beside_the_key_set_is_not_missed() -> None:
    dnskeys, rrsig = revocation()
    zone = sign_zone(small_zone(dnskeys, rrsig), KEYS, validity=VALIDITY)
    by_live = sign_rrset(zone.soa, [ksk(number=1)], validity=VALIDITY).rdatas[0]
    (revoked,) = [key for key in dnskeys_of(dnskeys) if key.is_revoked]
    head = by_live[:16] + revoked.key_tag.to_bytes(2, "big") + by_live[18 : 18 + len(ORIGIN)]
    record = ORIGIN + pack_record(rd.SOA, zone.soa.ttl, zone.soa.rdatas[0])
    theirs = head + ksk(number=1).signer.sign(head + record)
    rrsigs = zone.signatures("@", "SOA")
    assert rrsigs is not None
    more = RRset(owner=ORIGIN, rdtype=rd.RRSIG, ttl=rrsigs.ttl, rdatas=(*rrsigs.rdatas, theirs), covers=rd.SOA)
    stepped = with_serial(zone.replace(more), signers=KEYS, validity=LATER)
    assert signers_over(stepped, "SOA") == {signer(zsk())}


def test_a_foreign_ksk_whose_signature_has_a_higher_original_ttl_is_missed_all_the_same() -> None:
    zone = signed(*KEYS, ksk(number=1))
    dnskeys, rrsigs = zone.apex_rrset(rd.DNSKEY), zone.signatures("@", "DNSKEY")
    assert rrsigs is not None
    with pytest.raises(SigningError, match=f"DNSKEY: it is signed by {ksk(number=1).key_tag}"):
        resign_dnskeys(zone.replace(dnskeys.with_ttl(60), rrsigs.with_ttl(60)), signers=KEYS, validity=LATER)


def test_a_zone_with_signatures_and_no_dnskeys_is_for_sign_zone() -> None:
    with pytest.raises(SigningError, match="signatures and no DNSKEY RRset; sign it with sign_zone"):
        with_serial(signed().remove("@", "DNSKEY"), signers=KEYS, validity=LATER)


def test_a_published_key_is_a_sound_key() -> None:
    with pytest.raises(SigningKeyError):
        short = Dnskey.from_rdata(ORIGIN, bytes((1, 0, 3, 13, 1, 2, 3)))
        sign_zone(small_zone(), KEYS, validity=VALIDITY, published=[short])


def test_the_last_key_of_an_algorithm_can_be_withdrawn() -> None:
    other = ksk(Algorithm.ED25519)
    published = sign_zone(small_zone(), KEYS, validity=VALIDITY, published=[other])
    zone = with_key_set_signed_by(published, ksk(), other)
    left = withdraw_dnskeys(zone, parse_dnskeys(other), signers=KEYS, validity=LATER)
    assert_signed(left, KEYS, Nsec(), NOW + timedelta(days=1))


def test_an_algorithm_rollover_goes_through_its_steps() -> None:
    """Signatures before the DNSKEY, and after it (RFC 6781 section 4.1.4)."""
    new = (ksk(Algorithm.ED25519), zsk(Algorithm.ED25519))
    both = signed(*KEYS, *new)

    def without_keys(zone: Zone, *keys: SigningKey) -> Zone:
        dnskeys = zone.apex_rrset(rd.DNSKEY)
        left = tuple(rdata for rdata in dnskeys.rdatas if rdata not in [key.dnskey_rdata for key in keys])
        return zone.replace(RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=dnskeys.ttl, rdatas=left))

    initial = with_key_set_signed_by(without_keys(both, *new), ksk())
    assert signers_over(initial, "SOA") == {signer(zsk()), signer(zsk(Algorithm.ED25519))}
    with pytest.raises(SigningError, match="SOA: no ZSK of algorithm 15"):
        with_serial(initial, signers=KEYS, validity=LATER)
    bumped = with_serial(initial, signers=[*KEYS, zsk(Algorithm.ED25519)], validity=LATER)
    assert signers_over(bumped, "SOA") == signers_over(initial, "SOA")

    with pytest.raises(SigningError, match="SOA: no ZSK of algorithm 13"):
        withdraw_dnskeys(both, parse_dnskeys(KEYS), signers=new, validity=LATER)
    removed = withdraw_dnskeys(both, parse_dnskeys(KEYS), signers=[*new, zsk()], validity=LATER)
    assert signers_over(removed, "SOA") == {signer(zsk()), signer(zsk(Algorithm.ED25519))}
    assert signers_over(removed, "NS") == {signer(zsk()), signer(zsk(Algorithm.ED25519))}
    assert signers_over(removed, "DNSKEY") == {signer(ksk(Algorithm.ED25519))}
    with pytest.raises(SigningError, match=r"SOA: no ZSK of algorithm 13.*once no cache has a DNSKEY of it"):
        with_serial(removed, signers=new, validity=LATER)
    bumped = with_serial(removed, signers=[*new, zsk()], validity=LATER)
    assert signers_over(bumped, "SOA") == signers_over(removed, "SOA")
    done = sign_zone(bumped, new, validity=LATER, foreign_records=ForeignRecords.DROP_SIGNATURES)
    assert_signed(done, new, Nsec(), NOW + timedelta(days=1))


def test_a_revocation_is_not_undone_in_silence(tmp_path: Path) -> None:
    revoked, rrsig = revocation()
    zone = sign_zone(small_zone(revoked, rrsig), KEYS, validity=VALIDITY)
    write_zone(zone, tmp_path / "zone")
    assert_every_verifier_accepts(tmp_path / "zone", "example.nl", NOW)
    with pytest.raises(SigningError, match="voids that revocation; withdraw the revoked key, or wait"):
        merge_dnskeys(zone, parse_dnskeys(zsk(number=2)), signers=KEYS, validity=LATER)
    gone = [key for key in dnskeys_of(revoked) if key.is_revoked]
    assert_signed(withdraw_dnskeys(zone, gone, signers=KEYS, validity=LATER), KEYS, Nsec(), NOW + timedelta(days=1))


@pytest.mark.parametrize("beside", [csk, ksk], ids=["CSK", "KSK"])
def test_a_zone_with_two_keys_of_one_tag_can_still_be_stepped(beside: Callable[[Algorithm], SigningKey]) -> None:
    first, twin = colliding_keys()
    keys = [beside(Algorithm.ED25519), first]
    zone = signed(*keys)
    dnskeys = zone.apex_rrset(rd.DNSKEY)
    both = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=dnskeys.ttl, rdatas=(*dnskeys.rdatas, twin.dnskey_rdata))
    intruded = resign_dnskeys(zone.replace(both), signers=keys, validity=LATER)
    assert set(intruded.apex_rrset(rd.DNSKEY).rdatas) == set(both.rdatas)
    mended = withdraw_dnskeys(intruded, parse_dnskeys(twin), signers=keys, validity=LATER)
    assert_signed(mended, keys, Nsec(), NOW + timedelta(days=1))


def test_a_cds_of_an_unknown_digest_asks_for_a_ds_too() -> None:
    leaving = ksk(number=1)
    head = leaving.key_tag.to_bytes(2, "big") + bytes((13, 99))
    cds = RRset(owner=ORIGIN, rdtype=rd.CDS, ttl=Ttl(60), rdatas=(head + bytes(32),))
    zone = sign_zone(small_zone(cds), [*KEYS, leaving], validity=VALIDITY)
    with pytest.raises(SigningError, match="CDS: it would still ask"):
        withdraw_dnskeys(zone, parse_dnskeys(leaving), signers=KEYS, validity=LATER)
