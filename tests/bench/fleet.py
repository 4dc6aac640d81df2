"""A fleet: thousands of small zones with keys of their own, signed by one command from directory to directory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.bench.hosting import HostedZones, floor, knotd
from tests.bench.inputs import HOSTING_RECORDS, HostingZone, write_hosting_zones
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import BenchError, Command, Contender, Kind, Sample, measure_in_turns, progress, run

PROCESSES: Final = (1, 2)
_SIGNED: Final = "signed/%s.zone"


def measure(lab: Lab) -> list[Section]:
    """Measure everyone, with one process and with several."""
    progress(f"making a fleet of {lab.scale.fleet_zones} zones")
    plain = lab.directory / "fleet"
    zones = write_hosting_zones(lab.scale.fleet_zones, plain)
    return [_section(lab, plain, zones, processes) for processes in PROCESSES]


def _section(lab: Lab, plain: Path, zones: Sequence[HostingZone], processes: int) -> Section:
    def contender(name: str, kind: Kind, sign_all: Callable[[HostedZones], Sample]) -> Contender:
        return HostedZones(lab, plain, zones, _SIGNED).contender(name, kind, sign_all)

    contenders = [
        contender("zonekit fleet sign", Kind.ZONEKIT, _signed_by(processes)),
        contender("zonekit fleet sign, nothing to do", Kind.ZONEKIT, _signed_again_by(processes)),
    ]
    if found := lab.find("knotd"):
        contenders.append(contender("knotd", Kind.PEER, knotd(*found, threads=processes)))
    contenders.append(floor(lab, processes=processes))
    progress(f"signing the fleet with {processes} at once")
    return Section(
        name=f"fleet-{processes}-process{'es' if processes > 1 else ''}",
        title=f"Signing {len(zones)} zones of {HOSTING_RECORDS} records, keys generated, directory to directory, with"
        f" {processes} process{'es' if processes > 1 else ''}: what one zone costs",
        unit=Unit.MILLISECONDS,
        rows=tuple(measure_in_turns(contenders, lab.rounds)),
        notes=(
            "the whole command, start-up included; CPU is that of all its processes, memory that of the largest",
            "zonekit flushes every zone and key file to the disk before it has its name, with one sync for a batch; knotd"
            " flushes no zone file",
            "nothing to do: the same command again, which finds every zone and its keys up to date",
            f"knotd: from its start until the last zone file is rewritten, with {processes} background workers",
            f"the floor is made by {processes} at once too: two that share a core slow each other down",
        ),
    )


def _command(zones: HostedZones, results: Path, processes: int) -> Command:
    return [
        *(sys.executable, "-m", "zonekit.cli", "fleet", "sign", zones.plain, "--generate-keys", "--quiet"),
        *("-f", results / "signed", "-K", results / "keys", "-n", str(processes)),
    ]


def _signed_by(processes: int) -> Callable[[HostedZones], Sample]:
    def sign_all(zones: HostedZones) -> Sample:
        sample = run(_command(zones, zones.fresh_results(), processes)).sample
        _require_keys(zones)
        return sample

    return sign_all


def _signed_again_by(processes: int) -> Callable[[HostedZones], Sample]:
    """The cost of a second run, which has to change nothing."""

    def sign_again(zones: HostedZones) -> Sample:
        if zones.results == Path():
            run(_command(zones, zones.fresh_results(), processes))
        before = {zone.origin: zones.signed_file(zone).stat().st_ino for zone in zones.zones}
        sample = run(_command(zones, zones.results, processes)).sample
        if before != {zone.origin: zones.signed_file(zone).stat().st_ino for zone in zones.zones}:
            raise BenchError("a run that had nothing to do wrote a zone anew")
        _require_keys(zones)
        return sample

    return sign_again


def _require_keys(zones: HostedZones) -> None:
    """Raise BenchError unless every zone has the files of two keys."""
    private = sum(1 for path in (zones.results / "keys").iterdir() if path.suffix == ".private")
    if private != 2 * len(zones.zones):
        raise BenchError(f"{len(zones.zones)} zones have {private} private keys")
