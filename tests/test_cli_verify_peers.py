"""What the README says of zones with one fault each: which of the other programs refuse them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.keyring import NOW, VALIDITY, ksk, zsk
from tests.peers import run_peer
from tests.test_cli_verify import ROOT, answer
from zonekit.algorithms import Algorithm
from zonekit.ds import make_ds
from zonekit.files import read_zone, write_text
from zonekit.findings import Severity
from zonekit.instants import SignatureValidity, instant_text
from zonekit.signing import sign_rrset, sign_zone
from zonekit.zonefile import parse_zone
from zonekit.zones import RRset, Zone

Lines = list[str]
ZONE: Final = read_zone(ROOT / "fixtures" / "zones" / "example.nl.zone", origin="example.nl")
BIND, LDNS, KNOT = "dnssec-verify", "ldns-verify-zone", "kzonecheck"
WWW: Final = "www.example.nl. "


def signed(*more: str) -> Zone:
    """The fixture with these records, signed."""
    text = "\n".join([rrset.text() for rrset in ZONE.rrsets()] + list(more))
    return sign_zone(parse_zone(text, "example.nl"), [ksk(), zsk()], validity=VALIDITY)


def lines_of(zone: Zone) -> Lines:
    return [line for rrset in zone.rrsets() for line in rrset.text().split("\n")]


SIGNED: Final = signed()
LINES: Final = lines_of(SIGNED)


def signature(rrset: RRset | None, validity: SignatureValidity = VALIDITY) -> Lines:
    assert rrset is not None
    return sign_rrset(rrset, [zsk()], validity=validity).text().split("\n")


def without(*starts: tuple[str, str]) -> Lines:
    """The signed zone without what begins with these owners and has these words."""
    return [line for line in LINES if not any(line.startswith(owner) and words in line for owner, words in starts)]


def instead_of_www(validity: SignatureValidity) -> Lines:
    return without((WWW, " RRSIG CNAME ")) + signature(SIGNED.get("www", "CNAME"), validity)


def with_nsec(change: Callable[[RRset], RRset]) -> Lines:
    nsec = SIGNED.get("www", "NSEC")
    assert nsec is not None
    made = change(nsec)
    return [*without((WWW, " IN NSEC "), (WWW, " RRSIG NSEC ")), made.text(), *signature(made)]


def bogus() -> Lines:
    (line,) = [line for line in LINES if line.startswith(WWW) and " RRSIG CNAME " in line]
    head, _, base64 = line.rpartition(" ")
    return [*without((WWW, " RRSIG CNAME ")), f"{head} {'B' if base64[0] == 'A' else 'A'}{base64[1:]}"]


def other_bitmap(nsec: RRset) -> RRset:
    data = nsec.text().partition(" NSEC ")[2]
    return RRset.from_text("www.example.nl.", nsec.ttl, "NSEC", data.replace("CNAME", "CNAME TXT"))


def raised_ttl() -> Lines:
    return [line.replace(" 3600 IN CNAME", " 7200 IN CNAME") if line.startswith(WWW) else line for line in LINES]


def silent_algorithm() -> Lines:
    dnskeys = SIGNED.apex_rrset(48)
    rdatas = (*dnskeys.rdatas, ksk(Algorithm.ED25519).dnskey_rdata)
    made = RRset(owner=dnskeys.owner, rdtype=48, ttl=dnskeys.ttl, rdatas=rdatas)
    left = without(("example.nl. ", " IN DNSKEY "), ("example.nl. ", " RRSIG DNSKEY "))
    return [*left, made.text(), sign_rrset(made, [ksk()], validity=VALIDITY).text()]


def wrong_zonemd() -> Lines:
    zone = signed(f"example.nl. 3600 IN ZONEMD {ZONE.serial} 1 1 {'AB' * 48}")  # which signing puts right
    right = zone.get("@", "ZONEMD")
    assert right is not None
    head, _, digest = right.text().partition(" ZONEMD ")[2].rpartition(" ")
    wrong = RRset.from_text(
        "example.nl.", right.ttl, "ZONEMD", f"{head} {'1' if digest[0] == '0' else '0'}{digest[1:]}"
    )
    left = [line for line in lines_of(zone) if " IN ZONEMD " not in line and " RRSIG ZONEMD " not in line]
    return [*left, wrong.text(), *signature(wrong)]


TXT: Final = RRset.from_text("www.example.nl.", 3600, "TXT", "a")
LONG_AGO: Final = SignatureValidity.starting(NOW - timedelta(days=40), timedelta(days=14))
NEARLY_OVER: Final = SignatureValidity.starting(NOW + timedelta(minutes=5, days=-14), timedelta(days=14))
# What is wrong, the code that tells of it, and who refuses the zone beside zonekit.
FAULTS: Final[dict[str, tuple[Callable[[], Lines], str, set[str]]]] = {
    "nothing": (lambda: LINES, "", set()),
    "bogus": (bogus, "rrsig-bogus", {BIND, LDNS, KNOT}),
    "expired": (lambda: instead_of_www(LONG_AGO), "rrsig-expired", {BIND, LDNS, KNOT}),
    "missing": (lambda: without((WWW, " RRSIG CNAME ")), "rrsig-missing", {BIND, LDNS, KNOT}),
    "bitmap": (lambda: with_nsec(other_bitmap), "nsec-bitmap", {BIND, KNOT}),
    "raised TTL": (raised_ttl, "rrsig-original-ttl", {BIND, KNOT}),
    "signed delegation": (lambda: LINES + signature(SIGNED.get("lab", "NS")), "rrsig-not-allowed", {KNOT}),
    "glue": (lambda: lines_of(signed("lost.example.nl. 60 NS ns.lost.example.nl.")), "glue-missing", {KNOT}),
    "alias": (lambda: lines_of(signed("lost.example.nl. 60 NS www.example.nl.")), "ns-is-alias", {KNOT}),
    "CNAME": (lambda: [*LINES, TXT.text(), *signature(TXT)], "cname-and-other-data", {BIND, KNOT}),
    "ZONEMD": (wrong_zonemd, "zonemd-digest", {LDNS}),
    "silent algorithm": (silent_algorithm, "algorithm-signs-nothing", set()),
    "nothing covered": (lambda: LINES + signature(TXT), "rrsig-covers-nothing", set()),
    "CDS": (lambda: lines_of(signed(f"example.nl. 60 CDS 1 13 2 {'AB' * 32}")), "cds-breaks-chain", {KNOT}),
    "caches": (lambda: instead_of_www(NEARLY_OVER), "rrsig-expires-in-cache", set()),
    "NSEC TTL": (lambda: with_nsec(lambda nsec: nsec.with_ttl(nsec.ttl + 7)), "nsec-ttl", set()),
    "MX": (lambda: lines_of(signed("mx.example.nl. 60 MX 5 www.example.nl.")), "target-is-alias", set()),
    "occluded": (lambda: lines_of(signed("a.lab.example.nl. 60 TXT a")), "occluded-data", set()),
}
WARNINGS: Final = ("nothing covered", "caches", "NSEC TTL", "MX", "occluded")


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_told_by_its_code_and_refused_by_exactly_these_programs(fault: str, tmp_path: Path) -> None:
    make, code, refusing = FAULTS[fault]
    zone_file = tmp_path / "zone"
    write_text(zone_file, "\n".join(make()) + "\n")
    clean = not code or fault in WARNINGS
    found = answer(zone_file, "-o", "example.nl", "--now", instant_text(NOW), code=0 if clean else 1)
    severity = (Severity.WARNING if fault in WARNINGS else Severity.ERROR).name.lower()
    assert not code or (code, severity) in {(each["code"], each["severity"]) for each in found["findings"]}
    at = ["-t", str(int(NOW.timestamp()))]
    peers = {
        BIND: run_peer([BIND, "-o", "example.nl", zone_file], at=NOW),
        LDNS: run_peer([LDNS, "-t", NOW.strftime("%Y%m%d%H%M%S"), zone_file]),
        KNOT: run_peer([KNOT, "-d", "on", "-o", "example.nl", *at, zone_file]),
    }
    assert {program for program, done in peers.items() if done.returncode} == refusing
    if fault == "signed delegation":
        assert "Warning: Found unexpected signatures" in peers[BIND].stdout + peers[BIND].stderr
    if fault == "CDS":
        assert "missing CDNSKEY" in peers[KNOT].stdout + peers[KNOT].stderr


def test_ldns_refuses_a_ds_that_leads_to_no_key_and_takes_one_that_does(tmp_path: Path) -> None:
    zone_file, ds_file = tmp_path / "zone", tmp_path / "ds"
    write_text(zone_file, "\n".join(LINES) + "\n")
    for key, refused in ((ksk(number=1), True), (ksk(), False)):
        write_text(ds_file, make_ds([key]).text() + "\n")
        done = run_peer([LDNS, "-t", NOW.strftime("%Y%m%d%H%M%S"), "-k", ds_file, zone_file])
        assert bool(done.returncode) is refused, done.stdout + done.stderr
        found = answer(
            zone_file, "-o", "example.nl", "--now", instant_text(NOW), "--ds", ds_file, code=1 if refused else 0
        )
        assert found["clean"] is not refused
