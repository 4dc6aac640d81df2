"""Validating resolvers that trust the private root, keep nothing longer than its TTL, and forget failures soon.

Each has its settings in a table, which a test may change: ``{"serve-expired": "yes"}``. Debian's programs as they come:
what differs from a default is written here, with the reason where it is not plain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from tests.lab.addresses import DNS_PORT
from tests.lab.parent import Root
from tests.lab.processes import Reaper, Server


class Resolver(Server):
    """A program that finds out for others.

    Attributes:
        settings: what its configuration says, by the program's own words.
        forward_to: the address of the resolver that it asks instead of the authoritative servers.
    """

    version_words: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        name: str,
        address: str,
        directory: Path,
        watcher: Reaper,
        *,
        root: Root,
        settings: Mapping[str, str] | None = None,
        forward_to: str | None = None,
    ) -> None:
        super().__init__(name, address, directory, watcher)
        self.root = root
        self.forward_to = forward_to
        self.settings = {**self.usual_settings(), **(settings or {})}

    def usual_settings(self) -> dict[str, str]:
        """The settings of the laboratory."""
        raise NotImplementedError

    @property
    def trust_anchor(self) -> str:
        """The root's DS record: key tag, algorithm, digest type and digest."""
        return self.root.trust_anchor.text().split(" DS ", 1)[1]

    def _write(self, file: str, text: str) -> None:
        (self.directory / file).write_text(text)


class Unbound(Resolver):
    """Unbound."""

    program = "unbound"
    version_words = ("-V",)

    def usual_settings(self) -> dict[str, str]:
        return {
            "module-config": '"validator iterator"',
            "num-threads": "1",
            "cache-min-ttl": "0",
            "val-bogus-ttl": "1",
            "infra-host-ttl": "5",  # a server that was away is asked again soon
            "infra-keep-probing": "yes",
            "unknown-server-time-limit": "50",  # nobody is far away: who does not answer soon is down
            "outbound-msg-retry": "20",  # so long a cache that is forwarded to may take to find out
            "qname-minimisation": "no",
            "serve-expired": "no",
        }

    def configure(self) -> None:
        lines = "".join(f"    {name}: {value}\n" for name, value in self.settings.items())
        forward = f'forward-zone:\n    name: "."\n    forward-addr: {self.forward_to}\n' if self.forward_to else ""
        self._write("root.hints", self.root.hints)
        self._write(
            "unbound.conf",
            f"""server:
    directory: "{self.directory}"
    interface: {self.address}
    port: {DNS_PORT}
    username: ""
    chroot: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    val-log-level: 2
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: no
    do-ip6: no
    root-hints: "root.hints"
    trust-anchor: ". DS {self.trust_anchor}"
{lines}remote-control:
    control-enable: no
{forward}""",
        )

    def arguments(self) -> Sequence[str]:
        return ["-d", "-p", "-c", "unbound.conf"]


class UnboundHardened(Unbound):
    """Unbound that wants a signature of every algorithm in the DS RRset."""

    def usual_settings(self) -> dict[str, str]:
        return {**super().usual_settings(), "harden-algo-downgrade": "yes"}


class UnboundCache(Unbound):
    """Unbound that does not validate: a cache which others forward to."""

    def usual_settings(self) -> dict[str, str]:
        return {**super().usual_settings(), "module-config": '"iterator"'}


class Named(Resolver):
    """BIND's named as a resolver. What it found bogus it keeps for 30 s, whatever ``lame-ttl`` says."""

    program = "named"
    version_words = ("-v",)

    def usual_settings(self) -> dict[str, str]:
        return {
            "dnssec-validation": "yes",
            "qname-minimization": "off",
            "servfail-ttl": "0",
            "lame-ttl": "0",
            "stale-answer-enable": "no",
            "stale-cache-enable": "no",
            "min-cache-ttl": "0",
            "min-ncache-ttl": "0",
            "empty-zones-enable": "no",
        }

    def configure(self) -> None:
        lines = "".join(f"    {name} {value};\n" for name, value in self.settings.items())
        forward = f"forward only; forwarders {{ {self.forward_to}; }};\n" if self.forward_to else ""
        tag, algorithm, digest_type, digest = self.trust_anchor.split(maxsplit=3)
        self._write("root.hints", self.root.hints)
        self._write(
            "named.conf",
            f"""options {{
    directory "{self.directory}";
    pid-file none; session-keyfile none; lock-file none;
    listen-on port {DNS_PORT} {{ {self.address}; }}; listen-on-v6 {{ none; }};
    allow-query {{ any; }}; allow-recursion {{ any; }}; allow-query-cache {{ any; }};
    recursion yes; notify no;
{forward}{lines}}};
controls {{ }};
trust-anchors {{ . static-ds {tag} {algorithm} {digest_type} "{digest}"; }};
zone "." {{ type hint; file "root.hints"; }};
""",
        )

    def arguments(self) -> Sequence[str]:
        return ["-g", "-4", "-n", "1", "-c", "named.conf"]


class PdnsRecursor(Resolver):
    """PowerDNS Recursor."""

    program = "pdns_recursor"
    version_words = ("--version",)

    def usual_settings(self) -> dict[str, str]:
        return {
            "dnssec": "validate",
            "threads": "1",
            "minimum-ttl-override": "0",
            "max-cache-bogus-ttl": "1",
            "disable-packetcache": "yes",
            "qname-minimization": "no",
            "server-down-throttle-time": "2",
            "non-resolving-ns-throttle-time": "2",
            "dont-query": "",
            "serve-stale-extensions": "0",
            "dnssec-log-bogus": "yes",
            "security-poll-suffix": "",
        }

    def configure(self) -> None:
        lines = "".join(f"{name}={value}\n" for name, value in self.settings.items())
        self._write("root.hints", self.root.hints)
        forward = f"forward-zones-recurse=.={self.forward_to}\n" if self.forward_to else ""
        self._write("anchors.lua", f'clearDS(".")\naddDS(".", "{self.trust_anchor}")\n')
        self._write(
            "recursor.conf",
            f"local-address={self.address}\nlocal-port={DNS_PORT}\nsocket-dir={self.directory}\ndaemon=no\n"
            f"write-pid=no\nallow-from=127.0.0.0/8\nhint-file={self.directory / 'root.hints'}\n"
            f"lua-config-file={self.directory / 'anchors.lua'}\nloglevel=4\n{forward}{lines}",
        )

    def arguments(self) -> Sequence[str]:
        return [f"--config-dir={self.directory}"]


class KnotResolver(Resolver):
    """Knot Resolver; its settings are Lua: what is called or assigned, and the rest of the statement."""

    program = "kresd"
    version_words = ("--version",)

    def usual_settings(self) -> dict[str, str]:
        return {
            "cache.min_ttl": "(0)",
            "option": "('ALLOW_LOCAL', true)",
        }

    def configure(self) -> None:
        lines = "".join(f"{name}{value}\n" for name, value in self.settings.items())
        forward = f"policy.add(policy.all(policy.FORWARD('{self.forward_to}')))\n" if self.forward_to else ""
        self._write("root.hints", self.root.hints)
        self._write(
            "kresd.conf",
            f"""net.listen('{self.address}', {DNS_PORT}, {{ kind = 'dns' }})
net.ipv6 = false
cache.open(20 * MB, 'lmdb://{self.directory / "cache"}')
modules.unload('ta_signal_query')
modules.unload('priming')
modules.unload('detect_time_skew')
modules.load('hints')
hints.root_file('{self.directory / "root.hints"}')
trust_anchors.add('. IN DS {self.trust_anchor}')
modules.load('bogus_log')
{forward}{lines}""",
        )

    def arguments(self) -> Sequence[str]:
        return ["-n", "-c", str(self.directory / "kresd.conf"), str(self.directory)]


USUAL: Mapping[str, type[Resolver]] = {
    "unbound": Unbound,
    "unbound-hardened": UnboundHardened,
    "named": Named,
    "pdns-recursor": PdnsRecursor,
    "kresd": KnotResolver,
}
"""The resolvers that a laboratory has unless told otherwise, beside one that forwards to a cache."""
