"""A laboratory: addresses, a root, a TLD, operators and resolvers that come and go together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from tests.lab.addresses import Addresses
from tests.lab.authorities import Authority, NamedServer, PdnsServer
from tests.lab.client import Client, Watched
from tests.lab.operators import SERVERS, Operator
from tests.lab.parent import TLD, Parent, Root
from tests.lab.processes import Reaper, Server, reaper
from tests.lab.resolvers import USUAL, Resolver, Unbound, UnboundCache

BEHIND_CACHE: Final = "unbound-behind-cache"
TLD_HOSTS: Final = (f"ns1.nic.{TLD}", f"ns2.nic.{TLD}")
A = TypeVar("A", bound=Authority)
R = TypeVar("R", bound=Resolver)


class Lab:
    """Everything that was started.

    Attributes:
        root: the root zone and its server.
        parent: the TLD and its servers.
        resolvers: those that the client asks, by name.
        servers: every server there is.
    """

    root: Root
    parent: Parent

    def __init__(self, directory: Path, addresses: Addresses, watcher: Reaper) -> None:
        self.directory = directory
        self.resolvers: dict[str, Resolver] = {}
        self.servers: list[Server] = []
        self._addresses = addresses
        self._reaper = watcher

    @classmethod
    @contextmanager
    def started(cls, directory: Path, *, resolvers: Mapping[str, type[Resolver]] = USUAL) -> Iterator[Lab]:
        """A laboratory with a root, a TLD and these resolvers; everything in it has ended when the context does.

        Raises:
            NoAddresses: port 53 cannot be bound on loopback.
        """
        with Addresses.reserved() as addresses, reaper() as watcher:
            lab = cls(directory, addresses, watcher)
            try:
                lab._start_parents()
                lab._start_resolvers(resolvers)
                yield lab
            finally:
                lab.stop()

    def stop(self) -> None:
        """End everything."""
        for server in reversed(self.servers):
            server.stop()

    def log_tails(self) -> str:
        """The end of every server's log."""
        return "\n".join(server.log_tail() for server in self.servers)

    # ---- who is in it -----------------------------------------------------------------------------------------------

    def operator(self, name: str, kind: type[A]) -> Operator[A]:
        """A new operator of this name, with two servers of one kind, whose names the TLD knows."""
        servers = self._start_authorities([f"{name}{number}" for number in range(1, SERVERS + 1)], kind)
        hosts = tuple(f"ns{number}.{name}.operators.{TLD}" for number in range(1, SERVERS + 1))
        self.parent.add_addresses(dict(zip(hosts, [server.address for server in servers], strict=True)))
        for server in servers:
            server.wait_until_ready()
        return Operator(name=name, servers=servers, hosts=hosts)

    def resolver(
        self,
        name: str,
        kind: type[R],
        settings: Mapping[str, str] | None = None,
        *,
        forward_to: Server | None = None,
    ) -> R:
        """A new resolver with some settings of its own, started and not waited for; clients made later ask it too."""
        made = kind(
            name,
            self._addresses.new(),
            self.directory,
            self._reaper,
            root=self.root,
            settings=settings,
            forward_to=forward_to.address if forward_to else None,
        )
        self._start(made)
        self.resolvers[name] = made
        return made

    def behind_cache(
        self,
        name: str,
        kind: type[R],
        settings: Mapping[str, str] | None = None,
        cache_settings: Mapping[str, str] | None = None,
    ) -> R:
        """A new resolver that forwards to a cache of its own, which does not validate."""
        cache = self.resolver(f"{name}-cache", UnboundCache, cache_settings)
        del self.resolvers[cache.name]
        return self.resolver(name, kind, settings, forward_to=cache)

    def client(self, watched: Iterable[Watched], **options: float) -> Client:
        """A client that asks every resolver there is now about these domains; a context that runs it."""
        addresses = {name: resolver.address for name, resolver in self.resolvers.items()}
        return Client(addresses, watched, **options)

    def _start_parents(self) -> None:
        root, *tld = self._start_authorities(["root", "tld1", "tld2"], NamedServer)
        self.parent = Parent(tld, TLD_HOSTS)
        self.root = Root(root, self.parent, TLD_HOSTS)
        for each in (root, *tld):
            each.wait_until_ready()
        root.load(self.root.zone)
        self.parent.load()

    def _start_resolvers(self, kinds: Mapping[str, type[Resolver]]) -> None:
        for name, kind in kinds.items():
            self.resolver(name, kind)
        if kinds is USUAL:
            self.behind_cache(BEHIND_CACHE, Unbound)
        for server in self.servers:
            server.wait_until_ready()

    def _start_authorities(self, names: Iterable[str], kind: type[A]) -> tuple[A, ...]:
        servers: list[A] = []
        for name in names:
            place = (name, self._addresses.new(), self.directory, self._reaper)
            if servers and isinstance(servers[0], PdnsServer):
                servers.append(kind(*place, sharing=servers[0]))  # type: ignore[call-arg]
            else:
                servers.append(kind(*place))
            self._start(servers[-1])
        return tuple(servers)

    def _start(self, server: Server) -> None:
        self.servers.append(server)
        server.start()
