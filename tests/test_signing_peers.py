"""Signed zones before other programs: dnssec-verify, ldns-verify-zone and kzonecheck say whether they are right."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.keyring import NOW, SIGNING_ALGORITHMS, VALIDITY, csk, ksk, zsk
from tests.peers import assert_accepted, dnssec_verify, kzonecheck, ldns_verify_zone, run_peer
from tests.strategies import signable_zones
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.apex import ParentRecords, TtlScope, change_ns, lower_ttls, merge_dnskeys, withdraw_dnskeys
from zonekit.denial import Denial, Nsec, Nsec3, OptOut
from zonekit.dnskeys import parse_dnskeys
from zonekit.files import read_zone, write_key, write_zone
from zonekit.keys import KeyTiming, generate_ksk, generate_zsk
from zonekit.signing import Jitter, sign_zone
from zonekit.zones import Zone

FIXTURES = Path(__file__).parent.parent / "fixtures" / "zones"
KEYS = (ksk(), zsk())
DENIALS = (Nsec(), Nsec3(), Nsec3(opt_out=OptOut.ON), Nsec3(iterations=5, salt=b"\xab\xcd"))


@pytest.fixture(scope="module")
def hosting_zone() -> Zone:
    return read_zone(FIXTURES / "example.nl.zone", origin="example.nl")


def assert_accepted_by_all(zone: Zone, folder: Path, denial: Denial, *, csk_signs: bool = False) -> None:
    path = folder / "zone"
    write_zone(zone, path)
    assert_accepted(dnssec_verify(path, "example.nl", NOW, *(["-z"] if csk_signs else [])))
    if has_names_below_a_dname(zone):
        # They are occluded (RFC 6672 section 2.4): not signed and in no chain. ldns and Knot ask for both.
        return
    assert dnssec_complaints_of_knot(path) == set()
    # ldns-verify-zone says itself that it errs on delegations that opt out, and it does not read every escaped name.
    opts_out = isinstance(denial, Nsec3) and denial.opt_out is OptOut.ON
    if not opts_out and b"\\" not in path.read_bytes():
        assert_accepted(ldns_verify_zone(path, NOW))


def has_names_below_a_dname(zone: Zone) -> bool:
    redirected = [rrset.name for rrset in zone.rrsets() if rrset.rdtype == rd.DNAME]
    return any(
        rrset.name.is_subdomain(name) and rrset.name != name and rd.NSEC3 not in (rrset.rdtype, rrset.covers)
        for rrset in zone.rrsets()
        for name in redirected
    )


def dnssec_complaints_of_knot(path: Path) -> set[str]:
    """What kzonecheck says of a zone and would not say of it unsigned: random zones lack glue, among other things."""
    told = [set(kzonecheck(path, "example.nl", NOW, "-d", dnssec).output.splitlines()) for dnssec in ("on", "off")]
    return {line for line in told[0] - told[1] if line.startswith("[")}


@pytest.mark.parametrize("denial", DENIALS, ids=str)
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_every_algorithm_and_denial_is_accepted(
    hosting_zone: Zone, tmp_path: Path, algorithm: Algorithm, denial: Denial
) -> None:
    signed = sign_zone(hosting_zone, [ksk(algorithm), zsk(algorithm)], validity=VALIDITY, denial=denial)
    assert_accepted_by_all(signed, tmp_path, denial)


@settings(max_examples=12)
@given(zone=signable_zones(), denial=st.sampled_from(DENIALS))
def test_random_zones_are_accepted(tmp_path_factory: pytest.TempPathFactory, zone: Zone, denial: Denial) -> None:
    signed = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)
    assert_accepted_by_all(signed, tmp_path_factory.mktemp("zone"), denial)


@pytest.mark.parametrize("denial", DENIALS, ids=str)
def test_two_algorithms_a_csk_and_jitter_are_accepted(hosting_zone: Zone, tmp_path: Path, denial: Denial) -> None:
    jitter = Jitter(interval=timedelta(days=3), seed=4)
    keys = [*KEYS, csk(Algorithm.ED25519)]
    signed = sign_zone(hosting_zone, keys, validity=VALIDITY, denial=denial, jitter=jitter)
    assert_accepted_by_all(signed, tmp_path, denial, csk_signs=True)


@pytest.mark.parametrize("denial", DENIALS, ids=str)
def test_every_step_of_a_transfer_is_accepted(hosting_zone: Zone, tmp_path: Path, denial: Denial) -> None:
    foreign = [*parse_dnskeys(ksk(number=1)), *parse_dnskeys(zsk(number=1))]
    zone = sign_zone(hosting_zone, KEYS, validity=VALIDITY, denial=denial)
    for step in (
        lambda zone: merge_dnskeys(
            zone, foreign, signers=KEYS, validity=VALIDITY, parent_records=ParentRecords.PUBLISH
        ),
        lambda zone: lower_ttls(zone, 600, signers=KEYS, validity=VALIDITY).zone,
        lambda zone: change_ns(zone, ["ns1.gaining-dns.example."], signers=KEYS, validity=VALIDITY),
        lambda zone: lower_ttls(zone, 60, types=None, scope=TtlScope.ZONE, signers=KEYS, validity=VALIDITY).zone,
        lambda zone: withdraw_dnskeys(
            zone, foreign, signers=KEYS, validity=VALIDITY, parent_records=ParentRecords.PUBLISH
        ),
    ):
        changed: Zone = step(zone)
        assert changed.serial == zone.serial + 1
        zone = changed
        assert_accepted_by_all(zone, tmp_path, denial)


def test_a_zone_with_a_broken_signature_is_not_accepted(hosting_zone: Zone, tmp_path: Path) -> None:
    signed = sign_zone(hosting_zone, KEYS, validity=VALIDITY)
    path = tmp_path / "zone"
    write_zone(signed.replace(signed.soa.with_ttl(signed.soa.ttl - 1)), path)
    assert not dnssec_verify(path, "example.nl", NOW).accepted
    assert dnssec_complaints_of_knot(path)
    write_zone(signed, path)
    assert not dnssec_verify(path, "example.nl", NOW + timedelta(days=15)).accepted


def test_signatures_are_those_that_ldns_signzone_makes(hosting_zone: Zone, tmp_path: Path) -> None:
    # Ed25519 signatures are the same from any signer, and so is all that is signed.
    key_signing = generate_ksk("example.nl", algorithm=Algorithm.ED25519, timing=KeyTiming.starting(NOW))
    zone_signing = generate_zsk(
        "example.nl", algorithm=Algorithm.ED25519, avoid=[key_signing.key_tag], timing=KeyTiming.starting(NOW)
    )
    stems = [write_key(key, tmp_path).private.with_suffix("") for key in (key_signing, zone_signing)]
    write_zone(hosting_zone, tmp_path / "zone")
    times = [f"{instant:%Y%m%d%H%M%S}" for instant in (VALIDITY.inception, VALIDITY.expiration)]
    done = run_peer(
        ["ldns-signzone", "-i", times[0], "-e", times[1], "-f", "signed", "zone", *[stem.name for stem in stems]],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    theirs = read_zone(tmp_path / "signed", origin="example.nl")
    ours = sign_zone(
        hosting_zone, [key_signing, zone_signing], validity=VALIDITY, dnskey_ttl=theirs.get("@", "DNSKEY").ttl
    )
    differing = {(rrset.rdtype, rrset.covers) for pair in ours.diff(theirs).changed for rrset in pair}
    # ldns gives NSEC the SOA MINIMUM as TTL, which RFC 9077 lowered to the SOA's own TTL where that is less.
    assert not ours.diff(theirs).added and not ours.diff(theirs).removed
    assert differing <= {(47, 0), (46, 47)}
