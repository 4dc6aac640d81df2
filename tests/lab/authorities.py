"""Authoritative servers: named, Knot and NSD serving zone files, named signing by itself, PowerDNS signing live."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import dns.query
import dns.rcode
import dns.rrset
import dns.update
from dns.name import Name

from tests.lab.addresses import DNS_PORT
from tests.lab.asking import TIMEOUT_SECONDS, serial_at
from tests.lab.processes import Reaper, Server
from zonekit.files import write_zone
from zonekit.zones import Zone

_PDNS_SCHEMA: Final = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")


def file_name(origin: Name) -> str:
    """The name of a zone's file."""
    return f"{_plain(origin) or 'root'}.zone"


def _plain(origin: Name) -> str:
    return origin.to_text(omit_final_dot=True).rstrip(".")


class Authority(Server):
    """A server that answers from zones; several threads may change different ones."""

    def __init__(self, name: str, address: str, directory: Path, watcher: Reaper) -> None:
        super().__init__(name, address, directory, watcher)
        self._zones: dict[Name, str] = {}
        self._change = threading.Lock()

    def load(self, zone: Zone) -> None:
        """Serve this zone, or this new version of it, just as it is, and wait until it does."""
        with self._change:
            write_zone(zone, self.zone_file(zone.origin))
            stanza = self.stanza(zone.origin)
            known = self._zones.get(zone.origin) == stanza
            self._zones[zone.origin] = stanza
            if known:
                self.reload(zone.origin)
            else:
                self.reconfigure()
        self.wait_for_serial(zone.origin, zone.serial)

    def drop(self, origin: Name) -> None:
        """Answer for this zone no more."""
        with self._change:
            del self._zones[origin]
            self.reconfigure()
        self.wait(lambda: serial_at(self.address, origin) is None, f"goes on serving {origin}")

    def wait_for_serial(self, origin: Name, serial: int) -> None:
        """Wait until it answers with this serial, or one that is ahead of it for it signs by itself."""
        self.wait(lambda: (serial_at(self.address, origin) or -1) >= serial, f"does not serve {origin} {serial}")

    def zone_file(self, origin: Name) -> Path:
        """Where the file of a zone is."""
        return self.directory / file_name(origin)

    def stanza(self, origin: Name) -> str:
        """What the configuration says of a zone that is served as it is."""
        raise NotImplementedError

    def reconfigure(self) -> None:
        """Take the list of zones anew."""
        raise NotImplementedError

    def reload(self, origin: Name) -> None:
        """Read one zone's file again."""
        raise NotImplementedError


class NamedServer(Authority):
    """BIND's named."""

    program = "named"

    def stanza(self, origin: Name) -> str:
        return f'zone "{origin}" {{ type primary; file "{self.zone_file(origin)}"; }};\n'

    def sign(self, zone: Zone, *, policy: str, inline: bool, secondaries: Iterable[str] = ()) -> None:
        """Serve an unsigned zone that named signs with keys of its own; :meth:`update` changes it.

        Args:
            zone: the unsigned zone.
            policy: the statements of a ``dnssec-policy``.
            inline: whether named keeps the signed version beside the file, or in it; then it drops DNSKEYs that it is given.
            secondaries: the addresses that are told of every change.
        """
        name = _plain(zone.origin)
        told = "".join(f"{address}; " for address in secondaries)
        stanza = (
            f'dnssec-policy "{name}" {{ {policy} }};\n'
            f'zone "{zone.origin}" {{ type primary; file "{file_name(zone.origin)}"; dnssec-policy "{name}";'
            f" inline-signing {'yes' if inline else 'no'}; notify explicit; also-notify {{ {told}}};"
            " allow-update { any; }; };\n"
        )
        with self._change:
            write_zone(zone, self.directory / file_name(zone.origin))
            self._zones[zone.origin] = stanza
            self.reconfigure()
        self.wait_for_serial(zone.origin, zone.serial)

    def follow(self, origin: Name, primary: str) -> None:
        """Serve what another server has of a zone."""
        stanza = (
            f'zone "{origin}" {{ type secondary; file "{file_name(origin)}"; primaries {{ {primary}; }};'
            " allow-notify { any; }; min-refresh-time 1; min-retry-time 1; };\n"
        )
        with self._change:
            self._zones[origin] = stanza
            self.reconfigure()
        self.wait(lambda: serial_at(self.address, origin) is not None, f"does not get {origin} from {primary}")

    def update(
        self,
        origin: Name,
        *,
        add: Iterable[dns.rrset.RRset] = (),
        delete: Iterable[tuple[Name, str]] = (),
        remove: Iterable[dns.rrset.RRset] = (),
    ) -> None:
        """Change a zone by dynamic update (RFC 2136): whole RRsets go first, then records come, then single ones go."""
        message = dns.update.UpdateMessage(origin)
        for owner, rdtype in delete:
            message.delete(owner, rdtype)
        for rrset in add:
            message.add(rrset.name, rrset)
        for rrset in remove:
            message.delete(rrset.name, rrset)
        response = dns.query.tcp(message, self.address, timeout=TIMEOUT_SECONDS, port=DNS_PORT)
        assert response.rcode() == dns.rcode.NOERROR, f"{self.name}: update of {origin}: {response}"

    def configure(self) -> None:
        (self.directory / "named.conf").write_text(
            f"""options {{
                directory "{self.directory}";
                pid-file none; session-keyfile none; lock-file none;
                listen-on port {DNS_PORT} {{ {self.address}; }}; listen-on-v6 {{ none; }};
                recursion no; dnssec-validation no; empty-zones-enable no;
                allow-transfer {{ any; }}; notify no; notify-delay 0; startup-notify-rate 1000;
            }};
            key "lab" {{ algorithm hmac-sha256; secret "emFrZW4gZG9lbg=="; }};
            controls {{ inet {self.address} port 953 allow {{ any; }} keys {{ "lab"; }}; }};
            include "zones.conf";
            """
        )
        (self.directory / "rndc.conf").write_text(
            'key "lab" { algorithm hmac-sha256; secret "emFrZW4gZG9lbg=="; };\n'
            f'options {{ default-key "lab"; default-server {self.address}; default-port 953; }};\n'
        )
        self._list_zones()

    def arguments(self) -> Sequence[str]:
        return ["-g", "-n", "1", "-c", "named.conf"]

    def reconfigure(self) -> None:
        self._list_zones()
        self.rndc("reconfig")

    def reload(self, origin: Name) -> None:
        self.rndc("reload", origin.to_text())

    def rndc(self, *words: str) -> str:
        """Tell it something by its control channel."""
        return self.run("rndc", "-c", "rndc.conf", *words)

    def _list_zones(self) -> None:
        (self.directory / "zones.conf").write_text("".join(self._zones.values()))


class KnotServer(Authority):
    """Knot DNS."""

    program = "knotd"

    def stanza(self, origin: Name) -> str:
        return f'  - domain: "{origin}"\n    file: "{file_name(origin)}"\n'

    def configure(self) -> None:
        (self.directory / "knot.conf").write_text(
            f"""server:
    listen: "{self.address}@{DNS_PORT}"
    rundir: "{self.directory}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: "knot.sock"
database:
    storage: "{self.directory}"
log:
  - target: stderr
    any: info
template:
  - id: default
    storage: "{self.directory}"
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
{"".join(self._zones.values())}"""
        )

    def arguments(self) -> Sequence[str]:
        return ["-c", "knot.conf"]

    def wait_until_ready(self) -> None:
        super().wait_until_ready()
        self.wait((self.directory / "knot.sock").exists, "has no control socket")

    def reconfigure(self) -> None:
        self.configure()
        self._knotc("reload")

    def reload(self, origin: Name) -> None:
        self._knotc("zone-reload", origin.to_text())

    def _knotc(self, *words: str) -> str:
        return self.run("knotc", "-s", str(self.directory / "knot.sock"), "-b", *words)


class NsdServer(Authority):
    """NSD."""

    program = "nsd"

    def stanza(self, origin: Name) -> str:
        return f'zone:\n    name: "{origin}"\n    zonefile: "{file_name(origin)}"\n'

    def configure(self) -> None:
        (self.directory / "nsd.conf").write_text(
            f"""server:
    ip-address: {self.address}@{DNS_PORT}
    server-count: 1
    username: ""
    chroot: ""
    database: ""
    zonesdir: "{self.directory}"
    pidfile: "{self.directory / "nsd.pid"}"
    xfrdfile: "{self.directory / "xfrd.state"}"
    xfrdir: "{self.directory}"
    zonelistfile: "{self.directory / "zone.list"}"
    rrl-ratelimit: 0
remote-control:
    control-enable: yes
    control-interface: "{self.directory / "nsd.sock"}"
{"".join(self._zones.values())}"""
        )

    def arguments(self) -> Sequence[str]:
        return ["-d", "-c", str(self.directory / "nsd.conf")]

    def wait_until_ready(self) -> None:
        super().wait_until_ready()
        self.wait((self.directory / "nsd.sock").exists, "has no control socket")

    def reconfigure(self) -> None:
        self.configure()
        self._control("reconfig")

    def reload(self, origin: Name) -> None:
        self._control("reload", origin.to_text(omit_final_dot=True))

    def _control(self, *words: str) -> str:
        return self.run("nsd-control", "-c", str(self.directory / "nsd.conf"), *words)


class PdnsServer(Authority):
    """PowerDNS with its SQLite backend; several may share one database, which is how it replicates natively."""

    program = "pdns_server"

    def __init__(
        self, name: str, address: str, directory: Path, watcher: Reaper, *, sharing: PdnsServer | None = None
    ) -> None:
        super().__init__(name, address, directory, watcher)
        self.database: Path = sharing.database if sharing else self.directory / "pdns.sqlite3"

    def load(self, zone: Zone) -> None:
        """Put this zone into the database: it serves a signed one as it is, and signs an unsigned one once secured."""
        origin = zone.origin.to_text(omit_final_dot=True)
        path = self.directory / file_name(zone.origin)
        write_zone(zone, path)
        self.pdnsutil("load-zone", origin, str(path))
        if zone.signatures("@", "SOA") is not None:
            self.pdnsutil("set-presigned", origin)
        self.wait_for_serial(zone.origin, zone.serial)

    def drop(self, origin: Name) -> None:
        if serial_at(self.address, origin) is not None:  # else another server of the database has dropped it
            self.pdnsutil("delete-zone", origin.to_text(omit_final_dot=True))
        self.wait(lambda: serial_at(self.address, origin) is None, f"goes on serving {origin}")

    def pdnsutil(self, *words: str) -> str:
        """Run pdnsutil on the database: ``secure-zone``, ``add-zone-key``, ``replace-rrset``, ``increase-serial``..."""
        return self.run("pdnsutil", "--config-dir", str(self.directory), *words)

    def configure(self) -> None:
        if not self.database.exists():
            with closing(sqlite3.connect(self.database)) as database:
                database.executescript(_PDNS_SCHEMA.read_text())
        (self.directory / "pdns.conf").write_text(
            f"""launch=gsqlite3
gsqlite3-database={self.database}
gsqlite3-dnssec=yes
direct-dnskey=yes
default-ksk-algorithm=ecdsa256
default-zsk-algorithm=ecdsa256
local-address={self.address}
local-port={DNS_PORT}
socket-dir={self.directory}
daemon=no
guardian=no
security-poll-suffix=
receiver-threads=1
distributor-threads=1
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
dnssec-key-cache-ttl=0
zone-metadata-cache-ttl=0
disable-axfr=yes
loglevel=4
"""
        )

    def arguments(self) -> Sequence[str]:
        return ["--config-dir=" + str(self.directory)]
