"""``zonekit verify`` tells everything that is wrong with a zone, and its exit code says whether that matters."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.keyring import NOW, VALIDITY, ksk, zsk
from tests.test_cli import refuse, run, succeed
from zonekit.cli.exits import BAD_INPUT, OK, REFUSED, BadInput
from zonekit.cli.workers import workers_for
from zonekit.ds import dsset_text, make_ds
from zonekit.files import read_zone, write_text
from zonekit.findings import Severity
from zonekit.instants import instant_text
from zonekit.render import render_zone
from zonekit.signing import sign_zone
from zonekit.verifying import CODES
from zonekit.zones import RRset, Zone

ROOT: Final = Path(__file__).parent.parent
AT: Final = ["--now", instant_text(NOW)]
SEVERITIES: Final = {"info": Severity.INFO, "warning": Severity.WARNING, "error": Severity.ERROR}


@pytest.fixture(scope="module")
def signed() -> Zone:
    return sign_zone(
        read_zone(ROOT / "fixtures" / "zones" / "example.nl.zone", origin="example.nl"),
        [ksk(), zsk()],
        validity=VALIDITY,
    )


@pytest.fixture
def clean(signed: Zone, tmp_path: Path) -> Path:
    return written(signed, tmp_path / "clean.zone")


def written(zone: Zone, path: Path, more: str = "") -> Path:
    write_text(path, render_zone(zone) + more)
    return path


def dated(signed: Zone, path: Path) -> Path:
    """A zone with a finding of severity info, which a stand-by key is, and another of severity warning."""
    record = RRset.from_text("old.example.nl.", 3600, "MX", "5 www.example.nl.")
    zone = sign_zone(signed.add(record), [ksk(), zsk()], published=[zsk(number=1)], validity=VALIDITY)
    return written(zone, path)


def broken(signed: Zone, path: Path) -> Path:
    """A zone with a finding of severity error: a record without a signature."""
    return written(signed, path, "office 3600 IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n")


def answer(*arguments: object, code: int = OK, text: str = "") -> dict[str, Any]:
    """What --json prints where the command ends with this exit code."""
    result = run("verify", *arguments, "--json", text=text)
    assert result.exit_code == code, result.output
    assert result.stderr == ""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def codes(found: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in found["findings"]]


# ---- what it says, and its exit code --------------------------------------------------------------------------------


def test_a_clean_zone_is_summed_up_and_ends_in_0(signed: Zone, clean: Path) -> None:
    result = succeed("verify", clean, *AT)
    lines = {line.partition("  ")[0]: line.partition("  ")[2].strip() for line in result.stdout.splitlines()}
    assert lines["zone"] == "example.nl." and lines["serial"] == str(signed.serial)
    assert lines["size"].startswith(f"{len(signed)} names, ")
    assert lines["first to expire"] == "2026-12-05T12:00:00Z (in 14d)"
    assert lines["findings"] == "none"
    assert lines["verdict"] == "clean at 2026-11-21T12:00:00Z"
    assert result.stderr == ""


def test_json_has_the_members_that_the_help_names(signed: Zone, clean: Path) -> None:
    found = answer(clean, *AT)
    assert list(found) == [
        *("zone", "serial", "now", "clean", "names", "rrsets", "signatures", "carried_over", "first_expiration"),
        "findings",
    ]
    signatures = [rrset for rrset in signed.rrsets() if rrset.covers]
    assert found["zone"] == "example.nl." and found["clean"] is True and found["findings"] == []
    assert found["now"] == instant_text(NOW) and found["first_expiration"] == instant_text(VALIDITY.expiration)
    assert found["rrsets"] == found["signatures"] == len(signatures) and found["carried_over"] == 0


@pytest.mark.parametrize("threshold", SEVERITIES)
@pytest.mark.parametrize(("make", "gravest"), [(dated, Severity.WARNING), (broken, Severity.ERROR)])
def test_the_exit_code_is_1_from_the_severity_asked_for(
    signed: Zone, tmp_path: Path, make: Any, gravest: Severity, threshold: str
) -> None:
    expected = REFUSED if gravest >= SEVERITIES[threshold] else OK
    zone_file = make(signed, tmp_path / "zone")
    result = run("verify", zone_file, *AT, "--severity", threshold)
    assert result.exit_code == expected, result.output
    found = answer(zone_file, *AT, "--severity", threshold, code=expected)
    assert found["clean"] is (gravest < Severity.ERROR)
    assert max(SEVERITIES[finding["severity"]] for finding in found["findings"]) is gravest
    assert ("not clean" in result.stdout) is (gravest is Severity.ERROR)


def test_the_verdict_tells_of_a_clean_zone_that_is_refused_for_a_warning(signed: Zone, tmp_path: Path) -> None:
    zone_file = dated(signed, tmp_path / "zone")
    assert succeed("verify", zone_file, *AT).stdout.splitlines()[-1].endswith("clean at 2026-11-21T12:00:00Z")
    last = run("verify", zone_file, *AT, "--severity", "warning").stdout.splitlines()[-1]
    assert last.endswith("clean at 2026-11-21T12:00:00Z, and refused: there are findings of severity warning or graver")


def test_each_finding_is_a_line_with_remedy_rule_and_code_the_gravest_first(signed: Zone, tmp_path: Path) -> None:
    zone_file = written(
        sign_zone(signed, [ksk(), zsk()], published=[zsk(number=1)], validity=VALIDITY),
        tmp_path / "zone",
        "x 3600 IN CNAME www.example.nl.\nx 3600 IN A 192.0.2.1\n",
    )
    result = run("verify", zone_file, *AT)
    assert result.exit_code == REFUSED
    table = result.stdout.partition("\n\n")[0].splitlines()
    assert table[0].split() == ["severity", "owner", "type", "finding"]
    assert [line.split()[0] for line in table[1:]] == sorted(
        (line.split()[0] for line in table[1:]), key=lambda word: -SEVERITIES[word]
    )
    (line,) = [line for line in table if "cname-and-other-data" in line]
    assert line.split()[:3] == ["error", "x.example.nl.", "CNAME"]
    rule = CODES["cname-and-other-data"].rule
    assert line.endswith(f"; a name that is an alias owns nothing else ({rule}) [cname-and-other-data]")
    assert len({row.index(row.split()[1], 9) for row in table[1:]}) == 1, "the columns are aligned"


def test_in_a_terminal_the_table_is_drawn_and_fits(
    signed: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "90")
    result = run("verify", broken(signed, tmp_path / "zone"), *AT)
    assert "─" * 90 in result.stdout and "office.example.nl." in result.stdout
    assert "[rrsig-missing]" in result.stdout and "\x1b[" in result.stdout


def test_a_bar_shows_how_far_it_has_come_in_a_terminal_alone(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("verify", clean, *AT).stderr == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "verifying" in run("verify", clean, *AT).stderr
    assert run("verify", clean, *AT, "-q").stderr == ""


def test_quiet_leaves_the_exit_code_and_json(signed: Zone, clean: Path, tmp_path: Path) -> None:
    bad = broken(signed, tmp_path / "zone")
    assert succeed("verify", clean, *AT, "-q").output == ""
    result = run("verify", bad, *AT, "-q")
    assert (result.exit_code, result.output) == (REFUSED, "")
    assert "rrsig-missing" in codes(answer(bad, *AT, "-q", code=REFUSED))
    assert "no such file" in refuse(BAD_INPUT, "verify", tmp_path / "absent", "-q")


def test_very_many_findings_of_a_code_are_shortened_and_counted(signed: Zone, tmp_path: Path) -> None:
    more = "".join(f"host{number} 3600 IN A 192.0.2.1\n" for number in range(30))
    zone_file = written(signed, tmp_path / "zone", more)
    result = run("verify", zone_file, *AT)
    table = result.stdout.partition("\n\n")[0].splitlines()
    assert sum("[rrsig-missing]" in line for line in table) == 20
    assert "rrsig-missing: 10 more, 30 in all; --all shows them" in table
    assert "nsec-missing: 10 more, 30 in all; --all shows them" in table
    whole = run("verify", zone_file, *AT, "--all").stdout
    assert whole.count("[rrsig-missing]") == 30 and "in all" not in whole
    assert codes(answer(zone_file, *AT, code=REFUSED)).count("rrsig-missing") == 30


# ---- time, the parent, the zone of before ---------------------------------------------------------------------------


def test_the_same_zone_is_clean_now_and_not_when_its_signatures_have_expired(clean: Path) -> None:
    later = ["--now", instant_text(VALIDITY.expiration + timedelta(seconds=1))]
    found = answer(clean, *later, code=REFUSED)
    assert set(codes(found)) >= {"rrsig-expired"} and found["first_expiration"] is None
    assert "none is good" in run("verify", clean, *later).stdout
    before = ["--now", instant_text(VALIDITY.inception - timedelta(seconds=1))]
    assert "rrsig-not-yet-valid" in codes(answer(clean, *before, code=REFUSED))


GOOD_DS: Final = make_ds([ksk()], ttl=86400)
FIELDS: Final = GOOD_DS.text().partition(" DS ")[2]
DS_FILES: Final = {
    "a dsset file": dsset_text(GOOD_DS),
    "a delegation": f"$ORIGIN nl.\nexample 86400 NS ns1.example.net.\n{GOOD_DS.text()}\n",
    "what dig prints": f";; ANSWER SECTION:\n{GOOD_DS.text()}\n\n;; Query time: 1 msec\n",
    "relative to the zone": f"@ IN DS {FIELDS}\n",
}


@pytest.mark.parametrize("kind", DS_FILES)
def test_the_ds_of_the_parent_comes_in_any_of_its_forms(clean: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "ds"
    file.write_text(DS_FILES[kind])
    assert answer(clean, *AT, "--ds", file)["findings"] == []
    assert answer(clean, *AT, "--ds", "-", text=DS_FILES[kind])["findings"] == []


def test_a_ds_can_be_given_by_its_fields_and_beside_a_file(clean: Path, tmp_path: Path) -> None:
    assert answer(clean, *AT, "--ds-record", FIELDS)["findings"] == []
    other = "4711 13 2 " + "AB" * 32
    both = answer(clean, *AT, "--ds-record", FIELDS, "--ds-record", other)
    assert codes(both) == ["ds-without-dnskey"]
    file = tmp_path / "ds"
    file.write_text(dsset_text(GOOD_DS))
    assert codes(answer(clean, *AT, "--ds", file, "--ds-record", other)) == ["ds-without-dnskey"]


def test_a_ds_of_another_key_is_a_broken_chain(clean: Path, tmp_path: Path) -> None:
    file = tmp_path / "ds"
    file.write_text(make_ds([ksk(number=1)]).text() + "\n")
    found = answer(clean, *AT, "--ds", file, code=REFUSED)
    assert set(codes(found)) == {"chain-broken", "ds-without-dnskey"} and not found["clean"]
    assert answer(clean, *AT)["findings"] == [], "and nobody can tell without the DS"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no DS record of example.nl. in it"),
        (make_ds([ksk(owner="example.com")]).text(), "there is no DS record of example.nl. in it"),
        ("example.nl. 60 IN NS ns1.example.net.", "there is no DS record of example.nl. in it"),
        ("example.nl. IN DS 1 13 2 AB", "bad DS data"),
        ("12345 13 2 ABAB", "not a record type"),
    ],
    ids=["empty", "of-another-zone", "no-ds", "bad-digest", "no-record"],
)
def test_a_file_without_the_ds_is_one_clear_line(clean: Path, tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "ds"
    file.write_text(text)
    line = refuse(BAD_INPUT, "verify", clean, *AT, "--ds", file)
    assert line.startswith(str(file)) and reason in line


def test_fields_that_are_no_ds_are_one_clear_line(clean: Path) -> None:
    assert "bad DS data" in refuse(BAD_INPUT, "verify", clean, *AT, "--ds-record", "1 13 2 AB")
    assert "once" in refuse(BAD_INPUT, "verify", "-", "-o", "example.nl", "--ds", "-", text=clean.read_text())


def test_signatures_of_a_zone_that_was_verified_before_are_carried_over(
    signed: Zone, clean: Path, tmp_path: Path
) -> None:
    changed = sign_zone(
        signed.add(RRset.from_text("new.example.nl.", 60, "A", "192.0.2.1")), [ksk(), zsk()], validity=VALIDITY
    )
    today = written(changed, tmp_path / "today")
    plain, carried = answer(today, *AT), answer(today, *AT, "--previous", clean)
    assert plain["carried_over"] == 0 < carried["carried_over"] < carried["signatures"]
    assert plain | {"carried_over": carried["carried_over"]} == carried
    assert f"{carried['carried_over']} of them carried over" in run("verify", today, *AT, "--previous", clean).stdout
    late = ["--now", instant_text(VALIDITY.expiration + timedelta(days=1))]
    assert "rrsig-expired" in codes(answer(today, *late, "--previous", clean, code=REFUSED))


def test_the_zone_of_before_has_to_be_of_the_same_name_and_there(clean: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(
        "example.com. 60 SOA ns.example.net. a.example.com. 1 2 3 4 5\nexample.com. 60 NS ns.example.net.\n"
    )
    assert str(other) in refuse(BAD_INPUT, "verify", clean, *AT, "--previous", other)
    assert "no such file" in refuse(BAD_INPUT, "verify", clean, *AT, "--previous", tmp_path / "absent")


def test_several_processes_find_the_same(signed: Zone, tmp_path: Path) -> None:
    more = "".join(f"host{number} 3600 IN A 192.0.2.1\n" for number in range(3000))
    zone_file = written(signed, tmp_path / "zone", more)
    assert answer(zone_file, *AT, "--jobs", 2, code=REFUSED) == answer(zone_file, *AT, code=REFUSED)


def test_a_process_that_is_ended_from_outside_is_one_clear_line() -> None:
    reason = "a process that verified was ended from outside; try fewer --jobs"
    with pytest.raises(BadInput, match=reason), workers_for(2, "verified") as workers:
        assert workers is not None
        workers.submit(os._exit, 1).result()


# ---- zones that no other command reads ------------------------------------------------------------------------------


def test_every_record_that_may_not_stand_where_it_stands_is_told_of(signed: Zone, tmp_path: Path) -> None:
    soa = signed.soa.text().partition(" SOA ")[2]
    more = (
        f"www 3600 IN TXT a\n@ {signed.soa.ttl} IN SOA {soa.rpartition(' ')[0]} 7\nsub 60 IN SOA {soa}\n"
        f"d 60 IN DNAME a.\nd 60 IN DNAME b.\n{GOOD_DS.text()}\n"
    )
    zone_file = written(signed, tmp_path / "zone", more)
    found = set(codes(answer(zone_file, *AT, code=REFUSED)))
    assert found >= {"cname-and-other-data", "singleton-twice", "soa-below-apex", "ds-at-apex"}
    refuse(BAD_INPUT, "show", zone_file)


def test_what_the_reader_finds_is_part_of_the_result_and_told_once(signed: Zone, tmp_path: Path) -> None:
    more = "old. 60 IN A 192.0.2.1\nmail 7 IN A 192.0.2.99\nmail 7 IN A 192.0.2.99\n"
    zone_file = written(signed, tmp_path / "zone", more)
    found = answer(zone_file, *AT, code=REFUSED)
    for code in ("out-of-zone", "ttl-differs", "duplicate-record"):
        (finding,) = [each for each in found["findings"] if each["code"] == code]
        assert finding["severity"] == "warning" and str(zone_file) in finding["message"]
    ranks = [SEVERITIES[finding["severity"]] for finding in found["findings"]]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no SOA record at the apex"),
        ("@ 60 IN NS ns1.example.net.\n", "no SOA record at the apex"),
        ("@ 60 IN SOA ns1 host 1 2 3 4 5\n", "no NS record at example.nl."),
        ("@ 60 IN SOA ns1 host 1 2 3 4 5\n@ 60 IN NS n.\nx A 300.0.0.1\n", ":3: bad A data"),
        ("@ 60 IN SOA ns1 host 1 2 3 4 5\n@ 60 IN NS n.\nx FOO bar\n", ":3: 'FOO' is not a record type"),
        ("@ 60 IN SOA ( ns1 host 1 2 3 4 5\n", ":1: a ( without its )"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(tmp_path: Path, text: str, reason: str) -> None:
    zone_file = tmp_path / "zone"
    zone_file.write_text(text)
    assert reason in refuse(BAD_INPUT, "verify", zone_file, "-o", "example.nl", *AT)


@given(data=st.data())
def test_no_zone_text_whatever_it_is_ends_in_a_traceback(signed: Zone, data: st.DataObject) -> None:
    whole = render_zone(signed).encode()
    place = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 40))
    text = whole[:place] + data.draw(st.binary(max_size=40)) + whole[place + length :]
    result = run("verify", "-", "-o", "example.nl", *AT, text=text)
    assert result.stderr.startswith("zonekit: <stdin>" if result.exit_code == BAD_INPUT else "")


RRSIG: Final = "13 2 3600 20261205120000 20261121110000 1 @ AAAA"
ODD_LINES: Final = (
    *("{0} CNAME a", "{0} CNAME b", "{0} DNAME c", "{0} DNAME d.", "{0} SOA a b 1 2 3 4 5", "{0} SOA a b 9 2 3 4 5"),
    *("{0} NS e", "{0} NS ns.f.", "{0} DS 1 13 2 " + "AB" * 32, "{0} DNSKEY 256 3 13 AAAA", "{0} DNSKEY 257 3 8 AAAA"),
    *("{0} NSEC a A", "{0} NSEC b TYPE65280", "{0} NSEC3 1 0 0 - 0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM A", "{0} TXT x"),
    *("{0} NSEC3PARAM 1 0 0 -", "{0} NSEC3PARAM 9 1 5 AB", "{0} CDS 0 0 0 00", "{0} CDS 1 13 2 " + "AB" * 32),
    *("{0} CDNSKEY 0 3 0 AA==", "{0} CDNSKEY 257 3 13 AAAA", "{0} ZONEMD 1 1 1 " + "AB" * 48, "{0} KEY 512 3 13 AAAA"),
    *(f"{{0}} RRSIG {covered} {RRSIG}" for covered in ("A", "CNAME", "SOA", "NSEC3", "RRSIG", "TYPE65280")),
)
odd_lines = st.builds(
    lambda line, owner, ttl: line.replace("{0}", f"{owner} {ttl} IN"),
    st.sampled_from(ODD_LINES),
    st.sampled_from(["@", "www", "x", "y.x", "*", "*.x", "0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM", "a", "b"]),
    st.sampled_from([0, 60, 2**31 - 1]),
)


@given(st.lists(odd_lines, min_size=1, max_size=12))
def test_records_that_may_stand_nowhere_are_findings_and_never_the_end(signed: Zone, lines: list[str]) -> None:
    text = render_zone(signed) + "".join(f"{line}\n" for line in lines)
    result = run("verify", "-", "-o", "example.nl", *AT, "--ds-record", FIELDS, "--json", text=text)
    found = json.loads(result.stdout)
    assert result.exit_code == (OK if found["clean"] else REFUSED)
    assert set(codes(found)) - {"duplicate-record"} and set(codes(found)) <= {*CODES, "duplicate-record"}


def test_an_unsigned_zone_is_told_to_be_one() -> None:
    found = answer(ROOT / "fixtures" / "zones" / "example.nl.zone", "-o", "example.nl", *AT, code=REFUSED)
    assert codes(found) == ["zone-not-signed"] and found["signatures"] == 0


def test_a_zone_comes_from_standard_input_and_its_parts_from_where_include_may_go(
    signed: Zone, clean: Path, tmp_path: Path
) -> None:
    assert answer("-", *AT, text=clean.read_text())["clean"]
    outer = tmp_path / "outer"
    outer.write_text(f"$INCLUDE {clean.name}\n")
    assert "$INCLUDE is not allowed" in refuse(BAD_INPUT, "verify", outer, "-o", "example.nl", *AT)
    assert answer(outer, "-o", "example.nl", "--include-root", tmp_path, *AT)["clean"]


def test_a_name_that_a_terminal_would_obey_is_shown_escaped(signed: Zone, tmp_path: Path) -> None:
    zone_file = written(signed, tmp_path / "zone", "\\027]0\\;x 60 IN A 192.0.2.1\n")
    result = run("verify", zone_file, *AT)
    assert "\x1b" not in result.output and "\\027]0" in result.stdout
