"""Verifying the big signed zone: every signature and the whole NSEC chain; each contender is a whole program."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.bench.big_zone import PROCESSES, BigZoneFiles
from tests.bench.inputs import BIG_ORIGIN
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import (
    BenchError,
    Command,
    Contender,
    Kind,
    Sample,
    driver,
    measure_in_turns,
    peak_of_all_processes,
    progress,
    run,
)
from zonekit.instants import instant_text

_FLOOR: Final = "raw verification, cryptography"
_SPOILED: Final = "spoiled"


def measure(lab: Lab) -> list[Section]:
    """Measure everyone on the zone as zonekit signs it."""
    files = BigZoneFiles.make(lab)
    # kzonecheck wants a file named by the origin, and the spoiled one stands beside it.
    signed = files.directory / "verified" / files.plain.name
    signed.parent.mkdir()
    shutil.copyfile(files.ensure_signed(lab), signed)
    spoiled = _spoil(signed)
    progress("verifying the big zone")
    rows = measure_in_turns(_contenders(lab, files, signed, spoiled), lab.rounds)
    progress(f"measuring the memory of zonekit's {PROCESSES} processes together")
    together = peak_of_all_processes(_zonekit(lab, signed, PROCESSES))
    return [
        Section(
            name="verifying-zone",
            title=f"Verifying a zone of {files.zone.rrsets} RRsets, {files.zone.signatures} signatures, from its file",
            unit=Unit.SECONDS,
            rows=tuple(rows),
            notes=(
                "dnssec-verify and ldns-verify-zone have one thread, kzonecheck takes as many as there are cores; the ratios"
                " to the best peer are to another one for CPU than for wall time where those differ",
                "each was held against the same zone with one octet of one signature changed, and refused it",
                f"all processes of zonekit together had {together / 1024:.0f} MiB at most, shared pages counted once",
                "the floor is the CPU time of the raw verifications alone, measured by a part of them and scaled; its wall"
                " time is that of one process",
            ),
        )
    ]


def _spoil(signed: Path) -> Path:
    """Write the zone beside itself with another letter in the middle of the last signature but one."""
    lines = signed.read_text(encoding="ascii").splitlines(keepends=True)
    place = [number for number, line in enumerate(lines) if " RRSIG " in line or "\tRRSIG\t" in line][-2]
    head, signature = lines[place].rstrip("\n").rsplit(" ", 1)
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    lines[place] = f"{head} {signature[:middle]}{other}{signature[middle + 1 :]}\n"
    path = signed.parent / _SPOILED / signed.name
    path.parent.mkdir()
    path.write_text("".join(lines), encoding="ascii")
    return path


def _zonekit(lab: Lab, path: Path, processes: int) -> list[str]:
    return driver("verify", path, BIG_ORIGIN, instant_text(lab.now), processes)


def _contenders(lab: Lab, files: BigZoneFiles, signed: Path, spoiled: Path) -> list[Contender]:
    commands: list[tuple[str, Kind, Callable[[Path], Command]]] = [
        ("zonekit, 1 process", Kind.ZONEKIT, lambda path: _zonekit(lab, path, 1)),
        (f"zonekit, {PROCESSES} processes", Kind.ZONEKIT, lambda path: _zonekit(lab, path, PROCESSES)),
    ]
    if verify := lab.find("dnssec-verify"):
        commands.append(("dnssec-verify", Kind.PEER, lambda path: [*verify, "-q", "-o", BIG_ORIGIN, path]))
    if ldns := lab.find("ldns-verify-zone"):
        commands.append(("ldns-verify-zone", Kind.PEER, lambda path: [*ldns, "-V", "1", path]))
    if knot := lab.find("kzonecheck"):
        commands.append(("kzonecheck", Kind.PEER, lambda path: [*knot, "-d", "on", "-o", BIG_ORIGIN, path]))
    signatures = lab.scale.floor_signatures
    floor = Contender(
        name=_FLOOR,
        kind=Kind.FLOOR,
        measure=lambda: _floor_sample(signatures),
        items=signatures / files.zone.signatures,
        remark=f"{signatures} signatures, scaled to {files.zone.signatures}",
    )
    return [*[_verifier(name, kind, command, signed, spoiled) for name, kind, command in commands], floor]


def _verifier(name: str, kind: Kind, command: Callable[[Path], Command], signed: Path, spoiled: Path) -> Contender:
    def refuse() -> None:
        try:
            run(command(spoiled))
        except BenchError:
            return
        raise BenchError(f"{name} accepts a zone with a bad signature")

    return Contender(name=name, kind=kind, measure=lambda: run(command(signed)).sample, verify=refuse)


def _floor_sample(signatures: int) -> Sample:
    """What verifying so many signatures costs, and nothing else."""
    finished = run(driver("floor_verify", signatures))
    cpu_seconds, wall_seconds = map(float, finished.output.split())
    return Sample(cpu_seconds=cpu_seconds, wall_seconds=wall_seconds, peak_kib=finished.sample.peak_kib)
