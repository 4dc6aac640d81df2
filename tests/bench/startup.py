"""Starting: what is paid before any work is done, for the library, the command line, and short commands on a small zone."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.inputs import HostingZone, write_hosting_zones, write_keys
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import BenchError, Command, Contender, Kind, measure_in_turns, progress, run, verify_zone

_TURNS: Final = 5
"""For each round: a start is over so soon that whatever else the machine does would be most of one sample."""


def measure(lab: Lab) -> list[Section]:
    """Measure each start in turn."""
    directory = lab.directory / "startup"
    (zone,) = write_hosting_zones(1, directory / "zones")
    keys, signed = directory / "keys", directory / f"{zone.origin}.signed"
    write_keys(zone.origin, keys, now=lab.now)
    plain = directory / "zones" / f"{zone.origin}.zone"
    contenders = [
        _start("python, nothing", Kind.FLOOR, [sys.executable, "-c", "pass"], says=""),
        _start("import zonekit", Kind.ZONEKIT, [sys.executable, "-c", "import zonekit"], says=""),
        _start("zonekit --help", Kind.ZONEKIT, _zonekit("--help"), says="Usage: zonekit"),
        _start("zonekit status --help", Kind.ZONEKIT, _zonekit("status", "--help"), says="Usage: zonekit status"),
        _start("zonekit show ZONE", Kind.ZONEKIT, _zonekit("show", plain, "-o", zone.origin), says=zone.origin),
        _sign(lab, zone, plain, keys, signed),
    ]
    progress("starting")
    for contender in contenders:
        contender.measure()  # Python compiles a module the first time it is loaded, as installing a package does
    return [
        Section(
            name="start-up",
            title=f"Starting: a whole process, for a zone of {_records(plain)} lines where there is one",
            unit=Unit.MILLISECONDS,
            rows=tuple(measure_in_turns(contenders, lab.rounds * _TURNS)),
            notes=("with modules compiled before, as those of an installed package are; output goes to a file",),
        )
    ]


def _zonekit(*arguments: str | Path) -> Command:
    return [sys.executable, "-m", "zonekit.cli", *arguments]


def _start(name: str, kind: Kind, command: Command, *, says: str) -> Contender:
    def check() -> None:
        if says not in run(command).output:
            raise BenchError(f"{name} does not say {says!r}")

    return Contender(name=name, kind=kind, measure=lambda: run(command).sample, verify=check)


def _sign(lab: Lab, zone: HostingZone, plain: Path, keys: Path, signed: Path) -> Contender:
    command = _zonekit("sign", "-q", plain, "-o", zone.origin, "-K", keys, "-f", signed)
    return Contender(
        name="zonekit sign ZONE",
        kind=Kind.ZONEKIT,
        measure=lambda: run(command).sample,
        verify=partial(verify_zone, signed, zone.origin, verifier=lab.verifier()),
    )


def _records(path: Path) -> int:
    return len(path.read_text(encoding="ascii").splitlines())
