"""The verifier's laws: what the signer makes is clean, what is carried over is what was the same, and nothing is guessed."""

from __future__ import annotations

import hashlib
import pickle
import random
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.keyring import NOW, SIGNING_ALGORITHMS, VALIDITY, csk, ksk, zsk
from tests.strategies import signable_zones, zones
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, DigestType
from zonekit.apex import merge_dnskeys
from zonekit.denial import Denial, Nsec, Nsec3, OptOut
from zonekit.dnskeys import Dnskey
from zonekit.ds import make_cdnskey, make_cds, make_ds
from zonekit.errors import DsError, TimeError, ZoneError, ZonekitError
from zonekit.findings import Finding, Severity
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey, generate_csk, generate_ksk, generate_zsk
from zonekit.names import order_key, parse_name
from zonekit.nodes import pack_record
from zonekit.signing import Jitter, sign_rrset, sign_zone
from zonekit.transfer.steps import STEPS, Flow
from zonekit.verifying import CODES, Verification, blocks, verify_chain, verify_zone
from zonekit.verifying import rrsigs as rrsigs_module
from zonekit.zonefile import parse_zone
from zonekit.zones import RRset, Zone

TEXT = """\
$TTL 3600
@ SOA ns1.example.net. admin 7 7200 3600 1209600 300
@ NS ns1
@ NS ns2.example.net.
ns1 A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::2
*.wild A 192.0.2.3
a.b.c TXT "below two empty non-terminals"
alias CNAME www
redirected DNAME example.org.
mail MX 10 www
secure NS ns.secure
secure DS 12345 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766
ns.secure A 192.0.2.4
x.insecure NS ns2.example.net.
"""
DENIALS: tuple[Denial, ...] = (
    *(
        Nsec(),
        Nsec3(),
        Nsec3(opt_out=OptOut.ON),
        Nsec3(iterations=3, salt=b"\xab"),
        Nsec3(opt_out=OptOut.ON, salt=b"\1"),
    ),
)
PLAIN = parse_zone(TEXT, "example.nl")
KEYS = (ksk(), zsk())


def signed(denial: Denial = DENIALS[0], zone: Zone = PLAIN, **more: object) -> Zone:
    return sign_zone(zone, KEYS, validity=VALIDITY, denial=denial, **more)  # type: ignore[arg-type]


def errors(verdict: Verification) -> list[str]:
    return [str(finding) for finding in verdict.at_least(Severity.WARNING)]


def codes_of(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.code for finding in findings}


# ---- what the signer makes is clean ---------------------------------------------------------------------------------


# What a zone may hold and sign_zone signs, though it is odd: no fault of the signer's.
ODD = {
    *("glue-missing", "ns-without-address", "ns-is-alias", "target-is-alias", "occluded-data", "wildcard-dname"),
    *("ds-digest-dated", "ds-digest-unknown", "nsec3-iterations", "cds-without-dnskey", "cds-breaks-chain"),
    *("cds-cdnskey-differ", "cds-delete", "cds-delete-not-alone", "cds-not-at-apex", "zonemd-not-at-apex"),
    *("zonemd-unchecked", "zonemd-duplicate", "rrsig-expires-in-cache", "nsec3param-not-at-apex"),
}


@pytest.mark.parametrize("denial", DENIALS, ids=str)
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS, ids=lambda each: each.name)
def test_a_signed_zone_is_clean_and_every_signature_was_checked(algorithm: Algorithm, denial: Denial) -> None:
    keys = ksk(algorithm), zsk(algorithm)
    zone = sign_zone(PLAIN, keys, validity=VALIDITY, denial=denial)
    verdict = verify_zone(zone, now=NOW, ds=make_ds([keys[0]]))
    expected = ["nsec3-iterations"] if denial == Nsec3(iterations=3, salt=b"\xab") else []
    assert [finding.code for finding in verdict.at_least(Severity.WARNING)] == expected
    there = sum(len(rrset.rdatas) for rrset in zone.rrsets() if rrset.rdtype == rd.RRSIG)
    assert (verdict.signatures, verdict.rrsets, verdict.names) == (there, there, len(zone))
    assert verdict.first_expiration == VALIDITY.expiration


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(zone=signable_zones(), denial=st.sampled_from(DENIALS))
def test_whatever_can_be_signed_is_clean_when_it_is(zone: Zone, denial: Denial) -> None:
    keys = ksk(owner=str(zone.origin)), zsk(owner=str(zone.origin))
    made = sign_zone(zone, keys, validity=VALIDITY, denial=denial)
    found = verify_zone(made, now=NOW).at_least(Severity.WARNING)
    assert [str(finding) for finding in found if finding.code not in ODD] == []


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(zone=zones())
def test_no_zone_is_too_odd_to_be_judged(zone: Zone) -> None:
    for finding in verify_zone(zone, now=NOW).findings:
        assert finding.code in CODES
        assert finding.rule.startswith("RFC ")


def test_two_algorithms_are_both_asked_for() -> None:
    keys = (*KEYS, ksk(Algorithm.ED25519), zsk(Algorithm.ED25519))
    zone = sign_zone(PLAIN, keys, validity=VALIDITY)
    assert errors(verify_zone(zone, now=NOW)) == []
    rrsigs = zone.get("www", "RRSIG", "A")
    assert rrsigs is not None
    left = RRset(owner=rrsigs.owner, rdtype=rd.RRSIG, ttl=rrsigs.ttl, rdatas=rrsigs.rdatas[:1], covers=rd.A)
    verdict = verify_zone(zone.replace(left), now=NOW)
    assert [(finding.code, finding.owner, finding.rdtype) for finding in verdict.findings] == [
        ("rrsig-missing", "www.example.nl.", "A")
    ]


def test_a_csk_and_a_merged_key_set_are_clean() -> None:
    alone = sign_zone(PLAIN, [csk()], validity=VALIDITY)
    assert verify_zone(alone, now=NOW, ds=make_ds([csk()])).findings == ()
    theirs = [Dnskey.from_rdata(key.owner, key.dnskey_rdata) for key in (zsk(number=1), ksk(number=1))]
    merged = merge_dnskeys(signed(), theirs, signers=[ksk(), zsk()], validity=VALIDITY)
    findings = verify_zone(merged, now=NOW, ds=make_ds([ksk(), ksk(number=1)])).findings
    assert codes_of(findings) == {"dnskey-stand-by", "ds-key-silent"}
    assert {finding.severity for finding in findings} == {Severity.INFO}


# ---- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "code"),
    [
        (VALIDITY.inception - timedelta(seconds=1), "rrsig-not-yet-valid"),
        (VALIDITY.inception, None),
        (VALIDITY.expiration - timedelta(seconds=3600), None),
        (VALIDITY.expiration - timedelta(seconds=3599), "rrsig-expires-in-cache"),
        (VALIDITY.expiration, "rrsig-expires-in-cache"),
        (VALIDITY.expiration + timedelta(seconds=1), "rrsig-expired"),
    ],
)
def test_a_signature_is_held_against_the_instant_to_the_second(instant: datetime, code: str | None) -> None:
    assert codes_of(verify_zone(signed(), now=instant).at_least(Severity.WARNING)) == ({code} if code else set())


def test_the_first_expiration_is_that_of_the_signature_that_goes_first() -> None:
    zone = signed(jitter=Jitter(interval=timedelta(days=3)))
    ends = [
        int.from_bytes(rdata[8:12], "big")
        for rrset in zone.rrsets()
        if rrset.rdtype == rd.RRSIG
        for rdata in rrset.rdatas
    ]
    first = verify_zone(zone, now=NOW).first_expiration
    assert first is not None and first.timestamp() == min(ends)


# ---- how it is done makes no difference -----------------------------------------------------------------------------


def broken(seed: int) -> Zone:
    """A signed zone of some blocks with a few octets of signatures changed."""
    chance = random.Random(seed)
    lines = "".join(f"host{number} A 192.0.2.{number % 250}\n" for number in range(2500))
    zone = signed(DENIALS[seed % 2], parse_zone(TEXT + lines, "example.nl"))
    rrsigs = [rrset for rrset in zone.rrsets() if rrset.rdtype == rd.RRSIG]
    for rrset in chance.sample(rrsigs, 5):
        rdata = rrset.rdatas[0]
        flipped = rdata[:-1] + bytes((rdata[-1] ^ 1,))
        zone = zone.replace(
            RRset(owner=rrset.owner, rdtype=rd.RRSIG, ttl=rrset.ttl, rdatas=(flipped,), covers=rrset.covers)
        )
    return zone


@pytest.mark.parametrize("seed", [0, 1])
def test_processes_threads_and_none_find_the_same(seed: int) -> None:
    zone = broken(seed)
    told: list[tuple[int, int]] = []
    alone = verify_zone(zone, now=NOW, progress=lambda done, names: told.append((done, names)))
    assert codes_of(alone.findings) == {"rrsig-bogus"} and len(alone.findings) == 5
    assert told[-1] == (len(zone), len(zone)) and told == sorted(told) and len(told) == len(zone.blocks)
    for executor in (ProcessPoolExecutor(2), ThreadPoolExecutor(3)):
        with executor:
            assert verify_zone(zone, now=NOW, executor=executor) == alone


@pytest.mark.parametrize("denial", DENIALS, ids=str)
def test_what_was_verified_before_is_not_verified_again_and_what_changed_is(denial: Denial) -> None:
    before = signed(denial)
    again = verify_zone(before, now=NOW, previous=before)
    assert (again.carried_over, again.signatures) == (again.signatures, verify_zone(before, now=NOW).signatures)
    rrset, rrsigs = before.get("www", "A"), before.get("www", "RRSIG", "A")
    assert rrset is not None and rrsigs is not None
    changed = before.replace(RRset.from_text("www.example.nl.", rrset.ttl, "A", "192.0.2.99"))
    verdict = verify_zone(changed, now=NOW, previous=before)
    assert [finding.code for finding in verdict.at_least(Severity.ERROR)] == ["rrsig-bogus"]
    assert verdict.carried_over == verdict.signatures - 1


def test_a_signature_that_was_there_before_still_expires() -> None:
    zone = signed()
    late = VALIDITY.expiration + timedelta(days=1)
    assert verify_zone(zone, now=late, previous=zone).findings == verify_zone(zone, now=late).findings != ()


def test_a_key_that_was_not_there_before_carries_nothing_over() -> None:
    before = sign_zone(PLAIN, [ksk(number=1), zsk(number=1)], validity=VALIDITY)
    verdict = verify_zone(signed(), now=NOW, previous=before)
    assert (verdict.carried_over, verdict.findings) == (0, ())


def test_findings_come_the_gravest_first_and_then_in_canonical_order() -> None:
    verdict = verify_zone(broken(0).remove("www", "RRSIG", "AAAA").remove("ns1", "NSEC"), now=VALIDITY.expiration)
    order = [(-finding.severity, order_key(parse_name(finding.owner))) for finding in verdict.findings]
    assert order == sorted(order) and len({severity for severity, _ in order}) > 1
    assert not verdict.is_clean


# ---- the chain from the parent --------------------------------------------------------------------------------------


def chain(zone: Zone, ds: RRset | None, now: datetime = NOW) -> list[tuple[str, str]]:
    found = verify_chain(ds, zone.get("@", "DNSKEY"), zone.get("@", "RRSIG", "DNSKEY"), now=now)
    return [(finding.code, finding.severity.name) for finding in found]


def joined(*rrsets: RRset) -> RRset:
    rdatas = tuple(rdata for rrset in rrsets for rdata in rrset.rdatas)
    return RRset(owner=rrsets[0].owner, rdtype=rd.DS, ttl=rrsets[0].ttl, rdatas=rdatas)


def sha1_ds(key: SigningKey) -> RRset:
    """The DS of a key by SHA-1, which nothing here makes any more."""
    ds = make_ds([key])
    digest = hashlib.sha1(key.owner + key.dnskey_rdata, usedforsecurity=False).digest()
    return RRset(owner=ds.owner, rdtype=rd.DS, ttl=ds.ttl, rdatas=(ds.rdatas[0][:3] + b"\x01" + digest,))


def spoiled(ds: RRset) -> RRset:
    rdata = ds.rdatas[0]
    return RRset(owner=ds.owner, rdtype=rd.DS, ttl=ds.ttl, rdatas=(rdata[:-1] + bytes((rdata[-1] ^ 1,)),))


def renumbered(ds: RRset, at: int, octet: int) -> RRset:
    rdata = ds.rdatas[0]
    changed = rdata[:at] + bytes((octet,)) + rdata[at + 1 :]
    return RRset(owner=ds.owner, rdtype=rd.DS, ttl=ds.ttl, rdatas=(changed,))


OWN = make_ds([ksk()])
OTHER = make_ds([ksk(number=1)])


@pytest.mark.parametrize(
    ("ds", "expected"),
    [
        (OWN, []),
        (None, [("ds-none", "WARNING")]),
        (make_ds([ksk()], digest_types=[DigestType.SHA384]), []),
        (joined(OWN, OTHER), [("ds-without-dnskey", "INFO")]),
        (OTHER, [("chain-broken", "ERROR"), ("ds-without-dnskey", "INFO")]),
        (spoiled(OWN), [("ds-mismatch", "ERROR"), ("chain-broken", "ERROR")]),
        (joined(OWN, spoiled(OWN)), [("ds-mismatch", "WARNING")]),
        (
            renumbered(OWN, 2, 15),
            [("ds-algorithm-unsigned", "ERROR"), ("chain-broken", "ERROR"), ("ds-without-dnskey", "INFO")],
        ),
        (renumbered(OWN, 2, 99), [("ds-algorithm-unknown", "WARNING"), ("chain-insecure", "WARNING")]),
        (renumbered(OWN, 3, 99), [("ds-digest-unknown", "WARNING"), ("chain-insecure", "WARNING")]),
        (sha1_ds(ksk()), [("ds-digest-dated", "WARNING")]),
        (
            joined(sha1_ds(ksk()), OTHER),
            [
                *(("chain-broken", "ERROR"), ("ds-sha1-ignored", "ERROR")),
                *(("ds-digest-dated", "WARNING"), ("ds-without-dnskey", "INFO")),
            ],
        ),
        (joined(sha1_ds(ksk()), OWN), [("ds-digest-dated", "WARNING")]),
        (
            joined(sha1_ds(ksk()), spoiled(OWN)),
            [
                *(("chain-broken", "ERROR"), ("ds-mismatch", "ERROR"), ("ds-sha1-ignored", "ERROR")),
                ("ds-digest-dated", "WARNING"),
            ],
        ),
    ],
)
def test_what_a_ds_leads_to(ds: RRset | None, expected: list[tuple[str, str]]) -> None:
    assert sorted(chain(signed(), ds)) == sorted(expected)


def test_an_unsigned_zone_under_a_ds_is_bogus_and_under_none_is_nothing() -> None:
    assert chain(PLAIN, OWN) == [("chain-broken", "ERROR")]
    assert chain(PLAIN, None) == []
    assert codes_of(verify_zone(PLAIN, now=NOW, ds=OWN).findings) == {"zone-not-signed", "chain-broken"}


def test_a_ds_that_nobody_knows_leaves_an_unsigned_zone_insecure() -> None:
    """RFC 4035 section 5.2: such a DS is passed over, so that nothing says that the zone is signed."""
    assert sorted(chain(PLAIN, renumbered(OWN, 2, 99))) == [
        ("chain-insecure", "WARNING"),
        ("ds-algorithm-unknown", "WARNING"),
    ]


def test_the_chain_is_broken_once_the_key_sets_signature_has_expired() -> None:
    late = VALIDITY.expiration + timedelta(seconds=1)
    assert ("chain-broken", "ERROR") in chain(signed(), OWN, late)


# ---- CDS and CDNSKEY ------------------------------------------------------------------------------------------------


def with_apex(*rrsets: RRset) -> Zone:
    return signed(zone=PLAIN.replace(*rrsets))


def test_cds_of_the_signing_ksk_and_of_a_coming_one_are_clean() -> None:
    zone = with_apex(make_cds([ksk()]), make_cdnskey([ksk()]))
    assert verify_zone(zone, now=NOW, ds=OWN).findings == ()
    both = with_apex(make_cds([ksk(), ksk(number=1)]), make_cdnskey([ksk(), ksk(number=1)]))
    found = verify_zone(both, now=NOW).findings
    assert {(finding.code, finding.severity) for finding in found} == {("cds-without-dnskey", Severity.INFO)}


@pytest.mark.parametrize("made", [make_cds([ksk(number=1)]), make_cdnskey([ksk(number=1)])], ids=["CDS", "CDNSKEY"])
def test_cds_of_a_key_that_does_not_sign_would_break_the_chain(made: RRset) -> None:
    found = verify_zone(with_apex(made), now=NOW).findings
    assert codes_of(found) == {"cds-without-dnskey", "cds-breaks-chain"}


def test_cds_signed_by_keys_that_the_ds_does_not_lead_to_are_not_taken() -> None:
    zone = with_apex(make_cds([ksk()]))
    found = verify_zone(zone, now=NOW, ds=joined(OTHER)).findings
    assert "cds-signer" in codes_of(found)
    assert "cds-signer" not in codes_of(verify_zone(zone, now=NOW, ds=OWN).findings)


# ---- what is bogus or unsigned to validators, and looks well signed ---------------------------------------------------


def test_a_zone_without_a_key_that_validators_use_is_not_signed() -> None:
    zone = signed()
    dnskeys = zone.apex_rrset(rd.DNSKEY)
    rdatas = tuple(b"\x00" + rdata[1:] for rdata in dnskeys.rdatas)  # the zone key flag is gone
    verdict = verify_zone(
        zone.replace(RRset(owner=dnskeys.owner, rdtype=rd.DNSKEY, ttl=dnskeys.ttl, rdatas=rdatas)), now=NOW
    )
    assert "zone-not-signed" in codes_of(verdict.at_least(Severity.ERROR))


def test_an_nsec3param_with_flags_alone_promises_no_chain() -> None:
    zone = signed()
    for name in ("@", "ns1", "www", "alias", "mail", "redirected", "secure", "*.wild", "a.b.c", "x.insecure"):
        zone = zone.remove(name, "NSEC").remove(name, "RRSIG", "NSEC")
    param = RRset(owner=zone.apex, rdtype=rd.NSEC3PARAM, ttl=zone.soa.ttl, rdatas=(b"\x01\x80\x00\x00\x00",))
    zone = zone.replace(param, sign_rrset(param, [zsk()], validity=VALIDITY))
    verdict = verify_zone(zone, now=NOW)
    assert codes_of(verdict.at_least(Severity.ERROR)) == {"denial-missing"}


def test_of_two_keys_with_one_tag_only_the_one_that_signed_is_led_to() -> None:
    first, second = colliding_ksks()
    signer = generate_zsk("example.nl", algorithm=second.algorithm, avoid=[second.key_tag])
    zone = sign_zone(PLAIN, [second, signer], validity=VALIDITY)
    dnskeys = zone.apex_rrset(rd.DNSKEY)
    both = RRset(owner=dnskeys.owner, rdtype=rd.DNSKEY, ttl=dnskeys.ttl, rdatas=(*dnskeys.rdatas, first.dnskey_rdata))
    zone = zone.replace(both, sign_rrset(both, [second], validity=VALIDITY))
    of_first = verify_zone(zone, now=NOW, ds=make_ds([first]))
    assert codes_of(of_first.at_least(Severity.WARNING)) >= {"chain-broken", "key-tag-collision"}
    of_second = verify_zone(zone, now=NOW, ds=make_ds([second]))
    assert codes_of(of_second.at_least(Severity.WARNING)) == {"key-tag-collision"}


def colliding_ksks() -> tuple[SigningKey, SigningKey]:
    """Two KSKs with one key tag: among some hundreds there are two, by the birthday paradox."""
    seen: dict[int, SigningKey] = {}
    while True:
        key = generate_ksk("example.nl", algorithm=Algorithm.ED25519)
        if key.key_tag in seen:
            return seen[key.key_tag], key
        seen[key.key_tag] = key


def test_a_lower_ttl_of_the_key_set_breaks_no_chain() -> None:
    """Validators put the Original TTL in (RFC 4035 section 5.3.2); a cache gives what is left of it."""
    zone = signed()
    aged = zone.apex_rrset(rd.DNSKEY).with_ttl(1800)
    rrsigs = zone.signatures("@", "DNSKEY")
    assert verify_chain(OWN, aged, rrsigs, now=NOW) == ()
    assert codes_of(verify_zone(zone.replace(aged), now=NOW, ds=OWN).findings) == {"rrsig-original-ttl"}


def test_the_addresses_of_the_zones_own_servers_in_a_child_zone_are_glue() -> None:
    """As those of the root's servers are in the root zone."""
    text = TEXT.replace("@ NS ns1\n", "@ NS ns1\n@ NS a.secure\n").replace(
        "ns.secure A", "a.secure A 192.0.2.9\nns.secure A"
    )
    assert errors(verify_zone(signed(zone=parse_zone(text, "example.nl")), now=NOW)) == []


def test_what_is_the_childs_at_a_delegation_is_told() -> None:
    text = TEXT + 'secure TXT "the child\'s"\nsecure MX 10 www\n'
    found = verify_zone(signed(zone=parse_zone(text, "example.nl")), now=NOW).findings
    assert [(finding.code, finding.owner, finding.rdtype) for finding in found] == [
        ("occluded-data", "secure.example.nl.", "MX, TXT")
    ]


def test_instants_after_2106_are_told_as_such() -> None:
    """32 bits begin anew on 7 February 2106 at 06:28:16; an expiration of 3000 lies 50 minutes after that."""
    end = datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)
    soa = PLAIN.apex_rrset(rd.SOA)
    zone = sign_zone(PLAIN, KEYS, validity=SignatureValidity(inception=end - timedelta(days=30), expiration=end))
    rrsigs = zone.signatures("@", "SOA")
    assert rrsigs is not None
    head = rrsigs.rdatas[0][:8] + (3000).to_bytes(4, "big") + rrsigs.rdatas[0][12:18] + zone.apex
    data = soa.owner + pack_record(soa.rdtype, soa.ttl, soa.rdatas[0])
    wrapped = head + zsk().signer.sign(head + data)
    zone = zone.replace(RRset(owner=soa.owner, rdtype=rd.RRSIG, ttl=soa.ttl, rdatas=(wrapped,), covers=rd.SOA))
    (finding,) = [finding for finding in verify_zone(zone, now=end).findings if finding.rdtype == "SOA"]
    assert finding.code == "rrsig-expires-in-cache"
    assert "expires at 2106-02-07T07:18:16Z, in 50m1s" in finding.message


# ---- how fast ways are no other ways --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_the_plain_way_finds_what_the_long_way_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = broken(seed)
    plain = verify_zone(zone, now=NOW)
    monkeypatch.setattr(rrsigs_module, "_judge_plain", lambda *given: None)
    assert verify_zone(zone, now=NOW) == plain


# ---- hostile zones --------------------------------------------------------------------------------------------------


def test_a_cdnskey_without_a_key_is_refused_when_it_is_read() -> None:
    with pytest.raises(ZonekitError, match="a CDNSKEY without a public key"):
        parse_zone(TEXT + "@ CDNSKEY \\# 4 0101030d\n", "example.nl")


def test_an_apex_too_long_for_hashed_owners_is_told() -> None:
    origin = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 40]) + "."
    zone = parse_zone(
        "@ 60 SOA ns.nl. a.nl. 1 7200 3600 1209600 300\n@ 60 NS ns.nl.\n@ 60 NSEC3PARAM 1 0 0 -\n", origin
    )
    key = generate_csk(origin)
    made = zone.replace(RRset(owner=zone.apex, rdtype=rd.DNSKEY, ttl=zone.soa.ttl, rdatas=(key.dnskey_rdata,)))
    assert "nsec3-owner" in codes_of(verify_zone(made, now=NOW).findings)


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_a_naive_instant_is_refused() -> None:
    naive = NOW.replace(tzinfo=None)
    for refused in (
        lambda: verify_zone(PLAIN, now=naive),
        lambda: verify_chain(OWN, None, None, now=naive),
    ):
        with pytest.raises(TimeError, match="has no time zone"):
            refused()


def test_another_zone_is_no_previous_one() -> None:
    other = parse_zone(TEXT, "example.org")
    with pytest.raises(ZoneError, match=r"example\.org\. is no earlier version of example\.nl\."):
        verify_zone(signed(), now=NOW, previous=other)


@pytest.mark.parametrize(
    ("ds", "reason"),
    [
        (make_ds([ksk(owner="example.org")]), r"the DS RRset is of example\.org\., the zone is example\.nl\."),
        (make_cds([ksk()]), r"example\.nl\. CDS: a DS RRset is asked for"),
    ],
)
def test_a_ds_of_another_zone_or_no_ds_is_refused(ds: RRset, reason: str) -> None:
    zone = signed()
    with pytest.raises(DsError, match=reason):
        verify_zone(zone, now=NOW, ds=ds)
    with pytest.raises(DsError, match=reason):
        verify_chain(ds, zone.get("@", "DNSKEY"), zone.signatures("@", "DNSKEY"), now=NOW)


# ---- the codes ------------------------------------------------------------------------------------------------------


def test_every_code_says_what_it_means_which_rule_decides_and_what_to_do() -> None:
    assert len(CODES) > 80
    for name, code in CODES.items():
        assert name == code.name == code.name.lower()
        assert code.meaning and code.rule.startswith("RFC ") and "  " not in code.meaning
        assert code.remedy or code.severity is Severity.INFO


def test_what_makes_a_ds_of_no_signing_key_legal_are_steps_of_a_transfer() -> None:
    steps = {step.id for step in STEPS[Flow.OPERATOR_CHANGE]}
    for name in ("ds-without-dnskey", "ds-key-silent"):
        named = {step for step in steps if step in CODES[name].remedy}
        assert named == {"ds-added", "losing-ds-removed"}


def test_findings_can_travel_and_print_in_one_line() -> None:
    verdict = verify_zone(broken(1), now=NOW)
    assert pickle.loads(pickle.dumps(verdict)) == verdict
    assert all("\n" not in str(finding) for finding in verdict.findings)


# ---- what no real zone shows ----------------------------------------------------------------------------------------


def test_two_names_with_one_hash_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has two names with one SHA-1 hash, so the hash forgets what tells two names apart."""
    zone = signed(Nsec3())
    real = blocks.nsec3_hash

    def forgetful(name: bytes, **more: object) -> bytes:
        return real(name.replace(b"\x04mail", b"\x03www"), **more)  # type: ignore[arg-type]

    monkeypatch.setattr(blocks, "nsec3_hash", forgetful)
    found = verify_zone(zone, now=NOW).findings
    (collision,) = [finding for finding in found if finding.code == "nsec3-collision"]
    assert collision.severity is Severity.ERROR
    assert str(collision).startswith("error: www.example.nl. NSEC3: it has the same hash as mail.example.nl.")


def test_other_records_are_no_key_set() -> None:
    zone = signed()
    with pytest.raises(DsError, match=r"example\.nl\. SOA: a DNSKEY RRset is asked for"):
        verify_chain(OWN, zone.soa, None, now=NOW)
    with pytest.raises(DsError, match="the RRSIGs over a DNSKEY RRset are asked for"):
        verify_chain(OWN, zone.apex_rrset(rd.DNSKEY), zone.signatures("@", "SOA"), now=NOW)
