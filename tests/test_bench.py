"""The benchmark as a program: it runs end to end and verifies what it measures. How fast anything is, is not asserted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench import report
from tests.bench.__main__ import MEASUREMENTS, main, measure
from tests.bench.big_zone import BigZoneFiles
from tests.bench.inputs import (
    BIG_ORIGIN,
    HOSTING_RECORDS,
    HOSTING_SIGNATURES,
    ODD_ORIGIN,
    BigZone,
    HostingZone,
    OddZone,
    write_zone_file,
)
from tests.bench.lab import SCALES, VERIFIER, Lab
from tests.bench.measuring import (
    BenchError,
    Contender,
    Kind,
    Row,
    Sample,
    driver,
    measure_in_turns,
    peak_of_all_processes,
    require_signatures,
    run,
    verify_zone,
)
from tests.bench.reading import Judge, ZoneToRead
from tests.bench.reuse import ReuseFiles
from tests.peers import find_peer, require_peer
from zonekit import rdata as rd
from zonekit.serials import serial_gt
from zonekit.zonefile import parse_zone

pytestmark = pytest.mark.xdist_group("bench")  # one full run serves several tests
SMALL = SCALES["small"]


def a_sample(cpu_seconds: float, wall_seconds: float = 1.0) -> Sample:
    return Sample(cpu_seconds=cpu_seconds, wall_seconds=wall_seconds, peak_kib=1024)


def a_row(*cpu_seconds: float, items: float = 1) -> Row:
    return Row(name="a", kind=Kind.PEER, items=items, samples=tuple(map(a_sample, cpu_seconds)))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    require_peer(VERIFIER)
    return Lab(directory=tmp_path, scale=SMALL, rounds=1)


# ---- the whole of it ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    require_peer(VERIFIER)
    path = tmp_path_factory.mktemp("bench") / "figures.json"
    assert main(["--scale", "small", "--runs", "2", "--json", str(path)]) == 0
    read: dict[str, Any] = json.loads(path.read_text())
    return read


def all_rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for section in document["sections"].values():
        yield from section["rows"]


def test_a_run_gives_every_section_and_says_what_it_depends_on(document: dict[str, Any]) -> None:
    assert document["format"] == report.FORMAT
    assert document["rounds"] == 2
    assert document["scale"]["big_rrsets"] == SMALL.big_rrsets
    assert list(document["sections"]) == [
        "big-zone-1-process",
        "big-zone-2-processes",
        "big-zone-nsec3-1-process",
        "big-zone-nsec3-2-processes",
        "big-zone-parts",
        "huge-zone-nsec3-1-process",
        "huge-zone-nsec3-2-processes",
        "huge-zone-nsec3-growth",
        "reuse-1-process",
        "reuse-2-processes",
        "reuse-parts",
        "hosting-zones",
        "fleet-1-process",
        "fleet-2-processes",
        "reading-plain-zone",
        "reading-signed-zone",
        "reading-odd-zone",
        "rewriting-plain-zone",
        "rewriting-signed-zone",
        "rewriting-odd-zone",
        "verifying-zone",
        "apex-step",
        "apex-in-memory",
        "apex-file-to-file",
        "planning",
        "plans-a-second",
        "probing-one-transfer",
        "probing",
        "status-one-transfer",
        "status",
        "status-parts",
        "start-up",
    ]
    assert {"cpu", "cores", "memory_mib", "kernel", "file_system", "python"} == set(document["machine"])
    assert {"zonekit", "cryptography", "openssl", "dnspython", VERIFIER} <= set(document["versions"])
    assert {"average_before", "average_after", "others_cpus"} == set(document["load"])


def test_every_row_has_its_samples_and_the_medians_made_of_them(document: dict[str, Any]) -> None:
    for row in all_rows(document):
        rebuilt = Row(
            name=row["name"],
            kind=Kind(row["kind"]),
            items=row["items"],
            samples=tuple(Sample(**sample) for sample in row["samples"]),
        )
        assert (rebuilt.cpu_seconds, rebuilt.wall_seconds) == (row["cpu_seconds"], row["wall_seconds"])
        assert rebuilt.peak_kib == row["peak_kib"]


def test_the_best_peer_and_the_floor_stand_at_one(document: dict[str, Any]) -> None:
    for name in ("big-zone-1-process", "big-zone-2-processes", "hosting-zones", "fleet-1-process", "verifying-zone"):
        rows = document["sections"][name]["rows"]
        assert [row["cpu_to_floor"] for row in rows if row["kind"] == "floor"] == [1.0]
        peers = [row for row in rows if row["kind"] == "peer"]
        if peers:
            best = min(peers, key=lambda row: float(row["cpu_seconds"]))
            assert best["cpu_to_fastest_peer"] == 1.0


def test_the_floor_is_divided_among_the_processes_for_the_wall_time_alone(document: dict[str, Any]) -> None:
    for name, processes in (("big-zone-1-process", 1), ("big-zone-nsec3-2-processes", 2), ("reuse-2-processes", 2)):
        section = document["sections"][name]
        floor = next(row for row in section["rows"] if row["kind"] == "floor")
        assert section["processes"] == processes
        assert floor["wall_to_floor"] is None
        assert floor["peak_of_all_processes_kib"] is None
        for row in section["rows"]:
            if row is not floor and len(row["samples"]) == 1:
                ratio = row["wall_seconds"] / floor["wall_seconds"] * processes
                assert row["wall_to_floor"] == pytest.approx(ratio)
            if row is not floor and row["remark"] != "once":
                assert row["peak_of_all_processes_kib"] > 0


def test_what_grows_faster_than_the_zone_is_told(document: dict[str, Any]) -> None:
    section = document["sections"]["huge-zone-nsec3-growth"]
    assert len(section["rows"]) == 4
    assert set(section["figures"]) == {
        f"{what} growth, zonekit, {processes}" for what in ("CPU", "wall") for processes in ("1 process", "2 processes")
    }
    assert {row["items"] for row in section["rows"]} == {SMALL.big_rrsets, SMALL.huge_rrsets}


def test_what_was_due_is_told(document: dict[str, Any]) -> None:
    due = document["sections"]["reuse-1-process"]["figures"]["signatures due"]
    assert 0 < due < BigZone(rrsets=SMALL.big_rrsets).signatures / 10


def test_a_peer_is_measured_or_listed_as_missing(document: dict[str, Any]) -> None:
    for program, section in (
        ("ldns-signzone", "big-zone-1-process"),
        ("kzonesign", "big-zone-2-processes"),
        ("kzonesign", "reuse-2-processes"),
        ("knotd", "hosting-zones"),
        ("named-checkzone", "reading-signed-zone"),
        ("kzonecheck", "verifying-zone"),
        ("dnssec-signzone", "apex-step"),
        ("dig", "probing"),
    ):
        names = [row["name"] for row in document["sections"][section]["rows"]]
        assert (program in document["missing"]) != any(name.startswith(program) for name in names)


def test_json_to_standard_output_is_all_that_is_printed_there(capsys: pytest.CaptureFixture[str], lab: Lab) -> None:
    assert main(["--scale", "small", "--only", "reading", "--json"]) == 0
    captured = capsys.readouterr()
    assert list(json.loads(captured.out)["sections"]) == [
        f"{verb}-{zone}-zone" for verb in ("reading", "rewriting") for zone in ("plain", "signed", "odd")
    ]
    assert "round 1/1" in captured.err


def test_tables_name_the_contenders_and_the_ratios(capsys: pytest.CaptureFixture[str], lab: Lab) -> None:
    assert main(["--scale", "small", "--only", "hosting"]) == 0
    text = capsys.readouterr().out
    assert "CPU/peer" in text
    assert "zonekit, files not flushed" in text
    assert max(map(len, text.splitlines())) <= 130


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_without_the_verifier_there_are_no_figures(tmp_path: Path) -> None:
    bare = Lab(directory=tmp_path, scale=SMALL, rounds=1, find_program=lambda program: None)
    with pytest.raises(BenchError, match="dnssec-verify is missing"):
        measure(bare, ["reading"])


def test_without_the_other_peers_zonekit_is_measured_and_they_are_listed(lab: Lab) -> None:
    lab.find_program = lambda program: find_peer(program) if program == VERIFIER else None
    made = measure(lab, ["hosting", "reading"])
    assert set(lab.missing) >= {"ldns-keygen", "dnssec-keygen", "knotd", "named-checkzone", "kzonecheck"}
    document = json.loads(made.as_json())
    assert document["missing"]["ldns-keygen"] == "ldnsutils"
    for row in document["sections"]["hosting-zones"]["rows"]:
        assert row["kind"] in ("zonekit", "floor")
        assert row["cpu_to_fastest_peer"] is None
        assert row["cpu_to_floor"] > 0
    assert "missing: knotd (Debian package knot)" in made.as_text()


def test_a_contender_whose_output_is_wrong_ends_the_run(lab: Lab) -> None:
    files = BigZoneFiles.make(lab)

    def verify() -> None:
        verify_zone(files.plain, BIG_ORIGIN, verifier=lab.verifier())

    liar = Contender(name="liar", kind=Kind.PEER, measure=lambda: a_sample(0.0), verify=verify)
    with pytest.raises(BenchError, match="dnssec-verify refuses"):
        measure_in_turns([liar], 1)


def test_a_later_run_that_writes_something_else_ends_the_run(tmp_path: Path) -> None:
    output = tmp_path / "signed"
    output.write_text("@ RRSIG A 13 2\n")

    def measure() -> Sample:
        output.write_text(output.read_text() + "@ RRSIG MX 13 2\n")
        return a_sample(0.0)

    def glance() -> None:
        require_signatures(output, 2)

    contender = Contender(name="fickle", kind=Kind.PEER, measure=measure, glance=glance)
    assert len(measure_in_turns([contender], 1)) == 1
    with pytest.raises(BenchError, match="has 4 signatures, and was to have 2"):
        measure_in_turns([contender], 2)


def test_a_zone_signed_again_from_the_start_has_no_figures(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ReuseFiles.driver_command

    def forgetful(files: ReuseFiles, name: str, zone: Path, previous: Path | None, *rest: Any) -> list[str]:
        return command(files, name, zone, None, *rest)

    monkeypatch.setattr(ReuseFiles, "driver_command", forgetful)
    with pytest.raises(BenchError, match=r"zonekit made 1200 signatures, and \d\d were due"):
        measure(lab, ["reuse"])


def test_a_program_that_fails_is_named_with_its_last_words() -> None:
    with pytest.raises(BenchError, match=r"exit code 3: sh -c .*\nno such zone"):
        run(["sh", "-c", "echo no such zone >&2; exit 3"])


@pytest.mark.parametrize("arguments", [["--runs", "0"], ["--only", "nothing"], ["--scale", "huge"]])
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert capsys.readouterr().err


# ---- the parts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rrsets", [4, 5, 6, 7, 600])
def test_the_big_zone_has_as_many_rrsets_and_records_as_it_says(rrsets: int) -> None:
    made = BigZone(rrsets=rrsets)
    found = list(parse_zone("".join(made.lines()), BIG_ORIGIN).rrsets())
    assert len(found) == rrsets
    assert sum(len(rrset.rdatas) for rrset in found) == made.records
    assert len({rrset.owner for rrset in found}) == made.owners


@pytest.mark.parametrize("pages", [0, 1, 7])
def test_the_odd_zone_has_as_many_records_as_it_says(pages: int) -> None:
    made = OddZone(pages=pages)
    found = list(parse_zone("".join(made.lines()), ODD_ORIGIN).rrsets())
    assert sum(len(rrset.rdatas) for rrset in found) == made.records
    assert len({rrset.rdtype for rrset in found}) >= (23 if pages else 3)


def test_a_zone_that_was_written_otherwise_than_it_was_read_is_refused(tmp_path: Path) -> None:
    compiler = require_peer("named-compilezone")
    read, written = tmp_path / "read", tmp_path / "written"
    write_zone_file(OddZone(pages=1), read)
    judge = Judge(
        compiler=[compiler], zone=ZoneToRead(name="odd", path=read, origin=ODD_ORIGIN, records=0), directory=tmp_path
    )
    lines = read.read_text().splitlines(keepends=True)
    written.write_text("".join([*lines, "; a comment alone\n"]))
    judge.check(written)
    written.write_text("".join(lines[:-1]))
    with pytest.raises(BenchError, match="writes another odd zone"):
        judge.check(written)


@pytest.mark.parametrize("number", [0, 7, 999])
def test_a_hosting_zone_has_as_many_records_and_signatures_as_it_says(number: int) -> None:
    zone = HostingZone(number=number)
    found = list(parse_zone(zone.text, zone.origin).rrsets())
    assert sum(len(rrset.rdatas) for rrset in found) == HOSTING_RECORDS
    assert len(found) + len({rrset.owner for rrset in found}) + 1 == HOSTING_SIGNATURES
    assert rd.TXT in {rrset.rdtype for rrset in found}


def test_the_next_day_the_big_zone_has_another_serial_and_other_data_at_one_name_in_a_hundred() -> None:
    today = parse_zone("".join(BigZone(rrsets=1004).lines()), BIG_ORIGIN)
    tomorrow = parse_zone("".join(BigZone(rrsets=1004, next_day=True).lines()), BIG_ORIGIN)
    difference = today.diff(tomorrow)
    assert not difference.added
    assert not difference.removed
    assert [newer.rdtype for _, newer in difference.changed].count(rd.SOA) == 1
    assert len(difference.changed) == 11
    assert serial_gt(tomorrow.serial, today.serial)


def test_hosting_zones_differ_in_their_names() -> None:
    assert len({HostingZone(number=number).origin for number in range(1000)}) == 1000


def test_a_ratio_is_the_median_of_the_rounds_and_not_the_ratio_of_the_medians() -> None:
    assert a_row(1.0, 2.0, 9.0).cpu_ratio(a_row(1.0, 4.0, 3.0)) == 1.0
    assert a_row(1.0, 2.0, 9.0).cpu_ratio(a_row(4.0)) == 0.5


def test_what_was_measured_with_a_part_is_scaled_to_the_whole() -> None:
    assert a_row(2.0, items=50).cpu_seconds == 0.04
    assert a_row(2.0, items=0.2).cpu_seconds == 10.0
    assert a_row(2.0, items=50).cpu_ratio(a_row(4.0, items=200)) == 2.0


def test_costs_of_programs_run_one_after_the_other_add_up_and_memory_does_not() -> None:
    one = Sample(cpu_seconds=1.0, wall_seconds=2.0, peak_kib=30)
    other = Sample(cpu_seconds=0.5, wall_seconds=0.5, peak_kib=70)
    assert one + other == Sample(cpu_seconds=1.5, wall_seconds=2.5, peak_kib=70)


def test_the_cpu_time_of_a_programs_children_counts() -> None:
    spin = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"
    alone, with_child = run(["sh", "-c", ":"]), run(["sh", "-c", f"sh -c '{spin}'; :"])
    assert with_child.sample.cpu_seconds > alone.sample.cpu_seconds


def test_the_memory_of_children_counts_once_they_are_there() -> None:
    hold = "import time; held = bytearray(b'x') * 2**26; time.sleep(0.5)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    assert peak_of_all_processes([*driver("floor", 0, 0)[:1], "-c", program]) > 2**26 // 1024


def test_every_measurement_can_be_asked_for_alone() -> None:
    assert set(MEASUREMENTS) == {
        "big-zone",
        "huge-zone",
        "reuse",
        "hosting",
        "fleet",
        "reading",
        "verifying",
        "apex",
        "planning",
        "probing",
        "status",
        "start-up",
    }
