"""What sign_zone refuses in a zone, what the peers say of the same, and what is odd and signed all the same."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.keyring import NOW, VALIDITY, ksk, zsk
from tests.peers import dnssec_verify, kzonecheck, named_checkzone, run_peer
from tests.signed_zones import assert_signed
from tests.strategies import ORIGIN, child, names, rrsets, signable_zones
from zonekit import denial as denial_module
from zonekit import rdata as rd
from zonekit import signing as signing_module
from zonekit.apex import ParentRecords, merge_dnskeys
from zonekit.denial import Denial, Nsec, Nsec3, OptOut, hashed_owner, nsec3_hash
from zonekit.dnskeys import parse_dnskeys
from zonekit.errors import SigningError
from zonekit.files import read_key, read_zone, write_key, write_zone
from zonekit.keys import KeyTiming, generate_ksk, generate_zsk
from zonekit.names import from_wire_name
from zonekit.signing import sign_rrset, sign_zone
from zonekit.zonefile import parse_zone
from zonekit.zones import Zone

KEYS = (ksk(), zsk())
HEAD: Final = "$TTL 300\n@ SOA ns.example.net. host 1 7200 3600 1209600 300\n@ NS ns.example.net.\nwww A 192.0.2.1\n"
DS: Final = f"DS 1 13 2 {'00' * 32}"
CUT: Final = "sub NS ns.example.net.\n"
DENIALS: Final = (Nsec(), Nsec3(), Nsec3(opt_out=OptOut.ON))


def dnskey(flags: int, protocol: int = 3, algorithm: int = 13) -> str:
    return f"DNSKEY {flags} {protocol} {algorithm} {base64.b64encode(ksk(number=3).public_key).decode()}"


def zone_of(body: str) -> Zone:
    return parse_zone(HEAD + body, "example.nl")


# ---- what is refused ------------------------------------------------------------------------------------------------

CHECKZONE, SIGNZONE, VERIFY, KNOT = "named-checkzone", "dnssec-signzone", "dnssec-verify", "kzonecheck"

# What stands in the zone after HEAD, what the refusal says, and the peers that would refuse it too: to load it, to sign
# it, or to accept what zonekit would have signed.
REFUSED: Final[dict[str, tuple[str, str, set[str]]]] = {
    "NS at a wildcard": (
        "*.w NS ns.example.net.\n",
        r"\*\.w\.example\.nl\.: an NS RRset at a wildcard, .*; delegate every name by itself \(RFC 4592 section 4\.2\)",
        {CHECKZONE, SIGNZONE, VERIFY},
    ),
    "NS at a wildcard below a delegation": (
        CUT + "*.sub NS ns.example.net.\n",
        r"\*\.sub\.example\.nl\.: an NS RRset at a wildcard",
        {CHECKZONE, SIGNZONE, VERIFY},
    ),
    "NS beside DNAME": (
        "x NS ns.example.net.\nx DNAME example.org.\n",
        r"x\.example\.nl\.: a DNAME stands beside NS, .*; remove one of the two.* \(RFC 6672 section 2\.3\)",
        {KNOT},
    ),
    "NS beside DNAME below a delegation": (
        CUT + "x.sub NS ns.example.net.\nx.sub DNAME example.org.\n",
        r"x\.sub\.example\.nl\.: a DNAME stands beside NS",
        {KNOT},
    ),
    "DS and no NS": (
        f"x {DS}\nx A 192.0.2.2\n",
        r"x\.example\.nl\.: a DS RRset without an NS RRset; add the NS RRset .*\(RFC 4034 section 5\)",
        {SIGNZONE},
    ),
    "DS beside DNAME": (
        f"x {DS}\nx DNAME example.org.\n",
        r"x\.example\.nl\.: a DS RRset without an NS RRset",
        {SIGNZONE},
    ),
    "DNSKEY below the apex": (
        f"x {dnskey(256)}\n",
        r"x\.example\.nl\.: a DNSKEY RRset below the apex example\.nl\.; remove it; .*\(RFC 4034 section 2\.1\.1\)",
        {SIGNZONE, VERIFY},
    ),
    "DNSKEY below the apex that is no zone key": (
        f"x {dnskey(0)}\n",
        r"x\.example\.nl\.: a DNSKEY RRset below the apex",
        {SIGNZONE, VERIFY},
    ),
    "DNSKEY beside DNAME": (
        f"x {dnskey(257)}\nx DNAME example.org.\n",
        r"x\.example\.nl\.: a DNSKEY RRset below the apex",
        {SIGNZONE, VERIFY},
    ),
    "a revoked KSK that does not sign": (
        f"@ {dnskey(385)}\n",
        r"example\.nl\.: DNSKEY \d+ \(algorithm 13\) is a revoked KSK that does not sign the DNSKEY RRset, .*; remove it,"
        r" or let the program that revoked it sign \(RFC 5011 section 2\.1\)",
        {SIGNZONE, VERIFY},
    ),
    "a DNSKEY of another protocol": (
        f"@ {dnskey(257, protocol=2)}\n",
        r"example\.nl\.: DNSKEY \d+ \(algorithm 13\) has protocol 2; remove it; a DNSKEY has protocol 3 \(RFC 4034",
        {KNOT},
    ),
}


@pytest.mark.parametrize("denial", DENIALS, ids=str)
@pytest.mark.parametrize("case", REFUSED)
def test_what_validators_cannot_make_sense_of_is_not_signed(case: str, denial: Denial) -> None:
    body, reason, _ = REFUSED[case]
    with pytest.raises(SigningError, match=f"^{reason}"):
        sign_zone(zone_of(body), KEYS, validity=VALIDITY, denial=denial)


@pytest.mark.parametrize("case", REFUSED)
def test_peers_refuse_it_at_one_stage_or_another(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body, _, expected = REFUSED[case]
    (tmp_path / "zone").write_text(HEAD + body)
    refusing = set() if signed_by_bind(tmp_path) else {SIGNZONE}
    with monkeypatch.context() as patch:
        patch.setattr(signing_module, "check_signable", lambda *_, **__: None)
        write_zone(sign_zone(zone_of(body), KEYS, validity=VALIDITY), tmp_path / "signed")
    verdicts = (
        named_checkzone(tmp_path / "zone", "example.nl"),
        dnssec_verify(tmp_path / "signed", "example.nl", NOW),
        kzonecheck(tmp_path / "signed", "example.nl", NOW),
    )
    assert refusing | {verdict.program for verdict in verdicts if not verdict.accepted} == expected


def _keys_in(folder: Path) -> list[str]:
    timing = KeyTiming.starting(NOW)
    key_signing = generate_ksk("example.nl", timing=timing)
    zone_signing = generate_zsk("example.nl", timing=timing, avoid=[key_signing.key_tag])
    return [write_key(key, folder).private.with_suffix("").name for key in (key_signing, zone_signing)]


TIMES: Final = [f"{instant:%Y%m%d%H%M%S}" for instant in (VALIDITY.inception, VALIDITY.expiration)]


def signed_by_bind(folder: Path, *options: str) -> Path | None:
    """The zone in the folder as dnssec-signzone signs it, or None when it does not."""
    _keys_in(folder)
    command = ["dnssec-signzone", "-S", "-K", ".", "-o", "example.nl", "-s", TIMES[0], "-e", TIMES[1], *options]
    done = run_peer([*command, "-f", "bind", "zone"], cwd=folder, at=NOW)
    return folder / "bind" if done.returncode == 0 else None


def test_a_zone_that_is_a_wildcard_is_not_signed(tmp_path: Path) -> None:
    text = "$TTL 300\n@ SOA ns.example.net. host.example.net. 1 7200 3600 1209600 300\n@ NS ns.example.net.\n"
    zone = parse_zone(text, "*.example.nl")
    keys = [ksk(owner="*.example.nl"), zsk(owner="*.example.nl")]
    with pytest.raises(SigningError, match=r"^\*\.example\.nl\.: an NS RRset at a wildcard"):
        sign_zone(zone, keys, validity=VALIDITY)
    (tmp_path / "zone").write_text(text)
    assert not named_checkzone(tmp_path / "zone", "*.example.nl").accepted


def test_what_is_occluded_is_no_reason_to_refuse() -> None:
    for above in (CUT, "sub DNAME example.org.\n"):
        assert sign_zone(zone_of(f"{above}a.sub {DS}\na.sub {dnskey(257)}\n"), KEYS, validity=VALIDITY)


# ---- a law ----------------------------------------------------------------------------------------------------------


@st.composite
def zones_with_cuts_anywhere(draw: st.DrawFn) -> Zone:
    """Zones with NS, DS, DNSKEY and DNAME RRsets at names old and new, wildcards among them."""
    zone = draw(signable_zones(max_names=4))
    there = [owner for owner, _ in zone.nodes()]
    for _ in range(draw(st.integers(0, 3))):
        wild = st.sampled_from(there).map(lambda owner: child(owner, b"*"))
        owner = draw(st.one_of(st.sampled_from(there), names(ORIGIN), wild))
        rrset = draw(rrsets(owner, rdtypes=[rd.NS, rd.DS, rd.DNSKEY, rd.DNAME]))
        held = {held.rdtype for held in zone.rrsets_at(rrset.name)}
        if rrset.name != zone.origin and rd.CNAME not in held:
            zone = zone.replace(rrset)
    return zone


def is_signable(zone: Zone) -> bool:
    """By brute force, as REFUSED has it."""
    types: dict[dns.name.Name, set[int]] = {}
    for rrset in zone.rrsets():
        types.setdefault(rrset.name, set()).add(rrset.rdtype)
    for name, held in types.items():
        if name == zone.origin:
            continue
        if rd.NS in held and (name.is_wild() or rd.DNAME in held):
            return False
        occluded = any(
            name != above and name.is_subdomain(above) and (rd.DNAME in types[above] or rd.NS in types[above])
            for above in types
            if above != zone.origin or rd.DNAME in types[above]
        )
        if not occluded and rd.NS not in held and held & {rd.DS, rd.DNSKEY}:
            return False
    return True


@given(zones_with_cuts_anywhere(), st.sampled_from(DENIALS))
def test_a_zone_is_signed_right_or_refused(zone: Zone, denial: Denial) -> None:
    if is_signable(zone):
        assert_signed(sign_zone(zone, KEYS, validity=VALIDITY, denial=denial), KEYS, denial, NOW)
    else:
        with pytest.raises(SigningError):
            sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)


@settings(max_examples=15)
@given(zone=zones_with_cuts_anywhere(), denial=st.sampled_from(DENIALS))
def test_what_is_signed_is_accepted_by_bind(
    tmp_path_factory: pytest.TempPathFactory, zone: Zone, denial: Denial
) -> None:
    if is_signable(zone):
        path = tmp_path_factory.mktemp("zone") / "zone"
        write_zone(sign_zone(zone, KEYS, validity=VALIDITY, denial=denial), path)
        verdict = dnssec_verify(path, "example.nl", NOW)
        assert verdict.accepted, verdict


# ---- what is odd and signed all the same ----------------------------------------------------------------------------

# What stands in the zone after HEAD, what kzonecheck has against it (nothing where it is empty), and why it is signed.
SIGNED: Final[dict[str, tuple[str, str, str]]] = {
    "names below a DNAME": (
        "x DNAME example.org.\na.x A 192.0.2.2\n",
        "child record exists under DNAME",
        "RFC 6672 section 2.4: a server may load them, and then they are occluded, as named does",
    ),
    "a DNAME at the apex": (
        "@ DNAME example.org.\n",
        "child record exists under DNAME",  # www
        "RFC 6672 section 2.3 allows it beside SOA and NS; the names below it are as above",
    ),
    "a DNAME at a wildcard": ("*.w DNAME example.org.\n", "", "RFC 4592 section 4.4: not sensible, and not forbidden"),
    "a delegation below a wildcard": (
        "a.*.w NS ns.example.net.\n",
        "",
        "RFC 4592 section 2.1.3: a name like any other",
    ),
    "a delegation without glue": ("sub NS ns.sub\n", "missing glue record", "the parent's trouble, not a validator's"),
    "a server that is an alias": ("sub NS a\na CNAME www\n", "missing glue record", "RFC 2181 section 10.3, as above"),
    "DNSKEY at a delegation": (f"{CUT}sub {dnskey(257)}\n", "", "it is the child's there, and not signed"),
    "DNSKEY below a delegation": (f"{CUT}a.sub {dnskey(257)}\n", "", "the same"),
    "DS below a delegation": (f"{CUT}a.sub {DS}\n", "", "the same"),
    "NSEC3PARAM below the apex": ("x NSEC3PARAM 1 0 0 -\n", "", "RFC 5155 section 4 gives it no meaning there: data"),
    "CSYNC below the apex": ("x CSYNC 1 3 A NS\n", "", "a parent looks at the apex alone"),
    "ZONEMD below the apex": (f"x ZONEMD 1 1 1 {'00' * 48}\n", "", "RFC 8976 section 2: it is ignored there"),
    "CDS below the apex": (f"x C{DS}\n", "missing CDNSKEY", "RFC 7344 section 4.1: a parent looks at the apex alone"),
    "CDS without CDNSKEY": (
        f"@ C{DS}\n",
        "missing CDNSKEY",
        "RFC 7344 section 4: a parent may want the one or the other",
    ),
    "CDS of a key that is not there": (
        f"@ C{DS}\n@ C{dnskey(257)}\n",
        "CDNSKEY not match DNSKEY",
        "a DS may be there before its key (RFC 6781 section 4.1.2, the double-DS rollover)",
    ),
    "a revoked ZSK": (f"@ {dnskey(384)}\n", "", "RFC 5011 section 2.1 is about keys that trust anchors can be made of"),
    "a DNSKEY that is no zone key": (f"@ {dnskey(0)}\n", "invalid DNSKEY", "RFC 4035 section 2.1 lets it be stored"),
    "a DNSKEY of an unknown algorithm": (
        "@ DNSKEY 257 3 100 AAAA\n",
        "failed to run semantic checks",
        "RFC 4035 section 5.2: validators pass it over, and a new one must come some day; Knot stops there",
    ),
    "SIG": (
        "x SIG A 13 3 300 20261205120000 20261121110000 1 example.nl. AAAA\n",
        "failed to run semantic checks",
        "RFC 3755 section 3 retired it for zones; Knot does not read the type at all",
    ),
    "KEY": (f"x KEY 512 3 13 {'A' * 86}==\n", "", "RFC 3755 section 3: it is for SIG(0) and TKEY"),
}


@pytest.mark.parametrize("denial", DENIALS, ids=str)
@pytest.mark.parametrize("case", SIGNED)
def test_what_is_odd_and_harms_no_validator_is_signed(case: str, denial: Denial, tmp_path: Path) -> None:
    body, complaint, reason = SIGNED[case]
    signed = sign_zone(zone_of(body), KEYS, validity=VALIDITY, denial=denial)
    assert_signed(signed, KEYS, denial, NOW)
    write_zone(signed, tmp_path / "zone")
    assert dnssec_verify(tmp_path / "zone", "example.nl", NOW).accepted, reason
    of_knot = kzonecheck(tmp_path / "zone", "example.nl", NOW)
    assert of_knot.accepted is not bool(complaint) and complaint in of_knot.output, reason


def test_an_nsec3param_below_the_apex_stays_as_it_is() -> None:
    zone = zone_of("x NSEC3PARAM 1 0 0 -\n@ NSEC3PARAM 1 0 5 aabb\n")
    for denial in DENIALS:
        theirs = sign_zone(zone, KEYS, validity=VALIDITY, denial=denial)
        signed = sign_zone(theirs, KEYS, validity=VALIDITY, denial=Nsec())
        assert signed.get("x", "NSEC3PARAM") == zone.get("x", "NSEC3PARAM")
        assert signed.signatures("x", "NSEC3PARAM") is not None
        assert signed.get("@", "NSEC3PARAM") is None


def test_a_revoked_ksk_that_signs_may_stay(tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(HEAD)
    stems = _keys_in(tmp_path)
    third = write_key(generate_ksk("example.nl", timing=KeyTiming.starting(NOW)), tmp_path).private.with_suffix("").name
    assert run_peer(["dnssec-revoke", third], cwd=tmp_path, at=NOW).returncode == 0
    command = ["dnssec-signzone", "-S", "-K", ".", "-o", "example.nl", "-s", TIMES[0], "-e", TIMES[1], "-f", "bind"]
    done = run_peer([*command, "zone"], cwd=tmp_path, at=NOW)
    assert done.returncode == 0, done.stderr
    # The same keys sign again: the DNSKEY RRset stays, and the signature of the revoked key with it.
    theirs = read_zone(tmp_path / "bind", origin="example.nl")
    own = [read_key(tmp_path / f"{stem}.private") for stem in stems]
    ours = sign_zone(theirs, own, validity=VALIDITY)
    write_zone(ours, tmp_path / "ours")
    assert dnssec_verify(tmp_path / "ours", "example.nl", NOW).accepted
    # With one key more the signature of the revoked key is void, and so is the revocation.
    with pytest.raises(SigningError, match="is a revoked KSK that does not sign"):
        sign_zone(theirs, [*own, zsk()], validity=VALIDITY)


# ---- iterations -----------------------------------------------------------------------------------------------------


def test_more_iterations_than_bind_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SigningError, match=r"iterations 151 are outside 0 to 150; give 0, which is best \(RFC 9276 section 3\.1\)"
    ):
        Nsec3(iterations=151)
    (tmp_path / "zone").write_text(HEAD)
    assert signed_by_bind(tmp_path, "-3", "-", "-H", "151") is None
    write_zone(sign_zone(zone_of(""), KEYS, validity=VALIDITY, denial=Nsec3(iterations=150)), tmp_path / "ours")
    assert dnssec_verify(tmp_path / "ours", "example.nl", NOW).accepted


def test_a_chain_of_another_with_more_iterations_follows_the_apex(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(denial_module, "MAX_ITERATIONS", 500)
        theirs = sign_zone(zone_of(""), KEYS, validity=VALIDITY, denial=Nsec3(iterations=500, salt=b"\xaa"))
    merged = merge_dnskeys(
        theirs, parse_dnskeys(ksk(number=1)), signers=KEYS, validity=VALIDITY, parent_records=ParentRecords.PUBLISH
    )
    owner = from_wire_name(hashed_owner(nsec3_hash(ORIGIN, salt=b"\xaa", iterations=500), ORIGIN))
    nsec3 = merged.get(owner, "NSEC3")
    assert nsec3 is not None and {"CDS", "CDNSKEY"} <= set(nsec3.text().split())
    assert merged.signatures(owner, "NSEC3") == sign_rrset(nsec3, [zsk()], validity=VALIDITY)
