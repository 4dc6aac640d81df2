"""The steps on a signed zone: what changes, what stays the same bytes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.keyring import NOW, VALIDITY, csk, ksk, zsk
from tests.signed_zones import assert_signed
from tests.strategies import ORIGIN, signable_zones
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.apex import (
    ParentRecords,
    TtlChange,
    TtlScope,
    change_ns,
    lower_ttls,
    merge_dnskeys,
    resign_dnskeys,
    restore_ttls,
    with_serial,
    withdraw_dnskeys,
)
from zonekit.denial import Denial, Nsec, Nsec3, OptOut, hashed_owner
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.ds import make_cdnskey, make_cds
from zonekit.errors import (
    KeyTagCollision,
    ResponseTooLarge,
    RoleMismatch,
    SerialError,
    SigningError,
    TtlError,
    WrongOwner,
    ZoneError,
)
from zonekit.instants import SignatureValidity
from zonekit.keys import KeyRole, SigningKey, generate_zsk
from zonekit.names import from_wire_name, name_text, order_key
from zonekit.nodes import Node
from zonekit.signatures import verify_rrset
from zonekit.signing import ForeignRecords, sign_rrset, sign_zone
from zonekit.ttl import Ttl
from zonekit.zonemd import current_zonemd, zone_digest
from zonekit.zones import NameStatus, RRset, Zone

KEYS = (ksk(), zsk())
FOREIGN: tuple[Dnskey, ...] = (
    *parse_dnskeys(ksk(number=1)),
    *parse_dnskeys(zsk(number=1)),
)
LATER = SignatureValidity.starting(NOW + timedelta(days=1), timedelta(days=14))
denials: st.SearchStrategy[Denial] = st.sampled_from((Nsec(), Nsec3(), Nsec3(opt_out=OptOut.ON)))


@st.composite
def signed_zones(draw: st.DrawFn) -> Zone:
    zone = draw(signable_zones())
    if draw(st.booleans()):
        zone = with_zonemd(zone)
    return sign_zone(zone, KEYS, validity=VALIDITY, denial=draw(denials))


def with_zonemd(zone: Zone) -> Zone:
    rdata = bytes(4) + b"\x01\x01" + bytes(48)
    return zone.replace(RRset(owner=ORIGIN, rdtype=rd.ZONEMD, ttl=Ttl(3600), rdatas=(rdata,)))


def plain_zone(*more: RRset) -> Zone:
    return Zone.from_rrsets(
        "example.nl",
        [
            RRset.from_text("example.nl.", 3600, "SOA", "ns1.example.net. admin.example.nl. 7 7200 3600 1209600 300"),
            RRset.from_text("example.nl.", 86400, "NS", "ns1.example.net.", "ns2.example.net."),
            RRset.from_text("www.example.nl.", 3600, "A", "192.0.2.1"),
            *more,
        ],
    )


def signed_zone(*more: RRset, keys: Sequence[SigningKey] = KEYS, denial: Denial = Nsec(), ttl: int = 86400) -> Zone:
    return sign_zone(plain_zone(*more), keys, validity=VALIDITY, denial=denial, dnskey_ttl=ttl)


def changed_types(before: Zone, after: Zone) -> set[tuple[str, int, int]]:
    """Owner, type and covered type of every RRset whose bytes differ."""
    first = {(name_text(rrset.owner), rrset.rdtype, rrset.covers): rrset for rrset in before.rrsets()}
    second = {(name_text(rrset.owner), rrset.rdtype, rrset.covers): rrset for rrset in after.rrsets()}

    def octets(rrset: RRset | None) -> object:
        return None if rrset is None else (rrset.owner, rrset.ttl, rrset.rdatas)

    return {key for key in first.keys() | second.keys() if octets(first.get(key)) != octets(second.get(key))}


def nodes_but_the_apex(zone: Zone) -> list[tuple[bytes, Node]]:
    return list(zone.nodes())[1:]


APEX = "example.nl."
SOA_AND_DNSKEY = {
    *((APEX, rd.DNSKEY, 0), (APEX, rd.RRSIG, rd.DNSKEY), (APEX, rd.SOA, 0), (APEX, rd.RRSIG, rd.SOA)),
    *((APEX, rd.ZONEMD, 0), (APEX, rd.RRSIG, rd.ZONEMD)),
}


# ---- merging --------------------------------------------------------------------------------------------------------


@given(signed_zones())
def test_merging_changes_the_dnskey_rrset_the_serial_and_their_signatures_alone(zone: Zone) -> None:
    merged = merge_dnskeys(zone, FOREIGN, signers=KEYS, validity=LATER)
    expected = SOA_AND_DNSKEY
    if zone.get("@", rd.ZONEMD) is None:
        expected = {change for change in expected if rd.ZONEMD not in change}
    assert changed_types(zone, merged) == expected
    assert nodes_but_the_apex(merged) == nodes_but_the_apex(zone)
    assert merged.blocks is zone.blocks
    assert merged.serial == (zone.serial + 1) % 2**32 or merged.serial == 1
    published = {*zone.apex_rrset(rd.DNSKEY).rdatas, *(key.dnskey_rdata for key in FOREIGN)}
    assert set(merged.apex_rrset(rd.DNSKEY).rdatas) == published


@given(signed_zones())
def test_after_a_merge_the_losing_ksk_still_validates_the_dnskey_rrset(zone: Zone) -> None:
    merged = merge_dnskeys(zone, FOREIGN, signers=KEYS, validity=LATER)
    dnskeys = merged.apex_rrset(rd.DNSKEY)
    anchor = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=dnskeys.ttl, rdatas=(ksk().dnskey_rdata,))
    for rdtype, keys in ((rd.DNSKEY, anchor), (rd.SOA, dnskeys)):
        rrsigs = merged.signatures("@", rdtype)
        assert rrsigs is not None
        assert verify_rrset(merged.apex_rrset(rdtype), rrsigs, keys, now=NOW + timedelta(days=1))


@given(signed_zones())
def test_merging_is_idempotent_commutative_and_associative(zone: Zone) -> None:
    def merge(start: Zone, *keys: Dnskey) -> Zone:
        return merge_dnskeys(start, keys, signers=KEYS, validity=LATER, serial=zone.serial)

    first, second = FOREIGN
    both = merge(zone, first, second)
    for other in (merge(both, first, second), merge(zone, second, first), merge(merge(zone, second), first)):
        assert list(other.nodes()) == list(both.nodes())


@given(signed_zones(), st.sampled_from(ParentRecords))
def test_withdrawing_undoes_merging(zone: Zone, parent_records: ParentRecords) -> None:
    fresh = resign_dnskeys(zone, signers=KEYS, validity=LATER, serial=zone.serial)
    merged = merge_dnskeys(
        fresh, FOREIGN, signers=KEYS, validity=LATER, serial=zone.serial, parent_records=parent_records
    )
    back = withdraw_dnskeys(
        merged, FOREIGN, signers=KEYS, validity=LATER, serial=zone.serial, parent_records=parent_records
    )
    if parent_records is ParentRecords.LEAVE:
        assert list(back.nodes()) == list(fresh.nodes())
    else:
        published = resign_dnskeys(
            fresh, signers=KEYS, validity=LATER, serial=zone.serial, parent_records=ParentRecords.PUBLISH
        )
        assert list(back.nodes()) == list(published.nodes())


@given(signable_zones(), denials, st.booleans())
def test_a_merge_with_parent_records_leaves_a_zone_that_is_signed_right(
    zone: Zone, denial: Denial, zonemd: bool
) -> None:
    signed = sign_zone(with_zonemd(zone) if zonemd else zone, KEYS, validity=VALIDITY, denial=denial)
    merged = merge_dnskeys(signed, FOREIGN, signers=KEYS, validity=LATER, parent_records=ParentRecords.PUBLISH)
    assert_signed(merged, KEYS, denial, NOW + timedelta(days=1))
    cds = merged.apex_rrset(rd.CDS)
    cdnskey = merged.apex_rrset(rd.CDNSKEY)
    assert {rdata[:2] for rdata in cds.rdatas} == {key.key_tag.to_bytes(2, "big") for key in (ksk(), ksk(number=1))}
    assert set(cdnskey.rdatas) == {ksk().dnskey_rdata, ksk(number=1).dnskey_rdata}
    if zonemd:
        assert current_zonemd(merged) == merged.get("@", rd.ZONEMD)


def test_merging_both_ways_lets_each_side_validate_the_other() -> None:
    losing, gaining = signed_zone(), signed_zone(keys=(ksk(number=1), zsk(number=1)))
    losing_merged = merge_dnskeys(losing, FOREIGN, signers=KEYS, validity=VALIDITY)
    gaining_merged = merge_dnskeys(
        gaining, parse_dnskeys(zsk()), signers=(ksk(number=1), zsk(number=1)), validity=VALIDITY
    )
    for data in (losing_merged, gaining_merged):
        for keys in (losing_merged, gaining_merged):
            rrsigs = data.signatures("www", "A")
            rrset = data.get("www", "A")
            assert rrsigs is not None and rrset is not None
            assert verify_rrset(rrset, rrsigs, keys.apex_rrset(rd.DNSKEY), now=NOW)


def test_a_refused_key_refuses_the_merge() -> None:
    zone = signed_zone()
    stranger = parse_dnskeys(ksk(owner="example.org"))
    with pytest.raises(WrongOwner, match=r"example\.org\."):
        merge_dnskeys(zone, [*FOREIGN, *stranger], signers=KEYS, validity=LATER)


def test_a_key_offered_for_another_role_refuses_the_merge() -> None:
    with pytest.raises(RoleMismatch):
        merge_dnskeys(signed_zone(), FOREIGN, signers=KEYS, validity=LATER, roles={FOREIGN[0]: KeyRole.ZSK})


def test_a_merge_that_makes_the_response_too_large_is_refused_and_may_be_forced() -> None:
    many = [parse_dnskeys(zsk(Algorithm.RSASHA512, number=number))[0] for number in range(3)]
    many += parse_dnskeys(ksk(Algorithm.RSASHA512))
    zone = signed_zone()
    with pytest.raises(ResponseTooLarge, match="1232"):
        merge_dnskeys(zone, many, signers=KEYS, validity=LATER)
    merged = merge_dnskeys(zone, many, signers=KEYS, validity=LATER, max_response_octets=None)
    assert len(merged.apex_rrset(rd.DNSKEY).rdatas) == 6


def test_an_unsigned_zone_takes_no_foreign_keys() -> None:
    with pytest.raises(SigningError, match="the zone is not signed; sign it with sign_zone first"):
        zone = plain_zone(RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(60), rdatas=(ksk().dnskey_rdata,)))
        merge_dnskeys(zone, FOREIGN, signers=KEYS, validity=LATER)
    with pytest.raises(SigningError, match="the zone is not signed; sign it with sign_zone first"):
        merge_dnskeys(plain_zone(), FOREIGN, signers=KEYS, validity=LATER)


# ---- signatures that would go missing -------------------------------------------------------------------------------


def test_a_ksk_alone_can_merge_when_the_serial_stays() -> None:
    zone = signed_zone()
    merged = merge_dnskeys(zone, FOREIGN, signers=[ksk()], validity=LATER, serial=zone.serial)
    assert changed_types(zone, merged) == {(APEX, rd.DNSKEY, 0), (APEX, rd.RRSIG, rd.DNSKEY)}
    with pytest.raises(SigningError, match=r"SOA: no ZSK of algorithm 13 .* or give serial=zone\.serial"):
        merge_dnskeys(zone, FOREIGN, signers=[ksk()], validity=LATER)


def test_a_zsk_alone_cannot_merge() -> None:
    with pytest.raises(SigningError, match="DNSKEY: no KSK of algorithm 13 is among the signers"):
        merge_dnskeys(signed_zone(), FOREIGN, signers=[zsk()], validity=LATER)


def test_an_algorithm_that_signed_must_sign_again() -> None:
    zone = signed_zone(keys=[*KEYS, csk(Algorithm.ED25519)])
    with pytest.raises(SigningError, match=r"SOA: it is signed by \d+ \(algorithm 15\) too"):
        resign_dnskeys(zone, signers=KEYS, validity=LATER)


def test_the_signature_of_another_ksk_is_not_lost_in_silence() -> None:
    zone = signed_zone(keys=[*KEYS, ksk(number=2)])
    with pytest.raises(SigningError, match=f"it is signed by {ksk(number=2).key_tag} .*too.*add that key"):
        merge_dnskeys(zone, FOREIGN, signers=KEYS, validity=LATER)
    merged = merge_dnskeys(zone, FOREIGN, signers=[*KEYS, ksk(number=2)], validity=LATER)
    rrsigs = merged.signatures("@", rd.DNSKEY)
    assert rrsigs is not None and len(rrsigs.rdatas) == 2


def test_the_signature_of_another_zsk_is_not_lost_in_silence() -> None:
    zone = signed_zone(keys=[*KEYS, zsk(number=1)])
    refusal = rf"SOA: it is signed by {zsk(number=1).key_tag} .*too.*add that key to the signers, .*DROP_SIGNATURES"
    with pytest.raises(SigningError, match=refusal):
        with_serial(zone, signers=KEYS, validity=LATER)
    both = with_serial(zone, signers=[*KEYS, zsk(number=1)], validity=LATER)
    assert_signed(both, [*KEYS, zsk(number=1)], Nsec(), NOW + timedelta(days=1))
    alone = sign_zone(zone, KEYS, validity=VALIDITY, foreign_records=ForeignRecords.DROP_SIGNATURES)
    assert_signed(with_serial(alone, signers=KEYS, validity=LATER), KEYS, Nsec(), NOW + timedelta(days=1))


def test_a_signature_of_a_key_that_nobody_publishes_is_dropped_with_what_it_covered() -> None:
    theirs = sign_rrset(signed_zone().soa, [zsk(number=1)], validity=VALIDITY)
    stepped = with_serial(signed_zone().add(theirs), signers=KEYS, validity=LATER)
    assert_signed(stepped, KEYS, Nsec(), NOW + timedelta(days=1))


def test_re_signing_without_a_change_keeps_the_signature_of_another_ksk() -> None:
    zone = signed_zone(keys=[*KEYS, ksk(number=2)])
    again = resign_dnskeys(zone, signers=KEYS, validity=LATER, serial=zone.serial)
    before, after = zone.signatures("@", rd.DNSKEY), again.signatures("@", rd.DNSKEY)
    assert before is not None and after is not None
    assert len(after.rdatas) == 2
    assert len(set(before.rdatas) & set(after.rdatas)) == 1


def test_signers_that_the_zone_does_not_publish_are_refused() -> None:
    with pytest.raises(SigningError, match="the DNSKEY RRset lacks the signer"):
        resign_dnskeys(signed_zone(), signers=[ksk(number=1), zsk(number=1)], validity=LATER)


def test_signers_of_another_zone_are_refused() -> None:
    with pytest.raises(SigningError, match="a signer belongs to another zone"):
        resign_dnskeys(signed_zone(), signers=[ksk(owner="example.org")], validity=LATER)


def test_a_signed_zone_needs_signers_and_a_validity() -> None:
    with pytest.raises(SigningError, match="the zone is signed; give its keys as signers, and a validity"):
        lower_ttls(signed_zone(), 600)
    with pytest.raises(SigningError, match="the zone is signed"):
        change_ns(signed_zone(), ["ns1.example.org."], signers=KEYS)


# ---- withdrawing ----------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_there_cannot_be_withdrawn() -> None:
    with pytest.raises(SigningError, match="is not in the zone"):
        withdraw_dnskeys(signed_zone(), FOREIGN, signers=KEYS, validity=LATER)


@pytest.mark.parametrize("own", KEYS)
def test_a_key_that_signs_the_zone_cannot_be_withdrawn(own: SigningKey) -> None:
    with pytest.raises(SigningError, match=r"signs this zone; sign the zone with other keys first"):
        withdraw_dnskeys(signed_zone(), parse_dnskeys(own), signers=KEYS, validity=LATER)


def test_a_ksk_that_left_the_signers_can_be_withdrawn() -> None:
    zone = signed_zone(keys=[*KEYS, ksk(number=2)])
    left = withdraw_dnskeys(zone, parse_dnskeys(ksk(number=2)), signers=KEYS, validity=LATER)
    assert_signed(left, KEYS, Nsec(), NOW + timedelta(days=1))


def test_a_key_that_still_signs_anything_in_the_zone_cannot_be_withdrawn() -> None:
    coming = zsk(number=1)
    zone = merge_dnskeys(signed_zone(), parse_dnskeys(coming), signers=KEYS, validity=VALIDITY)
    apex_signed_by_coming = sign_zone(
        zone, [ksk(), coming], validity=VALIDITY, foreign_records=ForeignRecords.DROP_SIGNATURES
    ).apex_node
    lowered = Zone.from_blocks(zone.apex, apex_signed_by_coming, zone.blocks)
    with pytest.raises(SigningError, match=f"DNSKEY {zsk().key_tag} .* signs this zone"):
        withdraw_dnskeys(lowered, parse_dnskeys(zsk()), signers=[ksk(), coming], validity=VALIDITY)
    resigned = sign_zone(lowered, [ksk(), coming], validity=VALIDITY, foreign_records=ForeignRecords.DROP_SIGNATURES)
    alone = withdraw_dnskeys(resigned, parse_dnskeys(zsk()), signers=[ksk(), coming], validity=VALIDITY)
    assert_signed(alone, [ksk(), coming], Nsec(), NOW)


def test_what_a_withdrawn_ksk_signed_beside_the_dnskeys_is_signed_anew() -> None:
    leaving = ksk(number=1)
    dnskeys = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(60), rdatas=(ksk().dnskey_rdata,))
    zone = signed_zone(make_cds(dnskeys, ttl=60), make_cdnskey(dnskeys, ttl=60), keys=[leaving, zsk()])
    both = merge_dnskeys(zone, parse_dnskeys(ksk()), signers=[leaving, zsk()], validity=VALIDITY)
    alone = withdraw_dnskeys(both, parse_dnskeys(leaving), signers=KEYS, validity=VALIDITY)
    assert_signed(alone, KEYS, Nsec(), NOW)
    assert alone.get("@", "CDS") == zone.get("@", "CDS")


@pytest.mark.parametrize("make", [make_cds, make_cdnskey])
def test_no_withdrawal_leaves_a_record_that_asks_for_the_ds_of_the_key(make: Callable[..., RRset]) -> None:
    leaving = ksk(number=1)
    dnskeys = RRset(owner=ORIGIN, rdtype=rd.DNSKEY, ttl=Ttl(60), rdatas=(leaving.dnskey_rdata,))
    zone = signed_zone(make(dnskeys, ttl=60), keys=[leaving, zsk()])
    both = merge_dnskeys(zone, parse_dnskeys(ksk()), signers=[leaving, zsk()], validity=VALIDITY)
    with pytest.raises(SigningError, match=r"(CDS|CDNSKEY): it would still ask .*ParentRecords\.PUBLISH"):
        withdraw_dnskeys(both, parse_dnskeys(leaving), signers=KEYS, validity=VALIDITY)
    alone = withdraw_dnskeys(
        both, parse_dnskeys(leaving), signers=KEYS, validity=VALIDITY, parent_records=ParentRecords.PUBLISH
    )
    assert_signed(alone, KEYS, Nsec(), NOW)
    assert alone.apex_rrset(rd.CDS) == make_cds(alone.apex_rrset(rd.DNSKEY), ttl=alone.apex_rrset(rd.DNSKEY).ttl)


def test_every_chain_of_a_zone_between_two_follows_the_apex() -> None:
    first, second = Nsec3(), Nsec3(salt=b"\xaa")
    zones = [signed_zone(denial=denial) for denial in (first, second)]
    held = [rrset for rrset in zones[0].rrsets() if rd.NSEC3PARAM not in (rrset.rdtype, rrset.covers)]
    held += [rrset for rrset in zones[1].rrsets() if rd.NSEC3 in (rrset.rdtype, rrset.covers)]
    params = RRset(owner=ORIGIN, rdtype=rd.NSEC3PARAM, ttl=Ttl(0), rdatas=(first.param_rdata(), second.param_rdata()))
    held += [params, sign_rrset(params, [zsk()], validity=VALIDITY)]
    merged = merge_dnskeys(
        Zone.from_rrsets("example.nl", held),
        FOREIGN,
        signers=KEYS,
        validity=VALIDITY,
        parent_records=ParentRecords.PUBLISH,
    )
    for denial in (first, second):
        nsec3 = merged.get(from_wire_name(hashed_owner(denial.hash(ORIGIN), ORIGIN)), "NSEC3")
        assert nsec3 is not None
        assert {"CDS", "CDNSKEY"} <= set(nsec3.text().split())


# ---- TTLs -----------------------------------------------------------------------------------------------------------


@given(signed_zones(), st.integers(0, 2**31 - 1))
def test_lowering_never_raises_and_re_signs_only_what_it_touched(zone: Zone, cap: int) -> None:
    lowered = lower_ttls(zone, cap, signers=KEYS, validity=LATER)
    touched = {(change.owner, rd.parse_type(change.rdtype)) for change in lowered.changes}
    for change in lowered.changes:
        assert change.old_ttl > change.new_ttl == cap
    above = {(APEX, rdtype) for rdtype in (rd.NS, rd.DNSKEY) if zone.apex_rrset(rdtype).ttl > cap}
    assert touched == above
    expected = {(owner, rdtype, 0) for owner, rdtype in touched} | {
        (owner, rd.RRSIG, rdtype) for owner, rdtype in touched
    }
    if touched:
        expected |= {(APEX, rd.SOA, 0), (APEX, rd.RRSIG, rd.SOA)}
        if zone.get("@", rd.ZONEMD) is not None:
            expected |= {(APEX, rd.ZONEMD, 0), (APEX, rd.RRSIG, rd.ZONEMD)}
        assert changed_types(zone, lowered.zone) == expected
    else:
        assert lowered.zone is zone
    for rdtype in (rd.NS, rd.DNSKEY):
        rrset, rrsigs = lowered.zone.apex_rrset(rdtype), lowered.zone.signatures("@", rdtype)
        assert rrsigs is not None
        assert rrset.ttl == min(zone.apex_rrset(rdtype).ttl, cap) == rrsigs.ttl
        assert {int.from_bytes(rdata[4:8], "big") for rdata in rrsigs.rdatas} == {rrset.ttl}


@given(signable_zones(), denials, st.integers(0, 90000), st.sets(st.sampled_from(["SOA", "A", "MX", "NS", "DS"])))
def test_lowering_anywhere_leaves_a_zone_that_is_signed_right(
    zone: Zone, denial: Denial, cap: int, types: set[str]
) -> None:
    signed = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)
    for chosen in (None, types):
        for scope in TtlScope:
            lowered = lower_ttls(signed, cap, types=chosen, scope=scope, signers=KEYS, validity=LATER)
            assert_signed(lowered.zone, KEYS, denial, NOW + timedelta(days=1))
            for status, rrset in lowered.zone.statuses():
                in_scope = scope is TtlScope.ZONE or status is NameStatus.APEX
                if in_scope and rrset.rdtype != rd.RRSIG and (chosen is None or rrset.type_text in chosen):
                    assert rrset.ttl <= cap


@given(signed_zones(), st.integers(0, 2**31 - 1), st.sampled_from(TtlScope))
def test_restoring_brings_every_ttl_back(zone: Zone, cap: int, scope: TtlScope) -> None:
    lowered = lower_ttls(zone, cap, types=None, scope=scope, signers=KEYS, validity=LATER)
    restored = restore_ttls(lowered.zone, lowered.changes, signers=KEYS, validity=LATER)
    before = {(order_key(rrset.owner), rrset.rdtype, rrset.covers): rrset.ttl for rrset in zone.rrsets()}
    after = {(order_key(rrset.owner), rrset.rdtype, rrset.covers): rrset.ttl for rrset in restored.zone.rrsets()}
    assert after == before
    assert len(restored.changes) == len(lowered.changes)


def test_a_delegation_above_the_cap_is_lowered_without_signatures() -> None:
    cut = RRset.from_text("sub.example.nl.", 86400, "NS", "ns.sub.example.nl.")
    glue = RRset.from_text("ns.sub.example.nl.", 86400, "A", "192.0.2.1")
    zone = signed_zone(cut, glue)
    lowered = lower_ttls(zone, 600, types=None, scope=TtlScope.ZONE, signers=KEYS, validity=LATER)
    assert all(rrset.ttl <= 600 for rrset in lowered.zone.rrsets())
    assert lowered.zone.signatures("sub", "NS") is None
    assert_signed(lowered.zone, KEYS, Nsec(), NOW + timedelta(days=1))


def test_restoring_leaves_what_has_changed_since() -> None:
    lowered = lower_ttls(signed_zone(), 600, signers=KEYS, validity=LATER)
    moved = change_ns(lowered.zone, ["ns1.example.org."], ttl=7200, signers=KEYS, validity=LATER)
    gone = TtlChange(owner="gone.example.nl.", rdtype="A", old_ttl=Ttl(86400), new_ttl=Ttl(600))
    restored = restore_ttls(moved, [*lowered.changes, gone], signers=KEYS, validity=LATER)
    assert [change.rdtype for change in restored.changes] == ["DNSKEY"]
    assert restored.zone.apex_rrset(rd.NS).ttl == 7200


def test_an_unsigned_zone_is_lowered_without_keys() -> None:
    lowered = lower_ttls(plain_zone(), 600)
    assert [(change.rdtype, change.old_ttl, change.new_ttl) for change in lowered.changes] == [("NS", 86400, 600)]
    assert lowered.zone.serial == 8


@pytest.mark.parametrize(
    ("rdtype", "follows"), [("RRSIG", "what it covers"), ("NSEC", "the SOA"), ("nsec3", "the SOA")]
)
def test_a_ttl_that_follows_another_is_not_lowered_by_itself(rdtype: str, follows: str) -> None:
    with pytest.raises(SigningError, match=f"is not chosen: it is that of {follows}; lower {follows} instead"):
        lower_ttls(signed_zone(), 600, types=["NS", rdtype], signers=KEYS, validity=LATER)


def test_a_restored_nsec_stays_within_what_the_soa_says_now() -> None:
    lowered = lower_ttls(signed_zone(), 60, types=None, scope=TtlScope.ZONE, signers=KEYS, validity=LATER)
    changes = [change for change in lowered.changes if change.rdtype != "SOA"]
    restored = restore_ttls(lowered.zone, changes, signers=KEYS, validity=LATER).zone
    assert restored.apex_rrset(rd.NSEC).ttl == restored.negative_ttl == 60
    assert_signed(restored, KEYS, Nsec(), NOW + timedelta(days=1))


def test_a_zone_with_any_signature_is_not_taken_for_unsigned() -> None:
    broken = signed_zone().remove("@", "RRSIG", "SOA")
    with pytest.raises(SigningError, match="the zone is signed"):
        lower_ttls(broken, 600)


def test_a_cap_that_is_no_ttl_is_refused() -> None:
    with pytest.raises(TtlError, match="outside 0 to"):
        lower_ttls(signed_zone(), -1, signers=KEYS, validity=LATER)


# ---- NS and SOA -----------------------------------------------------------------------------------------------------


@given(signed_zones())
def test_changing_the_ns_changes_nothing_else(zone: Zone) -> None:
    moved = change_ns(zone, ["ns1.gaining.example.", "ns2.gaining.example."], signers=KEYS, validity=LATER)
    changed = {(APEX, rd.NS, 0), (APEX, rd.RRSIG, rd.NS), (APEX, rd.SOA, 0), (APEX, rd.RRSIG, rd.SOA)}
    if zone.get("@", rd.ZONEMD) is not None:
        changed |= {(APEX, rd.ZONEMD, 0), (APEX, rd.RRSIG, rd.ZONEMD)}
    assert changed_types(zone, moved) == changed
    assert moved.apex_rrset(rd.NS).ttl == zone.apex_rrset(rd.NS).ttl


def test_a_name_server_in_the_zone_needs_an_address() -> None:
    with pytest.raises(ZoneError, match=r"ns1\.example\.nl\. lies in the zone and has no address there"):
        change_ns(plain_zone(), ["ns1"])
    assert change_ns(plain_zone(), ["www"]).apex_rrset(rd.NS).text().endswith("www.example.nl.")
    with pytest.raises(ZoneError, match="no name servers"):
        change_ns(plain_zone(), [])


def test_the_address_of_a_name_server_may_be_glue_or_come_from_a_wildcard() -> None:
    delegation = RRset.from_text("sub.example.nl.", 300, "NS", "ns1.sub.example.nl.")
    glue = RRset.from_text("ns1.sub.example.nl.", 300, "A", "192.0.2.1")
    assert change_ns(plain_zone(delegation, glue), ["ns1.sub"])
    wild = RRset.from_text("*.example.nl.", 300, "AAAA", "2001:db8::53")
    assert change_ns(plain_zone(wild), ["any.name"])
    below_a_cut = RRset.from_text("*.sub.example.nl.", 300, "A", "192.0.2.1")
    for refused in ("name.www", "name.sub"):  # below a name that is there, and below a delegation
        with pytest.raises(ZoneError, match="has no address there"):
            change_ns(plain_zone(wild, delegation, glue, below_a_cut), [refused])
    dname = RRset.from_text("x.example.nl.", 300, "DNAME", "example.net.")
    below_dname = RRset.from_text("ns.x.example.nl.", 300, "A", "192.0.2.1")
    with pytest.raises(ZoneError, match="has no address there"):
        change_ns(plain_zone(dname, below_dname), ["ns.x"])
    text = RRset.from_text("*.example.nl.", 300, "TXT", "no address")
    with pytest.raises(ZoneError, match="has no address there"):
        change_ns(plain_zone(text), ["any"])


@pytest.mark.parametrize(
    "server", [".", "*.example.net.", "*", "ns_1.example.net.", "-x.example.net.", "a\\032b.example.net.", "x-.nl."]
)
def test_what_is_no_host_name_is_no_name_server(server: str) -> None:
    with pytest.raises(ZoneError, match="is not the name of a host"):
        change_ns(plain_zone(), ["ns1.example.net.", server])


@pytest.mark.parametrize("server", ["192.0.2.1.", "192.0.2.1", "2001:db8::1", "2001:db8::1."])
def test_an_address_is_no_name_server(server: str) -> None:
    with pytest.raises(ZoneError, match=r"is an address; give the server's name"):
        change_ns(plain_zone(), ["ns1.example.net.", server])


@given(signed_zones())
def test_a_new_serial_re_signs_the_soa_alone(zone: Zone) -> None:
    bumped = with_serial(zone, signers=KEYS, validity=LATER)
    changed = {(APEX, rd.SOA, 0), (APEX, rd.RRSIG, rd.SOA)}
    if zone.get("@", rd.ZONEMD) is not None:
        changed |= {(APEX, rd.ZONEMD, 0), (APEX, rd.RRSIG, rd.ZONEMD)}
    assert changed_types(zone, bumped) == changed


def test_a_serial_that_goes_backwards_is_refused() -> None:
    with pytest.raises(SerialError, match=r"serial 6 is not after 7.*RFC 1982 section 3\.2"):
        with_serial(plain_zone(), 6)
    assert with_serial(plain_zone(), 7).serial == 7
    assert with_serial(plain_zone(), 2**31 + 6).serial == 2**31 + 6


# ---- ZONEMD ---------------------------------------------------------------------------------------------------------


def test_a_zonemd_that_cannot_be_recomputed_is_not_left_stale() -> None:
    private = RRset(owner=ORIGIN, rdtype=rd.ZONEMD, ttl=Ttl(60), rdatas=(bytes(4) + b"\xf0\x01" + bytes(48),))
    with pytest.raises(SigningError, match=r"ZONEMD scheme 240 .* remove that record first"):
        sign_zone(plain_zone(private), KEYS, validity=VALIDITY)
    with pytest.raises(SigningError, match="hash algorithm 9 is not supported"):
        zone_digest(plain_zone(), 9)


# ---- key tags -------------------------------------------------------------------------------------------------------


def test_keys_that_share_a_tag_do_not_sign_a_zone_together() -> None:
    seen: dict[int, SigningKey] = {}
    while True:  # a collision comes after about 300 keys
        key = generate_zsk("example.nl", algorithm=Algorithm.ED25519)
        twin = seen.setdefault(key.key_tag, key)
        if twin is not key:
            break
    with pytest.raises(KeyTagCollision, match=f"share key tag {key.key_tag}"):
        sign_zone(plain_zone(), [csk(Algorithm.ED25519), key, twin], validity=VALIDITY)
    zone = signed_zone(keys=[csk(Algorithm.ED25519), twin])
    with pytest.raises(KeyTagCollision):
        merge_dnskeys(zone, parse_dnskeys(key), signers=[csk(Algorithm.ED25519), twin], validity=LATER)
