"""Looking at transfers under way: their servers are asked, what they give is followed and scored, and the course is kept."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.bench.drivers.answer_signed import PARTIES, SERVERS_OF_EACH, domain_of
from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import BenchError, Contender, Kind, Row, Sample, driver, measure_in_turns, progress, run
from tests.bench.probing import most_sockets, name_servers

_MILLISECONDS: Final = 50
_SOCKETS: Final = 200
_KNOWN: Final = """\
domain = "{domain}"

[losing]
propagation_delay = "1m"
data_ttl = "2h"
ns_ttl = "1d"
dnskey_ttl = "1d"

[gaining]
propagation_delay = "1m"
data_ttl = "2h"
ns_ttl = "1d"
dnskey_ttl = "1d"

[parent]
negative_ttl = "15m"
propagation_delay = "1m"
registration_delay = "1m"
"""
_NOTE: Final = (
    "two servers each of the losing operator, the gaining one and the parent, in another process; the keys of both operators"
    " are in both zones, and the gaining DS is about to be added at the parent"
)


def measure(lab: Lab) -> list[Section]:
    """Measure looks at one transfer with servers far away, and at many with servers that answer at once."""
    times = lab.inception_text, lab.expiration_text
    with name_servers("answer_signed", 1, _MILLISECONDS, *times) as ports:
        progress(f"looking at one transfer, each of whose servers is {_MILLISECONDS} ms away")
        one = _one_transfer(lab, ports)
    transfers = lab.scale.probed_transfers
    progress(f"making the zones of {transfers} transfers")
    with name_servers("answer_signed", transfers, 0, *times) as ports:
        progress(f"looking at {transfers} transfers")
        return [one, *_many_transfers(lab, ports)]


def _write_transfers(directory: Path, transfers: int, ports: Sequence[str], *, state: str | None = None) -> Path:
    """Write the files of transfers; each has a state file of its own unless one is named."""
    directory.mkdir()
    places = iter(ports)
    servers = "\n".join(
        f"[servers.{party.value}]\n"
        + "".join(
            f'"ns{number}.{party.value}.example" = ["127.0.0.1@{next(places)}"]\n'
            for number in range(1, SERVERS_OF_EACH + 1)
        )
        for party in PARTIES
    )
    files = "" if state is None else f'\n[files]\nstate = "{state}"\n'
    for number in range(transfers):
        domain = domain_of(number)
        (directory / f"{domain}toml").write_text(_KNOWN.format(domain=domain) + f"\n{servers}{files}")
    return directory


# ---- one transfer ---------------------------------------------------------------------------------------------------


def _one_transfer(lab: Lab, ports: Sequence[str]) -> Section:
    (path,) = _write_transfers(lab.directory / "one-transfer", 1, ports).iterdir()
    run(driver("look_each", path, 1))  # the first look, which makes the plan and begins the state
    repetitions = lab.scale.apex_repetitions
    finished = run(driver("look_each", path, repetitions))
    figures = list(map(float, finished.output.split()))
    looks = list(zip(figures[::3], figures[1::3], figures[2::3], strict=True))
    peak_kib = finished.sample.peak_kib
    command = [sys.executable, "-m", "zonekit.cli", "status", str(path), "--json"]
    commands = [run(command).sample for _ in range(lab.rounds)]
    over = tuple(
        Sample(cpu_seconds=cpu, wall_seconds=wall - slowest, peak_kib=peak_kib) for cpu, wall, slowest in looks
    )
    whole = tuple(Sample(cpu_seconds=cpu, wall_seconds=wall, peak_kib=peak_kib) for cpu, wall, _ in looks)
    return Section(
        name="status-one-transfer",
        title=f"Looking at one transfer under way, each of whose servers takes {_MILLISECONDS} ms to answer",
        unit=Unit.MILLISECONDS,
        rows=(
            Row(name="look_at", kind=Kind.ZONEKIT, items=1, samples=whole),
            Row(name="look_at, beyond the slowest round trip", kind=Kind.ZONEKIT, items=1, samples=over),
            Row(name="zonekit status --json, a process", kind=Kind.ZONEKIT, items=1, samples=tuple(commands)),
        ),
        notes=(_NOTE, f"the medians of {repetitions} looks in one process, and of {lab.rounds} processes"),
    )


# ---- many transfers -------------------------------------------------------------------------------------------------


def _many_transfers(lab: Lab, ports: Sequence[str]) -> list[Section]:
    transfers = lab.scale.probed_transfers
    each = _write_transfers(lab.directory / "transfers", transfers, ports)
    together = _write_transfers(lab.directory / "transfers-in-one-state", transfers, ports, state="all.state")
    parts: dict[str, tuple[float, float]] = {}

    def look(directory: Path) -> Sample:
        finished = run(_looking(directory))
        found = json.loads(finished.output)
        if found["right"] != transfers:
            raise BenchError(f"{found['right']} of {transfers} transfers have come as far as their servers give")
        parts.update(found["parts"])
        return finished.sample

    def contender(name: str, directory: Path) -> Contender:
        return Contender(name=name, kind=Kind.ZONEKIT, measure=lambda: look(directory), items=transfers)

    first = measure_in_turns([contender("the first look, which makes the plan", each)], 1)
    look(together)
    later = measure_in_turns(
        [contender("one state file for all", together), contender("a state file for each", each)], lab.rounds
    )
    sockets = most_sockets(_looking(each))
    peak_kib = later[-1].peak_kib
    return [
        Section(
            name="status",
            title=f"Looking at {transfers} transfers under way in one process, for each",
            unit=Unit.MILLISECONDS,
            rows=(*later, *first),
            notes=(
                _NOTE,
                *[f"{row.name}: {1 / row.wall_seconds:.0f} transfers a second" for row in later],
                f"with {_SOCKETS} sockets allowed, {sockets} were open at most; the servers answer at once",
                "what is kept of each look is on the disk before the next transfer's turn",
            ),
        ),
        Section(
            name="status-parts",
            title="Where the time of a look goes, the last of those with a state file for each",
            unit=Unit.MILLISECONDS,
            rows=tuple(
                Row(
                    name=part,
                    kind=Kind.ZONEKIT,
                    items=transfers,
                    samples=(Sample(cpu_seconds=cpu, wall_seconds=wall, peak_kib=peak_kib),),
                )
                for part, (cpu, wall) in parts.items()
            ),
            notes=("the asking goes on beside the rest, in a thread of its own; memory is that of all of it",),
        ),
    ]


def _looking(directory: Path) -> list[str]:
    return driver("look", directory, _SOCKETS)
