"""What goes wrong in a laboratory: servers that stay apart, control channels that refuse, small disks, clocks that are set."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import dns.rdatatype
import pytest
from dns.name import Name

from tests.lab.asking import query
from tests.lab.authorities import Authority, NamedServer, PdnsServer
from tests.lab.operators import Operator
from tests.lab.processes import Reaper
from tests.lab.sides import LOWERED_TTL, LosingPdns, LosingPolicy
from zonekit import status
from zonekit.asking import Server as AskedServer
from zonekit.bind import Rndc
from zonekit.dnskeys import Dnskey
from zonekit.publishing import Service, Stage, publish_zone
from zonekit.transfer.answers import Round
from zonekit.transfer.course import Tick
from zonekit.zones import Zone

S = TypeVar("S", bound=Authority)
_PUBLISHING: Final = timedelta(seconds=20)


# ---- servers that stay apart ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parted(Operator[S]):
    """An operator some of whose servers get no new version of a zone until they are reached again.

    Attributes:
        apart: those.
    """

    apart: set[Authority] = field(default_factory=set)

    @classmethod
    def of(cls, operator: Operator[S]) -> Self:
        """The same operator, to be parted."""
        return cls(name=operator.name, servers=operator.servers, hosts=operator.hosts)

    def load(self, zone: Zone, *, servers: Sequence[Authority] | None = None) -> None:
        super().load(zone, servers=self._reached(self.servers if servers is None else servers))

    def drop(self, origin: Name) -> None:
        for server in self._reached(self.servers):
            server.drop(origin)

    def _reached(self, servers: Sequence[Authority]) -> list[Authority]:
        return [server for server in servers if server not in self.apart]


# ---- named, with zonekit's publishing -------------------------------------------------------------------------------


class PublishingNamed(NamedServer):
    """named with zone files that zonekit puts into service; the first version of a zone is there before named knows of it."""

    def __init__(self, name: str, address: str, directory: Path, watcher: Reaper) -> None:
        super().__init__(name, address, directory, watcher)
        self.zones = self.directory / "zones"
        self.zones.mkdir()
        self.on_stage: Callable[[Stage], None] = lambda stage: None

    @property
    def rndc_config(self) -> Path:
        """The configuration of rndc, with the key."""
        return self.directory / "rndc.conf"

    def zone_file(self, origin: Name) -> Path:
        return self.zones / super().zone_file(origin).name

    def load(self, zone: Zone) -> None:
        if zone.origin not in self._zones:
            super().load(zone)
            return
        publish_zone(
            zone,
            service=Service(
                servers=(AskedServer(name=self.name, address=self.address),),
                rndc=Rndc(config=str(self.rndc_config), timeout=_PUBLISHING),
                timeout=_PUBLISHING,
                on_stage=self.on_stage,
            ),
        )

    @contextmanager
    def with_another_key(self) -> Iterator[None]:
        """Have rndc use a key that named does not have."""
        text = self.rndc_config.read_text()
        self.rndc_config.write_text(text.replace("emFrZW4gZG9lbg==", "bmlldCBkb2VuIQ=="))
        try:
            yield
        finally:
            self.rndc_config.write_text(text)


@contextmanager
def small_disk(directory: Path, *, kibibytes: int) -> Iterator[None]:
    """A file system of its own in an empty directory, with no room for more than this."""
    options = ["-t", "tmpfs", "-o", f"size={kibibytes}k"]
    mounted = subprocess.run(["mount", *options, "lab", directory], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        # Lazily, for named may still have files open there.
        subprocess.run(["umount", "--lazy", directory], check=True)


@contextmanager
def filled(directory: Path) -> Iterator[None]:
    """No room at all where this directory is, until the context ends."""
    filling = directory / "filling"
    try:
        with filling.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left on device"):
            while True:
                file.write(bytes(4096))
        yield
    finally:
        filling.unlink()


# ---- operators whose programs sign, and do something else than they are asked to ---------------------------------------


@dataclass
class LosingInline(LosingPolicy):
    """named with ``inline-signing yes``: an update of its DNSKEY RRset that has its own keys too succeeds, and changes nothing.

    Where the own ones are left out it finds no key to sign the others with, and answers SERVFAIL.
    """

    def publish_keys(self, keys: Sequence[Dnskey]) -> None:
        answer = query(self.operator.addresses[0], self.origin, "DNSKEY", recursion=False).answer
        own = [rrset for rrset in answer if rrset.rdtype == dns.rdatatype.DNSKEY]
        self.operator.servers[0].update(self.origin, add=own)
        super().publish_keys(keys)


@dataclass
class LosingPdnsByRecord(LosingPdns):
    """PowerDNS whose operator lowers the TTL of the DNSKEY records that it was given, which changes nothing."""

    def lower_ttls(self) -> None:
        super().lower_ttls()
        listed = self.operator.servers[0].pdnsutil("list-zone", self.origin.to_text(omit_final_dot=True))
        records = [line.split("\t") for line in listed.splitlines() if "\tDNSKEY\t" in line]
        assert records, listed
        self._replace("DNSKEY", LOWERED_TTL, [record[-1] for record in records])

    def set_minimum(self, seconds: int) -> None:
        """Change the SOA's MINIMUM, which is the TTL of its DNSKEY RRset."""
        server: PdnsServer = self.operator.servers[0]
        listed = server.pdnsutil("list-zone", self.origin.to_text(omit_final_dot=True))
        (soa,) = [line.split("\t") for line in listed.splitlines() if "\tSOA\t" in line]
        *words, _ = soa[-1].split()
        self._replace("SOA", int(soa[1]), [" ".join((*words, str(seconds)))])


# ---- clocks that are set --------------------------------------------------------------------------------------------


class SetClock(threading.local):
    """The clock that :mod:`zonekit.status` reads in this thread, set by so much against the time that passes.

    Attributes:
        by: by how much.
    """

    by = timedelta(0)

    @contextmanager
    def installed(self) -> Iterator[Self]:
        """Have it read in the place of the machine's."""
        probe, read_tick = status.probe, status.read_tick

        def probed(*arguments: Any, **options: Any) -> Round:
            found = probe(*arguments, **options)
            return replace(found, began=found.began + self.by, ended=found.ended + self.by)

        def ticked() -> Tick:
            tick = read_tick()
            return replace(tick, at=tick.at + self.by)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(status, "probe", probed)
            patch.setattr(status, "read_tick", ticked)
            yield self
