"""Which signatures of an earlier signing stay: the corners of each condition."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.keyring import VALIDITY, csk, ksk, zsk
from tests.strategies import signable_zones
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.denial import Denial, Nsec, Nsec3, OptOut
from zonekit.instants import SignatureValidity, from_epoch_seconds
from zonekit.keys import SigningKey, generate_zsk
from zonekit.names import order_key
from zonekit.nodes import pack_record
from zonekit.signing import Jitter, Reuse, prepare_signing, sign_zone
from zonekit.ttl import Ttl
from zonekit.zonefile import parse_zone
from zonekit.zones import RRset, Zone

KEYS = (ksk(), zsk())
SECOND = timedelta(seconds=1)
ZONE = parse_zone(
    """\
@     3600 SOA ns1.example.net. hostmaster 7 7200 3600 1209600 300
@    86400 NS  ns1.example.net.
www   3600 A   192.0.2.1
""",
    "example.nl",
)


JITTER = Jitter(interval=timedelta(days=10))
KEY_SETS = {
    "KSK and ZSK": KEYS,
    "CSK": (csk(),),
    "two algorithms": (*KEYS, csk(Algorithm.ED25519)),
    "two ZSKs": (*KEYS, zsk(number=1)),
}


@st.composite
def edited(draw: st.DrawFn, zone: Zone) -> Zone:
    """The zone with some RRsets gone or with another TTL; delegations stay."""
    held = list(zone.rrsets())
    stay = [rrset for rrset in held if rrset.owner == zone.apex or rrset.rdtype in (rd.NS, rd.DS, rd.DNAME)]
    others = [rrset for rrset in held if rrset not in stay]
    fates = draw(st.lists(st.sampled_from("==-+"), min_size=len(others), max_size=len(others)))
    kept = [
        rrset.with_ttl(rrset.ttl ^ 1) if fate == "+" else rrset
        for rrset, fate in zip(others, fates, strict=True)
        if fate != "-"
    ]
    return Zone.from_rrsets(zone.origin, stay + kept)


def records_at(zone: Zone) -> dict[tuple[bytes, int, int], RRset]:
    return {(order_key(rrset.owner), rrset.rdtype, rrset.covers): rrset for rrset in zone.rrsets()}


def expiration_of(rrsig: bytes) -> datetime:
    return from_epoch_seconds(int.from_bytes(rrsig[8:12], "big"))


@given(
    signable_zones(),
    st.data(),
    st.sampled_from((Nsec(), Nsec3(), Nsec3(opt_out=OptOut.ON))),
    st.sampled_from(tuple(KEY_SETS.values())),
    st.integers(1, 12),
)
def test_what_is_due_is_made_anew_and_all_else_stays_byte_for_byte(
    zone: Zone, data: st.DataObject, denial: Denial, keys: tuple[SigningKey, ...], days: int
) -> None:
    before = sign_zone(zone, keys, validity=VALIDITY, denial=denial, jitter=JITTER)
    new, now = data.draw(edited(zone)), VALIDITY.inception + timedelta(days=days)
    fresh = SignatureValidity.starting(now, timedelta(days=14))
    reuse = Reuse(previous=before, now=now, signatures_refresh=timedelta(days=2))
    after = sign_zone(new, keys, validity=fresh, denial=denial, jitter=JITTER, reuse=reuse)
    made = sign_zone(new, keys, validity=fresh, denial=denial, jitter=JITTER)
    old, all_new = records_at(before), records_at(made)
    assert records_at(after).keys() == all_new.keys()
    for place, rrset in records_at(after).items():
        key, _, covers = place
        signs_the_same = covers and str(old.get((key, covers, 0))) == str(all_new[key, covers, 0]) and place in old
        lasting = [
            rrsig
            for rrsig in (old[place].rdatas if signs_the_same else ())
            if expiration_of(rrsig) > now + timedelta(days=2)
        ]
        # Each key has one signature here: by its algorithm and tag, that of the earlier signing or a new one.
        by_key = {rrsig[2:3] + rrsig[16:18]: rrsig for rrsig in (*all_new[place].rdatas, *lasting)}
        assert set(rrset.rdatas) == (set(by_key.values()) if covers else set(all_new[place].rdatas))
        assert rrset.ttl == all_new[place].ttl


@given(signable_zones(), st.data(), st.sampled_from((Nsec(), Nsec3())), st.integers(1, 12))
def test_the_signed_zone_edited_comes_to_what_the_unsigned_one_does(
    zone: Zone, data: st.DataObject, denial: Denial, days: int
) -> None:
    before = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial, jitter=JITTER)
    new, now = data.draw(edited(zone)), VALIDITY.inception + timedelta(days=days)
    names = {order_key(owner) for owner, _ in new.nodes()}
    left_over = [rrset for rrset in before.rrsets() if rrset.rdtype in (rd.RRSIG, rd.NSEC, rd.NSEC3, rd.DNSKEY)]
    kept = [rrset for rrset in left_over if rrset.rdtype != rd.NSEC or order_key(rrset.owner) in names]
    fresh = SignatureValidity.starting(now, timedelta(days=14))
    reuse = Reuse(previous=before, now=now, signatures_refresh=timedelta(days=2))
    signed = [
        sign_zone(each, KEYS, validity=fresh, denial=denial, jitter=JITTER, reuse=reuse)
        for each in (new, Zone.from_rrsets(new.origin, [*new.rrsets(), *kept]))
    ]
    assert list(signed[0].nodes()) == list(signed[1].nodes())


def changed(zone: Zone, owner: str, change: Callable[[bytes], bytes]) -> Zone:
    """The zone with the signatures over the A RRset of a name changed."""
    rrsigs = zone.get(owner, rd.RRSIG, rd.A)
    assert rrsigs is not None
    rdatas = tuple(map(change, rrsigs.rdatas))
    return zone.replace(RRset(owner=rrsigs.owner, rdtype=rd.RRSIG, ttl=rrsigs.ttl, rdatas=rdatas, covers=rd.A))


def test_the_signers_name_may_be_spelled_in_capitals_and_stays_so() -> None:
    signed = sign_zone(ZONE, KEYS, validity=VALIDITY)
    before = changed(signed, "www", lambda rdata: rdata.replace(b"\x07example\x02nl\x00", b"\x07EXAMPLE\x02nl\x00"))
    assert before.node(b"\x03www\x07example\x02nl\x00") != signed.node(b"\x03www\x07example\x02nl\x00")
    after = resigned(before, VALIDITY.inception + timedelta(days=1), timedelta(days=5))
    assert list(after.nodes()) == list(before.nodes())


@pytest.mark.parametrize("cut", [lambda rdata: rdata[:-1], lambda rdata: rdata + b"\x00"], ids=["short", "long"])
def test_a_signature_of_another_length_than_the_keys_is_made_anew(cut: Callable[[bytes], bytes]) -> None:
    signed, now = sign_zone(ZONE, KEYS, validity=VALIDITY), VALIDITY.inception + timedelta(days=1)
    after = resigned(changed(signed, "www", cut), now, timedelta(days=5))
    fresh = sign_zone(ZONE, KEYS, validity=SignatureValidity.starting(now, timedelta(days=14)))
    assert after == fresh.replace(*[rrset for rrset in signed.rrsets() if rrset.covers and rrset.covers != rd.A])


def test_a_name_in_data_that_ends_like_a_record_hides_no_record() -> None:
    # Below a delegation without DS nothing is signed, so that the earlier node has nothing but the NS record.
    owner, rdtype, rdata = b"\x03sub\x07example\x02nl\x00", 65280, b"odd\x00"
    label = pack_record(rdtype, 300, rdata)[:-1]
    delegation = RRset(owner=owner, rdtype=rd.NS, ttl=Ttl(300), rdatas=(bytes((len(label),)) + label + b"\x00",))
    new = ZONE.replace(delegation, RRset(owner=owner, rdtype=rdtype, ttl=Ttl(300), rdatas=(rdata,)))
    denial, now = Nsec3(opt_out=OptOut.ON), VALIDITY.inception + timedelta(days=1)
    before = sign_zone(ZONE.replace(delegation), KEYS, validity=VALIDITY, denial=denial)
    reuse = Reuse(previous=before, now=now)
    after = sign_zone(new, KEYS, validity=VALIDITY, denial=denial, reuse=reuse)
    assert after == sign_zone(new, KEYS, validity=VALIDITY, denial=denial)


def keys_of_one_tag() -> tuple[SigningKey, SigningKey]:
    """Two ZSKs of different algorithms that have one key tag, which is nothing wrong."""
    algorithms = Algorithm.ECDSAP256SHA256, Algorithm.ED25519
    taken = [ksk(algorithm).key_tag for algorithm in algorithms]
    seen: tuple[dict[int, SigningKey], dict[int, SigningKey]] = ({}, {})
    while not seen[0].keys() & seen[1].keys():  # such a pair comes after about 300 keys of each
        for algorithm, held in zip(algorithms, seen, strict=True):
            key = generate_zsk("example.nl", algorithm=algorithm, avoid=taken)
            held[key.key_tag] = key
    (tag,) = seen[0].keys() & seen[1].keys()
    return seen[0][tag], seen[1][tag]


def test_a_signature_stays_for_its_own_algorithm_where_two_keys_share_a_tag() -> None:
    keys = [ksk(), ksk(Algorithm.ED25519), *keys_of_one_tag()]
    before = sign_zone(ZONE, keys, validity=VALIDITY)
    later = VALIDITY.inception + timedelta(days=1)
    fresh = SignatureValidity.starting(later, timedelta(days=14))
    after = sign_zone(ZONE, keys, validity=fresh, reuse=Reuse(previous=before, now=later))
    assert list(after.nodes()) == list(before.nodes())


def test_no_signature_stays_where_another_key_may_have_made_it() -> None:
    seen: dict[int, SigningKey] = {}
    while True:
        present = generate_zsk("example.nl", avoid=[ksk().key_tag])
        if present.key_tag in seen:
            break
        seen[present.key_tag] = present
    other = seen[present.key_tag]
    zone = parse_zone(
        "@ 60 SOA ns1.example.net. a 1 2 3 4 5\n@ 60 NS ns1.example.net.\nwww 60 A 192.0.2.1\n", "example.nl"
    )
    previous = sign_zone(zone, [ksk(), other], validity=VALIDITY)
    both = previous.apex_rrset(rd.DNSKEY)
    previous = previous.replace(
        RRset(owner=both.owner, rdtype=rd.DNSKEY, ttl=both.ttl, rdatas=(*both.rdatas, present.dnskey_rdata))
    )
    keys = (ksk(), present)
    again = sign_zone(zone, keys, validity=VALIDITY, reuse=Reuse(previous=previous, now=VALIDITY.inception))
    assert again == sign_zone(zone, keys, validity=VALIDITY)


def test_what_is_there_no_more_does_not_go_to_a_worker() -> None:
    head = "@ 60 SOA ns1.example.net. a 1 2 3 4 5\n@ 60 NS ns1.example.net.\n"
    many = "".join(f"h{number} 60 A 192.0.2.1\n" for number in range(5000))
    few = "a 60 A 192.0.2.1\nh17 60 A 192.0.2.1\nh4999 60 A 192.0.2.1\nz 60 A 192.0.2.1\n"
    for denial in (Nsec(), Nsec3()):
        previous = sign_zone(parse_zone(head + many, "example.nl"), KEYS, validity=VALIDITY, denial=denial)
        reuse = Reuse(previous=previous, now=VALIDITY.inception)
        prepared = prepare_signing(
            parse_zone(head + few, "example.nl"), KEYS, validity=VALIDITY, denial=denial, reuse=reuse
        )
        earlier = [segment.earlier for segment in prepared.segments()]
        assert max(map(len, earlier)) < 1000
        assert {b"\x03h17\x07example\x02nl\x00", b"\x05h4999\x07example\x02nl\x00"} <= set().union(*earlier)


def resigned(previous: Zone, now: datetime, signatures_refresh: timedelta) -> Zone:
    fresh = SignatureValidity.starting(now, timedelta(days=14))
    reuse = Reuse(previous=previous, now=now, signatures_refresh=signatures_refresh)
    return sign_zone(ZONE, KEYS, validity=fresh, reuse=reuse)


@pytest.mark.parametrize(
    ("signatures_refresh", "before_expiration", "stays"),
    [
        (timedelta(0), SECOND, True),
        (timedelta(0), timedelta(0), False),
        (timedelta(0), -SECOND, False),  # it has expired, however little one asks for
        (timedelta(0), -timedelta(days=60), False),
        (SECOND, SECOND, False),
        (SECOND, 2 * SECOND, True),
        (SECOND / 2, SECOND, False),  # half a second is a whole one: a signature is rather made than missing
        (SECOND / 2, 2 * SECOND, True),
    ],
    ids=str,
)
def test_a_signature_stays_while_it_lasts_longer_than_the_refresh_time(
    signatures_refresh: timedelta, before_expiration: timedelta, stays: bool
) -> None:
    before = sign_zone(ZONE, KEYS, validity=VALIDITY)
    now = VALIDITY.expiration - before_expiration
    after = resigned(before, now, signatures_refresh)
    fresh = sign_zone(ZONE, KEYS, validity=SignatureValidity.starting(now, timedelta(days=14)))
    assert list(after.nodes()) == list((before if stays else fresh).nodes())
