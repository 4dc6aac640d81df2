"""named on loopback for the tests that publish: a primary and a secondary server, each with a control channel of its own.

Zones are added and configured while they run (``rndc addzone``), so that one pair serves a whole module and no test sees
the zone of another.
"""

from __future__ import annotations

import base64
import itertools
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.peers import require_peer, run_peer
from zonekit.asking import Server, serial_at
from zonekit.bind import Rndc
from zonekit.names import parse_origin

BOUND_SECONDS: Final = 60.0
UNLOADED: Final = 2
_ATTEMPTS: Final = 5
_KEY_NAME: Final = "control"


@dataclass(kw_only=True)
class Named:
    """One named, running."""

    name: str
    directory: Path
    port: int
    control_port: int
    key: str
    process: subprocess.Popen[bytes]

    @property
    def server(self) -> Server:
        return Server(name=self.name, address="127.0.0.1", port=self.port)

    @property
    def unloaded(self) -> Path:
        """The directory of the zones that named.conf has and that have no file."""
        return self.directory / "unloaded"

    @property
    def rndc_config(self) -> Path:
        return self.directory / "rndc.conf"

    @property
    def rndc(self) -> Rndc:
        return Rndc(config=str(self.rndc_config), timeout=timedelta(seconds=BOUND_SECONDS))

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run rndc."""
        return run_peer(["rndc", "-c", self.rndc_config, *words], timeout=BOUND_SECONDS)

    def add_zone(self, origin: str, configuration: str) -> None:
        """Have it serve one more zone."""
        done = self.command("addzone", origin, f"{{ {configuration} }};")
        assert done.returncode == 0, done.stderr + self.log

    def serial(self, origin: str) -> int | None:
        """The serial that it answers."""
        answer = serial_at(self.server, parse_origin(origin))
        return answer if isinstance(answer, int) else None

    def wait_for_serial(self, origin: str, serial: int) -> None:
        """Wait until it answers this serial."""
        self._wait(lambda: self.serial(origin) == serial)

    def wait_for_zone(self, origin: str) -> None:
        """Wait until it answers for a zone at all."""
        self._wait(lambda: self.serial(origin) is not None)

    def _wait(self, come: Callable[[], bool]) -> None:
        end = time.monotonic() + BOUND_SECONDS
        while not come():
            assert time.monotonic() < end, self.log
            time.sleep(0.02)


@contextmanager
def running(name: str, directory: Path) -> Iterator[Named]:
    """A named that answers and takes commands, until the end of the block."""
    named = _started(name, directory)
    try:
        yield named
    finally:
        named.process.kill()
        named.process.wait()


def _started(name: str, directory: Path) -> Named:
    # Somebody may take a port between its choice and its use: then others are chosen.
    for attempt in itertools.count(1):
        named = _start(name, directory)
        if _takes_commands(named):
            return named
        named.process.kill()
        named.process.wait()
        if attempt == _ATTEMPTS:
            pytest.fail(named.log)
    raise AssertionError


def _start(name: str, directory: Path) -> Named:
    directory.mkdir(parents=True, exist_ok=True)
    port, control_port = free_port(), free_port()
    key = (
        f'key {_KEY_NAME} {{ algorithm hmac-sha256; secret "{base64.b64encode(secrets.token_bytes(32)).decode()}"; }};'
    )
    (directory / "rndc.conf").write_text(
        f"{key}\noptions {{ default-server 127.0.0.1; default-port {control_port}; default-key {_KEY_NAME}; }};\n"
    )
    stanzas = ""
    for number in range(UNLOADED):
        path = directory / "unloaded" / str(number) / "zone"
        path.parent.mkdir(parents=True, exist_ok=True)
        stanzas += f'zone "{number}.unloaded.example" {{ type primary; file "{path}"; }};\n'
    (directory / "named.conf").write_text(
        f"{key}\n"
        f'options {{ directory "{directory}"; pid-file none; session-keyfile none; recursion no; allow-new-zones yes;'
        f" dnssec-validation no; notify-rate 1000; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; }};\n"
        f"controls {{ inet 127.0.0.1 port {control_port} allow {{ 127.0.0.1; }} keys {{ {_KEY_NAME}; }}; }};\n"
        + stanzas
    )
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [require_peer("named"), "-g", "-n", "1", "-c", directory / "named.conf"],
            stdout=log,
            stderr=log,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    return Named(name=name, directory=directory, port=port, control_port=control_port, key=key, process=process)


def _takes_commands(named: Named) -> bool:
    end = time.monotonic() + BOUND_SECONDS
    while named.process.poll() is None and time.monotonic() < end:
        if named.command("status").returncode == 0:
            return True
        time.sleep(0.05)
    return False


def free_port() -> int:
    """A port that nobody on loopback has at this moment, for UDP and TCP."""
    for _ in range(100):
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            port: int = listener.getsockname()[1]
            try:
                datagrams.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def zone_text(origin: str, serial: int, *records: str) -> str:
    """A zone file."""
    head = f"$ORIGIN {origin}.\n$TTL 300\n{origin}. SOA ns1.example.net. admin.example.net. {serial} 7200 3600 1209600 300\n"
    return head + "\n".join(["@ NS ns1.example.net.", "www A 192.0.2.1", *records]) + "\n"


@dataclass(kw_only=True)
class Pair:
    """A primary and a secondary server, and the zones that they serve."""

    primary: Named
    secondary: Named
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        zones = (
            (f"{number}.unloaded.example", self.primary.unloaded / str(number) / "zone") for number in range(UNLOADED)
        )
        self.unloaded = (Served(pair=self, origin=origin, path=path) for origin, path in zones)

    def unloaded_zone(self) -> Served:
        """A zone that only the primary server has, and that it has no file for yet."""
        return next(self.unloaded)

    def zone(self, directory: Path, *, secondary_hears: bool = True, more: str = "") -> Served:
        """Have both serve a new zone with serial 1, from a file in this directory.

        Args:
            directory: where the file is.
            secondary_hears: whether the primary server notifies the secondary one of a new serial.
            more: what else named.conf says of the zone at the primary server.
        """
        origin = f"zone-{next(self.numbers)}.example"
        path = directory / f"{origin}.zone"
        path.write_text(zone_text(origin, 1))
        notified = (
            f"notify explicit; also-notify {{ 127.0.0.1 port {self.secondary.port}; }}; notify-delay 0;"
            if secondary_hears
            else "notify no;"
        )
        self.primary.add_zone(origin, f'type primary; file "{path}"; {notified} {more}')
        self.secondary.add_zone(origin, f"type secondary; primaries {{ 127.0.0.1 port {self.primary.port}; }};")
        self.primary.wait_for_zone(origin)
        self.secondary.wait_for_zone(origin)
        return Served(pair=self, origin=origin, path=path)


@dataclass(kw_only=True)
class Served:
    """One zone at a primary and a secondary server."""

    pair: Pair
    origin: str
    path: Path

    def new_file(self, serial: int, *records: str) -> Path:
        """A new version of the zone, beside the directory that named reads."""
        path = self.path.parent / "new" / f"{serial}.zone"
        path.parent.mkdir(exist_ok=True)
        path.write_text(zone_text(self.origin, serial, *records))
        return path

    @property
    def serials(self) -> tuple[int | None, int | None]:
        """What the primary and the secondary server answer."""
        return self.pair.primary.serial(self.origin), self.pair.secondary.serial(self.origin)

    @property
    def names(self) -> list[str]:
        """What is in the directory of the zone file, new versions apart."""
        return sorted(path.name for path in self.path.parent.iterdir() if path.name != "new")


@contextmanager
def pair_of_servers(directory: Path) -> Iterator[Pair]:
    """A primary and a secondary server, until the end of the block."""
    with ExitStack() as stack:
        primary = stack.enter_context(running("primary", directory / "primary"))
        secondary = stack.enter_context(running("secondary", directory / "secondary"))
        yield Pair(primary=primary, secondary=secondary)
