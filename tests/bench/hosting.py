"""Many small zones as a hosting provider has them: keys generated, each zone signed, from file to file."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.big_zone import floor_sample, signzone_options
from tests.bench.inputs import (
    HOSTING_RECORDS,
    HOSTING_SIGNATURES,
    KEYS_A_ZONE,
    HostingZone,
    write_hosting_zones,
)
from tests.bench.knot import Keys, write_config
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import (
    BenchError,
    Command,
    Contender,
    Kind,
    Sample,
    driver,
    environment,
    measure_in_turns,
    progress,
    require_signatures,
    run,
    verify_zone,
)

_NOTHING: Final = Sample(cpu_seconds=0.0, wall_seconds=0.0, peak_kib=0)
_KNOTD_PATIENCE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05


@dataclass(slots=True)
class HostedZones:
    """Zones to sign, and the results of one contender's latest run.

    Attributes:
        lab: where it takes place.
        plain: the directory of the zone files that are given.
        zones: the zones.
        signed: where in the results the signed zone is, with the origin in place of ``%s``.
        results: the directory of the results.
    """

    lab: Lab
    plain: Path
    zones: Sequence[HostingZone]
    signed: str = "%s/signed"
    results: Path = field(init=False, default=Path())

    def fresh_results(self) -> Path:
        """Return an empty directory for the next results.

        The latest ones stay until all is measured: ext4 looks for a new inode past every one that was freed in the last
        minutes, so that whoever makes files next would pay for files that are thrown away.
        """
        self.results = Path(tempfile.mkdtemp(dir=self.lab.directory))
        return self.results

    def plain_file(self, zone: HostingZone) -> Path:
        """The zone file that is given."""
        return self.plain / f"{zone.origin}.zone"

    def signed_file(self, zone: HostingZone) -> Path:
        """The zone file that is made."""
        return self.results / (self.signed % zone.origin)

    def glance(self) -> None:
        """Raise BenchError unless every zone has its signatures."""
        for zone in self.zones:
            require_signatures(self.signed_file(zone), HOSTING_SIGNATURES)

    def verify(self) -> None:
        """Raise BenchError unless those that are looked at closely are right as well."""
        self.glance()
        for zone in self.zones[:: max(1, len(self.zones) // self.lab.scale.verified_zones)]:
            verify_zone(self.signed_file(zone), zone.origin, verifier=self.lab.verifier())

    def contender(self, name: str, kind: Kind, sign_all: Callable[[HostedZones], Sample]) -> Contender:
        """What signs these zones with this function."""
        return Contender(
            name=name,
            kind=kind,
            measure=lambda: sign_all(self),
            items=len(self.zones),
            verify=self.verify,
            glance=self.glance,
        )


def measure(lab: Lab) -> list[Section]:
    """Measure everyone."""
    progress(f"making {lab.scale.hosting_zones} hosting zones")
    plain = lab.directory / "hosting zones"
    zones = write_hosting_zones(lab.scale.hosting_zones, plain)
    sample = zones[: lab.scale.hosting_sample]
    contenders = [
        HostedZones(lab, plain, zones).contender("zonekit", Kind.ZONEKIT, _zonekit("flushed")),
        HostedZones(lab, plain, zones).contender("zonekit, files not flushed", Kind.ZONEKIT, _zonekit("unflushed")),
    ]
    if found := lab.find("ldns-keygen", "ldns-signzone"):
        contenders.append(
            HostedZones(lab, plain, sample).contender("ldns-keygen, ldns-signzone", Kind.PEER, _ldns(*found))
        )
    if found := lab.find("dnssec-keygen", "dnssec-signzone"):
        contenders.append(
            HostedZones(lab, plain, sample).contender("dnssec-keygen, dnssec-signzone -P", Kind.PEER, _bind(*found))
        )
    if found := lab.find("knotd"):
        contenders.append(HostedZones(lab, plain, zones).contender("knotd", Kind.PEER, knotd(*found, threads=1)))
    contenders.append(floor(lab))
    progress("signing the hosting zones")
    return [
        Section(
            name="hosting-zones",
            title=f"Signing hosting zones of {HOSTING_RECORDS} records, keys generated, file to file: what one zone costs",
            unit=Unit.MILLISECONDS,
            rows=tuple(measure_in_turns(contenders, lab.rounds)),
            notes=(
                f"one process for {len(zones)} zones, start-up included; ldns and BIND need three programs for each zone and"
                f" are measured with {len(sample)} of them",
                "knotd: from its start until the last zone file is rewritten, with one background worker",
                "zonekit flushes each zone file, each key file and their directories to the disk, and for comparison does"
                " not; ldns and knotd do not flush zone files, and BIND flushes the dsset file alone",
            ),
        )
    ]


def floor(lab: Lab, *, processes: int = 1) -> Contender:
    """The keys and signatures of hosting zones and nothing else, made by so many processes at once."""
    keys, signatures = KEYS_A_ZONE * lab.scale.floor_zones, HOSTING_SIGNATURES * lab.scale.floor_zones

    def measure_once() -> Sample:
        with ThreadPoolExecutor(processes) as pool:
            made = [pool.submit(floor_sample, keys=keys, signatures=signatures) for _ in range(processes)]
            samples = [each.result() for each in made]
        return Sample(
            cpu_seconds=sum(sample.cpu_seconds for sample in samples),
            wall_seconds=max(sample.wall_seconds for sample in samples),
            peak_kib=max(sample.peak_kib for sample in samples),
        )

    return Contender(
        name="raw keys and signatures, cryptography",
        kind=Kind.FLOOR,
        measure=measure_once,
        items=lab.scale.floor_zones * processes,
        remark=f"{keys * processes} keys, {signatures * processes} signatures, scaled to {KEYS_A_ZONE} and"
        f" {HOSTING_SIGNATURES} a zone",
    )


def _zonekit(writing: str) -> Callable[[HostedZones], Sample]:
    def sign_all(zones: HostedZones) -> Sample:
        validity = (zones.lab.inception_text, zones.lab.expiration_text)
        return run(driver("host", zones.plain, zones.fresh_results(), *validity, writing)).sample

    return sign_all


def _in_each_directory(zones: HostedZones, commands: Callable[[HostingZone, Path], Iterator[Command]]) -> Sample:
    """Run some programs for each zone, one after the other, in the directory of its results."""
    total = _NOTHING
    results = zones.fresh_results()
    for zone in zones.zones:
        directory = results / zone.origin
        directory.mkdir()
        for command in commands(zone, directory):
            total += run(command, cwd=directory).sample
    return total


def _ldns(keygen: str, signzone: str) -> Callable[[HostedZones], Sample]:
    def sign_all(zones: HostedZones) -> Sample:
        validity = ["-i", zones.lab.peer_inception, "-e", zones.lab.peer_expiration]

        def commands(zone: HostingZone, directory: Path) -> Iterator[Command]:
            yield [keygen, "-a", "ECDSAP256SHA256", "-k", zone.origin]
            yield [keygen, "-a", "ECDSAP256SHA256", zone.origin]
            keys = [path.stem for path in sorted(directory.glob("K*.private"))]
            yield [signzone, *validity, "-o", zone.origin, "-f", "signed", zones.plain_file(zone), *keys]

        return _in_each_directory(zones, commands)

    return sign_all


def _bind(keygen: str, signzone: str) -> Callable[[HostedZones], Sample]:
    def sign_all(zones: HostedZones) -> Sample:
        def commands(zone: HostingZone, directory: Path) -> Iterator[Command]:
            yield [keygen, "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone.origin]
            yield [keygen, "-q", "-a", "ECDSAP256SHA256", zone.origin]
            options = signzone_options(zones.lab, directory, zone.origin, Path("signed"), threads=1)
            yield [signzone, *options, zones.plain_file(zone)]

        return _in_each_directory(zones, commands)

    return sign_all


def knotd(program: str, *, threads: int) -> Callable[[HostedZones], Sample]:
    """What lets knotd sign all zones with this many threads."""

    def sign_all(zones: HostedZones) -> Sample:
        results = zones.fresh_results()
        given: dict[Path, int] = {}
        for zone in zones.zones:
            signed = zones.signed_file(zone)
            signed.parent.mkdir(exist_ok=True)
            shutil.copy(zones.plain_file(zone), signed)
            given[signed] = signed.stat().st_ino
        origins = [zone.origin for zone in zones.zones]
        config = write_config(results, results, zones.signed, origins, keys=Keys.GENERATED, threads=threads)
        with (results / "log").open("wb") as log:
            start = time.perf_counter()
            server = subprocess.Popen([program, "-c", config], stdout=log, stderr=log, env=environment())
            try:
                _wait_until_replaced(given, server)
                return _so_far(server.pid, start)
            except BenchError as error:
                raise BenchError(f"{error}\n{(results / 'log').read_text(errors='replace')[-1000:]}") from None
            finally:
                server.kill()
                server.wait()

    return sign_all


def _wait_until_replaced(given: dict[Path, int], server: subprocess.Popen[bytes]) -> None:
    """Wait until none of the files is the one (by its inode) that was given."""
    waiting = list(given.items())
    deadline = time.monotonic() + _KNOTD_PATIENCE_SECONDS
    while waiting:
        if server.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"knotd left {len(waiting)} of {len(given)} zones unsigned")
        time.sleep(_POLL_SECONDS)
        # One file a time, the others when that one is done: looking at all of them costs the server processor time.
        while waiting and waiting[-1][0].stat().st_ino != waiting[-1][1]:
            waiting.pop()


def _so_far(pid: int, start: float) -> Sample:
    """What a process that goes on running has cost until now."""
    wall_seconds = time.perf_counter() - start
    # Behind the name, which stands in parentheses: the 12th and 13th fields are user and system time in clock ticks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Sample(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        wall_seconds=wall_seconds,
        peak_kib=int(status["VmHWM"].split()[0]),
    )
