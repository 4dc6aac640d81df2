"""Asking the servers of transfers directly: one transfer as fast as its servers answer, and a thousand in one process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import (
    BenchError,
    Command,
    Contender,
    Kind,
    Row,
    Sample,
    driver,
    environment,
    measure_in_turns,
    progress,
    run,
)

OPERATORS: Final = 4
PARENTS: Final = 2
_ZONE: Final = "example."
_OF_OPERATOR: Final = ("SOA", "NS", "DNSKEY", "CDS", "CDNSKEY", "CSYNC")
_OF_PARENT: Final = ("NS", "DS")


def questions(number: int) -> Iterator[tuple[int, str, str]]:
    """What the servers of a transfer are asked: which of them, the name and the type."""
    domain = f"d{number:05}.{_ZONE}"
    for place in range(OPERATORS):
        yield from ((place, domain, rdtype) for rdtype in _OF_OPERATOR)
    for place in range(OPERATORS, OPERATORS + PARENTS):
        yield from ((place, domain, rdtype) for rdtype in _OF_PARENT)
        yield place, _ZONE, "SOA"


QUERIES: Final = len(tuple(questions(0)))
_MILLISECONDS: Final = 50
_SOCKETS: Final = (200, 20)
_POLL_SECONDS: Final = 0.002
_STOP_SECONDS: Final = 10.0


def measure(lab: Lab) -> list[Section]:
    """Measure one transfer with servers far away, and many with servers that answer at once."""
    with name_servers("answer", OPERATORS, PARENTS, _MILLISECONDS) as ports:
        progress(f"asking the servers of one transfer, each {_MILLISECONDS} ms away")
        one = [_one_transfer(lab, ports), _one_after_the_other(lab, ports)]
    with name_servers("answer", OPERATORS, PARENTS, 0) as ports:
        transfers = lab.scale.probed_transfers
        progress(f"asking the servers of {transfers} transfers")
        many = measure_in_turns(_contenders(lab, ports), lab.rounds)
        sockets = most_sockets(_zonekit(transfers, _SOCKETS[0], ports))
    zonekit = many[0]
    note = f"{OPERATORS} servers of the operators and {PARENTS} of the parent, in another process: {QUERIES} queries a transfer"
    return [
        Section(
            name="probing-one-transfer",
            title=f"Asking all the servers of one transfer, each of which takes {_MILLISECONDS} ms to answer",
            unit=Unit.MILLISECONDS,
            rows=tuple(one),
            notes=(
                note,
                f"the asking alone, in memory: the medians of {lab.scale.apex_repetitions} times, one of dnspython",
            ),
        ),
        Section(
            name="probing",
            title=f"Queries a second, answered and read, of {transfers} transfers: {transfers * QUERIES} queries",
            unit=Unit.A_SECOND,
            rows=tuple(many),
            notes=(
                note,
                f"with {_SOCKETS[0]} sockets zonekit asks {1 / (zonekit.wall_seconds * QUERIES):.0f} transfers a second, start of"
                f" the program included; it had {sockets} sockets open at most",
                "the servers answer at once; servers of one operator give the same octets, which zonekit reads once",
                f"one after the other: {lab.scale.probed_sample} transfers; dig prints what came and does not judge it",
                "the floor is dnspython reading every reply, already there, into a message",
            ),
        ),
    ]


@contextlib.contextmanager
def name_servers(program: str, *arguments: object) -> Iterator[list[str]]:
    """Run one of the drivers that answer, and give the ports of its name servers."""
    process = subprocess.Popen(
        driver(program, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
        ports = process.stdout.readline().split()
        if len(ports) != OPERATORS + PARENTS:
            raise BenchError("the name servers did not start")
        yield ports
    process.wait(_STOP_SECONDS)


def _zonekit(transfers: int, sockets: int, ports: list[str]) -> list[str]:
    return driver("probe", transfers, sockets, *ports)


def _asked(command: Command, transfers: int) -> tuple[Sample, list[float]]:
    """Run one that asks, see that everything was answered, and return the cost, and its own times of each round."""
    finished = run(command)
    answered, *times = map(float, finished.output.split())
    if answered != transfers * QUERIES:
        raise BenchError(f"{answered:.0f} of {transfers * QUERIES} queries were answered")
    return finished.sample, times


# ---- one transfer ---------------------------------------------------------------------------------------------------


def _one_transfer(lab: Lab, ports: list[str]) -> Row:
    repetitions = lab.scale.apex_repetitions
    sample, times = _asked(driver("probe_each", repetitions, *ports), repetitions)
    samples = [
        Sample(cpu_seconds=cpu, wall_seconds=wall, peak_kib=sample.peak_kib)
        for cpu, wall in zip(times[::2], times[1::2], strict=True)
    ]
    return Row(name="zonekit", kind=Kind.ZONEKIT, items=1, samples=tuple(samples))


def _one_after_the_other(lab: Lab, ports: list[str]) -> Row:
    sample, (cpu, wall) = _asked(driver("probe_dnspython", 1, *ports), 1)
    alone = Sample(cpu_seconds=cpu, wall_seconds=wall, peak_kib=sample.peak_kib)
    return Row(name="dnspython, one query after the other", kind=Kind.PEER, items=1, samples=(alone,))


# ---- many transfers -------------------------------------------------------------------------------------------------


def _contenders(lab: Lab, ports: list[str]) -> list[Contender]:
    transfers, sample = lab.scale.probed_transfers, lab.scale.probed_sample
    found = [
        Contender(
            name=f"zonekit, {sockets} sockets",
            kind=Kind.ZONEKIT,
            measure=lambda sockets=sockets: _asked(_zonekit(transfers, sockets, ports), transfers)[0],  # type: ignore[misc]
            items=transfers * QUERIES,
        )
        for sockets in _SOCKETS
    ]
    found.append(
        Contender(
            name="dnspython, one after the other",
            kind=Kind.PEER,
            measure=lambda: _asked(driver("probe_dnspython", sample, *ports), sample)[0],
            items=sample * QUERIES,
        )
    )
    if dig := lab.find("dig"):
        batch = _dig_batch(lab.directory / "queries", sample, ports)
        found.append(
            Contender(
                name="dig -f, one after the other",
                kind=Kind.PEER,
                measure=lambda: _dig(dig, batch, sample),
                items=sample * QUERIES,
            )
        )
    found.append(
        Contender(
            name="reading the replies, dnspython",
            kind=Kind.FLOOR,
            measure=lambda: _floor(sample),
            items=sample * QUERIES,
        )
    )
    return found


def _dig_batch(path: Path, transfers: int, ports: list[str]) -> Path:
    lines = [
        f"@127.0.0.1 -p {ports[place]} +norecurse +dnssec +bufsize=1232 +tries=1 {owner} {rdtype}\n"
        for number in range(transfers)
        for place, owner, rdtype in questions(number)
    ]
    path.write_text("".join(lines))
    return path


def _dig(dig: list[str], batch: Path, transfers: int) -> Sample:
    finished = run([*dig, "-f", batch])
    answered = finished.output.count("status: NOERROR")
    if answered != transfers * QUERIES:
        raise BenchError(f"dig got {answered} answers to {transfers * QUERIES} queries")
    return finished.sample


def _floor(transfers: int) -> Sample:
    """What reading so many replies costs, and nothing else."""
    finished = run(driver("floor_replies", transfers))
    cpu_seconds, wall_seconds = map(float, finished.output.split())
    return Sample(cpu_seconds=cpu_seconds, wall_seconds=wall_seconds, peak_kib=finished.sample.peak_kib)


def most_sockets(command: Command) -> int:
    """Run a program and return the most sockets that it was seen to have open to name servers; looking slows it down."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment())
    most = 0
    while process.poll() is None:
        most = max(most, _sockets_of(process.pid))
        time.sleep(_POLL_SECONDS)
    if process.returncode != 0:
        raise BenchError(f"exit code {process.returncode}")
    return most


def _sockets_of(pid: int) -> int:
    """The sockets of a process without the pair by which its event loop wakes up."""
    links = []
    with contextlib.suppress(OSError):  # it has just ended
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):  # that has just been closed
                links.append(os.readlink(entry.path))
    return max(0, sum(link.startswith("socket:") for link in links) - 2)
