"""Name servers on the loopback that serve what there is in a world of a transfer, and the file of that transfer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import dns.message
from dns.flags import Flag

from tests.fake_servers import Asking, FakeServer, response
from tests.rounds import QUESTION, answers_of
from tests.transfer_worlds import World
from zonekit import rdata as rd
from zonekit.files import write_text, write_zone
from zonekit.transfer.answers import Answer, Outcome, Server
from zonekit.transfer.versions import Source
from zonekit.zones import RRset, Zone

_LARGEST_DATAGRAM: Final = 1232
_KNOWN: Final = """\
domain = "example.nl"

[losing]
propagation_delay = "1m"
data_ttl = "2h"

[gaining]
propagation_delay = "1m"
data_ttl = "2h"
ns_ttl = "1d"
dnskey_ttl = "1d"

[parent]
negative_ttl = "15m"
propagation_delay = "1m"
registration_delay = "1m"

[files]
gaining_zone = "gaining.zone"
"""


def transfer_text(places: Mapping[Server, str]) -> str:
    """The file of a transfer, with where its servers are."""
    tables = [
        f"[servers.{source.value}]\n"
        + "".join(
            f'"{server.name.removesuffix(".")}" = ["{place}"]\n'
            for server, place in places.items()
            if server.source is source
        )
        for source in Source
    ]
    return "\n".join((_KNOWN, *tables))


@dataclass
class Network:
    """The servers of both operators and the parent; what they give is changed while they run.

    Attributes:
        directory: where the file of the transfer lies.
        world: what they give.
        is_served: whether the gaining servers have the zone; before that they refuse.
        but: what some of them give in its place, by their names.
        servers: by the server as the tests know it, the one that runs.
    """

    directory: Path
    world: World
    is_served: bool = False
    but: dict[str, World | Outcome] = field(default_factory=dict)
    servers: dict[Server, FakeServer] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The file of the transfer."""
        return self.directory / "transfer.toml"

    def write_files(self) -> None:
        """Write the file of the transfer, and the gaining zone as it is going to be served."""
        places = {server: f"{fake.address}@{fake.port}" for server, fake in self.servers.items()}
        write_text(str(self.file), transfer_text(places))
        self.write_gaining_zone()

    def write_gaining_zone(self) -> None:
        """Write the gaining zone as it is now."""
        zone = self.world.gaining if isinstance(self.world.gaining, Zone) else self.world.made
        write_zone(zone, str(self.directory / "gaining.zone"))

    def answer(self, server: Server, asking: Asking) -> None:
        """Answer as this server does now."""
        gives = self.but.get(server.name, self.world)
        if server.source is Source.GAINING and not self.is_served and isinstance(gives, World):
            gives = Outcome.REFUSED
        (asked,) = asking.query.question
        found = next(
            each
            for each in answers_of(server, gives).answers
            if each.rdtype == asked.rdtype and asked.name.to_wire().lower() == each.owner.lower()
        )
        if found.outcome is Outcome.SILENT:
            return
        made = _message(server, gives, found, asking)
        octets = made.to_wire()
        if not asking.by_tcp and len(octets) > _LARGEST_DATAGRAM:
            made.answer, made.authority, made.additional = [], [], []
            made.flags |= Flag.TC
            octets = made.to_wire()
        asking.send(octets)


def _message(server: Server, gives: World | Outcome, found: Answer, asking: Asking) -> dns.message.Message:
    if isinstance(gives, Outcome) or found.outcome is Outcome.REFUSED:
        return response(asking.query, flags="", code="REFUSED" if found.outcome is Outcome.REFUSED else "SERVFAIL")
    lines = [line for rrset in found.rrsets for line in _lines(rrset)]
    if server.source is Source.PARENT:
        if found.rdtype == rd.NS and lines:
            return response(asking.query, authority=lines, flags="")
        soa = "nl. 900 SOA ns1.dns.nl. hostmaster.nl. 1 3600 600 2419200 900"
    else:
        zone = gives.losing if server.source is Source.LOSING else gives.gaining
        assert isinstance(zone, Zone)
        (soa,) = _lines(zone.soa)
    if not lines:
        return response(asking.query, authority=[soa])
    return response(asking.query, answer=lines)


def _lines(rrset: RRset) -> list[str]:
    found = []
    for line in rrset.text().splitlines():
        owner, ttl, _, rdtype, rdata = line.split(None, 4)
        found.append(f"{owner} {ttl} {rdtype} {rdata}")
    return found


@contextlib.contextmanager
def network_of(world: World, directory: Path) -> Iterator[Network]:
    """Run the servers of a world, and write the file of its transfer."""
    network = Network(directory=directory, world=world)
    with contextlib.ExitStack() as stack:
        for server in QUESTION.servers:

            def script(asking: Asking, server: Server = server) -> None:
                network.answer(server, asking)

            network.servers[server] = stack.enter_context(FakeServer(script))
        network.write_files()
        yield network
