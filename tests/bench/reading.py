"""Reading zone files, and writing them again: plain, signed, and full of odd types; each contender is a whole program."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.big_zone import BigZoneFiles
from tests.bench.inputs import BIG_ORIGIN, ODD_ORIGIN, OddZone, write_zone_file
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import (
    BenchError,
    Command,
    Contender,
    Kind,
    Row,
    Sample,
    driver,
    measure_in_turns,
    progress,
    run,
)

_ZONEKIT: Final = "zonekit"
_DNSPYTHON: Final = "dnspython"
_COMPILER: Final = "named-compilezone"
_LDNS: Final = "ldns-read-zone"
_NO_CHECKS: Final = tuple(
    word for option in "iknrmMSW" for word in (f"-{option}", "none" if option == "i" else "ignore")
)
_ODD_SHARE: Final = 5  # dnspython reads rare types twenty times slower than anyone else here


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneToRead:
    """A zone file that is read.

    Attributes:
        name: what the sections call it.
        path: the file.
        origin: the zone's name.
        records: how many there are.
        for_dnspython: whether dnspython reads it too, which takes it long.
    """

    name: str
    path: Path
    origin: str
    records: int
    for_dnspython: bool = True


def measure(lab: Lab) -> list[Section]:
    """Measure everyone, with each zone."""
    files = BigZoneFiles.make(lab)
    big = files.zone
    zones = [
        ZoneToRead(name="plain", path=files.plain, origin=BIG_ORIGIN, records=big.records),
        ZoneToRead(
            name="signed",
            path=files.ensure_signed(lab),
            origin=BIG_ORIGIN,
            records=big.signed_records,
            for_dnspython=False,
        ),
        _odd_zone(lab, files.directory / "odd.zone"),
    ]
    progress("reading zones")
    reading = [_reading(lab, zone) for zone in zones]
    compiler = lab.find(_COMPILER)
    if compiler is None:
        return reading  # nothing else could say whether what was written is right
    progress("reading and writing zones")
    judges = [Judge(compiler=compiler, zone=zone, directory=files.directory / f"{zone.name} again") for zone in zones]
    return [*reading, *(_rewriting(lab, judge) for judge in judges)]


def _odd_zone(lab: Lab, path: Path) -> ZoneToRead:
    zone = OddZone(pages=max(1, lab.scale.big_rrsets // OddZone.PAGE_RECORDS // _ODD_SHARE))
    write_zone_file(zone, path)
    return ZoneToRead(name="odd", path=path, origin=ODD_ORIGIN, records=zone.records)


# ---- reading --------------------------------------------------------------------------------------------------------


def _reading(lab: Lab, zone: ZoneToRead) -> Section:
    rows = measure_in_turns(_readers(lab, zone), lab.rounds)
    if zone.for_dnspython:
        rows.append(_dnspython(zone, driver("read_dnspython", zone.path, zone.origin)))
    return Section(
        name=f"reading-{zone.name}-zone",
        title=f"Reading the {zone.name} zone of {zone.records} records: records a second of CPU time and of wall time",
        unit=Unit.A_SECOND,
        rows=tuple(rows),
        notes=(
            "whole programs, start-up included; named-checkzone with its checks off and kzonecheck without its DNSSEC"
            " checks, ldns-read-zone told to print no record",
        ),
    )


def _readers(lab: Lab, zone: ZoneToRead) -> list[Contender]:
    commands: list[tuple[str, Kind, Command]] = [(_ZONEKIT, Kind.ZONEKIT, driver("read", zone.path, zone.origin))]
    if found := lab.find("named-checkzone"):
        commands.append(("named-checkzone", Kind.PEER, [*found, "-q", *_NO_CHECKS, zone.origin, zone.path]))
    if found := lab.find(_LDNS):
        commands.append((_LDNS, Kind.PEER, [*found, "-E", "EUI64", zone.path]))
    if found := lab.find("kzonecheck"):
        commands.append(("kzonecheck", Kind.PEER, [*found, "-d", "off", "-o", zone.origin, zone.path]))
    return [_reader(name, kind, command, zone.records) for name, kind, command in commands]


def _reader(name: str, kind: Kind, command: Command, records: int) -> Contender:
    return Contender(name=name, kind=kind, measure=lambda: run(command).sample, items=records)


def _dnspython(zone: ZoneToRead, command: Command) -> Row:
    progress("  dnspython, once")
    sample = run(command).sample
    return Row(name=_DNSPYTHON, kind=Kind.PEER, items=zone.records, samples=(sample,), remark="once: it is slow")


# ---- reading and writing --------------------------------------------------------------------------------------------


def _rewriting(lab: Lab, judge: Judge) -> Section:
    zone = judge.zone
    judge.directory.mkdir()
    rows = measure_in_turns(_writers(lab, judge), lab.rounds)
    if zone.for_dnspython:
        output = judge.directory / _DNSPYTHON
        rows.append(_dnspython(zone, driver("rewrite_dnspython", zone.path, zone.origin, output)))
        judge.check(output)
    return Section(
        name=f"rewriting-{zone.name}-zone",
        title=f"Reading and writing the {zone.name} zone of {zone.records} records, file to file: records a second of CPU"
        " time and of wall time",
        unit=Unit.A_SECOND,
        rows=tuple(rows),
        notes=(
            "what each wrote is read by named-compilezone, and is the same zone as the one that was read",
            "zonekit orders the zone, as named-compilezone does, and flushes it to the disk; ldns-read-zone prints it as"
            " it comes",
        ),
    )


def _writers(lab: Lab, judge: Judge) -> list[Contender]:
    zone, directory = judge.zone, judge.directory
    contenders = [
        judge.contender(_ZONEKIT, Kind.ZONEKIT, driver("rewrite", zone.path, zone.origin, directory / _ZONEKIT)),
        judge.contender(_COMPILER, Kind.PEER, judge.compile_command(zone.path, directory / _COMPILER)),
    ]
    if found := lab.find(_LDNS):
        contenders.append(judge.contender(_LDNS, Kind.PEER, [*found, zone.path], prints=True))
    return contenders


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Says whether a program wrote the zone that it read, by the form in which named-compilezone writes both."""

    compiler: Sequence[str]
    zone: ZoneToRead
    directory: Path

    def compile_command(self, source: Path, output: Path) -> Command:
        """The command that reads and writes a zone file, a record to a line and all names in full."""
        return [*self.compiler, "-q", *_NO_CHECKS, "-F", "text", "-s", "full", "-o", output, self.zone.origin, source]

    def contender(self, name: str, kind: Kind, command: Command, *, prints: bool = False) -> Contender:
        """A contender that writes, or prints, to the file of its name."""
        output = self.directory / name

        def measure_once() -> Sample:
            output.unlink(missing_ok=True)
            return run(command, output=output if prints else None).sample

        return Contender(
            name=name, kind=kind, measure=measure_once, items=self.zone.records, verify=partial(self.check, output)
        )

    def check(self, output: Path) -> None:
        """Raise BenchError unless this file of a contender's is the zone that was read."""
        given, again = (output.with_name(f"{output.name} {which}, compiled") for which in ("was given", "gave"))
        run(self.compile_command(self.zone.path, given))
        run(self.compile_command(output, again))
        if not filecmp.cmp(given, again, shallow=False):
            raise BenchError(f"{output.name} writes another {self.zone.name} zone than the one it reads")
