"""Reading zone files, plain and signed; each contender is a whole program."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.bench.big_zone import BigZoneFiles
from tests.bench.inputs import BIG_ORIGIN
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import Command, Contender, Kind, Row, driver, measure_in_turns, progress, run

_DNSPYTHON: Final = "dnspython"
_NO_CHECKS: Final = tuple(
    word for option in "iknrmMSW" for word in (f"-{option}", "none" if option == "i" else "ignore")
)


def measure(lab: Lab) -> list[Section]:
    """Measure everyone, with the plain zone and with the signed one."""
    files = BigZoneFiles.make(lab)
    signed = files.ensure_signed(lab)
    progress("reading the big zone")
    return [
        _section(lab, "plain", files.plain, files.zone.records, dnspython_too=True),
        _section(lab, "signed", signed, files.zone.signed_records, dnspython_too=False),
    ]


def _section(lab: Lab, which: str, path: Path, records: int, *, dnspython_too: bool) -> Section:
    rows = measure_in_turns(_readers(lab, path, records), lab.rounds)
    if dnspython_too:
        progress("  dnspython, once")
        sample = run(driver("read_dnspython", path, BIG_ORIGIN)).sample
        rows.append(Row(name=_DNSPYTHON, kind=Kind.PEER, items=records, samples=(sample,), remark="once: it is slow"))
    return Section(
        name=f"reading-{which}-zone",
        title=f"Reading the {which} zone of {records} records: records a second of CPU time and of wall time",
        unit=Unit.A_SECOND,
        rows=tuple(rows),
        notes=(
            "whole programs, start-up included; named-checkzone with its checks off and kzonecheck without its DNSSEC"
            " checks, ldns-read-zone told to print no record",
        ),
    )


def _readers(lab: Lab, path: Path, records: int) -> list[Contender]:
    commands: list[tuple[str, Kind, Command]] = [("zonekit", Kind.ZONEKIT, driver("read", path, BIG_ORIGIN))]
    if found := lab.find("named-checkzone"):
        commands.append(("named-checkzone", Kind.PEER, [*found, "-q", *_NO_CHECKS, BIG_ORIGIN, path]))
    if found := lab.find("ldns-read-zone"):
        commands.append(("ldns-read-zone", Kind.PEER, [*found, "-E", "LOC", path]))
    if found := lab.find("kzonecheck"):
        commands.append(("kzonecheck", Kind.PEER, [*found, "-d", "off", "-o", BIG_ORIGIN, path]))
    return [_reader(name, kind, command, records) for name, kind, command in commands]


def _reader(name: str, kind: Kind, command: Command, records: int) -> Contender:
    return Contender(name=name, kind=kind, measure=lambda: run(command).sample, items=records)
