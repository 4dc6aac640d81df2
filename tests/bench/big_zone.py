"""One big zone, from zone file to signed zone file, NSEC and NSEC3, algorithm 13; each contender is a whole program.

A huge zone, in a section of its own, shows what grows faster than the zone.
"""

from __future__ import annotations

import filecmp
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.bench.inputs import BIG_ORIGIN, BigZone, DenialKind, write_keys, write_zone_file
from tests.bench.knot import Keys, write_config
from tests.bench.lab import VALIDITY, Lab, Section, Unit, rows_named
from tests.bench.measuring import (
    BenchError,
    Command,
    Contender,
    Kind,
    Row,
    Sample,
    driver,
    measure_in_turns,
    peak_of_all_processes,
    progress,
    require_signatures,
    run,
    verify_zone,
)
from zonekit.instants import instant_text

PROCESSES: Final = 2
_COMMAND_LINE: Final = "zonekit sign (command line)"
_FLOOR: Final = "raw signing, cryptography"
_LDNS: Final = "ldns-signzone"
KNOT: Final = f"kzonesign, {PROCESSES} threads"


def zonekit_in(processes: int) -> str:
    """What a table calls zonekit with so many processes."""
    return f"zonekit, {processes} process{'es' if processes > 1 else ''}"


def bind_in(processes: int) -> str:
    """What a table calls dnssec-signzone with so many threads."""
    return f"dnssec-signzone -P -n {processes}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BigZoneFiles:
    """The big zone and its keys, and where its signed forms go."""

    zone: BigZone
    directory: Path

    @classmethod
    def make(cls, lab: Lab, *, rrsets: int | None = None, denial: DenialKind = DenialKind.NSEC) -> BigZoneFiles:
        """Write the zone and its keys, unless another measurement has done so; of no other size, the scale's big zone."""
        zone = BigZone(rrsets=lab.scale.big_rrsets if rrsets is None else rrsets, denial=denial)
        made = cls(zone=zone, directory=lab.directory / f"zone of {zone.rrsets}")
        if not made.directory.exists():
            progress(f"making a zone of {made.zone.rrsets} RRsets")
            made.plain.parent.mkdir(parents=True)
            write_zone_file(made.zone, made.plain)
            write_keys(BIG_ORIGIN, made.keys, now=lab.now)
        made.results.mkdir(exist_ok=True)
        return made

    @property
    def plain(self) -> Path:
        """The zone file; Knot wants it named by the origin."""
        return self.directory / "zones" / f"{BIG_ORIGIN}.zone"

    @property
    def keys(self) -> Path:
        """The directory of a KSK and a ZSK."""
        return self.directory / "keys"

    @property
    def results(self) -> Path:
        """Where everything goes that is signed with this denial."""
        return self.directory / self.zone.denial

    def signed_by(self, name: str) -> Path:
        """Where this contender's result goes, in a directory of its own."""
        return self.results / f"signed by {name}" / self.plain.name

    def sign_command(self, lab: Lab, processes: int) -> list[str]:
        """What zonekit is measured by."""
        return driver(
            "sign",
            self.plain,
            BIG_ORIGIN,
            self.keys,
            lab.inception_text,
            lab.expiration_text,
            self.signed_by(zonekit_in(processes)),
            processes,
            self.zone.denial,
        )

    def ensure_signed(self, lab: Lab) -> Path:
        """Return the zone as zonekit signs it; sign it when it has not been signed yet."""
        path = self.signed_by(zonekit_in(1))
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            run(self.sign_command(lab, 1))
            verify_zone(path, BIG_ORIGIN, verifier=lab.verifier())
        return path


def measure(lab: Lab) -> list[Section]:
    """Measure everyone with one process and with two, with NSEC and with NSEC3; and zonekit's parts with NSEC."""
    nsec, nsec3 = (BigZoneFiles.make(lab, denial=denial) for denial in DenialKind)
    sections = [*_sections(lab, nsec, "big-zone", lab.rounds), *_sections(lab, nsec3, "big-zone-nsec3", lab.rounds)]
    shutil.rmtree(nsec3.results)
    return [*sections, _splits(lab, nsec)]


def measure_huge(lab: Lab) -> list[Section]:
    """Measure everyone once with the huge zone, and zonekit with the big one too: how the time for an RRset grows."""
    sections: list[Section] = []
    for denial in lab.scale.huge_denials:
        huge = BigZoneFiles.make(lab, rrsets=lab.scale.huge_rrsets, denial=denial)
        name = "huge-zone" if denial is DenialKind.NSEC else f"huge-zone-{denial}"
        sections += _sections(lab, huge, name, 1)
        shutil.rmtree(huge.results)
        big = BigZoneFiles.make(lab, denial=denial)
        progress("signing the big zone, to compare")
        small_rows = measure_in_turns(_zonekit_alone(lab, big), lab.rounds)
        sections.append(
            _growth(f"{name}-growth", big, small_rows, huge, [section.rows[0] for section in sections[-2:]])
        )
    return sections


def _sections(lab: Lab, files: BigZoneFiles, name: str, rounds: int) -> list[Section]:
    """One section for those that work alone, and one for those with several processes or threads."""
    progress(f"signing a zone of {files.zone.rrsets} RRsets with {files.zone.denial.upper()}")
    rows = measure_in_turns(_contenders(lab, files), rounds)
    if find_spec("click") is not None and find_spec("rich") is not None:
        rows.insert(1, _command_line(lab, files))
    what = (
        f"a zone of {files.zone.rrsets} RRsets, {files.zone.denial.upper()}, {files.zone.signatures} signatures,"
        " file to file"
    )
    return [
        Section(
            name=f"{name}-1-process",
            title=f"Signing {what}: one process",
            unit=Unit.SECONDS,
            rows=rows_named(rows, [zonekit_in(1), _COMMAND_LINE, _LDNS, bind_in(1), _FLOOR]),
            notes=_NOTES,
        ),
        Section(
            name=f"{name}-{PROCESSES}-processes",
            title=f"Signing {what}: {PROCESSES} processes or threads",
            unit=Unit.SECONDS,
            rows=rows_named(rows, [zonekit_in(PROCESSES), _LDNS, KNOT, bind_in(PROCESSES), _FLOOR]),
            processes=PROCESSES,
            notes=(
                "ldns-signzone has one thread and stands here too; kzonesign signs with several threads, and reads and"
                " writes with one",
            ),
        ),
    ]


def _growth(name: str, big: BigZoneFiles, rows: Sequence[Row], huge: BigZoneFiles, huge_rows: Sequence[Row]) -> Section:
    """What one RRset costs zonekit in the big zone and in the huge one."""
    for_one = [
        replace(row, name=f"{row.name}, {files.zone.rrsets} RRsets", items=files.zone.rrsets)
        for files, measured in ((big, rows), (huge, huge_rows))
        for row in measured
    ]
    pairs = list(zip(rows, for_one[: len(rows)], for_one[len(rows) :], strict=True))
    cpu = {row.name: after.cpu_ratio(before) for row, before, after in pairs}
    wall = {row.name: after.wall_ratio(before) for row, before, after in pairs}
    return Section(
        name=name,
        title=f"What an RRset costs in a zone of {huge.zone.rrsets} and of {big.zone.rrsets}, {big.zone.denial.upper()}",
        unit=Unit.MICROSECONDS,
        rows=tuple(for_one),
        notes=tuple(
            f"{each}: {cpu[each]:.2f} times the CPU time and {wall[each]:.2f} times the wall time for an RRset of the"
            " larger zone"
            for each in cpu
        ),
        figures={f"CPU growth, {each}": ratio for each, ratio in cpu.items()}
        | {f"wall growth, {each}": ratio for each, ratio in wall.items()},
    )


_NOTES: Final = (
    "zonekit flushes the signed zone to the disk and renames it into place; dnssec-signzone and kzonesign rename without"
    " flushing it, ldns-signzone writes in place",
    "dnssec-signzone with -P: it does not verify what it signed, which it does by default; the others never do",
    "the floor is the CPU time of the raw signatures alone, measured by a part of them and scaled; its wall time is that"
    " of one process, divided by their number where there are several",
    "memory together is that of all processes in a run of its own, looked at every few milliseconds",
)


def _zonekit_alone(lab: Lab, files: BigZoneFiles) -> list[Contender]:
    return [
        _signer(lab, files, zonekit_in(1), Kind.ZONEKIT, files.sign_command(lab, 1)),
        _zonekit_in_processes(lab, files),
    ]


def _contenders(lab: Lab, files: BigZoneFiles) -> list[Contender]:
    threaded = [_kzonesign(lab, files), _dnssec_signzone(lab, files, PROCESSES)]
    peers = filter(None, [_ldns(lab, files), _dnssec_signzone(lab, files, 1), *threaded])
    contenders = [*_zonekit_alone(lab, files), *peers]
    signatures = lab.scale.floor_signatures
    floor = Contender(
        name=_FLOOR,
        kind=Kind.FLOOR,
        measure=lambda: floor_sample(keys=0, signatures=signatures),
        items=signatures / files.zone.signatures,
        remark=f"{signatures} signatures, scaled to {files.zone.signatures}",
    )
    return [*contenders, floor]


def floor_sample(*, keys: int, signatures: int) -> Sample:
    """What making so many keys and signatures costs, and nothing else."""
    finished = run(driver("floor", keys, signatures))
    cpu_seconds, wall_seconds = map(float, finished.output.split())
    return Sample(cpu_seconds=cpu_seconds, wall_seconds=wall_seconds, peak_kib=finished.sample.peak_kib)


def _signer(
    lab: Lab,
    files: BigZoneFiles,
    name: str,
    kind: Kind,
    command: Command,
    *,
    cwd: Path | None = None,
    verify: Callable[[], None] | None = None,
) -> Contender:
    """A contender that runs one command, which writes ``signed_by(name)``."""
    output = files.signed_by(name)
    output.parent.mkdir(exist_ok=True)

    def measure_once() -> Sample:
        output.unlink(missing_ok=True)
        return run(command, cwd=cwd).sample

    def measure_memory() -> int:
        output.unlink(missing_ok=True)
        return peak_of_all_processes(command, cwd=cwd)

    def glance() -> None:
        require_signatures(output, files.zone.signatures)

    def verify_with_bind() -> None:
        glance()
        if (
            kind is Kind.ZONEKIT or files.zone.rrsets <= lab.scale.big_rrsets
        ):  # of the huge zone ours alone: it takes minutes
            verify_zone(output, BIG_ORIGIN, verifier=lab.verifier())

    return Contender(
        name=name,
        kind=kind,
        measure=measure_once,
        verify=verify_with_bind if verify is None else verify,
        glance=glance,
        measure_memory=measure_memory,
    )


def _zonekit_in_processes(lab: Lab, files: BigZoneFiles) -> Contender:
    name = zonekit_in(PROCESSES)

    def verify() -> None:
        if not filecmp.cmp(files.signed_by(name), files.signed_by(zonekit_in(1)), shallow=False):
            raise BenchError(f"zonekit writes other bytes with {PROCESSES} processes than with one")

    return _signer(lab, files, name, Kind.ZONEKIT, files.sign_command(lab, PROCESSES), verify=verify)


def _command_line(lab: Lab, files: BigZoneFiles) -> Row:
    """What the same costs by the command line, once; it is to write the same octets."""
    progress(f"  {_COMMAND_LINE}, once")
    output = files.signed_by(_COMMAND_LINE)
    output.parent.mkdir()
    when = ["--now", instant_text(lab.now), "--signatures-validity", f"{VALIDITY.days}d"]
    where: Command = ["-o", BIG_ORIGIN, "-K", files.keys, "-f", output, files.plain]
    how = f"--{files.zone.denial}"
    sample = run([sys.executable, "-m", "zonekit.cli", "sign", "-q", how, *when, *where]).sample
    if not filecmp.cmp(output, files.signed_by(zonekit_in(1)), shallow=False):
        raise BenchError(f"{_COMMAND_LINE} writes other bytes than the library")
    return Row(name=_COMMAND_LINE, kind=Kind.ZONEKIT, items=1, samples=(sample,), remark="once")


def _ldns(lab: Lab, files: BigZoneFiles) -> Contender | None:
    found = lab.find(_LDNS)
    if found is None:
        return None
    keys = [path.with_suffix("") for path in sorted(files.keys.glob("K*.private"))]
    validity = ["-i", lab.peer_inception, "-e", lab.peer_expiration]
    denial = ["-n", "-t", "0"] if files.zone.denial is DenialKind.NSEC3 else []  # its salt is none unless it is told
    output = files.signed_by(_LDNS)
    command: Command = [*found, *denial, *validity, "-o", BIG_ORIGIN, "-f", output, files.plain, *keys]
    return _signer(lab, files, _LDNS, Kind.PEER, command)


def signzone_options(lab: Lab, keys: Path, origin: str, output: Path, *, threads: int) -> Command:
    """The options of dnssec-signzone: keys from a directory, the DNSKEY RRset signed by the KSK alone, no verification."""
    validity = ["-s", lab.peer_inception, "-e", lab.peer_expiration]
    return ["-S", "-K", keys, "-x", "-P", "-q", "-n", str(threads), *validity, "-o", origin, "-f", output]


def _dnssec_signzone(lab: Lab, files: BigZoneFiles, threads: int) -> Contender | None:
    found = lab.find("dnssec-signzone")
    if found is None:
        return None
    name = bind_in(threads)
    denial = ["-3", "-", "-H", "0"] if files.zone.denial is DenialKind.NSEC3 else []
    command = [
        *found,
        *denial,
        *signzone_options(lab, files.keys, BIG_ORIGIN, files.signed_by(name), threads=threads),
        files.plain,
    ]
    return _signer(lab, files, name, Kind.PEER, command, cwd=files.directory)


def _kzonesign(lab: Lab, files: BigZoneFiles) -> Contender | None:
    found = lab.find("kzonesign", "keymgr")
    if found is None:
        return None
    kzonesign, keymgr = found
    directory = files.results / "knot"
    directory.mkdir()
    config = write_config(
        directory,
        files.plain.parent,
        "%s.zone",
        [BIG_ORIGIN],
        keys=Keys.IMPORTED,
        threads=PROCESSES,
        denial=files.zone.denial,
    )
    for key in sorted(files.keys.glob("K*.key")):
        run([keymgr, "-c", config, BIG_ORIGIN, "import-bind", key])
    command: Command = [kzonesign, "-c", config, "-o", files.signed_by(KNOT).parent, BIG_ORIGIN]
    return _signer(lab, files, KNOT, Kind.PEER, command)


def _splits(lab: Lab, files: BigZoneFiles) -> Section:
    progress("measuring the parts of zonekit's work")
    output = files.signed_by("zonekit in parts")
    output.parent.mkdir()
    finished = run(
        driver("split", files.plain, BIG_ORIGIN, files.keys, lab.inception_text, lab.expiration_text, output)
    )
    require_signatures(output, files.zone.signatures)
    rows = tuple(
        Row(
            name=part,
            kind=Kind.ZONEKIT,
            items=1,
            samples=(Sample(cpu_seconds=cpu, wall_seconds=wall, peak_kib=finished.sample.peak_kib),),
        )
        for part, (cpu, wall) in json.loads(finished.output).items()
    )
    return Section(
        name="big-zone-parts",
        title="Where zonekit's time goes, one process, once",
        unit=Unit.SECONDS,
        rows=rows,
        notes=(
            "measured inside one process that does some of the work twice, on its own and as a part of what it belongs to;"
            " the file has the names in order, or nearly",
            "records of signatures: all of signing but what stands above it and the signatures, by a signer that makes none;"
            " memory is that of all of it",
        ),
    )
