"""The programs of BIND that bring a zone file into service: named-checkzone and rndc.

They are run as they are, without a shell, and believed by their exit code and words. What runs them is a
:class:`Runner`, which a test replaces by one of its own.
"""

from __future__ import annotations

import enum
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from zonekit.errors import BindError

_SHOWN_LINES: Final = 4
_SYSTEM_DIRECTORIES: Final = ("/usr/sbin", "/usr/local/sbin", "/sbin")  # where rndc is, and a user's PATH is not
_NOT_LOADED: Final = "zone not loaded"
_UP_TO_DATE: Final = "up-to-date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a program said.

    Attributes:
        exit_code: 0 where it is content.
        stdout: its standard output.
        stderr: its standard error.
    """

    exit_code: int
    stdout: str = ""
    stderr: str = ""


class Runner(Protocol):
    """What runs a program to its end."""

    def __call__(self, command: Sequence[str], *, timeout: timedelta) -> Finished:
        """Run it.

        Raises:
            BindError: it cannot be run, or does not end in time.
        """
        ...


def run_program(command: Sequence[str], *, timeout: timedelta) -> Finished:
    """Run a program to its end, in the C locale and with nothing to read.

    Raises:
        BindError: it cannot be run, or does not end in time.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_DIRECTORIES])
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C", "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=timeout.total_seconds(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BindError(
            f"{command[0]} did not end within {timeout.total_seconds():g} s",
            remedy="see what it waits for, such as a named that hangs, or give it more time",
        ) from None
    except OSError as error:
        raise BindError(
            f"{command[0]} cannot be run: {error.strerror or error}", remedy="install BIND's programs (bind9-utils)"
        ) from None
    return Finished(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckZone:
    """named-checkzone: whether named would load a zone file.

    Delegations and mail servers are looked up in the zone itself and not elsewhere (``-i local``), so that the verdict does
    not rest on what other servers answer.

    Attributes:
        program: its name or path.
        timeout: how long it may take.
        run: what runs it.
    """

    program: str = "named-checkzone"
    timeout: timedelta = timedelta(minutes=10)
    run: Runner = run_program

    def check(self, zone: str, path: str, *, shown: str) -> None:
        """Check a file.

        Args:
            zone: the name of the zone.
            path: the file.
            shown: what messages call the file.

        Raises:
            BindError: named-checkzone refuses it, or cannot be run.
        """
        done = self.run([self.program, "-i", "local", "--", zone, path], timeout=self.timeout)
        if done.exit_code != 0:
            said = _lines((done.stderr + done.stdout).replace(path, shown))
            raise BindError(f"{shown}: named-checkzone refuses it: {said}", remedy="mend the zone")


class Reload(enum.Enum):
    """What named says to a reload.

    BEGUN: it reads the file, or is going to; whether it then takes it is another question.
    UP_TO_DATE: it does not look into the file, which is no newer than what it has by its time of modification.
    """

    BEGUN = "begun"
    UP_TO_DATE = "up to date"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneStatus:
    """What named says of a zone (``rndc zonestatus``).

    Attributes:
        kind: ``primary``, ``secondary`` and so on; empty where the zone is not loaded.
        file: the file it is loaded from, as named.conf has it; None where the zone is not loaded or has none.
        serial: the serial that named has loaded; None where it has none.
        last_loaded: when it loaded a file last, in its own words; empty where it does not say.
        dynamic: whether named changes the zone itself, by dynamic update or because it signs it.
        inline_signing: whether named serves a version of the zone that it signed itself.
    """

    kind: str = ""
    file: str | None = None
    serial: int | None = None
    last_loaded: str = ""
    dynamic: bool = False
    inline_signing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rndc:
    """rndc, and how it reaches named; what is None is left to its own configuration.

    Attributes:
        config: its configuration file (``-c``).
        key_file: the file with the key (``-k``).
        server: the host on which named runs (``-s``).
        port: the port of its control channel (``-p``).
        view: the view that has the zone; needed where several have it.
        program: its name or path.
        timeout: how long it may take.
        run: what runs it.
    """

    config: str | None = None
    key_file: str | None = None
    server: str | None = None
    port: int | None = None
    view: str | None = None
    program: str = "rndc"
    timeout: timedelta = timedelta(seconds=60)
    run: Runner = run_program

    def reload(self, zone: str) -> Reload:
        """Have named read the zone's file again, and return what it says. Ask :meth:`status` what it has then.

        Raises:
            BindError: it refuses, or does not answer.
        """
        done = self._run("reload", zone)
        if done.exit_code != 0:
            raise self._refusal("reload", zone, done)
        return Reload.UP_TO_DATE if _UP_TO_DATE in done.stdout else Reload.BEGUN

    def status(self, zone: str) -> ZoneStatus:
        """Return what named says of the zone.

        Raises:
            BindError: it has no such zone, or does not answer.
        """
        done = self._run("zonestatus", zone)
        if done.exit_code != 0:
            if _NOT_LOADED in done.stderr:
                return ZoneStatus()
            raise self._refusal("zonestatus", zone, done)
        return parse_status(done.stdout)

    def _run(self, verb: str, zone: str) -> Finished:
        options = {"-c": self.config, "-k": self.key_file, "-s": self.server, "-p": self.port}
        words = [word for option, value in options.items() if value is not None for word in (option, str(value))]
        view = [] if self.view is None else ["IN", self.view]
        return self.run([self.program, *words, verb, zone, *view], timeout=self.timeout)

    def _refusal(self, verb: str, zone: str, done: Finished) -> BindError:
        return BindError(
            f"rndc {verb} {zone}: {_lines(done.stderr + done.stdout) or f'exit code {done.exit_code}'}",
            remedy="see that rndc reaches named, by which key, and that named has the zone",
        )


def parse_status(text: str) -> ZoneStatus:
    """Return what ``rndc zonestatus`` printed.

    >>> parse_status("name: example.nl\\ntype: primary\\nfiles: /etc/bind/example.nl\\nserial: 7\\ndynamic: no\\n").serial
    7
    """
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    serial, files = fields.get("serial", ""), fields.get("files", "")
    return ZoneStatus(
        kind=fields.get("type", ""),
        file=files.split(", ")[0] or None,  # the files that it includes come after
        serial=int(serial) if serial.isascii() and serial.isdigit() else None,
        last_loaded=fields.get("last loaded", ""),
        dynamic=fields.get("dynamic") == "yes",
        inline_signing=fields.get("inline signing") == "yes",
    )


def _lines(text: str) -> str:
    """The first lines of what a program said, as one."""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    more = ["..."] if len(said) > _SHOWN_LINES else []
    return " / ".join([*said[:_SHOWN_LINES], *more])
