"""Every step over every shape of zone: one CSK, two algorithms, the root, a top-level domain, an origin in mixed case.

What a step may change is spelled out for each in :data:`STEPS`, and held against ``Zone.diff`` with either kind of denial
and with a ZONEMD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import dns.dnssec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.keyring import NOW, VALIDITY, csk, ksk, zsk
from tests.peers import assert_accepted, dnssec_verify, kzonecheck, ldns_verify_zone
from tests.signed_zones import assert_signed
from tests.strategies import signable_zones
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.apex import (
    ParentRecords,
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
from zonekit.errors import SigningError
from zonekit.files import write_zone
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey
from zonekit.names import name_text, parse_origin
from zonekit.serials import SerialPolicy, next_serial
from zonekit.signing import sign_rrset, sign_zone
from zonekit.ttl import Ttl
from zonekit.zonefile import parse_zone
from zonekit.zonemd import current_zonemd
from zonekit.zones import RRset, Zone

TEXT = """\
@         3600 SOA   ns1 Hostmaster 7 7200 3600 1209600 300
@        86400 NS    ns1
@          600 MX    10 Mail
ns1      86400 A     192.0.2.53
ns2      86400 AAAA  2001:db8::53
Mail      3600 A     192.0.2.25
*.w       3600 TXT   "anything"
a.b.c      300 TXT   "below two empty non-terminals"
safe     86400 NS    ns.safe
safe     86400 DS    4711 13 2 0000000000000000000000000000000000000000000000000000000000000001
ns.safe  86400 A     192.0.2.54
open     86400 NS    ns1
"""
LATER = SignatureValidity.starting(NOW + timedelta(days=1), timedelta(days=14))
AT = NOW + timedelta(days=1)


@dataclass(frozen=True)
class Operator:
    """A zone's operator: its keys, and the keys that another operator has."""

    origin: str
    keys: tuple[SigningKey, ...]
    foreign: tuple[Dnskey, ...]
    verify_options: tuple[str, ...] = field(default=())

    def signed(self, denial: Denial, *, zonemd: bool = False, zone: Zone | None = None) -> Zone:
        plain = zone or parse_zone(TEXT, self.origin)
        if zonemd:
            rdata = bytes(4) + b"\x01\x01" + bytes(48)
            plain = plain.replace(RRset(owner=plain.apex, rdtype=rd.ZONEMD, ttl=Ttl(3600), rdatas=(rdata,)))
        return sign_zone(plain, self.keys, validity=VALIDITY, denial=denial, dnskey_ttl=86400)


def operator(origin: str, *keys: SigningKey, verify_options: tuple[str, ...] = ()) -> Operator:
    owner = origin.lower()
    foreign = (*parse_dnskeys(ksk(owner=owner, number=1)), *parse_dnskeys(zsk(owner=owner, number=1)))
    return Operator(origin=origin, keys=keys, foreign=foreign, verify_options=verify_options)


def pair(owner: str, algorithm: Algorithm = Algorithm.ECDSAP256SHA256) -> tuple[SigningKey, SigningKey]:
    return ksk(algorithm, owner), zsk(algorithm, owner)


OPERATORS = {
    "one CSK": operator("example.nl", csk(), verify_options=("-z",)),
    "two algorithms": operator("example.nl", *pair("example.nl"), *pair("example.nl", Algorithm.ED25519)),
    "the root": operator(".", *pair(".")),
    "a top-level domain": operator("nl", *pair("nl")),
    "mixed case": operator("Example.NL", *pair("eXAMPLE.nl")),
}
DENIALS = {"NSEC": Nsec(), "NSEC3": Nsec3(salt=b"\xab"), "opt-out": Nsec3(opt_out=OptOut.ON)}
of_every_operator = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
with_every_denial = pytest.mark.parametrize("denial", DENIALS.values(), ids=DENIALS)


def differences(before: Zone, after: Zone) -> set[str]:
    """Owner, type and covered type of what differs, the apex as @; everything else has to be the same bytes."""
    diff = before.diff(after)
    changed = [*diff.added, *diff.removed, *(newer for _, newer in diff.changed)]
    touched = {rrset.owner.lower() for rrset in changed}
    assert after.apex == before.apex
    untouched = [[node for node in zone.nodes() if node[0].lower() not in touched] for zone in (before, after)]
    assert untouched[0] == untouched[1]
    return {subject(before, rrset) for rrset in changed}


def subject(zone: Zone, rrset: RRset) -> str:
    owner = "@" if rrset.name == zone.origin else name_text(rrset.owner).lower()
    covered = f" {rd.type_text(rrset.covers)}" if rrset.covers else ""
    return f"{owner} {rrset.type_text}{covered}"


def with_signatures(*types: str) -> set[str]:
    """These types at the apex, and their signatures."""
    return {f"@ {rdtype}" for rdtype in types} | {f"@ RRSIG {rdtype}" for rdtype in types}


def expect(before: Zone, after: Zone, expected: Iterable[str], *, serial: bool = True) -> None:
    """Fail unless the two differ in what is expected, in the SOA for its serial, and in the ZONEMD if there is one."""
    allowed = set(expected)
    if serial:
        allowed |= with_signatures("SOA")
        assert after.serial == next_serial(before.serial, SerialPolicy.INCREMENT)
    if before.get("@", "ZONEMD") is not None:
        allowed |= with_signatures("ZONEMD")
        assert current_zonemd(after) == after.get("@", "ZONEMD")
    assert differences(before, after) == allowed


def denial_of_apex(zone: Zone, denial: Denial) -> set[str]:
    """The record that lists the apex's types, and its signature."""
    if isinstance(denial, Nsec):
        return with_signatures("NSEC")
    owner = name_text(hashed_owner(denial.hash(zone.apex), zone.apex)).lower()
    return {f"{owner} NSEC3", f"{owner} RRSIG NSEC3"}


Step = Callable[[Zone, Operator], Zone]


def _merged(zone: Zone, by: Operator) -> Zone:
    return merge_dnskeys(zone, by.foreign, signers=by.keys, validity=LATER)


def _withdrawn(zone: Zone, by: Operator) -> Zone:
    return withdraw_dnskeys(zone, by.foreign, signers=by.keys, validity=LATER)


# What each step may change beside the SOA and the ZONEMD.
STEPS: dict[str, tuple[Step, set[str]]] = {
    "resign_dnskeys": (lambda zone, by: resign_dnskeys(zone, signers=by.keys, validity=LATER), {"@ RRSIG DNSKEY"}),
    "merge_dnskeys": (_merged, with_signatures("DNSKEY")),
    "lower_ttls": (
        lambda zone, by: lower_ttls(zone, signers=by.keys, validity=LATER).zone,
        with_signatures("NS", "DNSKEY"),
    ),
    "change_ns": (
        lambda zone, by: change_ns(zone, ["NS1", "ns2"], signers=by.keys, validity=LATER),
        with_signatures("NS"),
    ),
    "with_serial": (lambda zone, by: with_serial(zone, signers=by.keys, validity=LATER), set()),
}


@of_every_operator
@with_every_denial
@pytest.mark.parametrize("zonemd", [False, True], ids=["", "ZONEMD"])
@pytest.mark.parametrize("name", STEPS)
def test_a_step_changes_what_it_is_about_and_leaves_the_zone_signed(
    operator: Operator, denial: Denial, zonemd: bool, name: str
) -> None:
    step, expected = STEPS[name]
    before = operator.signed(denial, zonemd=zonemd)
    after = step(before, operator)
    expect(before, after, expected)
    assert after.blocks is before.blocks
    assert_signed(after, operator.keys, denial, AT)


@of_every_operator
@with_every_denial
@pytest.mark.parametrize("zonemd", [False, True], ids=["", "ZONEMD"])
def test_withdrawing_brings_back_the_zone_before_the_merge(operator: Operator, denial: Denial, zonemd: bool) -> None:
    before = operator.signed(denial, zonemd=zonemd)
    fresh = resign_dnskeys(before, signers=operator.keys, validity=LATER)
    merged = _merged(fresh, operator)
    back = _withdrawn(merged, operator)
    expect(merged, back, with_signatures("DNSKEY"))
    assert differences(fresh, back) <= with_signatures("SOA", "ZONEMD")
    assert_signed(back, operator.keys, denial, AT)


@of_every_operator
@with_every_denial
@pytest.mark.parametrize("zonemd", [False, True], ids=["", "ZONEMD"])
def test_parent_records_come_with_the_keys_and_go_into_the_denial(
    operator: Operator, denial: Denial, zonemd: bool
) -> None:
    before = operator.signed(denial, zonemd=zonemd)
    merged = merge_dnskeys(
        before, operator.foreign, signers=operator.keys, validity=LATER, parent_records=ParentRecords.PUBLISH
    )
    key_sets = with_signatures("DNSKEY", "CDS", "CDNSKEY")
    expect(before, merged, key_sets | denial_of_apex(before, denial))
    assert_signed(merged, operator.keys, denial, AT)
    sep_keys = [key for key in merged.apex_rrset(rd.DNSKEY).to_dnspython() if key.flags == 257]
    assert set(merged.apex_rrset(rd.CDNSKEY).rdatas) == {key.to_wire() for key in sep_keys}
    expected = {dns.dnssec.make_ds(merged.origin, key, "SHA256").to_wire() for key in sep_keys}
    assert {rdata for rdata in merged.apex_rrset(rd.CDS).rdatas if rdata[3] == 2} == expected
    back = withdraw_dnskeys(
        merged, operator.foreign, signers=operator.keys, validity=LATER, parent_records=ParentRecords.PUBLISH
    )
    expect(merged, back, key_sets)
    assert_signed(back, operator.keys, denial, AT)


@of_every_operator
@with_every_denial
@pytest.mark.parametrize("zonemd", [False, True], ids=["", "ZONEMD"])
@pytest.mark.parametrize("cap", [0, 600, 3600])
def test_lowering_in_the_whole_zone_touches_what_is_above_and_restoring_brings_it_back(
    operator: Operator, denial: Denial, zonemd: bool, cap: int
) -> None:
    before = operator.signed(denial, zonemd=zonemd)
    by = {"signers": operator.keys, "validity": LATER}
    lowered = lower_ttls(before, cap, types=None, scope=TtlScope.ZONE, **by)
    above = [rrset for rrset in before.rrsets() if rrset.ttl > cap]
    expect(before, lowered.zone, {subject(before, rrset) for rrset in above})
    assert {rrset.ttl for rrset in lowered.zone.rrsets()} <= set(range(cap + 1))
    assert_signed(lowered.zone, operator.keys, denial, AT)
    restored = restore_ttls(lowered.zone, lowered.changes, **by)
    expect(lowered.zone, restored.zone, {subject(before, rrset) for rrset in above})
    ttls = [
        [(rrset.owner, rrset.rdtype, rrset.covers, rrset.ttl) for rrset in zone.rrsets()]
        for zone in (before, restored.zone)
    ]
    assert ttls[0] == ttls[1]
    assert_signed(restored.zone, operator.keys, denial, AT)


@of_every_operator
@pytest.mark.parametrize("name", [name for name in STEPS if name != "with_serial"])
def test_a_step_that_leaves_the_serial_leaves_the_soa(operator: Operator, name: str) -> None:
    steps: dict[str, Callable[[Zone], Zone]] = {
        "resign_dnskeys": lambda zone: resign_dnskeys(zone, serial=zone.serial, **by),
        "merge_dnskeys": lambda zone: merge_dnskeys(zone, operator.foreign, serial=zone.serial, **by),
        "lower_ttls": lambda zone: lower_ttls(zone, serial=zone.serial, **by).zone,
        "change_ns": lambda zone: change_ns(zone, ["ns1", "ns2"], serial=zone.serial, **by),
    }
    by = {"signers": operator.keys, "validity": LATER}
    for zonemd in (False, True):
        before = operator.signed(Nsec(), zonemd=zonemd)
        expect(before, steps[name](before), STEPS[name][1], serial=False)


@of_every_operator
def test_the_letter_case_of_the_apex_and_of_the_keys_does_not_matter(operator: Operator) -> None:
    """The same zone whose origin is in capitals: the same signatures, and every owner as it was."""
    zones = [parse_zone(TEXT, origin) for origin in (operator.origin, operator.origin.upper())]
    signed = [operator.signed(Nsec3(), zone=zone) for zone in zones]
    for step, _ in STEPS.values():
        signed = [step(zone, operator) for zone in signed]
        assert not signed[0].diff(signed[1])
    assert [zone.apex for zone in signed] == [parse_origin(operator.origin), parse_origin(operator.origin.upper())]


@pytest.mark.parametrize(
    "missing", OPERATORS["two algorithms"].keys, ids=lambda key: f"{key.role.value} of {key.algorithm.name}"
)
@pytest.mark.parametrize("name", STEPS)
def test_without_a_key_of_one_algorithm_nothing_is_left_half_signed(name: str, missing: SigningKey) -> None:
    both = OPERATORS["two algorithms"]
    before = both.signed(Nsec())
    alone = Operator(
        origin=both.origin, keys=tuple(key for key in both.keys if key is not missing), foreign=both.foreign
    )
    step, expected = STEPS[name]
    if not missing.signs_dnskey:
        with pytest.raises(SigningError, match=rf"(SOA|NS): it is signed by {missing.key_tag} .* too"):
            step(before, alone)
    elif name in ("merge_dnskeys", "lower_ttls"):  # which change the DNSKEY RRset, or its TTL
        with pytest.raises(SigningError, match=rf"DNSKEY: it is signed by {missing.key_tag} .* too"):
            step(before, alone)
    else:
        after = step(before, alone)  # what the KSK signed stays, and so does its signature
        expect(before, after, expected)
        assert_signed(after, both.keys, Nsec(), AT)


def test_a_key_that_signs_a_key_set_below_the_apex_signs_data() -> None:
    """CDS and CDNSKEY are the parent's to read at the apex alone; anywhere else a ZSK signs them, like any RRset."""
    own, coming = pair("example.nl"), zsk(number=1)
    cds = RRset.from_text("www.example.nl.", 300, "CDS", f"4711 13 2 {'00' * 32}")
    zone = sign_zone(parse_zone(TEXT, "example.nl").replace(cds), own, validity=VALIDITY)
    published = merge_dnskeys(zone, parse_dnskeys(coming), signers=own, validity=LATER)
    by_coming = published.replace(sign_rrset(cds, [coming], validity=LATER))
    with pytest.raises(SigningError, match=f"DNSKEY {coming.key_tag} .*signs"):
        withdraw_dnskeys(by_coming, parse_dnskeys(coming), signers=own, validity=LATER)
    assert_signed(withdraw_dnskeys(published, parse_dnskeys(coming), signers=own, validity=LATER), own, Nsec(), AT)


def test_denial_stays_within_an_soa_that_is_not_restored() -> None:
    one = OPERATORS["one CSK"]
    by = {"signers": one.keys, "validity": LATER}
    lowered = lower_ttls(one.signed(Nsec()), 60, types=None, scope=TtlScope.ZONE, **by)
    of_soa = [change for change in lowered.changes if change.rdtype == "SOA"]
    moved_on = lower_ttls(restore_ttls(lowered.zone, of_soa, **by).zone, 120, types=["SOA"], **by).zone
    restored = restore_ttls(moved_on, lowered.changes, **by).zone
    assert restored.soa.ttl == 120, "it is no longer what the lowering left, and stays"
    assert restored.apex_rrset(rd.NSEC).ttl == 120
    assert_signed(restored, one.keys, Nsec(), AT)


@settings(max_examples=12)
@given(data=st.data())
@of_every_operator
def test_a_whole_transfer_leaves_any_zone_signed(operator: Operator, data: st.DataObject) -> None:
    plain = data.draw(signable_zones(origin=parse_origin(operator.origin)))
    denial = data.draw(st.sampled_from(list(DENIALS.values())))
    zone = operator.signed(denial, zonemd=data.draw(st.booleans()), zone=plain)
    before = zone
    for name in ("merge_dnskeys", "lower_ttls", "resign_dnskeys", "with_serial"):
        step, expected = STEPS[name]
        after = step(zone, operator)
        allowed = expected | with_signatures("SOA", "ZONEMD")
        assert differences(zone, after) <= allowed
        assert_signed(after, operator.keys, denial, AT)
        zone = after
    changes = lower_ttls(before, signers=operator.keys, validity=LATER).changes
    zone = restore_ttls(_withdrawn(zone, operator), changes, signers=operator.keys, validity=LATER).zone
    assert_signed(zone, operator.keys, denial, AT)
    assert not differences(before, zone) - with_signatures("SOA", "ZONEMD") - {"@ RRSIG DNSKEY", "@ RRSIG NS"}


@of_every_operator
@pytest.mark.parametrize("denial", [Nsec(), Nsec3(salt=b"\xab")], ids=["NSEC", "NSEC3"])
def test_peers_accept_a_transfer_after_every_step(operator: Operator, denial: Denial, tmp_path: Path) -> None:
    zone = operator.signed(denial, zonemd=True)
    steps: list[Step] = [
        lambda zone, by: merge_dnskeys(
            zone, by.foreign, signers=by.keys, validity=LATER, parent_records=ParentRecords.PUBLISH
        ),
        lambda zone, by: lower_ttls(zone, types=None, scope=TtlScope.ZONE, signers=by.keys, validity=LATER).zone,
        lambda zone, by: change_ns(zone, ["ns1", "ns2"], signers=by.keys, validity=LATER),
        lambda zone, by: withdraw_dnskeys(
            zone, by.foreign, signers=by.keys, validity=LATER, parent_records=ParentRecords.PUBLISH
        ),
    ]
    for step in steps:
        zone = step(zone, operator)
        write_zone(zone, tmp_path / "zone")
        assert_accepted(dnssec_verify(tmp_path / "zone", operator.origin, AT, *operator.verify_options))
        if operator.keys == (csk(),):
            # To Knot a key with the SEP flag signs no data beside other keys; it refuses what dnssec-signzone -z makes.
            assert_accepted(ldns_verify_zone(tmp_path / "zone", AT))
        else:
            assert_accepted(kzonecheck(tmp_path / "zone", operator.origin, AT))
