"""A fleet: thousands of small zones with keys of their own, signed by one command from directory to directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.bench.hosting import HostedZones, floor, knotd
from tests.bench.inputs import HOSTING_RECORDS, write_hosting_zones
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import BenchError, Command, Kind, Sample, measure_in_turns, progress, run

PROCESSES: Final = 2
_SIGNED: Final = "signed/%s.zone"


def measure(lab: Lab) -> list[Section]:
    """Measure everyone."""
    progress(f"making a fleet of {lab.scale.fleet_zones} zones")
    plain = lab.directory / "fleet"
    zones = write_hosting_zones(lab.scale.fleet_zones, plain)

    def fleet() -> HostedZones:
        return HostedZones(lab, plain, zones, _SIGNED)

    contenders = [
        fleet().contender(f"zonekit fleet sign, {PROCESSES} processes", Kind.ZONEKIT, _signed_by(PROCESSES)),
        fleet().contender("zonekit fleet sign, 1 process", Kind.ZONEKIT, _signed_by(1)),
    ]
    again = HostedZones(lab, plain, zones, _SIGNED)
    contenders.append(again.contender("zonekit fleet sign, nothing to do", Kind.ZONEKIT, _signed_again))
    if found := lab.find("knotd"):
        contenders.append(fleet().contender(f"knotd, {PROCESSES} threads", Kind.PEER, knotd(*found, threads=PROCESSES)))
    contenders.append(floor(lab))
    progress("signing the fleet")
    return [
        Section(
            name="fleet",
            title=f"Signing {len(zones)} zones of {HOSTING_RECORDS} records, keys generated, directory to directory: what"
            " one zone costs",
            unit=Unit.MILLISECONDS,
            rows=tuple(measure_in_turns(contenders, lab.rounds)),
            notes=(
                f"the whole command, start-up included; CPU is that of all its processes, memory that of the largest; on"
                f" {os.cpu_count()} processors",
                "zonekit: every zone and key file is flushed to the disk before it has its name, with one sync for a batch;"
                " knotd flushes no zone file",
                "nothing to do: the same command again, which finds every zone and its keys up to date",
                "knotd: from its start until the last zone file is rewritten",
                f"the floor is one process; {PROCESSES} would need 1/{PROCESSES} of its wall time",
            ),
        )
    ]


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


def _signed_again(zones: HostedZones) -> Sample:
    """The cost of a second run, which has to change nothing."""
    if zones.results == Path():
        run(_command(zones, zones.fresh_results(), PROCESSES))
    before = {zone.origin: zones.signed_file(zone).stat().st_ino for zone in zones.zones}
    sample = run(_command(zones, zones.results, PROCESSES)).sample
    if before != {zone.origin: zones.signed_file(zone).stat().st_ino for zone in zones.zones}:
        raise BenchError("a run that had nothing to do wrote a zone anew")
    _require_keys(zones)
    return sample


def _require_keys(zones: HostedZones) -> None:
    """Raise BenchError unless every zone has the files of two keys."""
    private = sum(1 for path in (zones.results / "keys").iterdir() if path.suffix == ".private")
    if private != 2 * len(zones.zones):
        raise BenchError(f"{len(zones.zones)} zones have {private} private keys")
