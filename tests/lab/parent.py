"""The parent side: a root and a TLD, signed by zonekit with keys of their own, and the delegations in the TLD."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import dns.name
from dns.name import Name

from tests.lab.authorities import Authority
from zonekit.ds import make_ds
from zonekit.instants import SignatureValidity
from zonekit.keys import KeyTiming, SigningKey, generate_ksk, generate_zsk
from zonekit.signing import Reuse, sign_zone
from zonekit.zones import RRset, Zone

TLD: Final = "lab."
DELEGATION_TTL: Final = 6
NEGATIVE_TTL: Final = 2
APEX_TTL: Final = 3600
VALIDITY: Final = timedelta(days=14)


def now() -> datetime:
    """The clock's time in whole seconds, as signatures count it."""
    return datetime.now(UTC).replace(microsecond=0)


def validity() -> SignatureValidity:
    """Of signatures made now."""
    return SignatureValidity.starting(now(), VALIDITY)


def new_keys(origin: str) -> tuple[SigningKey, SigningKey]:
    """A KSK and a ZSK."""
    timing = KeyTiming.starting(now())
    key_signing = generate_ksk(origin, timing=timing)
    return key_signing, generate_zsk(origin, avoid=[key_signing.key_tag], timing=timing)


def soa(origin: str, *, ttl: int, negative_ttl: int, serial: int = 1) -> RRset:
    """An SOA record with small numbers."""
    return RRset.from_text(
        origin, ttl, "SOA", f"ns1.nic.{TLD} hostmaster.nic.{TLD} {serial} 60 60 86400 {negative_ttl}"
    )


class Parent:
    """The TLD: what it says of its children, at several servers.

    Attributes:
        zone: the TLD as it was last signed.
        servers: who serves it.
        hosts: the names of these servers.
        keys: what signs it.
    """

    def __init__(self, servers: Sequence[Authority], hosts: Sequence[str]) -> None:
        self.servers = tuple(servers)
        self.hosts = tuple(hosts)
        self.keys = new_keys(TLD)
        unsigned = Zone.from_rrsets(
            TLD,
            [
                soa(TLD, ttl=APEX_TTL, negative_ttl=NEGATIVE_TTL),
                RRset.from_text(TLD, APEX_TTL, "NS", *hosts),
                *_addresses(dict(zip(hosts, [server.address for server in servers], strict=True))),
            ],
        )
        self.zone = sign_zone(unsigned, self.keys, validity=validity())
        self._change = threading.Lock()
        self._behind: frozenset[Authority] = frozenset()

    def delegate(
        self,
        domain: str | Name,
        hosts: Iterable[str],
        *,
        ds: RRset | None = None,
        glue: Mapping[str, str] | None = None,
        ns_ttl: int = DELEGATION_TTL,
        servers: Sequence[Authority] | None = None,
    ) -> None:
        """Delegate a child, secure where there is a DS RRset; whatever was said of it before is gone.

        Args:
            domain: the child.
            hosts: the names of its servers, absolute.
            ds: its DS RRset, with the TTL it is to have.
            glue: addresses of servers within the child, by their names.
            ns_ttl: the TTL of the NS RRset and the glue.
            servers: those that learn of it now; every one unless told otherwise.
        """
        apex = _absolute(domain)

        def delegated(zone: Zone) -> Zone:
            zone = _without(_without(_without_glue(zone, apex), apex, "NS"), apex, "DS")
            return zone.replace(
                RRset.from_text(apex, ns_ttl, "NS", *hosts), *_addresses(glue or {}, ns_ttl), *([ds] if ds else [])
            )

        self.change(delegated, servers=servers)

    def change_ds(self, domain: str | Name, ds: RRset | None, *, servers: Sequence[Authority] | None = None) -> None:
        """Give a child another DS RRset, or none."""
        apex = _absolute(domain)
        self.change(lambda zone: zone.replace(ds) if ds else _without(zone, apex, "DS"), servers=servers)

    def change_ns(
        self,
        domain: str | Name,
        hosts: Iterable[str],
        *,
        glue: Mapping[str, str] | None = None,
        ttl: int = DELEGATION_TTL,
        servers: Sequence[Authority] | None = None,
    ) -> None:
        """Give a child another NS RRset and other glue."""
        apex = _absolute(domain)
        named = RRset.from_text(apex, ttl, "NS", *hosts)
        self.change(
            lambda zone: _without_glue(zone, apex).replace(named, *_addresses(glue or {}, ttl)), servers=servers
        )

    def add_addresses(self, addresses: Mapping[str, str]) -> None:
        """Know the addresses of name servers under the TLD, by their names."""
        self.change(lambda zone: zone.replace(*_addresses(addresses, APEX_TTL)))

    def change(self, change: Callable[[Zone], Zone], *, servers: Sequence[Authority] | None = None) -> None:
        """Change the zone in any way, sign it, and serve it at every server, or at some."""
        with self._change:
            self.zone = sign_zone(
                change(self.zone),
                self.keys,
                validity=validity(),
                serial=self.zone.serial + 1,
                reuse=Reuse(previous=self.zone, now=now()),
            )
            self.load(servers)

    def load(self, servers: Sequence[Authority] | None = None) -> None:
        """Serve the zone as it is now."""
        for server in self.servers if servers is None else servers:
            if server not in self._behind:
                server.load(self.zone)

    @contextmanager
    def leaving_behind(self, *servers: Authority) -> Iterator[None]:
        """Let no change reach these servers, whoever makes it, until the context ends: then they have them all."""
        with self._change:
            self._behind |= set(servers)
        try:
            yield
        finally:
            with self._change:
                self._behind -= set(servers)
                self.load(servers)


class Root:
    """The root zone, with the TLD in it and nothing else."""

    HOST: Final = "ns.rootserver."

    def __init__(self, server: Authority, tld: Parent, hosts: Sequence[str]) -> None:
        self.server = server
        self.keys = new_keys(".")
        unsigned = Zone.from_rrsets(
            ".",
            [
                soa(".", ttl=APEX_TTL, negative_ttl=NEGATIVE_TTL),
                RRset.from_text(".", APEX_TTL, "NS", self.HOST),
                *_addresses({self.HOST: server.address}),
                RRset.from_text(TLD, APEX_TTL, "NS", *hosts),
                *_addresses(dict(zip(hosts, [each.address for each in tld.servers], strict=True))),
                make_ds([tld.keys[0]], ttl=APEX_TTL),
            ],
        )
        self.zone = sign_zone(unsigned, self.keys, validity=validity())

    @property
    def hints(self) -> str:
        """The root hints, as a zone file."""
        return f". {APEX_TTL} IN NS {self.HOST}\n{self.HOST} {APEX_TTL} IN A {self.server.address}\n"

    @property
    def trust_anchor(self) -> RRset:
        """The DS RRset of the root's KSK."""
        return make_ds([self.keys[0]], ttl=APEX_TTL)


def _addresses(addresses: Mapping[str, str], ttl: int = APEX_TTL) -> list[RRset]:
    return [RRset.from_text(host, ttl, "A", address) for host, address in addresses.items()]


def _without(zone: Zone, owner: Name, rdtype: str) -> Zone:
    return zone if zone.get(owner, rdtype) is None else zone.remove(owner, rdtype)


def _without_glue(zone: Zone, apex: Name) -> Zone:
    if zone.get(apex, "NS") is None:
        return zone
    for rrset in zone.glue_of(apex):
        if rrset.name.is_subdomain(apex):
            zone = zone.remove(rrset.name, rrset.type_text)
    return zone


def _absolute(domain: str | Name) -> Name:
    return domain if isinstance(domain, Name) else dns.name.from_text(domain)
