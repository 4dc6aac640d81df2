"""A big zone signed again the next day: one RRset in 100 changed, and one signature in 20 due; NSEC, algorithm 13.

zonekit reads the new zone file and the zone as it was signed the day before. Its peers get that signed zone with the new
data put in place, which is what they take. All have the same refresh time; each contender is a whole program.
"""

from __future__ import annotations

import filecmp
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.bench.big_zone import KNOT, PROCESSES, BigZoneFiles, bind_in, floor_sample, zonekit_in
from tests.bench.inputs import BIG_ORIGIN, write_zone_file
from tests.bench.knot import Keys, write_config
from tests.bench.lab import Lab, Section, Unit, rows_named
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
from zonekit.instants import SignatureValidity, instant_text

_REFRESH: Final = timedelta(days=5)
_JITTER: Final = timedelta(days=10)
_VALIDITY: Final = timedelta(days=20)
# The first twentieth of the expirations, which are spread over the jitter, lies within the refresh time.
_EARLIEST_EXPIRATION: Final = _REFRESH - _JITTER / 20
_COMMAND_LINE: Final = "zonekit sign --previous (command line)"
_FLOOR: Final = "raw signing of what is due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many signatures were due in what somebody wrote, how many it made, and over how many RRsets only one is true."""

    due: int
    made: int
    mistaken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseFiles:
    """The zone as it was signed, the zone of the next day, and where that goes when it is signed."""

    lab: Lab
    big: BigZoneFiles
    directory: Path

    @classmethod
    def make(cls, lab: Lab) -> ReuseFiles:
        """Write the zone of the next day, and sign that of the day before."""
        made = cls(lab=lab, big=BigZoneFiles.make(lab), directory=lab.directory / "signed again")
        progress("signing the big zone as of some days ago")
        made.plain.parent.mkdir(parents=True)
        made.edited.parent.mkdir()
        write_zone_file(replace(made.big.zone, next_day=True), made.plain)
        earlier = SignatureValidity(
            inception=lab.now + _EARLIEST_EXPIRATION + _JITTER - _VALIDITY,
            expiration=lab.now + _EARLIEST_EXPIRATION + _JITTER,
        )
        run(made.driver_command("resign", made.big.plain, None, earlier, made.previous, 1))
        verify_zone(made.previous, BIG_ORIGIN, verifier=lab.verifier())
        run(driver("edit_signed", made.previous, made.big.plain, made.plain, BIG_ORIGIN, made.edited))
        return made

    @property
    def plain(self) -> Path:
        """The new zone file."""
        return self.directory / "zones" / f"{BIG_ORIGIN}.zone"

    @property
    def previous(self) -> Path:
        """The zone as it was signed before."""
        return self.directory / "previous"

    @property
    def edited(self) -> Path:
        """That zone with the new data in place."""
        return self.directory / "edited" / f"{BIG_ORIGIN}.zone"

    @property
    def validity(self) -> SignatureValidity:
        """Of every signature that is made now."""
        return SignatureValidity.starting(self.lab.now, _VALIDITY)

    def signed_by(self, name: str) -> Path:
        """Where this contender's result goes, in a directory of its own."""
        return self.directory / f"signed by {name}" / f"{BIG_ORIGIN}.zone"

    def driver_command(
        self, name: str, zone: Path, previous: Path | None, validity: SignatureValidity, output: Path, *processes: int
    ) -> list[str]:
        """The command of one of the drivers that sign with jitter."""
        return driver(
            name,
            zone,
            "-" if previous is None else previous,
            BIG_ORIGIN,
            self.big.keys,
            instant_text(self.lab.now),
            instant_text(validity.inception),
            instant_text(validity.expiration),
            _seconds(_JITTER),
            _seconds(_REFRESH),
            output,
            *processes,
        )

    def count(self, signed: Path) -> Counted:
        """Return what was due and what was made, by the refresh time and the clock of this run."""
        require_signatures(signed, self.big.zone.signatures)
        now = instant_text(self.lab.now)
        return Counted(
            **json.loads(run(driver("count_due", self.previous, signed, BIG_ORIGIN, now, _seconds(_REFRESH))).output)
        )


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def measure(lab: Lab) -> list[Section]:
    """Measure everyone with one process and with two, and zonekit's parts."""
    files = ReuseFiles.make(lab)
    due = _due(files)
    counts: dict[str, Counted] = {}
    progress(f"signing the big zone again, {due} signatures due")
    rows = measure_in_turns(_contenders(files, due, counts), lab.rounds)
    if find_spec("click") is not None and find_spec("rich") is not None:
        rows.insert(1, _command_line(files))
    zone = files.big.zone
    what = f"a zone of {zone.rrsets} RRsets again, {due} of {zone.signatures} signatures due, file to file"
    notes = (
        "zonekit made the signatures that were due and no other: told RRset by RRset from the two zones alone",
        *[f"{name} made {counted.made} signatures" for name, counted in counts.items()],
        "the peers go by the time of day, not by that of the start of this run, so that somewhat more is due for them; they"
        " verify each signature that they find before they keep it, and zonekit trusts the zone that it wrote",
        "zonekit reads two zones, the new one and the signed one of the day before; the peers read one, which is both",
    )
    sections = [
        Section(
            name="reuse-1-process",
            title=f"Signing {what}: one process",
            unit=Unit.SECONDS,
            rows=rows_named(rows, [zonekit_in(1), _COMMAND_LINE, bind_in(1), _FLOOR]),
            notes=notes,
            figures={"signatures due": due},
        ),
        Section(
            name=f"reuse-{PROCESSES}-processes",
            title=f"Signing {what}: {PROCESSES} processes or threads",
            unit=Unit.SECONDS,
            rows=rows_named(rows, [zonekit_in(PROCESSES), KNOT, bind_in(PROCESSES), _FLOOR]),
            processes=PROCESSES,
            notes=notes,
            figures={"signatures due": due},
        ),
        _parts(files),
    ]
    shutil.rmtree(files.directory)
    return sections


def _due(files: ReuseFiles) -> int:
    """How many signatures are due.

    Raises:
        BenchError: zonekit made others than those.
    """
    trial = files.signed_by("zonekit, in a trial")
    trial.parent.mkdir()
    run(files.driver_command("resign", files.plain, files.previous, files.validity, trial, 1))
    return _require_only_what_is_due(files, trial)


def _require_only_what_is_due(files: ReuseFiles, signed: Path) -> int:
    counted = files.count(signed)
    if counted.mistaken or not 0 < counted.due < files.big.zone.signatures / 10:
        raise BenchError(f"zonekit made {counted.made} signatures, and {counted.due} were due: {counted}")
    return counted.due


def _contenders(files: ReuseFiles, due: int, counts: dict[str, Counted]) -> list[Contender]:
    floor_signatures = files.lab.scale.floor_signatures
    floor = Contender(
        name=_FLOOR,
        kind=Kind.FLOOR,
        measure=lambda: floor_sample(keys=0, signatures=floor_signatures),
        items=floor_signatures / due,
        remark=f"{floor_signatures} signatures, scaled to {due}",
    )
    peers = [_dnssec_signzone(files, 1, counts), _kzonesign(files, counts), _dnssec_signzone(files, PROCESSES, counts)]
    return [_zonekit_contender(files, 1), _zonekit_contender(files, PROCESSES), *filter(None, peers), floor]


def _contender(
    files: ReuseFiles,
    name: str,
    kind: Kind,
    command: Command,
    *,
    verify: Callable[[], None],
    cwd: Path | None = None,
) -> Contender:
    """A contender that runs one command, which writes ``signed_by(name)``."""
    output = files.signed_by(name)
    output.parent.mkdir()

    def measure_once() -> Sample:
        output.unlink(missing_ok=True)
        return run(command, cwd=cwd).sample

    def measure_memory() -> int:
        output.unlink(missing_ok=True)
        return peak_of_all_processes(command, cwd=cwd)

    def verify_with_bind() -> None:
        verify()
        verify_zone(output, BIG_ORIGIN, verifier=files.lab.verifier())

    return Contender(
        name=name,
        kind=kind,
        measure=measure_once,
        verify=verify_with_bind,
        glance=lambda: require_signatures(output, files.big.zone.signatures),
        measure_memory=measure_memory,
    )


def _zonekit_contender(files: ReuseFiles, processes: int) -> Contender:
    name = zonekit_in(processes)
    output = files.signed_by(name)
    command = files.driver_command("resign", files.plain, files.previous, files.validity, output, processes)

    def verify() -> None:
        _require_only_what_is_due(files, output)

    return _contender(files, name, Kind.ZONEKIT, command, verify=verify)


def _peer(
    files: ReuseFiles, name: str, command: Command, counts: dict[str, Counted], *, cwd: Path | None = None
) -> Contender:
    def verify() -> None:
        counts[name] = files.count(files.signed_by(name))

    return _contender(files, name, Kind.PEER, command, verify=verify, cwd=cwd)


def _dnssec_signzone(files: ReuseFiles, threads: int, counts: dict[str, Counted]) -> Contender | None:
    found = files.lab.find("dnssec-signzone")
    if found is None:
        return None
    name = bind_in(threads)
    validity = ["-s", _bind_time(files.validity.inception), "-e", _bind_time(files.validity.expiration)]
    refresh = ["-i", str(_seconds(_REFRESH)), "-j", str(_seconds(_JITTER))]
    options = ["-S", "-K", files.big.keys, "-x", "-P", "-q", "-n", str(threads), "-o", BIG_ORIGIN]
    command = [*found, *options, *validity, *refresh, "-f", files.signed_by(name), files.edited]
    return _peer(files, name, command, counts, cwd=files.directory)


def _bind_time(instant: datetime) -> str:
    return instant.strftime("%Y%m%d%H%M%S")


def _kzonesign(files: ReuseFiles, counts: dict[str, Counted]) -> Contender | None:
    found = files.lab.find("kzonesign", "keymgr")
    if found is None:
        return None
    kzonesign, keymgr = found
    directory = files.directory / "knot"
    directory.mkdir()
    config = write_config(
        directory,
        files.edited.parent,
        "%s.zone",
        [BIG_ORIGIN],
        keys=Keys.IMPORTED,
        threads=PROCESSES,
        lifetime=_VALIDITY,
        refresh=_REFRESH,
    )
    for key in sorted(files.big.keys.glob("K*.key")):
        run([keymgr, "-c", config, BIG_ORIGIN, "import-bind", key])
    command: Command = [kzonesign, "-c", config, "-o", files.signed_by(KNOT).parent, BIG_ORIGIN]
    return _peer(files, KNOT, command, counts)


def _command_line(files: ReuseFiles) -> Row:
    """What the same costs by the command line, once; it is to write the same octets."""
    progress(f"  {_COMMAND_LINE}, once")
    output = files.signed_by(_COMMAND_LINE)
    output.parent.mkdir()
    when = ["--now", instant_text(files.lab.now), "--signatures-validity", f"{_VALIDITY.days}d"]
    again: Command = ["--previous", files.previous, "--signatures-refresh", f"{_REFRESH.days}d"]
    where: Command = ["-o", BIG_ORIGIN, "-K", files.big.keys, "-f", output, files.plain]
    jitter = ["--jitter", f"{_JITTER.days}d"]
    sample = run([sys.executable, "-m", "zonekit.cli", "sign", "-q", *when, *again, *jitter, *where]).sample
    if not filecmp.cmp(output, files.signed_by(zonekit_in(1)), shallow=False):
        raise BenchError(f"{_COMMAND_LINE} writes other bytes than the library")
    return Row(name=_COMMAND_LINE, kind=Kind.ZONEKIT, items=1, samples=(sample,), remark="once")


def _parts(files: ReuseFiles) -> Section:
    progress("measuring the parts of zonekit's work")
    output = files.signed_by("zonekit in parts")
    output.parent.mkdir()
    finished = run(files.driver_command("split_resign", files.plain, files.previous, files.validity, output))
    _require_only_what_is_due(files, output)
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
        name="reuse-parts",
        title="Where zonekit's time goes when it signs again, one process, once",
        unit=Unit.SECONDS,
        rows=rows,
        notes=(
            "measured inside one process that does some of the work twice: once with signatures, once with a signer that"
            " makes none; memory is that of all of it",
        ),
    )
