"""What a transfer does to a signed zone, beside signing it again: each step in memory, and from file to file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.big_zone import PROCESSES, BigZoneFiles, signzone_options
from tests.bench.inputs import BIG_ORIGIN, BigZone, write_keys, write_zone_file
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import (
    BenchError,
    Contender,
    Kind,
    Row,
    Sample,
    driver,
    measure_in_turns,
    progress,
    run,
    run_together,
    verify_zone,
)
from tests.bench.steps_at_apex import BOTH, STEPS, Step

_BIND: Final = "dnssec-signzone -P, DNSKEYs added"
_COPY: Final = "cp, flushed to the disk"
_CALL: Final = ", the call alone"
_FOREIGN_KEYS: Final = 2
_VERIFIED: Final = next(iter(STEPS))  # to verify a million RRsets takes dnssec-verify minutes


def measure(lab: Lab) -> list[Section]:
    """Measure zonekit beside BIND with the big zone, and zonekit beside a copy of the file with a bigger one."""
    other_keys = lab.directory / "other operator's keys"
    write_keys(BIG_ORIGIN, other_keys, now=lab.now)
    progress("changing the signed big zone")
    sections = [_beside_bind(lab, other_keys)]
    files = _Files.make(lab, other_keys)
    return [*sections, _in_memory(lab, files), _file_to_file(lab, files)]


def _arguments(lab: Lab, keys: Path, other_keys: Path) -> list[object]:
    return [BIG_ORIGIN, keys, other_keys, lab.inception_text, lab.expiration_text]


# ---- beside BIND ----------------------------------------------------------------------------------------------------


def _beside_bind(lab: Lab, other_keys: Path) -> Section:
    files = BigZoneFiles.make(lab)
    made: dict[str | None, Path] = {None: files.ensure_signed(lab)}
    rows = []
    for step in (*STEPS.values(), BOTH):
        made[step.name] = lab.directory / step.name
        arguments = _arguments(lab, files.keys, other_keys)
        finished = run(driver("apex_file", step.name, made[step.after], made[step.name], *arguments))
        rows.append(Row(name=f"zonekit, {step.name}", kind=Kind.ZONEKIT, items=1, samples=(finished.sample,)))
    outputs = [path for name, path in made.items() if name is not None]
    if found := lab.find("dnssec-signzone"):
        outputs.append(lab.directory / "signed again")
        rows.append(_signed_again_by_bind(lab, files, found[0], outputs[-1]))
    progress("  verifying what they wrote")
    run_together([partial(verify_zone, path, BIG_ORIGIN, verifier=lab.verifier()) for path in outputs])
    return Section(
        name="apex-step",
        title=f"Steps at the apex of the signed zone of {files.zone.signed_records} records, from file to file",
        unit=Unit.MILLISECONDS,
        rows=tuple(rows),
        notes=(
            f"whole programs, once; {_FOREIGN_KEYS} DNSKEYs are merged; dnssec-verify accepts every file",
            "dnssec-signzone merges only: no option of it lowers the TTLs of chosen RRsets",
        ),
    )


def _signed_again_by_bind(lab: Lab, files: BigZoneFiles, program: str, output: Path) -> Row:
    """The other operator's DNSKEYs added to the signed zone, and dnssec-signzone asked to put it right."""
    changed = lab.directory / "DNSKEYs added"
    shutil.copy(files.ensure_signed(lab), changed)
    with changed.open("a", encoding="ascii") as zone:
        for key in sorted((lab.directory / "other operator's keys").glob("K*.key")):
            zone.write(key.read_text())
    options = signzone_options(lab, files.keys, BIG_ORIGIN, output, threads=1)
    sample = run([program, *options, changed], cwd=lab.directory).sample
    return Row(name=_BIND, kind=Kind.PEER, items=1, samples=(sample,))


# ---- beside a copy --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """A signed zone that is bigger than the big one, and what each step makes of it."""

    zone: BigZone
    directory: Path
    arguments: list[object]

    @classmethod
    def make(cls, lab: Lab, other_keys: Path) -> _Files:
        """Write the zone and sign it."""
        zone, directory = BigZone(rrsets=lab.scale.apex_rrsets), lab.directory / "apex"
        progress(f"making and signing a zone of {zone.rrsets} RRsets")
        directory.mkdir()
        plain, keys = directory / "plain", directory / "keys"
        write_zone_file(zone, plain)
        write_keys(BIG_ORIGIN, keys, now=lab.now)
        made = cls(zone=zone, directory=directory, arguments=_arguments(lab, keys, other_keys))
        when = (lab.inception_text, lab.expiration_text)
        run(driver("sign", plain, BIG_ORIGIN, keys, *when, made.signed, PROCESSES, zone.denial))
        return made

    @property
    def signed(self) -> Path:
        """The zone as it was signed."""
        return self.directory / "signed"

    def after(self, step: str | None) -> Path:
        """What a step makes, or what all begins with."""
        return self.signed if step is None else self.directory / step


def _in_memory(lab: Lab, files: _Files) -> Section:
    progress("  steps in memory")
    finished = run(driver("apex", files.signed, *files.arguments, lab.scale.apex_repetitions))
    rows = [
        Row(
            name=f"zonekit, {name}",
            kind=Kind.ZONEKIT,
            items=1,
            samples=tuple(
                Sample(cpu_seconds=cpu, wall_seconds=wall, peak_kib=finished.sample.peak_kib) for cpu, wall in times
            ),
        )
        for name, times in json.loads(finished.output).items()
    ]
    return Section(
        name="apex-in-memory",
        title=f"Steps at the apex of a signed zone of {files.zone.rrsets} RRsets, {files.zone.signed_records} records,"
        " in memory",
        unit=Unit.MILLISECONDS,
        rows=tuple(rows),
        notes=(
            f"the median of {lab.scale.apex_repetitions} times; memory is that of the whole program, which has read the zone",
        ),
    )


def _file_to_file(lab: Lab, files: _Files) -> Section:
    progress("  steps from file to file")
    calls: dict[str, list[Sample]] = {name: [] for name in STEPS}
    copy = _copy(files)
    # A copy before each step, so that both find the machine in the same state.
    contenders = [contender for step in STEPS.values() for contender in (copy, _program(files, step, calls[step.name]))]
    for contender in contenders:
        contender.measure()  # a file that is there already leaves its memory to the one that is written in its place
    for samples in calls.values():
        samples.clear()
    programs = {row.name: row for row in measure_in_turns(contenders, lab.rounds)}
    rows = [programs.pop(_COPY)]
    for row, samples in zip(programs.values(), calls.values(), strict=True):
        rows += [row, Row(name=f"{row.name}{_CALL}", kind=Kind.ZONEKIT, items=1, samples=tuple(samples))]
    progress("  verifying what they wrote")
    for name in STEPS:
        _require_same_body(files.signed, files.after(name))
    verify_zone(files.after(_VERIFIED), BIG_ORIGIN, verifier=lab.verifier())
    octets = files.signed.stat().st_size
    return Section(
        name="apex-file-to-file",
        title=f"The same from file to file, {octets / 1e6:.0f} MB, beside the copying of the file",
        unit=Unit.MILLISECONDS,
        rows=tuple(rows),
        notes=(
            "zonekit flushes the new file to the disk and renames it into place; the copy is flushed too",
            "a program starts Python and loads keys; the call is the change of the file alone",
            f"dnssec-verify accepts the file of the first step and, of the zone of {lab.scale.big_rrsets} RRsets, that of every"
            " one; below the apex each file here is the signed one, octet for octet",
        ),
    )


def _copy(files: _Files) -> Contender:
    output = files.after(_COPY)
    command = ["sh", "-c", 'cp "$1" "$2" && sync -d "$2"', "sh", files.signed, output]
    return Contender(name=_COPY, kind=Kind.PEER, measure=lambda: _onto_nothing(output, lambda: run(command).sample))


def _program(files: _Files, step: Step, calls: list[Sample]) -> Contender:
    output = files.after(step.name)
    command = driver("apex_file", step.name, files.after(step.after), output, *files.arguments)

    def measure_once() -> Sample:
        finished = run(command)
        way, cpu, wall = finished.output.split()
        if way != "apex":
            raise BenchError(f"{step.name}: the file was changed as a whole")
        calls.append(Sample(cpu_seconds=float(cpu), wall_seconds=float(wall), peak_kib=finished.sample.peak_kib))
        return finished.sample

    return Contender(
        name=f"zonekit, {step.name}", kind=Kind.ZONEKIT, measure=lambda: _onto_nothing(output, measure_once)
    )


def _onto_nothing(output: Path, measure: Callable[[], Sample]) -> Sample:
    """Measure what writes a file that is not there; overwriting is another thing for ``cp`` than for who renames."""
    output.unlink(missing_ok=True)
    return measure()


def _require_same_body(path: Path, other: Path) -> None:
    """Raise BenchError unless two zone files are the same octets from the first owner below the apex."""
    with path.open("rb") as one, other.open("rb") as another:
        for file in (one, another):
            for line in file:
                if line.startswith(b"host"):
                    break
        while piece := one.read(2**20):
            if another.read(2**20) != piece:
                raise BenchError(f"{other} differs from {path} below the apex")
        if another.read(1):
            raise BenchError(f"{other} is longer than {path} below the apex")
