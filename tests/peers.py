"""The other programs that zonekit is held against: where they are, and what the DNS ones say about a zone file.

A test asks for a program with :func:`require_peer`, which skips the test when the program is missing, or fails it when
``ZONEKIT_REQUIRE_PEERS=1``. ``python -m tests.peers names`` lists the Debian packages that hold them all, and ``missing``
those that are not installed, for ``make peers``.

A peer judges signatures by an instant that the test gives, so that a verdict never depends on the day: ldns and Knot take
it as an option; BIND's programs have none and run under libfaketime.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

REQUIRED: Final = "ZONEKIT_REQUIRE_PEERS"
TIMEOUT_SECONDS: Final = 120.0

_PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "bind9": ("named",),
    "bind9-dnsutils": ("delv", "dig", "nsupdate"),
    "bind9-utils": (
        "dnssec-dsfromkey",
        "dnssec-keygen",
        "dnssec-revoke",
        "dnssec-settime",
        "dnssec-signzone",
        "dnssec-verify",
        "named-checkconf",
        "named-checkzone",
        "named-compilezone",
        "rndc",
    ),
    "faketime": ("faketime",),
    "iproute2": ("ip",),
    "knot": ("keymgr", "knotc", "knotd"),
    "knot-dnssecutils": ("knsec3hash", "kzonecheck", "kzonesign"),
    "knot-resolver": ("kresd",),
    "ldnsutils": (
        "ldns-compare-zones",
        "ldns-key2ds",
        "ldns-keygen",
        "ldns-nsec3-hash",
        "ldns-signzone",
        "ldns-verify-zone",
    ),
    "libnet-epp-perl": ("Net::EPP::Client",),
    "nsd": ("nsd", "nsd-checkconf", "nsd-checkzone", "nsd-control"),
    "pdns-backend-bind": (),
    "pdns-backend-sqlite3": (),
    "pdns-recursor": ("pdns_recursor",),
    "pdns-server": ("pdns_server", "pdnsutil"),
    "perl-base": ("perl",),
    "unbound": ("unbound", "unbound-checkconf"),
}
PACKAGE_OF: Final[Mapping[str, str]] = {
    program: package for package, programs in _PACKAGES.items() for program in programs
}

_PERL_MODULES: Final = Path("/usr/share/perl5")
_SEARCH_PATH: Final = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/bin", "/bin"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one program said about one zone.

    Attributes:
        program: its name.
        accepted: whether it left with exit code 0.
        output: everything it printed, standard output first.
    """

    program: str
    accepted: bool
    output: str

    def __str__(self) -> str:
        return f"{self.program} {'accepts' if self.accepted else 'refuses'} the zone:\n{self.output}"


def find_peer(program: str) -> str | None:
    """Return the path of ``program``, or None: it is looked for in PATH and where Debian puts servers or Perl modules."""
    if "::" in program:
        module = _PERL_MODULES / f"{program.replace('::', '/')}.pm"
        return str(module) if module.is_file() else None
    return shutil.which(program, path=_SEARCH_PATH)


def missing_peers() -> list[str]:
    """Return the programs of the table that this machine does not have, sorted."""
    return sorted(program for program in PACKAGE_OF if find_peer(program) is None)


def require_peer(program: str) -> str:
    """Return the path of ``program``, or skip the calling test; fail it when ``ZONEKIT_REQUIRE_PEERS=1``."""
    import pytest

    package = PACKAGE_OF[program]
    path = find_peer(program)
    if path is None:
        reason = f"{program} is missing: run `make peers` (Debian package {package})"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path


def run_peer(
    command: Sequence[str | os.PathLike[str]],
    *,
    cwd: str | os.PathLike[str] | None = None,
    input: str = "",  # noqa: A002 (the name that subprocess gives it)
    at: datetime | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a peer program, named by its table entry, to its end; never raises for its exit code.

    With ``at`` its clock stands still at that instant, by libfaketime: for programs that have no option for it.
    """
    program, *arguments = [os.fspath(word) for word in command]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("FAKETIME", "LD_"))},
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    if at is not None:
        environment |= _clock_standing_at(at)
    return subprocess.run(
        [require_peer(program), *arguments],
        cwd=cwd,
        input=input,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
        env=environment,
        timeout=timeout,
        check=False,
    )


def _clock_standing_at(instant: datetime) -> dict[str, str]:
    """The environment under which libfaketime shows a program this instant.

    BIND's programs take their memory from jemalloc, which reads the clock while it starts. libfaketime is not ready by
    then, asks jemalloc for memory, and both wait for each other for ever. Loading libc right after it gives it libc's
    memory instead. The monotonic clock is left running, for whatever waits by it.
    """
    require_peer("faketime")
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert libraries, "faketime is installed, and its library is not in /usr/lib/*/faketime"
    return {
        "LD_PRELOAD": f"{libraries[0]}:libc.so.6",
        "FAKETIME": _utc(instant).strftime("%Y-%m-%d %H:%M:%S"),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _utc(instant: datetime) -> datetime:
    assert instant.utcoffset() is not None, "an instant is aware"
    return instant.astimezone(UTC)


def _absolute(origin: str) -> str:
    return origin if origin.endswith(".") else f"{origin}."


def _judge(command: Sequence[str | os.PathLike[str]], at: datetime | None = None) -> Verdict:
    done = run_peer(command, at=at)
    return Verdict(
        program=os.fspath(command[0]), accepted=done.returncode == 0, output=(done.stdout + done.stderr).strip()
    )


def dnssec_verify(zone_path: str | os.PathLike[str], origin: str, now: datetime, *options: str) -> Verdict:
    """BIND's verdict on a signed zone, at ``now``. The option ``-z`` lets one CSK sign everything."""
    return _judge(["dnssec-verify", *options, "-o", _absolute(origin), zone_path], at=now)


def ldns_verify_zone(zone_path: str | os.PathLike[str], now: datetime, *options: str) -> Verdict:
    """ldns's verdict on a signed zone, at ``now``. It finds the origin in the SOA record, and refuses opt-out."""
    return _judge(["ldns-verify-zone", "-V2", "-t", f"{_utc(now):%Y%m%d%H%M%S}", *options, zone_path])


def kzonecheck(zone_path: str | os.PathLike[str], origin: str, now: datetime, *options: str) -> Verdict:
    """Knot's verdict on a signed zone, at ``now``; to Knot a signature has expired in its last second already."""
    return _judge(
        ["kzonecheck", "-d", "on", "-t", f"{_utc(now):%Y%m%d%H%M%S}", "-o", _absolute(origin), *options, zone_path]
    )


def named_checkzone(zone_path: str | os.PathLike[str], origin: str, *options: str) -> Verdict:
    """named's verdict on whether it would load a zone; it looks at no signature and asks no other server."""
    return _judge(["named-checkzone", "-i", "local", *options, _absolute(origin), zone_path])


def named_compilezone(
    zone_path: str | os.PathLike[str], origin: str, output_path: str | os.PathLike[str], *options: str
) -> Verdict:
    """named's verdict on a zone, and at ``output_path`` what it read: one record a line, with every TTL and class."""
    return _judge(
        ["named-compilezone", "-i", "local", "-s", "full", *options, "-o", output_path, _absolute(origin), zone_path]
    )


def assert_accepted(verdict: Verdict) -> None:
    """Fail with the program's own words unless it accepted the zone."""
    assert verdict.accepted, str(verdict)


def assert_dnssec_verify_accepts(zone_path: str | os.PathLike[str], origin: str, now: datetime, *options: str) -> None:
    """Fail with BIND's own words unless dnssec-verify accepts the zone at ``now``."""
    assert_accepted(dnssec_verify(zone_path, origin, now, *options))


def assert_every_verifier_accepts(zone_path: str | os.PathLike[str], origin: str, now: datetime) -> None:
    """Fail unless BIND, ldns and Knot all accept the signed zone at ``now``."""
    for verdict in (
        dnssec_verify(zone_path, origin, now),
        ldns_verify_zone(zone_path, now),
        kzonecheck(zone_path, origin, now),
    ):
        assert_accepted(verdict)


def missing_packages() -> list[str]:
    """Return the Debian packages of the table that are not installed, sorted."""
    return [package for package in sorted(_PACKAGES) if not _is_installed(package)]


def _is_installed(package: str) -> bool:
    query = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return query.stdout == "installed"


if __name__ == "__main__":
    for name in missing_packages() if sys.argv[1:] == ["missing"] else sorted(_PACKAGES):
        print(name)
