"""Configuration for the Knot programs: everything in one directory, nothing that a zone's signing does not need."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from tests.bench.inputs import DenialKind
from tests.bench.lab import VALIDITY

_CONFIG: Final = """\
server:
  rundir: "{directory}"
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: {threads}
database:
  storage: "{directory}"
log:
  - target: stderr
    any: error
policy:
  - id: bench
    manual: {manual}
    algorithm: ecdsap256sha256
    single-type-signing: off
    signing-threads: {threads}
    nsec3: {nsec3}
    nsec3-iterations: 0
    nsec3-salt-length: 0
    cds-cdnskey-publish: none
    rrsig-lifetime: {lifetime}
{refresh}template:
  - id: default
    storage: "{zones}"
    file: "{file}"
    zonefile-load: whole
    zonefile-sync: 0
    journal-content: none
    dnssec-signing: on
    dnssec-policy: bench
zone:
"""


class Keys(Enum):
    """Where Knot's keys come from: ``keymgr import-bind``, or itself."""

    IMPORTED = "on"
    GENERATED = "off"


def write_config(
    directory: Path,
    zones: Path,
    file: str,
    origins: Iterable[str],
    *,
    keys: Keys,
    threads: int,
    denial: DenialKind = DenialKind.NSEC,
    lifetime: timedelta = VALIDITY,
    refresh: timedelta | None = None,
) -> Path:
    """Write knot.conf and return its path. Each zone stands in ``file`` below ``zones``, its origin in place of ``%s``.

    A signed zone is written to its file at once, and to no journal. Without ``refresh``, Knot's own holds.
    """
    head = _CONFIG.format(
        directory=os.fspath(directory),
        zones=os.fspath(zones),
        port=_free_port(),
        threads=threads,
        file=file,
        manual=keys.value,
        nsec3="on" if denial is DenialKind.NSEC3 else "off",
        lifetime=int(lifetime.total_seconds()),
        refresh="" if refresh is None else f"    rrsig-refresh: {int(refresh.total_seconds())}\n",
    )
    path = directory / "knot.conf"
    path.write_text(head + "".join(f"  - domain: {origin}\n" for origin in origins))
    return path


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
