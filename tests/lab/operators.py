"""An operator: two servers that hold the same zones, and the names under which a parent may delegate to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from dns.name import Name

from tests.lab.authorities import Authority, NamedServer, PdnsServer
from zonekit.zones import Zone

SERVERS: Final = 2
S = TypeVar("S", bound=Authority)


@dataclass(frozen=True)
class Operator(Generic[S]):
    """One operator.

    Attributes:
        name: what the laboratory calls it.
        servers: its servers.
        hosts: the name of each server, absolute; the TLD has their addresses.
    """

    name: str
    servers: tuple[S, ...]
    hosts: tuple[str, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where its servers are, in the order of their names."""
        return tuple(server.address for server in self.servers)

    def load(self, zone: Zone, *, servers: Sequence[Authority] | None = None) -> None:
        """Serve this version of a zone at every server, or at some: then the others go on with what they have."""
        for server in self.servers if servers is None else servers:
            server.load(zone)

    def drop(self, origin: Name) -> None:
        """Answer for this zone no more."""
        for server in self.servers:
            server.drop(origin)

    def wait_for_serial(self, origin: Name, serial: int) -> None:
        """Wait until every server has this serial, or a later one."""
        for server in self.servers:
            server.wait_for_serial(origin, serial)

    def stop(self) -> None:
        """Take every server away."""
        for server in self.servers:
            server.stop()


def policy_text(
    *, dnskey_ttl: int, keys: Iterable[str] = ("ksk", "zsk"), algorithm: int = 13, max_zone_ttl: int = 3600
) -> str:
    """The statements of a ``dnssec-policy`` for a zone of the laboratory: no waits, keys that are never rolled."""
    listed = " ".join(f"{key} lifetime unlimited algorithm {algorithm};" for key in keys)
    return (
        f"keys {{ {listed} }}; dnskey-ttl {dnskey_ttl}; max-zone-ttl {max_zone_ttl}; publish-safety 0; retire-safety 0;"
        " zone-propagation-delay 0; parent-propagation-delay 0; parent-ds-ttl 1; signatures-validity 14d;"
        " signatures-validity-dnskey 14d; signatures-refresh 5d;"
    )


def sign_by_policy(operator: Operator[NamedServer], zone: Zone, *, policy: str, inline: bool) -> None:
    """Let named sign a zone: the first server is the primary, the others transfer what it made."""
    primary, *secondaries = operator.servers
    primary.sign(zone, policy=policy, inline=inline, secondaries=[each.address for each in secondaries])
    for secondary in secondaries:
        secondary.follow(zone.origin, primary.address)


def sign_live(operator: Operator[PdnsServer], zone: Zone) -> None:
    """Let PowerDNS sign a zone with a KSK and a ZSK; it shares one database between its servers."""
    first = operator.servers[0]
    first.load(zone)
    origin = zone.origin.to_text(omit_final_dot=True)
    for role in ("ksk", "zsk"):
        first.pdnsutil("add-zone-key", origin, role, "active", "published", "ecdsa256")
    first.pdnsutil("rectify-zone", origin)
    operator.wait_for_serial(zone.origin, zone.serial)
