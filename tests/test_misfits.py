"""Zones with records that may not stand where they stand: refused by default, kept for a verifier on request."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import zones
from tests.test_zonefile import HEAD, REFUSALS, SOA, texts_of
from zonekit.cli.inputs import read_zone
from zonekit.ds import dsset_text
from zonekit.errors import ZoneError, ZoneFileError
from zonekit.files import read_zone_with_findings
from zonekit.names import order_key
from zonekit.render import render_zone
from zonekit.zonefile import Misfits, ParsedZone, parse_rrsets, parse_zone, parse_zone_with_findings
from zonekit.zones import RRset, Zone

DIGEST: Final = "AB" * 32
# What the refusal of the same name has, and what the zone then holds of it.
MISFITS: Final = {
    "a second SOA": ("@", "SOA", 2),
    "an SOA below the apex": ("x", "SOA", 1),
    "a CNAME beside data": ("x", "A CNAME", 3),
    "data beside a CNAME": ("x", "CNAME MX TXT", 3),
    "a CNAME at the apex": ("@", "NS CNAME SOA", 3),
    "two CNAMEs": ("x", "CNAME", 2),
    "two DNAMEs": ("x", "DNAME", 2),
    "a DS at the apex": ("@", "NS SOA DS", 3),
}


def kept(body: str, head: str = HEAD) -> ParsedZone:
    return parse_zone_with_findings(head + body, "example.nl", file="zone", misfits=Misfits.KEEP)


@pytest.mark.parametrize("case", MISFITS, ids=str)
def test_what_may_not_stand_there_is_kept_as_it_stands(case: str) -> None:
    owner, types, records = MISFITS[case]
    parsed = kept(REFUSALS[case][0])
    held = parsed.zone.rrsets_at(owner)
    if case == "a second SOA":
        held = tuple(rrset for rrset in held if rrset.type_text == "SOA")
    assert {rrset.type_text for rrset in held} == set(types.split())
    assert sum(len(rrset.rdatas) for rrset in held) == records
    assert parsed.findings == ()


@pytest.mark.parametrize("case", MISFITS, ids=str)
def test_such_a_zone_is_read_back_from_its_text(case: str) -> None:
    zone = kept(REFUSALS[case][0]).zone
    assert list(kept(render_zone(zone), head="").zone.nodes()) == list(zone.nodes())
    assert list(kept("\n".join(rrset.text() for rrset in zone.rrsets()), head="").zone.nodes()) == list(zone.nodes())


@pytest.mark.parametrize("case", sorted(REFUSALS.keys() - MISFITS.keys()), ids=str)
def test_whatever_else_is_refused_stays_refused_in_the_same_words(case: str) -> None:
    with pytest.raises(ZoneFileError) as refusal:
        parse_zone(HEAD + REFUSALS[case][0], "example.nl")
    with pytest.raises(ZoneFileError) as still:
        parse_zone_with_findings(HEAD + REFUSALS[case][0], "example.nl", misfits=Misfits.KEEP)
    assert str(still.value) == str(refusal.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no SOA record at the apex"),
        ("@ 5 NS n.\n", "no SOA record at the apex"),
        (f"x 5 {SOA}@ 5 NS n.\n", "no SOA record at the apex"),
        (f"x. 5 {SOA}@ 5 NS n.\n", "no SOA record at the apex"),
        (f"@ 5 {SOA}", "no NS record at example.nl."),
        (f"@ 5 {SOA}@ 5 DS 1 13 2 {DIGEST}\n@ 5 CNAME x\n", "no NS record at example.nl."),
    ],
)
def test_without_soa_or_ns_at_the_apex_there_is_no_zone(text: str, reason: str) -> None:
    with pytest.raises(ZoneFileError) as refusal:
        kept(text, head="")
    assert reason in refusal.value.reason and refusal.value.line == 0


def test_all_misfits_of_a_zone_are_kept_and_the_findings_beside_them_too() -> None:
    body = (
        "x CNAME y\nx CNAME z\nx 200 A 192.0.2.1\nx CNAME y\nx 100 A 192.0.2.2\nx. A 192.0.2.1\n"
        f"@ SOA ns.example.net. host 2 2 3 4 555\nsub SOA ns host 1 2 3 4 5\n@ DS 1 13 2 {DIGEST}\n"
        "d DNAME a.\nd 60 DNAME b.\n"
    )
    parsed = kept(body)
    assert texts_of(parsed.zone) == [
        f"example.nl. 300 IN DS 1 13 2 {DIGEST}",
        "d.example.nl. 300 IN DNAME a.",
        "d.example.nl. 300 IN DNAME b.",
        "x.example.nl. 200 IN A 192.0.2.1",
        "x.example.nl. 200 IN A 192.0.2.2",
        "x.example.nl. 300 IN CNAME y.example.nl.",
        "x.example.nl. 300 IN CNAME z.example.nl.",
    ]
    assert [(finding.code, finding.owner, finding.rdtype) for finding in parsed.findings] == [
        ("out-of-zone", "x.", "A"),
        ("ttl-differs", "d.example.nl.", "DNAME"),
        ("ttl-differs", "x.example.nl.", "A"),
        ("duplicate-record", "x.example.nl.", "CNAME"),
    ]
    assert parsed.findings[-1].message == "1 record given again, at zone:7"


def test_without_an_origin_the_first_soa_names_the_zone() -> None:
    text = f"example.nl. 5 {SOA}@ 5 NS n.\nsub 5 {SOA}"
    zone = parse_zone_with_findings(text, misfits=Misfits.KEEP).zone
    assert zone.apex == b"\x07example\x02nl\x00" and zone.get("sub", "SOA") is not None


def test_nothing_that_changes_an_owner_with_misfits_takes_them_over() -> None:
    zone = kept("x CNAME y\nx TXT a\n").zone
    with pytest.raises(ZoneError, match="a CNAME stands beside TXT"):
        zone.replace(RRset.from_text("x.example.nl.", 300, "TXT", "b"))
    assert zone.replace(RRset.from_text("y.example.nl.", 300, "TXT", "b")).get("x", "CNAME") is not None
    assert zone.remove("x", "TXT").rrsets_at("x")[0].type_text == "CNAME"


@given(zones())
def test_a_zone_without_misfits_is_the_same_either_way(zone: Zone) -> None:
    text = "\n".join(rrset.text() for rrset in zone.rrsets())
    strict = parse_zone_with_findings(text, zone.origin)
    assert parse_zone_with_findings(text, zone.origin, misfits=Misfits.KEEP) == strict


@given(zones(), st.lists(st.sampled_from(sorted(MISFITS)), min_size=1))
def test_misfits_anywhere_in_a_zone_are_kept_and_the_rest_with_them(zone: Zone, cases: list[str]) -> None:
    lines = [line for rrset in zone.rrsets() for line in rrset.text().split("\n")]
    bodies = [REFUSALS[case][0] for case in cases]
    text = "\n".join(["$TTL 300", *lines, f"$ORIGIN {zone.origin.to_text()}", *bodies])
    held = parse_zone_with_findings(text, zone.origin, misfits=Misfits.KEEP).zone
    keys = [order_key(owner) for owner, _ in held.nodes()]
    assert keys == sorted(set(keys))
    assert set(lines) <= {line for rrset in held.rrsets() for line in rrset.text().split("\n")}


def test_files_and_commands_can_be_told_to_keep_them(tmp_path: Path) -> None:
    file = tmp_path / "zone"
    file.write_text(HEAD + "x CNAME y\nx A 192.0.2.1\n")
    with pytest.raises(ZoneFileError, match=r":5: .*a CNAME stands beside A"):
        read_zone_with_findings(file, origin="example.nl")
    with pytest.raises(ZoneFileError, match=r":5: .*a CNAME stands beside A"):
        read_zone(str(file), "example.nl", None)
    kept_zone = read_zone_with_findings(file, origin="example.nl", misfits=Misfits.KEEP).zone
    assert read_zone(str(file), "example.nl", None, misfits=Misfits.KEEP).zone == kept_zone
    assert len(kept_zone.rrsets_at("x")) == 2


# ---- records that need not make a zone ------------------------------------------------------------------------------


def test_a_dsset_a_delegation_and_what_dig_prints_are_read_without_a_zone_around_them() -> None:
    ds = RRset.from_text("example.nl.", 3600, "DS", f"1 13 2 {DIGEST}", f"2 13 4 {'CD' * 48}")
    assert parse_rrsets(dsset_text(ds), "example.nl", default_ttl=3600) == (ds,)
    delegation = f"$TTL 1d\nexample.nl. NS ns1\n NS ns2.example.net.\nns1 A 192.0.2.1\n{ds.text()}\n"
    found = parse_rrsets(delegation, "example.nl")
    assert [(rrset.type_text, rrset.ttl, len(rrset.rdatas)) for rrset in found] == [
        ("NS", 86400, 2),
        ("DS", 3600, 2),
        ("A", 86400, 1),
    ]
    answer = f";; ANSWER SECTION:\n{ds.text()}\nnl.\t60\tIN\tSOA\tns1.dns.nl. host.dns.nl. 1 2 3 4 5\n\n;; WHEN: now\n"
    assert parse_rrsets(answer, "example.nl") == (ds,)


@pytest.mark.parametrize("text", ["", "; nothing\n", "example.com. 60 IN DS 1 13 2 " + DIGEST])
def test_where_nothing_is_of_the_name_there_are_no_rrsets(text: str) -> None:
    assert parse_rrsets(text, "example.nl") == ()


def test_records_that_cannot_be_read_are_refused_with_their_line() -> None:
    with pytest.raises(ZoneFileError, match=r"^dsset:2: bad DS data"):
        parse_rrsets(f"@ 5 DS 1 13 2 {DIGEST}\n@ 5 DS 1 13 2 AB\n", "example.nl", file="dsset")
    with pytest.raises(ZoneFileError, match=r"^<text>:1: the record has no TTL"):
        parse_rrsets(f"@ DS 1 13 2 {DIGEST}\n", "example.nl")


@given(zones())
def test_the_rrsets_of_a_zones_text_are_those_of_the_zone(zone: Zone) -> None:
    text = "\n".join(rrset.text() for rrset in zone.rrsets())
    assert parse_rrsets(text, zone.origin) == tuple(zone.rrsets())
